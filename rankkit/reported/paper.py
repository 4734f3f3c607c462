"""What a paper prints and how its numbers hang together: a few lines per table, each a relation that is checked."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Any

from rankkit.report.inline import html_summary, text_summary
from rankkit.report.verdict_ledger import tally
from rankkit.reported.finding import ORDER, agree, decimal
from rankkit.reported.printed import Quantity, exact, parse
from rankkit.reported.relations import TableRelations
from rankkit.reported.table import Table, read

__all__ = ["Paper"]


@dataclass(eq=False, repr=False)
class Paper(TableRelations):
    """Tables and relations of one paper; every relation adds its findings.

    Parameters
    ----------
    name : str
        Of the paper, as in its claims.
    folder : path
        With the CSV files; a file's path means the ``tables`` folder beside it.

    Attributes
    ----------
    findings : list of Finding
        In the order of the relations.
    tables : dict
        CSV's stem -> table.

    Examples
    --------
    >>> paper = Paper("mine", ".")
    >>> paper.states("section 4", "12.4", parse("70.1") - parse("58.3"), "the gain")
    >>> paper.findings[0].verdict, paper.findings[0].arithmetic
    ('INCONSISTENT', '70.1 - 58.3 = 11.80, printed 12.4; rounding allows 11.650 to 11.950')
    """

    folder: str | os.PathLike[str]
    tables: dict[str, Table] = field(default_factory=dict[str, Table], init=False)

    def __repr__(self) -> str:
        return text_summary(*self._shown())

    def _repr_html_(self) -> str:
        return html_summary(*self._shown())

    def _shown(self) -> tuple[str, list[str], dict[str, list[str]]]:
        """Return the title, the lines and the table that show what was found in the paper."""
        words = [finding.verdict for finding in self.findings]
        wrong = [finding for finding in self.findings if finding.verdict == "INCONSISTENT"]
        lines = [f"{len(self.tables)} tables, {len(words)} checks: {tally(words, ORDER) or 'none'}"]
        lines += [".findings has them all; Reported((paper,)).to_markdown() makes the report"]
        columns = {"location": [f.location for f in wrong], "arithmetic": [f.arithmetic for f in wrong]}
        return f"The printed numbers of {self.name}.", lines, columns if wrong else {}

    def table(self, stem: str, *, key: str, label: str = "") -> Table:
        """Return the table of a CSV file, which the paper keeps.

        Parameters
        ----------
        stem : str
            The file's name in the paper's folder, without ``.csv``.
        key : str
            The columns that label a row, separated by blanks.
        label : str
            What the paper calls it; without it, made from the stem: ``table3`` is ``Table 3``.

        Raises
        ------
        OSError
            If the file cannot be read.
        ValueError
            If the table is malformed; see `read`.
        """
        folder = Path(self.folder)
        folder = folder.parent / "tables" if folder.is_file() else folder
        table = read(folder / f"{stem}.csv", keys=key.split(), label=label or stem.replace("table", "Table "))
        self.tables[table.name] = table
        return table

    def same(self, place: str, what: str, first: Quantity, second: Quantity, *, conclusion: str = "") -> None:
        """Check one quantity that is printed in two places; that it is one, and one setting, is a reading.

        Parameters
        ----------
        place, what : str
            Where, and which quantity.
        first, second : Quantity
            As printed in the two places.
        conclusion : str
            What would change in the paper if they do not agree.
        """
        cell = next(iter(first.slope), "")
        self._record(place, what, agree(first, second), cell=cell, conclusion=conclusion, basis="reading")

    def states(self, place: str, printed: str, value: Quantity, what: str, *, conclusion: str = "") -> None:
        """Check that a number in prose is the result of arithmetic on cells.

        Parameters
        ----------
        place : str
            Section or paragraph.
        printed : str
            The number, as the text has it.
        value : Quantity
            What it should be.
        what, conclusion : str
            What the number is of, and what would change in the paper if it is another one.
        """
        self._record(place, what, agree(parse(printed), value), conclusion=conclusion, basis="prose")

    def least(self, place: str, value: Quantity, bound: Quantity | int, what: str, *, conclusion: str = "") -> None:
        """Check that a value is at least a bound, by the numbers as they are printed; ties are consistent.

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
        """
        limit = bound if isinstance(bound, Quantity) else exact(bound)
        doubt = value.doubt or limit.doubt
        gap = max(limit.value - value.value, Fraction(0))
        unit = value.unit or limit.unit or Fraction(1, 1000)
        sides = f"{_shown(value, unit)} against {_shown(limit, unit)}"
        difference = f"{sides}: difference {decimal(value.value - limit.value, unit)}"
        record: dict[str, Any] = {
            "verdict": "UNCLEAR" if doubt else "INCONSISTENT" if gap else "CONSISTENT",
            "arithmetic": f"{sides}; {doubt}" if doubt else difference,
            "gap": 0.0 if doubt else float(gap),
            "units": 0.0 if doubt or not unit else float(gap / unit),
            "repair": f"{decimal(gap, unit)} on either side" if gap and not doubt else "",
        }
        self._record(place, what, record, cell=next(iter(value.slope), ""), conclusion=conclusion, basis="comparison")

    def best(
        self, place: str, table: Table, rows: Sequence[str], columns: Sequence[str], row: str, *, low: bool = False
    ) -> None:
        """Check that one row is the best of several in every column, as printed.

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
        """
        for column in columns:
            cells = {name: table[name, column] for name in rows if name != row and table[name, column].unit}
            if not cells or not table[row, column].unit:
                continue
            pick = min if low else max
            other = pick(cells, key=lambda name: cells[name].value)
            first, second = (cells[other], table[row, column]) if low else (table[row, column], cells[other])
            what = f"{row} has the best {column} ({other} is next or above)"
            self.least(f"{place}, {table.label}", first, second, what, conclusion=f"the best {column} is {other}")

    def most(self, place: str, pairs: Sequence[tuple[Quantity, Quantity]], what: str) -> None:
        """Check that in more than half of the pairs the first is greater.

        Parameters
        ----------
        place, what : str
            Where the text says so, and what is compared.
        pairs : sequence of (Quantity, Quantity)
            What should mostly be greater, and what it is compared with.
        """
        wins = sum(first.value > second.value for first, second in pairs)
        doubt = next((cell.doubt for pair in pairs for cell in pair if cell.doubt), "")
        lost = ", ".join(f"{a.text} < {b.text}" for a, b in pairs if a.value < b.value)
        record = {
            "verdict": "UNCLEAR" if doubt else "CONSISTENT" if 2 * wins > len(pairs) else "INCONSISTENT",
            "arithmetic": f"{wins} of {len(pairs)} are greater" + (f"; not {lost}" if lost else "") + doubt,
        }
        self._record(place, what, record, conclusion="not in most cases", basis="comparison")

    def monotone(self, place: str, cells: Sequence[Quantity], what: str, *, falling: bool = False) -> None:
        """Check that a sequence of cells never goes down, or never up.

        Parameters
        ----------
        place, what : str
            Where the text says so, and of what.
        cells : sequence of Quantity
            In their order.
        falling : bool
            Whether the sequence should fall.
        """
        for before, after in pairwise(cells):
            first, second = (before, after) if falling else (after, before)
            self.least(place, first, second, what, conclusion="not monotone")

    def covers(self, place: str, low: str, high: str, cells: Sequence[Quantity], what: str) -> None:
        """Check that a range in prose holds every cell, to rounding.

        Parameters
        ----------
        place, what : str
            Where the text says so, and of what.
        low, high : str
            The ends of the range, as the text has them.
        cells : sequence of Quantity
            What should lie within.
        """
        ends = parse(low), parse(high)
        for cell in cells:
            nearest = min(max(cell.value, ends[0].value), ends[1].value)
            span = Quantity(f"the nearest in {low} to {high}", nearest, ends[0].low, ends[1].high, unit=ends[0].unit)
            where = next(iter(cell.slope), "") if len(cell.slope) == 1 else ""
            shown = replace(cell, text=_shown(cell, ends[0].unit), unit=ends[0].unit)
            record = agree(shown, span)
            self._record(place, what, record, cell=where, conclusion="outside the range", basis="prose")


def _shown(value: Quantity, unit: Fraction) -> str:
    shown = decimal(value.value, unit / 10)
    return value.text if value.unit or value.text == shown else f"{value.text} = {shown}"
