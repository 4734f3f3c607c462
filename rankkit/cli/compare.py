"""rankkit compare: how alike several adapters are."""

from __future__ import annotations

import argparse
from typing import Any

from rankkit.cli.options import command, emit, format_of, picture, say, write

__all__ = ["add"]

_BRIEF = {
    "module": "module", "first": "first", "second": "second", "cosine": "cosine", "relative_distance": "distance",
    "column_overlap": "column overlap", "row_overlap": "row overlap", "stable_rank_first": "stable, first",
    "stable_rank_second": "stable, second", "note": "note",
}  # fmt: skip


def add(commands: Any) -> None:
    """Add the command to the parser."""
    parser = command(
        commands, "compare", _compare, "compare adapters module by module: checkpoints of a training, ranks of a sweep",
        "rankkit compare run/checkpoint-500 run/checkpoint-1000 run/checkpoint-1500 --plot alike.png", trouble=1,
    )  # fmt: skip
    parser.add_argument("path", nargs="+", help="two or more adapter folders or files, in the order of time")
    parser.add_argument("--all-pairs", action="store_true", help="each with every later one, not only with the next")
    parser.add_argument("--family", metavar="NAME", help="read them as peft, kohya, ... (default: by their keys)")


def _compare(options: argparse.Namespace) -> int:
    from rankkit.audits.compare import compare

    found = compare(
        *options.path, pairs="all" if options.all_pairs else "consecutive", family=options.family,
        progress=options.progress, **({} if options.rtol is None else {"rtol": options.rtol}),
    )  # fmt: skip
    kind = format_of(options)
    if kind in ("csv", "json"):
        emit(options, found.columns)
        say(found.coverage)
    else:
        from rankkit.report.tables import FORMATS

        noted = any(found.columns["note"])
        brief = {head: found.columns[name] for name, head in _BRIEF.items() if name != "note" or noted}
        summary = {name.replace("_", " "): values for name, values in found.summary_columns().items()}
        write(options, "\n\n".join([FORMATS[kind](brief), FORMATS[kind](summary), found.coverage]))
    if options.plot:
        picture(found.plot(), options.plot)
    return 0
