"""The largest singular value: the edge of the spectrum, less the largest value's distance from it.

With N(y) = sum lambda^2 / (lambda^2 + y), m rows and n columns of independent features have a spectrum that ends at the
least value of -z(-t) = t (1 + M / m) (1 + M / n), M = -N(-t), over t > lambda_1^2 (Silverstein and Choi 1995). Of k
nearly equal values the largest lies below that edge by a known share of what the Tracy-Widom law says for large k.
How far it lies from lambda_1^2 is then scaled by how far the functions at hand split (splitting.py).

Rows that lie close together move the edge up. With g = lambda^2 / (t - lambda^2) and D(b, b') = sum_k g_k psi_k(b)
psi_k(b'), two rows add log(1 - (D / m)^2) + (D / m)^2 to F of self_consistent.py: log det of two scatterers, less what
independent features have of it. Its first term, for rows and columns together, is

    C = -(1 / m^2 + 1 / n^2) E D^4 / 4,    E D^4 = M^2 (sum g^2) E kappa^4 / E kappa^2,

kappa being D over its value at b' = b. F + C is stationary where log s^2 = log(-z(-t)) - dC / dM, and the edge is
where that is least. sigma_1 sees the few largest modes alone, which no single row carries: unlike counts, it needs no
weights of rows.

Between draws sigma_1^2 varies for two reasons. All values near the top follow the mean of D(b) over the rows and over
the columns, which has the relative variance (1 / m + 1 / n) Var D / M^2. The rest is Tracy and Widom's variance, less
what independent features share of it, scaled by splitting^2. ||S||_F^2 varies as D does at large t.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from rankkit.law.finite.splitting import Leverage
from rankkit.law.limit.staircase import Staircase

__all__ = ["Largest", "largest"]

NEAREST = 1e-9  # relative distance of the edge from lambda_1^2 below which both are one
HALVINGS = 30  # of the bracket of the edge, to 1e-7 of its distance: there the square is least
TRACY_WIDOM, TRACY_WIDOM_VARIANCE = 1.2065335745820, 1.6077810345810  # minus the mean, and the variance, of that law
TRACY_WIDOM_COUNT = 2 / (3 * math.pi) * TRACY_WIDOM**1.5  # values that the edge law puts above that mean
FAR = 1e6  # times lambda_1^2, where g is lambda^2 / t
NEAR = 1e-3  # of the distance from lambda_1^2, between which the curvature at the edge is taken
# E kappa^4 / E kappa^2 is (2/3)^r where modes fill a box of phase space, and CELL^r where they end as a Gaussian does;
# where rows differ in their leverage it is larger by UNEVEN Var D / M^2. The sum is within 15 % of E D^4 for r <= 4 and
# within 35 % for r <= 8 (170 settings with K = M^2 / sum g^2 from 30 to 2,000, E D^4 computed from the functions)
CELL, UNEVEN = 0.5**0.5, 3.0
# of K functions, ONSET / K of that is no crossing: independent features alone have 3 / K (a Gaussian fourth moment).
# Measured once, on stable ranks of 1,279 settings of 150 to 320 rows and of 85 settings of 512 to 2048 rows
ONSET = 40.0


class Largest(NamedTuple):
    """The largest value, and variances between draws: of sigma_1^2 and of ||S||_F^2, each relative to its square.

    Attributes
    ----------
    value : float
        sqrt(E sigma_1^2 / (m n)).
    alone, shared : float
        Of sigma_1^2: what no other value has, and what all values near it have.
    energy : float
        Of ||S||_F^2. Its root is taken as a part of what is shared.
    """

    value: float
    alone: float
    shared: float
    energy: float

    @property
    def scatter(self) -> float:
        """The standard deviation of ||S||_F^2 / sigma_1^2, relative to it."""
        return math.sqrt(self.alone + (math.sqrt(self.shared) - math.sqrt(self.energy)) ** 2)

    @property
    def lift(self) -> float:
        """The mean of ||S||_F^2 / sigma_1^2 over the ratio of the means, to second order."""
        return 1 + self.alone + self.shared - math.sqrt(self.shared * self.energy)


class _Outside(NamedTuple):
    """log of the square outside the spectrum and its derivative in t; M, sum g^2 and -dM/dt."""

    log_square: float
    first: float
    M: float
    squares: float
    slope: float


def largest(
    law: Staircase,
    m: int,
    n: int,
    leverage: Callable[[float], Leverage | None] | None = None,
    *,
    r: int | None = None,
) -> Largest:
    """Return the largest value of a staircase that is sampled at m rows and n columns.

    Parameters
    ----------
    law : Staircase
    m, n : int
    leverage : callable, optional
        t -> Leverage of the staircase's functions, None where it is not known. None: independent features.
    r : int, optional
        Coordinates of a row, among which rows can lie close together. None: rows of independent features do not.
    """
    middle = float(law.values[0]) ** 2
    t = _edge(law, m, n)
    sampled = None if leverage is None else leverage(t)
    crossed = 0.0 if r is None else _crossed(law, t, m, n, r, sampled)
    if crossed > 0:
        t = _edge(law, m, n, crossed, beyond=t)
    edge = _outside(law, m, n, t, crossed)
    near = NEAR * (t - middle)
    bend = (_outside(law, m, n, t + near, crossed).first - _outside(law, m, n, t - near, crossed).first) / (2 * near)
    # values above (1 - u) of the edge: (2 / 3 pi) slope sqrt(2 / bend) u^(3/2)
    density = 2 / (3 * math.pi) * edge.slope * math.sqrt(2 / bend)
    crowd = edge.M * edge.M * (1 / m + 1 / n)
    below = (TRACY_WIDOM_COUNT / density) ** (2 / 3)
    # a share, because sigma_1^2 is a product of what rows and columns do: of one value this makes its mean exact
    square = math.exp(edge.log_square - below * _few(crowd))
    own = max(_variance(crowd) * below**2 - _shared(law, t, m, n, None), 0.0) * square**2
    if sampled is not None:
        square = middle + (square - middle) * sampled.splitting
        own *= sampled.splitting**2
    far = FAR * middle
    energy = _shared(law, far, m, n, None if leverage is None else leverage(far))
    # of a few rows the share of the energy that the largest value has at least is more than the edge law leaves
    value = math.sqrt(max(square, law.energy / min(m, n)))
    return Largest(value, own / square**2, _shared(law, t, m, n, sampled), energy)


def _shared(law: Staircase, t: float, m: int, n: int, sampled: Leverage | None) -> float:
    """Return the relative variance of the means of D over rows and over columns, in sum; None: independent features."""
    if sampled is not None:
        within = max(sampled.variance, 0.0) / sampled.total**2
    else:
        at = _outside(law, m, n, t)
        within = 2 * at.squares / at.M**2
    return (1 / m + 1 / n) * within


def _crossed(law: Staircase, t: float, m: int, n: int, r: int, sampled: Leverage | None) -> float:
    """Return -C / (M^2 sum g^2) at the edge t without it; it is taken as the same at every t."""
    at = _outside(law, m, n, t)
    uneven = 0.0 if sampled is None else sampled.variance / sampled.total**2
    within = CELL**r + UNEVEN * uneven - ONSET * at.squares / at.M**2
    return 0.25 * (1 / m**2 + 1 / n**2) * max(within, 0.0)


def _outside(law: Staircase, m: int, n: int, t: float, crossed: float = 0.0) -> _Outside:
    x = law.values**2
    gap = t - x
    g = x / gap
    counts, rest = law.counts, law.tail / t
    M, squares = float(np.sum(counts * g)) + rest, float(np.sum(counts * g**2))
    slope = float(np.sum(counts * g / gap)) + rest / t
    log_square = math.log(t) + math.log1p(M / m) + math.log1p(M / n)
    first = 1 / t - slope * (1 / (m + M) + 1 / (n + M))
    if crossed > 0:
        # -dC / dM = 2 crossed (M sum g^2 + M^2 P), P = (d sum g^2 / dt) / (2 dM / dt)
        third = float(np.sum(counts * g / gap**2)) + rest / t**2
        square, cube = float(np.sum(counts * g**2 / gap)), float(np.sum(counts * (g / gap) ** 2))
        P = square / slope
        log_square += 2 * crossed * (M * squares + M**2 * P)
        first -= 2 * crossed * (slope * squares + 4 * M * square + M**2 * (3 * cube - 2 * P * third) / slope)
    return _Outside(log_square, first, M, squares, slope)


def _edge(law: Staircase, m: int, n: int, crossed: float = 0.0, *, beyond: float | None = None) -> float:
    """Return the t > lambda_1^2 at which the square is least: it is large at both ends and has one minimum.

    Crossings lift the square less the larger t is, so that with them t lies beyond the edge without them.
    """
    base = float(law.values[0]) ** 2
    low = math.log(NEAREST if beyond is None else beyond / base - 1)
    high = math.log(4 * (2 + float(np.sum(law.counts * law.values**2)) / base))
    for _ in range(HALVINGS):
        middle = 0.5 * (low + high)
        if _outside(law, m, n, base * (1 + math.exp(middle)), crossed).first < 0:
            low = middle
        else:
            high = middle
    return base * (1 + math.exp(0.5 * (low + high)))


def _few(crowd: float) -> float:
    """Return how much further below the edge than Tracy and Widom's mean the largest of `crowd` near values lies.

    Of Gaussian symmetric matrices: exact for one, where the mean is the centre, and within 0.03 of what 1e5 draws of
    orders 2 to 20 give (1.464, 1.387, 1.337, 1.288, 1.231, 1.166 for 2, 3, 4, 6, 10, 20).
    """
    return 1.0 + 0.658 * max(crowd, 1.0) ** -0.5


def _variance(crowd: float) -> float:
    """Return the variance of the largest of `crowd` near values over the squared distance of Tracy and Widom's mean.

    Of Gaussian symmetric matrices: exact for one (2), and within 3 % of 1e4 draws or more of orders 2 to 40.
    """
    return (TRACY_WIDOM_VARIANCE + (2 - TRACY_WIDOM_VARIANCE) / max(crowd, 1.0)) / TRACY_WIDOM**2
