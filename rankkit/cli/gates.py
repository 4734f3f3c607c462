"""--fail-on and --sarif: conditions on an audit that end it with status 3, and where the findings are written."""

from __future__ import annotations

import argparse
from typing import Any

from rankkit.cli.arguments import gate, writable
from rankkit.cli.command import Option
from rankkit.cli.options import COUNTED, MEASURED
from rankkit.cli.output import save, say

__all__ = ["FAIL_ON", "SARIF", "gated", "write_merge"]

FAIL_ON = Option(
    ("--fail-on",),
    'Exit with status 3 if this condition holds, for instance "dead_modules > 0" (modules whose update is '
    'zero) or "min(utilization) < 0.1" (stable_rank / r). A condition is a name, one of < <= > >= == != and a '
    f"number. Names: {', '.join(COUNTED)}; and min, max, mean or median of {', '.join(MEASURED)}, such as "
    "max(stable_rank). May be repeated.",
    read=gate, repeated=True, default=(), metavar="CONDITION",
)  # fmt: skip
SARIF = Option(
    ("--sarif",),
    "Write the conditions of --fail-on that hold, or the modules of --merged that are not applied, to this file in the "
    "format SARIF, which code hosts show.",
    read=writable, metavar="FILE", writes=True,
)  # fmt: skip


def gated(options: argparse.Namespace, report: Any) -> int:
    """Say which conditions of --fail-on hold, write them to --sarif, and return the exit status."""
    from rankkit.report.sarif import Failure, sarif

    tripped = {condition.text: condition.value(report) for condition in options.fail_on if condition.trips(report)}
    for text, value in tripped.items():
        say(f"condition met: {text} (the value is {value:g})")
    if options.sarif:
        rules = {condition.text: f"The audit fails if {condition.text}." for condition in options.fail_on}
        found = [Failure(text, f"{text}: the value is {value:g}.", report.source) for text, value in tripped.items()]
        save(options.sarif, f"{sarif(rules, found)}\n")
    return 3 if tripped else 0


def write_merge(options: argparse.Namespace, found: Any) -> None:
    """Write the modules that are not applied in a merged model to --sarif."""
    from rankkit.audits.merge_record import VERDICTS
    from rankkit.report.sarif import Failure, sarif

    columns = found.columns
    rows = zip(columns["module"], columns["verdict"], columns["strength"], columns["note"], strict=True)
    failures = [
        Failure(
            verdict, f"{module}: {verdict} (strength {strength:.4g}). {note}".strip(), found.adapter, module,
            "warning" if verdict == "could not check" else "error",
        )
        for module, verdict, strength, note in rows
        if verdict != "applied"
    ]  # fmt: skip
    save(options.sarif, f"{sarif(VERDICTS, failures)}\n")
