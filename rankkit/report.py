"""Tables as text, Markdown, CSV or JSON, from plain columns: no pandas needed to read a result."""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Mapping, Sequence
from typing import Any

__all__ = ["FORMATS", "as_csv", "as_json", "as_markdown", "as_text"]

Columns = Mapping[str, Sequence[Any]]


def _cell(value: Any) -> str:
    """Return a value as people read it: four significant digits, a dash for what is not known."""
    if value is None:
        return "-"
    if isinstance(value, str):
        return value
    number = float(value)
    if math.isnan(number):
        return "-"
    return (
        f"{number:.0f}"
        if number == int(number) and abs(number) < 1e7
        else f"{number:.4g}"
        if math.isfinite(number)
        else "inf"
    )


def _grid(columns: Columns) -> tuple[list[list[str]], list[bool]]:
    """Return the cells, and for each column whether it holds words (set left) rather than numbers."""
    rows = [[_cell(value) for value in row] for row in zip(*columns.values(), strict=True)]
    return rows, [any(isinstance(value, str) for value in values) for values in columns.values()]


def as_text(columns: Columns) -> str:
    """Return an aligned table for a terminal.

    Examples
    --------
    >>> print(as_text({"module": ["q", "mlp"], "stable_rank": [1.25, 3.0]}))
    module  stable_rank
    q              1.25
    mlp               3
    """
    rows, words = _grid(columns)
    names = list(columns)
    widths = [max(len(name), *(len(row[i]) for row in rows)) if rows else len(name) for i, name in enumerate(names)]
    lines = [names, *rows]
    return "\n".join(
        "  ".join(
            cell.ljust(w) if word else cell.rjust(w) for cell, w, word in zip(line, widths, words, strict=True)
        ).rstrip()
        for line in lines
    )


def as_markdown(columns: Columns) -> str:
    """Return a Markdown table.

    Examples
    --------
    >>> print(as_markdown({"module": ["q"], "stable_rank": [1.25]}))
    | module | stable_rank |
    |:--|--:|
    | q | 1.25 |
    """
    rows, words = _grid(columns)
    rule = "|".join(":--" if word else "--:" for word in words)
    lines = ["| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in [list(columns), *rows]]
    return "\n".join([lines[0], f"|{rule}|", *lines[1:]])


def as_csv(columns: Columns) -> str:
    """Return CSV with every number in full; NaN and unknown values are empty."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(columns)
    for row in zip(*columns.values(), strict=True):
        writer.writerow(["" if _unknown(value) else value for value in row])
    return out.getvalue().rstrip("\n")


def as_json(columns: Columns) -> str:
    """Return a JSON list of records; NaN and unknown values are null."""
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
