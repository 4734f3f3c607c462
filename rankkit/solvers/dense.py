"""All singular values of an explicit matrix, by the library's full SVD in float64."""

from __future__ import annotations

import numpy as np

from rankkit.factors import Array, host, namespace
from rankkit.solvers.solution import EPS, Solution

__all__ = ["dense"]


def dense(update: Array) -> Solution:
    """Return all min(m, n) singular values of a matrix.

    The bidiagonal SVD is backward stable: the values are those of a matrix within max(m, n) eps sigma_1 of the given
    one, and so (Weyl) off by no more than that.

    Parameters
    ----------
    update : array, shape (*batch, m, n)

    Returns
    -------
    Solution
    """
    xp = namespace(update)
    values = host(xp.linalg.svdvals(xp.astype(update, xp.float64)))
    noise_floor = EPS * max(update.shape[-2:]) * values[..., 0]
    return Solution(values, noise_floor, np.full(noise_floor.shape, np.inf))
