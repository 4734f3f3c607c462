"""Products of functions of all coordinates, split by what swapping two alike coordinates does to them.

Alike coordinates of one parity are taken two by two. The operator does not change when two are swapped, so products
that keep their sign then and products that change it have no value between them: each pair halves a matrix. Sectors
that differ only in which pairs change their sign are alike.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from rankkit.factors import Array
from rankkit.law.waves.bases import Coordinate

__all__ = ["Factor", "Products", "sectors"]

placed: Any = np.searchsorted  # its overloads leave the type open

BLOCK = 2**22  # numbers formed at a time


@dataclass(frozen=True)
class Factor:
    """One coordinate, or two alike ones of one parity.

    Attributes
    ----------
    columns : tuple of int
        Which coordinates.
    parity : int
        0 or 1.
    sign : int
        Of the product when both are swapped, 1 or -1; of one coordinate 1.
    """

    columns: tuple[int, ...]
    parity: int
    sign: int = 1

    def norms(self, indices: Array) -> Array:
        """Return 1 / sqrt 2 where both functions are the same and else 1, shape (products,)."""
        if len(self.columns) == 1:
            return np.ones(len(indices))
        return np.where(indices[:, 0] == indices[:, 1], math.sqrt(0.5), 1.0)

    def at(self, functions: Sequence[Array], indices: Array) -> Array:
        """Return products at points from the functions of each coordinate, (points, functions) each."""
        if len(self.columns) == 1:
            return functions[0][:, indices[:, 0]]
        first, second = functions
        i, j = indices.T
        swapped = self.sign * first[:, j] * second[:, i]
        return (first[:, i] * second[:, j] + swapped) * (self.norms(indices) / math.sqrt(2))

    def waves(self, wave: Array, indices: Array) -> Array:
        """Return the waves between products from those of one coordinate, (waves, functions, functions)."""
        i = indices[:, 0]
        if len(self.columns) == 1:
            return wave[:, i[:, None], i]
        j, norms = indices[:, 1], self.norms(indices)
        kept = wave[:, i[:, None], i] * wave[:, j[:, None], j]
        swapped = wave[:, i[:, None], j] * wave[:, j[:, None], i]
        return (kept + self.sign * swapped) * np.outer(norms, norms)


def sectors(odd: Sequence[int], times: Sequence[int]) -> Iterator[tuple[tuple[Factor, ...], int]]:
    """Yield the factors of each sector, a pair first where there is one, and how many sectors are alike.

    Sectors that differ in the sign of the first pair alone follow each other.

    Parameters
    ----------
    odd, times : sequences of int
        How many coordinates of each kind are odd, and how many there are.
    """
    pairs: list[list[tuple[tuple[int, ...], int]]] = []
    single: list[Factor] = []
    start = 0
    for few, count in zip(odd, times, strict=True):
        for parity, one, end in ((1, start, start + few), (0, start + few, start + count)):
            pairs.append([((k, k + 1), parity) for k in range(one, end - 1, 2)])
            if (end - one) % 2:
                single.append(Factor((end - 1,), parity))
        start += count
    pairs = [one for one in pairs if one]
    for changed in itertools.product(*(range(len(one) + 1) for one in pairs)):
        # the last pairs of each kind change their sign
        factors = [
            Factor(columns, parity, -1 if k >= len(one) - few else 1)
            for one, few in zip(pairs, changed, strict=True)
            for k, (columns, parity) in enumerate(one)
        ]
        alike = math.prod(math.comb(len(one), few) for one, few in zip(pairs, changed, strict=True))
        yield (*factors, *single), alike


@dataclass(frozen=True, eq=False)
class Products:
    """Sums over waves between products, before the first pair is split by its sign.

    Attributes
    ----------
    factors : tuple of Factor
        All but the first.
    left : int
        Largest sum of indices.
    most : sequence of int
        Functions of each coordinate.
    rest : int array, shape (rest, coordinates - 1)
        Indices of the products of the first pair's second coordinate and of the other factors.
    sums : float array, shape (functions, functions, rest, rest)
        Those between functions of the first coordinate, and between these products.
    """

    factors: tuple[Factor, ...]
    left: int
    most: Sequence[int]
    rest: Array
    sums: Array

    @classmethod
    def of(
        cls, coordinates: Sequence[Coordinate], factors: Sequence[Factor], amplitudes: Array, degree: int
    ) -> Products:
        """Return the sums over waves with these amplitudes, of products up to a degree."""
        left = (degree - sum(one.parity * len(one.columns) for one in factors)) // 2
        parities = {column: one.parity for one in factors for column in one.columns}
        most = [one.rows[parities[column]].shape[1] for column, one in enumerate(coordinates)]
        first = factors[0]
        partner = [Factor((column,), first.parity) for column in first.columns[1:]]
        following = tuple(factors[1:])
        others = [*partner, *following]
        rest = _indices(others, most, left)
        rest = rest[np.argsort(rest.sum(axis=1), kind="stable")]
        wave = coordinates[first.columns[0]].waves[first.parity]
        symmetric = all(one.symmetric for one in coordinates)
        sums = _summed(wave, coordinates, others, rest, amplitudes, left=left, symmetric=symmetric)
        return cls(following, left, most, rest, sums)

    def between(self, first: Factor) -> tuple[Array, Array]:
        """Return the indices of a sector's products, in the order of coordinates, and the matrix between them."""
        factors = (first, *self.factors)
        indices = _indices(factors, self.most, self.left)
        keys = _keys(self.rest, self.left)
        order = np.argsort(keys)
        one, rest = indices[:, 0], order[np.searchsorted(keys[order], _keys(indices[:, 1:], self.left))]
        matrix = self.sums[one[:, None], one, rest[:, None], rest]
        if len(first.columns) > 1:
            other = indices[:, 1]
            swapped = indices[:, 1:].copy()
            swapped[:, 0] = one
            there = order[np.searchsorted(keys[order], _keys(swapped, self.left))]
            matrix = matrix + first.sign * self.sums[one[:, None], other, rest[:, None], there]
            norms = first.norms(indices[:, :2])
            matrix *= np.outer(norms, norms)
        columns = [column for factor in factors for column in factor.columns]
        return indices[:, np.argsort(columns)], matrix


