"""A matrix as a variable of a claim's instances."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

import numpy as np

from rankkit.checks import integer
from rankkit.claims.spaces import SIMPLE, Real, Space

__all__ = ["Matrix"]

KIND = 0.08  # of the draws are of each of three special kinds


@dataclass(frozen=True)
class Matrix(Space):
    """A matrix variable of a domain, whose entries are of one space.

    Parameters
    ----------
    rows, columns : int or str
        The shape: numbers, or names of integer variables that stand before it in the domain.
    entries : Real
        The space of every entry; without it, the numbers from -2 to 2.

    Raises
    ------
    ValueError
        If a number of rows or columns is no integer of at least 1.

    Examples
    --------
    >>> Matrix("m", 2).shape({"m": 3})
    (3, 2)
    """

    rows: int | str
    columns: int | str
    entries: Real = field(default_factory=lambda: Real(-2.0, 2.0))

    def __post_init__(self) -> None:
        for name, size in (("rows", self.rows), ("columns", self.columns)):
            if not isinstance(size, str):
                integer(f"Matrix's {name}", size, advice="or the name of an earlier variable")

    @property
    def named(self) -> tuple[str, ...]:
        """The earlier variables that the shape needs."""
        return tuple(size for size in (self.rows, self.columns) if isinstance(size, str))

    def shape(self, sizes: Mapping[str, Any]) -> tuple[int, int]:
        """Return (rows, columns).

        Parameters
        ----------
        sizes : mapping
            The variables before, by name.
        """
        m, n = (sizes[size] if isinstance(size, str) else size for size in (self.rows, self.columns))
        return m, n

    def draw(self, rng: np.random.Generator, sizes: Mapping[str, Any]) -> Any:
        """Return a matrix: mostly all entries free, now and then all equal, mostly zero, or of two values."""
        m, n = self.shape(sizes)
        out = np.array([[self.entries.draw(rng, sizes) for _ in range(n)] for _ in range(m)], dtype=object)
        kind = rng.random()
        if kind < KIND:
            out[:] = out[0, 0]
        elif kind < 2 * KIND:
            out[rng.random((m, n)) < 0.5] = Fraction(0) if self.entries.low <= 0 else out[0, 0]
        elif kind < 3 * KIND:
            values = out.ravel()[: min(2, out.size)]
            out = values[rng.integers(values.size, size=(m, n))]
        return out

    def corners(self, sizes: Mapping[str, Any]) -> list[Any]:
        """Return the matrices all of whose entries are a corner, and their checkerboards."""
        m, n = self.shape(sizes)
        made: list[Any] = []
        for value in self.entries.corners(sizes):
            made.append(_filled(m, n, value))
            if value and m * n > 1:
                signs = np.indices((m, n)).sum(axis=0) % 2
                has_both = self.entries.signed or self.entries.low <= -abs(value)
                other = -value if has_both else self.entries.corners(sizes)[0]
                made.append(np.where(signs == 1, _filled(m, n, other), made[-1]))
        return made

    def simpler(self, value: Any) -> Iterator[Any]:
        """Return an iterator over matrices with all entries, or one of them, made simpler."""
        signs = _entrywise(lambda x: Fraction((x > 0) - (x < 0)))(value)
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
        """Return whether a value has the shape, and entries of the space."""
        entries: Any = value
        return isinstance(value, np.ndarray) and entries.shape == self.shape(sizes) and self._entries_in(entries)

    def between(self, one: Any, other: Any, share: float) -> Any:
        """Return the matrix whose entries lie this share of the way from one to another."""
        return _pairwise(lambda a, b: self.entries.between(a, b, share))(one, other)

    def moved(self, value: Any, by: Any) -> Any:
        """Return the matrix with every entry moved by a share of the entries' width, and clipped."""
        return _pairwise(self.entries.moved)(value, by)

    def _entries_in(self, value: Any) -> bool:
        return all(self.entries.contains(x, {}) for x in value.ravel())


def _filled(m: int, n: int, value: Fraction) -> Any:
    return np.full((m, n), value, dtype=object)


def _entrywise(function: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """Return the function of a number as a function of an array."""
    return np.frompyfunc(function, 1, 1)


def _pairwise(function: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    """Return the function of two numbers as a function of two arrays."""
    return np.frompyfunc(function, 2, 1)
