"""The equations with equal weights of all rows and of all columns: those of independent features.

With w and v constant, y = z / (w v) and N(y) = sum lambda^2 / (lambda^2 + y), they read w = 1 - N / m and
v = 1 - N / n: z = y (1 - N / m) (1 - N / n) (Silverstein and Choi 1995).
They serve where the operator has so many values that
no row is nearer to another than any other: far beyond the frequency that fills the matrix.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from rankkit.factors import Array
from rankkit.law.finite.crossings import crossing_term
from rankkit.law.finite.self_consistent import Potential, within_sector
from rankkit.law.limit.staircase import Staircase

__all__ = ["Independent", "filled_at"]

HALVINGS = 34  # of the range of log y, to 1e-8


@dataclass(frozen=True, eq=False)
class Independent:
    """A staircase sampled at m rows and n columns; the unknowns are log w and log v.

    Attributes
    ----------
    m, n, r : int
    squares, many : float arrays, shape (steps,)
        lambda^2 and how many there are of each.
    rest : float
        sum lambda^2 of values so small that they only add up.
    """

    m: int
    n: int
    r: int
    squares: Array
    many: Array
    rest: float

    @classmethod
    def of(cls, law: Staircase, m: int, n: int, r: int) -> Independent:
        """Return the equations of a staircase."""
        return cls(m, n, r, law.values**2, law.counts, law.tail)

    @property
    def limit(self) -> int:
        """min(m, n)."""
        return min(self.m, self.n)

    @property
    def mass(self) -> Array:
        """One half for each unknown."""
        return np.full(2, 0.5)

    @property
    def places(self) -> Array:
        """Any two."""
        return np.arange(2.0)

    def inside(self, unknowns: Array, z: complex) -> Array:
        """Return the nearest unknowns at which the solution may lie."""
        return within_sector(unknowns, z)

    def start(self, z: complex) -> Array:
        """Return log w = log v = 0, where all values are far below z."""
        return np.zeros(2, dtype=np.complex128)

    def improve(self, unknowns: Array, z: complex) -> Array:
        """Return log w and log v from N(z / (w v))."""
        total = self._shares(unknowns, z)[1]
        return unknowns - np.log(np.exp(unknowns) + total / np.array([self.m, self.n]))

    def potential(self, unknowns: Array, z: complex) -> Potential:
        """Return F and sum s^2 / (s^2 + z)."""
        share, total = self._shares(unknowns, z)
        value = total - np.sum(self.many * (share + np.log1p(-share)))
        value += np.sum(np.array([self.m, self.n]) * (np.exp(unknowns) - 1 - unknowns))
        mean_share = complex(np.sum(self.many * share**2) / total)
        used = 1 - np.exp(unknowns)
        crossings = sum(
            crossing_term(size, np.ones(1), mean_share, U, self.r)
            for size, U in zip((self.m, self.n), used[:, None], strict=True)
        )
        return Potential(complex(value), complex(total), crossings)

    def _shares(self, unknowns: Array, z: complex) -> tuple[Array, complex]:
        y = z / np.exp(np.sum(unknowns))
        share = self.squares / (self.squares + y)
        return share, complex(np.sum(self.many * share) + self.rest / y)


def filled_at(law: Staircase, size: int) -> float:
    """Return y with N(y) = size, the least scale at which a matrix of that size can see the staircase; 0 if none."""
    squares = law.values**2
    high, low = float(np.log(squares[0] + law.energy)) + 2.0, float(np.log(squares[0])) - 100.0
    for _ in range(HALVINGS):
        middle = 0.5 * (low + high)
        y = np.exp(middle)
        full = np.sum(law.counts * squares / (squares + y)) + law.tail / y > size
        low, high = (middle, high) if full else (low, middle)
    return float(np.exp(low))
