"""The equations for Gaussian entries and any phi: one radial problem a degree of the spherical harmonics.

The law of b and a is rotation invariant and phi(b . a) depends on the angle between them alone, so that the operator
splits by degree l (Funk and Hecke), each part with the multiplicity of the harmonics of degree l in r dimensions, and
the weights w and v depend on the lengths |b| and |a| alone. Each part is kept as U x U^T, its singular functions at
the nodes of a quadrature in the length. What the parts leave out is counted in cells of phase space.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from rankkit.factors import Array
from rankkit.law.phase_space import Cells, crossings_of
from rankkit.law.self_consistent import APART, Potential, within_sector

__all__ = ["Part", "Radial", "harmonics"]

# their overloads leave the type open
solution_of: Callable[..., Array] = np.linalg.solve
inverse_of: Callable[..., Array] = np.linalg.inv
eigenvalues_of: Callable[..., Array] = np.linalg.eigvals


@dataclass(frozen=True, eq=False)
class Part:
    """The operator on one degree: sum_k x_k U_k(|b|) U_k(|a|), symmetric because phi sees |b| |a| alone.

    Attributes
    ----------
    multiplicity : float
        How many harmonics have the degree.
    U : float array, shape (at most nodes, k)
        Singular functions at the shorter lengths, orthonormal under the law of the length; zero at the others.
    x : float array, shape (k,)
        Singular values with their signs.
    """

    multiplicity: float
    U: Array
    x: Array

    def seen(self, weights: Sequence[Array]) -> tuple[Array, Array]:
        """Return B = U^T w U and C = x U^T v U x, of weights times probabilities (nodes,) of rows and of columns."""
        grams = [self._gram(weight) for weight in weights]
        return grams[0], self._scaled(grams[-1])

    def diagonal(self, middle: Array) -> Array:
        """Return multiplicity times the diagonal of U middle U^T, at the lengths of U."""
        both = np.concatenate([middle.real, middle.imag], axis=1)
        found = np.einsum("gck,gk->cg", (self.U @ both).reshape(len(self.U), 2, -1), self.multiplicity * self.U)
        return found[0] + 1j * found[1]

    def scaled_diagonal(self, middle: Array) -> Array:
        """Return multiplicity times the diagonal of U x middle x U^T."""
        return self.diagonal(self._scaled(middle))

    def _gram(self, weights: Array) -> Array:
        both = np.stack([weights.real, weights.imag])[:, None, : len(self.U)]
        gram = ((both * self.U.T).reshape(-1, len(self.U)) @ self.U).reshape(2, self.x.size, -1)
        return gram[0] + 1j * gram[1]

    def _scaled(self, middle: Array) -> Array:
        return self.x[:, None] * middle * self.x


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
    """

    m: int
    n: int
    r: int
    rho: Array
    p: Array
    parts: Sequence[Part]
    beyond: Cells

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

    def improve(self, unknowns: Array, z: complex) -> Array:
        """Return log w and log v from the leverages that they imply."""
        weights = np.split(np.exp(unknowns), len(self.sizes))
        found = [here / self.p for here in self.beyond.leverages(weights[0], weights[-1], z)][: len(weights)]
        for part in self.parts:
            B, C = part.seen([self.p * weight for weight in weights])
            M = B @ C + z * np.eye(part.x.size)
            found[0][: len(part.U)] += part.diagonal(solution_of(M.T, C))
            if len(found) > 1:
                found[1][: len(part.U)] += part.scaled_diagonal(solution_of(M, B))
        return -np.concatenate([np.log1p(here / size) for here, size in zip(found, self.sizes, strict=True)])

    def potential(self, unknowns: Array, z: complex) -> Potential:
        """Return F and sum s^2 / (s^2 + z)."""
        logs = np.split(unknowns, len(self.sizes))
        weights = [np.exp(log) for log in logs]
        value, effective = self.beyond.potential(weights[0], weights[-1], z)
        squares = [here / self.p for here in self.beyond.second(weights[0], weights[-1], z)][: len(weights)]
        for part in self.parts:
            B, C = part.seen([self.p * weight for weight in weights])
            M = B @ C
            values = eigenvalues_of(M)
            value += part.multiplicity * np.sum(np.log1p(values / z))
            effective += part.multiplicity * np.sum(values / (values + z))
            inverse = inverse_of(M + z * np.eye(part.x.size))
            # M / (M + z) = 1 - z / (M + z)
            once = C @ inverse
            squares[0][: len(part.U)] += part.diagonal(once - z * (once @ inverse))
            if len(squares) > 1:
                once = inverse @ B
                squares[1][: len(part.U)] += part.scaled_diagonal(once - z * (inverse @ once))
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
