"""A proof that a statement holds on a box of up to six reals: smaller boxes that cover it, and an enclosure on each.

On every box the margin is enclosed by its ball and by its mean value form. Where its derivative by a variable keeps
one sign, the box shrinks to the end at which the margin is least. What is left open is halved along the side that
makes the enclosure widest. Around a point where the margin touches zero, its Taylor form decides.
"""

from __future__ import annotations

import time
from fractions import Fraction
from typing import Any

from rankkit.claims.claim import Claim
from rankkit.claims.deadline import Deadline, TimeIsUp
from rankkit.claims.proofs.boxes import BITS, Box, Case, Side, between, cases, in_words
from rankkit.claims.proofs.proof import Proof
from rankkit.claims.proofs.rays import Rays
from rankkit.claims.proofs.touching import neighbourhood, touching

__all__ = ["cover"]

BOXES = 20000
SECONDS = 1.0  # of the processor: a cover that is found at all is mostly found much sooner
DEEPEST = 40  # halvings of one side


def cover(claim: Claim, deadline: Deadline) -> Proof | str:
    """Return the proof of a claim whose margin is certainly not negative on a box of at most six real variables.

    Parameters
    ----------
    claim : Claim
        With a domain and a margin.
    deadline : Deadline
        At which the attempt is given up; it is given up after a second of the processor in any case.

    Returns
    -------
    Proof or str
        The proof, or why there is none.
    """
    own = Deadline.after(SECONDS, clock=time.process_time)
    found = cases(claim.until(deadline))
    if isinstance(found, str):
        return found
    done = 0
    try:
        for case in found:
            covered = _Covering(case, BOXES - done, own)
            if (reason := covered.run()) is not None:
                return f"{reason}{f' at {dict(case.fixed)}' if case.fixed else ''}"
            done += covered.done
    except TimeIsUp:
        deadline.check()
        return f"timeout at {SECONDS:g} s"
    except (TypeError, AttributeError, ValueError, IndexError, KeyError) as error:
        return f"its margin is not made of the arithmetic's functions ({type(error).__name__})"
    return Proof(
        claim.id, "cover", f"margin >= 0 on each of {done} boxes", in_words(claim), "balls (python-flint)", 0.0
    )


class _Covering:
    """The boxes of one case that are still open."""

    def __init__(self, case: Case, most: int, limit: Deadline) -> None:
        self.case, self.most, self.limit, self.done = case, most, limit, 0
        self.calm: list[Box] | None = None  # around points where the margin touches zero; found where they are needed

    def run(self) -> str | None:
        """Return why the case is not covered; None where it is."""
        left = [self.case.sides]
        while left:
            self.limit.check()
            box = left.pop()
            if self.done + len(left) > self.most:
                return f"more than {self.most} boxes"
            if self.case.outside(box):
                continue
            open_ones = self._open(box)
            if open_ones is None:
                return "no enclosure decides where the margin touches zero or is negative"
            self.done += not open_ones
            left += open_ones
        return None

    def _open(self, box: Box) -> list[Box] | None:
        """Return what is left to do for a box: nothing, its parts, or None where it cannot be halved any more."""
        value = self.case.value(box)
        if value is not None and value >= 0:
            return []
        slopes = [None if low == high else self.case.slope(box, i) for i, (low, high) in enumerate(box)]
        if all(slope is not None or low == high for slope, (low, high) in zip(slopes, box, strict=True)):
            shrunk = tuple(map(_least_end, slopes, box))
            if shrunk != box and self.case.unconditional:  # else the end may be a point of which nothing is claimed
                return [shrunk]
            if self._mean_value(box, slopes):
                return []
        if self.calm is None:
            found = [neighbourhood(self.case, point, self.limit) for point in touching(self.case)]
            self.calm = [one for one in found if one is not None]
        for calm in self.calm:
            if all(c <= low and high <= d for (low, high), (c, d) in zip(box, calm, strict=True)):
                return []
            if all(low < d and c < high for (low, high), (c, d) in zip(box, calm, strict=True)):
                return _cut(box, calm)
        return self._halved(box, slopes)

    def _mean_value(self, box: Box, slopes: list[Any]) -> bool:
        """Return whether the value in the middle and the slopes keep the margin up on the whole box."""
        middle = tuple((low + high) / 2 for low, high in box)
        here = self.case.value(tuple((x, x) for x in middle))
        if here is None:
            return False
        with Rays.at(BITS, 1) as a:
            for slope, (low, high) in zip(slopes, box, strict=True):
                if slope is not None:
                    here += slope * between(a, ((low - high) / 2, (high - low) / 2))
            return bool(here >= 0)

    def _halved(self, box: Box, slopes: list[Any]) -> list[Box] | None:
        """Return both halves, cut across the side that widens the enclosure most."""
        widths = [(high - low) / self.case.width(i) for i, (low, high) in enumerate(box)]
        sloped = all(slope is not None for slope, width in zip(slopes, widths, strict=True) if width)
        steep = [float(abs(slope).upper()) if sloped and slope is not None else 1.0 for slope in slopes]
        share = [float(width) * s for width, s in zip(widths, steep, strict=True)]
        axis = max(range(len(box)), key=lambda i: (share[i] if widths[i] else -1.0, widths[i]))
        if widths[axis] < Fraction(1, 2**DEEPEST):
            return None
        low, high = box[axis]
        return [(*box[:axis], half, *box[axis + 1 :]) for half in ((low, (low + high) / 2), ((low + high) / 2, high))]


def _least_end(slope: Any, side: Side) -> Side:
    """Return the end of a side at which a margin of that slope is least; the side where its sign is open."""
    if slope is not None and slope >= 0:
        return side[0], side[0]
    if slope is not None and slope <= 0:
        return side[1], side[1]
    return side


def _cut(box: Box, calm: Box) -> list[Box]:
    """Return the parts of a box inside and outside another, cut along the first face that crosses it."""
    for axis, ((low, high), (c, d)) in enumerate(zip(box, calm, strict=True)):
        for face in (c, d):
            if low < face < high:
                return [(*box[:axis], part, *box[axis + 1 :]) for part in ((low, face), (face, high))]
    return []
