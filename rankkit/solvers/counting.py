"""How many singular values exceed a threshold: counted without an SVD where one can be avoided, and never guessed.

There are several routes, from the cheapest to the most careful. Each gives integers between which the count surely
lies, and the next route is asked only where the two differ.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from rankkit.factors import Array, Factors, float_matrix, namespace
from rankkit.products import Kronecker
from rankkit.report.inline import html_summary, text_summary
from rankkit.solvers.dense import dense
from rankkit.solvers.gram import eigenvalue_bounds, gram_error
from rankkit.solvers.kronecker import structured
from rankkit.solvers.located import FEW
from rankkit.solvers.nystrom import few_directions, low_rank
from rankkit.solvers.sampled import sample_size, sampled
from rankkit.solvers.solution import error_of, formed_error, portions, squarable
from rankkit.solvers.stack import Stack
from rankkit.solvers.tolerance import Bounds, Threshold, threshold_for
from rankkit.solvers.windows import nearly_full, windowed

__all__ = ["Count", "count_above"]

SMALL = 96  # below this min(m, n) an SVD is as quick as any other route
LONGEST = "U11"  # the numpy type of a route's name
SAMPLES = 1 / 12  # of min(m, n): so many make the quickest route of all
CLEAR = 4  # roundings of G by which the square of a threshold has to be larger, so that G can tell anything


class Count(NamedTuple):
    """How many singular values exceed a threshold.

    Attributes
    ----------
    lower, upper : numpy integer array, shape (*batch,)
        The count lies between them. Where they are equal it is known.
    route : numpy array of str, shape (*batch,)
        The route that decided, or that was tried last: "factored", "sample", "cholesky", "nystrom", "inertia",
        "eigenvalues" or "svd".
    """

    lower: Any
    upper: Any
    route: Any

    def __repr__(self) -> str:
        return text_summary(*self._summary())

    def _repr_html_(self) -> str:
        return html_summary(*self._summary())

    def _summary(self) -> tuple[str, list[str], dict[str, Any]]:
        """Return a title, the lines below it, and for a batch its counts one by one."""
        lower, upper, route = (np.asarray(part) for part in self)
        known, undecided = lower == upper, "undecided: a singular value lies within its error of the threshold"
        if lower.ndim == 0:
            count = f"{lower}" if known else f"between {lower} and {upper}"
            title = f"Count of singular values above the threshold: {count}."
            return title, [f"route: {route}"] if known else [f"route: {route}", undecided], {}
        title = f"Counts of singular values above the threshold for {lower.size:,} updates, batch {lower.shape}."
        lines = [f"{np.sum(known):,} of {lower.size:,} counts are decided"]
        if not np.all(known):
            lines.append(undecided)
        numbers = {"update": range(lower.size), "lower": lower.ravel(), "upper": upper.ravel(), "route": route.ravel()}
        return title, lines, numbers


def count_above(
    update: Factors | Kronecker | Array,
    *,
    rtol: float | None = None,
    atol: float | None = None,
    forming_error: Any = 0.0,
) -> Count:
    """Return how many singular values of an update exceed rtol * sigma_1, or atol.

    The singular values are computed only where no cheaper route can tell.

    Parameters
    ----------
    update : Factors, Kronecker or array, shape (*batch, m, n)
        What a rule returned, or any matrix of finite real floats.
    rtol, atol : float, optional
        Tolerance relative to sigma_1, or absolute; neither: rtol = max(m, n) eps(float32).
    forming_error : float or array, shape (*batch,)
        `rule.forming_error(factors)`: the count is that of the update before rounding.

    Returns
    -------
    Count
        lower = upper wherever no singular value lies within its error of the threshold.

    Raises
    ------
    TypeError
        If update is not an array of real floats.
    ValueError
        If update has no rows and columns or is not finite, both tolerances are given, or one is negative.

    Examples
    --------
    >>> import numpy as np
    >>> count_above(np.diag([1.0, 0.1, 1e-9]), rtol=1e-3)
    Count of singular values above the threshold: 2.
      route: svd
    """
    formed = formed_error(forming_error)
    kept = isinstance(update, (Factors, Kronecker))
    *batch, m, n = update.shape if kept else float_matrix("update", update).shape
    size = math.prod(batch)
    threshold = threshold_for((m, n), rtol, atol, np.broadcast_to(formed, batch).reshape(size))
    if kept:
        values, floor, near = structured(update)
        error = error_of(values, floor, near)
        bounds = threshold.count_bounds(values.reshape(size, -1), error.reshape(size, -1))
        found = Count(*bounds, np.full(size, "factored", dtype=LONGEST))
    else:
        xp = namespace(update)
        stack = xp.reshape(xp.astype(update, xp.float64, copy=False), (size, m, n))
        parts = [_climb(stack[part, ...], threshold.at(part)) for part in portions(stack)]
        found = Count(*(np.concatenate(arrays) for arrays in zip(*parts, strict=True)))
    return Count(*(part.reshape(batch)[()] for part in found))


class _Route(NamedTuple):
    """One way to count.

    Attributes
    ----------
    suits : callable
        Maps a stack and the bounds so far to whom the route suits, bool (batch,).
    bounds : callable
        Maps a stack to bounds on its counts.
    """

    suits: Callable[[Stack, Bounds], Array]
    bounds: Callable[[Stack], Bounds]


def _climb(S: Array, threshold: Threshold) -> Count:
    """Return the counts of S, shape (batch, m, n), asking route after route until each count is known."""
    size, p = S.shape[0], min(S.shape[-2:])
    lower, upper = np.zeros(size, dtype=np.int64), np.full(size, p)
    taken = np.full(size, "", dtype=LONGEST)
    # the matrices whose count is still open, and where they stand in S
    work, places = Stack(S, threshold), list(range(size))
    for name, route in _ROUTES.items():
        unknown = np.flatnonzero(lower[places] < upper[places])
        if unknown.size == 0:
            break
        work, places = work.at(unknown), [places[i] for i in unknown]
        suited = np.flatnonzero(route.suits(work, Bounds(lower[places], upper[places])))
        if suited.size:
            found, at = route.bounds(work.at(suited)), [places[i] for i in suited]
            lower[at], upper[at] = np.maximum(lower[at], found.lower), np.minimum(upper[at], found.upper)
            taken[at] = name
    return Count(lower, upper, taken)


def _avoidable(work: Stack, sofar: Bounds) -> Array:
    """Return whether an SVD is worth avoiding and the matrix can be squared, shape (batch,)."""
    return squarable(work.energy) & (work.p >= SMALL)


def _tellable(work: Stack, sofar: Bounds) -> Array:
    """Return whether the threshold is so far above sqrt(eps) ||S||_F that a Gram matrix can tell, shape (batch,)."""
    mean_square = work.energy / work.p  # at most sigma_1^2, so that the threshold is at least this one:
    least = work.threshold.relative(np.sqrt(mean_square)) ** 2 * mean_square
    return _avoidable(work, sofar) & (least > CLEAR * gram_error(work.S, work.energy))


def _many_open(work: Stack, sofar: Bounds) -> Array:
    return _tellable(work, sofar) & (sofar.upper - sofar.lower > FEW)


def _few(work: Stack, sofar: Bounds) -> Array:
    return _many_open(work, sofar) & few_directions(work)


def _always(work: Stack, sofar: Bounds) -> Array:
    return np.full(sofar.lower.shape, True)


def _by_sample(work: Stack) -> Bounds:
    """Return bounds on the counts where the spectrum falls fast, and 0 and p elsewhere."""
    lower, upper = np.zeros(work.S.shape[0], dtype=np.int64), np.full(work.S.shape[0], work.p)
    # sigma_1 is at most ||S||_F
    samples = sample_size(work.S, work.threshold.relative(np.sqrt(work.energy)))
    # with more of them a Gram matrix and its low-rank copy are quicker, where they can tell
    samples[(samples > SAMPLES * work.p) & _tellable(work, Bounds(lower, upper))] = 0
    few = np.flatnonzero(samples)
    if few.size:
        some = work.at(few)
        values, error, _ = sampled(some.S, int(samples.max()))
        lower[few], upper[few] = some.threshold.count_bounds(values, error)
    return Bounds(lower, upper)


def _by_svd(work: Stack) -> Bounds:
    values, floor, _ = dense(work.S)
    return work.threshold.count_bounds(values, floor[:, None])


def _by_eigenvalues(work: Stack) -> Bounds:
    low, high = eigenvalue_bounds(work.gram)
    return work.threshold.count_bounds((low + high) / 2, (high - low) / 2)


# cheapest first
_ROUTES = {
    "sample": _Route(_avoidable, _by_sample),
    "cholesky": _Route(_tellable, nearly_full),
    "nystrom": _Route(_few, low_rank),
    "inertia": _Route(_tellable, windowed),
    "eigenvalues": _Route(_many_open, _by_eigenvalues),
    "svd": _Route(_always, _by_svd),
}
