"""The Gram matrix G = S^T S of a matrix, and how far rounding moves its eigenvalues sigma^2.

Squaring costs half the digits, so that G serves for thresholds well above sqrt(eps) ||S||_F. There it is cheap: a third
of the work of a product, and its factorisations tell how many singular values exceed a threshold.

Let u be the unit roundoff. A sum of q products, taken in any order, is off by at most q u / (1 - q u) times the sum of
their sizes (Higham 2002, section 3.1). For q rows this moves G by at most q u ||S||_F^2 in the Frobenius norm, to first
order, and no eigenvalue moves further (Weyl). Terms of second order lie within the ROOM roundings that are added.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from array_api_compat import is_numpy_array

from rankkit.factors import Array, device_of, host, namespace
from rankkit.solvers import lapack
from rankkit.solvers.solution import EPS, ROUNDOFF

__all__ = ["ROOM", "Gram", "eigenvalue_bounds", "gram", "gram_error", "shift_diagonal", "torch_linalg"]

ROOM = 8  # roundings beside those of a sum: of a shift of the diagonal, of a comparison, and of second order


class Gram(NamedTuple):
    """The Gram matrices G = tall^T tall of a stack of matrices.

    Attributes
    ----------
    tall : array, shape (batch, q, p)
        The matrices, transposed where they have no more rows than columns.
    matrix : array, shape (batch, p, p)
        G in its lower triangle; zeros above.
    energy : numpy array, shape (batch,)
        ||S||_F^2.
    error : numpy array, shape (batch,)
        Bound on the 2-norm of what rounding does to G.
    """

    tall: Array
    matrix: Array
    energy: Array
    error: Array

    def at(self, which: Array) -> Gram:
        """Return the Gram matrices of some of the stack."""
        return Gram(self.tall[which, ...], self.matrix[which, ...], self.energy[which], self.error[which])


def gram(S: Array, energies: Array) -> Gram:
    """Return the smaller Gram matrix of every matrix in a stack.

    Parameters
    ----------
    S : array, shape (batch, m, n)
    energies : numpy array, shape (batch,)
        ||S||_F^2.

    Returns
    -------
    Gram
    """
    m, n = S.shape[-2:]
    tall = S if m > n else namespace(S).matrix_transpose(S)
    if is_numpy_array(S):
        # without a copy for a stack of one
        matrix = np.stack([lapack.product(x) for x in S]) if S.shape[0] != 1 else lapack.product(S[0])[None]
    else:
        xp = namespace(S)
        matrix = xp.tril(xp.matrix_transpose(tall) @ tall)
    return Gram(tall, matrix, energies, gram_error(S, energies))


def gram_error(S: Array, energies: Array) -> Array:
    """Return a bound on the 2-norm of what rounding does to G, shape (batch,).

    The matrices S, shape (batch, m, n), have energies ||S||_F^2. G itself is not needed.
    """
    return ROUNDOFF * (max(S.shape[-2:]) + ROOM) * energies


def eigenvalue_bounds(G: Gram) -> tuple[Array, Array]:
    """Return lower and upper bounds on every singular value, each of shape (batch, p) and descending."""
    values = host(namespace(G.matrix).linalg.eigvalsh(G.matrix))[..., ::-1]
    error = (G.error + EPS * values.shape[-1] * np.abs(values[..., 0]))[..., None]
    return np.sqrt(np.maximum(values - error, 0)), np.sqrt(np.maximum(values + error, 0))


def shift_diagonal(matrices: Array, shifts: Array) -> None:
    """Add a number to the diagonal of every matrix, in place.

    Parameters
    ----------
    matrices : array, shape (*batch, p, p)
    shifts : numpy array, shape (*batch,)
    """
    if is_numpy_array(matrices):
        np.einsum("...ii->...i", matrices)[...] += shifts[..., None]
        return
    xp, places = namespace(matrices), list(range(matrices.shape[-1]))
    matrices[..., places, places] += xp.asarray(shifts, dtype=matrices.dtype, device=device_of(matrices))[..., None]


def torch_linalg(name: str) -> Any:
    """Return a function of torch.linalg, which the array API does not have."""
    import torch

    return getattr(torch.linalg, name)
