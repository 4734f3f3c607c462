"""The largest singular value of a large matrix on the host: vectors from float32, and what they are worth from float64.

A Krylov method reads the whole matrix twice in every step, so that its time is that of reading. float32 halves it. The
vectors that it finds have residuals of about 1e-7. Nothing rests on how exact float32 is: the Ritz values and their
residuals are computed anew in float64.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from rankkit.factors import Array
from rankkit.solvers.solution import energy

__all__ = ["LARGE", "SHARPEST", "Pair", "two_largest"]

LARGE = 256  # of min(m, n), from which half of the reading is worth a second copy
SHARPEST = 5e-7  # relative residual: float32's vectors seldom have a smaller one
SHARE = 1 / 4  # of min(m, n): with more vectors than that float64 itself takes over
FIRST = 8  # vectors before the first look at the Ritz values
EIGHTH = 8  # between two looks: so large a part of the vectors so far


class Pair(NamedTuple):
    """Approximations of the two largest singular values, and how far two singular values may be from them.

    Attributes
    ----------
    values : numpy array, shape (2,)
        Descending.
    residual : float
        Of M V = U diag(values) with orthonormal U and V: the Frobenius norm of M^T U - V diag(values), in float64.
    """

    values: Array
    residual: float


def two_largest(M: Array, tol: float) -> Pair | None:
    """Return approximations of the two largest singular values, or None where float32 finds none.

    Parameters
    ----------
    M : numpy array, float64, shape (m, n)
    tol : float
        The residual, relative to the largest value, at which the search ends. float32 judges it, so that the residual
        that is returned may be larger.
    """
    size = float(np.sqrt(energy(M)))
    if not 0 < size < np.inf:
        return None
    single = np.multiply(M, 1 / size, out=np.empty_like(M, dtype=np.float32), casting="same_kind")
    found = _right_vectors(single, tol)
    if found is None:
        return None
    X = np.linalg.qr(found.astype(np.float64))[0]
    U, sigma, turn = np.linalg.svd(_columns(M, X), full_matrices=False)
    rest = _columns(M.T, U) - X @ turn.T * sigma
    return Pair(sigma, float(np.linalg.vector_norm(rest)))


def _columns(M: Array, X: Array) -> Array:
    """Return M X, column by column, which is quicker than a product for so few."""
    return np.stack([M @ np.ascontiguousarray(column) for column in X.T], axis=-1)


def _right_vectors(M: Array, tol: float) -> Array | None:
    """Return the right Ritz vectors of the two largest values, shape (n, 2), by Golub and Kahan's bidiagonalisation.

    With U and V the vectors so far, M V = U T, and M^T U = V T^T plus a multiple of the next v beside the last column.
    """
    m, n = M.shape
    most = int(SHARE * min(m, n))
    U, V, T = np.empty((most, m), M.dtype), np.empty((most, n), M.dtype), np.zeros((most, most + 1))
    start = np.random.default_rng(0).standard_normal((n,))
    v, look = np.asarray(start / np.linalg.vector_norm(start), dtype=np.float32), FIRST
    for j in range(most):
        V[j] = v
        T[j, j] = _appended(U, j, M @ v)
        image = U[j] @ M
        image -= (V[: j + 1] @ image) @ V[: j + 1]
        T[j, j + 1] = length = np.linalg.vector_norm(image)
        if not (T[j, j] > 0 and length > 0):
            return None
        v = image / length
        if j + 1 < look:
            continue
        look += max(1, look // EIGHTH)
        square = T[: j + 1, : j + 1] @ T[: j + 1, : j + 1].T
        values, left = np.linalg.eigh(square)
        left = left[:, :-3:-1]
        if length * np.linalg.vector_norm(left[-1]) <= tol * np.sqrt(values[-1]):
            return V[: j + 1].T @ (T[: j + 1, : j + 1].T @ left).astype(M.dtype)
    return None


def _appended(rows: Array, count: int, image: Array) -> float:
    """Write the part of a vector outside so many rows to the next row, of unit length; return the length it had."""
    if count:
        image -= (rows[:count] @ image) @ rows[:count]
    length = float(np.linalg.vector_norm(image))
    np.divide(image, length or 1.0, out=rows[count])
    return length
