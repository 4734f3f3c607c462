"""check: a claim becomes a verdict."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from pathlib import Path

from rankkit.claims.certificates import Certificate, certify
from rankkit.claims.claim import Claim
from rankkit.claims.cover import covered
from rankkit.claims.search import Found, float_margin, least, simplest
from rankkit.verdict import Verdict

__all__ = ["Checked", "check"]


@dataclass(frozen=True, eq=False)
class Checked:
    """A claim, its verdict, and the certificate where it fails."""

    claim: Claim
    verdict: Verdict
    certificate: Certificate | None = None


def check(
    claim: Claim, *, instances: int = 1000, seed: int = 0, budget: float = 60.0, database: Path | None = None
) -> Checked:
    """Return what can be known of a claim: searched for violations, and what was found proved in ball arithmetic.

    Parameters
    ----------
    claim : Claim
    instances : int
        How many instances to look at, at least, while the budget lasts.
    seed : int
    budget : float
        Seconds.
    database : Path, optional
        Where Hypothesis keeps what it found, to go on from there in the next run.

    Examples
    --------
    >>> from rankkit.claims import Domain, Real
    >>> up_to_two = Domain(x=Real(0, 2))
    >>> wrong = Claim("mine", "sin x >= x / 2", domain=up_to_two, margin=lambda v, a: a.sin(v.x) - v.x / 2)
    >>> check(wrong).verdict.word
    'FAILS'
    """
    if claim.ill_posed:
        return Checked(claim, Verdict("ILL_POSED", claim.ill_posed))
    try:
        if claim.measure is not None:
            seen = claim.measure()
            words = f"{seen.value:.4g} in [{seen.low:.4g}, {seen.high:.4g}]: {seen.how}"
            return Checked(claim, Verdict("EMPIRICAL", words))
        found = least(claim, instances=instances, seed=seed, budget=budget, database=database)
        return _decided(claim, found)
    except Exception as error:  # a record of a user's may raise anything; the others go on
        reason = (str(error).splitlines() or [""])[-1]
        return Checked(claim, Verdict("BROKEN", f"{type(error).__name__}: {reason}"[:300]))


def _decided(claim: Claim, found: Found) -> Checked:
    """Return the verdict on a claim whose least margin was found."""
    margin, count = found.margin, found.looked_at
    if margin < claim.error:  # violated, or too near for floats to tell
        clear = margin < -claim.error
        for instance in [simplest(claim, found.instance), found.instance] if clear else [found.instance]:
            if certificate := certify(claim, instance):
                words = ", ".join(f"{name} = {_words(value)}" for name, value in certificate.instance.items())
                verdict = Verdict(
                    "FAILS", f"{words}: margin {certificate.margin}", float_margin(claim, instance), count
                )
                return Checked(claim, verdict, certificate)
        if clear:
            return Checked(
                claim, Verdict("UNDECIDED", "floats see a violation that balls do not confirm", margin, count)
            )
    assert claim.domain is not None
    whole = "all its " if claim.domain.every() is not None else ""
    evidence = f"least margin {margin:.3g} over {whole}{count} instances"
    if claim.bite is not None:
        bite = most_bite(claim, count)
        if bite <= claim.error:
            return Checked(claim, Verdict("VACUOUS", f"{evidence}; its bite is at most {bite:.3g}", margin, count))
        evidence += f"; it bites, by up to {bite:.3g}"
    if margin > claim.error and (boxes := covered(claim)):
        evidence += f"; proved everywhere by {boxes} balls"
    if claim.under:
        return Checked(claim, Verdict("HOLDS_UNDER", f"{evidence}; under: {claim.under}", margin, count))
    return Checked(claim, Verdict("HOLDS", evidence, margin, count))


def most_bite(claim: Claim, instances: int) -> float:
    """Return the most a bound was found to say, over so many instances; not above zero: nothing anywhere."""
    bite = claim.bite
    assert bite is not None
    # an infinite error: nothing is a violation, and the search goes on to the least
    turned = replace(claim, margin=lambda v, a: -bite(v, a), bite=None, error=math.inf)
    return -least(turned, instances=instances).margin


def _words(value: object) -> str:
    return str(value).replace("'", "")
