"""What a paper prints and how its numbers hang together: a few lines per table, each a relation that is checked."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from itertools import pairwise
from math import comb, floor
from pathlib import Path
from typing import Any

from rankkit.reported.finding import Finding, agree, decimal
from rankkit.reported.printed import Quantity, exact, mean, parse
from rankkit.reported.table import Table, read

__all__ = ["Paper"]


@dataclass(eq=False)
class Paper:
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
    """

    name: str
    folder: str | os.PathLike[str]
    findings: list[Finding] = field(default_factory=list)
    tables: dict[str, Table] = field(default_factory=dict)

    def table(self, stem: str, *, key: str, label: str = "") -> Table:
        """Return the table of a CSV; ``key`` names the columns, by blanks, that label a row."""
        folder = Path(self.folder)
        folder = folder.parent / "tables" if folder.is_file() else folder
        table = read(folder / f"{stem}.csv", keys=key.split(), label=label or stem.replace("table", "Table "))
        self.tables[table.name] = table
        return table

    def means(self, table: Table, over: Sequence[str], column: str, *, within: Sequence[str] = ()) -> None:
        """Check that the column is the unweighted mean of the others; ``within`` groups rows for ranking."""
        values = {row: mean(table.cells(row, over)) for row in table.rows}
        for row, value in values.items():
            if table[row, column].doubt.endswith("missing"):
                continue
            peers = [r for r in table.rows if all(table.rows[r][k] == table.rows[row][k] for k in within)]
            changed = _rank_change(table, column, row, values, peers)
            self._add(table, row, column, f"{column} is the mean of {len(over)} columns", value, changed)

    def differences(self, table: Table, left: str, right: str, column: str) -> None:
        """Check that the column is ``left - right``, row by row."""
        for row in table.rows:
            self.result(table, row, column, table[row, left] - table[row, right], f"{column} is {left} - {right}")

    def deltas(self, table: Table, column: str, of: str, base: Callable[[str], str]) -> None:
        """Check that the column is a row's ``of`` minus that of ``base(row)``; rows without one are passed by."""
        for row in table.rows:
            if not table[row, column].doubt.endswith("missing"):
                value = table[row, of] - table[base(row), of]
                self.result(table, row, column, value, f"{column} is {of} minus that of {base(row)}")

    def result(
        self, table: Table, row: str, column: str, value: Quantity, what: str, *, basis: str = "arithmetic"
    ) -> None:
        """Check that one cell is this arithmetic on others; a sign that differs changes the conclusion."""
        cell = table[row, column]
        sign = "the sign changes" if cell.value * value.value < 0 else ""
        self._add(table, row, column, what, value, sign, basis)

    def counts(self, table: Table, column: str, n: int) -> None:
        """Check that each percentage of the column is k of n for a whole k (GRIM, Brown and Heathers 2017)."""
        for row in table.rows:
            cell = parse(table.rows[row][column], cell=f"{table.name}|{row}|{column}", truncated=True)
            k = floor(cell.value * n / 100 + Fraction(1, 2))
            near = min(
                (k - 1, k, k + 1), key=lambda i: max(cell.low - Fraction(100 * i, n), Fraction(100 * i, n) - cell.high)
            )
            value = exact(Fraction(100 * near, n), f"100 * {near} / {n}")
            self._add(table, row, column, f"{column} is a whole count of {n}", value)

    def granularity(self, table: Table, column: str, n: int, *, source: str) -> None:
        """Observe how many cells are whole counts of n, and how probable as many would be for arbitrary digits."""
        cells = [cell for cell in table.column(column) if not cell.doubt]
        if not cells:
            return
        half = [(cell.value - cell.unit / 2, cell.value + cell.unit / 2) for cell in cells]
        hits = sum(floor(high * n / 100) * 100 >= low * n for low, high in half)
        chance = min(1.0, float(cells[0].unit * n / 100))
        tail = sum(
            comb(len(cells), i) * chance**i * (1 - chance) ** (len(cells) - i) for i in range(hits, len(cells) + 1)
        )
        text = f"{hits} of {len(cells)} cells round from k / {n} ({source}); {chance:.3g} of all two-digit endings do; "
        self._observe(table, column, "granularity", text + f"as many or more by chance: {tail:.2g}")

    def endings(self, table: Table, columns: Sequence[str]) -> None:
        """Observe how many cells end in 0, and how probable as many would be if endings were uniform."""
        texts = [table.rows[row][column] for row in table.rows for column in columns]
        digits = [text[-1] for text in texts if text and "." in text and text[-1].isdigit()]
        zeros, n = digits.count("0"), len(digits)
        if not n:
            return
        tail = sum(comb(n, i) * 0.1**i * 0.9 ** (n - i) for i in range(zeros, n + 1))
        self._observe(table, "all", "last digits", f"{zeros} of {n} end in 0; as many or more if uniform: {tail:.2g}")

    def same(self, place: str, what: str, first: Quantity, second: Quantity, *, conclusion: str = "") -> None:
        """Check one quantity printed in two places; that it is one, and one setting, is a reading."""
        cell = next(iter(first.slope), "")
        self._record(place, what, agree(first, second), cell=cell, conclusion=conclusion, basis="reading")

    def states(self, place: str, printed: str, value: Quantity, what: str, *, conclusion: str = "") -> None:
        """Check that a number in prose is this arithmetic on cells."""
        self._record(place, what, agree(parse(printed), value), conclusion=conclusion, basis="prose")

    def least(self, place: str, value: Quantity, bound: Quantity | int, what: str, *, conclusion: str = "") -> None:
        """Check that a value is at least a bound, or greater by what rounding cannot hide; ties are consistent."""
        limit = bound if isinstance(bound, Quantity) else exact(bound)
        doubt = value.doubt or limit.doubt
        gap = max(limit.value - value.value, Fraction(0))
        unit = value.unit or limit.unit or Fraction(1, 1000)
        sides = f"{_shown(value, unit)} against {_shown(limit, unit)}"
        record: dict[str, Any] = {
            "verdict": "UNCLEAR" if doubt else "INCONSISTENT" if gap else "CONSISTENT",
            "arithmetic": f"{sides}; {doubt}"
            if doubt
            else f"{sides}: difference {decimal(value.value - limit.value, unit)}",
            "gap": 0.0 if doubt else float(gap),
            "units": 0.0 if doubt or not unit else float(gap / unit),
            "repair": f"{decimal(gap, unit)} on either side" if gap and not doubt else "",
        }
        self._record(place, what, record, cell=next(iter(value.slope), ""), conclusion=conclusion, basis="comparison")

    def best(
        self, place: str, table: Table, rows: Sequence[str], columns: Sequence[str], row: str, *, low: bool = False
    ) -> None:
        """Check that the row is the best of the rows in every column, as printed."""
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
        """Check that in more than half of the pairs the first is greater."""
        wins = sum(first.value > second.value for first, second in pairs)
        doubt = next((cell.doubt for pair in pairs for cell in pair if cell.doubt), "")
        lost = ", ".join(f"{a.text} < {b.text}" for a, b in pairs if a.value < b.value)
        record = {
            "verdict": "UNCLEAR" if doubt else "CONSISTENT" if 2 * wins > len(pairs) else "INCONSISTENT",
            "arithmetic": f"{wins} of {len(pairs)} are greater" + (f"; not {lost}" if lost else "") + doubt,
        }
        self._record(place, what, record, conclusion="not in most cases", basis="comparison")

    def monotone(self, place: str, cells: Sequence[Quantity], what: str, *, falling: bool = False) -> None:
        """Check that neighbours in a sequence of cells do not go the other way."""
        for before, after in pairwise(cells):
            first, second = (before, after) if falling else (after, before)
            self.least(place, first, second, what, conclusion="not monotone")

    def covers(self, place: str, low: str, high: str, cells: Sequence[Quantity], what: str) -> None:
        """Check that a range in prose holds every cell, to rounding."""
        ends = parse(low), parse(high)
        for cell in cells:
            nearest = min(max(cell.value, ends[0].value), ends[1].value)
            span = Quantity(f"the nearest in {low} to {high}", nearest, ends[0].low, ends[1].high, unit=ends[0].unit)
            where = next(iter(cell.slope), "") if len(cell.slope) == 1 else ""
            shown = replace(cell, text=_shown(cell, ends[0].unit), unit=ends[0].unit)
            record = agree(shown, span)
            self._record(place, what, record, cell=where, conclusion="outside the range", basis="prose")

    def _add(
        self,
        table: Table,
        row: str,
        column: str,
        what: str,
        value: Quantity,
        conclusion: str = "",
        basis: str = "arithmetic",
    ) -> None:
        record = agree(table[row, column], value)
        self._record(
            f"{table.label}, {row}",
            what,
            record,
            cell=f"{table.name}|{row}|{column}",
            conclusion=conclusion,
            basis=basis,
        )

    def _observe(self, table: Table, column: str, what: str, text: str) -> None:
        record = {"verdict": "EMPIRICAL", "arithmetic": text}
        self._record(f"{table.label}, {column}", what, record)

    def _record(
        self,
        place: str,
        what: str,
        record: dict[str, Any],
        *,
        cell: str = "",
        conclusion: str = "",
        basis: str = "arithmetic",
    ) -> None:
        # a name of its own content: a relation put in between renames no other
        digest = hashlib.sha256(f"{place}|{what}|{cell}|{basis}".encode()).hexdigest()[:6]
        same = sum(finding.id.startswith(f"{self.name}.{digest}") for finding in self.findings)
        name = f"{self.name}.{digest}" + (f".{same + 1}" if same else "")
        kept = conclusion if record["verdict"] == "INCONSISTENT" else ""
        self.findings.append(Finding(name, self.name, place, what, basis=basis, cell=cell, conclusion=kept, **record))


def _shown(value: Quantity, unit: Fraction) -> str:
    shown = decimal(value.value, unit / 10)
    return value.text if value.unit or value.text == shown else f"{value.text} = {shown}"


def _rank_change(table: Table, column: str, row: str, values: Mapping[str, Quantity], peers: Sequence[str]) -> str:
    """Name a row whose printed order with this one is not that of the recomputed values."""
    mine = table[row, column].value
    for other in peers:
        theirs = table[other, column]
        before, after = mine - theirs.value, values[row].value - values[other].value
        if other != row and not theirs.doubt and not values[other].doubt and before * after < 0:
            return f"its order with {other} turns over"
    return ""
