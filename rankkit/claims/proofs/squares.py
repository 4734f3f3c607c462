"""Proofs by squares: the margin is a sum of squares of polynomials with positive rational weights, exactly.

Hypotheses g >= 0 and bounds (x - low) (high - x) >= 0 may multiply squares: where they hold, such a sum is not negative
either (Putinar 1993). The search for the squares works in floats (`gram`); what it finds counts only if the sum,
expanded in rationals, is the margin.
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Mapping
from fractions import Fraction
from typing import Any, NamedTuple

from rankkit.claims.claim import Claim
from rankkit.claims.deadline import Deadline
from rankkit.claims.proofs.gram import Block, Square, squares_of
from rankkit.claims.proofs.paths import Path, cases, in_words, paths
from rankkit.claims.proofs.proof import Proof
from rankkit.claims.proofs.terms import Monomial, Term, UndecidedError, product

__all__ = ["checked_squares", "sums_of_squares"]

SECONDS = 2.0  # of the processor, for all paths of one claim
PATHS = 12
LETTERS = 8
DEGREE = 8
BASIS = 36  # monomials of all blocks together
Polynomial = Mapping[Monomial, Fraction]


class Factor(NamedTuple):
    """What is known not to be negative on a path, as a polynomial, and in words."""

    words: str
    parts: Polynomial


def sums_of_squares(claim: Claim, deadline: Deadline) -> Proof | str:
    """Return the proof of a claim whose margin is a polynomial that is a sum of squares, on each of its paths.

    Parameters
    ----------
    claim : Claim
        With a domain and a margin.
    deadline : Deadline
        At which the attempt is given up.

    Returns
    -------
    Proof or str
        The proof, with the squares in it, or why there is none.
    """
    limit = Deadline.after(SECONDS, clock=time.process_time)
    found: list[list[list[Any]]] = []
    try:
        for path in _paths(claim):
            deadline.check()
            squares = _of_path(path, limit)
            if isinstance(squares, str):
                return squares
            found.append(squares)
    except UndecidedError as error:
        return str(error)
    except (TypeError, AttributeError, ValueError, IndexError, KeyError) as error:
        return f"its margin is not made of the arithmetic's functions ({type(error).__name__})"
    if not any(found):  # also where no path lies in the domain
        return "its margin is a number on every path"
    return Proof(
        claim.id, "squares", _statement(found), in_words(claim), "rational arithmetic", 0.0, evidence={"paths": found},
    )  # fmt: skip


def checked_squares(proof: Proof, claim: Claim) -> bool:
    """Return whether the squares that a proof holds add up to the claim's margin, exactly, on each of its paths.

    Parameters
    ----------
    proof : Proof
        Of the kind "squares".
    claim : Claim
        Whose proof it is said to be.
    """
    try:
        stored = proof.evidence["paths"]
        ways = list(_paths(claim))
        if not ways or (proof.statement, proof.domain) != (_statement(stored), in_words(claim)):
            return False
        return len(ways) == len(stored) and all(
            _adds_up(path, [_read(one) for one in squares]) for path, squares in zip(ways, stored, strict=True)
        )
    except (UndecidedError, KeyError, TypeError, ValueError, IndexError, ZeroDivisionError):
        return False


def _statement(found: list[list[list[Any]]]) -> str:
    count, ways = sum(map(len, found)), len(found)
    return f"the margin is a sum of {count} weighted squares on {ways} path{'s' * (ways > 1)}"


def _paths(claim: Claim) -> list[Path]:
    ways = [path for fixed in next(cases(claim), list[dict[str, int]]()) for path in paths(claim, fixed)]
    if len(ways) > PATHS:
        raise UndecidedError(f"its margin has more than {PATHS} paths")
    if any(path.a.divisors for path in ways):
        raise UndecidedError("its margin is no polynomial")
    return ways


def _polynomial(path: Path) -> Polynomial:
    """Return the margin of a path, if it is a polynomial in the claim's variables."""
    assert path.margin is not None
    letters = {number for monomial in path.margin.parts for number, _ in monomial}
    if any(path.a.atoms[n].kind != "variable" for n in letters) or _negative_powers(path.margin):
        raise UndecidedError("its margin is no polynomial in its variables")
    if len(letters) > LETTERS:
        raise UndecidedError(f"its margin has more than {LETTERS} variables")
    return path.margin.parts


