"""Self-contained HTML pages: a template beside this module, with its style, its script and the parts of one page."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from string import Template

__all__ = ["filled"]

FOLDER = Path(__file__).parent / "html"


def filled(template: str, *, scripts: Sequence[str] = ("sort.js",), **parts: str) -> str:
    """Return a page that loads nothing: a template of the folder html, filled in.

    Parameters
    ----------
    template : str
        Name of the file.
    scripts : sequence of str
        Names of the files that make the page's script.
    **parts : str
        What stands for each $name in the template, as HTML. The style and the script are filled in as well.

    Raises
    ------
    KeyError
        If the template asks for a part that is not given.
    """
    return Template(_text(template)).substitute(parts, style=_text("style.css"), script="".join(map(_text, scripts)))


def _text(name: str) -> str:
    return (FOLDER / name).read_text(encoding="utf-8")
