"""Weyl's law for Gaussian entries: how many functions lie around a row and a column, and how large they are.

Phase space holds (omega / 2 pi)^r db da functions around the row b and the column a, where the operator's squared
value is p(b) w(b) q(a) v(a) (2 pi / omega)^r; sin keeps the odd half of them. What the law leaves out falls with the
number of values. Where they are many it stands for all of them (PhaseSpace), elsewhere for those that radial.py leaves.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from rankkit.factors import Array
from rankkit.law.finite.crossings import crossing_term
from rankkit.law.finite.self_consistent import APART, Potential, within_sector
from rankkit.law.limit.coordinate import legendre_nodes

__all__ = ["Cells", "PhaseSpace", "crossings_of", "lengths", "phase_space_cells", "spacing", "span"]

NODES = 80
LARGEST_LOG = 300.0  # of a square: its inverse is a float too
BEYOND = 6.5  # lengths are taken within BEYOND of sqrt(r): less than 1e-9 of the points lie further out


@dataclass(frozen=True, eq=False)
class Cells:
    """Functions by where they lie among rows and columns, (nodes, nodes).

    Attributes
    ----------
    squares : float array
        lambda^2 of a function at a node of |b| and a node of |a|, without weights.
    many : float array
        How many there are.
    """

    squares: Array
    many: Array

    def leverages(self, w: Array, v: Array, z: complex) -> tuple[Array, Array]:
        """Return sum s^2 / (s^2 + z) / w over columns for each row, and likewise with / v for each column."""
        seen = self.many * self.squares / (self.squares * w[:, None] * v + z)
        return seen @ v, w @ seen

    def second(self, w: Array, v: Array, z: complex) -> tuple[Array, Array]:
        """Return the sums of `leverages` with (s^2 / (s^2 + z))^2."""
        share = self._share(w, v, z)
        square = self.many * share**2
        return np.sum(square, axis=1) / w, np.sum(square, axis=0) / v

    def potential(self, w: Array, v: Array, z: complex) -> tuple[Any, Any]:
        """Return sum log(1 + s^2 / z) and sum s^2 / (s^2 + z)."""
        weighted = self.squares * w[:, None] * v / z
        return np.sum(self.many * np.log1p(weighted)), np.sum(self.many * self._share(w, v, z))

    def _share(self, w: Array, v: Array, z: complex) -> Array:
        weighted = self.squares * w[:, None] * v
        return weighted / (weighted + z)


def lengths(r: int, nodes: int) -> tuple[Array, Array]:
    """Return lengths of a standard normal vector in r dimensions and their probabilities, by Gauss and Legendre."""
    at, weight = legendre_nodes(nodes)
    low, half = span(r)
    rho = low + half * (at + 1)
    log = (r - 1) * np.log(rho) - rho**2 / 2
    p = weight * np.exp(log - np.max(log))
    return rho, p / np.sum(p)


def spacing(r: int, nodes: int) -> Array:
    """Return the weights of the quadrature in the length, so that p over them is the density of the length."""
    return span(r)[1] * legendre_nodes(nodes)[1]


def span(r: int) -> tuple[float, float]:
    """Return the least length and half of the range that nodes cover."""
    low = max(0.0, math.sqrt(r) - BEYOND)
    return low, 0.5 * (math.sqrt(r) + BEYOND - low)


def phase_space_cells(rho: Array, p: Array, c: float, r: int, where: Array, energy: float) -> Cells:
    """Return the functions of sin(c b . a) in a part of phase space.

    Parameters
    ----------
    rho, p : float arrays, shape (nodes,)
        Lengths and their probabilities.
    c : float
        Frequency, radians.
    r : int
    where : float array, shape (nodes, nodes)
        How much of each |b| and |a| the part has, between 0 and 1.
    energy : float
        sum lambda^2 in the part, which is met exactly.
    """
    log = np.add.outer(rho**2, rho**2) / -2 - r * math.log(c)
    squares = np.exp(np.clip(log, -LARGEST_LOG, LARGEST_LOG))
    held = where * np.outer(p, p)
    total = float(np.sum(held))
    return Cells(squares, held * (energy / total if total > 0 else 0.0) / squares)


def crossings_of(size: int, r: int, p: Array, weight: Array, square: Array) -> complex:
    """Return the term of crossings of one side of the matrix, with the mean share that each row sees itself.

    Parameters
    ----------
    size, r : int
        Rows (or columns), and their dimension.
    p, weight : arrays, shape (nodes,)
        Probabilities and w at a solution, where 1 / w - 1 is the sum of a row's shares over size.
    square : complex array, shape (nodes,)
        Sum of the shares squared, over w.
    """
    return crossing_term(size, p, square / (size * (1 / weight - 1)), 1 - weight, r)


@dataclass(frozen=True, eq=False)
class PhaseSpace:
    """The equations of sin(c B A) / sqrt(m n), all by Weyl's law; the unknowns are log w, then log v, at the nodes.

    Attributes
    ----------
    m, n, r : int
    c : float
        Frequency, radians.
    """

    m: int
    n: int
    r: int
    c: float

    @property
    def limit(self) -> int:
        """min(m, n)."""
        return min(self.m, self.n)

    @cached_property
    def nodes(self) -> tuple[Array, Array]:
        """Nodes of |b| and their probabilities."""
        return lengths(self.r, NODES)

    @property
    def places(self) -> Array:
        """The lengths of rows, then those of columns."""
        return np.concatenate([self.nodes[0], APART + self.nodes[0]])

    @cached_property
    def cells(self) -> Cells:
        """All functions, half of them odd."""
        rho, p = self.nodes
        return phase_space_cells(rho, p, self.c, self.r, np.ones((NODES, NODES)), 0.5)

    @cached_property
    def mass(self) -> Array:
        """Half the probability of each node, for rows and for columns."""
        return np.concatenate([self.nodes[1], self.nodes[1]]) / 2

    def inside(self, unknowns: Array, z: complex) -> Array:
        """Return the nearest unknowns at which the solution may lie."""
        return within_sector(unknowns, z)

    def start(self, z: complex) -> Array:
        """Return log w = log v = 0, where all values are far below z."""
        return np.zeros(2 * NODES, dtype=np.complex128)

    def improve(self, unknowns: Array, z: complex) -> Array:
        """Return log w and log v from the leverages that they imply."""
        w, v = np.split(np.exp(unknowns), 2)
        row, column = self.cells.leverages(w, v, z)
        p = self.nodes[1]
        return -np.concatenate([np.log1p(row / (p * self.m)), np.log1p(column / (p * self.n))])

    def potential(self, unknowns: Array, z: complex) -> Potential:
        """Return F and sum s^2 / (s^2 + z)."""
        w, v = np.split(np.exp(unknowns), 2)
        p = self.nodes[1]
        value, effective = self.cells.potential(w, v, z)
        crossings = 0j
        for size, weight, log, square in zip(
            (self.m, self.n), (w, v), np.split(unknowns, 2), self.cells.second(w, v, z), strict=True
        ):
            value += size * np.sum(p * (weight - 1 - log))
            crossings += crossings_of(size, self.r, p, weight, square / p)
        return Potential(complex(value), complex(effective), crossings)
