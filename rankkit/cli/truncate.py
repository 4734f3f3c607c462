"""rankkit truncate: a smaller adapter, with the error it was checked to have."""

from __future__ import annotations

import argparse
import json
from dataclasses import replace
from typing import Any

from rankkit.cli.arguments import parameters, positive_int, share
from rankkit.cli.command import Command, Group, OneOf, Option, UsageError, excludes, needs
from rankkit.cli.options import FORMAT, OUTPUT, PROGRESS
from rankkit.cli.output import emit, format_of, say, write

__all__ = ["TRUNCATE"]

_BRIEF = {
    "module": "module", "r": "r", "rank": "rank", "kept_energy": "kept energy", "frobenius_error": "Frobenius error",
    "spectral_error": "spectral error", "written_error": "as written", "parameters": "parameters",
}  # fmt: skip


_RANK = Option(("--rank",), "Reduce every module with a larger rank to this rank.", read=positive_int, metavar="RANK")
_BUDGET = Option(
    ("--budget",),
    "Choose the ranks, at least 1 each, that keep the most energy with at most so many parameters, for instance 4e6 or "
    "4M.",
    read=parameters, metavar="PARAMETERS",
)  # fmt: skip
_DRY_RUN = Option(
    ("--dry-run",),
    "Write no adapter: print the ranks, with --format json as PEFT's rank_pattern and alpha_pattern.",
    default=False, flag=True,
)  # fmt: skip
_NEXT = Option(
    ("--next",),
    "Print what the next training takes: json or python (the arguments of PEFT's LoraConfig), or kohya (the "
    "network_args of kohya's trainer, with one rank for each block of a U-Net).",
    choices=("json", "python", "kohya"), metavar="FORM",
)  # fmt: skip
_TABLE = replace(OUTPUT, help="Write the printed table, not the adapter, to this file instead of stdout.")


def _truncate(options: argparse.Namespace) -> int:
    from rankkit.audits.truncate import truncate

    out: str | None = options.out
    if options.dry_run and out is not None:
        raise UsageError(f"--dry-run writes no adapter, got the folder {out!r}; leave one of them out.")
    if out is None:
        if not options.dry_run:
            raise UsageError("truncate needs a folder to write, got none; name one or add --dry-run.")
        ranks = _suggested(options)
        if options.next:
            write(options, ranks.next_run(options.next))
            say(ranks.summary)
            return 0
        if format_of(options) == "json":
            patterns = {"rank_pattern": ranks.rank_pattern, "alpha_pattern": ranks.alpha_pattern()}
            write(options, json.dumps(patterns, indent=2))
            say(ranks.summary)
            return 0
    else:
        ranks = truncate(
            options.path, out, keep=options.keep, norm=options.norm, rank=options.rank, budget=options.budget,
            progress=options.progress,
        )  # fmt: skip
        why = "becomes smaller" if options.rank is None else f"has a rank above {options.rank}"
        say(f"wrote {out}" + (f", a copy of the adapter: no module {why}" if ranks.unchanged else ""))
    brief = format_of(options) in ("text", "markdown")
    columns = {head: ranks.columns[name] for name, head in _BRIEF.items() if name in ranks.columns}
    emit(options, columns if brief else ranks.columns)
    say(ranks.summary)
    return 0


def _suggested(options: argparse.Namespace) -> Any:
    """Return the ranks for an adapter, or for the last measurement of a watched training."""
    from rankkit.audits.audit import audit
    from rankkit.audits.ranks import suggest_ranks
    from rankkit.watch.kept import is_store
    from rankkit.watch.record import Watched

    watched = is_store(options.path)
    report = Watched.load(options.path) if watched else audit(options.path, progress=options.progress)
    per = "block" if options.next == "kohya" else "module"
    return suggest_ranks(
        report, keep=options.keep, norm=options.norm, rank=options.rank, budget=options.budget, per=per
    )


TRUNCATE = Command(
    "truncate",
    "Write a smaller PEFT LoRA adapter: every module gets the smallest rank that keeps 95 % of its energy "
    "(see --keep).",
    "The new adapter is read back, and its error is compared with the predicted error.",
    (
        "rankkit truncate path/to/adapter smaller/ --keep 0.99",
        "rankkit truncate path/to/adapter --dry-run --budget 40e3 --next python -o config.py",
        "rankkit truncate path/to/adapter smallest/ --rank 2",
    ),
    (
        Group(
            "what to make smaller",
            (
                Option(
                    ("path",),
                    "A PEFT LoRA adapter, folder or file; with --dry-run an adapter of any format, or the store of a "
                    "watched training.",
                ),
                Option(("out",), "The new folder to write, required without --dry-run.", nargs="?"),
                _DRY_RUN,
            ),
        ),
        Group(
            "how much to keep",
            (
                OneOf(
                    (
                        Option(
                            ("--keep",),
                            "The share of an update's energy, the sum of its squared singular values, that is kept.",
                            read=share, default=0.95, metavar="SHARE",
                        ),
                        _RANK,
                        _BUDGET,
                    )
                ),
                Option(
                    ("--norm",),
                    "What --keep means: frobenius keeps SHARE of the energy; spectral drops singular values up to "
                    "(1 - SHARE) * sigma_1, where sigma_1 is the largest one.",
                    default="frobenius", choices=("frobenius", "spectral"), metavar="NORM",
                ),
            ),
        ),
        Group("output", (FORMAT, _NEXT, _TABLE, PROGRESS)),
    ),
    _truncate,
    choices=(
        excludes(_RANK, "--norm"),
        excludes(_BUDGET, "--norm"),
        needs(_DRY_RUN, "--next"),
        excludes(_NEXT, "--format"),
    ),
)  # fmt: skip
