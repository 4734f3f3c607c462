"""What the Gram matrix G = S^T S tells, and how surely: sigma_1 between bounds, and how many sigma lie above tau.

Squaring costs half the digits, so that all this is for thresholds well above sqrt(eps) ||S||_F. There it is cheap:
whether every singular value exceeds tau takes one Cholesky factorisation of G - tau^2 I, a fifteenth of an SVD's work.

Every bound below is proved, not estimated. Let u be the unit roundoff and F = ||S||_F. Forming G moves its eigenvalues
by at most m u F^2. A Cholesky factorisation that runs through is that of a matrix at most (p + 1) u F^2 away (Higham
2002, theorems 3.5 and 10.3; Rump 2006 for its use as a proof). The bounds here use eps = 2 u, which leaves room for
terms of second order.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from array_api_compat import is_numpy_array

from rankkit.factors import Array, device_of, host, namespace
from rankkit.solvers import lapack
from rankkit.solvers.solution import EPS, energy

__all__ = [
    "TAIL",
    "Gram",
    "Inertia",
    "eigenvalue_bounds",
    "gram",
    "gram_error",
    "inertia",
    "power_top",
    "proved_top",
    "row_sum_top",
    "small_at_least",
]

TAIL = 64  # last pivots, taken together: their Schur complement is small enough for its eigenvectors
FEW = 16  # directions in which S may be small that are looked at
POWERS = 12  # steps of the power method: a few per cent from sigma_1 also at the edge of a random matrix
ABOVE = 1.06  # times the power method's value: nearly always above sigma_1, and still a close bound
ROOM = 8  # roundings beside those of a sum: of the diagonal's shift, and of second order
SHIFT = 3  # errors of G by which a shift goes further, to pay for the factorisation's own rounding


class Gram(NamedTuple):
    """The Gram matrices G = tall^T tall of a stack of matrices.

    Attributes
    ----------
    tall : array, shape (batch, q, p)
        The matrices, transposed where they have fewer rows than columns.
    matrix : array, shape (batch, p, p)
        G in its lower triangle; zeros above.
    error : numpy array, shape (batch,)
        Bound on the 2-norm of what rounding does to G, and does in one factorisation of it.
    """

    tall: Array
    matrix: Array
    error: Array

    def at(self, which: Array) -> Gram:
        """Return the Gram matrices of some of the stack."""
        return Gram(self.tall[which, ...], self.matrix[which, ...], self.error[which])


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
    tall = S if m >= n else namespace(S).matrix_transpose(S)
    if is_numpy_array(S):
        # without a copy for a stack of one
        matrix = np.stack([lapack.product(x) for x in S]) if S.shape[0] != 1 else lapack.product(S[0])[None]
    else:
        xp = namespace(S)
        matrix = xp.tril(xp.matrix_transpose(tall) @ tall)
    return Gram(tall, matrix, gram_error(S, energies))


def gram_error(S: Array, energies: Array) -> Array:
    """Return a bound on the 2-norm of what rounding does to G and in one factorisation of it, shape (batch,).

    The matrices S, shape (batch, m, n), have energies ||S||_F^2. G itself is not needed.
    """
    return EPS * (sum(S.shape[-2:]) + ROOM) * energies


def row_sum_top(G: Gram) -> Array:
    """Return an upper bound on sigma_1, shape (batch,), from the largest row sum of |G|. It is cheap and crude."""
    xp, size = namespace(G.matrix), namespace(G.matrix).abs(G.matrix)
    rows = xp.sum(size, axis=-1) + xp.sum(size, axis=-2) - xp.linalg.diagonal(size)
    return np.sqrt(host(xp.max(rows, axis=-1)) + G.error)


def power_top(G: Gram) -> Array:
    """Return a lower bound on sigma_1, shape (batch,), by the power method. It is a few per cent below."""
    xp = namespace(G.tall)
    x = xp.matrix_transpose(G.tall[..., :1, :]) + 0.0
    for _ in range(POWERS):
        x = xp.matrix_transpose(G.tall) @ (G.tall @ x)
        length = xp.linalg.vector_norm(x, axis=(-2, -1), keepdims=True)
        x = x / xp.where(length > 0, length, xp.ones_like(length))
    rounding = 1 - EPS * sum(G.tall.shape[-2:])
    return host(xp.linalg.vector_norm(G.tall @ x, axis=(-2, -1))) * rounding


def proved_top(G: Gram, low: Array) -> Array:
    """Return an upper bound on sigma_1, shape (batch,).

    It is 6 % above `low` where a Cholesky factorisation of guess^2 I - G proves that, else the row sum's bound.

    Parameters
    ----------
    G : Gram
    low : numpy array, shape (batch,)
        A lower bound on sigma_1, for instance from `power_top`.

    Returns
    -------
    numpy array, shape (batch,)
    """
    guess, p = ABOVE * low, G.matrix.shape[-1]
    proved = _definite(_shifted(-G.matrix, -(guess**2)))
    rounding = EPS * (p + 2) * p * guess**2  # (p + 1) u times the trace, which is at most p guess^2
    close, crude = np.sqrt(guess**2 + G.error + rounding), row_sum_top(G)
    return np.where(proved, np.asarray(close), np.asarray(crude))


class Inertia(NamedTuple):
    """How many eigenvalues of G exceed a shift, by Sylvester's law of inertia.

    G - shift I = [L 0; W I] [I 0; 0 Z] [L^T W^T; 0 I] with one Schur complement Z of order TAIL.

    Attributes
    ----------
    sound : numpy bool array, shape (batch,)
        The pivots before Z are positive, and the factorisation's rounding is within its bound.
    positive : numpy integer array, shape (batch,)
        How many singular values surely exceed tau, where sound; elsewhere 0.
    factor : array
        L, below the diagonal of its leading block.
    side : array, shape (batch, TAIL, p - TAIL)
        W.
    complement : numpy array, shape (batch, TAIL, TAIL)
        Z.
    """

    sound: Array
    positive: Array
    factor: Array
    side: Array
    complement: Array


def inertia(G: Gram, tau: Array) -> Inertia:
    """Return the inertia of G - tau^2 I, shifted further by all rounding, so that what it counts surely exceeds tau.

    Parameters
    ----------
    G : Gram
        Of matrices with p > TAIL.
    tau : numpy array, shape (batch,)

    Returns
    -------
    Inertia
    """
    p, slack = G.matrix.shape[-1], SHIFT * G.error
    shifted = _shifted(G.matrix, tau**2 + G.error + slack)
    k = p - TAIL
    xp = namespace(shifted)
    trace = host(xp.sum(xp.linalg.diagonal(shifted)[..., :k], axis=-1))
    parts = _eliminated(shifted, k)
    ran = parts.positive
    complement = np.where(ran[:, None, None], host(parts.Z), 0.0)
    # what rounds: Cholesky (||L||_F^2 is the trace), the triangular solve, Z, and the eigenvalues of Z
    size = np.sqrt(np.maximum(trace, 0)) + np.where(ran, np.sqrt(energy(parts.W)), 0.0)
    sound = ran & (EPS * (p + ROOM) * (size**2 + np.sqrt(energy(complement))) <= slack)
    positive = np.where(sound, k + np.sum(np.linalg.eigvalsh(complement) > 0, axis=-1), 0)
    return Inertia(sound, positive, parts.L, parts.W, complement)


def small_at_least(G: Gram, found: Inertia, tau: Array) -> Array:
    """Return how many singular values surely lie below tau, counting FEW at most.

    By Courant and Fischer at least as many lie below tau as singular values of S X do, for any orthonormal X. Here X
    spans the directions that belong to the smallest eigenvalues of Z.

    Parameters
    ----------
    G : Gram
    found : Inertia
        Of this G; sound for one matrix at least.
    tau : numpy array, shape (batch,)

    Returns
    -------
    numpy array of int, shape (batch,)
        0 where the inertia is not sound.
    """
    xp = namespace(G.tall)
    few = min(FEW, int(np.max(G.matrix.shape[-1] - found.positive[found.sound])))
    lowest = np.linalg.eigh(found.complement)[1][..., :few]
    z = xp.asarray(lowest, device=device_of(G.tall))
    above = _solved(found.factor, xp.matrix_transpose(found.side) @ z)
    directions = xp.linalg.qr(xp.concat([-above, z], axis=-2))[0]
    image = G.tall @ directions
    # a GPU takes an SVD of a thin matrix for slow work; its squares lie within the rounding that is added
    squares = np.linalg.eigvalsh(host(xp.matrix_transpose(image) @ image))
    squared = EPS * (image.shape[-2] + few + ROOM) * energy(image)
    rounding = np.sqrt(EPS * sum(G.tall.shape[-2:]) * G.error)  # at least (m + n) eps ||S||_F
    small = np.sqrt(np.maximum(squares, 0) + squared[:, None]) + rounding[:, None]
    return np.where(found.sound, np.sum(small < tau[:, None], axis=-1), 0)


def eigenvalue_bounds(G: Gram) -> tuple[Array, Array]:
    """Return lower and upper bounds on every singular value, each of shape (batch, p) and descending."""
    values = host(namespace(G.matrix).linalg.eigvalsh(G.matrix))[..., ::-1]
    error = (G.error + EPS * values.shape[-1] * np.abs(values[..., 0]))[..., None]
    return np.sqrt(np.maximum(values - error, 0)), np.sqrt(np.maximum(values + error, 0))


def _shifted(G: Array, shift: Array) -> Array:
    """Return G - shift I as a copy."""
    xp, places = namespace(G), list(range(G.shape[-1]))
    C = xp.asarray(G, copy=True)
    C[..., places, places] -= xp.asarray(shift, dtype=xp.float64, device=device_of(G))[:, None]
    return C


def _definite(C: Array) -> Array:
    """Return whether C is positive definite, as its Cholesky factorisation says, shape (batch,); C is lost."""
    if is_numpy_array(C):
        return np.array([lapack.cholesky(matrix, matrix.shape[0]) for matrix in C])
    return host(_torch_linalg("cholesky_ex")(C)[1]) == 0


class _Elimination(NamedTuple):
    """The block factorisation of `Inertia`, and whether all pivots before Z are positive, shape (batch,)."""

    L: Array
    W: Array
    Z: Array
    positive: Array


def _eliminated(C: Array, k: int) -> _Elimination:
    """Return the factorisation of C after k pivots; C is lost."""
    return _eliminated_numpy(C, k) if is_numpy_array(C) else _eliminated_torch(C, k)


def _eliminated_numpy(C: Array, k: int) -> _Elimination:
    positive = np.array([lapack.cholesky(matrix, k) for matrix in C])
    for i in np.flatnonzero(positive):
        lapack.solve(C[i], k, C[i, k:, :k])
    side, rest = C[:, k:, :k], C[:, k:, k:]
    whole = rest + np.swapaxes(np.tril(rest, -1), -1, -2)  # only the lower triangle was filled
    return _Elimination(C, side, whole - side @ np.swapaxes(side, -1, -2), positive)


def _eliminated_torch(C: Array, k: int) -> _Elimination:
    factor, info = _torch_linalg("cholesky_ex")(C[..., :k, :k])
    side = _torch_linalg("solve_triangular")(factor, C[..., k:, :k].mT, upper=False).mT
    rest = C[..., k:, k:]
    whole = rest + rest.tril(-1).mT
    return _Elimination(factor, side, whole - side @ side.mT, host(info) == 0)


def _solved(L: Array, columns: Array) -> Array:
    """Return L^{-T} times columns, shape (batch, k, few), for the leading k x k triangle of L."""
    k = columns.shape[-2]
    if not is_numpy_array(L):
        return _torch_linalg("solve_triangular")(L[..., :k, :k].mT, columns, upper=True)
    rows = np.ascontiguousarray(np.swapaxes(columns, -1, -2))
    for triangle, right in zip(L, rows, strict=True):
        lapack.solve(triangle, k, right, transposed=True)
    return np.swapaxes(rows, -1, -2)


def _torch_linalg(name: str) -> Any:
    """Return a function of torch.linalg, which the array API does not have."""
    import torch

    return getattr(torch.linalg, name)
