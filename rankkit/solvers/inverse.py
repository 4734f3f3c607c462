"""Systems with G - shift I, solved by the factorisation that told its inertia. They serve to find vectors near a shift.

Nothing rests on how exact a solution is: what is made of it is measured with S itself.
"""

from __future__ import annotations

import numpy as np
from array_api_compat import is_numpy_array

from rankkit.factors import Array, namespace
from rankkit.solvers import lapack
from rankkit.solvers.blocks import BLOCK
from rankkit.solvers.gram import torch_linalg
from rankkit.solvers.inertia import Inertia

__all__ = ["back_solved", "solved"]


def solved(found: Inertia, columns: Array) -> Array:
    """Return (G - shift I)^{-1} times columns, to rounding.

    Parameters
    ----------
    found : Inertia
        Without leading indices.
    columns : array, shape (batch, p, k)

    Returns
    -------
    array, shape (batch, p, k)
    """
    xp, L, x = namespace(columns), found.L, columns + 0.0
    k, p = found.head, columns.shape[-2]
    if k:
        x[:, :k, :] = _triangle_solved(L, k, x[:, :k, :], transposed=False)
    if found.pivots is not None:
        x[:, k:, :] = _rest_solved(L[:, k:, k:], found.pivots, x[:, k:, :] - L[:, k:, :k] @ x[:, :k, :])
        return back_solved(found, x)
    for start in range(k, p, BLOCK):
        now = slice(start, min(start + BLOCK, p))
        x[:, now, :] = xp.linalg.solve(L[:, now, now], x[:, now, :] - L[:, now, :start] @ x[:, :start, :])
    return back_solved(found, x * found.J[..., None])


def back_solved(found: Inertia, columns: Array) -> Array:
    """Return L^{-T} times columns: where J is -1, the unit vectors become directions x with x^T (G - shift I) x = -1.

    Where L has pivots, only the leading block is taken for L.

    Parameters
    ----------
    found : Inertia
        Without leading indices.
    columns : array, shape (batch, p, k)

    Returns
    -------
    array, shape (batch, p, k)
    """
    xp, x = namespace(columns), columns + 0.0
    k, p, upper = found.head, columns.shape[-2], namespace(columns).matrix_transpose(found.L)
    for start in reversed(range(k, p if found.pivots is None else k, BLOCK)):
        stop = min(start + BLOCK, p)
        now = slice(start, stop)
        x[:, now, :] = xp.linalg.solve(upper[:, now, now], x[:, now, :] - upper[:, now, stop:] @ x[:, stop:, :])
    if k:
        x[:, :k, :] = _triangle_solved(found.L, k, x[:, :k, :] - upper[:, :k, k:] @ x[:, k:, :], transposed=True)
    return x


def _triangle_solved(L: Array, k: int, columns: Array, *, transposed: bool) -> Array:
    """Return L^{-1} or L^{-T} times columns, shape (batch, k, count), for the leading k x k triangle of L."""
    if not is_numpy_array(L):
        triangle = L[..., :k, :k]
        if transposed:
            triangle = namespace(L).matrix_transpose(triangle)
        return torch_linalg("solve_triangular")(triangle, columns, upper=transposed)
    rows = _rows(columns)
    for triangle, right in zip(L, rows, strict=True):
        lapack.solve(triangle, k, right, transposed=transposed)
    return np.swapaxes(rows, -1, -2)


def _rest_solved(T: Array, pivots: Array, columns: Array) -> Array:
    """Return T^{-1} times columns, shape (batch, q, k), for matrices that `pivoted` has factorised."""
    rows = _rows(columns)
    for matrix, interchanges, right in zip(T, pivots, rows, strict=True):
        lapack.symmetric_solve(matrix, interchanges, right)
    return np.swapaxes(rows, -1, -2)


def _rows(columns: Array) -> Array:
    """Return columns (batch, p, k) as rows that lie in one piece, as LAPACK takes them."""
    return np.ascontiguousarray(np.swapaxes(columns, -1, -2))
