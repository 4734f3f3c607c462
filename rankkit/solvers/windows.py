"""Counts from the inertia of G - tau^2 I at both edges of a threshold, and from the few singular values in between.

A threshold tau is known to an interval: sigma_1 has two bounds, and rounding moves G. Nothing is open if as many
singular values lie above the upper edge as above the lower one. Otherwise the few in between are located one by one.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from rankkit.factors import Array
from rankkit.solvers.blocks import BLOCK
from rankkit.solvers.inertia import TAIL, Inertia, inertia
from rankkit.solvers.located import FEW, Located, located, refined
from rankkit.solvers.stack import Stack
from rankkit.solvers.tolerance import Bounds, Edges

__all__ = ["nearly_full", "windowed"]

SIDES = np.array([[1], [-1]])  # of the two edges on which a shift lies, for all of a batch
WIDE = 0.01  # of the threshold: further out no error of G matters, and within it are mostly few singular values


def nearly_full(work: Stack) -> Bounds:
    """Return bounds on the counts where all or nearly all singular values exceed the threshold.

    One Cholesky factorisation with a crude bound on sigma_1 settles most matrices. Sharper bounds are computed only
    where some singular values lie below that threshold, and these values are located.
    """
    top = work.threshold.between(work.crude, work.crude).above
    found = inertia(work.gram, top**2, 1, head=work.p - TAIL)
    # what is definite for this threshold is so for a sharper one
    work.definite = found.definite
    lower, upper = found.positive.copy(), np.full(top.shape, work.p)
    below = np.where(found.sound, work.p - lower, 0)
    some = np.flatnonzero((below > 0) & (below <= FEW))
    if some.size:
        lower[some], upper[some] = _few_below(work.at(some), found.part(some), int(below[some].max()), top[some])
    return Bounds(lower, upper)


def _few_below(work: Stack, found: Inertia, few: int, top: Array) -> Bounds:
    """Return bounds on the counts where all but a few singular values surely exceed `top`.

    `top` is too high a threshold. The few are located, and sigma_1 is bounded, only as sharply as turns out necessary.
    """
    bounds = Bounds(found.positive, np.full(top.shape, work.p))
    for values, low, high in _ladder(work, refined(work.gram, found, few)):
        seen = _full(values, top, work.threshold.between(low, high), found.positive, work.p)
        bounds = Bounds(np.maximum(bounds.lower, seen.lower), np.minimum(bounds.upper, seen.upper))
        if np.all(bounds.lower == bounds.upper):
            break
    return bounds


def _ladder(work: Stack, looks: Iterator[Located]) -> Iterator[tuple[Located, Array, Array]]:
    """Return an iterator over located values and bounds on sigma_1: each is computed when it is asked for."""
    values = next(looks)
    yield values, work.rough_low, work.crude
    yield values, work.rough_low, work.rough_high
    for values in looks:
        yield values, work.rough_low, work.rough_high
    yield values, work.low, work.high
    yield values, *work.sharp


def _full(values: Located, top: Array, edges: Edges, positive: Array, p: int) -> Bounds:
    """Return bounds on the counts, given how many singular values surely exceed `top`."""
    inside = values.between(np.full(top.shape, -np.inf), top, edges)
    return Bounds(positive + inside.lower, p - np.sum(values.smallest < edges.below[:, None], axis=-1))


def windowed(work: Stack) -> Bounds:
    """Return bounds on the counts from the inertia at both edges of the threshold.

    Where a few singular values lie between the edges, they are located. One more factorisation, beyond them, tells that
    there are no others.
    """
    edges = work.threshold.between(work.low, work.high)
    found = inertia(work.gram, np.stack([edges.above, edges.below]) ** 2, SIDES, head=_head(work))
    lower: Array = found.positive[0].copy()
    upper: Array = np.where(found.sound[1], found.positive[1], work.p)
    between = np.where(np.all(found.sound, axis=0), upper - lower, 0)
    some = np.flatnonzero((between > 0) & (between <= FEW))
    if some.size:
        above, below = (found.at(lead).part(some) for lead in (0, 1))
        lower[some], upper[some] = _between(work.at(some), above, below, Bounds(lower[some], upper[some]))
    return Bounds(lower, upper)


def _between(work: Stack, above: Inertia, below: Inertia, bounds: Bounds) -> Bounds:
    """Sharpen bounds on counts, given what the inertia at both edges of the threshold proves; return them."""
    edges = work.threshold.between(*work.sharp)
    values = located(work.gram, above, int(np.max(bounds.upper - bounds.lower)))
    # what is located lies between two shifts, apart from all that was counted beyond them
    least, most = np.sqrt(below.shift + below.near), np.sqrt(np.maximum(above.shift - above.near, 0))
    inside = values.between(least, most, edges)
    bounds = Bounds(
        np.maximum(bounds.lower, above.positive + inside.lower), np.minimum(bounds.upper, below.positive - inside.upper)
    )
    if np.all(bounds.lower == bounds.upper):
        return bounds
    return _further(work, values, edges, bounds)


def _further(work: Stack, values: Located, edges: Edges, bounds: Bounds) -> Bounds:
    """Sharpen bounds on counts where a value lies next to one of the first two shifts; return them."""
    wide = Edges(edges.above * (1 + WIDE), edges.below * (1 - WIDE))
    inside = values.between(wide.below, wide.above, edges)
    # the side of the threshold that holds the nearest value is counted anew, and the other one if that is not enough
    up: Array = values.nearest(wide.below, wide.above, (edges.above + edges.below) / 2)
    for beyond in (up, np.logical_not(up)):
        squares = np.stack([wide.above, wide.below]) ** 2
        edge = squares[np.where(beyond, 0, 1), np.arange(squares.shape[1])]
        found = inertia(work.gram, edge, np.where(beyond, 1, -1), head=_head(work))
        np.maximum(bounds.lower, found.positive + inside.lower, out=bounds.lower, where=found.sound & beyond)
        np.minimum(bounds.upper, found.positive - inside.upper, out=bounds.upper, where=found.sound & ~beyond)
        if np.all(bounds.lower == bounds.upper):
            break
    return bounds


def _head(work: Stack) -> int:
    """Return how many leading rows one Cholesky factorisation can eliminate for all of a stack."""
    return int(np.min(work.definite)) // BLOCK * BLOCK
