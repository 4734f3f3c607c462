"""rankkit audit --omegas: the stable rank of a trained adapter at other frequencies."""

from __future__ import annotations

import argparse
from typing import Any

from rankkit.cli.arguments import FREQUENCIES, frequencies
from rankkit.cli.command import Option
from rankkit.cli.options import rule_named
from rankkit.cli.output import emit, format_of, picture

__all__ = ["OMEGAS", "audit_curves"]

_CURVE = ("module", "r", "omega", "omega_std", "regime", "plain_stable_rank", "stable_rank", "status")
OMEGAS = Option(
    ("--omegas",),
    f"Print only the stable rank, at each of these frequencies: {FREQUENCIES}. The function is that of --as, or the "
    "sine.",
    read=frequencies, metavar="LIST",
)  # fmt: skip


def audit_curves(options: argparse.Namespace, source: Any) -> int:
    """Print one adapter's curves, the stable rank at every frequency, and return the exit status."""
    from rankkit.audits.probe import probe_frequencies

    probe = probe_frequencies(
        source, options.omegas, rule=rule_named(options.rule or "sine", options), family=options.family,
        device=options.device, progress=options.progress,
    )  # fmt: skip
    columns = probe.columns
    if format_of(options) in ("text", "markdown"):
        columns = {name: columns[name] for name in _CURVE}
    emit(options, columns)
    if options.plot:
        picture(lambda: [probe.plot()], options.plot)
    return 0
