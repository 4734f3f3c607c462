"""Tables as text, Markdown, CSV or JSON, from plain columns: no pandas needed to read a result."""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Mapping, Sequence
from typing import Any

__all__ = ["FORMATS", "as_csv", "as_json", "as_markdown", "as_text", "cells"]

Columns = Mapping[str, Sequence[Any]]


def _decimals(values: Sequence[Any]) -> int | None:
    """Return how many decimals show a column's numbers to four digits; None where they span too many decades."""
    sizes = [abs(float(v)) for v in values if not isinstance(v, str) and v is not None and math.isfinite(v) and v != 0]
    if all(size == int(size) and size < 1e15 for size in sizes):
        return 0
    low, high = min(sizes), max(sizes)
    return max(0, 3 - math.floor(math.log10(high))) if 1e-3 < high < 1e6 and high / low < 50 else None


def _cell(value: Any, decimals: int | None) -> str:
    """Return a value as people read it, a dash for what is not known."""
    if value is None or value != value:
        return "-"
    if isinstance(value, str):
        return value
    return f"{float(value):.4g}" if decimals is None or math.isinf(value) else f"{float(value):.{decimals}f}"


def cells(columns: Columns) -> tuple[list[list[str]], list[bool]]:
    """Return the rows as people read them, and for each column whether it holds words (set left) or numbers."""
    digits = [_decimals(values) for values in columns.values()]
    shown = [[_cell(v, decimals) for v in values] for values, decimals in zip(columns.values(), digits, strict=True)]
    words = [any(isinstance(value, str) for value in values) for values in columns.values()]
    return [list(row) for row in zip(*shown, strict=True)], words


def as_text(columns: Columns) -> str:
    """Return an aligned table for a terminal.

    Examples
    --------
    >>> print(as_text({"module": ["q", "mlp"], "stable_rank": [1.25, 3.0]}))
    module  stable_rank
    q             1.250
    mlp           3.000
    """
    rows, words = cells(columns)
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
    | q | 1.250 |
    """
    rows, words = cells(columns)
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
