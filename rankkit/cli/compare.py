"""rankkit compare: how alike several adapters are, and what they make together."""

from __future__ import annotations

import argparse
import json
from dataclasses import replace
from typing import Any

from rankkit.cli.arguments import ENDINGS, drawing, strengths, writable
from rankkit.cli.command import Command, Group, Option, UsageError
from rankkit.cli.options import FAMILY, FORMAT, OUTPUT, PLOT, PROGRESS, RTOL, check_family
from rankkit.cli.output import as_table, emit, format_of, picture, save, say, write

__all__ = ["COMPARE"]

_BRIEF = {
    "module": "module", "first": "first", "second": "second", "cosine": "cosine", "relative_distance": "distance",
    "column_overlap": "column overlap", "row_overlap": "row overlap", "stable_rank_first": "stable, first",
    "stable_rank_second": "stable, second", "note": "note",
}  # fmt: skip
# matrix -> what stands over its first column
_MATRICES = {
    "cosine": "cosine", "column_energy": "in its column space, energy of:",
    "row_energy": "in its row space, energy of:", "sum_ratio": "norm of the sum",
}  # fmt: skip
_SUMMED = {
    "module": "module", "frobenius_norm": "norm of the sum", "stable_rank": "stable", "numerical_rank": "numerical",
    "effective_rank": "effective", "r": "sum of r", "status": "status",
}  # fmt: skip
TWO = 2  # adapters, of which a matrix says no more than their row


def _compare(options: argparse.Namespace) -> int:
    from rankkit.audits.compare import compare

    if len(options.path) < TWO:
        raise UsageError("compare needs at least two adapters, got one; name another one.")
    if options.strength is not None and len(options.strength) != len(options.path):
        raise UsageError(
            f"--strength needs one number for each adapter, got {len(options.strength)} for {len(options.path)}; "
            "write for instance 1,0.5."
        )
    check_family(options)
    chosen = options.strength or ([1.0] * len(options.path) if options.sum is not None else None)
    found = compare(
        *options.path, strengths=chosen, pairs="all" if options.all_pairs else "consecutive", base=options.base,
        family=options.family, progress=options.progress, rtol=options.rtol,
    )  # fmt: skip
    if format_of(options) == "json":
        write(options, json.dumps(found.record(), indent=2, allow_nan=False))
    elif format_of(options) == "csv":
        emit(options, found.columns)
        say(found.coverage)
    else:
        write(options, "\n\n".join(_tables(options, found)))
    _files(options, found)
    return 0


def _tables(options: argparse.Namespace, found: Any) -> list[str]:
    """Return what is printed: the pairs, their medians, and with more than two adapters the matrices and the sum."""
    noted = any(found.columns["note"])
    brief = {head: found.columns[name] for name, head in _BRIEF.items() if name != "note" or noted}
    summary = {name.replace("_", " "): values for name, values in found.summary_columns().items()}
    parts = [as_table(options, table) for table in (brief, summary) if table]
    if found.total is not None and (len(found.labels) > TWO or found.sum is not None):
        for name, head in _MATRICES.items():
            values = getattr(found.total, name)
            columns = {label: [float(row[j]) for row in values] for j, label in enumerate(found.labels)}
            parts.append(as_table(options, {head: list(found.labels), **columns}))
        norms = {name: values[-1:] for name, values in found.norm_columns().items()}
        parts.append(as_table(options, {name.replace("_", " "): values for name, values in norms.items()}))
    if found.sum is not None:
        parts += [as_table(options, {head: found.sum.columns[name] for name, head in _SUMMED.items()})]
        parts += [f"{found.sum.source}: {found.sum.coverage}"]
        parts += dict.fromkeys(f"Note: {note}." for note in found.sum.columns["note"] if note)
    return [*parts, found.coverage]


def _files(options: argparse.Namespace, found: Any) -> None:
    """Write the pictures, the page and the audit of the sum that were asked for."""
    if options.plot:
        picture(found.plot, options.plot)
    if options.heatmap:
        picture(found.heatmap, options.heatmap)
    if options.html:
        save(options.html, found.to_html())
    if options.sum:
        say(f"wrote {found.sum.save(options.sum)}")


COMPARE = Command(
    "compare",
    "Compare two or more adapters module by module, and tell what they make when they are loaded together.",
    "They may be the checkpoints of one training run, adapters of several ranks, or adapters to be stacked. With more "
    "than two, or with --strength, it also prints matrices of all against all: the cosine of the updates, the share of "
    "one update's energy (its squared Frobenius norm) that lies in the column or row space of another, and the norm of "
    "the sum of two over the root of their summed squares, which is 1 where they do not meet, up to 1.41 where they "
    "reinforce each other, and 0 where they cancel. No number depends on how the factors are scaled or rotated.",
    (
        "rankkit compare run/checkpoint-500 run/checkpoint-1000 run/checkpoint-1500",
        "rankkit compare style/ subject/ light/ --strength 1,0.5,1 --heatmap meet.png --html meet.html",
        "rankkit compare style/ subject/ --sum sum.csv",
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
                Option(
                    ("--strength",),
                    "The strengths at which the adapters are loaded together, one for each and with commas between "
                    "them, such as 1,0.5,1. Every number is then of the updates at these strengths, and the ranks of "
                    "the sum are measured and printed (default: 1 for each, and the sum is not measured).",
                    read=strengths, metavar="S,S,...",
                ),
                Option(
                    ("--base",),
                    "The base model, which tells the updates that DoRA and other methods make from the weight.",
                    metavar="MODEL",
                ),
                FAMILY,
                replace(
                    RTOL, default=1e-6,
                    help="The column and row spaces of an update are those of its singular values above RTOL * "
                    "sigma_1, where sigma_1 is the largest one.",
                ),
            ),
        ),
        Group(
            "output",
            (
                FORMAT,
                OUTPUT,
                PLOT,
                Option(
                    ("--heatmap",), f"Draw the matrices of all against all and write them to this file ({ENDINGS}).",
                    read=drawing, metavar="FILE", writes=True,
                ),
                Option(
                    ("--html",), "Write an HTML page with the figures and all tables to this file.", read=writable,
                    metavar="FILE", writes=True,
                ),
                Option(
                    ("--sum",),
                    "Measure the sum as `rankkit audit` measures one adapter, and write that audit to this file: "
                    ".csv, .parquet, .json, .md, .html, or .npz for its singular values.",
                    read=writable, metavar="FILE", writes=True,
                ),
                PROGRESS,
            ),
        ),
    ),
    _compare,
)  # fmt: skip
