"""A table as printed: cells by row label and column, each an interval with its place."""

from __future__ import annotations

import csv
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from rankkit.report.inline import html_summary, text_summary
from rankkit.reported.printed import Quantity, parse

__all__ = ["Table", "read"]


@dataclass(frozen=True, eq=False, repr=False)
class Table:
    """The text of a table; ``table[row, column]`` is a cell's number.

    Attributes
    ----------
    name : str
        The file's, without its suffix.
    label : str
        As the paper calls it, e.g. ``Table 3``.
    columns : tuple of str
        The header.
    keys : tuple of str
        The columns that name a row.
    rows : dict
        Row label (the keys' texts, joined by blanks) -> column -> text.

    Examples
    --------
    >>> table = Table("table1", "Table 1", ("m", "avg"), ("m",), {"ours": {"m": "ours", "avg": "70.1"}})
    >>> table["ours", "avg"]
    70.1, between 70.05 and 70.2
    >>> table
    Table 1: 1 row, 2 columns, from table1.csv.
      a row is named by m; table[row, column] is a number with its interval
    m     avg
    ours  70.1
    """

    name: str
    label: str
    columns: tuple[str, ...]
    keys: tuple[str, ...]
    rows: dict[str, dict[str, str]]

    def __repr__(self) -> str:
        return text_summary(*self._shown())

    def _repr_html_(self) -> str:
        return html_summary(*self._shown())

    def _shown(self) -> tuple[str, list[str], dict[str, list[str]]]:
        """Return the title, the lines and the cells that show the table."""
        rows, columns = len(self.rows), len(self.columns)
        size = f"{rows} row{'s' if rows != 1 else ''}, {columns} column{'s' if columns != 1 else ''}"
        named = f"a row is named by {' and '.join(self.keys)}; table[row, column] is a number with its interval"
        cells = {name: [row[name] for row in self.rows.values()] for name in self.columns}
        return f"{self.label}: {size}, from {self.name}.csv.", [named], cells

    def __getitem__(self, place: tuple[str, str]) -> Quantity:
        row, column = place
        if row not in self.rows or column not in self.columns:
            raise ValueError(f"{self.label} has no cell ({row!r}, {column!r}); rows: {', '.join(self.rows)}.")
        return parse(self.rows[row][column], cell=f"{self.name}|{row}|{column}")

    def cells(self, row: str, columns: Sequence[str]) -> list[Quantity]:
        """Return a row's cells.

        Parameters
        ----------
        row : str
            Its label.
        columns : sequence of str
            Which cells.

        Raises
        ------
        ValueError
            If the table has no such cell.
        """
        return [self[row, column] for column in columns]

    def column(self, column: str, rows: Sequence[str] = ()) -> list[Quantity]:
        """Return a column's cells.

        Parameters
        ----------
        column : str
            Its name.
        rows : sequence of str
            Labels of the rows; none: all.

        Raises
        ------
        ValueError
            If the table has no such cell.
        """
        return [self[row, column] for row in rows or self.rows]

    def where(self, **texts: str) -> list[str]:
        """Return the labels of the rows whose columns hold these texts.

        Parameters
        ----------
        **texts : str
            Column -> text.
        """
        return [row for row, cells in self.rows.items() if all(cells[name] == text for name, text in texts.items())]


def read(path: str | os.PathLike[str], *, keys: Sequence[str], label: str) -> Table:
    """Return the table in a CSV file.

    Parameters
    ----------
    path : path
        The file, with a header.
    keys : sequence of str
        The columns that name a row.
    label : str
        What the paper calls the table.

    Raises
    ------
    OSError
        If the file cannot be read.
    ValueError
        If the file is empty, a key is no column, rows are of unequal length, or two rows have one label.
    """
    with Path(path).open(newline="", encoding="utf-8") as file:
        lines = list(csv.reader(file))
    if not lines:
        raise ValueError(f"{path} is empty; expected a line with the names of the columns, and rows below it.")
    header, *lines = lines
    if missing := [key for key in keys if key not in header]:
        raise ValueError(f"{path}: keys must be columns, got {missing[0]!r}; there are {', '.join(header)}.")
    rows: dict[str, dict[str, str]] = {}
    for number, line in enumerate(lines, 2):
        if len(line) != len(header):
            raise ValueError(f"{path}, line {number}: expected {len(header)} cells, got {len(line)}.")
        cells = dict(zip(header, line, strict=True))
        name = " ".join(cells[key] for key in keys if cells[key])
        if name in rows:
            raise ValueError(f"{path}, line {number}: two rows are called {name!r}; name more key columns.")
        rows[name] = cells
    return Table(Path(path).stem, label, tuple(header), tuple(keys), rows)
