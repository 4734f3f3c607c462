"""The largest singular value: the edge of the spectrum of independent features, less the largest value's distance.

With N(y) = sum lambda^2 / (lambda^2 + y), m rows and n columns of independent features have a spectrum that ends at the
least value of -z(-t) = t (1 + M / m) (1 + M / n), M = -N(-t), over t > lambda_1^2 (Silverstein and Choi 1995). Of k
nearly equal values the largest lies below that edge by a known share of what the Tracy-Widom law says for large k.
How far it lies from lambda_1^2 is then scaled by how far the functions at hand split (splitting.py).
sigma_1 sees the few largest modes alone, which no single row carries: unlike counts, it needs no weights of rows.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from rankkit.law.splitting import Leverage
from rankkit.law.staircase import Staircase

__all__ = ["largest_value"]

NEAREST = 1e-9  # relative distance of the edge from lambda_1^2 below which both are one
HALVINGS = 40  # of the bracket of the edge, to 1e-10 of its distance: there the square is least
TRACY_WIDOM_COUNT = 2 / (3 * math.pi) * 1.2065335745820**1.5  # values that the edge law puts above that mean


class _Outside(NamedTuple):
    """square = t (1 + M / m) (1 + M / n) outside the spectrum, its derivatives in t, M and -dM/dt."""

    square: float
    first: float
    second: float
    M: float
    slope: float


def largest_value(law: Staircase, m: int, n: int, leverage: Callable[[float], Leverage | None] | None = None) -> float:
    """Return E sigma_1 / sqrt(m n) of a staircase that is sampled at m rows and n columns.

    Parameters
    ----------
    law : Staircase
    m, n : int
    leverage : callable, optional
        t -> Leverage of the staircase's functions, None where it is not known. None: independent features.
    """
    t = _edge(law, m, n)
    edge = _outside(law, m, n, t)
    # values above edge.square - u: (2 / 3 pi) (slope / square) sqrt(2 / bend) u^(3/2)
    density = 2 / (3 * math.pi) * edge.slope / edge.square * math.sqrt(2 / edge.second)
    below = (TRACY_WIDOM_COUNT / density) ** (2 / 3)
    crowd = edge.M * edge.M * (1 / m + 1 / n)
    square = edge.square - below * _few(crowd)
    sampled = None if leverage is None else leverage(t)
    if sampled is not None:
        middle = float(law.values[0]) ** 2
        square = middle + (square - middle) * sampled.splitting
    # of a few rows the share of the energy that the largest value has at least is more than the edge law leaves
    return math.sqrt(max(square, law.energy / min(m, n)))


def _outside(law: Staircase, m: int, n: int, t: float) -> _Outside:
    x = law.values**2
    gap, wx = t - x, law.counts * x
    M = float(np.sum(wx / gap)) + law.tail / t
    slope = float(np.sum(wx / gap**2)) + law.tail / t**2
    bend = 2 * float(np.sum(wx / gap**3)) + 2 * law.tail / t**3
    a, b = 1 / m, 1 / n
    P, dP = (1 + a * M) * (1 + b * M), a + b + 2 * a * b * M
    second = -2 * dP * slope + t * (2 * a * b * slope**2 + dP * bend)
    return _Outside(t * P, P - t * dP * slope, second, M, slope)


def _edge(law: Staircase, m: int, n: int) -> float:
    """Return the t > lambda_1^2 at which the square is least: it is large at both ends and has one minimum."""
    base = float(law.values[0]) ** 2
    low, high = math.log(NEAREST), math.log(4 * (2 + float(np.sum(law.counts * law.values**2)) / base))
    for _ in range(HALVINGS):
        middle = 0.5 * (low + high)
        if _outside(law, m, n, base * (1 + math.exp(middle))).first < 0:
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
