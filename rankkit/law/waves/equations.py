"""The equations of self_consistent.py at points: weights of rows and columns that depend on their place alone.

Every pattern of parities is an operator of its own, between few functions that are known at the points. Functions whose
values are not known one by one are spread over the rows like the last that are.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from rankkit.factors import Array
from rankkit.law.finite.crossings import crossing_term
from rankkit.law.finite.self_consistent import APART, Potential, within_sector
from rankkit.law.waves.points import Part, Points

__all__ = ["AtPoints", "Tail"]

# their overloads leave the types open
solution_of: Callable[..., Array] = np.linalg.solve
inverse_of: Callable[..., Array] = np.linalg.inv
eigenvalues_of: Callable[..., Array] = np.linalg.eigvals


@dataclass(frozen=True, eq=False)
class Tail:
    """Functions that are not known one by one, all spread alike over rows and over columns.

    Attributes
    ----------
    squares, many : float arrays, shape (steps,)
        lambda^2 and how many there are of each.
    rest : float
        sum lambda^2 of values so small that they only add up.
    rows, columns : float arrays, shape (places,)
        The square of a function at each place; their means are one.
    """

    squares: Array
    many: Array
    rest: float
    rows: Array
    columns: Array

    def shares(self, weight: complex, z: complex) -> tuple[complex, complex, complex]:
        """Return the sums of s^2 / (s^2 + z), of its square and of log(1 + s^2 / z), s^2 = lambda^2 weight."""
        scaled = self.squares * weight / z
        share, rest = scaled / (1 + scaled), self.rest * weight / z
        total = complex(np.sum(self.many * share)) + rest
        return total, complex(np.sum(self.many * share**2)), complex(np.sum(self.many * np.log1p(scaled))) + rest


@dataclass(frozen=True, eq=False)
class AtPoints:
    """The equations of phi(B A) / sqrt(m n); the unknowns are log w at the places, then log v where it differs.

    Attributes
    ----------
    m, n, r : int
        No fewer rows than columns.
    points : Points
        Of rows and of columns.
    parts : sequence of Part
    tail : Tail
        What the parts leave out.
    """

    m: int
    n: int
    r: int
    points: Points
    parts: Sequence[Part]
    tail: Tail

    @property
    def limit(self) -> int:
        """min(m, n)."""
        return min(self.m, self.n)

    @cached_property
    def sizes(self) -> tuple[int, ...]:
        """Rows and columns; one number where the equations do not tell them apart."""
        alike = self.m == self.n and all(part.U is part.V for part in self.parts)
        return (self.m,) if alike else (self.m, self.n)

    @property
    def places(self) -> Array:
        """The places of rows, then those of columns."""
        return np.concatenate([self.points.where + APART * side for side in range(len(self.sizes))])

    @cached_property
    def mass(self) -> Array:
        """The probability of each place, shared by rows and columns."""
        return np.tile(self.points.mass, len(self.sizes)) / len(self.sizes)

    def inside(self, unknowns: Array, z: complex) -> Array:
        """Return the nearest unknowns at which the solution may lie."""
        return within_sector(unknowns, z)

    def start(self, z: complex) -> Array:
        """Return log w = log v = 0, where all values are far below z."""
        return np.zeros(self.mass.size, dtype=np.complex128)

    def improve(self, unknowns: Array, z: complex) -> Array:
        """Return log w and log v from the leverages that they imply."""
        weights = np.split(np.exp(unknowns), len(self.sizes))
        found = self._of_tail(weights, self._seen_tail(weights, z)[0])
        for part in self.parts:
            B, C = self._seen(part, weights)
            M = B @ C + z * np.eye(part.x.size)
            found[0] += part.averaged_square(part.U, part.many * solution_of(M.T, C))
            if len(found) > 1:
                found[1] += part.averaged_square(part.V, part.many * _scaled(solution_of(M, B), part.x))
        return -np.concatenate([np.log1p(here / size) for here, size in zip(found, self.sizes, strict=True)])

    def potential(self, unknowns: Array, z: complex) -> Potential:
        """Return F, sum s^2 / (s^2 + z) and the term of crossings."""
        logs = np.split(unknowns, len(self.sizes))
        weights = [np.exp(log) for log in logs]
        effective, second, value = self._seen_tail(weights, z)
        squares = self._of_tail(weights, second)
        for part in self.parts:
            B, C = self._seen(part, weights)
            M = B @ C
            values = eigenvalues_of(M)
            value += part.many * np.sum(np.log1p(values / z))
            effective += part.many * np.sum(values / (values + z))
            inverse = inverse_of(M + z * np.eye(part.x.size))
            # M / (M + z) = 1 - z / (M + z)
            once = C @ inverse
            squares[0] += part.averaged_square(part.U, part.many * (once - z * (once @ inverse)))
            if len(squares) > 1:
                once = inverse @ B
                squares[1] += part.averaged_square(part.V, part.many * _scaled(once - z * (inverse @ once), part.x))
        crossings, p = 0j, self.points.mass
        sides = 2 // len(self.sizes)
        for size, weight, log, square in zip(self.sizes, weights, logs, squares, strict=True):
            value += sides * size * np.sum(p * (weight - 1 - log))
            share = square / (size * (1 / weight - 1))
            crossings += sides * crossing_term(size, p, share, 1 - weight, self.r)
        return Potential(complex(value), complex(effective), crossings)

    def _seen_tail(self, weights: Sequence[Array], z: complex) -> tuple[complex, complex, complex]:
        seen = self._tail_weights(weights)
        return self.tail.shares(seen[0] * seen[-1], z)

    def _of_tail(self, weights: Sequence[Array], share: complex) -> list[Array]:
        """Return what each row and each column has of a share of the tail, over its weight."""
        sides = zip((self.tail.rows, self.tail.columns), self._tail_weights(weights), strict=False)
        return [share / weight * spread for spread, weight in sides]

    def _tail_weights(self, weights: Sequence[Array]) -> list[complex]:
        """Return the mean weights that functions of the tail see on each side."""
        sides = self.tail.rows, self.tail.columns
        return [complex((self.points.mass * spread) @ weight) for spread, weight in zip(sides, weights, strict=False)]

    def _seen(self, part: Part, weights: Sequence[Array]) -> tuple[Array, Array]:
        """Return B = U^T w U and C = x V^T v V x, means over the points."""
        B = part.gram(part.U, weights[0])
        middle = B if part.V is part.U and len(weights) == 1 else part.gram(part.V, weights[-1])
        return B, _scaled(middle, part.x)


def _scaled(middle: Array, x: Array) -> Array:
    return x[:, None] * middle * x
