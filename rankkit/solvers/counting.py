"""How many singular values exceed a threshold: counted without an SVD where one can be avoided, and never guessed.

There are several routes, from the cheapest to the most careful. Each gives integers between which the count surely
lies, and the next route is asked only where the two differ.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np

from rankkit.factors import Array, Factors, float_matrix, namespace
from rankkit.products import Kronecker
from rankkit.report.inline import html_summary, text_summary
from rankkit.solvers.dense import dense
from rankkit.solvers.gram import (
    TAIL,
    Gram,
    eigenvalue_bounds,
    gram,
    gram_error,
    inertia,
    power_top,
    proved_top,
    row_sum_top,
    small_at_least,
)  # fmt: skip
from rankkit.solvers.kronecker import structured
from rankkit.solvers.sampled import sample_size, sampled
from rankkit.solvers.solution import energy, error_of, formed_error, portions, squarable
from rankkit.solvers.tolerance import Bounds, Threshold, threshold_for

__all__ = ["Count", "count_above"]

SMALL = 96  # below this min(m, n) an SVD is as quick as any other route
LONGEST = "U11"  # the numpy type of a route's name


class Count(NamedTuple):
    """How many singular values exceed a threshold.

    Attributes
    ----------
    lower, upper : numpy integer array, shape (*batch,)
        The count lies between them. Where they are equal it is known.
    route : numpy array of str, shape (*batch,)
        The route that decided, or that was tried last: "factored", "sample", "cholesky", "inertia", "eigenvalues" or
        "svd".
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


class _Stack:
    """Matrices S, shape (batch, m, n), their thresholds, and what more than one route needs."""

    def __init__(self, S: Array, threshold: Threshold, known: Gram | None = None) -> None:
        self.S, self.threshold = S, threshold
        self.p = min(S.shape[-2:])
        self._gram = known

    @cached_property
    def energy(self) -> Array:
        """||S||_F^2, shape (batch,)."""
        return energy(self.S)

    @cached_property
    def low(self) -> Array:
        """A lower bound on sigma_1, shape (batch,), a few per cent below it."""
        return power_top(self.gram)

    @property
    def gram(self) -> Gram:
        """The Gram matrices, formed once and handed on to every part of the stack."""
        if self._gram is None:
            self._gram = gram(self.S, self.energy)
        return self._gram

    def at(self, which: Array) -> _Stack:
        """Return a part of the stack; itself where the part is all of it."""
        if which.size == self.S.shape[0]:
            return self
        known = None if self._gram is None else self._gram.at(which)
        return _Stack(self.S[which, ...], self.threshold.at(which), known)


class _Route(NamedTuple):
    """One way to count.

    Attributes
    ----------
    suits : callable
        Maps a stack and the lower bounds so far, shape (batch,), to whom the route suits, bool (batch,).
    bounds : callable
        Maps a stack to bounds on its counts.
    """

    suits: Callable[[_Stack, Array], Array]
    bounds: Callable[[_Stack], Bounds]


def _climb(S: Array, threshold: Threshold) -> Count:
    """Return the counts of S, shape (batch, m, n), asking route after route until each count is known."""
    size, p = S.shape[0], min(S.shape[-2:])
    lower, upper = np.zeros(size, dtype=np.int64), np.full(size, p)
    taken = np.full(size, "", dtype=LONGEST)
    # the matrices whose count is still open, and where they stand in S
    work, places = _Stack(S, threshold), list(range(size))
    for name, route in _ROUTES.items():
        unknown = np.flatnonzero(lower[places] < upper[places])
        if unknown.size == 0:
            break
        work, places = work.at(unknown), [places[i] for i in unknown]
        suited = np.flatnonzero(route.suits(work, lower[places]))
        if suited.size:
            found, at = route.bounds(work.at(suited)), [places[i] for i in suited]
            lower[at], upper[at] = np.maximum(lower[at], found.lower), np.minimum(upper[at], found.upper)
            taken[at] = name
    return Count(lower, upper, taken)


def _avoidable(work: _Stack, lower: Array) -> Array:
    """Return whether an SVD is worth avoiding and the matrix can be squared, shape (batch,)."""
    return squarable(work.energy) & (work.p >= SMALL)


def _tellable(work: _Stack, lower: Array) -> Array:
    """Return whether the threshold is so far above sqrt(eps) ||S||_F that a Gram matrix can tell, shape (batch,)."""
    mean_square = work.energy / work.p  # at most sigma_1^2, so that the threshold is at least this one:
    least = work.threshold.relative(np.sqrt(mean_square)) ** 2 * mean_square
    return _avoidable(work, lower) & (least > gram_error(work.S, work.energy))


def _nearly_full(work: _Stack, lower: Array) -> Array:
    """Return whether the first Cholesky factorisation ran through, shape (batch,)."""
    return _tellable(work, lower) & (lower >= work.p - TAIL)


def _always(work: _Stack, lower: Array) -> Array:
    return np.full(lower.shape, True)


def _by_sample(work: _Stack) -> Bounds:
    """Return bounds on the counts where the spectrum falls fast, and 0 and p elsewhere."""
    lower, upper = np.zeros(work.S.shape[0], dtype=np.int64), np.full(work.S.shape[0], work.p)
    # sigma_1 is at most ||S||_F
    samples = sample_size(work.S, work.threshold.relative(np.sqrt(work.energy)))
    few = np.flatnonzero(samples)
    if few.size:
        some = work.at(few)
        values, error, _ = sampled(some.S, int(samples.max()))
        lower[few], upper[few] = some.threshold.count_bounds(values, error)
    return Bounds(lower, upper)


def _by_cholesky(work: _Stack) -> Bounds:
    return _by_inertia(work, row_sum_top(work.gram))


def _by_close_inertia(work: _Stack) -> Bounds:
    return _by_inertia(work, proved_top(work.gram, work.low))


def _by_inertia(work: _Stack, top: Array) -> Bounds:
    """Return bounds on the counts where all or nearly all sigma exceed the threshold, given sigma_1 <= top."""
    found = inertia(work.gram, work.threshold.between(top, top).above)
    upper = np.full(top.shape, work.p)
    if np.any(found.sound & (found.positive < work.p)):
        upper = upper - small_at_least(work.gram, found, work.threshold.between(work.low, top).below)
    return Bounds(found.positive, upper)


def _by_eigenvalues(work: _Stack) -> Bounds:
    low, high = eigenvalue_bounds(work.gram)
    return work.threshold.count_bounds((low + high) / 2, (high - low) / 2)


def _by_svd(work: _Stack) -> Bounds:
    values, floor, _ = dense(work.S)
    return work.threshold.count_bounds(values, floor[:, None])


# cheapest first
_ROUTES = {
    "sample": _Route(_avoidable, _by_sample),
    "cholesky": _Route(_tellable, _by_cholesky),
    "inertia": _Route(_nearly_full, _by_close_inertia),
    "eigenvalues": _Route(_tellable, _by_eigenvalues),
    "svd": _Route(_always, _by_svd),
}
