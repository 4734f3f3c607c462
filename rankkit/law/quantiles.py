"""Singular values from counts: the i-th is the threshold above which i - 1/2 values lie."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

import numpy as np

from rankkit.factors import Array

__all__ = ["Counting", "quantiles"]

EVEN = 0.15  # in log: intervals up to which the count in the middle says whether those in between lie on a line
FULL = 0.25  # values that are missing where a spectrum ends


class Counting(NamedTuple):
    """What counts values in a range of thresholds.

    Attributes
    ----------
    thresholds : float array
        Relative to sigma_1, descending. The range begins where the one before ends, and ends with the last of them.
    fine : float
        How closely a value there is found, in its log, where the counts are right.
    above : callable
        Returns how many values exceed a threshold.
    """

    thresholds: Array
    fine: float
    above: Callable[[float], float]


class _Place(NamedTuple):
    """How many values exceed exp(log)."""

    log: float
    above: float


def quantiles(ranges: Iterable[Counting], limit: int) -> Array:
    """Return log(sigma_i / sigma_1), descending, -inf where no threshold was low enough, shape (limit,).

    Parameters
    ----------
    ranges : iterable of Counting
        From sigma_1 down.
    limit : int
        Number of values. The count ends where all are found.
    """
    places = [_Place(math.log(2), 0.0), _Place(0.0, 1.0), *_places(ranges, limit)]
    counts = np.array([place.above for place in places]) * (1 + 1e-12 * np.arange(len(places)))
    above, logs = np.maximum.accumulate(counts), np.array([place.log for place in places])
    found = np.interp(np.arange(limit) + 0.5, above, logs, right=-np.inf)
    if above[-1] > limit - FULL:
        found = np.maximum(found, logs[-1])
    return np.minimum(found, 0.0)


def _places(ranges: Iterable[Counting], limit: int) -> Iterator[_Place]:
    left = _Place(0.0, 1.0)
    for counting in ranges:
        for log in np.log(counting.thresholds).tolist():
            right = _Place(log, counting.above(math.exp(log)))
            yield from _between(left, right, counting)
            yield right
            if right.above > limit - FULL:
                return
            left = right


def _between(left: _Place, right: _Place, counting: Counting) -> Iterator[_Place]:
    """Yield places between two, until the values that lie between them are found closely enough."""
    width = left.log - right.log
    if width <= counting.fine or math.floor(left.above + 0.5) >= math.floor(right.above + 0.5):
        return
    log = (left.log + right.log) / 2
    middle = _Place(log, counting.above(math.exp(log)))
    off = abs(middle.above - (left.above + right.above) / 2) * width
    on_a_line = width <= EVEN and off <= counting.fine / 2 * (right.above - left.above)
    if not on_a_line:
        yield from _between(left, middle, counting)
    yield middle
    if not on_a_line:
        yield from _between(middle, right, counting)
