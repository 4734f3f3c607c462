"""A result as it shows itself: a few lines of text in a terminal, a small table in a notebook."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from html import escape
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from rankkit.report.cells import Columns, cells, printable, shortened
from rankkit.report.tables import fold

__all__ = ["counted", "html_summary", "noted", "source_name", "text_summary"]

WIDTH = 100  # characters of a line of text; columns that go beyond are named below the table
MOST_ROWS = 3  # of text that one line may take, so that a summary stays short whatever it is told
MOST_COLUMNS = 12  # of an HTML table
LONGEST = 48  # characters of a cell; a longer text loses its middle


def counted(number: int, noun: str) -> str:
    """Return a number and what is counted.

    Parameters
    ----------
    number : int
        How many there are.
    noun : str
        What one of them is called.

    Examples
    --------
    >>> counted(1, "module"), counted(2400, "module")
    ('1 module', '2,400 modules')
    """
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def noted(names: Sequence[str], columns: Columns) -> list[str]:
    """Return the names of the columns to show, with the note's where there is one.

    Parameters
    ----------
    names : sequence of str
        The columns that are always shown.
    columns : mapping of str to sequence
        The table, which has a column "note".

    Examples
    --------
    >>> noted(["module"], {"module": ["q"], "note": ["scale 1 assumed"]}), noted(["module"], {"module": [], "note": []})
    (['module', 'note'], ['module'])
    """
    return [*names, *(["note"] if any(columns["note"]) else [])]


def source_name(source: str) -> str:
    """Return the end of a source's path, which tells what was read without telling where it lay on this machine.

    Parameters
    ----------
    source : str
        A path, or two of them around " - ", as an audit of a full fine-tune has them.

    Examples
    --------
    >>> source_name("/home/me/runs/first/adapter_model.safetensors"), source_name("/x/y/tuned.pt - /x/y/base.pt")
    ('first/adapter_model.safetensors', 'y/tuned.pt - y/base.pt')
    """
    return " - ".join("/".join(Path(part).parts[-2:]) for part in source.split(" - "))


def text_summary(title: str, lines: Sequence[str], columns: Columns | None = None, *, rows: int = 5) -> str:
    """Return a result's title, what there is to say of it, and its first rows as an aligned table.

    Parameters
    ----------
    title : str
        What the result is, in one sentence.
    lines : sequence of str
        The few numbers that matter, and how to go on. A long one is wrapped.
    columns : mapping of str to sequence, optional
        A table, column by column.
    rows : int
        How many of its rows are shown.

    Examples
    --------
    >>> print(text_summary("Squares.", ["two numbers"], {"x": [1, 2], "x squared": [1, 4]}, rows=1))
    Squares.
      two numbers
    x  x squared
    1          1
    ... 1 more row
    """
    head = [shortened([printable(title)], WIDTH)[0], *(row for line in lines for row in _wrapped(line))]
    if not columns:
        return "\n".join(head)
    first, more = _first(columns, rows)
    shown, *others = fold(first, WIDTH)
    below = _rest(more, [name for block in others for name in block.names])
    return "\n".join([*head, shown.text, *(row for line in below for row in _wrapped(line, indent=""))])


def html_summary(
    title: str,
    lines: Sequence[str],
    columns: Columns | None = None,
    *,
    rows: int = 8,
    picture: str = "",
    summary: Columns | None = None,
) -> str:
    """Return the same as a fragment of HTML for a notebook: every word escaped, the colours those of the page.

    Parameters
    ----------
    title, lines, columns, rows
        As for `text_summary`.
    picture : str
        HTML to put below the lines as it stands, for instance an SVG.
    summary : mapping of str to sequence, optional
        A short table above the other one.

    Examples
    --------
    >>> html_summary("a < b", [])
    '<div><p style="margin:0.3em 0"><b>a &lt; b</b></p></div>'
    """
    parts = [f'<p style="margin:0.3em 0"><b>{escape(title)}</b></p>']
    parts += [_paragraph(line) for line in lines]
    if picture:
        parts.append(f"<div>{picture}</div>")
    for table in filter(None, (summary, columns)):
        first, more = _first(table, rows)
        shown = dict(islice(first.items(), MOST_COLUMNS))
        parts.append(_table(shown))
        parts += [_paragraph(line) for line in _rest(more, list(first)[len(shown) :])]
    return f"<div>{''.join(parts)}</div>"


def _paragraph(text: str) -> str:
    return f'<p style="margin:0.1em 0">{escape(text)}</p>'


def _wrapped(line: str, indent: str = "  ") -> list[str]:
    """Return a line as the few rows of text it takes; the last one ends in an ellipsis where it would take more."""
    return textwrap.wrap(
        printable(line), WIDTH, initial_indent=indent, subsequent_indent=f"{indent}  ", max_lines=MOST_ROWS,
        placeholder=" …", break_on_hyphens=False,
    )  # fmt: skip


def _table(columns: Mapping[str, list[Any]]) -> str:
    body, words = cells(columns)

    def row(tag: str, texts: Sequence[str], line: str) -> str:
        sides = ("left" if word else "right" for word in words)
        inside = "".join(
            f'<{tag} style="text-align:{side};padding:0.15em 0.7em;{line}">{escape(text)}</{tag}>'
            for text, side in zip(texts, sides, strict=True)
        )
        return f"<tr>{inside}</tr>"

    top = row("th", list(columns), "border-bottom:1px solid currentColor")
    rest = "".join(row("td", texts, "") for texts in body)
    return f'<table style="border-collapse:collapse;margin:0.4em 0"><thead>{top}</thead><tbody>{rest}</tbody></table>'


def _first(columns: Columns, rows: int) -> tuple[dict[str, list[Any]], int]:
    """Return the first rows of every column, and how many rows there are beyond them."""
    count = min((len(values) for values in columns.values()), default=0)
    return {name: _short(values[:rows]) for name, values in columns.items()}, max(count - rows, 0)


def _short(values: Sequence[Any]) -> list[Any]:
    """Return values that a table can hold: numbers, None, and short texts on one line."""
    texts = [value if _is_number(value) else printable(str(value)) for value in values]
    brief = iter(shortened([text for text in texts if isinstance(text, str)], LONGEST))
    return [next(brief) if isinstance(text, str) else text for text in texts]


def _is_number(value: Any) -> bool:
    return value is None or isinstance(value, (int, float, np.number))


def _rest(more: int, names: Sequence[str]) -> list[str]:
    """Return the line that says what is not shown; no line where all is."""
    parts = [f"{more} more row{'s' if more > 1 else ''}"] if more else []
    parts += [f"more columns: {', '.join(names)}"] if names else []
    return [f"... {'; '.join(parts)}"] if parts else []
