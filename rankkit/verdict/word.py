"""What is known of a statement, and the margin that earned it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from textwrap import shorten

__all__ = ["UPHELD", "WORDS", "Verdict", "agree"]

LONGEST = 100  # characters of the evidence as it is shown

# for statements, then for printed numbers; BROKEN is for a record whose own code fails
WORDS: dict[str, str] = {
    "PROVED": "a proof for the whole domain was made and checked here",
    "UNREFUTED": "a search found no violation, and there is no proof",
    "HOLDS_UNDER": "as PROVED or UNREFUTED, which is said, under a further hypothesis, which is named",
    "FAILS": "a counterexample is certified",
    "VACUOUS": "true, but the bound can never bite",
    "ILL_POSED": "cannot be decided as it is stated, for the reason given",
    "EMPIRICAL": "a matter of measurement: the measured value, with its interval",
    "UNDECIDED": "could not tell",
    "CONSISTENT": "the printed number and the recomputed one can be the same",
    "INCONSISTENT": "what is printed contradicts itself under every fair reading",
    "OVERSTATED": "the words say more than the cells",
    "NARROW": "the numbers agree at one point only, or only if digits were cut",
    "UNCLEAR": "a cell is damaged or missing, or the text leaves open what decides it",
    "BROKEN": "the record itself could not be computed",
}

UPHELD = ("PROVED", "UNREFUTED", "HOLDS_UNDER")  # no violation is known
OLD = "HOLDS"  # until format 2 of a ledger's records: PROVED or UNREFUTED, which was not told apart


def agree(before: str, now: str) -> bool:
    """Return whether two words say the same; HOLDS, of an old ledger, is PROVED or UNREFUTED.

    Parameters
    ----------
    before, now : str
        The committed word, and today's.

    Examples
    --------
    >>> agree("HOLDS", "PROVED"), agree("PROVED", "UNREFUTED")
    (True, False)
    """
    return before == now or (before == OLD and now in ("PROVED", "UNREFUTED"))


@dataclass(frozen=True, repr=False)
class Verdict:
    """One word about a statement, and what it rests on.

    Attributes
    ----------
    word : str
        One of `WORDS`.
    evidence : str
        One line: what was found, or why it cannot be otherwise.
    margin : float
        The least distance from violation that was seen, in the claim's own units; negative where it is violated. NaN
        where none was computed.
    instances : int
        How many instances were looked at.
    proved : bool
        Whether a proof for the whole domain was made and checked: always for PROVED, never for UNREFUTED, and what
        tells the two kinds of HOLDS_UNDER apart.

    Raises
    ------
    ValueError
        If the word is not one of `WORDS`, or `proved` contradicts it.

    Examples
    --------
    >>> Verdict("FAILS", "x = 2: margin -0.09", -0.09, 40)
    FAILS: a counterexample is certified.
      evidence: x = 2: margin -0.09
      margin -0.09, 40 instances
    """

    word: str
    evidence: str
    margin: float = math.nan
    instances: int = 0
    proved: bool = False

    def __post_init__(self) -> None:
        if self.word not in WORDS:
            raise ValueError(f"word must be one of {', '.join(WORDS)}, got {self.word!r}.")
        if self.proved and self.word not in ("PROVED", "HOLDS_UNDER"):
            raise ValueError(f"proved can be True for PROVED and HOLDS_UNDER alone, got {self.word}.")
        object.__setattr__(self, "proved", self.proved or self.word == "PROVED")

    def __repr__(self) -> str:
        lines = [f"{self.word}: {WORDS[self.word]}.", shorten(f"evidence: {self.evidence}", LONGEST)]
        if self.instances:
            lines.append(f"margin {self.margin:.3g}, {self.instances} instances")
        return "\n  ".join(lines)
