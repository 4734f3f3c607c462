"""What a paper prints and how its numbers hang together: a few lines per table, each a relation that is checked."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from rankkit.report.inline import html_summary, text_summary
from rankkit.report.verdict_ledger import tally
from rankkit.reported.comparisons import Comparisons, shown
from rankkit.reported.digits import Digits
from rankkit.reported.finding import ORDER, agree
from rankkit.reported.printed import Quantity, parse
from rankkit.reported.relations import TableRelations
from rankkit.reported.scaling import Scaling
from rankkit.reported.sentences import Sentences
from rankkit.reported.superlatives import Superlatives
from rankkit.reported.table import Table, read
from rankkit.reported.words import Said, listed

__all__ = ["Paper"]


@dataclass(eq=False, repr=False)
class Paper(TableRelations, Comparisons, Superlatives, Sentences, Scaling, Digits):
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

    def join(self, other: Paper) -> None:
        """Take the tables and findings of a second file on this paper.

        Parameters
        ----------
        other : Paper
            Of the same name.
        """
        self.tables.update(other.tables)
        self.findings += other.findings

    def same(
        self,
        place: str,
        what: str,
        first: Quantity,
        second: Quantity,
        *,
        conclusion: str = "",
        words: Said | None = None,
        settings: tuple[Mapping[str, str], Mapping[str, str]] = ({}, {}),
    ) -> None:
        """Check one quantity that is printed in two places; that it is one, and one setting, is a reading.

        Where the text gives the two places different settings, the numbers are not compared (UNCLEAR); what it gives
        for one place alone is named as left open.

        Parameters
        ----------
        place, what : str
            Where, and which quantity.
        first, second : Quantity
            As printed in the two places.
        conclusion : str
            What would change in the paper if they do not agree.
        words : Said, optional
            The text's own words, and their defence.
        settings : pair of mapping
            What the text says of either place, for instance ``rank`` -> ``16``.
        """
        cell = next(iter(first.slope), "")
        here, there = settings
        apart = [
            f"{name} is {here[name]} and {there[name]}" for name in here if here[name] != there.get(name, here[name])
        ]
        record = agree(first, second)
        if apart:
            record = {
                "verdict": "UNCLEAR",
                "arithmetic": f"{first.text} and {second.text} are not compared: {listed(apart)}",
            }
        alone = [f"{name} of one place" for name in sorted({*here} ^ {*there})]
        if alone:
            words = replace(words or Said(), left_open="; ".join(filter(None, [words and words.left_open, *alone])))
        self._record(place, what, record, cell=cell, conclusion=conclusion, basis="reading", words=words)

    def states(
        self,
        place: str,
        printed: str,
        value: Quantity,
        what: str,
        *,
        conclusion: str = "",
        words: Said | None = None,
    ) -> None:
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
        words : Said, optional
            The text's own words, and their defence.
        """
        self._record(place, what, agree(parse(printed), value), conclusion=conclusion, basis="prose", words=words)

    def covers(
        self,
        place: str,
        low: str,
        high: str,
        cells: Sequence[Quantity],
        what: str,
        *,
        words: Said | None = None,
    ) -> None:
        """Check that a range in prose holds every cell, to rounding.

        Parameters
        ----------
        place, what : str
            Where the text says so, and of what.
        low, high : str
            The ends of the range, as the text has them.
        cells : sequence of Quantity
            What should lie within.
        words : Said, optional
            The text's own words, and their defence.
        """
        ends = parse(low), parse(high)
        for cell in cells:
            nearest = min(max(cell.value, ends[0].value), ends[1].value)
            bounds = ends[0].low, ends[1].high
            tight = ends[0].rounded[0], ends[1].rounded[1]
            span = Quantity(f"{low} to {high}", nearest, *bounds, unit=ends[0].unit, rounded=tight)
            record = agree(span, cell)
            value = shown(cell, ends[0].unit)
            inside = "lies in" if record["verdict"] == "CONSISTENT" else "lies outside"
            if record["verdict"] != "UNCLEAR":
                record["arithmetic"] = f"{value} {inside} the printed {low} to {high}"
            where = next(iter(cell.slope), "") if len(cell.slope) == 1 else ""
            self._record(place, what, record, cell=where, conclusion="outside the range", basis="prose", words=words)
