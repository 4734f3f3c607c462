"""Proofs by real algebra: the margin in letters, every path, and an SMT solver that finds no violation on any.

A path on which the margin's normal form is a number that is not negative needs no solver: an identity.
"""

from __future__ import annotations

import hashlib
import itertools
import time
from collections.abc import Iterator
from fractions import Fraction
from importlib.metadata import version
from types import SimpleNamespace
from typing import Any, NamedTuple

import numpy as np

from rankkit.claims.claim import Claim
from rankkit.claims.deadline import Deadline
from rankkit.claims.matrices import Matrix
from rankkit.claims.proofs.facts import KNOWN, LEVELS
from rankkit.claims.proofs.letters import Terms
from rankkit.claims.proofs.proof import Proof
from rankkit.claims.proofs.questions import STEPS, asked, second_opinion, unsat
from rankkit.claims.proofs.terms import Condition, Term, UndecidedError
from rankkit.claims.spaces import Integer, Real

__all__ = ["algebra"]

SECONDS = 6.0  # of the processor, for all questions of one claim
PATHS = 300
CASES = 400  # values of the integers that are taken one by one


class Limit(NamedTuple):
    """When the attempt ends: at the caller's deadline, or after so long on the processor; and who is asked."""

    given: Deadline
    own: Deadline
    twice: bool

    def check(self) -> None:
        """Raise `TimeIsUp` or `UndecidedError` at the end."""
        self.given.check()
        if self.own.passed:
            raise UndecidedError(f"timeout at {SECONDS:g} s")


class Path(NamedTuple):
    """One path of a margin: its arithmetic, the bounds of its letters, and the margin at its end (None: outside)."""

    a: Terms
    bounds: dict[int, list[Condition]]
    margin: Term | None


def algebra(claim: Claim, deadline: Deadline, *, twice: bool = False) -> Proof | str:
    """Return the proof of a claim whose negation has no real solution.

    Parameters
    ----------
    claim : Claim
        With a domain and a margin.
    deadline : Deadline
        At which the attempt is given up.
    twice : bool
        Whether a second solver is asked too, where it is there: what it calls satisfiable is not proved.

    Returns
    -------
    Proof or str
        The proof, or why there is none.
    """
    limit = Limit(deadline, Deadline.after(SECONDS * (5 if twice else 1), clock=time.process_time), twice)
    for cases in _cases(claim):
        try:
            found = _decided(claim, cases, limit)
            if isinstance(found, Proof):
                return found
            reason = found
        except UndecidedError as error:
            reason = str(error)
        except (TypeError, AttributeError, ValueError, IndexError, KeyError) as error:
            reason = f"its margin is not made of the arithmetic's functions ({type(error).__name__})"
    return reason  # pyright: ignore[reportPossiblyUnboundVariable] - there is at least one way


def _cases(claim: Claim) -> Iterator[list[dict[str, int]]]:
    """Yield ways to take integers one by one: sizes of matrices alone, then all of them, where they are few."""
    assert claim.domain is not None
    integers = {name: space for name, space in claim.domain.spaces.items() if isinstance(space, Integer)}
    sizes = {n for space in claim.domain.spaces.values() if isinstance(space, Matrix) for n in space.named}
    for names in dict.fromkeys([tuple(n for n in integers if n in sizes), tuple(integers)]):
        ranges = [range(integers[n].low, integers[n].high + 1) for n in names]
        if np.prod([float(len(r)) for r in ranges]) <= CASES:
            yield [dict(zip(names, values)) for values in itertools.product(*ranges)]


def _decided(claim: Claim, cases: list[dict[str, int]], limit: Limit) -> Proof | str:
    digest, facts, solved, paths = hashlib.sha256(), set[str](), 0, 0
    for fixed in cases:
        for path in _paths(claim, fixed):
            limit.check()
            paths += 1
            for conditions, divisor in _to_refute(path):
                answer, used = _refuted(path, conditions, divisor, limit)
                if answer != "unsat":
                    return f"{answer}{f' at {fixed}' if fixed else ''}"
                digest.update(repr([(x.relation, [t.key for t in x.terms]) for x in conditions]).encode())
                facts |= used
                solved += 1
    if not paths:
        return "no path lies in the domain"
    kind, checker = ("algebra", f"z3 {version('z3-solver')}") if solved else ("identity", "rational normal form")
    ways = f"{paths} path{'s' * (paths > 1)}" + (f", {solved} questions unsatisfiable" if solved else "")
    return Proof(
        claim.id, kind, f"no real values in the domain make the margin negative: {ways}", in_words(claim), checker, 0.0,
        facts=tuple(KNOWN[name] for name in sorted(facts)), digest=digest.hexdigest(),
    )  # fmt: skip


def _to_refute(path: Path) -> Iterator[tuple[list[Condition], Term | None]]:
    """Yield what must not be possible on a path: a divisor that is zero, and a negative margin."""
    for divisor in path.a.divisors:
        yield [*path.a.conditions, Condition((divisor,), "=")], divisor
    assert path.margin is not None
    if path.margin.value is None or path.margin.value < 0:
        yield [*path.a.conditions, Condition((path.margin,), "<")], None


def _refuted(path: Path, conditions: list[Condition], divisor: Term | None, limit: Limit) -> tuple[str, set[str]]:
    """Return the answer at the first level of facts that refutes the conditions, else why none does."""
    answer, text, used, before = "", "", set[str](), ""
    for level in range(len(LEVELS)):
        limit.check()
        text, used = asked(path.a, conditions, level, path.bounds, divisor=divisor)
        if text == before:
            continue
        before, answer = text, unsat(text, limit.given.left)
        if answer == "unsat":
            return "two solvers disagree" if limit.twice and second_opinion(text) == "sat" else answer, used
    why = {"sat": "what is known of the functions does not suffice", "unknown": f"z3 gave up after {STEPS} steps"}
    return why[answer], used


def _paths(claim: Claim, fixed: dict[str, int]) -> Iterator[Path]:
    """Yield every path of the claim's condition and margin that lies in the domain, some integers being fixed."""
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
                out[place] = _letter(a, bounds, name, place, space.entries)
            made[name] = out
        else:
            made[name] = _letter(a, bounds, name, (), space)
    if claim.domain.where is not None and not claim.domain.where(made):
        return Path(a, bounds, None)
    margin = claim.margin(SimpleNamespace(**made), a)
    return Path(a, bounds, margin if isinstance(margin, Term) else a.number(margin))


def _letter(a: Terms, bounds: dict[int, list[Condition]], name: str, place: tuple[int, ...], space: Any) -> Term:
    """Return a new variable, and note the bounds of its space."""
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
