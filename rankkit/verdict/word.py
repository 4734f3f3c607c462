"""What is known of a statement, and the margin that earned it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from textwrap import shorten

__all__ = ["WORDS", "Verdict"]

LONGEST = 100  # characters of the evidence as it is shown

# for statements, then for printed numbers; BROKEN is for a record whose own code fails
WORDS: dict[str, str] = {
    "HOLDS": "no violation was found, or none can exist",
    "HOLDS_UNDER": "holds under a further hypothesis, which is named",
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

    Raises
    ------
    ValueError
        If the word is not one of `WORDS`.

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

    def __post_init__(self) -> None:
        if self.word not in WORDS:
            raise ValueError(f"word must be one of {', '.join(WORDS)}, got {self.word!r}.")

    def __repr__(self) -> str:
        lines = [f"{self.word}: {WORDS[self.word]}.", shorten(f"evidence: {self.evidence}", LONGEST)]
        if self.instances:
            lines.append(f"margin {self.margin:.3g}, {self.instances} instances")
        return "\n  ".join(lines)
