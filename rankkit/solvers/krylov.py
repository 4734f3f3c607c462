"""The leading singular values of an explicit matrix, by block Golub-Kahan bidiagonalisation.

One block of starting vectors, full reorthogonalisation, residuals read off the small
projected matrix: M V = U T holds to rounding and M^T U = V T^T + (next block) S, so that a
Ritz triple (s, U p, V q) has residual ||S p_last|| exactly (Golub and Van Loan 2013,
section 10.4; Golub, Luk and Overton 1981 for the block form).
"""

from __future__ import annotations

from typing import Any

import numpy as np
from array_api_compat import device

from rankkit.factors import Array, host, namespace
from rankkit.solvers.base import EPS, Solution
from rankkit.solvers.dense import dense

__all__ = ["leading"]

SPARE = 2  # extra vectors a block, for convergence where sigma_k and sigma_{k+1} are close


def leading(update: Array, k: int, *, tol: float = 1e-9) -> Solution:
    """Return the k largest singular values of update, shape (*batch, m, n).

    Parameters
    ----------
    update : array
    k : int
        How many, 1 <= k <= min(m, n).
    tol : float
        Stop when every residual is at most tol * sigma_1.

    Notes
    -----
    Each value is within its residual of a singular value, and that residual is in the noise floor.
    That it is one of the k largest is sure with probability one over the (fixed) random start: the
    block holds more than k vectors, so k equal values are found too. Where the Krylov space would
    outgrow half the matrix, the dense solver takes over.
    """
    xp = namespace(update)
    wide = xp.astype(update, xp.float64)
    batch = tuple(wide.shape[:-2])
    values, error = np.empty((*batch, k)), np.empty(batch)
    for i in np.ndindex(*batch):
        values[i], error[i] = _leading(wide[i], k, tol, xp)
    return Solution(values, error, np.full(batch, np.inf))


def _leading(M: Array, k: int, tol: float, xp: Any) -> tuple[Any, float]:
    m, n = M.shape
    b = k + SPARE
    start = np.random.default_rng(0).standard_normal((n, b))
    V = xp.linalg.qr(xp.asarray(start, device=device(M)))[0] if b <= n else None
    U = xp.zeros((m, 0), dtype=xp.float64, device=device(M))
    T = np.zeros((0, 0))
    block = V
    while V is not None and V.shape[1] + b <= min(m, n) // 2:
        U, left, corner = _extend(U, M @ block, xp)
        T = np.block([[T, host(left)], [np.zeros((b, T.shape[1])), host(corner)]])
        image = xp.matrix_transpose(M) @ U[:, -b:]
        V, _, S = _extend(V, image, xp)
        block = V[:, -b:]
        p, sigma, _ = np.linalg.svd(T)
        residual = np.linalg.norm(host(S) @ p[-b:, :k], axis=0).max()
        if residual <= tol * sigma[0]:
            return sigma[:k], float(residual + EPS * max(m, n) * sigma[0])
    full = dense(M)
    return full.values[:k], float(full.noise_floor)


def _extend(basis: Array, block: Array, xp: Any) -> tuple[Array, Array, Array]:
    """Return [basis, Q], C and R with block = basis C + Q R and orthonormal [basis, Q].

    Projected twice and orthonormalised twice: a block that already lies in the basis leaves only
    rounding noise, which the second round turns into fresh orthogonal directions.
    """
    C = xp.matrix_transpose(basis) @ block
    rest = block - basis @ C
    again = xp.matrix_transpose(basis) @ rest
    C, rest = C + again, rest - basis @ again
    Q, R = xp.linalg.qr(rest)
    Q = xp.linalg.qr(Q - basis @ (xp.matrix_transpose(basis) @ Q))[0]
    # the second QR may flip columns; R follows from the definition
    R = xp.matrix_transpose(Q) @ rest
    return xp.concat([basis, Q], axis=1), C, R
