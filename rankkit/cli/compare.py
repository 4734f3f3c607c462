"""rankkit compare: how alike several adapters are."""

from __future__ import annotations

import argparse
from dataclasses import replace

from rankkit.cli.command import Command, Group, Option, UsageError
from rankkit.cli.options import FAMILY, FORMAT, OUTPUT, PLOT, PROGRESS, RTOL, check_family
from rankkit.cli.output import as_table, emit, format_of, picture, say, write

__all__ = ["COMPARE"]

_BRIEF = {
    "module": "module", "first": "first", "second": "second", "cosine": "cosine", "relative_distance": "distance",
    "column_overlap": "column overlap", "row_overlap": "row overlap", "stable_rank_first": "stable, first",
    "stable_rank_second": "stable, second", "note": "note",
}  # fmt: skip


def _compare(options: argparse.Namespace) -> int:
    from rankkit.audits.compare import compare

    if len(options.path) < 2:
        raise UsageError("compare needs at least two adapters, got one; name another one.")
    check_family(options)
    found = compare(
        *options.path, pairs="all" if options.all_pairs else "consecutive", family=options.family,
        progress=options.progress, rtol=options.rtol,
    )  # fmt: skip
    if format_of(options) in ("csv", "json"):
        emit(options, found.columns)
        say(found.coverage)
    else:
        noted = any(found.columns["note"])
        brief = {head: found.columns[name] for name, head in _BRIEF.items() if name != "note" or noted}
        summary = {name.replace("_", " "): values for name, values in found.summary_columns().items()}
        write(options, "\n\n".join([as_table(options, brief), as_table(options, summary), found.coverage]))
    if options.plot:
        picture(found.plot, options.plot)
    return 0


COMPARE = Command(
    "compare",
    "Compare two or more adapters module by module.",
    "They may be the checkpoints of one training run, or adapters of several ranks.",
    (
        "rankkit compare run/checkpoint-500 run/checkpoint-1000 run/checkpoint-1500",
        "rankkit compare run/checkpoint-500 run/checkpoint-1000 run/checkpoint-1500 --all-pairs --plot alike.png",
        "rankkit compare adapter/ smaller/ --format csv -o distances.csv",
    ),
    (
        Group(
            "what to compare",
            (
                Option(("path",), "Two or more adapter folders or files, the earliest first.", nargs="+"),
                Option(
                    ("--all-pairs",), "Compare each with every later one, not only with the next.", default=False,
                    flag=True,
                ),
                FAMILY,
                replace(
                    RTOL, default=1e-6,
                    help="The column and row spaces of an update are those of its singular values above RTOL * "
                    "sigma_1, where sigma_1 is the largest one.",
                ),
            ),
        ),
        Group("output", (FORMAT, OUTPUT, PLOT, PROGRESS)),
    ),
    _compare,
)  # fmt: skip
