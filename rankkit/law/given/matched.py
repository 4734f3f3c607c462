"""How much a law misses of a large matrix, from what it misses of blocks at the same share of their values.

A block of fewer rows and columns has as large a share of its values above a higher threshold. The law says which one.
There the values of the block are counted, and the whole is taken to have as many more or fewer than the law says, in
proportion: rows that are not as the law takes them are so in the blocks too.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from rankkit.factors import Array
from rankkit.law.finite.mixed import Counter

__all__ = ["Ratio", "ratio"]

# their overloads leave the types open
mean_of: Callable[..., float] = np.mean
spread_of: Callable[..., float] = np.std

NEAR, STEPS = 0.1, 8  # last step in the log of the threshold, and steps at most
LONGEST = 3.0  # of one step
WIDTH = 0.1  # in the log of the square, over which a value comes to count
SAME = 0.5  # values by which two counts of steps that stand apart may differ
FLAT = 1e-3  # of the values of a block: a smaller density says nothing about the threshold


class Ratio(NamedTuple):
    """A measured count over the law's, and the standard deviation of its mean over partitions."""

    value: float
    scatter: float


def ratio(counter: Counter, count: float, limit: int, square: float, squares: Array) -> Ratio:
    """Return the counts of blocks over what the law says of them, about where the law has a given share of the values.

    Parameters
    ----------
    counter : Counter
        Of the law of one block.
    count : float
        What the law counts above `square` in the whole matrix.
    limit : int
        Values of the whole matrix.
    square : float
        Of s / sqrt(m n).
    squares : float array, shape (partitions, values)
        s^2 / (m n) of blocks, each row descending.
    """
    wanted = count / limit * counter.limit
    at, predicted = _threshold(counter, count, wanted, math.log(square) / 2)
    counts = [_count(values, 2 * at) / values.size * counter.limit / max(predicted, 1.0) for values in squares]
    return Ratio(mean_of(counts), spread_of(counts, ddof=1) / math.sqrt(len(counts)))


def _threshold(counter: Counter, count: float, wanted: float, low: float) -> tuple[float, float]:
    """Return the log of a threshold, at least `low`, about where `wanted` values are predicted, and how many are.

    It is the lowest where all `count` of them are steps that stand apart, so that a block has as many as the whole.
    """
    at, above, least = low, math.inf, low
    tried: list[tuple[float, float]] = []
    for _ in range(STEPS):
        found = counter.count(math.exp(2 * at))
        tried.append((at, found.value))
        low, above = (low, at) if found.value < wanted else (at, above)
        step = (found.value - wanted) / max(found.density, FLAT * counter.limit)
        if abs(step) < NEAR or above <= least or (at == least and abs(found.value - count) < SAME):
            return tried[-1]
        inside = low < at + step < above and abs(step) < LONGEST
        at = at + step if inside else (low + above) / 2 if math.isfinite(above) else at + LONGEST
    return min(tried, key=lambda one: abs(one[1] - wanted))


def _count(values: Array, log_square: float) -> float:
    """Return how many squares exceed a threshold; those within WIDTH of it in part, so that nothing jumps."""
    logs = np.log(np.maximum(values, np.finfo(np.float64).tiny))
    return float(np.sum(np.clip(0.5 + (logs - log_square) / WIDTH, 0, 1)))
