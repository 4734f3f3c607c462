"""Relations within a table: what its cells say of each other."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import floor

from rankkit.checks import integer
from rankkit.reported.finding import agree
from rankkit.reported.printed import Quantity, exact, mean, parse
from rankkit.reported.recorder import Recorder
from rankkit.reported.table import Table
from rankkit.reported.words import Said

__all__ = ["TableRelations"]


@dataclass(eq=False, repr=False)
class TableRelations(Recorder):
    """The relations that hold within tables of one paper; each one adds its findings."""

    def means(
        self,
        table: Table,
        over: Sequence[str],
        column: str,
        *,
        within: Sequence[str] = (),
        words: Said | Mapping[str, Said] | None = None,
    ) -> None:
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
        words : Said or mapping, optional
            The best defence of an average that is none; a mapping has one for each row that it names.
        """
        values = {row: mean(table.cells(row, over)) for row in table.rows}
        for row, value in values.items():
            if table[row, column].doubt.endswith("missing"):
                continue
            peers = [r for r in table.rows if all(table.rows[r][k] == table.rows[row][k] for k in within)]
            changed = _rank_change(table, column, row, values, peers)
            its = words.get(row) if isinstance(words, Mapping) else words
            self._add(table, row, column, f"{column} is the mean of {len(over)} columns", value, changed, words=its)

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

    def deltas(
        self, table: Table, column: str, of: str, base: Callable[[str], str], *, words: Said | None = None
    ) -> None:
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
        words : Said, optional
            The best defence of a difference that is none.
        """
        for row in table.rows:
            if not table[row, column].doubt.endswith("missing"):
                value = table[row, of] - table[base(row), of]
                self.result(table, row, column, value, f"{column} is {of} minus that of {base(row)}", words=words)

    def result(
        self,
        table: Table,
        row: str,
        column: str,
        value: Quantity,
        what: str,
        *,
        basis: str = "arithmetic",
        words: Said | None = None,
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
        words : Said, optional
            What the text says of it, and the defence.
        """
        cell = table[row, column]
        sign = "the sign changes" if cell.value * value.value < 0 else ""
        self._add(table, row, column, what, value, sign, basis, words)

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

    def _add(
        self,
        table: Table,
        row: str,
        column: str,
        what: str,
        value: Quantity,
        conclusion: str = "",
        basis: str = "arithmetic",
        words: Said | None = None,
    ) -> None:
        place, cell = f"{table.label}, {row}", f"{table.name}|{row}|{column}"
        record = agree(table[row, column], value)
        self._record(place, what, record, cell=cell, conclusion=conclusion, basis=basis, words=words)


def _distance(cell: Quantity, value: Fraction) -> Fraction:
    """Return how far a value lies outside a cell's interval; not above 0: inside."""
    return max(cell.low - value, value - cell.high)


def _rank_change(table: Table, column: str, row: str, values: Mapping[str, Quantity], peers: Sequence[str]) -> str:
    """Name a row whose printed order with this one is not that of the recomputed values."""
    mine = table[row, column].value
    for other in peers:
        theirs = table[other, column]
        before, after = mine - theirs.value, values[row].value - values[other].value
        if other != row and not theirs.doubt and not values[other].doubt and before * after < 0:
            return f"its order with {other} turns over"
    return ""
