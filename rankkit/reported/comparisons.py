"""Relations of order between cells: bounds, bests, majorities and sequences."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from typing import Any

from rankkit.reported.finding import decimal
from rankkit.reported.printed import Quantity, exact
from rankkit.reported.recorder import Recorder
from rankkit.reported.table import Table
from rankkit.reported.words import Said

__all__ = ["Comparisons", "Pair", "shown"]

Pair = tuple[Quantity, Quantity]  # what should be greater, and what it is compared with


@dataclass(eq=False, repr=False)
class Comparisons(Recorder):
    """What the text says of the order of numbers, against the numbers as they are printed; ties are consistent."""

    def least(
        self,
        place: str,
        value: Quantity,
        bound: Quantity | int,
        what: str,
        *,
        conclusion: str = "",
        words: Said | None = None,
    ) -> None:
        """Check that a value is at least a bound.

        Parameters
        ----------
        place : str
            Where the text says so.
        value : Quantity
            What should be at least the bound.
        bound : Quantity or int
            The bound.
        what, conclusion : str
            The comparison in words, and what would change in the paper if it fails.
        words : Said, optional
            The text's own words, and their defence.
        """
        limit = bound if isinstance(bound, Quantity) else exact(bound)
        doubt = value.doubt or limit.doubt
        gap = max(limit.value - value.value, Fraction(0))
        unit = value.unit or limit.unit or Fraction(1, 1000)
        sides = f"{shown(value, unit)} against {shown(limit, unit)}"
        difference = f"{sides}: difference {decimal(value.value - limit.value, unit)}"
        record: dict[str, Any] = {
            "verdict": "UNCLEAR" if doubt else "INCONSISTENT" if gap else "CONSISTENT",
            "arithmetic": f"{sides}; {doubt}" if doubt else difference,
            "gap": 0.0 if doubt else float(gap),
            "units": 0.0 if doubt or not unit else float(gap / unit),
            "repair": f"{decimal(gap, unit)} on either side" if gap and not doubt else "",
        }
        cell = next(iter(value.slope), "")
        self._record(place, what, record, cell=cell, conclusion=conclusion, basis="comparison", words=words)

    def best(
        self,
        place: str,
        table: Table,
        rows: Sequence[str],
        columns: Sequence[str],
        row: str,
        *,
        low: bool = False,
        words: Said | None = None,
    ) -> None:
        """Check that one row is the best of several in every column, each column by itself.

        Parameters
        ----------
        place : str
            Where the text says so.
        table : Table
            Where the rows stand.
        rows, columns : sequence of str
            The rows that are compared, and in which columns.
        row : str
            The one that should be best.
        low : bool
            Whether lower is better.
        words : Said, optional
            The text's own words, and their defence.
        """
        for column in columns:
            cells = {name: table[name, column] for name in rows if name != row and table[name, column].unit}
            if not cells or not table[row, column].unit:
                continue
            pick = min if low else max
            other = pick(cells, key=lambda name: cells[name].value)
            first, second = (cells[other], table[row, column]) if low else (table[row, column], cells[other])
            what = f"{row} has the best {column} ({other} is next or above)"
            conclusion = f"the best {column} is {other}"
            self.least(f"{place}, {table.label}", first, second, what, conclusion=conclusion, words=words)

    def most(self, place: str, pairs: Sequence[Pair], what: str, *, words: Said | None = None) -> None:
        """Check that in more than half of the pairs the first is greater.

        Parameters
        ----------
        place, what : str
            Where the text says so, and what is compared.
        pairs : sequence of (Quantity, Quantity)
            What should mostly be greater, and what it is compared with.
        words : Said, optional
            The text's own words, and their defence.
        """
        wins = sum(first.value > second.value for first, second in pairs)
        doubt = next((cell.doubt for pair in pairs for cell in pair if cell.doubt), "")
        lost = ", ".join(f"{a.text} < {b.text}" for a, b in pairs if a.value < b.value)
        record = {
            "verdict": "UNCLEAR" if doubt else "CONSISTENT" if 2 * wins > len(pairs) else "INCONSISTENT",
            "arithmetic": f"{wins} of {len(pairs)} are greater" + (f"; not {lost}" if lost else "") + doubt,
        }
        self._record(place, what, record, conclusion="not in most cases", basis="comparison", words=words)

    def monotone(
        self, place: str, cells: Sequence[Quantity], what: str, *, falling: bool = False, words: Said | None = None
    ) -> None:
        """Check that a sequence of cells never goes down, or never up.

        Parameters
        ----------
        place, what : str
            Where the text says so, and of what.
        cells : sequence of Quantity
            In their order.
        falling : bool
            Whether the sequence should fall.
        words : Said, optional
            The text's own words, and their defence.
        """
        for before, after in pairwise(cells):
            first, second = (before, after) if falling else (after, before)
            self.least(place, first, second, what, conclusion="not monotone", words=words)


def shown(value: Quantity, unit: Fraction) -> str:
    """Return a quantity as text: printed, or the arithmetic and its value.

    Parameters
    ----------
    value : Quantity
        Any.
    unit : Fraction
        Of the last digit to be shown.
    """
    text = decimal(value.value, unit / 10)
    return value.text if value.unit or value.text == text else f"{value.text} = {text}"
