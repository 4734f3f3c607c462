"""Solution: what every solver returns."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from array_api_compat import is_numpy_array

from rankkit.factors import Array, host, namespace

__all__ = ["EPS", "Solution", "energy", "error_of"]

EPS = 2.0**-52  # float64, the precision every solver decomposes in


class Solution(NamedTuple):
    """Singular values on the host and how far off each may be.

    |computed - true| <= min(noise_floor, relative_error * computed) for every value.

    Attributes
    ----------
    values : numpy array, shape (*batch, k)
        Descending, float64.
    noise_floor : numpy array, shape (*batch,) or (*batch, k)
        Absolute bound, one for all or one for each.
    relative_error : numpy array, shape (*batch,)
        Relative bound; inf where only the absolute one is known.
    """

    values: Any
    noise_floor: Any
    relative_error: Any


def error_of(values: Any, noise_floor: Any, relative_error: Any) -> Any:
    """Return the bound on every value's error, shape (*batch, k): the smaller of the two."""
    with np.errstate(invalid="ignore"):
        near = np.where(np.isfinite(relative_error[..., None]), relative_error[..., None] * values, np.inf)
    each = noise_floor if noise_floor.ndim == values.ndim else noise_floor[..., None]
    return np.broadcast_to(np.minimum(each, near), values.shape)


def energy(matrices: Array) -> Any:
    """Return the squared Frobenius norm of matrices (*batch, m, n), shape (*batch,), on the host."""
    xp, (*batch, m, n) = namespace(matrices), matrices.shape
    flat = xp.reshape(matrices, (*batch, m * n))
    if is_numpy_array(flat):
        with np.errstate(over="ignore"):
            return np.vecdot(flat, flat)
    return host(xp.linalg.vecdot(flat, flat))
