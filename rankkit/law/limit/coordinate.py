"""One coordinate of exp(i c b . a) at the nodes of a quadrature, and what weights of rows and columns make of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from rankkit.factors import Array

__all__ = [
    "Coordinate",
    "Seen",
    "gaussian_nodes",
    "legendre_nodes",
    "one_coordinate_problem",
    "seen_through",
    "uniform_nodes",
]

# their overloads leave the types open
eigen_of: Callable[..., tuple[Array, Array]] = np.linalg.eig
inverse_of: Callable[..., Array] = np.linalg.inv

FARTHEST = 6.5  # standard deviations: less than 1e-10 of the points lie further out


class Seen(NamedTuple):
    """Squared values of the weighted operator (k,), and where each lies among rows and columns (nodes, k).

    Each column of `rows` has mean one under p, and likewise of `columns`.
    """

    squares: Array
    rows: Array
    columns: Array


@dataclass(frozen=True, eq=False)
class Coordinate:
    """cos(c x y) and sin(c x y) as sum_k mu_k U_k(x) V_k(y), for x and y >= 0 of a symmetric law.

    Attributes
    ----------
    x, p : float arrays, shape (nodes,)
        Nodes of |x| and their probabilities.
    parts : sequence of (U, mu, V)
        Even, then odd; U and V (nodes, k) are orthonormal under p.
    """

    x: Array
    p: Array
    parts: Sequence[tuple[Array, Array, Array]]

    @property
    def values(self) -> Array:
        """mu, even ones first, each descending."""
        return np.concatenate([mu for _, mu, _ in self.parts])

    @property
    def parity(self) -> Array:
        """0 for even values, 1 for odd ones."""
        return np.repeat([0, 1], [mu.size for _, mu, _ in self.parts])

    def leading(self, wanted: Array) -> Coordinate:
        """Return it with the values at which `wanted` (k,) is true, and at least the largest of each parity."""
        parts: list[tuple[Array, Array, Array]] = []
        for parity, (U, mu, V) in enumerate(self.parts):
            kept = max(1, int(np.sum(wanted[self.parity == parity])))
            parts.append((U[:, :kept], mu[:kept], V[:, :kept]))
        return Coordinate(self.x, self.p, parts)

    def weighted(self, w: Array, v: Array) -> Seen:
        """Return the operator with weights w of x and v of y (nodes,)."""
        return seen_through(self.parts, self.p, self.p, w, v)


def seen_through(parts: Sequence[tuple[Array, Array, Array]], p: Array, q: Array, w: Array, v: Array) -> Seen:
    """Return sum_k mu_k U_k V_k of each part, seen through weights w and v of nodes with probabilities p and q."""
    squares: list[Array] = []
    rows: list[Array] = []
    columns: list[Array] = []
    for U, mu, V in parts:
        B, D = (U * (p * w)[:, None]).T @ U, (V * (q * v)[:, None]).T @ V
        graded = np.sqrt(mu)  # in this form the small values keep their relative accuracy
        rows_seen, columns_seen = graded[:, None] * B * graded, graded[:, None] * D * graded
        values, right = eigen_of(rows_seen @ columns_seen)
        order = np.argsort(-np.abs(values), kind="stable")
        values, right = values[order], right[:, order]
        left = inverse_of(right).T
        squares.append(values)
        here, there = U * graded, V * graded
        rows.append((here @ left) * (here @ (columns_seen @ right)) * w[:, None] / values)
        columns.append((there @ (rows_seen @ left)) * (there @ right) * v[:, None] / values)
    return Seen(np.concatenate(squares), np.concatenate(rows, axis=1), np.concatenate(columns, axis=1))


@lru_cache(maxsize=128)
def legendre_nodes(count: int) -> tuple[Array, Array]:
    """Return Gauss and Legendre's nodes and weights between -1 and 1, shape (count,) each."""
    return np.polynomial.legendre.leggauss(count)


def uniform_nodes(c: float) -> tuple[Array, Array]:
    """Return nodes and probabilities of |x| for x uniform on [-1, 1]."""
    x, weight = legendre_nodes(2 * int(20 + 0.5 * c))
    return x[x > 0], weight[x > 0]


def gaussian_nodes(count: int) -> tuple[Array, Array]:
    """Return nodes and probabilities of |x| for standard normal x."""
    x, weight = legendre_nodes(2 * count)
    x, weight = FARTHEST * x[x > 0], weight[x > 0]
    p = weight * np.exp(-(x**2) / 2)
    return x, p / np.sum(p)


def one_coordinate_problem(x: Array, p: Array, c: float, *, floor: float) -> Coordinate:
    """Return the operator of exp(i c x y), values down to `floor` times the largest of their parity."""
    root = np.sqrt(p)
    parts: list[tuple[Array, Array, Array]] = []
    for kernel in (np.cos, np.sin):
        # symmetric, and values that are nearly equal can keep an SVD from converging
        values, vectors = np.linalg.eigh(root[:, None] * kernel(c * np.outer(x, x)) * root)
        order = np.argsort(-np.abs(values), kind="stable")
        values, U = values[order], vectors[:, order] / root[:, None]
        mu = np.abs(values)
        kept = max(1, int(np.sum(mu > floor * mu[0])))
        parts.append((U[:, :kept], mu[:kept], (U * np.sign(values))[:, :kept]))
    return Coordinate(x, p, parts)
