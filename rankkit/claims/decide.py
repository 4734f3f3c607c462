"""check: a claim becomes a verdict."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from importlib.util import find_spec
from pathlib import Path
from textwrap import shorten
from typing import Any

from rankkit.checks import integer
from rankkit.claims.certificates import Certificate, certify, in_words
from rankkit.claims.claim import Claim
from rankkit.claims.deadline import Deadline, TimeIsUp
from rankkit.claims.margins import sign
from rankkit.claims.nearest import Found
from rankkit.claims.proofs import Attempt, Proof, prove
from rankkit.claims.search import least, simplest
from rankkit.extras import how_to_install
from rankkit.report.inline import WIDTH, html_summary, text_summary
from rankkit.verdict import WORDS, Verdict

__all__ = ["Checked", "check"]

SEARCH = 0.9  # of the budget; the rest is kept for the proofs
SIMPLER = 0.5  # of what is left when a violation is found
EARLY = "; the budget ended the check early"
LIBRARIES = {"flint": "python-flint", "hypothesis": "hypothesis"}  # module -> what installs it


@dataclass(frozen=True, eq=False, repr=False)
class Checked:
    """A claim, its verdict, and the certificate where it fails or the proof where it holds.

    Attributes
    ----------
    claim : Claim
        The statement, as it was given.
    verdict : Verdict
        What is known of it.
    certificate : Certificate or None
        The proof that it fails; None for every other verdict.
    attempt : Attempt or None
        The proof that it holds, or what each engine could not do; None where nobody tried.

    Examples
    --------
    >>> from rankkit.claims import Domain, Real
    >>> check(Claim("mine", "x >= 1", domain=Domain(x=Real(0, 2)), margin=lambda v, a: v.x - 1))
    mine: FAILS.
      x >= 1
      FAILS: a counterexample is certified
      evidence: x = 0: margin -1.00000000000000000
      .certificate.recheck(claim) computes the margin again.
    """

    claim: Claim
    verdict: Verdict
    certificate: Certificate | None = None
    attempt: Attempt | None = None

    @property
    def proof(self) -> Proof | None:
        """The proof that the claim holds; None where there is none."""
        return None if self.attempt is None else self.attempt.proof

    def __repr__(self) -> str:
        return text_summary(*self._shown())

    def _repr_html_(self) -> str:
        return html_summary(*self._shown())

    def _shown(self) -> tuple[str, list[str]]:
        """Return the title and the lines that show what is known of the claim."""
        word = self.verdict.word
        lines = [self.claim.statement, f"{word}: {WORDS[word]}", f"evidence: {self.verdict.evidence}"]
        if self.proof is not None:
            lines.append(f"proof: {self.proof.statement}; for {self.proof.domain}")
        elif self.attempt is not None:
            lines.append(f"no proof: {self.attempt.in_words}")
        if self.certificate is not None:
            lines.append(".certificate.recheck(claim) computes the margin again.")
        return f"{self.claim.id}: {word}.", [shorten(line, WIDTH) for line in lines]


def check(
    claim: Claim,
    *,
    instances: int = 1000,
    seed: int = 0,
    budget: float = 60.0,
    database: Path | None = None,
    clock: Callable[[], float] = time.monotonic,
) -> Checked:
    """Return what can be known of a claim: it is searched for violations, and what is found is proved in balls.

    Parameters
    ----------
    claim : Claim
        The statement.
    instances : int
        How many instances to look at, at least, while the budget lasts.
    seed : int
        The same seed finds the same, apart from what a database adds.
    budget : float
        Seconds for the whole check: the search, the gradient, the bite, the proofs. No margin, bite or condition is
        computed after it, so that it is exceeded by one evaluation at most. Hypothesis and torch are left out where
        they are not loaded yet and what is left is too short to load them. A claim's own measurement is not stopped.
    database : Path, optional
        Where Hypothesis keeps what it found, to go on from there in the next run.
    clock : callable
        () -> seconds, never going back, by which the budget is kept.

    Returns
    -------
    Checked
        The claim with its verdict, with a certificate where it fails, and with a proof where one was found. What
        goes wrong in the claim's own code makes the verdict BROKEN.

    Raises
    ------
    TypeError
        If claim is something else.
    ValueError
        If instances is no integer of at least 1, or the budget is not above 0.
    ImportError
        If a library of the extra `verify` is missing, which says nothing about the claim.

    Examples
    --------
    >>> from rankkit.claims import Domain, Real
    >>> up_to_two = Domain(x=Real(0, 2))
    >>> wrong = Claim("mine", "sin x >= x / 2", domain=up_to_two, margin=lambda v, a: a.sin(v.x) - v.x / 2)
    >>> check(wrong).verdict.word
    'FAILS'
    """
    if not isinstance(claim, Claim):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise TypeError(f"claim must be a rankkit.claims.Claim, got {type(claim).__name__}; make one of the statement.")
    count = integer("instances", instances)
    if not budget > 0:
        raise ValueError(f"budget must be a number of seconds above 0, got {budget!r}; for instance 60.")
    deadline = Deadline.after(budget, clock=clock)
    if claim.ill_posed:
        return Checked(claim, Verdict("ILL_POSED", claim.ill_posed))
    if claim.margin is not None:
        _check_libraries()
    try:
        if claim.measure is not None:
            seen = claim.measure()
            words = f"{seen.value:.4g} in [{seen.low:.4g}, {seen.high:.4g}]: {seen.how}"
            return Checked(claim, Verdict("EMPIRICAL", words))
        search = deadline.share(SEARCH / 2 if claim.bite else SEARCH)
        found = least(claim, instances=count, seed=seed, deadline=search, database=database)
        return _decided(claim, found, deadline)
    except Exception as error:  # a record of a user's may raise anything; the others go on
        reason = (str(error).splitlines() or [""])[-1]
        return Checked(claim, Verdict("BROKEN", f"{type(error).__name__}: {reason}"[:300]))


def _check_libraries() -> None:
    """Raise an ImportError where a library of the extra `verify` is missing: every claim would be BROKEN for that."""
    for module, library in LIBRARIES.items():
        if find_spec(module) is None:
            raise ImportError(f"claims need {library}, which is not installed; {how_to_install('verify')}.")


def _decided(claim: Claim, found: Found | None, deadline: Deadline) -> Checked:
    """Return the verdict on a claim whose least margin was found."""
    if found is None:
        return Checked(claim, Verdict("UNDECIDED", "the budget ended before the first instance was looked at"))
    if found.margin < claim.error and (refuted := _refuted(claim, found, deadline)):
        return refuted
    return _upheld(claim, found, deadline)


def _refuted(claim: Claim, found: Found, deadline: Deadline) -> Checked | None:
    """Return the proof of a violation; None where the margin is too near to zero for floats and balls to tell."""
    clear = found.margin < -claim.error
    given = any(found.instance is tried for tried in claim.tries)
    simpler = [simplest(claim, found, deadline=deadline.share(SIMPLER))] if clear and not given else []
    for violation in [*simpler, found]:
        if certificate := certify(claim, violation.instance, deadline=deadline):
            evidence = f"{in_words(certificate.instance)}: margin {certificate.margin}"
            return Checked(claim, Verdict("FAILS", evidence, violation.margin, found.looked_at), certificate)
    if not clear:
        return None
    why = "the budget ended before balls confirmed it" if deadline.passed else "balls do not confirm it"
    return Checked(claim, Verdict("UNDECIDED", f"floats see a violation; {why}", found.margin, found.looked_at))


def _upheld(claim: Claim, found: Found, deadline: Deadline) -> Checked:
    """Return what is known of a claim that no instance violates: whether it says anything, and whether it is proved."""
    count = found.looked_at
    seen = (
        f"no violation among {'all its ' if found.every else ''}{count} instances; {_nearest(claim, found, deadline)}"
    )
    early = found.cut_short or deadline.passed
    if claim.bite is not None:
        most = _most_bite(claim, claim.bite, count, deadline.share(SEARCH))
        if most is None:
            unseen = f"{seen}; the budget ended before its bite was looked at"
            return Checked(claim, Verdict("UNDECIDED", unseen, found.margin, count))
        early = early or most.cut_short
        if -most.margin <= claim.error:
            evidence = f"{seen}; its bite is at most {-most.margin:.3g}{EARLY if early else ''}"
            return Checked(claim, Verdict("VACUOUS", evidence, found.margin, count))
        seen += f"; it bites, by up to {-most.margin:.3g}"
    attempt = prove(claim, deadline=deadline)
    proved = attempt.proof is not None
    parts = [f"proved by {attempt.proof.in_words}" if attempt.proof else "not proved", seen]
    if claim.under:
        parts.append(f"under: {claim.under}")
    evidence = "; ".join(parts) + (EARLY if early else "")
    word = "HOLDS_UNDER" if claim.under else "PROVED" if proved else "UNREFUTED"
    return Checked(claim, Verdict(word, evidence, found.margin, count, proved), attempt=attempt)


def _nearest(claim: Claim, found: Found, deadline: Deadline) -> str:
    """Return in words how near the nearest instance is to violation; what floats cannot tell from 0, balls decide."""
    if found.margin > claim.error:
        return f"least margin {found.margin:.3g}"
    try:
        ball = sign(claim.until(deadline), found.instance)
    except TimeIsUp:
        return "least margin too near to 0 for floats"
    if ball.sign > 0:
        return f"least margin {float(ball.margin.mid()):.3g}, positive in balls"
    if ball.margin is not None and ball.margin == 0:
        return "equality is attained, exactly"
    return f"equality is attained, as far as balls of {ball.bits} bits tell"


def _most_bite(claim: Claim, bite: Callable[[Any, Any], Any], instances: int, deadline: Deadline) -> Found | None:
    """Return the instance at which a bound was found to say most, by the negative of its bite."""

    def turned(variables: Any, arithmetic: Any) -> Any:
        return -bite(variables, arithmetic)

    # an infinite error: nothing is a violation, and the search goes on to the least
    searched = replace(claim, margin=turned, bite=None, error=math.inf)
    return least(searched, instances=instances, deadline=deadline)
