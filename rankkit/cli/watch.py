"""rankkit watch: the ranks of a training over its steps, also while it goes on."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator
from typing import Any

from rankkit.cli.arguments import gate, seconds, writable
from rankkit.cli.command import Command, Group, Option, excludes, needs
from rankkit.cli.options import FORMAT, OUTPUT, PLOT
from rankkit.cli.output import as_table, emit, format_of, line_width, picture, save, say, show, write

__all__ = ["WATCH"]

HOME = "\x1b[H\x1b[J"  # moves a terminal's cursor to its upper left corner, and clears what is below
MOST_ALARMS = 20  # of the newest ones, that text shows


def _watch(options: argparse.Namespace) -> int:
    watched = None
    for watched in _found(options):
        if options.follow:
            show(f"{HOME if sys.stdout.isatty() else ''}{_text(options, watched)}")
        elif format_of(options) in ("text", "markdown"):
            write(options, _text(options, watched))
        elif format_of(options) == "json":
            write(options, json.dumps(_record(watched), indent=2, allow_nan=False))
        else:
            emit(options, watched.columns)
        if options.html:
            save(options.html, watched.to_html())
        if options.plot:
            picture(watched.plot, options.plot)
    return _status(options, watched)


def _found(options: argparse.Namespace) -> Iterator[Any]:
    """Return an iterator over what there is to show: once, or whenever there is something new."""
    from rankkit.watch.follow import follow
    from rankkit.watch.record import Watched

    if options.follow:
        return follow(options.run, wait=options.wait, idle=options.idle)
    watched = Watched.load(options.run)
    if not watched.measurements:
        raise ValueError(f"{options.run} holds no measurement yet; add --follow to wait for the first.")
    return iter([watched])


def _text(options: argparse.Namespace, watched: Any) -> str:
    """Return the table over the steps, and the alarms."""
    from rankkit.report.tables import as_text

    summary = {name.removeprefix("rank/"): values for name, values in watched.summary_columns().items()}
    table = as_text(summary, line_width(options)) if options.follow else as_table(options, summary)
    alarms = watched.alarms
    told = [f"step {a.step}, {a.module}: {a.text}; {a.advice}." for a in alarms[-MOST_ALARMS:]]
    more = [f"{len(alarms) - len(told)} earlier alarms; --format json has all."] if len(told) < len(alarms) else []
    return "\n".join([table, "", *(more + told or ["no alarm"])])


def _record(watched: Any) -> dict[str, Any]:
    """Return everything but the spectra as JSON-ready values; NaN becomes None."""
    from rankkit.report.tables import as_json

    return {
        "format": 1,
        "summary": json.loads(as_json(watched.summary_columns())),
        "modules": json.loads(as_json(watched.columns)),
        "alarms": [{**alarm._asdict(), "advice": alarm.advice} for alarm in watched.alarms],
    }


def _status(options: argparse.Namespace, watched: Any) -> int:
    """Return the exit status: 3 where a condition holds on the last measurement."""
    if watched is None:
        say(f"rankkit watch: {options.run} holds no measurement.")
        return 1
    report = watched.last_audit
    tripped = [condition for condition in options.fail_on if condition.trips(report)]
    for condition in tripped:
        say(f"condition met at step {watched.steps[-1]}: {condition.text} (the value is {condition.value(report):g})")
    return 3 if tripped else 0


_FOLLOW = Option(
    ("--follow",), "Go on looking, and print the table again whenever there is a new measurement.", default=False,
    flag=True,
)  # fmt: skip
WATCH = Command(
    "watch",
    "Show the ranks of a training over its steps, from its checkpoints or from the store of rankkit.watch.",
    "Every checkpoint is audited as `rankkit audit` does it, once.",
    (
        "rankkit watch run --html watched.html",
        'rankkit watch run --follow --wait 1s --idle 1s --fail-on "dead_modules > 0"',
        "rankkit watch run --format csv -o ranks.csv --plot ranks.png",
    ),
    (
        Group(
            "what to look at",
            (
                Option(
                    ("run",),
                    "A folder with the folders checkpoint-STEP that a Trainer writes, or the store of a watched "
                    "training; with --follow it may not be there yet.",
                ),
                _FOLLOW,
                Option(
                    ("--wait",), "Time between two looks, in seconds or with a unit such as 2m.",
                    read=seconds, default=5.0, metavar="TIME",
                ),
                Option(
                    ("--idle",), "Stop after this time without a new measurement (default: never).", read=seconds,
                    metavar="TIME",
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
                    ("--html",), "Write an HTML page with figures and a slider over the steps to this file.",
                    read=writable, metavar="FILE", writes=True,
                ),
                Option(
                    ("--fail-on",),
                    "Exit with status 3 if this condition holds at the last step; `rankkit audit --help` says what "
                    "conditions there are. May be repeated.",
                    read=gate, repeated=True, default=(), metavar="CONDITION",
                ),
            ),
        ),
    ),
    _watch,
    choices=(needs(_FOLLOW, "--wait", "--idle"), excludes(_FOLLOW, "--format", "--output")),
)  # fmt: skip
