"""Where a command's results go: data to stdout or a file, everything else to stderr."""

from __future__ import annotations

import argparse
import sys
import warnings
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TextIO

__all__ = [
    "as_table", "emit", "format_of", "line_width", "off_screen", "picture", "save", "say", "show", "warnings_said",
    "write",
]  # fmt: skip

PACKAGE = Path(__file__).parents[1]

ENDINGS = {".json": "json", ".csv": "csv", ".md": "markdown"}


def format_of(options: argparse.Namespace) -> str:
    """Return what --format says, else what the ending of the --output file says, else text."""
    return options.format or ENDINGS.get(Path(options.output or "").suffix, "text")


def emit(options: argparse.Namespace, columns: Mapping[str, Sequence[Any]]) -> None:
    """Print a table, or write it to --output, in the format that was asked for."""
    write(options, as_table(options, columns))


def as_table(options: argparse.Namespace, columns: Mapping[str, Sequence[Any]]) -> str:
    """Return a table in the format that was asked for; text is folded to the lines of the terminal it goes to."""
    from rankkit.report.tables import FORMATS, as_text

    kind = format_of(options)
    return as_text(columns, line_width(options)) if kind == "text" else FORMATS[kind](columns)


def line_width(options: argparse.Namespace) -> int | None:
    """Return how many characters a line holds where the data go; None where there is no limit."""
    from rankkit.report.tables import terminal_width

    return terminal_width() if options.output is None else None


def write(options: argparse.Namespace, text: str) -> None:
    """Print text, or write it to --output."""
    if options.output is None:
        show(text)
    else:
        save(options.output, f"{text}\n")


def picture(draw: Callable[[], Sequence[Any]], file: str) -> None:
    """Write the figure that holds the axes which `draw` returns."""
    from rankkit.files import write_atomically

    off_screen()
    figure, ending = draw()[0].figure, Path(file).suffix.removeprefix(".") or "png"
    say(f"wrote {write_atomically(file, lambda out: figure.savefig(out, format=ending))}")


def off_screen() -> None:
    """Let matplotlib draw into files only, whatever screen there is."""
    import matplotlib as mpl

    mpl.use("Agg")


def save(file: str, text: str) -> None:
    """Write text to a file, whole or not at all, and say so."""
    from rankkit.files import write_atomically

    say(f"wrote {write_atomically(file, lambda out: out.write(text.encode()))}")


def show(text: str) -> None:
    """Print data."""
    print(text, flush=True)


def say(text: str) -> None:
    """Tell the user something that is not data; what a stranger's file put into it moves no cursor."""
    shown = "".join(c if c.isprintable() or c == "\n" else "\N{REPLACEMENT CHARACTER}" for c in text)
    print(shown, file=sys.stderr)


@contextmanager
def warnings_said(command: str) -> Generator[None]:
    """Tell each warning of rankkit's own code in one line, once, as everything else that is not data."""
    told: set[str] = set()
    with warnings.catch_warnings():
        usual = warnings.showwarning

        def show(
            message: Warning | str, category: type[Warning], filename: str, lineno: int, file: TextIO | None = None,
            line: str | None = None,
        ) -> None:  # fmt: skip
            if not Path(filename).is_relative_to(PACKAGE):
                usual(message, category, filename, lineno, file, line)
            elif str(message) not in told:
                told.add(str(message))
                say(f"rankkit {command}: {message}")

        warnings.showwarning = show
        yield
