"""Every path of a margin in letters: the domain's variables as letters, and each fork followed both ways."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from fractions import Fraction
from types import SimpleNamespace
from typing import Any, NamedTuple

import numpy as np

from rankkit.claims.claim import Claim
from rankkit.claims.matrices import Matrix
from rankkit.claims.proofs.letters import Terms
from rankkit.claims.proofs.terms import Condition, Term, UndecidedError
from rankkit.claims.spaces import Integer, Real

__all__ = ["Path", "cases", "in_words", "letter", "paths"]

PATHS = 300
CASES = 400  # values of the integers that are taken one by one


class Path(NamedTuple):
    """One path of a margin: its arithmetic, the bounds of its letters, and the margin at its end (None: outside)."""

    a: Terms
    bounds: dict[int, list[Condition]]
    margin: Term | None


def cases(claim: Claim) -> Iterator[list[dict[str, int]]]:
    """Yield ways to take integers one by one: sizes of matrices alone, then all of them, where they are few.

    Parameters
    ----------
    claim : Claim
        With a domain.
    """
    assert claim.domain is not None
    integers = {name: space for name, space in claim.domain.spaces.items() if isinstance(space, Integer)}
    sizes = {n for space in claim.domain.spaces.values() if isinstance(space, Matrix) for n in space.named}
    for names in dict.fromkeys([tuple(n for n in integers if n in sizes), tuple(integers)]):
        ranges = [range(integers[n].low, integers[n].high + 1) for n in names]
        if np.prod([float(len(r)) for r in ranges]) <= CASES:
            yield [dict(zip(names, values)) for values in itertools.product(*ranges)]


def paths(claim: Claim, fixed: dict[str, int]) -> Iterator[Path]:
    """Yield every path of the claim's condition and margin that lies in the domain, some integers being fixed.

    Parameters
    ----------
    claim : Claim
        With a domain and a margin.
    fixed : dict
        Integer variable -> value.

    Raises
    ------
    UndecidedError
        If there are too many.
    """
    answers: list[bool] = []
    for _ in range(PATHS):
        path = _followed(claim, fixed, answers)
        if path.margin is not None:
            yield path
        answers = path.a.answers
        while answers and not answers[-1]:
            answers = answers[:-1]
        if not answers:
            return
        answers = [*answers[:-1], False]
    raise UndecidedError(f"its margin has more than {PATHS} paths")


def _followed(claim: Claim, fixed: dict[str, int], answers: list[bool]) -> Path:
    assert claim.domain is not None
    assert claim.margin is not None
    a, bounds = Terms(answers), dict[int, list[Condition]]()
    made: dict[str, Any] = {}
    for name, space in claim.domain.spaces.items():
        if name in fixed:
            made[name] = fixed[name]
        elif isinstance(space, Matrix):
            out = np.empty(space.shape(made), dtype=object)
            for place in np.ndindex(*out.shape):
                out[place] = letter(a, bounds, name, place, space.entries)
            made[name] = out
        else:
            made[name] = letter(a, bounds, name, (), space)
    if claim.domain.where is not None and not claim.domain.where(made):
        return Path(a, bounds, None)
    margin = claim.margin(SimpleNamespace(**made), a)
    return Path(a, bounds, margin if isinstance(margin, Term) else a.number(margin))


def letter(a: Terms, bounds: dict[int, list[Condition]], name: str, place: tuple[int, ...], space: Any) -> Term:
    """Return a new variable, and note the bounds of its space.

    Parameters
    ----------
    a : Terms
        The arithmetic that makes it.
    bounds : dict
        Atom's number -> conditions, to which those of the variable are added.
    name : str
        Of the claim's variable.
    place : tuple of int
        Of an entry in a matrix; () for a number.
    space : Real or Integer
        Of the number.
    """
    assert isinstance(space, Real | Integer)
    letter = a.atom("variable", f"{name}{list(place) if place else ''}", None, (name, place))
    ((monomial, _),) = letter.parts.items()
    low, high = Fraction(space.low), Fraction(space.high)
    if getattr(space, "signed", False):
        square = letter * letter
        bounds[monomial[0][0]] = [Condition((square - low * low,), ">="), Condition((square - high * high,), "<=")]
    else:
        bounds[monomial[0][0]] = [Condition((letter - low,), ">="), Condition((letter - high,), "<=")]
    return letter


def in_words(claim: Claim) -> str:
    """Return a claim's domain on one line.

    Parameters
    ----------
    claim : Claim
        With a domain.
    """
    assert claim.domain is not None
    words: list[str] = []
    for name, space in claim.domain.spaces.items():
        if isinstance(space, Matrix):
            words.append(f"{name} {space.rows} x {space.columns} in [{space.entries.low:g}, {space.entries.high:g}]")
        elif isinstance(space, Integer | Real):
            words.append(f"{name} in [{space.low:g}, {space.high:g}]")
    return ", ".join(words) + (", where the hypotheses hold" if claim.domain.where else "")
