"""The leading singular values of an explicit matrix, by block Golub-Kahan bidiagonalisation.

Full reorthogonalisation, residuals read off the small projected matrix: M V = U T holds to
rounding and M^T U = V T^T + (next block) S, so that a Ritz triple (s, U p, V q) has residual
||S p_last|| exactly (Golub and Van Loan 2013, section 10.4; Golub, Luk and Overton 1981 for
the block form).
"""

from __future__ import annotations

from typing import Any

import numpy as np
from array_api_compat import device, is_numpy_array

from rankkit.factors import Array, host, namespace
from rankkit.solvers.dense import dense
from rankkit.solvers.solution import EPS, Solution

__all__ = ["leading", "split"]

SPARE = 2  # extra vectors a block, for convergence where sigma_k and sigma_{k+1} are close
KEPT = 0.7  # a projection that leaves less than this of a vector's length is repeated (Daniel et al. 1976)


def leading(update: Array, k: int, *, tol: float = 1e-9) -> Solution:
    """Return the k largest singular values of update, shape (*batch, m, n).

    Parameters
    ----------
    update : array
    k : int
        How many, 1 <= k <= min(m, n).
    tol : float
        Stop when every error bound is at most tol * sigma_1.

    Notes
    -----
    Each value is within its residual rho of a singular value, and within rho^2 / gap where the next Ritz
    value and its residual leave a gap (Parlett 1998, theorem 11.7.1, applied to [0 M; M^T 0]); the smaller
    of the two is the noise floor. That it is one of the k largest is sure with probability one over the
    (fixed) random start. For k > 1 the block holds more than k vectors, so k equal values are found too; for
    k = 1 it holds one. Where the Krylov space would outgrow half the matrix, the dense solver takes over.
    """
    xp = namespace(update)
    wide = xp.astype(update, xp.float64, copy=False)
    *batch, m, n = wide.shape
    stack = xp.reshape(wide, (-1, m, n))
    # one after another where a matrix fills the cache, all at once where launching a kernel costs more
    step = 1 if is_numpy_array(stack) else stack.shape[0]
    parts = [_leading(stack[i : i + step, ...], k, tol, xp) for i in range(0, stack.shape[0], max(step, 1))]
    values = np.concatenate([part[0] for part in parts]) if parts else np.empty((0, k))
    error = np.concatenate([part[1] for part in parts]) if parts else np.empty(0)
    return Solution(values.reshape(*batch, k), error.reshape(batch), np.full(tuple(batch), np.inf))


def _leading(M: Array, k: int, tol: float, xp: Any) -> tuple[Any, Any]:
    """Return (values (batch, k), error bounds (batch,)) of M, shape (batch, m, n)."""
    batch, m, n = M.shape
    b = 1 if k == 1 else k + SPARE
    most = min(m, n) // (2 * b)  # blocks until the space fills half the matrix
    T = np.zeros((batch, most * b, most * b))
    where = device(M)
    U, V = (xp.zeros((batch, size, most * b + b), dtype=xp.float64, device=where) for size in (m, n))
    if most:
        start = xp.asarray(np.random.default_rng(0).standard_normal((n, b)), device=where)
        V[..., :b] = xp.linalg.qr(start)[0]
    check = 1
    for j in range(most):
        at, now = j * b, slice(j * b, j * b + b)
        after = at + b
        U[..., now], C, R = split(U[..., :at], M @ V[..., now], xp)
        T[:, :at, now], T[:, now, now] = host(C), host(R)
        V[..., after : after + b], _, S = split(V[..., :after], xp.matrix_transpose(M) @ U[..., now], xp)
        if j + 1 < check:
            continue
        check = max(j + 3, (j + 1) * 9 // 8)
        p, sigma, _ = np.linalg.svd(T[:, :after, :after])
        residual = np.linalg.norm(host(S) @ p[:, at:after, : k + 1], axis=1)
        error = _bound(sigma[:, : k + 1], residual, k)
        if np.all(error <= tol * sigma[:, 0]):
            return sigma[:, :k], error + EPS * max(m, n) * sigma[:, 0]
    full = dense(M)
    return full.values[:, :k], full.noise_floor


def _bound(sigma: Any, residual: Any, k: int) -> Any:
    """Return the largest error among the first k Ritz values, shape (batch,)."""
    worst = residual[:, :k].max(axis=1)
    if sigma.shape[1] <= k:
        return worst
    gap = (sigma[:, k - 1] - worst) - (sigma[:, k] + residual[:, k])
    together = np.sum(residual[:, :k] ** 2, axis=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(gap > 0, np.minimum(worst, together / gap), worst)


def split(basis: Array, block: Array, xp: Any) -> tuple[Array, Array, Array]:
    """Return orthonormal Q, and C and R with block = basis C + Q R.

    A block that lies in the basis leaves only rounding noise, which the second round turns into fresh
    orthogonal directions.
    """
    bT = xp.matrix_transpose(basis)
    C = bT @ block
    rest = block - basis @ C
    long, left = (host(xp.linalg.vector_norm(x, axis=-2)) for x in (block, rest))
    if not np.all(left > KEPT * long):
        again = bT @ rest
        C, rest = C + again, rest - basis @ again
    Q = _orthonormal(rest, xp)
    if not np.all(left > KEPT * long):
        Q = _orthonormal(Q - basis @ (bT @ Q), xp)
    # an orthonormalisation may flip columns; R follows from the definition
    return Q, C, xp.matrix_transpose(Q) @ rest


def _orthonormal(block: Array, xp: Any) -> Array:
    if block.shape[-1] > 1:
        return xp.linalg.qr(block)[0]
    length = xp.linalg.vector_norm(block, axis=-2, keepdims=True)
    return block / xp.where(length > 0, length, xp.ones_like(length))
