"""G - shift I = L J L^T by blocks without pivots: each block on the diagonal is split by its own eigenvectors.

So a device factorises all of it, and the host the last few rows that a Cholesky factorisation leaves. How far that
carries an eigenvalue is told in `inertia`.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from rankkit.factors import Array, namespace
from rankkit.solvers.solution import EPS, energy

__all__ = ["BLOCK", "Block", "by_blocks", "signed"]

BLOCK = 32  # rows of a diagonal block: small ones have quick eigenvectors, large ones quick products
TINY = 1e-300  # an eigenvalue of size zero counts as this one; the residual says what that cost


def by_blocks(L: Array, J: Array, head: int) -> Array:
    """Replace what Cholesky factorisations left of G - shift I by L and J, block column after block column.

    Parameters
    ----------
    L : array, shape (*lead, batch, p, p)
        Its first `head` columns are those of L already.
    J : array, shape (*lead, batch, p)
        Takes the signs.
    head : int

    Returns
    -------
    numpy array, shape (*lead, batch)
        The norm of what is left of all blocks.
    """
    p = L.shape[-1]
    stack, signs = L.reshape(-1, p, p), J.reshape(-1, p)
    missing = np.zeros(stack.shape[0])
    for start in range(head, p, BLOCK):
        missing += _column(stack, signs, start, min(start + BLOCK, p))
    return missing.reshape(tuple(L.shape[:-2]))


def _column(L: Array, J: Array, start: int, stop: int) -> Array:
    """Replace a block column of G - shift I by that of L; return the norm of what is left, shape (batch,).

    The columns before it are those of L already. J takes the signs of the block.
    """
    xp, now, below = namespace(L), slice(start, stop), slice(stop, L.shape[-1])
    column = L[:, start:, now]
    if start:
        column = column - L[:, start:, :start] @ xp.matrix_transpose(L[:, now, :start] * J[:, None, :start])
    D, W = column[:, : stop - start, :], column[:, stop - start :, :]
    block = signed(D)
    missing = block.missing
    if stop < L.shape[-1]:
        Z = (W @ block.vectors) * (block.sign / block.root)[:, None, :]
        missing = missing + np.sqrt(energy(W - Z @ xp.matrix_transpose(block.V * block.sign[:, None, :])))
        L[:, below, now] = Z  # not before W has been used: the first is a view of L
    L[:, now, now], J[:, now] = block.V, block.sign
    return missing


class Block(NamedTuple):
    """Symmetric matrices D = V diag(sign) V^T with V = vectors diag(root), and the norm of what is left of them."""

    vectors: Array
    root: Array
    sign: Array
    V: Array
    missing: Array


def signed(D: Array) -> Block:
    """Return how symmetric matrices, of which only the lower triangle is read, are split, shape (batch, b, b)."""
    xp = namespace(D)
    values, vectors = _split(D)
    size = xp.abs(values)
    root = xp.sqrt(xp.maximum(size, EPS * xp.max(size, axis=-1, keepdims=True) + TINY))
    sign = xp.where(values > 0, xp.ones_like(size), -xp.ones_like(size))
    V = vectors * root[:, None, :]
    left = D - V @ xp.matrix_transpose(V * sign[:, None, :])
    return Block(vectors, root, sign, V, np.sqrt(2 * energy(xp.tril(left))))


def _split(D: Array) -> tuple[Array, Array]:
    """Return the eigenvalues and eigenvectors of symmetric matrices, of which only the lower triangle is read."""
    values, vectors = namespace(D).linalg.eigh(D)
    return values, vectors
