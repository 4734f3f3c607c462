"""Points that stand for all rows, and the functions of an operator there.

They are a grid of Gauss's nodes, or quasi-random for more coordinates, each with its coordinates in every cyclic order,
so that patterns of parities that differ in the order of coordinates alone need one of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from rankkit.factors import Array
from rankkit.law.coordinate import legendre_nodes
from rankkit.law.crossings import places
from rankkit.law.waves.operator import Operator, Pattern

__all__ = ["Part", "Points", "at_points", "spread"]

# coordinates for which a grid of Gauss's nodes serves, its points at most, and how many more nodes than functions
GRID_UP_TO, GRID, MARGIN = 4, 8192, 6
LAST = 3.0  # times the smallest value: as far up functions count among the smallest
QUASI_RANDOM = 4096  # about how many


@dataclass(frozen=True, eq=False)
class Points:
    """Points of r coordinates, sorted by how far out they lie.

    Attributes
    ----------
    at : float array, shape (points, r)
        The size of each coordinate, as the probability of smaller ones.
    p : float array, shape (points,)
        Probabilities.
    where : float array, shape (points,)
        The mean of these over the coordinates, rising.
    orbits : int array, shape (points, orders)
        The points that differ from each by the order of alike coordinates alone.
    """

    at: Array
    p: Array
    where: Array
    orbits: Array

    def averaged(self, x: Array) -> Array:
        """Return the mean of x (points,) over each orbit."""
        return np.mean(x[self.orbits], axis=1)


@dataclass(frozen=True, eq=False)
class Part:
    """sum_k x_k U_k(b) V_k(a) at points.

    Attributes
    ----------
    many : float
        How many parts are alike, which differ in the order of coordinates.
    U, V : float arrays, shape (points, k)
        Functions of rows and columns, orthonormal over the points; one object where they are the same.
    x : float array, shape (k,)
        Singular values, with signs where U and V are one.
    """

    many: float
    U: Array
    V: Array
    x: Array


def at_points(operator: Operator, least: float) -> tuple[Points, list[Part]]:
    """Return points, and the functions there of all values from `least` on."""
    kinds = list(dict.fromkeys(operator.coordinates))
    points = _points(tuple(operator.coordinates.count(kind) for kind in kinds), operator.degree)
    parts: list[Part] = []
    for pattern in operator.patterns:
        kept = int(np.sum(pattern.values >= least))
        if kept == 0:
            continue
        left, right, x = pattern.left[:, :kept], pattern.right[:, :kept], pattern.values[:kept]
        U = _there(operator, pattern, left, points, 0)
        if operator.symmetric:
            parts.append(Part(pattern.many, U, U, x * np.sum(left * right, axis=0)))
        else:
            parts.append(Part(pattern.many, U, _there(operator, pattern, right, points, 1), x))
    return points, parts


def spread(points: Points, parts: Sequence[Part]) -> tuple[Array, Array]:
    """Return the mean square of the functions of the smallest values at each point, of rows and of columns."""
    least = LAST * min(float(np.min(np.abs(part.x))) for part in parts)
    sides: list[Array] = []
    for rows in (True, False):
        last = [part.many * (part.U if rows else part.V)[:, np.abs(part.x) <= least] ** 2 for part in parts]
        together = points.averaged(sum(np.sum(one, axis=1) for one in last))
        sides.append(together / (points.p @ together))
    return sides[0], sides[1]


def _there(operator: Operator, pattern: Pattern, vectors: Array, points: Points, side: int) -> Array:
    """Return combinations of products of functions at points, (points, k).

    They are made orthonormal over the points by the smallest change (Lowdin 1950): they are as good as that over all
    rows.
    """
    products = np.ones((len(points.at), len(vectors)))
    for j, (one, parity) in enumerate(zip(operator.coordinates, pattern.parities, strict=True)):
        products *= one.functions(side, parity, points.at[:, j])[:, pattern.indices[:, j]]
    U = products @ vectors
    size, turn = np.linalg.eigh(U.T @ (points.p[:, None] * U))
    return U @ (turn / np.sqrt(size)) @ turn.T


@lru_cache(maxsize=16)
def _points(many: tuple[int, ...], degree: int) -> Points:
    """Return points of coordinates of which so many each are alike, for functions up to a degree."""
    r = sum(many)
    if r <= GRID_UP_TO:
        nodes, weights = legendre_nodes(min(degree // 2 + MARGIN, int(GRID ** (1 / r))))
        place = np.indices((nodes.size,) * r).reshape(r, -1).T
        left = (1 - nodes[place]) / 2  # the cube root of the upper tail
        at, p = 1 - left**3, np.prod(1.5 * weights[place] * left**2, axis=1)
        turned = [
            np.ravel_multi_index(list(_turned(place, many, shift).T), (nodes.size,) * r) for shift in range(max(many))
        ]
        orbits = np.stack(turned, axis=1)
    else:
        few = -(-QUASI_RANDOM // max(many))
        at = np.concatenate([_turned(places(r, few), many, shift) for shift in range(max(many))])
        p = np.full(len(at), 1 / len(at))
        orbits = np.tile(np.arange(few), max(many))[:, None] + few * np.arange(max(many))
    where = np.mean(at, axis=1)
    order = np.argsort(where, kind="stable")
    back = np.argsort(order, kind="stable")
    return Points(at[order], p[order], where[order], back[orbits[order]])


def _turned(x: Array, many: Sequence[int], shift: int) -> Array:
    """Return the columns of x with those that are alike in another cyclic order."""
    kinds = np.split(x, np.cumsum(many)[:-1], axis=1)
    return np.concatenate([np.roll(kind, shift, axis=1) for kind in kinds], axis=1)
