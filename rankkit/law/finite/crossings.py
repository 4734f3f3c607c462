"""What the equations leave out: rows that lie so near to each other that their features are nearly the same.

The equations are those of rows that meet no other row twice. What they leave out of log det is a series in groups of
rows. U(b) = 1 - w(b) is a row's share, g(b) the mean share of the modes that it sees, and x the overlap of two rows,
the square of the kernel of K v K^T (w K v K^T + z)^-1 over its values on the diagonal. The sums over all pairs and all
triples of rows

    E sum (log(1 - U^2 x) + U^2 x)    and, to first order,    -4 E sum (U^2 x) (U^2 x') (U^2 x'')

are taken with a kernel that falls like a Gaussian function in R dimensions. For N rows they are

    -N E g (Li_(1 + R / 2)(U^2) - U^2) / (2 U)    and    -(2 / 3) N E g^2 U^4 3^(-R / 2).

R is r for normal entries, and -2 log2 of the mean overlap for products over coordinates. Nothing is measured; that the
series ends here was decided on recorded draws.
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

NODES = 24  # of the overlap; six times as many change counts by 0.01 % of d
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
    triples = 2 / 3 * 3 ** (-dimension / 2) * np.sum(p * share**2 * used**4)
    return complex(-size * (0.5 * np.sum(p * share * _pairs(used, dimension)) + triples))


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
    low = np.abs(together) < SMALL
    far = np.where(low, 0.5, together)
    left_out = np.where(low, together**2 / 2 + together**3 / 3, -np.log1p(-far) - far)
    return left_out @ (np.diff(ends) / overlap) / used
