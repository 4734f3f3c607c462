"""The equations for Gaussian entries and r = 1 at high frequency, by Weyl's law.

Phase space holds omega db da / (2 pi) functions around the row entry b and the column entry a, where the operator's
squared value is p(b) w(b) q(a) v(a) 2 pi / omega; sin keeps the odd half of them. What the law leaves out falls with
the number of values, of which there are many here.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from rankkit.factors import Array
from rankkit.law.coordinate import gaussian_nodes
from rankkit.law.self_consistent import Potential, within_sector

__all__ = ["PhaseSpace"]

NODES = 80


@dataclass(frozen=True, eq=False)
class PhaseSpace:
    """The equations of sin(c b a) / sqrt(m n); the unknowns are log w, then log v, at nodes of |b| and |a|.

    Attributes
    ----------
    m, n : int
    c : float
        Frequency, radians.
    """

    m: int
    n: int
    c: float

    @property
    def limit(self) -> int:
        """min(m, n)."""
        return min(self.m, self.n)

    @cached_property
    def nodes(self) -> tuple[Array, Array]:
        """Nodes of |b| and their probabilities."""
        return gaussian_nodes(NODES)

    @cached_property
    def density(self) -> Array:
        """p(b) at the nodes."""
        return np.exp(-(self.nodes[0] ** 2) / 2) / math.sqrt(2 * math.pi)

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
        p = self.nodes[1]
        seen = 1 / (self._squares(w, v) + z)
        return -np.concatenate([np.log1p(seen @ (p * v) / (2 * self.m)), np.log1p((p * w) @ seen / (2 * self.n))])

    def potential(self, unknowns: Array, z: complex) -> Potential:
        """Return F and sum s^2 / (s^2 + z)."""
        w, v = np.split(np.exp(unknowns), 2)
        p = self.nodes[1]
        squares, volume = self._squares(w, v), p / self.density
        held = self.c / (4 * math.pi)
        value = held * volume @ np.log1p(squares / z) @ volume
        share = squares / (squares + z)
        effective = held * volume @ share @ volume
        for size, weight, log in zip((self.m, self.n), (w, v), np.split(unknowns, 2), strict=True):
            value += size * np.sum(p * (weight - 1 - log))
        return Potential(complex(value), complex(effective))

    def _squares(self, w: Array, v: Array) -> Array:
        return 2 * math.pi / self.c * np.outer(self.density * w, self.density * v)
