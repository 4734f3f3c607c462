"""What the digits of a table show: whole counts of a test set, endings, and whether averages are rounded or cut."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import ceil, comb, floor

from rankkit.checks import integer
from rankkit.reported.printed import Quantity, mean
from rankkit.reported.recorder import Recorder
from rankkit.reported.table import Table

__all__ = ["Digits"]

TENTH = 0.1  # of the digits are 0 if they are uniform


@dataclass(eq=False, repr=False)
class Digits(Recorder):
    """Observations: how probable what is seen would be, given how fine each column's numbers are; never why."""

    def granularity(self, table: Table, column: str, n: int, *, source: str) -> None:
        """Observe how many cells are whole counts of n, and how probable as many would be for arbitrary digits.

        Where n is so large that every ending is a whole count, the digits show nothing, and nothing is recorded.

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
        size = integer("n", n, advice="how many items the percentages are of")
        chance = float(cells[0].unit * size / 100) if cells else 1.0
        if chance >= 1:
            return
        hits = sum(_counts(cell, size) for cell in cells)
        text = f"{hits} of {len(cells)} cells round from k / {n} ({source}); {chance:.3g} of all endings do"
        tail = _as_many_or_more(hits, [chance] * len(cells))
        self._observe(table, column, "granularity", text, tail)

    def endings(self, table: Table, columns: Sequence[str], items: Mapping[str, int] | None = None) -> None:
        """Observe how many cells end in 0, and how probable as many would be.

        Parameters
        ----------
        table : Table
            Where the columns stand.
        columns : sequence of str
            Whose cells are counted, if they have decimals.
        items : mapping, optional
            Column -> how many items its percentages are of. Of 500 items every percentage with two decimals ends in 0;
            for columns that are not named, a tenth is expected.
        """
        zeros, chances = 0, list[float]()
        for column in columns:
            of = (items or {}).get(column)
            for row in table.rows:
                text, cell = table.rows[row][column], table[row, column]
                if text and "." in text and text[-1].isdigit():
                    zeros += text[-1] == "0"
                    chances.append(_zeros(of, cell.unit) if of else TENTH)
        if not chances:
            return
        text = f"{zeros} of {len(chances)} end in 0, where {sum(chances):.1f} are expected"
        text += "; numbers that were filled up to so many decimals show it too"
        self._observe(table, "all", "last digits", text, _as_many_or_more(zeros, chances))

    def rounding(self, table: Table, over: Sequence[str], column: str) -> None:
        """Observe whether a column of averages was rounded or cut: how often each fits where they differ.

        Parameters
        ----------
        table : Table
            Where the columns stand.
        over : sequence of str
            The columns that are averaged.
        column : str
            The averages.
        """
        rounds = cuts = neither = 0
        for row in table.rows:
            cell, value = table[row, column], mean(table.cells(row, over))
            if cell.doubt or value.doubt or not cell.unit:
                continue
            units = value.value / cell.unit
            rounded, cut = floor(units + Fraction(1, 2)) * cell.unit, floor(units) * cell.unit
            rounds += cell.value == rounded != cut
            cuts += cell.value == cut != rounded
            neither += cell.value not in (rounded, cut)
        text = f"where the two differ, {rounds} averages of the printed cells are rounded and {cuts} are cut"
        self._observe(table, column, "rounded or cut", f"{text}; {neither} are neither")

    def _observe(self, table: Table, column: str, what: str, text: str, chance: float | None = None) -> None:
        record = {"verdict": "EMPIRICAL", "arithmetic": text, "chance": chance}
        self._record(f"{table.label}, {column}", what, record)


def _counts(cell: Quantity, n: int) -> bool:
    """Return whether a percentage is rounded from k / n for a whole k."""
    low, high = cell.rounded
    return ceil(low * n / 100) <= high * n / 100


def _zeros(n: int, unit: Fraction) -> float:
    """Return the share of k / n, in percent and rounded to a unit, whose last digit is 0."""
    last = [floor(Fraction(100 * k, n) / unit + Fraction(1, 2)) % 10 for k in range(n)]
    return last.count(0) / n


def _as_many_or_more(hits: int, chances: Sequence[float]) -> float:
    """Return the probability of at least so many hits in independent draws, each with its own chance."""
    if len(set(chances)) == 1:
        n, p = len(chances), chances[0]
        return sum(comb(n, i) * p**i * (1 - p) ** (n - i) for i in range(hits, n + 1))
    odds = [1.0]
    for p in chances:
        odds = [a * (1 - p) + b * p for a, b in zip([*odds, 0.0], [0.0, *odds], strict=True)]
    return sum(odds[hits:])
