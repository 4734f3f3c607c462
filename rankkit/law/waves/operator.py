"""The singular values of phi(b . a) over rows b and columns a, by the parity of each coordinate.

A plane wave is a product over coordinates, and cos and sin of a sum are sums of products of cosines and sines with an
even and an odd number of sines. So phi(b . a) splits by which coordinates are odd, and by what swapping two alike ones
does (pairs.py). Each pattern is a matrix between products of functions of one coordinate, of a total degree up to a
largest one (Galerkin's method). Values that change with that degree are bounds from below.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from rankkit.factors import Array
from rankkit.law.waves.bases import Coordinate
from rankkit.law.waves.pairs import Factor, Products, sectors
from rankkit.law.waves.plane_waves import PlaneWaves

__all__ = ["Operator", "Pattern", "operator"]

# their overloads leave the types open
svd_of: Callable[..., tuple[Array, Array, Array]] = np.linalg.svd
eigh_of: Callable[..., tuple[Array, Array]] = np.linalg.eigh

INNER = 0.8  # of the degree: values that so few functions give within AGREED are those of all functions
AGREED, AGREED_VALUES = 0.01, 0.05  # of the effective count above a value, and values
FURTHER = 0.1  # of the value down to which there is evidence
SILENT = 1e-13  # of the largest wave: waves that rounding leaves
FINE = 16  # values of a staircase per factor e at which it is compared


@dataclass(frozen=True, eq=False)
class Pattern:
    """The operator between functions of rows and of columns of one pattern of parities and of one sign of each pair.

    Attributes
    ----------
    many : float
        How many patterns are alike, which differ in the order of coordinates that are alike.
    factors : sequence of Factor
    indices : int array, shape (functions, r)
        Which function of each coordinate a product has; of a pair, the smaller one first.
    matrix : float array, shape (functions, functions)
        Of rows and of columns.
    symmetric : bool
        Whether both have the same functions.
    """

    many: float
    factors: Sequence[Factor]
    indices: Array
    matrix: Array
    symmetric: bool

    @cached_property
    def values(self) -> Array:
        """Singular values, descending, shape (functions,)."""
        return np.sort(_singular_values(self.matrix, self.symmetric))[::-1]

    @cached_property
    def vectors(self) -> tuple[Array, Array, Array]:
        """Singular functions in these products, of rows and of columns, and values, with signs where these are one."""
        if not self.symmetric:
            left, values, right = svd_of(self.matrix)
            return left, right.T, values
        values, vectors = eigh_of((self.matrix + self.matrix.T) / 2)
        order = np.argsort(-np.abs(values), kind="stable")
        return vectors[:, order], vectors[:, order], values[order]


@dataclass(frozen=True, eq=False)
class Operator:
    """phi(b . a), as far as it is known.

    Attributes
    ----------
    coordinates : sequence of Coordinate
        One for each of the r coordinates; those that are alike are one object.
    patterns : sequence of Pattern
    trusted : float
        Smallest value that would not change with the degree.
    gained : float
        sum lambda^2 that the last degrees have added.
    moved : float
        By what share they have changed the largest value.
    degree : int
        Total degree of the products.
    """

    coordinates: Sequence[Coordinate]
    patterns: Sequence[Pattern]
    trusted: float
    gained: float
    moved: float
    degree: int

    @cached_property
    def staircase(self) -> tuple[Array, Array]:
        """The values, descending, and how often each occurs."""
        return _joined([(pattern.values, pattern.many) for pattern in self.patterns])

    @property
    def top(self) -> float:
        """The largest value, trusted or not."""
        return max(float(pattern.values[0]) for pattern in self.patterns)

    @property
    def symmetric(self) -> bool:
        """Whether rows and columns have the same functions."""
        return all(one.symmetric for one in self.coordinates)


def operator(kinds: Sequence[Coordinate], times: Sequence[int], waves: PlaneWaves, degree: int) -> Operator:
    """Return the operator of plane waves between products up to a degree.

    Parameters
    ----------
    kinds : sequence of Coordinate
        With these waves, and at least degree / 2 + 1 functions of each parity.
    times : sequence of int
        How many coordinates are of each kind.
    waves : PlaneWaves
    degree : int
        Of each coordinate and in total: function k of an even coordinate has the degree 2 k, of an odd one 2 k + 1.
    """
    alike = [kind.leading(degree // 2 + 1) for kind in kinds]
    coordinates = [one for one, count in zip(alike, times, strict=True) for _ in range(count)]
    symmetric = all(one.symmetric for one in alike)
    patterns: list[Pattern] = []
    fewer: list[list[tuple[Array, float]]] = [[], []]
    degrees = [degree, min(int(INNER * degree), degree - 2), min(int(INNER * INNER * degree), degree - 4)]
    for odd in itertools.product(*(range(count + 1) for count in times)):
        amplitudes = (waves.sines if sum(odd) % 2 else waves.cosines) * (-1.0) ** (sum(odd) // 2)
        if np.max(np.abs(amplitudes)) <= SILENT * np.max(waves.sizes):
            continue
        orders = math.prod(math.comb(count, few) for few, count in zip(odd, times, strict=True))
        tables: dict[tuple[Factor, ...], Products] = {}
        for factors, signs in sectors(odd, times):
            products = tables.get(factors[1:])
            if products is None:
                tables[factors[1:]] = products = Products.of(coordinates, factors, amplitudes, degree)
            indices, matrix = products.between(factors[0])
            if len(indices) == 0:
                continue
            many = float(orders * signs)
            patterns.append(Pattern(many, factors, indices, matrix, symmetric))
            total = 2 * indices.sum(axis=1) + sum(odd)
            for inner, largest in zip(fewer, degrees[1:], strict=True):
                few = total <= largest
                inner.append((_singular_values(matrix[np.ix_(few, few)], symmetric), many))
    staircases = [_joined(parts) for parts in ([(one.values, one.many) for one in patterns], *fewer)]
    energies = [float(np.sum(many * values**2)) for values, many in staircases]
    moved = 1 - float(staircases[1][0][0] / staircases[0][0][0])
    return Operator(coordinates, patterns, _trusted(staircases, degrees), energies[0] - energies[1], moved, degree)


def _singular_values(matrix: Array, symmetric: bool) -> Array:
    if matrix.size == 0:
        return np.zeros(0)
    return np.abs(np.linalg.eigvalsh(matrix)) if symmetric else np.linalg.svd(matrix, compute_uv=False)


def _joined(parts: Sequence[tuple[Array, float]]) -> tuple[Array, Array]:
    values = np.concatenate([one for one, _ in parts])
    many = np.concatenate([np.full(one.size, often) for one, often in parts])
    order = np.argsort(-values, kind="stable")
    return values[order], many[order]


def _trusted(staircases: Sequence[tuple[Array, Array]], degrees: Sequence[int]) -> float:
    """Return the value down to which products of the largest degree are to be trusted.

    How far down those of smaller degrees agree with it falls with the degree; the same power of the degree is taken to
    go on, by no more than FURTHER.
    """
    whole, inner, innermost = staircases
    agreed = _agreed(whole, inner)
    if degrees[2] < 1:
        return agreed
    further = math.log(degrees[0] / degrees[1]) / math.log(degrees[1] / degrees[2])
    fell = min(agreed / _agreed(whole, innermost), 1.0) ** further
    return max(agreed * max(fell, FURTHER), float(whole[0][-1]))


def _agreed(all_functions: tuple[Array, Array], fewer: tuple[Array, Array]) -> float:
    """Return the least value down to which both staircases have the same effective counts."""
    top = float(all_functions[0][0])
    for y in (top * np.exp(-np.arange(0, 40 * FINE) / FINE)).tolist():
        here, there = (float(np.sum(many * values**2 / (values**2 + y**2))) for values, many in (all_functions, fewer))
        if abs(here - there) > AGREED * here + AGREED_VALUES:
            return y
        if y < all_functions[0][-1]:
            break
    return float(max(all_functions[0][-1], 1e-15 * top))
