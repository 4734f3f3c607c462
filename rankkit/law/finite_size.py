"""What sampling makes of a staircase: the deterministic equivalent of Phi Lambda Psi^T at finite m and n.

S / sqrt(m n) is taken for Phi Lambda Psi^T / sqrt(m n) with independent features of unit variance in Phi (m rows) and
Psi (n rows). With N(y) = sum lambda^2 / (lambda^2 + y) its singular values s satisfy, as m, n grow,

    z = y (1 - N(y) / m) (1 - N(y) / n),    sum s^2 / (s^2 + z) = N(y),

two fixed-point equations of Silverstein's type made explicit in the parameter y: sampling rows alone has
z = y (1 - N / m) (Silverstein and Choi 1995), sampling columns does the same to the result. y is the scale at which
the staircase is seen, z the one at which the matrix is.

Where it holds: exactly for independent features. Those of S are functions of the same r variables, so that rows
whose b lie close together carry nearly the same features: far below sigma_1 the leverage of a row is no longer near
its mean d but spread around it. `above` takes it as d times a gamma variable whose spread grows with the depth of the
threshold and falls as the matrix saturates; the constants of that spread are fitted, not derived (fitted.py).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np

from rankkit.factors import Array
from rankkit.law.fitted import CROWDING, SPREAD, Crowding, Spread
from rankkit.law.fixed_point import Sampled, solve
from rankkit.law.staircase import Staircase

__all__ = ["FiniteSize", "finite_size", "leverages"]

BIN = 0.1  # in log lambda^2; below it N(y) cannot tell values apart
GRAIN = 1e-6  # of the energy a row; a staircase all below it is as good as noise
EXACT = 64  # leading steps that are never merged
LEVERAGES = 24
NEAREST = 1e-9  # relative distance of the edge from lambda_1^2 below which both are one
LEAST_SPREAD = 1e-3  # below it leverages are equal
HALVINGS = 60  # of the bracket of the edge, down to a rounding error
TRACY_WIDOM_COUNT = 2 / (3 * math.pi) * 1.2065335745820**1.5  # values that the edge law puts above that mean


class _Outside(NamedTuple):
    """square = -z(-t) = t (1 + M / m) (1 + M / n) outside the spectrum, its derivatives in t, M and -dM/dt."""

    square: float
    first: float
    second: float
    M: float
    slope: float


@dataclass(frozen=True, eq=False)
class FiniteSize(Sampled):
    """A sampled staircase with the fitted constants of its law.

    Attributes
    ----------
    r : int
        Coordinates.
    spread : Spread
        Of the leverages.
    crowding : Crowding or None
        Of the points; None: features as good as independent.
    """

    r: int
    spread: Spread
    crowding: Crowding | None

    @cached_property
    def top(self) -> float:
        """E sigma_1 / sqrt(m n): that of independent features, raised by how unevenly the points lie.

        Where the staircase has about as many values as the matrix, chance crowds more points into one cell of its
        resolution than independent features would show. The factor on sigma_1^2 is fitted, not derived.
        It is for sigma_1 itself and the stable rank; `above` counts relative to `independent_top`.
        """
        if self.crowding is None:
            return self.independent_top
        energy, first = self.energy, float(self.x[0])
        squares = first * float(np.sum(self.w * (self.x / first) ** 2))  # sum lambda^4 / lambda_1^2: no underflow
        crowd = math.exp(min(math.log(energy / squares) + math.log(energy / first), 100.0)) / min(self.m, self.n)
        return self.independent_top * math.sqrt(self.crowding(crowd, r=self.r))

    @cached_property
    def independent_top(self) -> float:
        """E sigma_1 / sqrt(m n) of independent features: the upper edge, less the largest value's distance.

        -z(y) on y = -t below -lambda_1^2 has its least value at the edge of the spectrum. The largest of k
        nearly equal values lies below it by a known share of what the Tracy-Widom law says for large k.
        """
        edge = self._outside(self._edge())
        # values above edge.square - u: (2 / 3 pi) (slope / square) sqrt(2 / bend) u^(3/2)
        density = 2 / (3 * math.pi) * edge.slope / edge.square * math.sqrt(2 / edge.second)
        below = (TRACY_WIDOM_COUNT / density) ** (2 / 3)
        crowd = edge.M * edge.M * (1 / self.m + 1 / self.n)
        # of a few rows the share of the energy that the largest value has at least is more than the edge law leaves
        return math.sqrt(max(edge.square - below * _few(crowd), self.energy / min(self.m, self.n)))

    def above(self, threshold: Array) -> Array:
        """Return the mean number of s > threshold (k,), a smooth function of thresholds > 0, at most min(m, n)."""
        squares = np.atleast_1d(np.asarray(threshold, dtype=np.float64)) ** 2
        count = self._count(squares, leverages(self._spread(np.sqrt(squares) / self.independent_top)))
        return count.reshape(np.shape(threshold))[()]

    def above_equal_leverages(self, threshold: Array) -> Array:
        """Return what `above` does, of independent features: the deterministic equivalent with nothing fitted."""
        squares = np.atleast_1d(np.asarray(threshold, dtype=np.float64)) ** 2
        return self._count(squares, np.ones((1, squares.size))).reshape(np.shape(threshold))[()]

    def _spread(self, relative: Array) -> Array:
        """Return the variance of the leverages' gamma law at thresholds relative to sigma_1."""
        steps = np.sum(self.w[:, None] * (self.x[:, None] > relative**2 * self.x[0]), axis=0)
        return self.spread(relative, steps, r=self.r, size=min(self.m, self.n))

    def _count(self, squares: Array, g: Array) -> Array:
        """Return the count of s^2 > squares (k,), from F = log det(1 + S S^T / z) just above the real axis.

        Every value s^2 > tau^2 adds -i pi to F(-tau^2 + 0 i), every other nothing.
        """
        found = solve(self, squares, g)
        total = np.sum(self.w[:, None] * np.log1p(self.x[:, None] / found.y), axis=0) + self.tail / found.y
        for size, at in ((self.m, found.d), (self.n, found.e)):
            total = total + size * np.mean(np.log1p(g * at) - g * at / (1 + g * at), axis=0)
        return np.clip(-total.imag / math.pi, 0.0, min(self.m, self.n))

    def _outside(self, t: float) -> _Outside:
        gap, wx = t - self.x, self.w * self.x
        M = float(np.sum(wx / gap)) + self.tail / t
        slope = float(np.sum(wx / gap**2)) + self.tail / t**2
        bend = 2 * float(np.sum(wx / gap**3)) + 2 * self.tail / t**3
        a, b = 1 / self.m, 1 / self.n
        P, dP = (1 + a * M) * (1 + b * M), a + b + 2 * a * b * M
        first = P - t * dP * slope
        second = -2 * dP * slope + t * (2 * a * b * slope**2 + dP * bend)
        return _Outside(t * P, first, second, M, slope)

    def _edge(self) -> float:
        """Return the t > lambda_1^2 at which -z(-t) is least: it is large at both ends and has one minimum."""
        base = float(self.x[0])
        low, high = math.log(NEAREST), math.log(4 * (1 + float(np.sum(self.w * self.x) / base) + 1.0))
        for _ in range(HALVINGS):
            middle = 0.5 * (low + high)
            if self._outside(base * (1 + math.exp(middle))).first < 0:
                low = middle
            else:
                high = middle
        return base * (1 + math.exp(0.5 * (low + high)))


