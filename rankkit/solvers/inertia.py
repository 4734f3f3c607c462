"""How many eigenvalues of a Gram matrix exceed a shift, by Sylvester's law of inertia, and a proof that it is so.

The leading rows that are positive definite are eliminated by Cholesky. On the host the rest is factorised with pivots,
as `pivoted` says, unless it is a single block. Its rounding and Cholesky's add up as roundings of |L| |D| |L|^T. Where
Cholesky eliminates the last block as well, nothing is left.

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
from rankkit.solvers.blocks import BLOCK, by_blocks, signed
from rankkit.solvers.gram import ROOM, Gram, shift_diagonal, torch_linalg
from rankkit.solvers.pivoted import PIVOT, pivoted
from rankkit.solvers.solution import ROUNDOFF, energy

__all__ = ["TAIL", "Inertia", "inertia"]

TAIL = 32  # last rows, which may be indefinite where all others are eliminated by one Cholesky factorisation
GROWTH = 1.25  # of ||L||_F^2 over ||S||_F^2 that is allowed for; it is more only where the threshold is high
SHARE = 2.0**-10  # of the edge, which sigma_1 makes as uncertain: so much rounding is allowed for in any case


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
    if is_numpy_array(L) and p - head > TAIL:
        own, positive, pivots = _pivoted(L, head, ran)
    elif is_numpy_array(L):
        own, positive = _tail(L, J, head, ran, G.matrix)
    else:
        missing, positive = by_blocks(L, J, head), host(xp.sum(xp.astype(J > 0, xp.int64), axis=-1)).astype(np.int64)
        own = _roundings(p) * energy(L) + missing
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


def _tail(L: Array, J: Array, head: int, ran: Array, G: Array) -> tuple[Array, Array]:
    """Replace the few rows that the Cholesky factorisations left, on the host; return the first results of `_pivoted`.

    ||L||_F^2 of the leading triangle is the trace of what was factorised there, and so at most that of G.
    """
    p, leading = L.shape[-1], np.sum(np.einsum("bii->bi", G)[:, :head], axis=-1)
    own, positive = np.full(ran.shape, np.inf), np.zeros(ran.shape, dtype=np.int64)
    for place in zip(*np.nonzero(ran), strict=True):
        beside, rest = L[place][head:, :head], L[place][head:, head:]
        if head:
            lapack.subtract_outer(rest, beside)
        triangle, missing = rest.copy(order="K"), 0.0
        if lapack.cholesky(triangle, p - head) == p - head:  # nothing is left to split
            rest[...] = np.tril(triangle)
        else:
            block = signed(rest[None])
            rest[...], J[place][head:], missing = block.V[0], block.sign[0], block.missing[0]
        size = leading[place[-1]] + np.sum(beside**2) + np.sum(rest**2)
        own[place], positive[place] = _roundings(p) * size + missing, np.sum(J[place] > 0)
    return own, positive


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