def _negative_powers(term: Term) -> bool:
    return any(exponent < 0 for monomial in term.parts for _, exponent in monomial)


def _of_path(path: Path, limit: Deadline) -> list[list[Any]] | str:
    margin = _polynomial(path)
    if path.margin is not None and path.margin.value is not None and path.margin.value >= 0:
        return []
    degree = max(sum(e for _, e in monomial) for monomial in margin)
    if degree > DEGREE:
        return f"its margin has a degree above {DEGREE}"
    factors = _factors(path, margin)
    for chosen in (factors[:1], factors) if len(factors) > 1 else (factors,):
        blocks = [Block(factor.parts, _basis(margin, factor.parts)) for factor in chosen]
        blocks = [block for block in blocks if block.basis]
        if not blocks or sum(len(block.basis) for block in blocks) > BASIS:
            continue
        squares = squares_of(margin, blocks, limit)
        if squares is not None and _adds_up(path, squares):
            return [_written(square) for square in squares]
        if limit.passed:
            return f"timeout at {SECONDS:g} s"
    return "no sum of squares was found"


def _factors(path: Path, margin: Polynomial) -> list[Factor]:
    """Return 1, and what the path's hypotheses and bounds say of the margin's variables."""
    one: Polynomial = {(): Fraction(1)}
    letters = sorted({number for monomial in margin for number, _ in monomial})
    out = [Factor("1", one)]
    for condition in path.a.conditions:
        if condition.relation in (">", ">=", "<", "<="):
            (term,) = condition.terms
            inside = {number for monomial in term.parts for number, _ in monomial} <= set(letters)
            if inside and not _negative_powers(term):
                out.append(Factor("hypothesis", (term if condition.relation[0] == ">" else -term).parts))
    for number in letters:
        conditions = path.bounds.get(number, [])
        if len(conditions) == 2 and conditions[0].terms[0].parts != conditions[1].terms[0].parts:
            low, high = (condition.terms[0] for condition in conditions)
            out.append(Factor(path.a.atoms[number].name, (low * -high).parts))
    return out


def _basis(margin: Polynomial, factor: Polynomial) -> list[Monomial]:
    """Return the monomials of the squares that a factor may multiply: no degree above what the margin has."""
    letters = sorted({number for monomial in margin for number, _ in monomial})
    most = max(sum(e for _, e in m) for m in margin)
    high = (most - max(sum(e for _, e in m) for m in factor)) // 2
    low = min(sum(e for _, e in m) for m in margin) // 2 if len(factor) == 1 else 0
    each = {n: max(dict(m).get(n, 0) for m in margin) // 2 for n in letters}
    made = [
        tuple((n, e) for n, e in zip(letters, exponents, strict=True) if e)
        for exponents in itertools.product(*(range(each[n] + 1) for n in letters))
        if low <= sum(exponents) <= high
    ]
    while len(factor) == 1:  # m^2 has to cancel against other products, or to stand in the margin
        products = {product(p, q) for p, q in itertools.combinations(made, 2)}
        kept = [m for m in made if product(m, m) in margin or product(m, m) in products]
        if kept == made:
            break
        made = kept
    return made


def _adds_up(path: Path, squares: list[Square]) -> bool:
    """Return whether weighted squares, times what is known not to be negative, add up to the margin of a path."""
    assert path.margin is not None
    margin = _polynomial(path)
    if not squares:
        return path.margin.value is not None and path.margin.value >= 0
    known = [factor.parts for factor in _factors(path, margin)]
    total = path.a.number(0)
    for square in squares:
        if square.weight < 0 or not any(dict(square.factor) == dict(parts) for parts in known):
            return False
        root, factor = path.margin.made(square.root), path.margin.made(square.factor)
        total = total + square.weight * factor * root * root
    return total.key == path.margin.key


def _written(square: Square) -> list[Any]:
    """Return a square as JSON-ready values: factor, weight, root."""
    return [_text(square.factor), str(square.weight), _text(square.root)]


def _read(record: list[Any]) -> Square:
    factor, weight, root = record
    return Square(_parts(factor), Fraction(weight), _parts(root))


def _text(parts: Polynomial) -> list[list[Any]]:
    return [[[list(power) for power in monomial], str(c)] for monomial, c in sorted(parts.items())]


def _parts(record: list[list[Any]]) -> Polynomial:
    return {tuple((int(n), int(e)) for n, e in monomial): Fraction(c) for monomial, c in record}
