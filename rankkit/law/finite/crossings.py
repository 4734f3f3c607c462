"""What the equations leave out: rows that lie so near to each other that their features are nearly the same.

The equations are those of rows that meet no other row twice. What they leave out of log det is a series in groups of
rows. U(b) = 1 - w(b) is a row's share, g(b) the mean share of the modes that it sees, and h the kernel of
K v K^T (w K v K^T + z)^-1 at two rows over its values on the diagonal, so that x = h^2 is their overlap. A group adds
log det(1 + U h), h with zeros on the diagonal, less all that is constant or linear in the U of one of its rows:

    log(1 - U^2 x) + U^2 x    for two rows, _of_three for three.

Of four and of five rows only rings are taken, to first order: -(k + 1) (U^2 x_12) (U^2 x_23) ... (U^2 x_k1). With a
kernel that falls like a Gaussian function in R dimensions, N rows have in pairs, in triples and in rings of k

    -N E g (Li_(1 + R / 2)(U^2) - U^2) / (2 U),    -(2 / 3) N E g^2 U^4 3^(-R / 2) A(U),
    -N (k + 1) / (2 k) E g^(k - 1) U^(k + 1) k^(-R / 2),

where A(U) is the whole of triples over its first term. The series of rings is one in g U, which is at most U < 1 for
z > 0. Near the negative axis it can be larger at a few rows; they count in rings as if it were 1 there, with its phase.

R is r for normal entries, and -2 log2 of the mean overlap for products over coordinates. Nothing is measured; that the
series ends with rings of five was decided on random exponentials and on recorded draws.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any

import numpy as np

from rankkit.factors import Array

__all__ = ["crossing_term", "dimensions", "nodes_at", "places", "removed"]

placed: Callable[..., Array] = np.searchsorted  # its overloads leave the type open

NODES = 16  # of the overlap; nine times as many change counts by 0.02 % of d
RINGS = (4, 5)  # rows
# distances of three rows, angles between two of them, and groups of rows with nearly the same U; four times as many
# distances and angles changed 1,776 counts by at most 0.04 % of d, and four times as many groups by as much
DISTANCES, ANGLES, GROUPS = 8, 4, 6
LEAST = 1e-3  # |U|, below which triples are their first term
NEAREST = 1e-9  # squared distance of two rows, times R: nearer ones are one row to float64
MANY = 40.0  # dimensions, of which triples have 3^-20: among 10^9 rows is not one
POINTS = 256  # rows at which products of weights are averaged; eight times as many change counts by 0.07 % of d
NEGLIGIBLE = 1e-3  # values
SMALL = 1e-3  # of U^2 x, below which -log(1 - U^2 x) - U^2 x is its series
MOST_ALIKE = 0.99  # mean overlap of one coordinate


def crossing_term(size: int, p: Array, share: Any, used: Array, dimension: float) -> complex:
    """Return what one side of the matrix adds to F.

    Parameters
    ----------
    size : int
        Rows (or columns).
    p, used : arrays, shape (rows,)
        Probabilities and U at rows (nodes or samples).
    share : complex, or array, shape (rows,)
        g, the mean share of the modes that a row sees.
    dimension : float
        R.
    """
    if size * float(np.max(np.abs(used))) ** 3 < NEGLIGIBLE:
        return 0j
    share = np.broadcast_to(share, used.shape)
    pairs = 0.5 * np.sum(p * share * _pairs(used, dimension))
    weights, mean = _alike(p * share**2 * used**4, used)
    triples = 2 / 3 * 3 ** (-dimension / 2) * np.sum(weights * _whole(mean, dimension))
    links = share / np.maximum(np.abs(share * used), 1.0)
    rings = sum(
        (k + 1) / (2 * k) * k ** (-dimension / 2) * np.sum(p * links ** (k - 1) * used ** (k + 1)) for k in RINGS
    )
    return complex(-size * (pairs + triples + rings))


def dimensions(parts: Sequence[tuple[Array, Array]], p: Array) -> float:
    """Return R of one coordinate, from its share of each function.

    Parameters
    ----------
    parts : (even, odd), each (functions (nodes, k), shares (k,))
        Functions of |x|, orthonormal under p; shares at least 0.
    p : float array, shape (nodes,)
        Probabilities of the nodes.
    """
    even, odd = ((functions * shares) @ functions.T for functions, shares in parts)
    same, opposite = (even + odd) ** 2, (even - odd) ** 2  # squares of the kernel, by the signs of both places
    step = p / ((same + opposite) @ p)
    overlap = step @ (same**2 + opposite**2) @ step / (step @ np.diag(same))
    return -2 * math.log2(min(float(overlap), MOST_ALIKE))


@lru_cache(maxsize=32)
def places(count: int, points: int = POINTS) -> Array:
    """Return points that fill a cube evenly, shape (points, count): Roberts' additive recurrence."""
    ratio = 2.0
    for _ in range(60):
        ratio = (1 + ratio) ** (1 / (count + 1))
    return np.mod(0.5 + np.arange(1, points + 1)[:, None] * ratio ** -np.arange(1.0, count + 1), 1.0)


