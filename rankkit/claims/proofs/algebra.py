"""Proofs by real algebra: the margin in letters, every path, and an SMT solver that finds no violation on any.

A path on which the margin's normal form is a number that is not negative needs no solver: an identity.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterator
from importlib.metadata import version
from typing import NamedTuple

from rankkit.claims.claim import Claim
from rankkit.claims.deadline import Deadline
from rankkit.claims.proofs.facts import KNOWN, LEVELS
from rankkit.claims.proofs.paths import Path, cases, in_words, paths
from rankkit.claims.proofs.proof import Proof
from rankkit.claims.proofs.questions import BRIEF, STEPS, asked, unsat
from rankkit.claims.proofs.second import SecondSolver
from rankkit.claims.proofs.terms import Condition, Term, UndecidedError

__all__ = ["Limit", "algebra", "asked_again", "digest_of", "refuted"]

SECONDS = 6.0  # of the processor, for all questions of one claim


class Limit(NamedTuple):
    """When an attempt ends: at the caller's deadline, or after so long on the processor."""

    given: Deadline
    own: Deadline

    @classmethod
    def until(cls, deadline: Deadline) -> Limit:
        """Return the limit of an attempt that begins now.

        Parameters
        ----------
        deadline : Deadline
            Of the caller's.
        """
        return cls(deadline, Deadline.after(SECONDS, clock=time.process_time))

    def check(self) -> None:
        """Raise `TimeIsUp` or `UndecidedError` at the end."""
        self.given.check()
        if self.own.passed:
            raise UndecidedError(f"timeout at {SECONDS:g} s")


def algebra(claim: Claim, deadline: Deadline) -> Proof | str:
    """Return the proof of a claim whose negation has no real solution.

    Parameters
    ----------
    claim : Claim
        With a domain and a margin.
    deadline : Deadline
        At which the attempt is given up.

    Returns
    -------
    Proof or str
        The proof, with the questions that were asked in it, or why there is none.
    """
    limit, reason = Limit.until(deadline), "there is no way to take its integers one by one"
    for way, fixed in enumerate(cases(claim)):
        try:
            found = _decided(claim, way, fixed, limit)
            if isinstance(found, Proof):
                return found
            reason = found
        except UndecidedError as error:
            reason = str(error)
        except (TypeError, AttributeError, ValueError, IndexError, KeyError) as error:
            reason = f"its margin is not made of the arithmetic's functions ({type(error).__name__})"
    return reason


def _decided(claim: Claim, way: int, values: list[dict[str, int]], limit: Limit) -> Proof | str:
    facts, questions, levels, ways = set[str](), list[str](), list[int](), 0
    for fixed in values:
        for path in paths(claim, fixed):
            limit.check()
            ways += 1
            for conditions, divisor in _to_refute(path):
                answer, used, text, level = refuted(path, conditions, divisor, limit)
                if answer != "unsat":
                    return f"{answer}{f' at {fixed}' if fixed else ''}"
                facts |= used
                questions.append(text)
                levels.append(level)
    if not ways:
        return "no path lies in the domain"
    kind, checker = ("algebra", f"z3 {version('z3-solver')}") if questions else ("identity", "rational normal form")
    return Proof(
        claim.id, kind, _statement(ways, len(questions)), in_words(claim), checker, 0.0,
        facts=tuple(KNOWN[name] for name in sorted(facts)), digest=digest_of(questions),
        evidence={"way": way, "levels": levels}, questions=tuple(questions),
    )  # fmt: skip


def _statement(ways: int, questions: int) -> str:
    words = f"{ways} path{'s' * (ways > 1)}" + (f", {questions} questions unsatisfiable" if questions else "")
    return f"no real values in the domain make the margin negative: {words}"


def digest_of(questions: list[str]) -> str:
    """Return the SHA-256 of the questions in their order.

    Parameters
    ----------
    questions : list of str
        In SMT-LIB.
    """
    return hashlib.sha256("".join(questions).encode()).hexdigest()


def asked_again(proof: Proof, claim: Claim, second: SecondSolver) -> bool:
    """Return whether a claim's questions are those of a proof, and have no solution; nothing is searched for.

    The margin is evaluated in letters again, and at the levels of facts that the proof states it must give the very
    questions of which the proof has the digest. Each is put to z3, and to the second solver where it is installed.

    Parameters
    ----------
    proof : Proof
        By algebra.
    claim : Claim
        Whose proof it is said to be.
    second : SecondSolver
        Which must not find a solution that z3 denies.
    """
    try:
        way, levels = int(proof.evidence["way"]), list(proof.evidence["levels"])
        values = list(cases(claim))[way]
        ways = [path for fixed in values for path in paths(claim, fixed)]
        open_ones = [(path, *one) for path in ways for one in _to_refute(path)]
        questions = [
            asked(path.a, conditions, level, path.bounds, divisor=divisor)[0]
            for (path, conditions, divisor), level in zip(open_ones, levels, strict=True)
        ]
    except (UndecidedError, KeyError, TypeError, ValueError, IndexError, AttributeError):
        return False
    if (proof.statement, proof.domain) != (_statement(len(ways), len(questions)), in_words(claim)):
        return False
    if not ways or digest_of(questions) != proof.digest or (proof.questions and tuple(questions) != proof.questions):
        return False
    return all(unsat(text) == "unsat" for text in questions) and second.agrees(questions)


def _to_refute(path: Path) -> Iterator[tuple[list[Condition], Term | None]]:
    """Yield what must not be possible on a path: a divisor that is zero, and a negative margin."""
    for divisor in path.a.divisors:
        yield [*path.a.conditions, Condition((divisor,), "=")], divisor
    assert path.margin is not None
    if path.margin.value is None or path.margin.value < 0:
        yield [*path.a.conditions, Condition((path.margin,), "<")], None


def refuted(
    path: Path, conditions: list[Condition], divisor: Term | None, limit: Limit
) -> tuple[str, set[str], str, int]:
    """Return the answer at the first level of facts that refutes the conditions, else why none does.

    Parameters
    ----------
    path : Path
        Along which the conditions arose.
    conditions : list of Condition
        That must not hold together.
    divisor : Term, optional
        The one that is asked to be zero, if it is one.
    limit : Limit
        When the attempt ends.

    Returns
    -------
    tuple
        "unsat" or a reason, the names of the facts used, the question, and the level of facts.
    """
    answer, text, used, before, level = "", "", set[str](), "", 0
    brief = any(condition.relation in ("some", "none") for condition in conditions)
    for level in range(BRIEF if brief else 0, len(LEVELS)):
        limit.check()
        text, used = asked(path.a, conditions, level, path.bounds, divisor=divisor)
        if text == before:
            continue
        before, answer = text, unsat(text, limit.given.left)
        if answer == "unsat":
            return answer, used, text, level
    why = {"sat": "what is known of the functions does not suffice", "unknown": f"z3 gave up after {STEPS} steps"}
    return why[answer], used, text, level
