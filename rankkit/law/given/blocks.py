"""The largest singular value of sin(omega B A) for given factors, carried from blocks of rows and columns to the whole.

A block of m / h rows and n / h columns has a mean sigma_1^2 / (rows columns) that is linear in h in both limits. Where
one mode stands out it is lambda^2 (1 + M / rows) (1 + M / columns), with M the same for all sizes (edge.py); where the
entries are as good as independent it is the energy of one entry times that of white noise, whose edge is known at every
size. So a straight line in the edge of white noise through blocks of two sizes is followed to the whole matrix.
No law of rows is assumed: rows whose entries are large together, or that lie in one direction, are in the blocks.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from rankkit.factors import Array, Factors, host
from rankkit.law.finite.edge import largest
from rankkit.law.given.measured import one_pair
from rankkit.law.limit.staircase import Staircase

__all__ = ["Blocks", "Part", "Top"]

# their overloads leave the types open
mean_of: Callable[..., float] = np.mean
spread_of: Callable[..., float] = np.std

LARGEST = 512  # root of the entries of a block
GROUPS, FEWEST = 8, 4  # partitions of all rows and columns, at most and at least; their scatter gives the error
ENOUGH = 16  # blocks, where fewer partitions than GROUPS have as many
SIZES = (1, 2, 4)  # of a block's parts: two for the line, the third to see how straight it is
LEAST = 8  # rows of the smallest part
# standard deviations of the mean over groups, and shares of the miss of the line from smaller parts, that the stated
# error adds; chosen on the packaged adapter, and made wider once after 18 other updates (3 held for 94.9 % of them)
SCATTERS, BENT = 4.0, 1.0
FAINT = 1e-6  # value of white noise's modes, so many that they only add up


class Part(NamedTuple):
    """Blocks of m rows and n columns, and their s^2 / (m n), shape (partitions, values), each row descending."""

    m: int
    n: int
    squares: Array


class Top(NamedTuple):
    """E sin^2 of the entries, sigma_1^2 / (m n), and how far that may be off for 95 % of updates, as a share of it.

    parts are the blocks of the first two SIZES.
    """

    energy: float
    square: float
    off: float
    parts: tuple[Part, Part]


@dataclass(frozen=True, eq=False)
class Blocks:
    """How given factors are divided.

    Attributes
    ----------
    factors : Factors
        Numpy arrays.
    parts : int
        h, into how many groups the rows are divided, and the columns.
    """

    factors: Factors
    parts: int

    @classmethod
    def of(cls, factors: object) -> Blocks:
        """Return the division of checked factors.

        Raises
        ------
        TypeError
            If factors are not one pair.
        ValueError
            If they are too small to be divided, or if their product is constant.
        """
        pair = one_pair(factors)
        parts = max(2, math.ceil(math.sqrt(pair.m * pair.n) / LARGEST))
        least = SIZES[-1] * parts * max(LEAST, pair.r)
        if min(pair.m, pair.n) < least:
            raise ValueError(
                f"factors of rank {pair.r} must have at least {least} rows and columns for a prediction from blocks of "
                f"them, got {pair.m} and {pair.n}; measure them: stable_rank(spectrum_of(Sine(omega)(factors)))."
            )
        if float(host(pair.entry_std())) == 0:
            raise ValueError("factors must have a product that is not constant, got standard deviation 0; train them.")
        return cls(Factors(host(pair.B), host(pair.A)).to(dtype="float64"), parts)

    def top(self, omega: float) -> Top:
        """Return what the blocks say of sin(omega B A); the same blocks at every frequency."""
        rng = np.random.default_rng(0)
        groups = max(FEWEST, min(GROUPS, ENOUGH // self.parts))
        energies, spectra = zip(*(self._partition(rng, omega) for _ in range(groups)), strict=True)
        energy = mean_of(energies)
        squares = np.array([[mean_of([part[-1] for part in parts]) for parts in sizes] for sizes in spectra])
        edges = np.array([self._white(size) for size in (1.0 / self.parts, *SIZES)])
        whole: Array = _line(edges[0], edges[1:3], squares[:, :2])
        checked: Array = _line(edges[1], edges[2:], squares[:, 1:]) - squares[:, 0]
        # no matrix has less than the mean of its squares at the top, nor more than all of its energy
        square = min(max(mean_of(whole), energy / min(self.factors.m, self.factors.n)), energy)
        scatter = spread_of(whole, ddof=1) / math.sqrt(groups)
        off = math.hypot(SCATTERS * scatter, BENT * mean_of(checked)) / square
        return Top(energy, square, off, (self._part(spectra, 0), self._part(spectra, 1)))

    def _partition(self, rng: np.random.Generator, omega: float) -> tuple[float, list[list[Array]]]:
        """Return the mean of sin^2, and s^2 / (rows columns) of each block of each of SIZES, of one partition."""
        B, A = self.factors.B, self.factors.A
        rows, columns = rng.permutation(self.factors.m), rng.permutation(self.factors.n)
        energy, spectra = 0.0, [list[Array]() for _ in SIZES]
        for here, there in zip(_cut(rows.size, self.parts), _cut(columns.size, self.parts), strict=True):
            S = np.sin(omega * (B[rows[here]] @ A[:, columns[there]]))
            energy += mean_of(S * S) / self.parts
            for kept, size in zip(spectra, SIZES, strict=True):
                kept += _squares(S, size)
        return energy, spectra

    def _part(self, spectra: Sequence[list[list[Array]]], which: int) -> Part:
        """Return the blocks of one of SIZES."""
        h = self.parts * SIZES[which]
        squares: Array = -np.sort(-np.stack([np.concatenate(sizes[which]) for sizes in spectra]))
        return Part(max(round(self.factors.m / h), 1), max(round(self.factors.n / h), 1), squares)

    def _white(self, size: float) -> float:
        """Return sigma_1^2 / (rows columns) of white noise with as many rows and columns as a part has."""
        h = self.parts * size
        return _white_edge(max(round(self.factors.m / h), 1), max(round(self.factors.n / h), 1))


@lru_cache(maxsize=64)
def _white_edge(rows: int, columns: int) -> float:
    noise = Staircase(np.array([FAINT]), np.array([FAINT**-2]), 1, 1.0, 0.0)
    return largest(noise, rows, columns).value ** 2


def _squares(S: Array, size: int) -> list[Array]:
    """Return s^2 / (rows columns), ascending, of the diagonal parts of a block."""
    found: list[Array] = []
    for here, there in zip(_cut(S.shape[0], size), _cut(S.shape[1], size), strict=True):
        part = S[here, there]
        gram = part @ part.T if part.shape[0] <= part.shape[1] else part.T @ part
        found.append(np.linalg.eigvalsh(gram) / part.size)
    return found


def _cut(size: int, parts: int) -> list[slice]:
    """Return a range of that size in parts of nearly equal sizes."""
    return [slice(size * k // parts, size * (k + 1) // parts) for k in range(parts)]


def _line(at: float, edges: Array, squares: Array) -> Array:
    """Return the straight line through two squares (groups, 2) at two edges, continued to `at`."""
    slope = (squares[:, 1] - squares[:, 0]) / (edges[1] - edges[0])
    return squares[:, 0] + slope * (at - edges[0])
