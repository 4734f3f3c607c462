"""A proof by enumeration: every instance of a finite domain, its margin certainly not negative in ball arithmetic."""

from __future__ import annotations

from rankkit.claims.arithmetic import Balls
from rankkit.claims.claim import Claim
from rankkit.claims.deadline import Deadline
from rankkit.claims.margins import ball_margin
from rankkit.claims.proofs.proof import Proof

__all__ = ["enumerated"]

BITS = (64, 256, 1024)


def enumerated(claim: Claim, deadline: Deadline) -> Proof | str:
    """Return the proof of a claim whose domain has finitely many instances, at most 2000.

    Parameters
    ----------
    claim : Claim
        With a domain and a margin.
    deadline : Deadline
        After which no margin is computed; `TimeIsUp` is raised then.

    Returns
    -------
    Proof or str
        The proof, or why there is none.
    """
    timed = claim.until(deadline)
    assert timed.domain is not None
    every = timed.domain.every()
    if every is None:
        return "the domain is not finite, or has more than 2000 instances"
    for instance in every:
        if not any(_not_negative(timed, instance, bits) for bits in BITS):
            return f"no certain sign at {instance}"
    ranges = ", ".join(f"{name} in {space.low}..{space.high}" for name, space in timed.domain.spaces.items())  # pyright: ignore
    return Proof(
        claim.id, "enumeration", f"margin >= 0 at each of {len(every)} instances", ranges, "balls (python-flint)", 0.0
    )


def _not_negative(claim: Claim, instance: dict[str, int], bits: int) -> bool:
    with Balls.at(bits) as balls:
        try:
            return bool(ball_margin(claim, instance, balls) >= 0)
        except (ValueError, ZeroDivisionError):
            return False
