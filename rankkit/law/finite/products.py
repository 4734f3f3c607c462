"""The equations for entries of any symmetric law: products of one-coordinate problems.

exp(i c b . a) is a product over coordinates, and so are the weights here, w(b) = a prod_k w_1(b_k): F of
self_consistent.py is made stationary among such weights. It is exact for r = 1. Because F is stationary, its error is
of second order in what the true weights have beyond a product; benchmarks/README.md has its size for r = 2. Then
everything is one-coordinate algebra: the eigenvalues of the weighted operator are products with an odd total index of
those of one coordinate's weighted operator, and the means over b are powers of means over one entry.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from rankkit.factors import Array
from rankkit.law.finite.crossings import crossing_term, dimensions, nodes_at, places
from rankkit.law.finite.self_consistent import APART, Potential, within_sector
from rankkit.law.limit.coordinate import Coordinate
from rankkit.law.limit.listing import Listed

__all__ = ["Products"]


@dataclass(frozen=True, eq=False)
class Products:
    """The equations of sin(c B A) / sqrt(m n); the unknowns are log w_1 and log v_1 at the nodes, log a and log b.

    Attributes
    ----------
    m, n, r : int
    coordinate : Coordinate
    listed : Listed
    rest : float
        sum lambda^2 of the products that are not listed: so small that they only add up.
    """

    m: int
    n: int
    r: int
    coordinate: Coordinate
    listed: Listed
    rest: float

    @property
    def limit(self) -> int:
        """min(m, n)."""
        return min(self.m, self.n)

    def inside(self, unknowns: Array, z: complex) -> Array:
        """Return the nearest unknowns with scales, which are means of weights, where weights are."""
        return np.concatenate([unknowns[:-2], within_sector(unknowns[-2:], z)])

    @cached_property
    def mass(self) -> Array:
        """A quarter of the probability of each node, and a quarter for each scale."""
        p = self.coordinate.p
        return np.concatenate([p, p, np.ones(2)]) / 4

    @property
    def places(self) -> Array:
        """The nodes of rows, those of columns, and the two scales."""
        x = self.coordinate.x
        return np.concatenate([x, APART + x, [2 * APART, 3 * APART]])

    def start(self, z: complex) -> Array:
        """Return log w = log v = 0, where all values are far below z."""
        return np.zeros(self.mass.size, dtype=np.complex128)

    def improve(self, unknowns: Array, z: complex) -> Array:
        """Return the weights that the leverages of the given ones imply."""
        nodes = self.coordinate.p.size
        logs = unknowns[:nodes], unknowns[nodes:-2]
        seen = self.coordinate.weighted(np.exp(logs[0]), np.exp(logs[1]))
        scales = np.exp(unknowns[-2:])
        share: Array = 1 / (1 + np.exp(-self._logs(seen.squares, unknowns, z)))
        used = self.listed.many * share
        rest: Any = self.rest * scales[0] * scales[1] / z
        total: Any = np.sum(used) + rest
        one = self.listed.counts.T @ used / self.r
        found: list[Array] = []
        for log, scale, density, size in zip(logs, scales, (seen.rows, seen.columns), (self.m, self.n), strict=True):
            weight = np.exp(log)
            new = log - np.log(scale * weight + (density @ one + rest * weight) / size)
            found.append(new - np.log(np.sum(self.coordinate.p * np.exp(new))))
        ends = [log - np.log(scale + total / size) for log, scale, size in zip(unknowns[-2:], scales, (self.m, self.n))]
        return np.concatenate([*found, ends])

    def potential(self, unknowns: Array, z: complex) -> Potential:
        """Return F, sum s^2 / (s^2 + z) and the term of crossings."""
        nodes = self.coordinate.p.size
        logs = unknowns[:nodes], unknowns[nodes:-2]
        seen = self.coordinate.weighted(np.exp(logs[0]), np.exp(logs[1]))
        scales = np.exp(unknowns[-2:])
        logs_over_z = self._logs(seen.squares, unknowns, z)
        share: Array = 1 / (1 + np.exp(-logs_over_z))
        rest: Any = self.rest * scales[0] * scales[1] / z
        total: Any = np.sum(self.listed.many * share)
        # log(1 + e^x) on the branch where it is x for large x
        large = logs_over_z.real > 0
        small = np.log1p(np.exp(logs_over_z * (1 - 2 * large)))
        value: Any = np.sum(self.listed.many * (large * logs_over_z + small))
        value += rest
        used = self.listed.many * share
        mean_share, dimension = np.sum(used * share) / total, self._dimension(used)
        crossings = 0j
        for log, log_scale, size in zip(logs, unknowns[-2:], (self.m, self.n), strict=True):
            value += size * (np.exp(log_scale) - 1 - log_scale - self.r * np.sum(self.coordinate.p * log))
            at = self._rows
            weights = np.exp(log_scale + np.sum(log[at], axis=1))
            crossings += crossing_term(size, np.full(len(at), 1 / len(at)), mean_share, 1 - weights, dimension)
        return Potential(complex(value), complex(total + rest), complex(crossings))

    def _logs(self, squares: Array, unknowns: Array, z: complex) -> Array:
        """Return log(lambda^2 / z) of each product."""
        return self.listed.counts @ np.log(squares) + np.sum(unknowns[-2:]) - np.log(z)

    @cached_property
    def _rows(self) -> Array:
        """The node of each coordinate at some rows that stand for all, (rows, r)."""
        return nodes_at(places(self.r), self.coordinate.p)

    def _dimension(self, used: Array) -> float:
        """Return R of crossings.py of all coordinates, given how much each product is used."""
        shares = np.abs(self.listed.counts.T @ used)
        parity = self.coordinate.parity
        parts = [(U, shares[parity == which] / np.sum(shares)) for which, (U, _, _) in enumerate(self.coordinate.parts)]
        return self.r * dimensions(parts, self.coordinate.p)
