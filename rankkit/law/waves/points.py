"""Points that stand for all rows, and the functions of an operator there.

They are a grid of Gauss's nodes, or quasi-random for more coordinates. Weights do not change when coordinates that are
alike change their order, so points that differ in that alone are one place. Patterns that differ in that order alone
need one of them, and of two points that a pattern tells apart by no more than a sign one is enough.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache, partial
from typing import Any

import numpy as np

from rankkit.factors import Array
from rankkit.law.finite.crossings import places
from rankkit.law.finite.self_consistent import ANGLES
from rankkit.law.limit.coordinate import legendre_nodes
from rankkit.law.waves.operator import Operator, Pattern
from rankkit.law.waves.pairs import Factor

__all__ = ["FEW_UP_TO", "Part", "Points", "at_points", "spread"]

# coordinates for which a grid of Gauss's nodes serves, its points at most, and how many more nodes than functions
GRID_UP_TO, GRID, MARGIN = 4, 8192, 6
ON_A_LINE = 5  # nodes per degree for r = 1, where functions are no products of few and may turn faster
LAST = 3.0  # times the smallest value: as far up functions count among the smallest
QUASI_RANDOM = 4096  # about how many
# orders of each, of few coordinates and of more: with fewer, places differ by chance and counts are too small
ORDERS, ORDERS_OF_MANY, FEW_UP_TO = 32, 128, 8
FARTHEST = ANGLES[-1]  # of the arguments of weights

summed: Any = np.bincount  # its overloads leave the type open


@dataclass(frozen=True, eq=False)
class Points:
    """Points of r coordinates, and the places that they have where the order of alike coordinates is left out.

    Attributes
    ----------
    at : float array, shape (points, r)
        The size of each coordinate, as the probability of smaller ones.
    p : float array, shape (points,)
        Probabilities.
    place : int array, shape (points,)
        Which place a point is at.
    grid : bool
        Whether all orders of each point are among them.
    """

    at: Array
    p: Array
    place: Array
    grid: bool

    @cached_property
    def mass(self) -> Array:
        """The probability of each place, shape (places,)."""
        return summed(self.place, self.p)

    @cached_property
    def where(self) -> Array:
        """The mean of a place's coordinates, rising, shape (places,)."""
        return summed(self.place, self.p * np.mean(self.at, axis=1)) / self.mass

    def halves(self, factors: Sequence[Factor]) -> tuple[Array, Array]:
        """Return the points with the coordinates of each pair in one order, and what probabilities they stand for."""
        p = self.p
        if self.grid:
            for factor in factors:
                if len(factor.columns) > 1:
                    first, second = (self.at[:, column] for column in factor.columns)
                    p = p * np.where(first < second, 2.0, np.where(first == second, 1.0, 0.0))
        return np.flatnonzero(p > 0), p[p > 0]


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
    p, place : arrays, shape (points,)
        Probabilities that these points stand for, and their places.
    mass : float array, shape (places,)
        Probabilities of all places.
    """

    many: float
    U: Array
    V: Array
    x: Array
    p: Array
    place: Array
    mass: Array

    def averaged(self, values: Array) -> Array:
        """Return means over the points of each place, (places,)."""
        return summed(self.place, self.p * values, minlength=self.mass.size) / self.mass

    def gram(self, functions: Array, weight: Array) -> Array:
        """Return the means of products of two functions, weighed by complex numbers between 1 and exp(i FARTHEST).

        Such numbers are 1 and exp(i FARTHEST) times numbers that are not negative, so that two symmetric products of
        matrices are enough.
        """
        turned = np.maximum(weight.imag, 0.0) / math.sin(FARTHEST)
        straight = np.maximum(weight.real - math.cos(FARTHEST) * turned, 0.0)
        found: list[Array] = []
        for here in (straight, turned):
            scaled = np.sqrt(self.p * here[self.place])[:, None] * functions
            found.append(scaled.T @ scaled)
        return found[0] + np.exp(1j * FARTHEST) * found[1]

    def averaged_square(self, functions: Array, middle: Array) -> Array:
        """Return the means of f^T middle f over each place, f being the functions at a point, (places,)."""
        sides = (np.einsum("pk,pk->p", functions @ one, functions) for one in (middle.real, middle.imag))
        real, imag = (self.averaged(side) for side in sides)
        return real + 1j * imag


def at_points(operator: Operator, least: float) -> tuple[Points, list[Part]]:
    """Return points, and the functions there of all values from `least` on."""
    kinds = list(dict.fromkeys(operator.coordinates))
    points = _points(tuple(operator.coordinates.count(kind) for kind in kinds), operator.degree)
    parts: list[Part] = []
    known: dict[tuple[int, int, int], Array] = {}

    def functions(side: int, parity: int, column: int) -> Array:
        if (side, parity, column) not in known:
            one = operator.coordinates[column]
            known[side, parity, column] = one.functions(side, parity, points.at[:, column])
        return known[side, parity, column]

    for pattern in operator.patterns:
        kept = int(np.sum(pattern.values >= least))
        if kept == 0:
            continue
        left, right, x = (one[..., :kept] for one in pattern.vectors)
        here, p = points.halves(pattern.factors)
        U = _there(pattern, left, partial(functions, 0), here, p)
        V = U if operator.symmetric else _there(pattern, right, partial(functions, 1), here, p)
        parts.append(Part(pattern.many, U, V, x, p, points.place[here], points.mass))
    return points, parts


def spread(points: Points, parts: Sequence[Part]) -> tuple[Array, Array]:
    """Return the mean square of the functions of the smallest values at each place, of rows and of columns."""
    least = LAST * min(float(np.min(np.abs(part.x))) for part in parts)
    sides: list[Array] = []
    for rows in (True, False):
        together = np.zeros(points.mass.size)
        for part in parts:
            last = (part.U if rows else part.V)[:, np.abs(part.x) <= least]
            together += part.many * part.averaged(np.sum(last**2, axis=1))
        sides.append(together / (points.mass @ together))
    return sides[0], sides[1]


def _there(pattern: Pattern, vectors: Array, known: Callable[[int, int], Array], here: Array, p: Array) -> Array:
    """Return combinations of products of functions at points, (points, k).

    They are made orthonormal over the points by the smallest change (Lowdin 1950): they are as good as that over all
    rows.
    """
    products = np.ones((len(here), len(vectors)))
    for factor in pattern.factors:
        columns = list(factor.columns)
        functions = [known(factor.parity, j)[here] for j in columns]
        products *= factor.at(functions, pattern.indices[:, columns])
    U = products @ vectors
    size, turn = np.linalg.eigh(U.T @ (p[:, None] * U))
    return U @ (turn / np.sqrt(size)) @ turn.T


@lru_cache(maxsize=16)
def _points(many: tuple[int, ...], degree: int) -> Points:
    """Return points of coordinates of which so many each are alike, for functions up to a degree."""
    r = sum(many)
    if r <= GRID_UP_TO:
        wanted = degree // 2 + MARGIN if r > 1 else ON_A_LINE * degree
        nodes, weights = legendre_nodes(min(wanted, int(GRID ** (1 / r))))
        chosen = np.indices((nodes.size,) * r).reshape(r, -1).T
        left = (1 - nodes[chosen]) / 2  # the cube root of the upper tail
        at, p = 1 - left**3, np.prod(1.5 * weights[chosen] * left**2, axis=1)
        kinds = np.split(chosen, np.cumsum(many)[:-1], axis=1)
        ordered = np.concatenate([np.sort(kind, axis=1) for kind in kinds], axis=1)
        _, place = np.unique(ordered, axis=0, return_inverse=True)
    else:
        orders = min(ORDERS if r <= FEW_UP_TO else ORDERS_OF_MANY, math.prod(math.factorial(k) for k in many))
        first, rng = places(r, QUASI_RANDOM // orders), np.random.default_rng(0)
        at = np.concatenate([first, *(_reordered(first, many, rng) for _ in range(orders - 1))])
        p = np.full(len(at), 1 / len(at))
        place = np.tile(np.arange(len(first)), orders)
    found = Points(at, p, place.reshape(-1), r <= GRID_UP_TO)
    rising = np.argsort(np.argsort(found.where, kind="stable"), kind="stable")
    return Points(at, p, rising[found.place], found.grid)


def _reordered(x: Array, many: Sequence[int], rng: np.random.Generator) -> Array:
    """Return the columns of x with those that are alike in a random order in each row."""
    return np.concatenate([rng.permuted(kind, axis=1) for kind in np.split(x, np.cumsum(many)[:-1], axis=1)], axis=1)
