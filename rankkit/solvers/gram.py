"""What the Gram matrix G = S^T S tells, and how surely: sigma_1 between bounds, and how many sigma lie above tau.

Squaring costs half the digits, so all this is for thresholds well above sqrt(eps) ||S||_F. There it is cheap: whether
every singular value exceeds tau is one Cholesky factorisation of G - tau^2 I, a fifteenth of an SVD's work.

Every bound below is proved, not estimated. With u the unit roundoff and F = ||S||_F, forming G moves its eigenvalues
by at most m u F^2, and a Cholesky factorisation that runs through is that of a matrix at most (p + 1) u F^2 away
(Higham 2002, theorems 3.5 and 10.3; Rump 2006 for its use as a proof).
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from array_api_compat import device, is_numpy_array

from rankkit.factors import Array, host, namespace
from rankkit.solvers import lapack
from rankkit.solvers.solution import EPS, energy

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
        matrix = np.stack([lapack.product(x) for x in S]) if S.shape[0] != 1 else lapack.product(S[0])[None]
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
    guess, p = 1.06 * low, G.matrix.shape[-1]
    proved = _definite(_shifted(-G.matrix, -(guess**2)))
    rounding = EPS * (p + 2) * p * guess**2  # of a factorisation whose trace is at most p guess^2
    return np.where(proved, np.sqrt(guess**2 + G.error + rounding), row_sum_top(G))


class Inertia(NamedTuple):
    """How many eigenvalues of G exceed a shift, by Sylvester's law.

    G - shift I = [L 0; W I] [I 0; 0 Z] [L^T W^T; 0 I] with one Schur complement Z of order TAIL.

    Attributes
    ----------
    sound : numpy bool array, shape (batch,)
        The pivots before Z are positive and the factorisation's rounding is in the bound.
    positive : numpy integer array, shape (batch,)
        Where sound, so many singular values surely exceed tau; elsewhere 0.
    factor, side, complement : arrays
        L (below the diagonal of its leading block), W and Z.
    """

    sound: Any
    positive: Any
    factor: Array
    side: Array
    complement: Any


def inertia(G: Gram, tau: Any) -> Inertia:
    """Return the inertia of G - tau^2 I, shifted by the rounding so that what it counts surely exceeds tau."""
    p, slack = G.matrix.shape[-1], 3 * G.error
    C = _shifted(G.matrix, tau**2 + G.error + slack)
    k = p - TAIL
    xp = namespace(C)
    trace = host(xp.sum(xp.linalg.diagonal(C)[..., :k], axis=-1))
    L, W, Z, good = _eliminated(C, k)
    complement = np.where(good[:, None, None], host(Z), 0.0)
    # rounding of Cholesky (||L||_F^2 is the trace), of the triangular solve, of Z and of its eigenvalues
    size = np.sqrt(np.maximum(trace, 0)) + np.where(good, np.sqrt(energy(W)), 0.0)
    good = good & (EPS * (p + 8) * (size**2 + np.sqrt(energy(complement))) <= slack)
    positive = np.where(good, k + np.sum(np.linalg.eigvalsh(complement) > 0, axis=-1), 0)
    return Inertia(good, positive, L, W, complement)


def small_at_least(G: Gram, found: Inertia, tau: Any) -> Any:
    """Return how many singular values surely lie below tau, shape (batch,), counting a few at most.

    By Courant and Fischer as many as singular values of S X do, for any orthonormal X: here the directions that belong
    to the smallest eigenvalues of Z.
    """
    xp = namespace(G.tall)
    few = min(FEW, int(np.max(G.matrix.shape[-1] - found.positive[found.sound])))
    z = xp.asarray(np.linalg.eigh(found.complement)[1][..., :few], device=device(G.tall))
    above = _solved(found.factor, xp.matrix_transpose(found.side) @ z)
    X = xp.linalg.qr(xp.concat([-above, z], axis=-2))[0]
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


def _definite(C: Array) -> Any:
    """Return whether C is positive definite, as its Cholesky factorisation says, shape (batch,); C is lost."""
    if is_numpy_array(C):
        return np.array([lapack.cholesky(matrix, matrix.shape[0]) for matrix in C])
    from torch.linalg import cholesky_ex

    return cholesky_ex(C)[1].cpu().numpy() == 0


def _eliminated(C: Array, k: int) -> tuple[Array, Array, Array, Any]:
    """Return L, W, Z of C after k pivots, and whether they were positive, shape (batch,); C is lost."""
    if not is_numpy_array(C):
        from torch.linalg import cholesky_ex, solve_triangular

        L, info = cholesky_ex(C[..., :k, :k])
        W = solve_triangular(L, C[..., k:, :k].mT, upper=False).mT
        rest = C[..., k:, k:]
        return L, W, rest + rest.tril(-1).mT - W @ W.mT, info.cpu().numpy() == 0
    good = np.array([lapack.cholesky(matrix, k) for matrix in C])
    for i in np.flatnonzero(good):
        lapack.solve(C[i], k, C[i, k:, :k])
    W, rest = C[:, k:, :k], C[:, k:, k:]
    return C, W, rest + np.swapaxes(np.tril(rest, -1), -1, -2) - W @ np.swapaxes(W, -1, -2), good


def _solved(L: Array, columns: Array) -> Array:
    """Return L^{-T} times columns, shape (batch, k, few), for the leading k x k triangle of L."""
    k = columns.shape[-2]
    if not is_numpy_array(L):
        from torch.linalg import solve_triangular

        return solve_triangular(L[..., :k, :k].mT, columns, upper=True)
    rows = np.ascontiguousarray(np.swapaxes(columns, -1, -2))
    for triangle, right in zip(L, rows, strict=True):
        lapack.solve(triangle, k, right, transposed=True)
    return np.swapaxes(rows, -1, -2)


def _or_one(length: Array, xp: Any) -> Array:
    return xp.where(length > 0, length, xp.ones_like(length))
