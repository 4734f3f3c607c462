"""The parts of a rotation invariant operator, degree by degree, and the linear algebra that their equations need.

Each degree is kept as U x U^T, its singular functions at the nodes of a quadrature in the length. Parts of about the
same size are stacked: numpy then runs through all of them in one call.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from rankkit.factors import Array

__all__ = ["Part", "Seen", "Stack", "stacked"]

# their overloads leave the type open
solution_of: Callable[..., Array] = np.linalg.solve
inverse_of: Callable[..., Array] = np.linalg.inv
eigenvalues_of: Callable[..., Array] = np.linalg.eigvals
sums_of: Callable[..., Array] = np.einsum

# parts are stacked whose sizes differ by less than SHARE of the largest and FEW, while all functions together are no
# more than CACHED numbers, which stay in the processor's cache
SHARE, FEW, CACHED = 0.2, 8, 8000


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


class Seen(NamedTuple):
    """What weights w of rows and v of columns make of the parts of a stack, each (parts, k, k).

    Attributes
    ----------
    B, C, M : complex arrays
        U^T w U, x U^T v U x, and their product.
    """

    B: Array
    C: Array
    M: Array


@dataclass(frozen=True, eq=False)
class Stack:
    """Parts of about the same size; the smaller ones are filled up with functions that are zero.

    Attributes
    ----------
    multiplicity : float array, shape (parts,)
    U : float array, shape (parts, nodes, k)
    x : float array, shape (parts, k)
    """

    multiplicity: Array
    U: Array
    x: Array

    @property
    def nodes(self) -> int:
        """How many of the shorter lengths the functions reach."""
        return self.U.shape[1]

    def seen(self, weights: Sequence[Array]) -> Seen:
        """Return what there is of weights times probabilities (nodes,) of rows and of columns, or one for both."""
        grams = [self._gram(weight) for weight in weights]
        C = self._scaled(grams[-1])
        return Seen(grams[0], C, grams[0] @ C)

    def rows(self, seen: Seen, z: complex) -> Array:
        """Return sum s^2 / (s^2 + z) / w over the functions at each length of a row, (nodes,)."""
        return self._diagonal(solution_of(np.swapaxes(_plus(seen.M, z), 1, 2), seen.C))

    def columns(self, seen: Seen, z: complex) -> Array:
        """Return sum s^2 / (s^2 + z) / v over the functions at each length of a column, (nodes,)."""
        return self._diagonal(self._scaled(solution_of(_plus(seen.M, z), seen.B)))

    def potential(self, seen: Seen, z: complex) -> tuple[complex, complex]:
        """Return sum log(1 + s^2 / z) and sum s^2 / (s^2 + z) over all functions."""
        values = eigenvalues_of(seen.M)
        shares = np.sum(np.log1p(values / z), axis=1), np.sum(values / (values + z), axis=1)
        return complex(self.multiplicity @ shares[0]), complex(self.multiplicity @ shares[1])

    def squares(self, seen: Seen, z: complex, *, columns: bool) -> list[Array]:
        """Return `rows`, and `columns` where they are asked for, with (s^2 / (s^2 + z))^2."""
        inverse = inverse_of(_plus(seen.M, z))
        # M / (M + z) = 1 - z / (M + z)
        once = seen.C @ inverse
        found = [self._diagonal(once - z * (once @ inverse))]
        if columns:
            once = inverse @ seen.B
            found.append(self._diagonal(self._scaled(once - z * (inverse @ once))))
        return found

    def _diagonal(self, middle: Array) -> Array:
        both = np.concatenate([middle.real, middle.imag], axis=2)
        product = (self.U @ both).reshape(*self.U.shape[:2], 2, -1)
        found = sums_of("pgck,pgk->cg", product, self.multiplicity[:, None, None] * self.U)
        return found[0] + 1j * found[1]

    def _gram(self, weights: Array) -> Array:
        turned = np.swapaxes(self.U, 1, 2)
        weights = weights[: self.nodes]
        return (turned * weights.real) @ self.U + 1j * ((turned * weights.imag) @ self.U)

    def _scaled(self, middle: Array) -> Array:
        return self.x[:, :, None] * middle * self.x[:, None, :]


def stacked(parts: Sequence[Part]) -> list[Stack]:
    """Return the parts, those of about the same size together."""
    left = sorted(parts, key=lambda part: -part.x.size)
    found: list[Stack] = []
    while left:
        largest = left[0].x.size
        together = [part for part in left if part.x.size >= (1 - SHARE) * largest - FEW]
        nodes = max(len(part.U) for part in together)
        together = together[: max(1, CACHED // (nodes * largest))]
        left = left[len(together) :]
        U, x = np.zeros((len(together), nodes, largest)), np.zeros((len(together), largest))
        for k, part in enumerate(together):
            U[k, : len(part.U), : part.x.size] = part.U
            x[k, : part.x.size] = part.x
        found.append(Stack(np.array([part.multiplicity for part in together]), U, x))
    return found


def _plus(matrices: Array, z: complex) -> Array:
    """Return matrices (parts, k, k) plus z times the identity."""
    found = matrices.copy()
    found.reshape(len(found), -1)[:, :: found.shape[2] + 1] += z
    return found
