"""Boxes of real variables, with the integers beside them: what covers a domain, and a margin's enclosures on it."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Mapping
from fractions import Fraction
from types import SimpleNamespace
from typing import Any, NamedTuple

import numpy as np

from rankkit.claims.claim import Claim
from rankkit.claims.matrices import Matrix
from rankkit.claims.proofs.rays import Rays
from rankkit.claims.proofs.terms import UndecidedError
from rankkit.claims.spaces import Integer, Real

__all__ = ["BITS", "Box", "Case", "Side", "between", "cases", "in_words"]

BITS = 64
CASES = 100  # values of the integers that are taken one by one
VARIABLES = 6  # with more of them boxes get too many
Side = tuple[Fraction, Fraction]
Box = tuple[Side, ...]


class Case(NamedTuple):
    """A claim with its integers fixed: what is left is a box of reals.

    Attributes
    ----------
    claim : Claim
        With a margin, and a condition that boxes outside it need not meet.
    fixed : mapping
        Integer variable -> value.
    names : tuple
        (variable, place) of each real number; the place is () unless it is an entry of a matrix.
    sides : tuple of (Fraction, Fraction)
        The interval of each.
    shapes : mapping
        Matrix -> shape.
    """

    claim: Claim
    fixed: Mapping[str, int]
    names: tuple[tuple[str, tuple[int, ...]], ...]
    sides: Box
    shapes: Mapping[str, tuple[int, int]]

    def made(self, numbers: list[Any]) -> dict[str, Any]:
        """Return the variables, made of a number for each real."""
        out: dict[str, Any] = dict(self.fixed)
        for name, shape in self.shapes.items():
            out[name] = np.empty(shape, dtype=object)
        for (name, place), number in zip(self.names, numbers, strict=True):
            if place:
                out[name][place] = number
            else:
                out[name] = number
        return out

    @property
    def unconditional(self) -> bool:
        """Whether the claim speaks of every point of the box."""
        return self.claim.domain is not None and self.claim.domain.where is None

    def width(self, axis: int) -> Fraction:
        """Return the width of a side, and 1 where it has none."""
        low, high = self.sides[axis]
        return high - low or Fraction(1)

    def value(self, box: Box) -> Any:
        """Return a ball that contains the margin on a box; None where none is found."""
        with Rays.at(BITS, 1) as a:
            return _coefficient(self, a, [a.ray(between(a, side)) for side in box], 0)

    def slope(self, box: Box, axis: int) -> Any:
        """Return a ball that contains the margin's derivative by one variable on a box; None where none is found."""
        with Rays.at(BITS, 2) as a:
            return _coefficient(self, a, [a.ray(between(a, side), int(i == axis)) for i, side in enumerate(box)], 1)

    def outside(self, box: Box) -> bool:
        """Return whether no point of a box meets the claim's condition."""
        assert self.claim.domain is not None
        if self.claim.domain.where is None:
            return False
        with Rays.at(BITS, 1) as a:
            try:
                return not self.claim.domain.holds(self.made([a.ray(between(a, side)) for side in box]))
            except (UndecidedError, TypeError, ValueError, ZeroDivisionError):
                return False


def between(a: Rays, side: Side) -> Any:
    """Return a ball that contains an interval, and is as narrow as its ends allow.

    Parameters
    ----------
    a : Rays
        Whose balls are used.
    side : (Fraction, Fraction)
        The ends.
    """
    low, high = (a.balls.of(end) for end in side)
    return low if side[0] == side[1] else low.union(high)


def _coefficient(case: Case, a: Rays, numbers: list[Any], place: int) -> Any:
    assert case.claim.margin is not None
    try:
        found = a.of(case.claim.margin(SimpleNamespace(**case.made(numbers)), a))[place]
    except (UndecidedError, ValueError, ZeroDivisionError):  # the box is too wide to say
        return None
    return found if found.is_finite() else None


def cases(claim: Claim) -> Iterator[Case] | str:
    """Return an iterator over the cases of a claim whose domain is boxes of at most six reals; else why it is not.

    Parameters
    ----------
    claim : Claim
        With a domain and a margin.
    """
    assert claim.domain is not None
    spaces = claim.domain.spaces
    whole = {name: space for name, space in spaces.items() if isinstance(space, Integer)}
    ranges = [range(space.low, space.high + 1) for space in whole.values()]
    if math.prod(map(len, ranges)) > CASES:
        return f"its integers have more than {CASES} values"
    made = [_case(claim, dict(zip(whole, values, strict=True))) for values in itertools.product(*ranges)]
    if any(case is None for case in made):
        return "its domain is no box"
    found = [case for case in made if case is not None]
    if not all(0 < len(case.names) <= VARIABLES for case in found):
        return f"its domain is no box of 1 to {VARIABLES} reals"
    return iter(found)


def _case(claim: Claim, fixed: dict[str, int]) -> Case | None:
    assert claim.domain is not None
    names: list[tuple[str, tuple[int, ...]]] = []
    sides: list[Side] = []
    shapes: dict[str, tuple[int, int]] = {}
    for name, space in claim.domain.spaces.items():
        entries: Any = space.entries if isinstance(space, Matrix) else space
        if isinstance(space, Integer):
            continue
        if not isinstance(entries, Real) or entries.signed:
            return None
        if isinstance(space, Matrix):
            shapes[name] = space.shape(fixed)
        places = list(np.ndindex(*shapes[name])) if isinstance(space, Matrix) else [()]
        names += [(name, place) for place in places]
        sides += [(Fraction(entries.low), Fraction(entries.high))] * len(places)
    return Case(claim, fixed, tuple(names), tuple(sides), shapes)


def in_words(claim: Claim) -> str:
    """Return a claim's real variables with their intervals, on one line.

    Parameters
    ----------
    claim : Claim
        With a domain.
    """
    assert claim.domain is not None
    words: list[str] = []
    for name, space in claim.domain.spaces.items():
        entries: Any = space.entries if isinstance(space, Matrix) else space
        words.append(f"{name} in [{entries.low:g}, {entries.high:g}]" if isinstance(entries, Real) else
                     f"{name} in {entries.low}..{entries.high}")  # fmt: skip
    return ", ".join(words) + (", where the hypotheses hold" if claim.domain.where else "")
