"""A result as it shows itself: a few lines of text in a terminal, a small table in a notebook."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from itertools import islice
from numbers import Real
from typing import Any

from rankkit.report import as_text, cells

__all__ = ["html_summary", "text_summary"]

WIDTH = 100  # characters of a text table; columns that go beyond are named below it
MOST_COLUMNS = 12  # of an HTML table
LONGEST = 48  # characters of a cell; a longer text ends in an ellipsis

Columns = Mapping[str, Sequence[Any]]


def text_summary(title: str, lines: Sequence[str], columns: Columns | None = None, *, rows: int = 5) -> str:
    """Return a result's title, what there is to say of it, and its first rows as an aligned table.

    Parameters
    ----------
    title : str
        What the result is, in one sentence.
    lines : sequence of str
        The few numbers that matter, and how to go on.
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
    head = [title, *(f"  {line}" for line in lines)]
    if not columns:
        return "\n".join(head)
    first, more = _first(columns, rows)
    shown: dict[str, list[Any]] = {}
    for name, values in first.items():
        if shown and max(map(len, as_text(shown | {name: values}).splitlines())) > WIDTH:
            break
        shown[name] = values
    return "\n".join([*head, as_text(shown), *_rest(more, list(first)[len(shown) :])])


def html_summary(
    title: str, lines: Sequence[str], columns: Columns | None = None, *, rows: int = 8, picture: str = ""
) -> str:
    """Return the same as a fragment of HTML for a notebook: every word escaped, the colours those of the page.

    Parameters
    ----------
    title, lines, columns, rows
        As for `text_summary`.
    picture : str
        HTML to put below the lines as it stands, for instance an SVG.

    Examples
    --------
    >>> html_summary("a < b", [])
    '<div><p style="margin:0.3em 0"><b>a &lt; b</b></p></div>'
    """
    parts = [f'<p style="margin:0.3em 0"><b>{escape(title)}</b></p>']
    parts += [f'<p style="margin:0.1em 0">{escape(line)}</p>' for line in lines]
    if picture:
        parts.append(f"<div>{picture}</div>")
    if columns:
        first, more = _first(columns, rows)
        shown = dict(islice(first.items(), MOST_COLUMNS))
        parts.append(_table(shown))
        parts += [f'<p style="margin:0.1em 0">{escape(line)}</p>' for line in _rest(more, list(first)[len(shown) :])]
    return f"<div>{''.join(parts)}</div>"


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
    return {name: [_plain(value) for value in values[:rows]] for name, values in columns.items()}, max(count - rows, 0)


def _plain(value: Any) -> Any:
    """Return a value that a table can hold: a number, None, or its text on one line."""
    if value is None or isinstance(value, Real):
        return value
    text = "".join(letter if letter.isprintable() else " " for letter in str(value))
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"


def _rest(more: int, names: Sequence[str]) -> list[str]:
    """Return the line that says what is not shown; no line where all is."""
    parts = [f"{more} more row{'s' if more > 1 else ''}"] if more else []
    parts += [f"more columns: {', '.join(names)}"] if names else []
    return [f"... {'; '.join(parts)}"] if parts else []
