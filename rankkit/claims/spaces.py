"""What one variable of a claim's instances may be: an integer or a real number; matrices stand in `matrices`.

Every number is a rational (a float is one), so that whatever the search finds can be proved.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np

from rankkit.checks import finite, integer

__all__ = ["SIMPLE", "Integer", "Real", "Space"]

GRAIN = 2**40
SIMPLE = (1, 2, 3, 4, 5, 6, 8, 10, 16, 32, 64, 100, 1000)  # denominators a number is tried with, simplest first
CORNER = 0.2  # of a real number's draws are corners


class Space(ABC):
    """What one variable of an instance may be."""

    @property
    def named(self) -> tuple[str, ...]:
        """The earlier variables that this one needs."""
        return ()

    @abstractmethod
    def draw(self, rng: np.random.Generator, sizes: Mapping[str, Any]) -> Any:
        """Return a random value.

        Parameters
        ----------
        rng : numpy.random.Generator
            Where the randomness comes from.
        sizes : mapping
            The variables that were drawn before, by name.
        """

    @abstractmethod
    def corners(self, sizes: Mapping[str, Any]) -> list[Any]:
        """Return the values at which statements like to fail.

        Parameters
        ----------
        sizes : mapping
            The variables before, by name.
        """

    @abstractmethod
    def simpler(self, value: Any) -> Iterator[Any]:
        """Return an iterator over simpler values near one, simplest first.

        Parameters
        ----------
        value : int, Fraction or array of Fractions
            A value of the space.
        """

    @abstractmethod
    def contains(self, value: Any, sizes: Mapping[str, Any]) -> bool:
        """Return whether a value is in the space.

        Parameters
        ----------
        value : object
            Any value.
        sizes : mapping
            The variables before, by name.
        """

    def between(self, one: Any, other: Any, share: float) -> Any:
        """Return the value that lies a share of the way from one to another; one itself where there is none between.

        Parameters
        ----------
        one, other : int, Fraction or array of Fractions
            Values of the space.
        share : float
            From 0, which is one, to 1, which is other.
        """
        return one

    def moved(self, value: Any, by: Any) -> Any:
        """Return a value moved by a share of the space's width, and put back into it; an integer stays what it is.

        Parameters
        ----------
        value : int, Fraction or array of Fractions
            A value of the space.
        by : float or array of float
            In widths of the space.
        """
        return value


@dataclass(frozen=True)
class Integer(Space):
    """An integer variable of a domain.

    Parameters
    ----------
    low, high : int
        The bounds, both included.

    Raises
    ------
    ValueError
        If a bound is no integer, or low exceeds high.

    Examples
    --------
    >>> Integer(1, 3).corners({})
    [1, 3]
    """

    low: int
    high: int

    def __post_init__(self) -> None:
        least = integer("Integer's low", self.low, least=-(2**63))  # what a generator can draw
        integer("Integer's high", self.high, least=least, advice="low must not exceed high")

    def draw(self, rng: np.random.Generator, sizes: Mapping[str, Any]) -> int:
        """Return an integer, each with the same probability."""
        return int(rng.integers(self.low, self.high + 1))

    def corners(self, sizes: Mapping[str, Any]) -> list[int]:
        """Return both ends."""
        return [self.low] if self.low == self.high else [self.low, self.high]

    def simpler(self, value: int) -> Iterator[int]:
        """Return no simpler value: a size is part of what an instance is."""
        return iter(())

    def contains(self, value: Any, sizes: Mapping[str, Any]) -> bool:
        """Return whether a value is an integer within the bounds."""
        return isinstance(value, int) and self.low <= value <= self.high


@dataclass(frozen=True)
class Real(Space):
    """A real variable of a domain.

    Parameters
    ----------
    low, high : float
        The bounds, both included.
    log : bool
        Whether it is drawn evenly on a log axis; low must then be positive.
    signed : bool
        Whether the bounds are those of its absolute value, and the sign is drawn too.
    extra : tuple of float
        Values to try beside the ends, the middle, 1/2, 1 and 2.

    Raises
    ------
    ValueError
        If a bound is not finite, low exceeds high, or low is not positive where log asks for it.

    Examples
    --------
    >>> [str(x) for x in Real(0, 3, extra=(0.25,)).corners({})]
    ['0', '3', '3/2', '1', '1/2', '2', '1/4']
    """

    low: float
    high: float
    log: bool = False
    signed: bool = False
    extra: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        least = 0 if self.log or self.signed else -math.inf
        low = finite("Real's low", self.low, least=least, strict=self.log)
        finite("Real's high", self.high, least=low, advice="low must not exceed high")

    def draw(self, rng: np.random.Generator, sizes: Mapping[str, Any]) -> Fraction:
        """Return a rational, now and then a simple one."""
        if rng.random() < CORNER:
            corner: Any = rng.choice(np.array(self.corners(sizes), dtype=object))
            return Fraction(corner)
        ends = (np.log(self.low), np.log(self.high)) if self.log else (self.low, self.high)
        drawn = rng.uniform(*ends)
        value = self.exact(min(max(float(np.exp(drawn) if self.log else drawn), self.low), self.high))
        return -value if self.signed and rng.random() < 0.5 else value

    def exact(self, value: float) -> Fraction:
        """Return a float as a multiple of 2^-40 where the space has it, so that products do not vanish in floats.

        Parameters
        ----------
        value : float
            Within the bounds.
        """
        near = Fraction(round(Fraction(value) * GRAIN), GRAIN)
        return near if self.low <= near <= self.high else Fraction(value)

    def corners(self, sizes: Mapping[str, Any]) -> list[Fraction]:
        """Return both ends, the middle, one and the extra ones."""
        inside = [x for x in (1.0, 0.5, 2.0, *self.extra) if self.low <= x <= self.high]
        return [Fraction(x) for x in dict.fromkeys((self.low, self.high, (self.low + self.high) / 2, *inside))]

    def simpler(self, value: Fraction) -> Iterator[Fraction]:
        """Return an iterator over rationals near a value with small denominators, within the bounds."""
        for plain in map(Fraction, (0, 1, -1, 2)):
            if self.contains(plain, {}):
                yield plain
        for denominator in SIMPLE:
            near = Fraction(round(value * denominator), denominator)
            if near != value and self.contains(near, {}):
                yield near

    def contains(self, value: Any, sizes: Mapping[str, Any]) -> bool:
        """Return whether a value is a rational within the bounds."""
        return isinstance(value, Fraction) and self.low <= (abs(value) if self.signed else value) <= self.high

    def between(self, one: Fraction, other: Fraction, share: float) -> Fraction:
        """Return one + share * (other - one), nearly."""
        return self.exact(float(one) + share * (float(other) - float(one)))

    def moved(self, value: Fraction, by: float) -> Fraction:
        """Return value + by * (high - low), clipped."""
        new = float(value) + float(by) * (self.high - self.low)
        size = min(max(abs(new) if self.signed else new, self.low), self.high)
        return self.exact(math.copysign(size, new) if self.signed else size)
