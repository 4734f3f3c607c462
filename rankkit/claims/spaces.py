"""What one variable of a claim's instances may be: an integer, a real number, a matrix.

Every number is a rational (a float is one), so that whatever the search finds can be proved.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

import numpy as np

__all__ = ["Integer", "Matrix", "Real", "Space"]

GRAIN = 2**40
SIMPLE = (1, 2, 3, 4, 5, 6, 8, 10, 16, 32, 64, 100, 1000)  # denominators a number is tried with, simplest first


class Space(ABC):
    """What one variable of an instance may be."""

    @abstractmethod
    def draw(self, rng: np.random.Generator, sizes: Mapping[str, Any]) -> Any:
        """Return a random value; sizes are the variables drawn before."""

    @abstractmethod
    def corners(self, sizes: Mapping[str, Any]) -> list[Any]:
        """Return the values at which statements like to fail."""

    @abstractmethod
    def simpler(self, value: Any) -> Iterator[Any]:
        """Return an iterator over simpler values near one, simplest first."""

    @abstractmethod
    def contains(self, value: Any, sizes: Mapping[str, Any]) -> bool:
        """Return whether a value is one of them."""

    def between(self, one: Any, other: Any, share: float) -> Any:
        """Return a value that lies so far on the way from one to another."""
        return one

    def moved(self, value: Any, by: Any) -> Any:
        """Return a value moved by a share of the space's width, and put back into it."""
        return value


@dataclass(frozen=True)
class Integer(Space):
    """An integer from `low` to `high`, both included."""

    low: int
    high: int

    def draw(self, rng: np.random.Generator, sizes: Mapping[str, Any]) -> int:
        """Return a uniform one."""
        return int(rng.integers(self.low, self.high + 1))

    def corners(self, sizes: Mapping[str, Any]) -> list[int]:
        """Return both ends."""
        return [self.low] if self.low == self.high else [self.low, self.high]

    def simpler(self, value: int) -> Iterator[int]:
        """Return an iterator over nothing: a size is part of what an instance is."""
        return iter(())

    def contains(self, value: Any, sizes: Mapping[str, Any]) -> bool:
        """Return whether it is an integer within the bounds."""
        return isinstance(value, int) and self.low <= value <= self.high


@dataclass(frozen=True)
class Real(Space):
    """A real number within [low, high], or of either sign with a size within it.

    Parameters
    ----------
    low, high : float
    log : bool
        Drawn evenly on a log axis; low must be positive.
    signed : bool
        The sign is drawn too.
    extra : tuple of float
        Further corners.
    """

    low: float
    high: float
    log: bool = False
    signed: bool = False
    extra: tuple[float, ...] = ()

    def draw(self, rng: np.random.Generator, sizes: Mapping[str, Any]) -> Fraction:
        """Return one, now and then a simple one."""
        if rng.random() < 0.2:
            return Fraction(rng.choice(np.array(self.corners(sizes), dtype=object)))
        value = (
            np.exp(rng.uniform(np.log(self.low), np.log(self.high))) if self.log else rng.uniform(self.low, self.high)
        )
        value = self.exact(min(max(float(value), self.low), self.high))
        return -value if self.signed and rng.random() < 0.5 else value

    def exact(self, value: float) -> Fraction:
        """Return a float as a multiple of 2^-40, if that is in the space: products do not vanish in floats."""
        near = Fraction(round(Fraction(value) * GRAIN), GRAIN)
        return near if self.low <= near <= self.high else Fraction(value)

    def corners(self, sizes: Mapping[str, Any]) -> list[Fraction]:
        """Return both ends, the middle, one and the extra ones."""
        inside = [x for x in (1.0, 0.5, 2.0, *self.extra) if self.low <= x <= self.high]
        return [Fraction(x) for x in dict.fromkeys((self.low, self.high, (self.low + self.high) / 2, *inside))]

    def simpler(self, value: Fraction) -> Iterator[Fraction]:
        """Return an iterator over rationals near it with small denominators, within the bounds."""
        for plain in map(Fraction, (0, 1, -1, 2)):
            if self.contains(plain, {}):
                yield plain
        for denominator in SIMPLE:
            near = Fraction(round(value * denominator), denominator)
            if near != value and self.contains(near, {}):
                yield near

    def contains(self, value: Any, sizes: Mapping[str, Any]) -> bool:
        """Return whether it is a rational within the bounds."""
        return isinstance(value, Fraction) and self.low <= (abs(value) if self.signed else value) <= self.high

    def between(self, one: Fraction, other: Fraction, share: float) -> Fraction:
        """Return one + share * (other - one), nearly."""
        return self.exact(float(one) + share * (float(other) - float(one)))

    def moved(self, value: Fraction, by: float) -> Fraction:
        """Return value + by * (high - low), clipped."""
        new = float(value) + float(by) * (self.high - self.low)
        size = min(max(abs(new) if self.signed else new, self.low), self.high)
        return self.exact(math.copysign(size, new) if self.signed else size)


