"""A table as printed: cells by row label and column, each an interval with its place."""

from __future__ import annotations

import csv
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from rankkit.reported.printed import Quantity, parse

__all__ = ["Table", "read"]


@dataclass(frozen=True, eq=False)
class Table:
    """The text of a table.

    Attributes
    ----------
    name : str
        The file's, without its suffix.
    label : str
        As the paper calls it, e.g. ``Table 3``.
    columns : tuple of str
        Header.
    keys : tuple of str
        Columns that name a row.
    rows : dict
        Row label (the keys' texts, joined by blanks) -> column -> text.
    """

    name: str
    label: str
    columns: tuple[str, ...]
    keys: tuple[str, ...]
    rows: dict[str, dict[str, str]]

    def __getitem__(self, place: tuple[str, str]) -> Quantity:
        row, column = place
        if row not in self.rows or column not in self.columns:
            raise ValueError(f"{self.label} has no cell ({row!r}, {column!r}); rows: {', '.join(self.rows)}.")
        return parse(self.rows[row][column], cell=f"{self.name}|{row}|{column}")

    def cells(self, row: str, columns: Sequence[str]) -> list[Quantity]:
        """Return a row's cells."""
        return [self[row, column] for column in columns]

    def column(self, column: str, rows: Sequence[str] = ()) -> list[Quantity]:
        """Return a column's cells, of all rows or those named."""
        return [self[row, column] for row in rows or self.rows]

    def where(self, **texts: str) -> list[str]:
        """Return the labels of the rows whose columns hold these texts."""
        return [row for row, cells in self.rows.items() if all(cells[name] == text for name, text in texts.items())]


def read(path: str | os.PathLike[str], *, keys: Sequence[str], label: str) -> Table:
    """Return the table in a CSV.

    Raises
    ------
    ValueError
        If a key is no column, rows are of unequal length, or two rows have one label.
    """
    with Path(path).open(newline="", encoding="utf-8") as file:
        header, *lines = list(csv.reader(file))
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
