"""How many singular values exceed a threshold: counted, not decomposed, and never guessed.

Routes from the cheapest to the most careful. Each gives integers between which the count surely lies; the next is
asked only where they differ.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
from array_api_compat import is_numpy_array

from rankkit.factors import Array, Factors, float_matrix, host, namespace
from rankkit.products import Kronecker
from rankkit.solvers.base import EPS, energy, error_of
from rankkit.solvers.dense import dense
from rankkit.solvers.gram import (
    TAIL,
    Gram,
    eigenvalue_bounds,
    gram,
    inertia,
    power_top,
    proved_top,
    row_sum_top,
    small_at_least,
)  # fmt: skip
from rankkit.solvers.kronecker import structured
from rankkit.solvers.range_finder import sample_size, sampled
from rankkit.solvers.threshold import Threshold, threshold_for

__all__ = ["Count", "count_above"]

SMALL = 96  # below this min(m, n) an SVD is as quick as anything


class Count(NamedTuple):
    """How many singular values exceed a threshold.

    Attributes
    ----------
    lower, upper : numpy integer array, shape (*batch,)
        The count lies between them; where they are equal it is known.
    route : numpy array of str, shape (*batch,)
        What decided, or tried last: "factored", "sample", "cholesky", "inertia", "eigenvalues" or "svd".
    """

    lower: Any
    upper: Any
    route: Any


def count_above(
    update: Factors | Kronecker | Array,
    *,
    rtol: float | None = None,
    atol: float | None = None,
    forming_error: Any = 0.0,
) -> Count:
    """Return how many singular values of an update exceed rtol * sigma_1, or atol, without computing them if it can.

    Parameters
    ----------
    update : Factors, Kronecker or array, shape (*batch, m, n)
        What a rule returned, or any matrix of finite real floats.
    rtol, atol : float, optional
        Threshold relative to sigma_1, or absolute; neither: rtol = max(m, n) eps(float32).
    forming_error : float or array, shape (*batch,)
        `rule.forming_error(factors)`: the count is that of the update before rounding.

    Returns
    -------
    Count
        lower = upper wherever no singular value lies within the error of the threshold.

    Raises
    ------
    TypeError, ValueError
        If update is not a finite float matrix, both tolerances are given, or one is negative.

    Examples
    --------
    >>> import numpy as np
    >>> counted = count_above(np.diag([1.0, 0.1, 1e-9]), rtol=1e-3)
    >>> int(counted.lower), int(counted.upper), str(counted.route)
    (2, 2, 'svd')
    """
    batch, (m, n) = _checked(update, forming_error)
    size = math.prod(batch)
    threshold = threshold_for((m, n), rtol, atol, np.broadcast_to(_on_host(forming_error), batch).reshape(size))
    if isinstance(update, (Factors, Kronecker)):
        values, floor, near = structured(update)
        error = error_of(values, floor, near)
        lower, upper = threshold.count_bounds(values.reshape(size, -1), error.reshape(size, -1))
        route = np.full(size, "factored", dtype="U11")
    else:
        xp = namespace(update)
        stack = xp.reshape(xp.astype(update, xp.float64, copy=False), (size, m, n))
        step = 1 if is_numpy_array(stack) else max(size, 1)
        parts = [_ladder(stack[i : i + step, ...], threshold.at(slice(i, i + step))) for i in range(0, size, step)]
        lower, upper, route = (np.concatenate([part[i] for part in parts]) for i in range(3))
    return Count(*(x.reshape(batch)[()] for x in (lower, upper, route)))


def _checked(update: Any, forming_error: Any) -> tuple[tuple[int, ...], tuple[int, int]]:
    if not np.all(_on_host(forming_error) >= 0):
        raise ValueError(f"forming_error must be >= 0, got {forming_error!r}; pass rule.forming_error(factors).")
    shape = tuple(update.shape if isinstance(update, (Factors, Kronecker)) else float_matrix("update", update).shape)
    return shape[:-2], (shape[-2], shape[-1])


def _on_host(x: Any) -> Any:
    return np.asarray(host(x) if hasattr(x, "shape") else x, dtype=np.float64)


@dataclass(frozen=True, eq=False)
class _Stack:
    """Matrices S, shape (batch, m, n), the threshold, and what more than one route needs."""

    S: Array
    threshold: Threshold

    @property
    def p(self) -> int:
        return min(self.S.shape[-2:])

    @cached_property
    def energy(self) -> Any:
        """||S||_F^2, shape (batch,)."""
        return energy(self.S)

    @cached_property
    def low(self) -> Any:
        """A lower bound on sigma_1, shape (batch,), a few per cent below it."""
        return power_top(self.gram)

    @cached_property
    def gram(self) -> Gram:
        return gram(self.S, self.energy)

    def at(self, which: Any) -> _Stack:
        """Return some of the stack."""
        if which.size == self.S.shape[0]:
            return self
        some = _Stack(self.S[which, ...], self.threshold.at(which))
        if "gram" in self.__dict__:
            some.__dict__["gram"] = self.gram.at(which)
        return some


def _ladder(S: Array, threshold: Threshold) -> tuple[Any, Any, Any]:
    """Return (lower, upper, route), each of shape (batch,)."""
    size, p = S.shape[0], min(S.shape[-2:])
    lower, upper = np.zeros(size, dtype=np.int64), np.full(size, p)
    route = np.full(size, "", dtype="U11")
    work, index = _Stack(S, threshold), np.arange(size)
    for name, (suits, bounds) in _ROUTES.items():
        still = np.flatnonzero(lower[index] < upper[index])
        work, index = work.at(still), index[still]
        some = np.flatnonzero(suits(work, lower[index])) if index.size else index
        if some.size == 0:
            continue
        least, most = bounds(work.at(some))
        at = index[some]
        lower[at], upper[at], route[at] = np.maximum(lower[at], least), np.minimum(upper[at], most), name
    return lower, upper, route


def _large(work: _Stack, lower: Any) -> Any:
    """Return whether an SVD is worth avoiding, and squares neither overflow nor vanish, shape (batch,)."""
    return (work.energy > 1e-250) & (work.energy < 1e250) & (work.p >= SMALL)


def _by_sample(work: _Stack) -> tuple[Any, Any]:
    """Return bounds on the counts where the spectrum falls fast."""
    lower, upper = np.zeros(work.S.shape[0], dtype=np.int64), np.full(work.S.shape[0], work.p)
    # sigma_1 is at most ||S||_F
    samples = sample_size(work.S, work.threshold.relative(np.sqrt(work.energy)))
    few = np.flatnonzero(samples)
    if few.size:
        some = work.at(few)
        values, error, _ = sampled(some.S, int(samples.max()))
        lower[few], upper[few] = some.threshold.count_bounds(values, error)
    return lower, upper


def _squarable(work: _Stack, lower: Any) -> Any:
    """Return whether the threshold is so far above sqrt(eps) sigma_1 that a Gram matrix can tell, shape (batch,)."""
    mean_square = work.energy / work.p
    least = work.threshold.relative(np.sqrt(mean_square)) ** 2 * mean_square
    return _large(work, lower) & (least > EPS * (sum(work.S.shape[-2:]) + 8) * work.energy)


def _nearly_full(work: _Stack, lower: Any) -> Any:
    """Return whether the first Cholesky factorisation ran through, shape (batch,)."""
    return _squarable(work, lower) & (lower >= work.p - TAIL)


def _by_inertia(work: _Stack, top: Any) -> tuple[Any, Any]:
    """Return bounds on the counts where all or nearly all sigma exceed the threshold, given sigma_1 <= top."""
    found = inertia(work.gram, work.threshold.between(top, top)[0])
    lower, upper = found.positive, np.full(top.shape, work.p)
    if np.any(found.sound & (lower < work.p)):
        upper = upper - small_at_least(work.gram, found, work.threshold.between(work.low, top)[1])
    return lower, upper


def _by_eigenvalues(work: _Stack) -> tuple[Any, Any]:
    low, high = eigenvalue_bounds(work.gram)
    return work.threshold.count_bounds((low + high) / 2, (high - low) / 2)


def _by_svd(work: _Stack) -> tuple[Any, Any]:
    values, floor, _ = dense(work.S)
    return work.threshold.count_bounds(values, floor[:, None])


def _always(work: _Stack, lower: Any) -> Any:
    return np.full(lower.shape, True)


# cheapest first: whom each suits, given the lower bounds so far, and what bounds it finds
_ROUTES: dict[str, tuple[Callable[[_Stack, Any], Any], Callable[[_Stack], tuple[Any, Any]]]] = {
    "sample": (_large, _by_sample),
    "cholesky": (_squarable, lambda work: _by_inertia(work, row_sum_top(work.gram))),
    "inertia": (_nearly_full, lambda work: _by_inertia(work, proved_top(work.gram, work.low))),
    "eigenvalues": (_squarable, _by_eigenvalues),
    "svd": (_always, _by_svd),
}
