"""Self-contained HTML pages: templates beside this module, with their style, their script, tables, and other parts."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from pathlib import Path
from string import Template

from rankkit.report.cells import Columns, cells

__all__ = ["css_class", "filled", "table"]

FOLDER = Path(__file__).parent / "html"


def filled(template: str, *, title: str, scripts: Sequence[str] = ("sort.js",), **parts: str) -> str:
    """Return a page that loads nothing: page.html around a template of the folder html, filled in.

    Parameters
    ----------
    template : str
        Name of the file, which holds what stands below the title.
    title : str
        As HTML.
    scripts : sequence of str
        Names of the files that make the page's script.
    **parts : str
        What stands for each $name in the template, as HTML.

    Raises
    ------
    KeyError
        If the template asks for a part that is not given.
    """
    body, script = Template(_text(template)).substitute(parts), "".join(map(_text, scripts))
    return Template(_text("page.html")).substitute(title=title, style=_text("style.css"), body=body, script=script)


def _text(name: str) -> str:
    return (FOLDER / name).read_text(encoding="utf-8")


def table(columns: Columns, *, sortable: bool = False) -> str:
    """Return a table as HTML: every word escaped, numbers set right.

    Parameters
    ----------
    columns : mapping of str to sequence
        Numbers, None or text, column by column, all of one length.
    sortable : bool
        Whether a click on a column's head sorts the rows; one table of a page can be so.

    Examples
    --------
    >>> table({"module": ["q"]})
    '<table><thead><tr><th>module</th></tr></thead><tbody><tr><td>q</td></tr></tbody></table>'
    """
    rows, words = cells(columns)
    names = [f"<button>{escape(name)}</button>" if sortable else escape(name) for name in columns]
    head = "".join(f"<th{css_class(word)}>{name}</th>" for name, word in zip(names, words, strict=True))
    values = list(zip(*columns.values(), strict=True))
    body = "".join(
        f"<tr>{''.join(map(_cell, row, words, own if sortable else row))}</tr>"
        for row, own in zip(rows, values, strict=True)
    )
    kind = ' class="sortable"' if sortable else ""
    return f"<table{kind}><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def css_class(words: bool, more: str = "") -> str:
    """Return a cell's class attribute: numbers stand right, and what few readers need is shown on request.

    Parameters
    ----------
    words : bool
        Whether the column holds words.
    more : str
        A further class.
    """
    names = [name for name in ("" if words else "number", more) if name]
    return f' class="{" ".join(names)}"' if names else ""


def _cell(text: str, words: bool, value: object) -> str:
    """Return a cell; a number's own value, which its text rounds, is what a sortable table sorts by."""
    sorts = isinstance(value, (int, float)) and not words and value == value
    key = f' data-v="{value!r}"' if sorts else ""
    return f"<td{css_class(words)}{key}>{escape(text)}</td>"
