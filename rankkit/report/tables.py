"""Tables as text, Markdown, CSV or JSON, from plain columns: no pandas needed to read a result."""

from __future__ import annotations

import csv
import io
import json
import math
import re
import shutil
import sys
from collections.abc import Sequence
from itertools import islice
from typing import Any, NamedTuple

from rankkit.files import no_formula
from rankkit.report.cells import Columns, cells, shortened

__all__ = ["FORMATS", "Block", "as_csv", "as_json", "as_markdown", "as_text", "fold", "harmless", "terminal_width"]

# what a reader of Markdown may take for HTML, an image, a link or an entity
_MARKUP = re.compile(r"<[a-zA-Z/!?]|\]\(|\]:|://|\bwww\.|&#|&\w+;")

GAP = "  "  # between the columns of a text table
NAME_ROOM = 24  # characters that a folded table leaves its first column at least, where it needs them
NAME_SHARE = 0.6  # of a narrow terminal, which NAME_ROOM may not exceed


def as_text(columns: Columns, width: int | None = None) -> str:
    """Return an aligned table for a terminal.

    Parameters
    ----------
    columns : mapping of str to sequence
        Numbers, None or text, column by column, all of one length. The first one names the rows.
    width : int, optional
        Characters of a line. A wider table is folded (see `fold`); no row is wrapped. None: no limit.

    Examples
    --------
    >>> print(as_text({"module": ["q", "mlp"], "stable_rank": [1.25, 3.0]}))
    module  stable_rank
    q             1.250
    mlp           3.000
    >>> print(as_text({"module": ["q", "mlp"], "stable_rank": [1.25, 3.0], "r": [4, 8]}, width=20))
    module  stable_rank
    q             1.250
    mlp           3.000
    <BLANKLINE>
    module  r
    q       4
    mlp     8
    """
    return "\n\n".join(block.text for block in fold(columns, width))


class Block(NamedTuple):
    """A table that fits a line: its text, and the names of its columns behind the first one."""

    text: str
    names: tuple[str, ...]


def fold(columns: Columns, width: int | None) -> list[Block]:
    """Return the tables into which a table is folded, each at most `width` characters wide.

    The first column stands in each of them. It is shortened where that saves a table. Other text is shortened where it
    is too long for a line, and numbers never are.

    Parameters
    ----------
    columns : mapping of str to sequence
        As for `as_text`.
    width : int or None
        Characters of a line; None: no limit, and one table.
    """
    read = _read(columns)
    if width is None or not read or sum(c.width for c in read) + len(GAP) * (len(read) - 1) <= width:
        return [Block(_aligned(read), tuple(columns)[1:])]
    first, *others = read
    room = _name_room(first, others, width)
    first = first.brief(room)
    others = [column.brief(width - room - len(GAP)) for column in others]
    names = iter(tuple(columns)[1:])
    blocks: list[Block] = []
    for count in _counts([column.width for column in others], room, width):
        block, others = others[:count], others[count:]
        blocks.append(Block(_aligned([first, *block]), tuple(islice(names, count))))
    return blocks


class _Column(NamedTuple):
    """A column as people read it: what heads it, its cells, and whether they are words (set left) or numbers."""

    head: str
    cells: list[str]
    words: bool

    @property
    def width(self) -> int:
        """Characters of its longest entry."""
        return max(map(len, [self.head, *self.cells]))

    def brief(self, room: int) -> _Column:
        """Return the column with a head and words of at most `room` characters."""
        cells = shortened(self.cells, room) if self.words else self.cells
        return self._replace(head=shortened([self.head], room)[0], cells=cells)


def _read(columns: Columns) -> list[_Column]:
    rows, words = cells(columns)
    return [_Column(head, [row[i] for row in rows], words[i]) for i, head in enumerate(columns)]


def _name_room(first: _Column, others: Sequence[_Column], width: int) -> int:
    """Return the most room for the first column with which there are as few tables as can be."""
    least = min(first.width, NAME_ROOM, int(NAME_SHARE * width))
    widest = max((min(c.width, NAME_ROOM) if c.words else c.width for c in others), default=0)
    most = max(least, min(first.width, width - len(GAP) - widest))

    def tables(room: int) -> int:
        widths = [min(c.width, width - room - len(GAP)) if c.words else c.width for c in others]
        return len(_counts(widths, room, width))

    return min(range(most, least - 1, -1), key=tables)


def _counts(widths: Sequence[int], room: int, width: int) -> list[int]:
    """Return how many columns of these widths stand in each table, beside a first one of width `room`."""
    counts, used = [0], room
    for wide in widths:
        if counts[-1] and used + len(GAP) + wide > width:
            counts.append(0)
            used = room
        counts[-1] += 1
        used += len(GAP) + wide
    return counts


def _aligned(columns: Sequence[_Column]) -> str:
    lines = zip(*([column.head, *column.cells] for column in columns), strict=True)
    return "\n".join(
        GAP.join(
            cell.ljust(column.width) if column.words else cell.rjust(column.width)
            for cell, column in zip(line, columns, strict=True)
        ).rstrip()
        for line in lines
    )


def terminal_width() -> int | None:
    """Return how many characters a line of standard output holds; None where it is no terminal."""
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else None


def as_markdown(columns: Columns) -> str:
    """Return a Markdown table.

    Parameters
    ----------
    columns : mapping of str to sequence
        Numbers, None or text, column by column, all of one length.

    Examples
    --------
    >>> print(as_markdown({"module": ["q"], "stable_rank": [1.25]}))
    | module | stable_rank |
    |:--|--:|
    | q | 1.250 |
    """
    rows, words = cells(columns)
    rule = "|".join(":--" if word else "--:" for word in words)
    lines = [
        "| " + " | ".join(harmless(cell).replace("|", "\\|") for cell in line) + " |" for line in [list(columns), *rows]
    ]
    return "\n".join([lines[0], f"|{rule}|", *lines[1:]])


def harmless(cell: str) -> str:
    """Return a text for Markdown: one that could be markup, an image or a link stands as code.

    Parameters
    ----------
    cell : str
        A cell of a table or a sentence, of one line.
    """
    return "`" + cell.replace("`", "'") + "`" if _MARKUP.search(cell) else cell


def as_csv(columns: Columns) -> str:
    """Return CSV with every number in full; NaN and unknown values are empty.

    A text that a spreadsheet would run as a formula stands behind an apostrophe.

    Parameters
    ----------
    columns : mapping of str to sequence
        Numbers, None or text, column by column, all of one length.
    """
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(columns)
    for row in zip(*columns.values(), strict=True):
        writer.writerow(["" if _unknown(value) else no_formula(value) for value in row])
    return out.getvalue().rstrip("\n")


def as_json(columns: Columns) -> str:
    """Return a JSON list of records; NaN and unknown values are null.

    Parameters
    ----------
    columns : mapping of str to sequence
        Numbers, None or text, column by column, all of one length.
    """
    records = [
        {
            name: None if _unknown(value) else getattr(value, "item", lambda v=value: v)()
            for name, value in zip(columns, row, strict=True)
        }
        for row in zip(*columns.values(), strict=True)
    ]
    return json.dumps(records, indent=2)


def _unknown(value: Any) -> bool:
    return value is None or (isinstance(value, float) and not math.isfinite(value))


FORMATS = {"text": as_text, "markdown": as_markdown, "csv": as_csv, "json": as_json}
