"""What the comparison of a printed number with a recomputed one gives."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from textwrap import shorten
from typing import Any

from rankkit.report.inline import WIDTH, html_summary, text_summary
from rankkit.reported.printed import Quantity
from rankkit.reported.words import Quote
from rankkit.verdict import WORDS

__all__ = ["BASES", "FIRM", "ORDER", "Finding", "agree", "decimal"]

BASES = ("arithmetic", "prose", "words", "comparison", "reading")  # surest first
ORDER = ("INCONSISTENT", "OVERSTATED", "NARROW", "UNCLEAR", "EMPIRICAL", "CONSISTENT")  # of the verdicts in a report
FIRM = ("INCONSISTENT", "OVERSTATED")  # what a defence has to be written for


@dataclass(frozen=True, repr=False)
class Finding:
    """One check of what a paper prints.

    Attributes
    ----------
    id, paper, location, what : str
        Its name, the paper's, the table or section, and the relation that was checked.
    verdict : str
        INCONSISTENT, OVERSTATED, NARROW, UNCLEAR or CONSISTENT; EMPIRICAL for an observation.
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
        How sure it is: ``arithmetic`` rests on the table alone; ``prose`` also on a number in the text; ``words`` on
        sentences, compared with each other or with a table; ``comparison`` on the order of cells; ``reading`` on a
        module set, a formula, or one setting behind two places, assumed.
    cell : str
        ``table|row|column`` of the printed number, for the picture.
    recomputed : str
        To one digit more than is printed.
    quotes : tuple of Quote
        The paper's words that the check rests on, with their places.
    defence, fails : str
        The best defence of the paper, and why it fails; for INCONSISTENT and OVERSTATED.
    left_open : str
        What the text says nothing of.
    weight : str
        What would change in the paper: a ``conclusion``, a ``number`` or the ``wording``.
    chance : float or None
        Of an observation: how probable as much is if the assumption holds, before it is corrected for their number.

    Raises
    ------
    ValueError
        If the verdict is not one of `rankkit.verdict.WORDS`.

    Examples
    --------
    >>> Finding("mine.1", "mine", "Table 1, ours", "avg is the mean", "CONSISTENT", "(1 + 2) / 2 = 1.5, printed 1.5")
    mine.1: CONSISTENT.
      Table 1, ours: avg is the mean
      (1 + 2) / 2 = 1.5, printed 1.5
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
    quotes: tuple[Quote, ...] = ()
    defence: str = ""
    fails: str = ""
    left_open: str = ""
    weight: str = "wording"
    chance: float | None = None

    def __post_init__(self) -> None:
        if self.verdict not in WORDS:
            raise ValueError(f"verdict must be one of {', '.join(WORDS)}, got {self.verdict!r}.")

    def __repr__(self) -> str:
        return text_summary(*self._shown())

    def _repr_html_(self) -> str:
        return html_summary(*self._shown())

    def _shown(self) -> tuple[str, list[str]]:
        """Return the title and the lines that show the finding."""
        lines = [f"{self.location}: {self.what}", self.arithmetic]
        lines += [f'"{quote.words}" ({quote.place})' for quote in self.quotes[:3]]
        lines += [f"smallest repair: {self.repair}"] if self.repair else []
        lines += [f"then: {self.conclusion}"] if self.conclusion else []
        lines += [f"defence: {self.defence}", f"it fails: {self.fails}"] if self.defence else []
        lines += [f"left open: {self.left_open}"] if self.left_open else []
        return f"{self.id}: {self.verdict}.", [shorten(line, WIDTH) for line in lines]


