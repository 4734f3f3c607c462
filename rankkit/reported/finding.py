"""What comparing a printed number with a recomputed one gives."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from rankkit.reported.printed import Quantity
from rankkit.verdict import WORDS

__all__ = ["BASES", "Finding", "agree", "decimal"]

BASES = ("arithmetic", "prose", "comparison", "reading")


@dataclass(frozen=True)
class Finding:
    """One check of what a paper prints.

    Attributes
    ----------
    id, paper, location, what : str
        Its name, the paper's, the table or section, and the relation that was checked.
    verdict : str
        CONSISTENT, INCONSISTENT or UNCLEAR; EMPIRICAL for an observation.
    arithmetic : str
        Written out with the printed numbers.
    gap : float
        Between the two intervals, in the cell's units; 0 where they meet.
    units : float
        The gap in units of the last printed digit; 0 where there is none.
    repair : str
        The smallest change of one cell that would close the gap.
    conclusion : str
        What the paper concludes from the number and would not from the recomputed one; empty: nothing known.
    basis : str
        How sure it is: ``arithmetic`` rests on the table alone; ``prose`` also on a number in the text; ``comparison``
        on the order of cells, the text's words taken as meant for each; ``reading`` on a module set, a formula, or one
        setting behind two places, assumed.
    cell : str
        ``table|row|column`` of the printed number, for the picture.
    recomputed : str
        To one digit more than is printed.
    """

    id: str
    paper: str
    location: str
    what: str
    verdict: str
    arithmetic: str
    gap: float = 0.0
    units: float = 0.0
    repair: str = ""
    conclusion: str = ""
    basis: str = "arithmetic"
    cell: str = ""
    recomputed: str = ""

    def __post_init__(self) -> None:
        if self.verdict not in WORDS:
            raise ValueError(f"verdict must be one of {', '.join(WORDS)}, got {self.verdict!r}.")


def agree(printed: Quantity, recomputed: Quantity) -> dict[str, Any]:
    """Return a finding's verdict, arithmetic, gap, units, repair and recomputed value.

    Their intervals meet: CONSISTENT. Either rests on a damaged or missing cell: UNCLEAR. Otherwise INCONSISTENT.
    """
    unit = printed.unit or recomputed.unit
    shown = decimal(recomputed.value, unit / 10 if unit else Fraction(0))
    sum_text = recomputed.text if recomputed.text == shown else f"{recomputed.text} = {shown}"
    doubt = "; ".join(dict.fromkeys(part for part in (printed.doubt, recomputed.doubt) if part))
    if doubt:
        text = f"{recomputed.text}; printed {printed.text}; {doubt}{_needed(printed, recomputed)}"
        return {"verdict": "UNCLEAR", "arithmetic": text}
    gap = max(recomputed.low - printed.high, printed.low - recomputed.high, Fraction(0))
    span = f"rounding allows {decimal(recomputed.low, unit / 100)} to {decimal(recomputed.high, unit / 100)}"
    arithmetic = f"{sum_text}, printed {printed.text}; {span}" if unit else f"{sum_text}, printed {printed.text}"
    return {
        "verdict": "INCONSISTENT" if gap else "CONSISTENT",
        "arithmetic": arithmetic,
        "gap": float(gap),
        "units": float(gap / unit) if unit else 0.0,
        "repair": _repair(printed, recomputed) if gap else "",
        "recomputed": shown,
    }


def decimal(value: Fraction, unit: Fraction) -> str:
    """Return the value to about the unit's digits, half away from 0."""
    if value.denominator == 1 and abs(value) >= 10**5:
        return f"{value.numerator}"
    places = 0
    while unit and Fraction(1, 10**places) > unit and places < 12:
        places += 1
    places = places if unit else 4
    scaled = abs(value) * 10**places
    digits = int(scaled + Fraction(1, 2))
    text = f"{digits / 10**places:.{places}f}" if places else str(digits)
    return f"-{text}" if value < 0 and digits else text


def _needed(printed: Quantity, recomputed: Quantity) -> str:
    """Say what the one missing cell would have to be."""
    cell, missing, more = recomputed.doubt.partition(" is missing")
    slope = recomputed.slope.get(cell)
    if printed.doubt or not missing or more or not slope:
        return ""
    return f", and would have to be about {decimal((printed.value - recomputed.value) / slope, printed.unit)}"


def _repair(printed: Quantity, recomputed: Quantity) -> str:
    """Name the cell that has to move least; where the value is not linear in a cell, to first order."""
    move = printed.value - recomputed.value
    moves = dict.fromkeys(printed.slope, -move)
    moves |= {cell: move / slope for cell, slope in recomputed.slope.items() if slope}
    if not moves:
        return ""
    cell = min(moves, key=lambda name: abs(moves[name]))
    unit = printed.unit or recomputed.unit
    sign = "+" if moves[cell] > 0 else ""
    return f"{cell.replace('|', ' | ')} by {sign}{decimal(moves[cell], unit / 10)}"
