"""Proofs by induction in an integer: the statement at its lowest value, and the step from k to k + 1.

The base case is one of real algebra, or an exact sign. For the step the integer is a letter k >= low: no real values
may make the margin negative at k + 1 where it is not at k. So the statement holds for every integer from low on, not
only up to the bound to which it is searched.
"""

from __future__ import annotations

from dataclasses import replace
from importlib.metadata import version
from types import SimpleNamespace
from typing import Any

from rankkit.claims.claim import Claim
from rankkit.claims.deadline import Deadline
from rankkit.claims.domain import Domain
from rankkit.claims.matrices import Matrix
from rankkit.claims.proofs.algebra import Limit, algebra, digest_of, refuted
from rankkit.claims.proofs.facts import KNOWN
from rankkit.claims.proofs.letters import Terms
from rankkit.claims.proofs.paths import Path, in_words, letter
from rankkit.claims.proofs.proof import Proof
from rankkit.claims.proofs.terms import Condition, Term, UndecidedError
from rankkit.claims.spaces import Integer

__all__ = ["induction"]


def induction(claim: Claim, deadline: Deadline) -> Proof | str:
    """Return the proof of a claim for every value from the lowest on of the integer that its record names.

    Parameters
    ----------
    claim : Claim
        With a domain, a margin, and the name of an integer in `induction`.
    deadline : Deadline
        At which the attempt is given up.

    Returns
    -------
    Proof or str
        The proof, or why there is none.
    """
    name = claim.induction
    if not name:
        return "the record names no integer for it"
    assert claim.domain is not None
    space = claim.domain.spaces[name]
    assert isinstance(space, Integer)
    if claim.domain.where is not None or any(isinstance(one, Matrix) for one in claim.domain.spaces.values()):
        return "its domain has a condition or a matrix"
    base = algebra(_at(claim, name, space.low), deadline)
    if isinstance(base, str):
        return f"at {name} = {space.low}: {base}"
    try:
        answer, used, text = _step(claim, name, space.low, Limit.until(deadline))
    except UndecidedError as error:
        return f"in the step: {error}"
    except (TypeError, AttributeError, ValueError, IndexError, KeyError) as error:
        return f"its margin is not made of the arithmetic's functions of {name} ({type(error).__name__})"
    if answer != "unsat":
        return f"in the step: {answer}"
    questions = [*base.questions, text]
    rest = {one: side for one, side in claim.domain.spaces.items() if one != name}
    others = f", {in_words(replace(claim, domain=Domain(**rest), induction=''))}" if rest else ""
    return Proof(
        claim.id, "induction", f"margin >= 0 at {name} = {space.low}, and at {name} + 1 where it is at {name}",
        f"every integer {name} >= {space.low}{others}", f"z3 {version('z3-solver')}", 0.0,
        facts=tuple(sorted({*base.facts, *(KNOWN[fact] for fact in used)})), digest=digest_of(questions),
        questions=tuple(questions),
    )  # fmt: skip


def _at(claim: Claim, name: str, value: int) -> Claim:
    """Return the claim with its integer fixed."""
    assert claim.domain is not None
    spaces = {**claim.domain.spaces, name: Integer(value, value)}
    return replace(claim, domain=Domain(**spaces))


def _step(claim: Claim, name: str, low: int, limit: Limit) -> tuple[str, set[str], str]:
    """Return the answer to the question whether the margin can fall below zero from k to k + 1."""
    assert claim.domain is not None
    assert claim.margin is not None
    a, bounds = Terms([]), dict[int, list[Condition]]()
    made: dict[str, Any] = {one: letter(a, bounds, one, (), space) for one, space in claim.domain.spaces.items()}
    k = made[name]
    ((monomial, _),) = k.parts.items()
    bounds[monomial[0][0]] = [Condition((k - low,), ">=")]  # without an upper bound
    here, there = (claim.margin(SimpleNamespace(**{**made, name: at}), a) for at in (k, k + 1))
    here, there = (x if isinstance(x, Term) else a.number(x) for x in (here, there))
    if a.answers or a.divisors:
        raise UndecidedError("its margin asks a question of a letter, or divides by one")
    path = Path(a, bounds, there)
    answer, used, text, _ = refuted(path, [Condition((here,), ">="), Condition((there,), "<")], None, limit)
    return answer, used, text
