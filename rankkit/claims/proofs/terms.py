"""Polynomials in atoms, with rational coefficients: what a margin becomes when its variables stay letters.

An atom is a variable, pi, or a function of a polynomial (a sine, a root, a singular value). A polynomial is kept in one
normal form, so that equal ones are found equal: sin(-x) is -sin(x), exp(2 x) is exp(x)^2, |3 x y| is 3 |x| |y|.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, NamedTuple

__all__ = ["Atom", "Condition", "Term", "UndecidedError", "constant"]

Monomial = tuple[tuple[int, int], ...]  # (atom's number, exponent other than 0), ascending
MOST = 4000  # monomials of a polynomial; a margin with more of them is not for these engines
LONGEST = 1 << 12  # bits of a coefficient: the sum of hundreds of fractions has no end of digits


class UndecidedError(Exception):
    """Raised where a margin asks for what a letter cannot answer, with the reason."""


class Atom(NamedTuple):
    """What polynomials are made of: its number, its kind, and what it is a function of."""

    number: int
    kind: str
    name: str
    argument: Any = None


class Condition(NamedTuple):
    """A comparison of polynomials with zero: "<", "=", ... of one; "some" or "none" of several is not 0."""

    terms: tuple[Term, ...]
    relation: str

    @property
    def opposite(self) -> Condition:
        """The condition that holds where this one does not."""
        turned = {"<": ">=", ">": "<=", "<=": ">", ">=": "<", "=": "!=", "!=": "=", "some": "none", "none": "some"}
        return Condition(self.terms, turned[self.relation])


HOLDS: Mapping[str, Callable[[Fraction], bool]] = {
    "<": lambda x: x < 0, ">": lambda x: x > 0, "<=": lambda x: x <= 0, ">=": lambda x: x >= 0,
    "=": lambda x: x == 0, "!=": lambda x: x != 0,
}  # fmt: skip


@dataclass(frozen=True, eq=False)
class Term:
    """A polynomial: monomial -> coefficient; comparisons are answered by `decide`, which may fork the evaluation."""

    parts: Mapping[Monomial, Fraction]
    decide: Callable[[Condition], bool]
    inverse: Callable[[Term], Term]

    @property
    def key(self) -> tuple[tuple[Monomial, Fraction], ...]:
        """The polynomial as a value that can be compared and hashed."""
        return tuple(sorted(self.parts.items()))

    @property
    def value(self) -> Fraction | None:
        """The number that it is; None where it has a letter."""
        if not self.parts:
            return Fraction(0)
        return self.parts[()] if len(self.parts) == 1 and () in self.parts else None

    @property
    def leading(self) -> Fraction:
        """The coefficient that decides which of x and -x is the normal form."""
        return self.parts[max(self.parts)]

    def made(self, parts: Mapping[Monomial, Fraction]) -> Term:
        """Return a polynomial beside this one, without its zero coefficients."""
        if len(parts) > MOST:
            raise UndecidedError(f"its margin has more than {MOST} terms")
        if any(c.denominator.bit_length() > LONGEST or c.numerator.bit_length() > LONGEST for c in parts.values()):
            raise UndecidedError(f"its margin has coefficients of more than {LONGEST} bits")
        return Term({m: c for m, c in parts.items() if c}, self.decide, self.inverse)

    def _other(self, other: Any) -> Term | None:
        if isinstance(other, Term):
            return other
        try:
            number = Fraction(other)
        except (TypeError, ValueError):
            return None
        return self.made({(): number})

    def __add__(self, other: Any) -> Any:
        if (there := self._other(other)) is None:
            return NotImplemented
        parts = dict(self.parts)
        for monomial, coefficient in there.parts.items():
            parts[monomial] = parts.get(monomial, Fraction(0)) + coefficient
        return self.made(parts)

    def __mul__(self, other: Any) -> Any:
        if (there := self._other(other)) is None:
            return NotImplemented
        parts: dict[Monomial, Fraction] = {}
        for one, c in self.parts.items():
            for two, d in there.parts.items():
                monomial = product(one, two)
                parts[monomial] = parts.get(monomial, Fraction(0)) + c * d
            if len(parts) > MOST:
                raise UndecidedError(f"its margin has more than {MOST} terms")
        return self.made(parts)

    def __neg__(self) -> Term:
        return self.made({m: -c for m, c in self.parts.items()})

    def __sub__(self, other: Any) -> Any:
        return NotImplemented if (there := self._other(other)) is None else self + (-there)

    def __rsub__(self, other: Any) -> Any:
        return NotImplemented if (there := self._other(other)) is None else there + (-self)

    def __truediv__(self, other: Any) -> Any:
        return NotImplemented if (there := self._other(other)) is None else self * self.inverse(there)

    def __rtruediv__(self, other: Any) -> Any:
        return NotImplemented if (there := self._other(other)) is None else there * self.inverse(self)

    def __pow__(self, exponent: int) -> Term:
        out = self.made({(): Fraction(1)})
        for _ in range(abs(exponent)):
            out = out * self
        return out if exponent >= 0 else self.inverse(out)

    __radd__, __rmul__ = __add__, __mul__

    def _compared(self, other: Any, relation: str) -> Any:
        if (there := self._other(other)) is None:
            return NotImplemented
        return self.decide(Condition((self + (-there),), relation))

    def __lt__(self, other: Any) -> Any:
        return self._compared(other, "<")

    def __gt__(self, other: Any) -> Any:
        return self._compared(other, ">")

    def __le__(self, other: Any) -> Any:
        return self._compared(other, "<=")

    def __ge__(self, other: Any) -> Any:
        return self._compared(other, ">=")

    def __eq__(self, other: Any) -> Any:
        return self._compared(other, "=")

    def __ne__(self, other: Any) -> Any:
        return self._compared(other, "!=")

    __hash__ = None  # pyright: ignore[reportAssignmentType] - equality is a question here, not a fact

    def __abs__(self) -> Any:
        return self if self >= 0 else -self

    def __bool__(self) -> bool:
        return bool(self != 0)

    def __float__(self) -> float:
        if self.value is None:
            raise UndecidedError("its margin asks for a letter as a float")
        return float(self.value)

    def __index__(self) -> int:
        raise UndecidedError("its margin uses a variable as an index or a count")


def product(one: Monomial, two: Monomial) -> Monomial:
    """Return the product of two monomials."""
    exponents = dict(one)
    for number, exponent in two:
        exponents[number] = exponents.get(number, 0) + exponent
    return tuple(sorted((n, e) for n, e in exponents.items() if e))


def constant(like: Term, number: Any) -> Term:
    """Return a number as a polynomial beside another."""
    return like.made({(): Fraction(number)})
