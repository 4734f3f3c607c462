"""Solution: what every solver returns; and what all solvers share."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from array_api_compat import is_numpy_array

from rankkit.factors import Array, host, namespace

__all__ = ["EPS", "ROUNDOFF", "Solution", "energy", "error_of", "formed_error", "portions", "squarable"]

EPS = 2.0**-52  # of float64, the precision every solver decomposes in
ROUNDOFF = EPS / 2  # a single operation is off by at most so much, relative to its result
SQUARES = (1e-250, 1e250)  # energies whose squares neither vanish nor overflow in float64


class Solution(NamedTuple):
    """Singular values on the host and how far off each may be.

    |computed - true| <= min(noise_floor, relative_error * computed) for every value.

    Attributes
    ----------
    values : numpy array, shape (*batch, k)
        Descending, float64.
    noise_floor : numpy array, shape (*batch,) or (*batch, k)
        Absolute bound: one for all values, or one for each.
    relative_error : numpy array, shape (*batch,)
        Relative bound; inf where only the absolute one is known.
    """

    values: Array
    noise_floor: Array
    relative_error: Array


def error_of(values: Array, noise_floor: Array, relative_error: Array) -> Array:
    """Return the bound on the error of every value: the smaller of the absolute and the relative one.

    Parameters
    ----------
    values, noise_floor, relative_error : array
        As in a `Solution`.

    Returns
    -------
    array, shape (*batch, k)
    """
    with np.errstate(invalid="ignore"):
        near = np.where(np.isfinite(relative_error[..., None]), relative_error[..., None] * values, np.inf)
    each = noise_floor if noise_floor.ndim == values.ndim else noise_floor[..., None]
    return np.broadcast_to(np.minimum(each, near), values.shape)


def formed_error(forming_error: Any) -> Array:
    """Return what rounding did to an update before it came to a solver, as a float64 array on the host.

    Parameters
    ----------
    forming_error : float or array, shape (*batch,)
        What the user gave: `rule.forming_error(factors)`.

    Returns
    -------
    array, shape () or (*batch,)

    Raises
    ------
    ValueError
        If an error is negative or NaN.
    """
    try:
        formed = np.asarray(host(forming_error) if hasattr(forming_error, "shape") else forming_error, dtype=np.float64)
    except (TypeError, ValueError):  # no number
        formed = np.asarray(np.nan)
    if not np.all(formed >= 0):
        raise ValueError(f"forming_error must be >= 0, got {forming_error!r}; pass rule.forming_error(factors).")
    return formed


def energy(matrices: Array) -> Array:
    """Return the squared Frobenius norm of every matrix, on the host.

    Parameters
    ----------
    matrices : array, shape (*batch, m, n)

    Returns
    -------
    array, shape (*batch,)
    """
    xp, (*batch, m, n) = namespace(matrices), matrices.shape
    flat = xp.reshape(matrices, (*batch, m * n))
    if is_numpy_array(flat):
        with np.errstate(over="ignore"):
            return np.vecdot(flat, flat)
    return host(xp.linalg.vecdot(flat, flat))


def squarable(energies: Array) -> Array:
    """Return whether matrices of these energies can be squared: their Gram matrices neither vanish nor overflow.

    Parameters
    ----------
    energies : array, shape (batch,)

    Returns
    -------
    array of bool, shape (batch,)
    """
    return (energies > SQUARES[0]) & (energies < SQUARES[1])


def portions(stack: Array) -> list[slice]:
    """Return the portions in which a stack of matrices is worked.

    On numpy this is one matrix after another, since a matrix fills the cache. On a device it is all of them at once,
    since launching a kernel costs more than its work.

    Parameters
    ----------
    stack : array, shape (batch, m, n)

    Returns
    -------
    list of slice
    """
    size = stack.shape[0]
    step = 1 if is_numpy_array(stack) else max(size, 1)
    return [slice(start, start + step) for start in range(0, size, step)]
