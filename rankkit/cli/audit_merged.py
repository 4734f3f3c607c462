"""rankkit audit --merged: whether a merged model holds an adapter's updates."""

from __future__ import annotations

import argparse
from typing import Any

from rankkit.cli.command import Option
from rankkit.cli.gates import write_merge
from rankkit.cli.output import as_table, emit, format_of, say, write

__all__ = ["MERGED", "audit_merge"]

MERGED = Option(
    ("--merged",),
    "Instead of measuring ranks: the model after merging. For each module it prints a verdict: applied, applied at "
    "another strength, not applied, applied to something else, or could not check; the strength; and from where to "
    "where strengths are that rounding of the stored numbers allows. A module is applied if 1 is among them.",
    metavar="MODEL",
)
_BRIEF = {
    "module": "module", "verdict": "verdict", "strength": "strength", "strength_lower": "from", "strength_upper": "to",
    "unexplained": "unexplained", "note": "note",
}  # fmt: skip


def audit_merge(options: argparse.Namespace, source: Any) -> int:
    """Print what became of each module of an adapter in a merged model, and return the exit status."""
    from rankkit.audits.merged import audit_merged

    found = audit_merged(
        options.merged, base=options.base, adapter=source, family=options.family, progress=options.progress
    )
    if format_of(options) in ("csv", "json"):
        emit(options, found.columns)
        say(found.coverage)
    else:
        noted = any(found.columns["note"])
        brief = {head: found.columns[name] for name, head in _BRIEF.items() if name != "note" or noted}
        write(options, "\n\n".join([as_table(options, brief), found.coverage]))
    if options.sarif:
        write_merge(options, found)
    return found.exit_status
