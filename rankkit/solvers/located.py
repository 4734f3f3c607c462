"""A few singular values near a threshold, located to the accuracy of an SVD, where it is known how many there are.

A Krylov space of (G - shift I)^{-1} finds vectors x of unit length with S x = sigma u and S^T u nearly sigma x. G
serves to find them; how good they are is measured with S itself. For columns [u; x] and their sigma, the matrix
[0 S; S^T 0] has as many eigenvalues, one for each column, within the Frobenius norm of the residual divided by the
smallest singular value of the columns (Cao, Xie and Li 1996, "A sharp version of Kahan's theorem on clustered
eigenvalues"). Its positive eigenvalues are the singular values of S.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from array_api_compat import is_numpy_array

from rankkit.factors import Array, device_of, host, namespace
from rankkit.solvers.gram import ROOM, Gram
from rankkit.solvers.inertia import TAIL, Inertia
from rankkit.solvers.inverse import back_solved, solved
from rankkit.solvers.leading import split
from rankkit.solvers.solution import EPS, ROUNDOFF
from rankkit.solvers.tolerance import Bounds, Edges

__all__ = ["FEW", "Located", "located", "refined"]

FEW = 24  # singular values in question; beyond that all of them cost as much
GUARD = 2  # more vectors than values, for convergence where the next values are close
ROUNDS = 3  # of inverse iteration, all of whose vectors are kept
NARROW = 3  # columns up to which so many products with vectors are quicker than one with a matrix
TINY = 1e-300  # stands for zero under a division


class Located(NamedTuple):
    """Approximate singular values near a threshold.

    Attributes
    ----------
    values : numpy array, shape (batch, k)
    residual : numpy array, shape (batch, k)
        Of each pair of vectors, in the 2-norm.
    rounding : numpy array, shape (batch,)
        Of one pair's residual, at most.
    norm : numpy array, shape (batch,)
        The smallest singular value of all columns [u; x], at least.
    smallest : numpy array, shape (batch, k)
        Upper bounds on the k smallest singular values of S (Courant and Fischer), ascending.
    """

    values: Array
    residual: Array
    rounding: Array
    norm: Array
    smallest: Array

    def between(self, least: Array, most: Array, edges: Edges) -> Bounds:
        """Return how many singular values are proved to lie in (edges.above, most), and in (least, edges.below).

        Parameters
        ----------
        least, most : numpy array, shape (batch,)
        edges : Edges

        Returns
        -------
        Bounds
            The first number as `lower`, the second as `upper`.
        """
        low, high = least[:, None], most[:, None]
        above, below = edges.above[:, None], edges.below[:, None]
        inside = (self.values > low) & (self.values < high)
        away = [np.abs(self.values - np.where(np.isfinite(edge), edge, -np.inf)) for edge in (low, high, above, below)]
        distance = np.where(inside, np.minimum.reduce(away), np.inf).min(axis=-1, keepdims=True)
        # a column that has not converged would spoil the bound of the others
        taken = inside & (self.residual * np.sqrt(self.values.shape[-1]) <= distance)
        together = np.sqrt(np.sum(np.where(taken, self.residual, 0.0) ** 2, axis=-1))
        error = ((together + self.rounding * np.sqrt(np.sum(taken, axis=-1))) / self.norm)[:, None]
        up = taken & (self.values - error > above) & (self.values + error < high)
        down = taken & (self.values + error < below) & (self.values - error > low)
        return Bounds(np.sum(up, axis=-1), np.sum(down, axis=-1))

    def nearest(self, least: Array, most: Array, threshold: Array) -> Array:
        """Return whether the value nearest to a threshold, of those in (least, most), lies above it, shape (batch,)."""
        inside = (self.values > least[:, None]) & (self.values < most[:, None])
        away = np.where(inside, np.abs(self.values - threshold[:, None]), np.inf)
        place = np.argmin(away, axis=-1)[:, None]
        return np.take_along_axis(self.values, place, axis=-1)[:, 0] > threshold


def located(G: Gram, found: Inertia, few: int) -> Located:
    """Return a few singular values near the square root of a shift: the last and sharpest of `refined`."""
    *_, (basis, image) = _spaces(G, found, few)
    return _measured(G, basis, image, basis.shape[-1])


def refined(G: Gram, found: Inertia, few: int) -> Iterator[Located]:
    """Return an iterator over the few smallest singular values, at first roughly and then more sharply.

    Parameters
    ----------
    G : Gram
    found : Inertia
        Of G at one shift, without leading indices.
    few : int
        How many values lie below the square root of that shift.

    Yields
    ------
    Located
        Only the first `few` have a residual that is finite.
    """
    for basis, image in _spaces(G, found, few):
        if few == 1 or basis.shape[-1] > 2 * few:  # several values are hardly ever told after the first round
            yield _measured(G, basis, image, few)


def _spaces(G: Gram, found: Inertia, few: int) -> Iterator[tuple[Array, Array]]:
    """Return an iterator over orthonormal bases of Krylov spaces, shape (batch, p, width), and their images under S."""
    xp = namespace(G.tall)
    x = _start(G, found, few)
    basis = xp.linalg.qr(x)[0]
    image = _times(G.tall, basis)
    for _ in range(ROUNDS):
        if basis.shape[-1] + x.shape[-1] > x.shape[-2]:
            return
        x = solved(found, x)
        x = x / xp.linalg.vector_norm(x, axis=-2, keepdims=True)
        new = split(basis, x).Q
        basis = xp.concat([basis, new], axis=-1)
        image = xp.concat([image, _times(G.tall, new)], axis=-1)
        yield basis, image


def _measured(G: Gram, basis: Array, image: Array, first: int) -> Located:
    """Return approximate singular values from a space and its image, and how good the first of them are."""
    xp, (q, p), width = namespace(G.tall), G.tall.shape[-2:], basis.shape[-1]
    turn = xp.asarray(np.linalg.eigh(host(xp.matrix_transpose(image) @ image))[1], device=device_of(G.tall))
    x, image = basis @ turn, image @ turn
    squares = np.linalg.eigvalsh(host(xp.matrix_transpose(image) @ image))
    length = xp.linalg.vector_norm(image, axis=-2, keepdims=True)
    u = (image / xp.where(length > 0, length, xp.ones_like(length)))[..., :first]
    rest = _times(xp.matrix_transpose(G.tall), u) - (x * length)[..., :first]
    residual = np.full(squares.shape, np.inf)
    residual[:, :first] = host(xp.linalg.vector_norm(rest, axis=-2))
    overlap = xp.matrix_transpose(x) @ x - xp.eye(width, dtype=xp.float64, device=device_of(G.tall))
    skew = host(xp.linalg.matrix_norm(overlap)) + EPS * (p + ROOM) * width
    # S^T u is off by q u times ||S||_F, and so is every column of S Q by p u. Turned into S x these errors add up to
    # sqrt(width) times as much, and x and S x are sums of `width` products themselves
    rounding = ROUNDOFF * (q + 2 * ROOM + (p + 2 * width) * np.sqrt(width)) * np.sqrt(G.energy) * (1 + skew)
    values = host(length)[:, 0, :]
    squared = EPS * (q + width + ROOM) * np.sum(values**2, axis=-1, keepdims=True)
    norm = np.sqrt(np.maximum(1 - skew, TINY))
    smallest = (np.sqrt(np.maximum(squares, 0) + squared) + rounding[:, None]) / norm[:, None]
    return Located(values, residual, rounding, norm, smallest)


def _times(M: Array, columns: Array) -> Array:
    """Return M times columns for every matrix of a stack: on the host one by one where there are few of them."""
    if not is_numpy_array(M) or columns.shape[-1] > NARROW:
        return M @ columns
    return np.stack([(M @ columns[..., i, None])[..., 0] for i in range(columns.shape[-1])], axis=-1)


def _start(G: Gram, found: Inertia, few: int) -> Array:
    """Return the first columns of a Krylov space of the inverse, shape (batch, p, count), each of unit length."""
    xp, p = namespace(G.tall), G.tall.shape[-1]
    if found.head == p - TAIL:
        # nearly all values lie above the shift: the directions in which they do not
        places = xp.argsort(found.J, axis=-1)[:, :few]
        units = xp.astype(xp.arange(p, device=device_of(G.tall))[None, :, None] == places[:, None, :], xp.float64)
        x = back_solved(found, units)
    else:
        normal = np.random.default_rng(0).standard_normal((p, few + GUARD))
        columns = np.tile(normal, (found.J.shape[0], 1, 1))
        x = solved(found, xp.asarray(columns, device=device_of(G.tall)))
    return x / xp.linalg.vector_norm(x, axis=-2, keepdims=True)
