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
from rankkit.solvers.solution import EPS, ROUNDOFF
from rankkit.solvers.tolerance import Bounds, Edges

__all__ = ["FEW", "Located", "located", "refined"]

FEW = 24  # singular values in question; beyond that all of them cost as much
GUARD = 2  # more vectors than values, for convergence where the next values are close
ROUNDS = 3  # of inverse iteration, all of whose vectors are kept
LOOKS = (1, 3)  # rounds after which the vectors are measured: first the few that mostly suffice
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
    *_, last = refined(G, found, few)
    return last


def refined(G: Gram, found: Inertia, few: int) -> Iterator[Located]:
    """Return an iterator over a few singular values near the square root of a shift, at first roughly, then sharply.

    Parameters
    ----------
    G : Gram
    found : Inertia
        Of G at one shift, without leading indices.
    few : int
        How many values are in question.

    Yields
    ------
    Located
    """
    xp, powers = namespace(G.tall), [_start(G, found, few)]
    for rounds in range(1, ROUNDS + 1):
        x = solved(found, powers[-1])
        powers.append(x / xp.linalg.vector_norm(x, axis=-2, keepdims=True))
        if rounds in LOOKS:
            yield _measured(G, xp.linalg.qr(xp.concat(powers, axis=-1))[0])


def _measured(G: Gram, Q: Array) -> Located:
    """Return approximate singular values from an orthonormal basis of a space, and how good they are."""
    xp, (q, p) = namespace(G.tall), G.tall.shape[-2:]
    width = Q.shape[-1]
    image = _times(G.tall, Q)
    turn = np.linalg.eigh(host(xp.matrix_transpose(image) @ image))[1]
    x = Q @ xp.asarray(turn, device=device_of(G.tall))
    image = _times(G.tall, x)
    squares = np.linalg.eigvalsh(host(xp.matrix_transpose(image) @ image))
    length = xp.linalg.vector_norm(image, axis=-2, keepdims=True)
    u = image / xp.where(length > 0, length, xp.ones_like(length))
    rest = _times(xp.matrix_transpose(G.tall), u) - x * length
    overlap = xp.matrix_transpose(x) @ x - xp.eye(width, dtype=xp.float64, device=device_of(G.tall))
    skew = host(xp.linalg.matrix_norm(overlap)) + EPS * (p + ROOM) * width
    # S x and S^T u are off by p u and q u times ||S||_F; x has unit length to rounding
    rounding = ROUNDOFF * (p + q + 2 * ROOM) * np.sqrt(G.energy) * (1 + skew)
    values = host(length)[:, 0, :]
    squared = EPS * (q + width + ROOM) * np.sum(values**2, axis=-1, keepdims=True)
    norm = np.sqrt(np.maximum(1 - skew, TINY))
    smallest = (np.sqrt(np.maximum(squares, 0) + squared) + rounding[:, None]) / norm[:, None]
    return Located(values, host(xp.linalg.vector_norm(rest, axis=-2)), rounding, norm, smallest)


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
