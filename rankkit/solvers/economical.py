"""All singular values of an explicit matrix, as accurate as is asked for and as cheaply as that allows.

Squaring costs half the digits and saves most of the time: with lambda an eigenvalue of S^T S known to delta, sigma =
sqrt(lambda) is known to delta / sigma where it is large and to sqrt(delta) where it is not. A spectrum that falls fast
needs no more than a sample of its range.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from array_api_compat import is_numpy_array

from rankkit.factors import Array, namespace
from rankkit.solvers.dense import dense
from rankkit.solvers.gram import eigenvalue_bounds, gram
from rankkit.solvers.sampled import sample_size, sampled
from rankkit.solvers.solution import Solution, energy

__all__ = ["economical"]

SMALL = 256  # below this min(m, n) an SVD is as quick as anything
SQUARES = (1e-250, 1e250)  # energies whose squares neither vanish nor overflow


def economical(update: Array, tol: float) -> Solution:
    """Return all min(m, n) singular values of update, shape (*batch, m, n), each off by at most tol * sigma_1.

    Parameters
    ----------
    update : array
    tol : float
        Largest error that will do, relative to sigma_1. The noise floor, a bound for every value, shape (*batch, k),
        is mostly far smaller: about eps (m + n) ||update||_F^2 / sigma for a value sigma from the Gram matrix.
    """
    xp = namespace(update)
    *batch, m, n = update.shape
    stack = xp.reshape(xp.astype(update, xp.float64, copy=False), (-1, m, n))
    # one after another where a matrix fills the cache, all at once where launching a kernel costs more
    step = 1 if is_numpy_array(stack) else max(stack.shape[0], 1)
    parts = [_all(stack[i : i + step, ...], tol) for i in range(0, stack.shape[0], step)]
    values, error = (np.concatenate([part[i] for part in parts]).reshape(*batch, min(m, n)) for i in range(2))
    return Solution(values, error, np.full(tuple(batch), np.inf))


def _all(S: Array, tol: float) -> tuple[Any, Any]:
    """Return values and errors, both (batch, p), of S, shape (batch, m, n), by the first route that is good enough."""
    size = energy(S)
    if min(S.shape[-2:]) >= SMALL and np.all((size > SQUARES[0]) & (size < SQUARES[1])):
        for values, error in filter(None, (_by_sample(S, tol), _by_eigenvalues(S, size))):
            if np.all(error <= tol * values[:, :1]):
                return values, error
    values, floor, _ = dense(S)
    return values, np.broadcast_to(floor[:, None], values.shape)


def _by_sample(S: Array, tol: float) -> tuple[Any, Any] | None:
    samples = sample_size(S, np.full(S.shape[0], tol))
    if not np.all(samples):
        return None
    values, error, _ = sampled(S, int(samples.max()))
    return values, error


def _by_eigenvalues(S: Array, size: Any) -> tuple[Any, Any]:
    low, high = eigenvalue_bounds(gram(S, size))
    # between the two lies sqrt(lambda); the middle of their squares, not of themselves
    values = np.sqrt((low**2 + high**2) / 2)
    return values, np.maximum(values - low, high - values)
