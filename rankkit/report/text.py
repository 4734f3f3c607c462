"""An audit as text for a terminal: its modules, medians by kind, what had to be noted, and what was not measured."""

from __future__ import annotations

import textwrap

from rankkit.report.cells import printable
from rankkit.report.columns import NOTES, Audited, headed, shown, summary_table
from rankkit.report.tables import as_text, fold

__all__ = ["audit_text"]


def audit_text(report: Audited, width: int | None = None) -> str:
    """Return the tables of an audit and its sentences.

    Parameters
    ----------
    report : Audited
        `rankkit.Audit` is one.
    width : int, optional
        Characters of a line. Wider tables are folded, and notes that do not fit stand below the table. None: no limit.
    """
    names = shown(report.columns)
    below = [name for name in NOTES if name in names and _stands_below(report, name, names, width)]
    modules = headed(report.columns, [name for name in names if name not in below])
    notes = "\n".join(_wrapped(sentence, width) for name in below for sentence in _noted(report, name))
    tables = [as_text(modules, width), as_text(summary_table(report), width)]
    return "\n\n".join(filter(None, [*tables, notes, _wrapped(report.coverage, width)]))


def _stands_below(report: Audited, name: str, names: list[str], width: int | None) -> bool:
    """Return whether a column of notes is told in sentences: where all are the same, or the table would be folded."""
    notes = report.columns[name]
    if len(notes) > 1 and len(set(notes)) == 1:
        return True
    return len(fold(headed(report.columns, names), width)) > 1


def _noted(report: Audited, name: str) -> list[str]:
    """Return one sentence for each different note, with the modules it is about."""
    about: dict[str, list[str]] = {}
    for module, note in zip(report.columns["module"], report.columns[name], strict=True):
        if note:
            about.setdefault(note, []).append(module)
    return [f"{_named(modules, len(report.columns['module']))}: {note}." for note, modules in about.items()]


def _named(modules: list[str], of: int) -> str:
    if len(modules) == of > 1:
        return "Every module"
    return modules[0] if len(modules) == 1 else f"{modules[0]} and {len(modules) - 1} more"


def _wrapped(sentence: str, width: int | None) -> str:
    if width is None:
        return printable(sentence)
    return textwrap.fill(printable(sentence), width, subsequent_indent="  ", break_on_hyphens=False)
