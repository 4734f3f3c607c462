"""How many eigenvalues of a Gram matrix exceed a shift, by Sylvester's law of inertia, and a proof that it is so.

The leading rows that are positive definite are eliminated by Cholesky. On the host the rest is factorised with pivots,
as `pivoted` says, unless it is a single block. Its rounding and Cholesky's add up as roundings of |L| |D| |L|^T.

On a device, and for a single block, G - shift I = L J L^T with L block lower triangular and J diagonal with entries 1
and -1. As many eigenvalues are positive as entries of J, if no eigenvalue is nearer to zero than what rounding did.
Nothing is pivoted: a block on the diagonal is split by its own eigenvectors, so that only whole leading blocks could be
nearly singular. That need not be excluded in advance, because the size of L tells afterwards. This is the bound, for
blocks of order b:

An entry of a block column is a sum of at most p products L J L^T and an entry of G, rounded in whatever order, and so
off by at most (p + 1) u (|L| |L|^T) to first order (Higham 2002, lemma 8.4). A diagonal block D is split as V J V^T,
and the block W below it as Z J V^T. What is left, D - V J V^T and W - Z J V^T, is computed and measured, with 2 b + 4
roundings of |L| |L|^T at most. The Frobenius norm of |L| |L|^T is at most ||L||_F^2.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from array_api_compat import is_numpy_array

from rankkit.factors import Array, device_of, host, namespace
from rankkit.solvers import lapack
from rankkit.solvers.gram import ROOM, Gram, shift_diagonal, torch_linalg
from rankkit.solvers.pivoted import PIVOT, pivoted
from rankkit.solvers.solution import EPS, ROUNDOFF, energy, portions

__all__ = ["BLOCK", "TAIL", "Inertia", "inertia"]

BLOCK = 32  # rows of a diagonal block: small ones have quick eigenvectors, large ones quick products
TAIL = 32  # last rows, which may be indefinite where all others are eliminated by one Cholesky factorisation
GROWTH = 1.25  # of ||L||_F^2 over ||S||_F^2 that is allowed for; it is more only where the threshold is high
SHARE = 2.0**-10  # of the edge, which sigma_1 makes as uncertain: so much rounding is allowed for in any case
TINY = 1e-300  # an eigenvalue of size zero counts as this one; the residual says what that cost


class Inertia(NamedTuple):
    """A factorisation L J L^T of G - shift I, and what it proves.

    Attributes
    ----------
    sound : numpy bool array, shape (*lead, batch)
        The factorisation ran through and its rounding is within what the shift allows for.
    positive : numpy integer array, shape (*lead, batch)
        Where sound and the shift lies beyond the edge, at least so many eigenvalues of S^T S exceed the edge; where it
        lies before the edge, at most so many do. 0 where not sound.
    near : numpy array, shape (*lead, batch)
        The same is true of any other edge that is at least as far from `shift` as this.
    shift : numpy array, shape (*lead, batch)
    L : array, shape (*lead, batch, p, p)
    J : array, shape (*lead, batch, p)
    head : int
        Order of the leading block that is triangular; the blocks after it are full and of order BLOCK.
    pivots : numpy array of int, shape (*lead, batch, p - head), or None
        Where they are given, the rest of L and J after the leading block is what `pivoted` makes of it.
    definite : numpy integer array, shape (*lead, batch)
        So many leading rows of it are known to be positive definite.
    """

    sound: Array
    positive: Array
    near: Array
    shift: Array
    L: Array
    J: Array
    head: int
    pivots: Array | None
    definite: Array

    def at(self, lead: int) -> Inertia:
        """Return the factorisations for one of the leading indices."""
        told = (self.sound[lead], self.positive[lead], self.near[lead], self.shift[lead])
        pivots = None if self.pivots is None else self.pivots[lead]
        return Inertia(*told, self.L[lead, ...], self.J[lead, ...], self.head, pivots, self.definite[lead])

    def part(self, which: Array) -> Inertia:
        """Return the factorisations of some of the stack."""
        if which.size == self.sound.shape[-1]:
            return self
        told = (self.sound[which], self.positive[which], self.near[which], self.shift[which])
        pivots = None if self.pivots is None else self.pivots[which]
        return Inertia(*told, self.L[which, ...], self.J[which, ...], self.head, pivots, self.definite[which])


def inertia(G: Gram, edge: Array, side: Array | int, *, head: int = 0) -> Inertia:
    """Return the inertia of G - shift I for shifts so far from an edge that rounding cannot carry an eigenvalue across.

    Parameters
    ----------
    G : Gram
    edge : numpy array, shape (*lead, batch)
        In the units of the eigenvalues, sigma^2.
    side : int or numpy array of int, shape (*lead, batch)
        1: the shift lies beyond the edge, so that what is counted surely exceeds it. -1: it lies before the edge, so
        that what is not counted surely does not.
    head : int
        So many leading rows, at most p - 1, are eliminated by one Cholesky factorisation, which is quicker. Where it
        does not run through, the result is not sound.

    Returns
    -------
    Inertia
    """
    xp, p = namespace(G.matrix), G.matrix.shape[-1]
    slack, shift = _slack(G, edge), _shift(G, edge, side)
    L, J = _copies(G.matrix, shift), xp.ones((*shift.shape, p), dtype=xp.float64, device=device_of(G.matrix))
    definite = _cholesky(L, head) if head else np.zeros(shift.shape, dtype=np.int64)
    ran = (shift > 0) & (definite == head)
    pivots = None
    if is_numpy_array(L) and p - head <= TAIL and _completed(L, head, ran):
        own, positive = np.broadcast_to(GROWTH * _roundings(p) * G.energy, shift.shape), np.full(shift.shape, p)
    elif is_numpy_array(L) and p - head > TAIL:
        own, positive, pivots = _pivoted(L, head, ran)
    else:
        own, positive = _by_blocks(L, J, head, ran)
    sound = ran & (own <= slack)
    near = G.error + own
    return Inertia(sound, np.where(sound, positive, 0), near, shift, L, J, head, pivots, definite)


def _roundings(p: int) -> float:
    """Return the factor of ||L||_F^2 in the bound on what rounding does to the factorisation."""
    return ROUNDOFF * (p + max(2 * BLOCK, PIVOT) + ROOM)


def _shift(G: Gram, edge: Array, side: Array | int) -> Array:
    """Return a shift on one side of an edge, from which neither rounding reaches the edge, shape (*lead, batch)."""
    return edge + side * (G.error + _slack(G, edge))


def _slack(G: Gram, edge: Array) -> Array:
    """Return what the factorisation's own rounding is allowed, shape (*lead, batch)."""
    return np.maximum(GROWTH * _roundings(G.matrix.shape[-1]) * G.energy, SHARE * edge)


