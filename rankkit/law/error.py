"""How far predictions are from means of draws: the law's own error, and the scatter of one draw about the mean.

A mean over k draws lies within hypot(own, Z scatter / sqrt(k)) for 95 % of settings. The constants were chosen on the
settings that each names; benchmarks/README.md has the coverage on others.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

from rankkit.law.finite.self_consistent import Counted
from rankkit.law.limit.entries import Entries

__all__ = ["FEW", "Error", "Estimate", "Parts", "Z", "count_error", "participation_error", "ratio_error"]

FEW = 4  # draws that `Prediction.error` is for
Z = 1.96  # standard deviations on either side that hold 95 % of a normal law
# values, shares of the values in a factor e of the threshold, and shares of the values that crossings remove;
# calibrated on 410 settings (benchmarks/law.py --only fresh, --first 31 and 32), with four draws each
BASE, DENSITY, CROSSINGS = 1.2, 0.06, 0.6
# on a line or in a plane points crowd by chance in places all over it, and each crowd loses values; share of the count,
# times the root of how full the matrix is, over r^(3/2); chosen by looking at the misses in 110 settings (r = 1 and 2)
# up to forty times as full, on which its coverage says nothing
CROWDED, CROWDED_UP_TO = 0.16, 2
# standard deviation of one draw, in roots of the values in a factor e of the threshold and of those that crossings
# remove; from 150 settings (--first 91) with 20 draws each
SCATTER_DENSITY, SCATTER_CROSSINGS = 0.33, 0.56
# relative own error of a stable rank and of a participation ratio, and the relative scatter of the second in roots of
# 1 / m + 1 / n for uniform and Gaussian entries; same settings
STABLE_RANK, PARTICIPATION, PARTICIPATION_SCATTER = 0.05, 0.03, (0.33, 0.5)


@dataclass(frozen=True)
class Error:
    """What a prediction may be off.

    Attributes
    ----------
    own : float
        Half the width of the interval that holds the mean of infinitely many draws for 95 % of settings.
    scatter : float
        Standard deviation of one draw.
    """

    own: float
    scatter: float

    def of(self, draws: float) -> float:
        """Return half the width of the interval for a mean over so many draws."""
        return math.hypot(self.own, Z * self.scatter / math.sqrt(draws))


class Parts(NamedTuple):
    """What a predicted count consists of.

    `equations` less `crossings` is its value, where that lies between 1 and min(m, n).

    Attributes
    ----------
    staircase : float
        How many singular values exceed the same threshold in the limit of many rows and columns. NaN where some of
        them are not known one by one.
    equations : float
        How many do at these sizes by the equations, which take rows and columns to be far from each other.
    crossings : float
        How many fewer do because some rows and columns lie close together.
    """

    staircase: float
    equations: float
    crossings: float


class Estimate(NamedTuple):
    """A predicted measure, its error, and what a count consists of."""

    value: float
    error: Error
    parts: Parts | None = None


def ratio_error(value: float, scatter: float) -> Error:
    """Return the error of a stable rank with this relative scatter."""
    return Error(STABLE_RANK * value, scatter * value)


def participation_error(value: float, entries: Entries) -> Error:
    """Return the error of a participation ratio."""
    scatter = PARTICIPATION_SCATTER[entries.gaussian] * math.sqrt(1 / entries.m + 1 / entries.n)
    return Error(PARTICIPATION * value, scatter * value)


def count_error(found: Counted, r: int, limit: int) -> Error:
    """Return the error of a count of at most `limit` values of factors of rank r."""
    scatter = SCATTER_DENSITY * math.sqrt(found.density) + SCATTER_CROSSINGS * math.sqrt(found.crossings)
    few = BASE + DENSITY * found.density + CROSSINGS * found.crossings  # as calibrated, for FEW draws
    if r <= CROWDED_UP_TO:
        few = max(few, CROWDED / r**1.5 * found.value * math.sqrt(found.value / limit))
    own = math.sqrt(max(few**2 - (Z * scatter) ** 2 / FEW, (few / 2) ** 2))
    return Error(math.hypot(own, found.off), scatter)
