"""rankkit audit: how much of its rank an adapter uses, module by module."""

from __future__ import annotations

import argparse
import json
from functools import partial
from typing import Any

from rankkit.cli.arguments import frequencies, gate, non_negative, positive_int, writable
from rankkit.cli.options import (
    RULES,
    command,
    emit,
    format_of,
    picture,
    rule_named,
    rule_options,
    say,
    write,
)

__all__ = ["add"]

_CURVE = ("module", "r", "omega", "omega_std", "regime", "plain_stable_rank", "stable_rank", "status")


def add(commands: Any) -> None:
    """Add the command to the parser."""
    audit = command(
        commands, "audit", _audit, "measure, module by module, how much of its rank a trained adapter uses",
        'rankkit audit path/to/adapter --plot audit.png --fail-on "dead_modules > 0"', trouble=1,
    )  # fmt: skip
    what = audit.add_mutually_exclusive_group(required=True)
    what.add_argument("path", nargs="*", default=[], help="adapter folders or files, of any format it knows")
    what.add_argument("--full", metavar="TUNED", help="a full fine-tune of --base instead: W_tuned - W of every matrix")
    what.add_argument("--sample", action="store_true", help="the small trained adapter that comes with rankkit")
    audit.add_argument(
        "--family", metavar="NAME", help="read it as peft, kohya, diffusers, mlx, ... (default: by its keys)"
    )
    audit.add_argument("--as", dest="rule", choices=RULES, help="what it would be under this rule, with --omega")
    frequency = audit.add_mutually_exclusive_group()
    frequency.add_argument("--omega", type=non_negative, help="frequency of --as")
    frequency.add_argument(
        "--omegas", type=frequencies, metavar="LIST",
        help="stable rank at each: 1,10,100 or FIRST:LAST:COUNT or FIRST:LAST:COUNT:log (of --as, default: sine)",
    )  # fmt: skip
    rule_options(audit)
    audit.add_argument(
        "--base", metavar="MODEL", help="the model it was trained on: relative sizes, DoRA's true update"
    )
    audit.add_argument(
        "--intruders", type=positive_int, metavar="K",
        help="with --base: how many of K leading singular vectors are new (two SVDs a module)",
    )  # fmt: skip
    audit.add_argument("--exact", action="store_true", help="a full SVD also of large non-linear updates")
    audit.add_argument("--device", help="torch device for non-linear updates, e.g. cuda (default: numpy on the CPU)")
    audit.add_argument("--memory", type=positive_int, metavar="BYTES", help="what the torch device may use")
    audit.add_argument("--html", metavar="FILE", type=writable, help="write a page with figures and a sortable table")
    audit.add_argument("--spectra", metavar="FILE.npz", type=writable, help="write every module's singular values")
    audit.add_argument(
        "--fail-on", action="append", default=[], metavar="CONDITION", type=gate,
        help='exit 3 if it holds, e.g. "dead_modules > 0" or "min(utilization) < 0.1"; may be repeated',
    )  # fmt: skip


def _audit(options: argparse.Namespace) -> int:
    from rankkit.audits.audit import audit, audit_full

    if (options.rule is None) != (options.omega is None) and options.omegas is None:
        raise ValueError("--as and --omega go together, as in --as sine --omega 200.")
    if (options.intruders or options.full) and not options.base:
        raise ValueError("--intruders and --full need the model they start from; add --base MODEL.")
    if options.omegas is not None:
        return _probe(options)
    reports, failed = [], False
    rule = rule_named(options.rule, options)(options.omega) if options.rule else None
    shared = {"rtol": options.rtol, "exact": options.exact, "progress": options.progress}
    one = partial(audit, family=options.family, rule=rule, base=options.base, intruders=options.intruders,
                  device=options.device, memory=options.memory, **shared)  # fmt: skip
    if options.full:
        one = partial(audit_full, base=options.base, **shared)
    for source in _sources(options):
        try:
            reports.append(one(source))
        except (ValueError, OSError) as error:  # the others keep their reports
            failed = True
            say(f"rankkit audit: {error}")
    if len(reports) > 1 and (options.output or options.plot or options.spectra or options.html):
        raise ValueError("--output, --plot, --spectra and --html take one adapter; audit them one by one.")
    if format_of(options) == "json" and reports:
        records = [report.record() for report in reports]
        write(options, json.dumps(records if len(options.path) > 1 else records[0], indent=2, allow_nan=False))
    statuses = [_report(options, report, heading=len(reports) > 1) for report in reports]
    return 1 if failed else max(statuses)


def _sources(options: argparse.Namespace) -> list[Any]:
    from rankkit.data import sample_adapter

    return [sample_adapter()] if options.sample else [options.full] if options.full else options.path


def _probe(options: argparse.Namespace) -> int:
    """Print one adapter's curves: stable rank at every frequency."""
    from rankkit.audits.probe import probe_frequencies

    sources = _sources(options)
    if len(sources) > 1 or options.fail_on or options.spectra:
        raise ValueError("--omegas takes one adapter, and neither --fail-on nor --spectra; leave them out.")
    probe = probe_frequencies(
        sources[0], options.omegas, rule=rule_named(options.rule or "sine", options), family=options.family,
        device=options.device, progress=options.progress,
    )  # fmt: skip
    columns = probe.columns
    if format_of(options) in ("text", "markdown"):
        columns = {name: columns[name] for name in _CURVE}
    emit(options, columns)
    if options.plot:
        picture([probe.plot()], options.plot)
    return 0


def _report(options: argparse.Namespace, report: Any, *, heading: bool) -> int:
    """Print one adapter's report and return its exit status."""
    from rankkit.files import write_atomically
    from rankkit.report.tables import terminal_width
    from rankkit.report.text import audit_text

    kind = format_of(options)
    if heading and kind in ("text", "markdown"):
        write(options, f"{'## ' if kind == 'markdown' else ''}{report.source}\n")
    if kind == "csv":
        emit(options, report.columns)
        say(report.coverage)
    elif kind == "markdown":
        write(options, report.to_markdown())
    elif kind == "text":
        write(options, audit_text(report, terminal_width() if options.output is None else None))
    if options.spectra:
        say(f"wrote {report.save(options.spectra)}")
    if options.html:
        say(f"wrote {write_atomically(options.html, lambda out: out.write(report.to_html().encode()))}")
    if options.plot:
        picture(report.plot(), options.plot)
    tripped = [condition for condition in options.fail_on if condition.trips(report)]
    for condition in tripped:
        say(f"gate tripped: {condition.text} (the value is {condition.value(report):g})")
    return 3 if tripped else 0