def leverages(spread: Array) -> Array:
    """Return equally likely leverages of mean one and variance about `spread` (k,): gamma quantiles, (LEVERAGES, k)."""
    from scipy.special import gammaincinv

    shape = 1 / np.maximum(np.atleast_1d(spread), LEAST_SPREAD)
    g = gammaincinv(shape, (np.arange(LEVERAGES)[:, None] + 0.5) / LEVERAGES)
    return g / np.mean(g, axis=0)


def _few(crowd: float) -> float:
    """Return how much further below the edge than Tracy and Widom's mean the largest of `crowd` near values lies.

    Of Gaussian symmetric matrices: exact for one, where the mean is the centre, and within 0.03 of what 1e5 draws of
    orders 2 to 20 give (1.464, 1.387, 1.337, 1.288, 1.231, 1.166 for 2, 3, 4, 6, 10, 20).
    """
    return 1.0 + 0.658 * max(crowd, 1.0) ** -0.5


def finite_size(law: Staircase, *, m: int, n: int, r: int, gaussian: bool) -> FiniteSize:
    """Return the equivalent of a staircase sampled at m rows and n columns.

    Parameters
    ----------
    law : Staircase
    m, n, r : int
        Rows, columns, coordinates.
    gaussian : bool
        Whether entries are Gaussian rather than uniform.
    """
    x, w = law.values**2, law.counts
    energy = float(np.sum(w * x)) + law.tail
    if x[0] < (grain := GRAIN * energy / max(m, n)):  # far on the plateau only the energy matters, and x may underflow
        one = np.ones(1)
        return FiniteSize(grain * one, energy / grain * one, 0.0, m, n, r, SPREAD[gaussian], CROWDING[gaussian])
    exact = min(EXACT, law.listed, x.size)
    place = np.floor(np.log(x[0] / x[exact:]) / BIN).astype(np.int64)
    starts = np.flatnonzero(np.diff(place, prepend=-1) > 0)
    if starts.size:
        weight = np.add.reduceat(w[exact:], starts)
        energy = np.add.reduceat((w * x)[exact:], starts)
        x, w = np.concatenate([x[:exact], energy / weight]), np.concatenate([w[:exact], weight])
    return FiniteSize(x, w, law.tail, m, n, r, SPREAD[gaussian], CROWDING[gaussian])
