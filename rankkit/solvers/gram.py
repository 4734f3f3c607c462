"""What the Gram matrix G = S^T S tells, and how surely: sigma_1 between bounds, and how many sigma lie above tau.

Squaring costs half the digits, so all this is for thresholds well above sqrt(eps) ||S||_F. There it is cheap: whether
every singular value exceeds tau is one Cholesky factorisation of G - tau^2 I, a fifteenth of an SVD's work.

Every bound below is proved, not estimated. With u the unit roundoff and F = ||S||_F, forming G moves its eigenvalues
by at most m u F^2, and a Cholesky factorisation that runs through is that of a matrix at most (p + 1) u F^2 away
(Higham 2002, theorems 3.5 and 10.3; Rump 2006 for its use as a proof).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from array_api_compat import device, is_numpy_array

from rankkit.factors import Array, host, namespace
from rankkit.solvers.base import EPS

__all__ = [
    "Gram",
    "Inertia",
    "eigenvalue_bounds",
    "gram",
    "inertia",
    "power_top",
    "proved_top",
    "row_sum_top",
    "small_at_least",
]

TAIL = 64  # last pivots, taken together: their Schur complement is small enough for its eigenvectors
FEW = 16  # directions in which S may be small that are looked at
POWERS = 12  # steps of the power method: a few per cent from sigma_1 also at the edge of a random matrix


class Gram(NamedTuple):
    """G = tall^T tall for a stack of matrices, each turned so that it has no fewer rows than columns.

    Attributes
    ----------
    tall : array, shape (batch, q, p)
    matrix : array, shape (batch, p, p)
        G in its lower triangle; zeros above.
    error : numpy array, shape (batch,)
        Bound on the 2-norm of what rounding does to G and in one factorisation of it.
    """

    tall: Array
    matrix: Array
    error: Any

    def at(self, which: Any) -> Gram:
        """Return some of the stack."""
        return Gram(self.tall[which, ...], self.matrix[which, ...], self.error[which])


def gram(S: Array, energy: Any) -> Gram:
    """Return the smaller Gram matrix of S, shape (batch, m, n), with energy = ||S||_F^2."""
    m, n = S.shape[-2:]
    tall = S if m >= n else namespace(S).matrix_transpose(S)
    if is_numpy_array(S):
        from scipy.linalg.blas import dsyrk

        # half of gemm's work; each matrix is handed over as LAPACK's column-major transpose
        products = [dsyrk(1.0, x.T) if x.flags.c_contiguous else dsyrk(1.0, x, trans=1) for x in tall]
        matrix = _stack([upper.T for upper in products])
    else:
        xp = namespace(S)
        matrix = xp.tril(xp.matrix_transpose(tall) @ tall)
    return Gram(tall, matrix, EPS * (m + n + 8) * energy)  # eps = 2 u: room for second-order terms


def row_sum_top(G: Gram) -> Any:
    """Return an upper bound, shape (batch,), on sigma_1 from the largest row sum of |G|: cheap and crude."""
    xp, size = namespace(G.matrix), namespace(G.matrix).abs(G.matrix)
    rows = xp.sum(size, axis=-1) + xp.sum(size, axis=-2) - xp.linalg.diagonal(size)
    return np.sqrt(host(xp.max(rows, axis=-1)) + G.error)


def power_top(G: Gram) -> Any:
    """Return a lower bound, shape (batch,), on sigma_1, a few per cent below it, by the power method."""
    xp = namespace(G.tall)
    x = xp.matrix_transpose(G.tall[..., :1, :]) + 0.0
    for _ in range(POWERS):
        x = xp.matrix_transpose(G.tall) @ (G.tall @ x)
        x = x / _or_one(xp.linalg.vector_norm(x, axis=(-2, -1), keepdims=True), xp)
    rounding = 1 - EPS * sum(G.tall.shape[-2:])
    return host(xp.linalg.vector_norm(G.tall @ x, axis=(-2, -1))) * rounding


def proved_top(G: Gram, low: Any) -> Any:
    """Return an upper bound, shape (batch,), on sigma_1: 6 % above `low` where a Cholesky factorisation proves it."""
    guess = 1.06 * low
    proved = _cholesky(_shifted(-G.matrix, -(guess**2)))[1] == 0
    return np.where(proved, np.sqrt(guess**2 + G.error), row_sum_top(G))


class Inertia(NamedTuple):
    """How many eigenvalues of G exceed a shift, by Sylvester's law.

    G - shift I = [L 0; W^T I] [I 0; 0 Z] [L^T W; 0 I] with one Schur complement Z of order TAIL.

    Attributes
    ----------
    sound : numpy bool array, shape (batch,)
        The pivots before Z are positive and the factorisation's rounding is in the bound.
    positive : numpy integer array, shape (batch,)
        Where sound, so many singular values surely exceed tau; elsewhere 0.
    factor, side, complement : arrays
        L, W and Z.
    """

    sound: Any
    positive: Any
    factor: Array
    side: Array
    complement: Any


def inertia(G: Gram, tau: Any) -> Inertia:
    """Return the inertia of G - tau^2 I, shifted by the rounding so that what it counts surely exceeds tau."""
    xp, p, slack = namespace(G.matrix), G.matrix.shape[-1], 3 * G.error
    k = p - TAIL
    C = _shifted(G.matrix, tau**2 + G.error + slack)
    L, failure = _cholesky(C[..., :k, :k])
    good = failure == 0
    if not np.any(good):
        return Inertia(good, np.zeros_like(failure), L, L, L)
    W = _solve(L, xp.matrix_transpose(C[..., k:, :k]))
    Z = host(C[..., k:, k:] - xp.matrix_transpose(W) @ W)
    Z = np.where(good[:, None, None], np.tril(Z) + np.swapaxes(np.tril(Z, -1), -1, -2), 0.0)
    # rounding of Cholesky, of the triangular solve, of Z and of its eigenvalues
    size = host(xp.linalg.matrix_norm(L)) + host(xp.linalg.matrix_norm(W))
    good &= EPS * (p + 8) * (size**2 + np.linalg.norm(Z, axis=(-2, -1))) <= slack
    positive = np.where(good, k + np.sum(np.linalg.eigvalsh(Z) > 0, axis=-1), 0)
    return Inertia(good, positive, L, W, Z)


def small_at_least(G: Gram, found: Inertia, tau: Any) -> Any:
    """Return how many singular values surely lie below tau, shape (batch,), counting a few at most.

    By Courant and Fischer as many as singular values of S X do, for any orthonormal X: here the directions that belong
    to the smallest eigenvalues of Z.
    """
    xp = namespace(G.tall)
    z = xp.asarray(np.linalg.eigh(found.complement)[1][..., :FEW], device=device(G.tall))
    X = xp.linalg.qr(xp.concat([-_solve(found.factor, found.side @ z, transposed=True), z], axis=-2))[0]
    rounding = np.sqrt(EPS * sum(G.tall.shape[-2:]) * G.error)  # (m + n) eps ||S||_F and more
    small = host(xp.linalg.svdvals(G.tall @ X)) + rounding[:, None]
    return np.where(found.sound, np.sum(small < tau[:, None], axis=-1), 0)


def eigenvalue_bounds(G: Gram) -> tuple[Any, Any]:
    """Return lower and upper bounds, shape (batch, p), descending, on every singular value."""
    values = host(namespace(G.matrix).linalg.eigvalsh(G.matrix))[..., ::-1]
    error = (G.error + EPS * values.shape[-1] * np.abs(values[..., 0]))[..., None]
    return np.sqrt(np.maximum(values - error, 0)), np.sqrt(np.maximum(values + error, 0))


def _shifted(G: Array, shift: Any) -> Array:
    xp, index = namespace(G), np.arange(G.shape[-1])
    C = xp.asarray(G, copy=True)
    C[..., index, index] -= xp.asarray(shift, dtype=xp.float64, device=device(G))[:, None]
    return C


def _cholesky(C: Array) -> tuple[Array, Any]:
    """Return L with L L^T = C, and 0 or the order of the first leading minor that is not positive; C is lost."""
    if not is_numpy_array(C):
        from torch.linalg import cholesky_ex

        L, info = cholesky_ex(C)
        return L, info.cpu().numpy()
    from scipy.linalg.lapack import dpotrf

    done = [dpotrf(lower.T, lower=0, clean=1, overwrite_a=1) for lower in C]
    return _stack([U.T for U, _ in done]), np.array([info for _, info in done])


def _solve(L: Array, right: Array, *, transposed: bool = False) -> Array:
    """Return L^{-1} right, or L^{-T} right, for lower triangular L."""
    if not is_numpy_array(L):
        from torch.linalg import solve_triangular

        return solve_triangular(L.mT if transposed else L, right, upper=transposed)
    from scipy.linalg.lapack import dtrtrs

    done = [dtrtrs(lower.T, b, lower=0, trans=0 if transposed else 1) for lower, b in zip(L, right, strict=True)]
    assert all(info == 0 for _, info in done)
    return _stack([x for x, _ in done])


def _or_one(length: Array, xp: Any) -> Array:
    return xp.where(length > 0, length, xp.ones_like(length))


def _stack(matrices: Sequence[Any]) -> Any:
    """Return the matrices as a stack; a single one is not copied."""
    return matrices[0][None] if len(matrices) == 1 else np.stack(matrices)