def _copies(G: Array, shift: Array) -> Array:
    """Return G - shift I, of the shape (*lead, batch, p, p)."""
    xp = namespace(G)
    empty = xp.empty((*shift.shape, *G.shape[-2:]), dtype=xp.float64, device=device_of(G))
    C = np.swapaxes(empty, -1, -2) if is_numpy_array(empty) else empty  # by columns, as `lapack` likes it best
    C[...] = G
    shift_diagonal(C, -shift)
    return C


def _pivoted(L: Array, head: int, ran: Array) -> tuple[Array, Array, Array]:
    """Replace what the Cholesky factorisations left of G - shift I, on the host.

    Returns
    -------
    own, positive, pivots : numpy arrays, shapes (*lead, batch) twice and (*lead, batch, p - head)
        How far rounding moves an eigenvalue, at most, and how many are positive.
    """
    p = L.shape[-1]
    size, positive = np.full(ran.shape, np.inf), np.zeros(ran.shape, dtype=np.int64)
    pivots = np.zeros((*ran.shape, p - head), dtype=np.int32)
    for place in zip(*np.nonzero(ran), strict=True):
        beside, rest = L[place][head:, :head], L[place][head:, head:]
        if head:
            lapack.subtract_outer(rest, beside)
        pivots[place], count, grown = pivoted(rest)
        leading = L[place][:, :head].T  # by rows, as it lies in memory
        size[place], positive[place] = np.sum(np.vecdot(leading, leading)) + grown, head + count
    return _roundings(p) * size, positive, pivots


