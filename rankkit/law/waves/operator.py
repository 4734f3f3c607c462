"""The singular values of phi(b . a) over rows b and columns a, by the parity of each coordinate.

A plane wave is a product over coordinates, and cos and sin of a sum are sums of products of cosines and sines with an
even and an odd number of sines. So phi(b . a) splits by which coordinates are odd, and each pattern is a matrix
between products of functions of one coordinate, of a total degree up to a largest one (Galerkin's method). Values that
change with that degree are bounds from below.
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
BLOCK = 2**22  # numbers formed at a time


@dataclass(frozen=True, eq=False)
class Pattern:
    """The operator between functions of rows and of columns of one pattern of parities.

    Attributes
    ----------
    many : float
        How many patterns are alike, which differ in the order of columns that are alike.
    parities : tuple of int
        0 or 1 for each coordinate.
    indices : int array, shape (functions, r)
        Which function of each coordinate a product has.
    left, right : float arrays, shape (functions, functions)
        Singular functions in these products.
    values : float array, shape (functions,)
        Singular values, descending.
    """

    many: float
    parities: tuple[int, ...]
    indices: Array
    left: Array
    right: Array
    values: Array


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
        parities = tuple(int(k < few) for few, count in zip(odd, times, strict=True) for k in range(count))
        indices = _indices(parities, [one.rows for one in coordinates], degree)
        if len(indices) == 0:
            continue
        many = math.prod(math.comb(count, few) for few, count in zip(odd, times, strict=True))
        matrix = _matrix(coordinates, parities, indices, amplitudes)
        patterns.append(_pattern(float(many), parities, indices, matrix, symmetric))
        total = 2 * indices.sum(axis=1) + sum(parities)
        for inner, largest in zip(fewer, degrees[1:], strict=True):
            few = total <= largest
            inner.append((_singular_values(matrix[np.ix_(few, few)], symmetric), float(many)))
    staircases = [_joined(parts) for parts in ([(one.values, one.many) for one in patterns], *fewer)]
    energies = [float(np.sum(many * values**2)) for values, many in staircases]
    moved = 1 - float(staircases[1][0][0] / staircases[0][0][0])
    return Operator(coordinates, patterns, _trusted(staircases, degrees), energies[0] - energies[1], moved, degree)


def _indices(parities: Sequence[int], functions: Sequence[tuple[Array, Array]], degree: int) -> Array:
    """Return all products of functions up to a total degree, (products, r)."""
    left = (degree - sum(parities)) // 2
    found: Array = np.zeros((int(left >= 0), 0), dtype=np.int64)
    for parity, both in zip(parities, functions, strict=True):
        most = np.minimum(left - found.sum(axis=1), both[parity].shape[1] - 1) + 1
        ranks = np.arange(int(np.sum(most))) - np.repeat(np.cumsum(most) - most, most)
        found = np.column_stack([np.repeat(found, most, axis=0), ranks])
    return found


def _matrix(coordinates: Sequence[Coordinate], parities: Sequence[int], indices: Array, amplitudes: Array) -> Array:
    """Return sum_k amplitude_k prod_j (wave k of coordinate j) between products, (products, products).

    The products of all coordinates but the first are formed wave by wave; a product of matrices adds up the waves.
    """
    others, place = np.unique(indices[:, 1:], axis=0, return_inverse=True)
    first = coordinates[0].waves[parities[0]]
    one, rest = first.shape[1], len(others)
    whole = np.zeros((one * one, rest * rest))
    step = max(1, BLOCK // max(rest * rest, one * one))
    for at in range(0, amplitudes.size, step):
        few = slice(at, at + step)
        formed = np.repeat(amplitudes[few], rest * rest).reshape(-1, rest, rest)
        for j in range(1, len(parities)):
            wave = coordinates[j].waves[parities[j]][few]
            formed *= wave[:, others[:, j - 1][:, None], others[:, j - 1]]
        whole += first[few].reshape(len(formed), -1).T @ formed.reshape(len(formed), -1)
    place = place.reshape(-1)
    return whole.reshape(one, one, rest, rest)[
        indices[:, 0][:, None], indices[:, 0][None, :], place[:, None], place[None, :]
    ]


def _singular_values(matrix: Array, symmetric: bool) -> Array:
    return np.abs(np.linalg.eigvalsh(matrix)) if symmetric else np.linalg.svd(matrix, compute_uv=False)


def _pattern(many: float, parities: tuple[int, ...], indices: Array, matrix: Array, symmetric: bool) -> Pattern:
    if not symmetric:
        left, values, right = svd_of(matrix)
        return Pattern(many, parities, indices, left, right.T, values)
    values, vectors = eigh_of((matrix + matrix.T) / 2)
    order = np.argsort(-np.abs(values), kind="stable")
    values, vectors = values[order], vectors[:, order]
    return Pattern(many, parities, indices, vectors, vectors * np.sign(values), np.abs(values))


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
