"""Relations within a table: what its cells say of each other, and what their digits show."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from math import comb, floor
from typing import Any

from rankkit.checks import integer
from rankkit.reported.finding import Finding, agree
from rankkit.reported.printed import Quantity, exact, mean, parse
from rankkit.reported.table import Table

__all__ = ["TableRelations"]


@dataclass(eq=False, repr=False)
class TableRelations:
    """The relations that hold within tables of one paper; each one adds its findings.

    Attributes
    ----------
    name : str
        Of the paper.
    findings : list of Finding
        In the order of the relations.
    """

    name: str
    findings: list[Finding] = field(default_factory=list[Finding], init=False)

    def means(self, table: Table, over: Sequence[str], column: str, *, within: Sequence[str] = ()) -> None:
        """Check that a column is the unweighted mean of others, in every row.

        Parameters
        ----------
        table : Table
            Where both stand.
        over : sequence of str
            The columns that are averaged.
        column : str
            The column with the means; where it is missing, the row is passed by.
        within : sequence of str
            Columns whose texts must agree for two rows to be ranked against each other: a finding says whether the
            order of two rows turns over.
        """
        values = {row: mean(table.cells(row, over)) for row in table.rows}
        for row, value in values.items():
            if table[row, column].doubt.endswith("missing"):
                continue
            peers = [r for r in table.rows if all(table.rows[r][k] == table.rows[row][k] for k in within)]
            changed = _rank_change(table, column, row, values, peers)
            self._add(table, row, column, f"{column} is the mean of {len(over)} columns", value, changed)

    def differences(self, table: Table, left: str, right: str, column: str) -> None:
        """Check that a column is ``left - right``, in every row.

        Parameters
        ----------
        table : Table
            Where all three stand.
        left, right, column : str
            Columns.
        """
        for row in table.rows:
            self.result(table, row, column, table[row, left] - table[row, right], f"{column} is {left} - {right}")

    def deltas(self, table: Table, column: str, of: str, base: Callable[[str], str]) -> None:
        """Check that a column is a row's value minus that of another row.

        Parameters
        ----------
        table : Table
            Where both stand.
        column : str
            The column with the differences; where it is missing, the row is passed by.
        of : str
            The column whose difference is taken.
        base : callable
            Row label -> label of the row that is subtracted.
        """
        for row in table.rows:
            if not table[row, column].doubt.endswith("missing"):
                value = table[row, of] - table[base(row), of]
                self.result(table, row, column, value, f"{column} is {of} minus that of {base(row)}")

    def result(
        self, table: Table, row: str, column: str, value: Quantity, what: str, *, basis: str = "arithmetic"
    ) -> None:
        """Check that one cell is the result of arithmetic on others.

        Parameters
        ----------
        table : Table
            Where the cell stands.
        row, column : str
            Its place.
        value : Quantity
            What it should be. If its sign is another one than the cell's, the finding says so.
        what : str
            The relation, in words.
        basis : str
            As in `Finding`.
        """
        cell = table[row, column]
        sign = "the sign changes" if cell.value * value.value < 0 else ""
        self._add(table, row, column, what, value, sign, basis)

    def counts(self, table: Table, column: str, n: int) -> None:
        """Check that each percentage of a column is k of n for a whole k (GRIM, Brown and Heathers 2017).

        Parameters
        ----------
        table : Table
            Where the column stands.
        column : str
            Percentages.
        n : int
            How many items were counted.
        """
        size = integer("n", n, advice="how many items the percentages are of")
        for row in table.rows:
            cell = parse(table.rows[row][column], cell=f"{table.name}|{row}|{column}", truncated=True)
            k = floor(cell.value * size / 100 + Fraction(1, 2))
            near = min((k - 1, k, k + 1), key=lambda i: _distance(cell, Fraction(100 * i, size)))
            value = exact(Fraction(100 * near, size), f"100 * {near} / {size}")
            self._add(table, row, column, f"{column} is a whole count of {size}", value)

    def granularity(self, table: Table, column: str, n: int, *, source: str) -> None:
        """Observe how many cells are whole counts of n, and how probable as many would be for arbitrary digits.

        Parameters
        ----------
        table : Table
            Where the column stands; damaged and missing cells are left out.
        column : str
            Percentages.
        n : int
            How many items a public test set has.
        source : str
            What says that it has so many.
        """
        cells = [cell for cell in table.column(column) if not cell.doubt]
        if not cells:
            return
        half = [(cell.value - cell.unit / 2, cell.value + cell.unit / 2) for cell in cells]
        hits = sum(floor(high * n / 100) * 100 >= low * n for low, high in half)
        chance = min(1.0, float(cells[0].unit * n / 100))
        text = f"{hits} of {len(cells)} cells round from k / {n} ({source}); {chance:.3g} of all two-digit endings do; "
        tail = _as_many_or_more(hits, len(cells), chance)
        self._observe(table, column, "granularity", text + f"as many or more by chance: {tail:.2g}")

    def endings(self, table: Table, columns: Sequence[str]) -> None:
        """Observe how many cells end in 0, and how probable as many would be if endings were uniform.

        Parameters
        ----------
        table : Table
            Where the columns stand.
        columns : sequence of str
            Whose cells are counted, if they have decimals.
        """
        texts = [table.rows[row][column] for row in table.rows for column in columns]
        digits = [text[-1] for text in texts if text and "." in text and text[-1].isdigit()]
        zeros, n = digits.count("0"), len(digits)
        if not n:
            return
        tail = _as_many_or_more(zeros, n, 0.1)
        self._observe(table, "all", "last digits", f"{zeros} of {n} end in 0; as many or more if uniform: {tail:.2g}")

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
        place, cell = f"{table.label}, {row}", f"{table.name}|{row}|{column}"
        self._record(place, what, agree(table[row, column], value), cell=cell, conclusion=conclusion, basis=basis)

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


def _distance(cell: Quantity, value: Fraction) -> Fraction:
    """Return how far a value lies outside a cell's interval; not above 0: inside."""
    return max(cell.low - value, value - cell.high)


def _as_many_or_more(hits: int, n: int, chance: float) -> float:
    """Return the probability of at least so many hits in n independent draws."""
    return sum(comb(n, i) * chance**i * (1 - chance) ** (n - i) for i in range(hits, n + 1))


def _rank_change(table: Table, column: str, row: str, values: Mapping[str, Quantity], peers: Sequence[str]) -> str:
    """Name a row whose printed order with this one is not that of the recomputed values."""
    mine = table[row, column].value
    for other in peers:
        theirs = table[other, column]
        before, after = mine - theirs.value, values[row].value - values[other].value
        if other != row and not theirs.doubt and not values[other].doubt and before * after < 0:
            return f"its order with {other} turns over"
    return ""