def _completed(L: Array, head: int, ran: Array) -> bool:
    """Return whether all of G - shift I turned out positive definite where its head did, and complete its L there.

    Then ||L||_F^2 is the trace of G - shift I to rounding, and so at most ||S||_F^2.
    """
    for place in zip(*np.nonzero(ran), strict=True):
        rest = L[place][head:, head:].copy(order="K")
        if head:
            lapack.subtract_outer(rest, L[place][head:, :head])
        if lapack.cholesky(rest, rest.shape[0]) < rest.shape[0]:
            return False
        L[place][head:, head:] = np.tril(rest)
    return True


def _by_blocks(L: Array, J: Array, head: int, ran: Array) -> tuple[Array, Array]:
    """Replace what the Cholesky factorisations left by block after block; return the first results of `_pivoted`."""
    xp, p, missing = namespace(L), L.shape[-1], np.zeros(ran.shape)
    stack, signs, left = L.reshape(-1, p, p), J.reshape(-1, p), missing.reshape(-1)
    for part in portions(stack):
        if np.any(ran.reshape(-1)[part]):
            for start in range(head, p, BLOCK):
                left[part] += _column(stack[part, ...], signs[part, ...], start, min(start + BLOCK, p))
    size = energy(np.swapaxes(L, -1, -2) if is_numpy_array(L) else L)  # as L lies in memory
    positive = host(xp.sum(xp.astype(J > 0, xp.int64), axis=-1)).astype(np.int64)
    return _roundings(p) * size + missing, positive


def _column(L: Array, J: Array, start: int, stop: int) -> Array:
    """Replace a block column of G - shift I by that of L; return the norm of what is left, shape (batch,).

    The columns before it are those of L already. J takes the signs of the block.
    """
    xp, now, below = namespace(L), slice(start, stop), slice(stop, L.shape[-1])
    column = L[:, start:, now]
    if start:
        column = column - L[:, start:, :start] @ xp.matrix_transpose(L[:, now, :start] * J[:, None, :start])
    D, W = column[:, : stop - start, :], column[:, stop - start :, :]
    values, vectors = _split(D)
    size = xp.abs(values)
    root = xp.sqrt(xp.maximum(size, EPS * xp.max(size, axis=-1, keepdims=True) + TINY))
    sign = xp.where(values > 0, xp.ones_like(size), -xp.ones_like(size))
    V = vectors * root[:, None, :]
    signed = xp.matrix_transpose(V * sign[:, None, :])
    missing = np.sqrt(2 * energy(xp.tril(D - V @ signed)))
    if stop < L.shape[-1]:
        Z = (W @ vectors) * (sign / root)[:, None, :]
        missing = missing + np.sqrt(energy(W - Z @ signed))
        L[:, below, now] = Z  # not before W has been used: the first is a view of L
    L[:, now, now], J[:, now] = V, sign
    return missing


def _split(D: Array) -> tuple[Array, Array]:
    """Return the eigenvalues and eigenvectors of symmetric matrices, of which only the lower triangle is read."""
    values, vectors = namespace(D).linalg.eigh(D)
    return values, vectors


def _cholesky(L: Array, k: int) -> Array:
    """Replace the first k columns of G - shift I by those of L; return how far that ran, shape (*lead, batch)."""
    if is_numpy_array(L):
        flat = L.reshape(-1, *L.shape[-2:])
        ran = np.array([lapack.cholesky(matrix, k) for matrix in flat])
        for i in np.flatnonzero(ran == k):
            lapack.solve(flat[i], k, flat[i, k:, :k])
        return ran.reshape(L.shape[:-2])
    xp = namespace(L)
    factor, failed = torch_linalg("cholesky_ex")(L[..., :k, :k])
    info = host(failed)
    one = xp.eye(k, dtype=xp.float64, device=device_of(L))
    factor = xp.where((failed == 0)[..., None, None], factor, one)
    below = xp.matrix_transpose(L[..., k:, :k])
    L[..., k:, :k] = xp.matrix_transpose(torch_linalg("solve_triangular")(factor, below, upper=False))
    L[..., :k, :k] = factor
    return np.where(info == 0, k, np.maximum(info - 1, 0))
