"""What is known of a statement, and the margin that earned it."""

from __future__ import annotations

import math
from dataclasses import dataclass

__all__ = ["WORDS", "Verdict"]

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
    "INCONSISTENT": "no rounding makes the printed number and the recomputed one the same",
    "UNCLEAR": "a cell is damaged or missing",
    "BROKEN": "the record itself could not be computed",
}


@dataclass(frozen=True)
class Verdict:
    """One word about a statement, and what it rests on.

    Attributes
    ----------
    word : str
        One of `WORDS`.
    evidence : str
        One line: what was found, or why it cannot be otherwise.
    margin : float
        Least distance from violation that was seen, in the claim's own units; negative: violated. NaN: not computed.
    instances : int
        How many instances were looked at.
    """

    word: str
    evidence: str
    margin: float = math.nan
    instances: int = 0

    def __post_init__(self) -> None:
        if self.word not in WORDS:
            raise ValueError(f"word must be one of {', '.join(WORDS)}, got {self.word!r}.")
