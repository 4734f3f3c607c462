"""The equations for Gaussian entries and any phi: one radial problem a degree of the spherical harmonics.

The law of b and a is rotation invariant and phi(b . a) depends on the angle between them alone, so that the operator
splits by degree l (Funk and Hecke), each part with the multiplicity of the harmonics of degree l in r dimensions, and
the weights w and v depend on the lengths |b| and |a| alone. What the parts leave out is counted in cells of phase
space.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from rankkit.factors import Array
from rankkit.law.finite.parts import Part, Stack, stacked
from rankkit.law.finite.phase_space import Cells, crossings_of
from rankkit.law.finite.self_consistent import APART, Potential, within_sector

__all__ = ["Radial", "harmonics"]


@dataclass(frozen=True, eq=False)
class Radial:
    """The equations of phi(B A) / sqrt(m n) with Gaussian entries; the unknowns are log w, then log v, at the nodes.

    Attributes
    ----------
    m, n, r : int
    rho, p : float arrays, shape (nodes,)
        Lengths and their probabilities.
    parts : sequence of Part
    beyond : Cells
        What the parts leave out.
    draft : Radial, optional
        The same with fewer parts, from which the weights are solved; F, which is stationary in them, has all parts.
    """

    m: int
    n: int
    r: int
    rho: Array
    p: Array
    parts: Sequence[Part]
    beyond: Cells
    draft: Radial | None = None

    @property
    def limit(self) -> int:
        """min(m, n)."""
        return min(self.m, self.n)

    @property
    def sizes(self) -> tuple[int, ...]:
        """Rows and columns; in a square matrix, whose equations do not tell them apart, one number for both."""
        return (self.m,) if self.m == self.n else (self.m, self.n)

    @property
    def places(self) -> Array:
        """The lengths of rows, then those of columns."""
        return np.concatenate([self.rho + APART * side for side in range(len(self.sizes))])

    @cached_property
    def mass(self) -> Array:
        """The probability of each node, shared by rows and columns."""
        return np.tile(self.p, len(self.sizes)) / len(self.sizes)

    def inside(self, unknowns: Array, z: complex) -> Array:
        """Return the nearest unknowns at which the solution may lie."""
        return within_sector(unknowns, z)

    def start(self, z: complex) -> Array:
        """Return log w = log v = 0, where all values are far below z."""
        return np.zeros(self.mass.size, dtype=np.complex128)

    @cached_property
    def stacks(self) -> list[Stack]:
        """The parts, those of about the same size together."""
        return stacked(self.parts)

    def improve(self, unknowns: Array, z: complex) -> Array:
        """Return log w and log v from the leverages that they imply."""
        if self.draft is not None:
            return self.draft.improve(unknowns, z)
        weights = np.split(np.exp(unknowns), len(self.sizes))
        found = [here / self.p for here in self.beyond.leverages(weights[0], weights[-1], z)][: len(weights)]
        for stack in self.stacks:
            seen = stack.seen([self.p * weight for weight in weights])
            found[0][: stack.nodes] += stack.rows(seen, z)
            if len(found) > 1:
                found[1][: stack.nodes] += stack.columns(seen, z)
        return -np.concatenate([np.log1p(here / size) for here, size in zip(found, self.sizes, strict=True)])

    def potential(self, unknowns: Array, z: complex) -> Potential:
        """Return F and sum s^2 / (s^2 + z)."""
        logs = np.split(unknowns, len(self.sizes))
        weights = [np.exp(log) for log in logs]
        value, effective = self.beyond.potential(weights[0], weights[-1], z)
        squares = [here / self.p for here in self.beyond.second(weights[0], weights[-1], z)][: len(weights)]
        for stack in self.stacks:
            seen = stack.seen([self.p * weight for weight in weights])
            logs_of_one, shares = stack.potential(seen, z)
            value, effective = value + logs_of_one, effective + shares
            for square, more in zip(squares, stack.squares(seen, z, columns=len(weights) > 1), strict=True):
                square[: stack.nodes] += more
        crossings = 0j
        for size, weight, log, square in zip(self.sizes, weights, logs, squares, strict=True):
            sides = 2 // len(self.sizes)
            value += sides * size * np.sum(self.p * (weight - 1 - log))
            crossings += sides * crossings_of(size, self.r, self.p, weight, square)
        return Potential(complex(value), complex(effective), crossings)


def harmonics(r: int, degree: int) -> float:
    """Return how many independent harmonics of a degree there are in r dimensions."""
    if r == 1:
        return 1.0 if degree <= 1 else 0.0
    if degree == 0:
        return 1.0
    log = math.lgamma(degree + r - 2) - math.lgamma(degree + 1) - math.lgamma(r - 1)
    return (2 * degree + r - 2) * math.exp(log)
