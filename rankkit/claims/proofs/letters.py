"""The third arithmetic of a margin: its variables stay letters, and every branch is taken in turn.

Where a margin or a hypothesis asks whether a letter is positive, the evaluation forks: it is repeated once for each
answer, and the answers become the conditions of that path.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import numpy as np

from rankkit.claims.proofs.terms import HOLDS, Atom, Condition, Term, UndecidedError

__all__ = ["Terms", "same"]

DECISIONS = 40  # of one path
SIDE = 4  # of a matrix whose rank or singular values are asked for


class Terms:
    """The arithmetic of letters along one path, given by the answers at its forks.

    Parameters
    ----------
    answers : list of bool
        To the first conditions that are asked; later ones are answered by True and recorded.
    """

    def __init__(self, answers: list[bool]) -> None:
        self.answers, self.conditions = list(answers), list[Condition]()
        self.atoms: list[Atom] = []
        self.divisors: list[Term] = []
        self.matrices: list[tuple[Any, list[Term]]] = []
        self.ranked = False  # whether a rank was asked for
        self.vanishing: list[tuple[Any, int]] = []  # matrices, and the order at which their minors are all zero
        self._known: dict[Any, int] = {}
        self._asked = 0
        self._decided: dict[Any, bool] = {}

    def number(self, value: Any) -> Term:
        """Return a rational as a polynomial."""
        return Term({(): Fraction(value)} if value else {}, self.decide, self.inverse)

    def atom(self, kind: str, name: str, argument: Any = None, key: Any = None) -> Term:
        """Return an atom as a polynomial: the same one for the same key."""
        key = (kind, name, key)
        if key not in self._known:
            self._known[key] = len(self.atoms)
            self.atoms.append(Atom(len(self.atoms), kind, name, argument))
        return Term({((self._known[key], 1),): Fraction(1)}, self.decide, self.inverse)

    def decide(self, condition: Condition) -> bool:
        """Return the answer to a condition: what numbers say, what was said before, or the path's next answer."""
        if condition.relation not in ("some", "none") and (value := condition.terms[0].value) is not None:
            return HOLDS[condition.relation](value)
        key = (condition.relation, tuple(term.key for term in condition.terms))
        if key not in self._decided:
            if self._asked >= DECISIONS:
                raise UndecidedError(f"its margin asks more than {DECISIONS} questions on one path")
            if self._asked == len(self.answers):
                self.answers.append(True)
            answer = self._decided[key] = self.answers[self._asked]
            self._decided[(condition.opposite.relation, key[1])] = not answer
            self._asked += 1
            self.conditions.append(condition if answer else condition.opposite)
        return self._decided[key]

    def inverse(self, x: Term) -> Term:
        """Return 1 / x; that x is not zero has to be proved beside the claim."""
        if not x.parts:
            raise UndecidedError("its margin divides by zero")
        if x.value is None and x.key not in [d.key for d in self.divisors]:
            self.divisors.append(x)
        if len(x.parts) == 1:
            ((monomial, coefficient),) = x.parts.items()
            return x.made({tuple((n, -e) for n, e in monomial): 1 / coefficient})
        lead = x.leading
        return self.atom("inverse", "inv", x * (1 / lead), (x * (1 / lead)).key) * (1 / lead)

    @property
    def pi(self) -> Term:
        """The letter pi."""
        return self.atom("pi", "pi")

    def of(self, value: Any) -> Any:
        """Return a rational, a letter, or an array of them, as polynomials."""
        return self._each(lambda x: x, value)

    def sin(self, x: Any) -> Any:
        """Return sin(x), entry by entry."""
        return self._each(lambda t: self._wave("sin", t), x)

    def cos(self, x: Any) -> Any:
        """Return cos(x), entry by entry."""
        return self._each(lambda t: self._wave("cos", t), x)

    def exp(self, x: Any) -> Any:
        """Return exp(x), entry by entry, as a product of powers of exp(m / q) over the monomials m of x."""
        return self._each(self._exp, x)

    def sinc(self, x: Any) -> Any:
        """Return sin(pi x) / (pi x), and 1 at 0, entry by entry."""
        return self._each(self._sinc, x)

    def sqrt(self, x: Any) -> Any:
        """Return the root of x >= 0, entry by entry."""
        return self._each(self._sqrt, x)

    def absolute(self, x: Any) -> Any:
        """Return |x|, entry by entry."""
        return self._each(self._absolute, x)

    def square(self, x: Any) -> Any:
        """Return x x, entry by entry."""
        return x * x

    def least(self, x: Any, y: Any) -> Any:
        """Return the smaller of two numbers."""
        return x if self._term(x) <= y else y

    def most(self, x: Any, y: Any) -> Any:
        """Return the larger of two numbers."""
        return x if self._term(x) >= y else y

    def singular_values(self, X: Any) -> Any:
        """Return letters for the singular values, descending; equal matrices, also up to transposition, share them."""
        return self._sigma(self.of(X))

    def _sigma(self, X: Any) -> Any:
        if 1 in X.shape:
            return np.array([self.sqrt((X * X).sum())], dtype=object)
        if max(X.shape) > SIDE:
            raise UndecidedError(f"its margin has singular values of a matrix beyond {SIDE} x {SIDE}")
        for Y, values in self.matrices:
            if same(X, Y):
                return np.array(values, dtype=object)
        place = len(self.matrices)
        letters = [self.atom("sigma", f"s{place}_{i}", X, (place, i)) for i in range(min(X.shape))]
        self.matrices.append((X, letters))
        return np.array(letters, dtype=object)

    def spectral_norm(self, X: Any) -> Any:
        """Return sigma_1."""
        return self.singular_values(X)[0]

    def rank(self, X: Any) -> int:
        """Return the rank along this path: the largest order of a minor that is not zero."""
        return self._rank(self.of(X))

    def _rank(self, X: Any) -> int:
        self.ranked = True
        if max(X.shape) > SIDE + 1 + 4 * (min(X.shape) < SIDE):
            raise UndecidedError(f"its margin has the rank of a matrix beyond {SIDE} x {SIDE}")
        for order in range(min(X.shape), 0, -1):
            minors = [minor for minor in _minors(X, order) if minor.parts]
            if any(minor.value is not None for minor in minors):
                return order
            if minors and self.decide(Condition(tuple(minors), "some")):
                return order
            self.vanishing.append((X, order))
        return 0

    def count_above(self, X: Any, threshold: Any) -> int:
        """Return how many singular values exceed a threshold, along this path."""
        return sum(bool(value > threshold) for value in self.singular_values(X))

    def _term(self, x: Any) -> Term:
        return x if isinstance(x, Term) else self.number(x)

    def _each(self, function: Callable[[Term], Term], x: Any) -> Any:
        if isinstance(x, np.ndarray):
            given: Any = np.asarray(x, dtype=object)
            out = np.empty(given.shape, dtype=object)
            for place in np.ndindex(*given.shape):
                out[place] = function(self._term(given[place]))
            return out
        return function(self._term(x))

    def _wave(self, kind: str, t: Term) -> Term:
        """Return sin or cos, with whole multiples of pi taken out and the sign of the argument made normal."""
        turn = self.pi.parts
        ((monomial, _),) = turn.items()
        halves = t.parts.get(monomial, Fraction(0))
        whole = halves.numerator // halves.denominator
        t, sign = t - whole * self.pi, (-1) ** whole
        if not t.parts:
            return self.number(0 if kind == "sin" else sign)
        if t.leading < 0:
            t, sign = -t, -sign if kind == "sin" else sign
        return sign * self.atom(kind, kind, t, t.key)

    def _exp(self, t: Term) -> Term:
        out = self.number(1)
        for monomial, c in t.parts.items():
            unit = t.made({monomial: Fraction(1, c.denominator)})
            out = (
                out * self.atom("exp", "exp", unit, unit.key) ** abs(c.numerator)
                if c > 0
                else out * self._unexp(unit, c)
            )
        return out

    def _unexp(self, unit: Term, c: Fraction) -> Term:
        """Return exp(unit) to a negative power: it is never zero, so that nothing has to be proved."""
        (((number, _),),) = self.atom("exp", "exp", unit, unit.key).parts
        return unit.made({((number, c.numerator),): Fraction(1)})

    def _sinc(self, t: Term) -> Term:
        if t.value is not None and t.value.denominator == 1:
            return self.number(int(t.value == 0))
        t = -t if t.leading < 0 else t
        return self.atom("sinc", "sinc", t, t.key)

    def _sqrt(self, t: Term) -> Term:
        return t if not t.parts or t.value == 1 else self.atom("sqrt", "sqrt", t, t.key)

    def _absolute(self, t: Term) -> Term:
        """Return |t|: the absolute value of a product is the product of those of its factors."""
        if not t.parts:
            return t
        if len(t.parts) > 1:
            unit = t * (1 / t.leading)
            return self.atom("absolute", "abs", unit, unit.key) * abs(t.leading)
        ((monomial, c),) = t.parts.items()
        out = self.number(abs(c))
        for number, exponent in monomial:
            letter = t.made({((number, 1),): Fraction(1)})
            if exponent % 2:
                size = (
                    letter
                    if self.atoms[number].kind in NONNEGATIVE
                    else self.atom("absolute", "abs", letter, letter.key)
                )
                out = out * (size if exponent > 0 else self.inverse(size))
                exponent -= 1 if exponent > 0 else -1
            out = out * t.made({((number, exponent),) if exponent else (): Fraction(1)})
        return out


def same(X: Any, Y: Any) -> bool:
    """Return whether two matrices are equal, or one is the other transposed.

    Parameters
    ----------
    X, Y : array of Term
        Of any shapes.
    """
    return any(Z.shape == X.shape and all(a.key == b.key for a, b in zip(X.ravel(), Z.ravel())) for Z in (Y, Y.T))


NONNEGATIVE = ("absolute", "sqrt", "exp", "pi", "sigma")


def _minors(X: Any, order: int) -> list[Term]:
    rows, columns = (itertools.combinations(range(side), order) for side in X.shape)
    return [_determinant(X[np.ix_(i, j)]) for i, j in itertools.product(rows, list(columns))]


def _determinant(X: Any) -> Any:
    if X.shape[0] == 1:
        return X[0, 0]
    rest = range(X.shape[0])
    return sum((-1) ** j * X[0, j] * _determinant(X[1:][:, [k for k in rest if k != j]]) for j in rest)
