"""All singular values of an explicit matrix, as cheaply as the accuracy that is asked for allows.

Squaring a matrix costs half the digits and saves most of the time. If an eigenvalue lambda of S^T S is known to delta,
then sigma = sqrt(lambda) is known to about delta / sigma where it is large and to sqrt(delta) where it is not. A
spectrum that falls fast needs a sample of its range only.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from rankkit.factors import Array, namespace
from rankkit.solvers.dense import dense
from rankkit.solvers.gram import eigenvalue_bounds, gram
from rankkit.solvers.sampled import sample_size, sampled
from rankkit.solvers.solution import Solution, energy, portions, squarable

__all__ = ["economical"]

SMALL = 256  # below this min(m, n) an SVD is as quick as any other route


class _Values(NamedTuple):
    """Singular values and bounds on their errors, both of shape (batch, p)."""

    values: Array
    error: Array


def economical(update: Array, tol: float) -> Solution:
    """Return all min(m, n) singular values of a matrix, each off by at most tol * sigma_1.

    Parameters
    ----------
    update : array, shape (*batch, m, n)
    tol : float
        Largest error that is acceptable, relative to sigma_1.

    Returns
    -------
    Solution
        Its noise floor is a bound for every value, shape (*batch, k). It is mostly far smaller than tol: about
        eps (m + n) ||update||_F^2 / sigma for a value sigma from the Gram matrix.
    """
    xp = namespace(update)
    *batch, m, n = update.shape
    stack = xp.reshape(xp.astype(update, xp.float64, copy=False), (-1, m, n))
    parts = [_all(stack[part, ...], tol) for part in portions(stack)]
    values, error = (np.concatenate(arrays).reshape(*batch, min(m, n)) for arrays in zip(*parts, strict=True))
    return Solution(values, error, np.full(tuple(batch), np.inf))


def _all(S: Array, tol: float) -> _Values:
    """Return the singular values of S, shape (batch, m, n), by the first route that is accurate enough."""
    energies = energy(S)
    if min(S.shape[-2:]) >= SMALL and np.all(squarable(energies)):
        found = _by_sample(S, tol)
        if found is None or not _accurate(found, tol):
            found = _by_eigenvalues(S, energies)
        if _accurate(found, tol):
            return found
    values, floor, _ = dense(S)
    return _Values(values, np.broadcast_to(floor[:, None], values.shape))


def _accurate(found: _Values, tol: float) -> bool:
    return bool(np.all(found.error <= tol * found.values[:, :1]))


def _by_sample(S: Array, tol: float) -> _Values | None:
    """Return the values where samples of the range may suffice for every matrix."""
    samples = sample_size(S, np.full(S.shape[0], tol))
    if not np.all(samples):
        return None
    values, error, _ = sampled(S, int(samples.max()))
    return _Values(values, error)


def _by_eigenvalues(S: Array, energies: Array) -> _Values:
    low, high = eigenvalue_bounds(gram(S, energies))
    # sqrt(lambda) lies between the two: the middle of their squares is lambda, the middle of themselves is not
    values = np.sqrt((low**2 + high**2) / 2)
    return _Values(values, np.maximum(values - low, high - values))