def nodes_at(points: Array, p: Array) -> Array:
    """Return the node at each point between 0 and 1 of nodes with probabilities p."""
    return placed(np.cumsum(p[:-1]), points)


def removed(term: complex) -> float:
    """Return how many values crossings remove from a count; they do not add any."""
    return max(term.imag / math.pi, 0.0)


def _pairs(used: Array, dimension: float) -> Array:
    """Return (Li_(1 + R / 2)(U^2) - U^2) / U, shape (rows,), as a mean over the overlap of two rows.

    Its series does not converge for |U| > 1. -log of the overlap has a gamma law.
    """
    from scipy.special import gammaincinv

    ends = np.linspace(0, 1, NODES + 1) ** 2  # most of the nodes are where rows are nearly the same
    overlap = np.exp(-gammaincinv(dimension / 2, (ends[:-1] + ends[1:]) / 2))
    together = used[:, None] ** 2 * overlap
    return -_log_left(together) @ (np.diff(ends) / overlap) / used


def _log_left(part: Array) -> Array:
    """Return log(1 - part) + part."""
    low = np.abs(part) < SMALL
    far = np.where(low, 0.5, part)
    return np.where(low, -(part**2) / 2 - part**3 / 3, np.log1p(-far) + far)


def _alike(weights: Array, used: Array) -> tuple[Array, Array]:
    """Return the sums of weights over GROUPS of equal size with nearly the same U, and the mean U of each.

    A row at the border of two groups is divided between them, so that the sums are continuous.
    """
    order = np.argsort(np.abs(used))
    weights, used = weights[order], used[order]
    size = np.maximum(np.abs(weights), np.finfo(np.float64).tiny)
    ends = np.concatenate([np.zeros(1), np.cumsum(size) / np.sum(size) * GROUPS])
    first = np.arange(GROUPS)[:, None]
    within = np.diff(np.clip(ends, first, first + 1), axis=1)
    mean = within @ used
    return within @ (weights / size) * np.sum(size) / GROUPS, np.where(np.abs(mean) < LEAST, LEAST, mean)


def _whole(used: Array, dimension: float) -> Array:
    """Return A(U), shape (rows,)."""
    if dimension > MANY:
        return np.ones(len(used))
    x, y, z, measure = _places_of_three(dimension)
    squares = used[:, None] ** 2
    found = _of_three(squares * x, squares * y, squares * z, 2 * used[:, None] ** 3 * np.sqrt(x * y * z))
    return found @ measure / (-4 * used**6 * np.sum(x * y * z * measure))


def _of_three(first: Array, second: Array, third: Array, loop: Array) -> Array:
    """Return what three rows add, given U^2 x of each two and 2 U^3 h h' h''.

    It is log det less all that is constant or linear in one row, with what cancels taken out: of first order in two of
    the three, it is small where the others are large.
    """
    squares = first, second, third
    total, product = first + second + third, first * second * third
    every = first * second + second * third + third * first
    rest = 1 - total + every - product
    beyond = (every - loop - product) / rest
    found = _log_left(beyond) + ((every - loop) * (every - total - product) + product) / rest
    for at, square in enumerate(squares):
        others = squares[at - 1] + squares[at - 2]
        found += (others * square - loop) * square / (1 - square)
    return found


@lru_cache(maxsize=32)
def _places_of_three(dimension: float) -> tuple[Array, Array, Array, Array]:
    """Return h^2 of each two of three rows, and weights that sum over all their places.

    Two distances are those of rows that are counted with x, their angle is that of directions in R dimensions. Each
    two of the three distances are such a pair for a third of the weight, or more where they are the shorter ones.
    """
    from scipy.special import gammaincinv, roots_gegenbauer

    ends = np.linspace(0, 1, DISTANCES + 1) ** 2
    squares, p = gammaincinv(dimension / 2, (ends[:-1] + ends[1:]) / 2), np.diff(ends)
    cosine, q = roots_gegenbauer(ANGLES, dimension / 2 - 1) if dimension > 1 else (np.array([-1.0, 1.0]), np.ones(2))
    one, two = np.triu_indices(DISTANCES)
    both = (p[one] * p[two] * np.where(one == two, 1, 2))[:, None] * q / np.sum(q)
    first, second = squares[one, None] + 0 * cosine, squares[two, None] + 0 * cosine
    third = np.maximum(first + second - 2 * np.sqrt(first * second) * cosine, NEAREST * dimension)
    x, y, z = (np.exp(-square).ravel() for square in (first, second, third))
    return x, y, z, both.ravel() / (x * y + y * z + z * x)