def _keys(indices: Array, left: int) -> Array:
    """Return a number for each product; no index exceeds `left`."""
    powers = np.array([(left + 1) ** k for k in range(indices.shape[1])], dtype=np.int64)
    return indices @ powers


def _indices(factors: Sequence[Factor], most: Sequence[int], left: int) -> Array:
    """Return all products of functions up to a sum of indices, (products, coordinates)."""
    found: Array = np.zeros((int(left >= 0), 0), dtype=np.int64)
    for factor in factors:
        for k, column in enumerate(factor.columns):
            low = found[:, -1] + (factor.sign < 0) if k else np.zeros(len(found), dtype=np.int64)
            many = np.maximum(np.minimum(left - found.sum(axis=1), most[column] - 1) + 1 - low, 0)
            ranks = np.arange(int(np.sum(many))) - np.repeat(np.cumsum(many) - many - low, many)
            found = np.column_stack([np.repeat(found, many, axis=0), ranks])
    return found


def _summed(
    first: Array, coordinates: Sequence[Coordinate], others: Sequence[Factor], rest: Array, amplitudes: Array, *,
    left: int, symmetric: bool,
) -> Array:  # fmt: skip
    """Return sum_k amplitude_k (wave k of the first coordinate) (wave k of the others), as `Products.sums`.

    The products of the others are formed wave by wave; a product of matrices adds up the waves. Products beyond `left`
    are left out: `rest` is sorted by its sums.
    """
    one, many = first.shape[1], len(rest)
    allowed: Array = placed(rest.sum(axis=1), left - np.arange(one), side="right")
    sums = np.zeros((one, one, many, many))
    if many == 0:
        return sums
    ends = np.cumsum([0, *(len(factor.columns) for factor in others)])
    step = max(1, BLOCK // max(many * many, one * one))
    for at in range(0, amplitudes.size, step):
        few = slice(at, at + step)
        formed = np.repeat(amplitudes[few], many * many).reshape(-1, many, many)
        for factor, start, end in zip(others, ends[:-1], ends[1:], strict=True):
            distinct, place = np.unique(rest[:, start:end], axis=0, return_inverse=True)
            place = place.reshape(-1)
            wave = coordinates[factor.columns[0]].waves[factor.parity][few]
            formed *= factor.waves(wave, distinct)[:, place[:, None], place]
        for i, size in enumerate(allowed[allowed > 0].tolist()):
            part = formed[:, :size, :size].reshape(len(formed), -1)
            sums[i, i:, :size, :size] += (first[few, i, i:].T @ part).reshape(-1, size, size)
            if not symmetric:
                sums[i + 1 :, i, :size, :size] += (first[few, i + 1 :, i].T @ part).reshape(-1, size, size)
    if symmetric:
        for i in range(one):
            sums[i + 1 :, i] = np.swapaxes(sums[i, i + 1 :], 1, 2)
    return sums