def agree(printed: Quantity, recomputed: Quantity) -> dict[str, Any]:
    """Return what the comparison of a printed number with a recomputed one gives, as the fields of a `Finding`.

    Parameters
    ----------
    printed, recomputed : Quantity
        What the paper says, and the same from other numbers.

    Returns
    -------
    dict
        Verdict, arithmetic, gap, units, repair and recomputed value. The verdict is CONSISTENT where the two agree with
        digits rounded, NARROW where they agree only with digits cut or at one point, UNCLEAR where either rests on a
        damaged or missing cell, and INCONSISTENT otherwise.

    Examples
    --------
    >>> from rankkit.reported import mean, parse
    >>> agree(parse("85.4"), mean([parse("90.15"), parse("80.60")]))["verdict"]
    'CONSISTENT'
    """
    unit = printed.unit or recomputed.unit
    shown = recomputed.text if recomputed.unit else decimal(recomputed.value, unit / 10 if unit else Fraction(0))
    sum_text = recomputed.text if recomputed.text == shown else f"{recomputed.text} = {shown}"
    doubt = "; ".join(dict.fromkeys(part for part in (printed.doubt, recomputed.doubt) if part))
    if doubt:
        text = f"{recomputed.text}; printed {printed.text}; {doubt}{_needed(printed, recomputed)}"
        return {"verdict": "UNCLEAR", "arithmetic": text}
    gap = max(recomputed.low - printed.high, printed.low - recomputed.high, Fraction(0))
    span = f"rounding allows {decimal(recomputed.low, unit / 100)} to {decimal(recomputed.high, unit / 100)}"
    sides = f"{printed.text} against {recomputed.text}" if recomputed.unit else f"{sum_text}, printed {printed.text}"
    arithmetic = f"{sides}; {span}" if unit else sides
    return {
        "verdict": "INCONSISTENT" if gap else "CONSISTENT" if _meet(printed, recomputed) else "NARROW",
        "arithmetic": arithmetic,
        "gap": float(gap),
        "units": float(gap / unit) if unit else 0.0,
        "repair": _repair(printed, recomputed) if gap else "",
        "recomputed": shown,
    }


def _meet(first: Quantity, second: Quantity) -> bool:
    """Return whether two quantities agree with digits rounded, and not at the end of both intervals alone."""
    low, high = max(first.rounded[0], second.rounded[0]), min(first.rounded[1], second.rounded[1])
    exactly = first.rounded[0] == first.rounded[1] or second.rounded[0] == second.rounded[1]
    return low <= high if exactly else low < high


def decimal(value: Fraction, unit: Fraction) -> str:
    """Return a value as text, to about the digits of a unit; halves go away from 0.

    Parameters
    ----------
    value : Fraction
        The number.
    unit : Fraction
        Of the last digit to be shown; 0: four decimals.
    """
    if value.denominator == 1 and abs(value) >= 10**5:
        return f"{value.numerator}"
    places = 0
    while unit and Fraction(1, 10**places) > unit and places < 12:
        places += 1
    places = places if unit else 4
    scaled = abs(value) * 10**places
    digits = int(scaled + Fraction(1, 2))
    if value and not digits:  # 0.00 would say that there is nothing
        return f"{float(value):.1g}"
    text = f"{digits / 10**places:.{places}f}" if places else str(digits)
    return f"-{text}" if value < 0 and digits else text


def _needed(printed: Quantity, recomputed: Quantity) -> str:
    """Return what the one missing cell would have to be, as the end of a sentence."""
    cell, missing, more = recomputed.doubt.partition(" is missing")
    slope = recomputed.slope.get(cell)
    if printed.doubt or not missing or more or not slope:
        return ""
    return f", and would have to be about {decimal((printed.value - recomputed.value) / slope, printed.unit)}"


def _repair(printed: Quantity, recomputed: Quantity) -> str:
    """Return which cell has to move least, and by how much; to first order where the value is not linear in it."""
    move = printed.value - recomputed.value
    cells = dict.fromkeys((*printed.slope, *recomputed.slope))
    zero = Fraction(0)
    slopes = {cell: printed.slope.get(cell, zero) - recomputed.slope.get(cell, zero) for cell in cells}
    moves = {cell: -move / slope for cell, slope in slopes.items() if slope}
    if not moves:
        return ""
    cell = min(moves, key=lambda name: abs(moves[name]))
    size = (
        decimal(moves[cell], printed.unit / 10)
        if cell in printed.slope and printed.unit
        else f"{float(moves[cell]):.3g}"
    )
    return f"{cell.replace('|', ' | ')} by {'+' if moves[cell] > 0 else ''}{size}"
