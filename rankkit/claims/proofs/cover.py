"""A proof that a statement holds on a whole domain of one or two reals: boxes that cover it, a ball on each."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any

from rankkit.claims.arithmetic import Balls
from rankkit.claims.claim import Claim
from rankkit.claims.deadline import NEVER, Deadline, TimeIsUp
from rankkit.claims.proofs.proof import Proof
from rankkit.claims.spaces import Integer, Real

__all__ = ["cover", "covered"]

BITS = 64
BOXES = 20000
CASES = 100  # values of the integers that are taken one by one
VARIABLES = 2  # with more of them boxes get too many
SECONDS = 2.0  # a cover that is found at all is found much sooner: the largest in our ledger takes 0.04 s


def cover(claim: Claim, deadline: Deadline) -> Proof | str:
    """Return the proof of a claim whose margin is positive on a box of one or two real variables.

    Parameters
    ----------
    claim : Claim
        With a domain and a margin.
    deadline : Deadline
        At which the attempt is given up.

    Returns
    -------
    Proof or str
        The proof, or why there is none.
    """
    boxes = covered(claim, deadline=deadline)
    if boxes is None:
        return f"the margin touches zero, the domain is no box of at most two reals, or timeout at {SECONDS:g} s"
    assert claim.domain is not None
    box = ", ".join(f"{n} in [{s.low:g}, {s.high:g}]" for n, s in claim.domain.spaces.items() if isinstance(s, Real))
    return Proof(claim.id, "cover", f"margin > 0 on each of {boxes} boxes", box, "balls (python-flint)", 0.0)


def covered(claim: Claim, *, deadline: Deadline = NEVER) -> int | None:
    """Return how many boxes cover the claim's domain, the margin being certainly positive on each.

    A box is halved along its longest side, in units of the domain's, until its ball is positive.

    Parameters
    ----------
    claim : Claim
        With a domain and a margin.
    deadline : Deadline
        At which the attempt is given up; it is given up after two seconds in any case.

    Returns
    -------
    int or None
        None where no such cover was found: the margin touches zero, the domain is not a box of at most two real
        variables, or the time was up.
    """
    try:
        return _covered(claim.until(deadline.within(SECONDS)))
    except TimeIsUp:
        return None


def _covered(claim: Claim) -> int | None:
    domain, margin = claim.domain, claim.margin
    assert domain is not None
    assert margin is not None
    sides = {name: space for name, space in domain.spaces.items() if isinstance(space, Real) and not space.signed}
    whole = {name: space for name, space in domain.spaces.items() if isinstance(space, Integer)}
    if domain.where is not None or len(sides) + len(whole) != len(domain.spaces) or not 0 < len(sides) <= VARIABLES:
        return None
    ranges = [range(space.low, space.high + 1) for space in whole.values()]
    if math.prod(map(len, ranges)) > CASES:
        return None
    done = 0
    for values in itertools.product(*ranges):
        boxes = _boxes(margin, sides, dict(zip(whole, values, strict=True)), BOXES - done)
        if boxes is None:
            return None
        done += boxes
    return done


def _boxes(margin: Any, sides: Mapping[str, Real], fixed: Mapping[str, int], most: int) -> int | None:
    """Return how many boxes cover the real variables, the integers being fixed; None where there are too many."""
    names, done = list(sides), 0
    left = [[(float(sides[name].low), float(sides[name].high)) for name in names]]
    width = [high - low or 1.0 for low, high in left[0]]
    with Balls.at(BITS) as balls:
        while left:
            box = left.pop()
            if done + len(left) > most:
                return None
            if _positive(margin, dict(zip(names, box, strict=True)), fixed, balls):
                done += 1
                continue
            longest = max(range(len(box)), key=lambda i: (box[i][1] - box[i][0]) / width[i])
            low, high = box[longest]
            middle = (low + high) / 2
            if not low < middle < high:
                return None
            left += [[*box[:longest], half, *box[longest + 1 :]] for half in ((low, middle), (middle, high))]
    return done


def _positive(margin: Any, box: Mapping[str, tuple[float, float]], fixed: Mapping[str, int], balls: Balls) -> bool:
    try:
        value = margin(SimpleNamespace(**fixed, **{name: balls.between(*side) for name, side in box.items()}), balls)
    except (ValueError, ZeroDivisionError):  # the ball is too wide to say
        return False
    return bool(value > 0)
