"""At which strengths s the weights V are W + s D, rounded once: an interval that follows from the rounding alone.

An entry allows s exactly if |V - W - s D| <= h + e, where h is half the gap between the stored numbers at V, and e
bounds what the merging tool's own arithmetic did to D. That is an interval of s for every entry, and what is left of
them together holds the true strength. Least squares is stated beside it: alone it is biased where updates are smaller
than h, because rounding swallows them.

A tool that rounds s D itself before it adds it makes an error of u |s D| more, with u the unit roundoff of its dtype.
The interval then follows from the first one without another look at the weights, since (V - W) / D -+ (h + e) / |D| is
to lie between s (1 - u) and s (1 + u).

Few entries decide. With the interval of the entries before at hand, its middle c and half its width w, an entry with
|V - W - c D| <= h + e - w |D| allows all of it and changes nothing. Of a clean merge that is true of nearly every block
of entries after the first one, and costs no division.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from rankkit.audits.rounding import half_gaps
from rankkit.factors import Array

__all__ = ["Entries", "Fit", "Interval", "fit", "inner", "unexplained"]

BLOCK = 1 << 17  # entries that are looked at together: 512 KiB of float32; fewer cost more calls, more miss the caches
SLACK = 1 + 2.0**-20  # of h, for the few roundings in float32 of V - W and of an entry's ends, which grow with h
ROUNDED = 4  # roundings of V - W - c D, and one to spare


class Interval(NamedTuple):
    """The strengths from `lower` to `upper`; none where lower > upper."""

    lower: float
    upper: float

    @property
    def empty(self) -> bool:
        """Whether no strength is in it."""
        return not self.lower <= self.upper

    def __contains__(self, s: object) -> bool:
        return isinstance(s, (int, float)) and self.lower <= s <= self.upper

    def with_rounded_update(self, u: float) -> Interval:
        """Return the interval where the update itself was rounded, to a relative error of u, before it was added."""
        lower = self.lower / (1 + u if self.lower >= 0 else 1 - u)
        upper = self.upper / (1 - u if self.upper >= 0 else 1 + u)
        return Interval(lower, upper)

    def nearest(self, s: float) -> float:
        """Return the strength of the interval that is nearest to s."""
        return min(max(s, self.lower), self.upper)


@dataclass(frozen=True, eq=False)
class Entries:
    """A module's weights before and after, and its update, read by blocks of rows.

    Attributes
    ----------
    m, n : int
        Rows and columns.
    dtype : str
        The format to which the merged weights were rounded, one of `rankkit.audits.rounding.PRECISIONS`.
    weights : callable
        (first, end) -> W and V, rows of the weight before and after, both float32 or both float64, and both arrays that
        may be written to.
    update : callable
        (first, end) -> the same rows of D.
    error : float
        e: what the tool's arithmetic, and this one, may have done to an entry.
    peak : float
        No entry of D is larger.
    gaps : float
        In how many half gaps the merged weight was rounded.
    """

    m: int
    n: int
    dtype: str
    weights: Callable[[int, int], tuple[Array, Array]]
    update: Callable[[int, int], Array]
    error: float
    peak: float
    gaps: float = 1.0

    def blocks(self) -> Iterator[tuple[Array, Array, Array]]:
        """Return an iterator over V - W, D and h, block by block."""
        rows = max(1, BLOCK // self.n)
        for first in range(0, self.m, rows):
            end = min(first + rows, self.m)
            W, V = self.weights(first, end)
            D = self.update(first, end)
            change = np.subtract(V, W, out=W)
            yield change, D, half_gaps(V, self.dtype, SLACK * self.gaps, out=V)


class Fit(NamedTuple):
    """What the entries of a module say of its strength.

    Attributes
    ----------
    interval : Interval
        The strengths that all entries allow.
    least_squares : float
        The strength with the least sum of squares; NaN where D is zero.
    finite : bool
        Whether all entries of W, V and D are.
    """

    interval: Interval
    least_squares: float
    finite: bool


def fit(entries: Entries) -> Fit:
    """Return what the entries of a module say of its strength, in one pass over them."""
    allowed, xd, dd = Interval(-math.inf, math.inf), 0.0, 0.0
    for change, D, gaps in entries.blocks():
        xd += inner(change, D)
        dd += inner(D, D)
        if not math.isfinite(xd + dd):
            return Fit(Interval(math.inf, -math.inf), math.nan, finite=False)
        deciding = _deciding(allowed, change, D, gaps, entries)
        if deciding is None:
            continue
        few, of_update, around = (x.ravel()[deciding] for x in (change, D, gaps))
        here = _allowed(few, of_update, around + around.dtype.type(entries.error))
        allowed = Interval(max(allowed.lower, here.lower), min(allowed.upper, here.upper))
    return Fit(allowed, xd / dd if dd > 0 else math.nan, finite=True)


def _deciding(allowed: Interval, change: Array, D: Array, gaps: Array, entries: Entries) -> Any:
    """Return an index of the entries of a block that may move an end of an interval, and maybe of others; None: none.

    Where entries contradict each other, the ends have crossed, and w < 0. Zero in its place is on the safe side.
    """
    kind = gaps.dtype.type
    if not max(abs(allowed.lower), abs(allowed.upper)) < float(np.finfo(kind).max):
        return slice(None)
    # where 1 is allowed it serves as the middle of a wider interval, which spares a product
    middle = 1.0 if 1 in allowed else (allowed.lower + allowed.upper) / 2
    width = max(allowed.upper - middle, middle - allowed.lower, 0.0)
    rounding = ROUNDED * float(np.finfo(kind).eps) * (abs(middle) + width)
    rest = change - (D if middle == 1 else D * kind(middle))
    np.abs(rest, out=rest)
    beside = D * kind(width)
    rest += np.abs(beside, out=beside)
    rest -= kind(entries.error - rounding * entries.peak)
    over = np.greater(rest, gaps)
    return np.flatnonzero(over) if over.any() else None


def _allowed(change: Array, D: Array, allowed: Array) -> Interval:
    """Return the strengths that all entries of a block allow."""
    with np.errstate(divide="ignore", invalid="ignore"):
        centre, reach = change / D, np.abs(allowed / D)
        lower, upper = float(np.max(centre - reach)), float(np.min(np.add(centre, reach, out=centre)))
    if not math.isnan(lower + upper):
        return Interval(lower, upper)
    still = D == 0  # such an entry allows every strength, or none
    if np.any(np.abs(change[still]) > allowed[still]):
        return Interval(math.inf, -math.inf)
    if np.all(still):
        return Interval(-math.inf, math.inf)
    moved = ~still
    return _allowed(change[moved], D[moved], allowed[moved])


def inner(x: Array, y: Array) -> float:
    """Return sum_ij x_ij y_ij of two matrices."""
    product: float = np.dot(x.ravel(), y.ravel())
    return float(product)


def unexplained(entries: Entries, strength: float) -> float:
    """Return ||what of V - W neither D at this strength nor rounding explains||_F / ||D||_F; inf where D is zero."""
    left = size = 0.0
    for X, D, gaps in entries.blocks():
        gaps += gaps.dtype.type(entries.error)
        rest = np.maximum(np.abs(X - X.dtype.type(strength) * D) - gaps, 0)
        left += inner(rest, rest)
        size += inner(D, D)
    return math.sqrt(left / size) if size > 0 else math.inf
