"""What is known of the functions in a margin, as SMT-LIB assertions: each is true for all reals.

Engines take these facts as given and name them in the proof. A function's atom is otherwise a free number, so that
whatever is refuted for free numbers with these properties is refuted for the functions.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from itertools import combinations, permutations
from typing import Any

from rankkit.claims.proofs.letters import Terms, _minors, same  # pyright: ignore[reportPrivateUsage]
from rankkit.claims.proofs.terms import Atom, Term

__all__ = ["KNOWN", "LEVELS", "facts_on", "known_of_pairs"]

PAIRED = 60  # atoms whose slopes are compared two by two; of more the pairs would be thousands of facts
LEVELS = ("bounds", "definitions", "slopes", "Taylor")
PI = (Fraction(314159265358979, 10**14), Fraction(314159265358980, 10**14))
CHORD = Fraction(8269933431, 10**10)  # a little less than 3 sqrt(3) / (2 pi), the slope of sine's chord up to pi / 3
HALF_CHORD = Fraction(6366197723, 10**10)  # a little less than 2 / pi, that of its chord up to pi / 2
KNOWN = {
    "pi": "3.14159265358979 < pi < 3.14159265358980",
    "bounds": "|sin|, |cos|, |sinc| <= 1, exp > 0",
    "slopes": "|sin p - sin q| <= |p - q|, |cos p - cos q| <= |p - q|, |sinc p - sinc q| <= (pi / 2) |p - q|, "
    "|sin p - sin q - (p - q) cos q| <= (p - q)^2 / 2, sin^2 + cos^2 = 1, |pi t sinc t| <= 1, exp t >= 1 + t",
    "Taylor": "t - t^3 / 6 <= sin t <= t for t >= 0, cos t >= 1 - t^2 / 2, sinc t >= 1 - (pi t)^2 / 6, "
    "sin t >= (3 sqrt(3) / (2 pi)) t on [0, pi / 3] and >= (2 / pi) t on [0, pi / 2]",
    "sigma": "singular values are the roots of the Gram matrix's characteristic polynomial, in order",
    "energy": "the squares of the singular values add up to those of the entries",
    "rank": "where all minors of order k are zero, so is the k-th singular value",
    "scaling": "sigma_i(c X) = |c| sigma_i(X)",
    "Weyl": "|sigma_i(X) - c sigma_i(Y)| <= sigma_1(X - c Y) for c >= 0",
    "domination": "sigma_1(X) <= sigma_1(Y) where |X_ij| <= Y_ij",
}
Fact = tuple[str, str]  # name in KNOWN, or "" for a definition; assertion with {} for terms


def facts_on(atom: Atom, level: int, a: Terms) -> Iterator[tuple[str, str, tuple[Term, ...]]]:
    """Yield (fact's name, assertion with places for terms, terms) for one atom.

    Parameters
    ----------
    atom : Atom
        Of the arithmetic.
    level : int
        How much is said, as a place in `LEVELS`.
    a : Terms
        The arithmetic that made the atom.
    """
    x = Term({((atom.number, 1),): Fraction(1)}, a.decide, a.inverse)
    t = atom.argument
    if atom.kind == "pi":
        yield "pi", "(and (< {} {}) (< {} {}))", (a.number(PI[0]), x, x, a.number(PI[1]))
    elif atom.kind in ("sin", "cos", "sinc"):
        yield "bounds", "(and (<= (- 1.0) {}) (<= {} 1.0))", (x, x)
        if level >= 2 and atom.kind == "sin":
            yield "slopes", "(<= {} {})", (x * x, t * t)
        if level >= 2 and atom.kind == "sinc":
            yield "slopes", "(<= {} 1.0)", (a.square(a.pi * t * x),)
        if level >= 3:
            yield from _taylor(atom.kind, x, t, a)
    elif atom.kind == "exp":
        yield "bounds", "(> {} 0.0)", (x,)
        if level >= 2:
            yield "slopes", "(>= {} {})", (x, 1 + t)
            yield "slopes", "(or (<= {} 0.0) (>= {} {}))", (t, x, 1 + t + t * t / 2)
            yield "slopes", "(or (>= {} 0.0) (<= {} 1.0))", (t, x)
    elif atom.kind == "absolute":
        yield "", "(>= {} 0.0)", (x,)
        if level >= 1:
            yield "", "(or (= {} {}) (= {} {}))", (x, t, x, -t)
    elif atom.kind == "sqrt":
        yield "", "(>= {} 0.0)", (x,)
        if level >= 1:
            yield "", "(or (< {} 0.0) (= {} {}))", (t, x * x, t)
    elif atom.kind == "inverse":
        yield "", "(= {} 1.0)", (x * t,)


def _taylor(kind: str, x: Term, t: Term, a: Terms) -> Iterator[tuple[str, str, tuple[Term, ...]]]:
    cube = t - t * t * t / 6
    if kind == "sin":
        yield "Taylor", "(or (< {} 0.0) (and (<= {} {}) (<= {} {})))", (t, cube, x, x, t)
        yield "Taylor", "(or (> {} 0.0) (and (>= {} {}) (>= {} {})))", (t, cube, x, x, t)
        yield "Taylor", "(or (< {} 0.0) (> {} 1.0471975) (>= {} {}))", (t, t, x, CHORD * t)
        yield "Taylor", "(or (< {} 0.0) (> {} 1.5707963) (>= {} {}))", (t, t, x, HALF_CHORD * t)
        yield "Taylor", "(or (> {} 0.0) (< {} (- 1.5707963)) (<= {} {}))", (t, t, x, HALF_CHORD * t)
    elif kind == "cos":
        yield "Taylor", "(>= {} {})", (x, 1 - t * t / 2)
    else:
        yield "Taylor", "(>= {} {})", (x, 1 - a.square(a.pi * t) / 6)


def known_of_pairs(used: list[Atom], level: int, a: Terms) -> Iterator[tuple[str, str, tuple[Term, ...]]]:
    """Yield the facts that relate atoms to each other: slopes, and singular values of one matrix and of several.

    Parameters
    ----------
    used : list of Atom
        Those of one question.
    level : int
        How much is said, as a place in `LEVELS`.
    a : Terms
        The arithmetic that made them.
    """
    yield from _of_matrices({atom.name for atom in used if atom.kind == "sigma"}, level, a)
    if level < 2 or len(used) > PAIRED:
        return
    letter = {atom.number: Term({((atom.number, 1),): Fraction(1)}, a.decide, a.inverse) for atom in used}
    for kind in ("sin", "cos", "sinc"):
        for p, q in combinations([atom for atom in used if atom.kind == kind], 2):
            step = a.square(p.argument - q.argument) * (1 if kind != "sinc" else a.square(a.pi) / 4)
            yield "slopes", "(<= {} {})", (a.square(letter[p.number] - letter[q.number]), step)
            step = a.square(p.argument + q.argument) * (1 if kind != "sinc" else a.square(a.pi) / 4)
            sign = 1 if kind == "sin" else -1
            yield "slopes", "(<= {} {})", (a.square(letter[p.number] + sign * letter[q.number]), step)
    for q in (atom for atom in used if atom.kind == "cos"):
        for s in (atom for atom in used if atom.kind == "sin"):
            if s.argument.key == q.argument.key:
                yield "slopes", "(= {} 1.0)", (a.square(letter[s.number]) + a.square(letter[q.number]),)
                yield from _second_order(
                    s, q, [atom for atom in used if atom.kind == "sin" and atom is not s], letter, a
                )


def _second_order(
    s: Atom, c: Atom, others: list[Atom], letter: dict[int, Term], a: Terms
) -> Iterator[tuple[str, str, tuple[Term, ...]]]:
    for other in others:
        step = other.argument - s.argument
        miss = letter[other.number] - letter[s.number] - step * letter[c.number]
        yield "slopes", "(and (<= {} {}) (<= {} {}))", (miss, step * step / 2, -miss, step * step / 2)


def _of_matrices(used: set[str], level: int, a: Terms) -> Iterator[tuple[str, str, tuple[Term, ...]]]:
    mine = [(matrix, values) for matrix, values in a.matrices if any(a.atoms[_number(s)].name in used for s in values)]
    for matrix, values in mine:
        for larger, smaller in zip(values, [*values[1:], a.number(0)]):
            yield "sigma", "(>= {} {})", (larger, smaller)
        if a.ranked or level >= 1:
            squares = sum((a.square(x) for x in matrix.ravel()), a.number(0))
            yield "energy", "(= {} {})", (_elementary([s * s for s in values], 1, a), squares)
        for other, order in a.vanishing:
            if same(matrix, other):
                yield "rank", "(= {} 0.0)", (values[order - 1],)
        for order in range(2, len(values) + 1) if level >= 1 else ():
            minors = sum((minor * minor for minor in _minors(matrix, order)), a.number(0))
            yield "sigma", "(= {} {})", (_elementary([s * s for s in values], order, a), minors)
    yield from _of_two_matrices(mine, level, a)


def _of_two_matrices(
    mine: list[tuple[Any, list[Term]]], level: int, a: Terms
) -> Iterator[tuple[str, str, tuple[Term, ...]]]:
    for (X, one), (Y, two) in permutations(mine, 2):
        if (c := _multiple(X, Y, a)) is not None:
            for p, q in zip(one, two):
                up, down = (c, p, c * q), (c, p, -c * q)
                yield "scaling", "(or (and (>= {} 0.0) (= {} {})) (and (<= {} 0.0) (= {} {})))", (*up, *down)
        if X.shape != Y.shape or level < 1:
            continue
        if all(_nonnegative(y, a) for y in Y.ravel()):
            dominated = " ".join("(<= (- {}) {}) (<= {} {})" for _ in X.ravel())
            terms = tuple(t for x, y in zip(X.ravel(), Y.ravel()) for t in (y, x, x, y))
            yield "domination", "(or (not (and " + dominated + ")) (<= {} {}))", (*terms, one[0], two[0])
        for Z, three in mine:
            if Z.shape == X.shape and (c := _multiple(X - Z, Y, a)) is not None:
                for p, q in zip(one, two):
                    moved = (c, p - c * q, three[0], c * q - p, three[0])
                    yield "Weyl", "(or (< {} 0.0) (and (<= {} {}) (<= {} {})))", moved


def _multiple(X: Any, Y: Any, a: Terms) -> Term | None:
    """Return 1, or the letter c, with X = c Y, where there is one."""
    if X.shape != Y.shape:
        return None
    if all((x - y).value == 0 for x, y in zip(X.ravel(), Y.ravel())):
        return a.number(1)
    powers = [{power for monomial in x.parts for power in monomial} for x in X.ravel()]
    shared: set[tuple[int, int]] = set[tuple[int, int]]().union(*powers[:1]).intersection(*powers)
    for number, exponent in sorted(shared):
        letter = Term({((number, exponent),): Fraction(1)}, a.decide, a.inverse)
        if all((x - letter * y).value == 0 for x, y in zip(X.ravel(), Y.ravel())):
            return letter
    return None


def _nonnegative(x: Term, a: Terms) -> bool:
    """Return whether a polynomial is plainly not negative: its letters are, and its coefficients."""
    sure = ("absolute", "sqrt", "exp", "pi", "sigma")
    return all(
        c > 0 and all(e % 2 == 0 or a.atoms[n].kind in sure for n, e in monomial) for monomial, c in x.parts.items()
    )


def _number(letter: Term) -> int:
    (((number, _),),) = letter.parts
    return number


def _elementary(values: list[Term], order: int, a: Terms) -> Term:
    total = a.number(0)
    for chosen in combinations(values, order):
        one = a.number(1)
        for value in chosen:
            one = one * value
        total = total + one
    return total