@dataclass(frozen=True)
class Matrix(Space):
    """A matrix with entries of one space; rows and columns are numbers or names of earlier variables."""

    rows: int | str
    columns: int | str
    entries: Real = field(default_factory=lambda: Real(-2.0, 2.0))

    def shape(self, sizes: Mapping[str, Any]) -> tuple[int, int]:
        """Return (rows, columns) given the earlier variables."""
        m, n = (sizes[size] if isinstance(size, str) else size for size in (self.rows, self.columns))
        return m, n

    def draw(self, rng: np.random.Generator, sizes: Mapping[str, Any]) -> Any:
        """Return one: all entries free, all equal, of rank one, few different values, or mostly zero."""
        m, n = self.shape(sizes)
        out = np.array([[self.entries.draw(rng, sizes) for _ in range(n)] for _ in range(m)], dtype=object)
        kind = rng.random()
        if kind < 0.08:
            out[:] = out[0, 0]
        elif kind < 0.16:
            out[rng.random((m, n)) < 0.5] = Fraction(0) if self.entries.low <= 0 else out[0, 0]
        elif kind < 0.24:
            values = out.ravel()[: min(2, out.size)]
            out = values[rng.integers(values.size, size=(m, n))]
        return out

    def corners(self, sizes: Mapping[str, Any]) -> list[Any]:
        """Return the matrices all of whose entries are a corner, and their checkerboards."""
        m, n = self.shape(sizes)
        made = []
        for value in self.entries.corners(sizes):
            made.append(np.full((m, n), value, dtype=object))
            if value and m * n > 1:
                signs = np.indices((m, n)).sum(axis=0) % 2
                other = (
                    -value if self.entries.signed or self.entries.low <= -abs(value) else self.entries.corners(sizes)[0]
                )
                made.append(np.where(signs == 1, np.full((m, n), other, dtype=object), made[-1]))
        return made

    def simpler(self, value: Any) -> Iterator[Any]:
        """Return an iterator over matrices with one entry, or all, made simpler."""
        signs = np.frompyfunc(lambda x: Fraction((x > 0) - (x < 0)), 1, 1)(value)
        if self._entries_in(signs):
            yield signs
        for denominator in SIMPLE:
            rounded = np.array(
                [[Fraction(round(x * denominator), denominator) for x in row] for row in value], dtype=object
            )
            if self._entries_in(rounded) and not np.array_equal(rounded, value):
                yield rounded
        for place in np.ndindex(*value.shape):
            for near in self.entries.simpler(value[place]):
                out = value.copy()
                out[place] = near
                yield out

    def contains(self, value: Any, sizes: Mapping[str, Any]) -> bool:
        """Return whether it has the shape, and entries of the space."""
        return isinstance(value, np.ndarray) and value.shape == self.shape(sizes) and self._entries_in(value)

    def between(self, one: Any, other: Any, share: float) -> Any:
        """Return a matrix whose entries lie so far on the way."""
        return np.frompyfunc(lambda a, b: self.entries.between(a, b, share), 2, 1)(one, other)

    def moved(self, value: Any, by: Any) -> Any:
        """Return the matrix with every entry moved by a share of the entries' width, and clipped."""
        return np.frompyfunc(self.entries.moved, 2, 1)(value, by)

    def _entries_in(self, value: Any) -> bool:
        return all(self.entries.contains(x, {}) for x in value.ravel())
