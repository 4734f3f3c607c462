"""The leading singular values of an explicit matrix, by block Golub-Kahan bidiagonalisation.

All vectors are reorthogonalised, and residuals come from the small projected matrix. M V = U T holds to rounding, and
so does M^T U = V T^T + (next block) S. A Ritz triple (sigma, U p, V q) therefore has residual ||S p_last|| exactly
(Golub and Van Loan 2013, section 10.4; Golub, Luk and Overton 1981 for the block form).

The bound is of first order in the residuals. One of second order, residual^2 / gap, needs the gap to the next singular
value. The next Ritz value does not tell it: where two values nearly coincide, a Krylov space sees them as one for long.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from array_api_compat import is_numpy_array

from rankkit.factors import Array, device_of, host, namespace
from rankkit.solvers.dense import dense
from rankkit.solvers.single import LARGE, SHARPEST, two_largest
from rankkit.solvers.solution import EPS, Solution, portions

__all__ = ["leading", "split"]

SPARE = 2  # extra vectors per block, for convergence where sigma_k and sigma_{k+1} are close
KEPT = 0.7  # a projection that leaves less than this of a vector's length is repeated (Daniel et al. 1976)
SHARE = 1 / 2  # of min(m, n): a larger Krylov space costs as much as a full SVD
PATIENCE = 2  # blocks between two looks at the Ritz values, or an eighth of all blocks where that is more: a look is
EIGHTH = 8  # an SVD of the projected matrix, whose cost grows with the third power of the blocks


class _Values(NamedTuple):
    """The k largest singular values, shape (batch, k), and one bound on their errors, shape (batch,)."""

    values: Array
    error: Array


def leading(update: Array, k: int, *, tol: float = 1e-9) -> Solution:
    """Return the k largest singular values of a matrix.

    Parameters
    ----------
    update : array, shape (*batch, m, n)
    k : int
        How many values, 1 <= k <= min(m, n).
    tol : float
        Stop when every error bound is at most tol * sigma_1.

    Returns
    -------
    Solution

    Notes
    -----
    As many singular values lie within ||R|| of the Ritz values, one each, where R holds their residuals (Parlett 1998,
    theorem 11.5.1, applied to [0 M; M^T 0]). The noise floor is R's Frobenius norm. That these values are the largest
    holds with probability one over the random start, which is fixed, if the Krylov space is large enough. Two things
    make it so. For k > 1 a block holds more than k vectors, so that k equal values are found too. For k = 1 it holds
    one, and the second Ritz value has to be as exact as the first: of two values that nearly coincide, the one that
    the start hardly sees comes out second. Where the space would outgrow half the matrix, the dense solver takes over.
    """
    xp = namespace(update)
    wide = xp.astype(update, xp.float64, copy=False)
    *batch, m, n = wide.shape
    stack = xp.reshape(wide, (-1, m, n))
    parts = [_leading(stack[part, ...], k, tol) for part in portions(stack)]
    values, error = (np.concatenate(arrays) for arrays in zip(*parts, strict=True))
    return Solution(values.reshape(*batch, k), error.reshape(batch), np.full(tuple(batch), np.inf))


def _leading(M: Array, k: int, tol: float) -> _Values:
    """Return the leading values of M, shape (batch, m, n)."""
    m, n = M.shape[-2:]
    if k == 1 and is_numpy_array(M) and min(m, n) >= LARGE and tol >= SHARPEST:
        found = two_largest(M[0], tol)
        if found is not None and found.residual <= tol * found.values[0]:
            return _Values(found.values[None, :1], found.residual + EPS * max(m, n) * found.values[:1])
    width = 1 if k == 1 else k + SPARE
    most = int(SHARE * min(m, n)) // width
    space, look = _Krylov(M, width, most), 2 if k == 1 else 1
    for blocks in range(1, most + 1):
        space.grow()
        if blocks < look:
            continue
        look = max(blocks + PATIENCE, blocks + blocks // EIGHTH)
        sigma, residual = space.ritz(max(k, 2))
        error = np.linalg.norm(residual, axis=1)
        if np.all(error <= tol * sigma[:, 0]):
            return _Values(sigma[:, :k], error + EPS * max(m, n) * sigma[:, 0])
    full = dense(M)
    return _Values(full.values[:, :k], full.noise_floor)


class _Krylov:
    """Orthonormal bases U and V with M V = U T to rounding, which grow by one block of vectors at a time.

    T is `projected`, and S of the module's docstring is `coupling`; both live on the host.
    """

    def __init__(self, M: Array, width: int, most: int) -> None:
        xp, (batch, m, n) = namespace(M), M.shape
        self.M, self.width, self.size = M, width, 0
        self.projected = np.zeros((batch, most * width, most * width))
        columns = most * width + width
        self.U, self.V = (xp.zeros((batch, rows, columns), dtype=xp.float64, device=device_of(M)) for rows in (m, n))
        if most:
            start = np.random.default_rng(0).standard_normal((n, width))
            self.V[..., :width] = xp.linalg.qr(xp.asarray(start, device=device_of(M)))[0]
        self.coupling = np.zeros((batch, width, width))

    def grow(self) -> None:
        """Append one block to U and to T, and the next one to V."""
        xp, old = namespace(self.M), self.size
        self.size = new = old + self.width
        now, later = slice(old, new), slice(new, new + self.width)
        left = split(self.U[..., :old], self.M @ self.V[..., now])
        self.U[..., now], self.projected[:, :old, now], self.projected[:, now, now] = left.Q, host(left.C), host(left.R)
        right = split(self.V[..., :new], xp.matrix_transpose(self.M) @ self.U[..., now])
        self.V[..., later], self.coupling = right.Q, host(right.R)

    def ritz(self, count: int) -> tuple[Array, Array]:
        """Return the first Ritz values, descending, and their residuals, both of shape (batch, count)."""
        p, sigma, _ = np.linalg.svd(self.projected[:, : self.size, : self.size])
        last = p[:, self.size - self.width : self.size, :count]
        return sigma[:, :count], np.linalg.norm(self.coupling @ last, axis=1)


class Split(NamedTuple):
    """A block as basis C + Q R, with Q orthonormal and orthogonal to the basis."""

    Q: Array
    C: Array
    R: Array


def split(basis: Array, block: Array) -> Split:
    """Return a block's part within a basis and its part outside.

    A block that lies in the basis leaves rounding noise only, which the second round turns into fresh orthogonal
    directions.
    """
    xp = namespace(block)
    transposed = xp.matrix_transpose(basis)
    inside = transposed @ block
    rest = block - basis @ inside
    long, left = (host(xp.linalg.vector_norm(x, axis=-2)) for x in (block, rest))
    clean = bool(np.all(left > KEPT * long))
    if not clean:
        again = transposed @ rest
        inside, rest = inside + again, rest - basis @ again
    outside = _orthonormal(rest)
    if not clean:
        outside = _orthonormal(outside - basis @ (transposed @ outside))
    # orthonormalising may flip columns, so that R comes from its definition
    return Split(outside, inside, xp.matrix_transpose(outside) @ rest)


def _orthonormal(block: Array) -> Array:
    xp = namespace(block)
    if block.shape[-1] > 1:
        return xp.linalg.qr(block)[0]
    length = xp.linalg.vector_norm(block, axis=-2, keepdims=True)
    return block / xp.where(length > 0, length, xp.ones_like(length))
