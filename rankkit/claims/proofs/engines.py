"""The engines in the order in which they are tried, each bounded in time, and what is made of their proofs again."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import replace

from rankkit.claims.claim import Claim
from rankkit.claims.deadline import NEVER, Deadline, TimeIsUp
from rankkit.claims.proofs.algebra import algebra, asked_again
from rankkit.claims.proofs.cover import cover
from rankkit.claims.proofs.enumeration import enumerated
from rankkit.claims.proofs.induction import induction
from rankkit.claims.proofs.proof import Attempt, Proof
from rankkit.claims.proofs.second import SecondSolver
from rankkit.claims.proofs.squares import checked_squares, sums_of_squares
from rankkit.claims.proofs.theorems import theorem

__all__ = ["ENGINES", "prove", "recheck"]

Engine = Callable[[Claim, Deadline], "Proof | str"]
ENGINES: dict[str, Engine] = {
    "theorem": theorem,
    "enumeration": enumerated,
    "induction": induction,
    "squares": sums_of_squares,
    "algebra": algebra,
    "cover": cover,
}
ASKED = ("algebra", "identity")  # proofs that are questions


def prove(claim: Claim, *, deadline: Deadline = NEVER) -> Attempt:
    """Return the first proof that an engine finds for a claim, or what each of them could not do.

    Parameters
    ----------
    claim : Claim
        With a domain and a margin.
    deadline : Deadline
        At which the attempts are given up.

    Examples
    --------
    >>> from rankkit.claims import Domain, Integer
    >>> few = Domain(k=Integer(-3, 3))
    >>> few = Claim("mine", "k (k - 1) >= 0", domain=few, margin=lambda v, a: a.of(v.k * (v.k - 1)))
    >>> prove(few).proof.kind
    'enumeration'
    """
    reasons: dict[str, str] = {}
    for name, engine in ENGINES.items():
        begun = time.monotonic()
        try:
            found = engine(claim, deadline)
        except TimeIsUp:
            found = "the budget ended"
        except ImportError as error:
            found = str(error)
        if isinstance(found, Proof):
            return Attempt(replace(found, seconds=round(time.monotonic() - begun, 3)), reasons)
        reasons[name] = found
    return Attempt(None, reasons)


def recheck(proof: Proof, claim: Claim, *, second: SecondSolver | None = None) -> bool:
    """Return whether a stored proof is one of its claim's, with nothing taken from the search that found it.

    Squares are expanded, and compared with the margin. The questions of a proof by algebra are written down again from
    the margin, compared with the stored ones, and put to z3 and, where it is installed, to a second solver. The second
    one may end without an answer, which `second.in_words` says. Proofs of the other kinds are made again, and their
    questions put to it too. A theorem is compared with the record of the run of coqc that accepted its file;
    `make rocq` runs coqc again.

    Parameters
    ----------
    proof : Proof
        As it was stored.
    claim : Claim
        Whose proof it is said to be.
    second : SecondSolver, optional
        One for several proofs; by default this proof has one of its own.

    Raises
    ------
    ValueError
        If the proof is of another claim, or of an engine that does not exist.
    """
    if proof.claim != claim.id:
        raise ValueError(f"this proof is of {proof.claim}, not of {claim.id}.")
    if proof.kind not in ENGINES and proof.kind not in ASKED:
        raise ValueError(f"the proof of {claim.id} is of the kind {proof.kind!r}; there are {', '.join(ENGINES)}.")
    if proof.kind == "squares":
        return checked_squares(proof, claim)
    with nullcontext(second) if second else SecondSolver() as solver:
        if proof.kind in ASKED:
            return asked_again(proof, claim, solver)
        again = ENGINES[proof.kind](claim, NEVER)
        if not isinstance(again, Proof) or proof.questions not in ((), again.questions):
            return False
        same = (again.statement, again.domain, again.digest) == (proof.statement, proof.domain, proof.digest)
        return same and solver.agrees(again.questions)
