"""rankkit truncate: a smaller adapter, with the error it was checked to have."""

from __future__ import annotations

import argparse
import json
from typing import Any

from rankkit.cli.arguments import positive_int, share
from rankkit.cli.options import command, emit, format_of, say

__all__ = ["add"]

_BRIEF = {
    "module": "module", "r": "r", "rank": "rank", "kept_energy": "kept energy", "frobenius_error": "Frobenius error",
    "spectral_error": "spectral error", "written_error": "as written", "parameters": "parameters",
}  # fmt: skip


def add(commands: Any) -> None:
    """Add the command to the parser."""
    parser = command(
        commands, "truncate", _truncate, "write a PEFT LoRA adapter with the ranks it needs, checked after writing",
        "rankkit truncate path/to/adapter smaller/ --keep 0.99", trouble=1,
    )  # fmt: skip
    parser.add_argument("path", help="adapter folder or file (with --dry-run, of any format)")
    parser.add_argument("out", nargs="?", help="new folder to write")
    size = parser.add_mutually_exclusive_group()
    size.add_argument("--keep", type=share, default=0.95, help="share of the energy to keep (default: 0.95)")
    size.add_argument("--rank", type=positive_int, help="instead: this rank for every module that has a larger one")
    parser.add_argument(
        "--norm", choices=("frobenius", "spectral"), default="frobenius",
        help="spectral: leave out only values up to (1 - KEEP) sigma_1",
    )  # fmt: skip
    parser.add_argument(
        "--dry-run", action="store_true", help="write nothing: print the ranks, with --format json as PEFT patterns"
    )


def _truncate(options: argparse.Namespace) -> int:
    from rankkit.audits.audit import audit
    from rankkit.audits.ranks import suggest_ranks
    from rankkit.audits.truncate import truncate

    if options.dry_run == (options.out is not None):
        raise ValueError("name a folder to write, or ask for a --dry-run; one of the two.")
    if options.plot:
        raise ValueError("truncate draws nothing; leave --plot out.")
    if options.dry_run:
        ranks = suggest_ranks(audit(options.path, progress=options.progress), keep=options.keep, norm=options.norm)
        if format_of(options) == "json":
            print(json.dumps({"rank_pattern": ranks.rank_pattern, "alpha_pattern": ranks.alpha_pattern()}, indent=2))
            return 0
    else:
        ranks = truncate(
            options.path, options.out, keep=options.keep, norm=options.norm, rank=options.rank,
            progress=options.progress,
        )  # fmt: skip
        say(f"wrote {options.out}")
    brief = format_of(options) in ("text", "markdown")
    columns = {head: ranks.columns[name] for name, head in _BRIEF.items() if name in ranks.columns}
    emit(options, columns if brief else ranks.columns)
    say(ranks.summary)
    return 0
