"""rankkit audit: how much of its rank an adapter uses, module by module."""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from functools import partial
from typing import Any

from rankkit.cli.arguments import non_negative, npz, positive_int, writable
from rankkit.cli.audit_curves import OMEGAS, audit_curves
from rankkit.cli.audit_merged import MERGED, audit_merge
from rankkit.cli.command import Choice, Command, Group, OneOf, Option, UsageError, excludes, needs
from rankkit.cli.gates import FAIL_ON, SARIF, gated
from rankkit.cli.options import (
    ALL,
    AMPLITUDE,
    DEVICE,
    FAMILY,
    FORMAT,
    GAIN,
    MEMORY,
    MEMORY_CHOICE,
    OUTPUT,
    PLOT,
    PROGRESS,
    RTOL,
    RULES,
    SAMPLES,
    check_device,
    check_family,
    rule_choice,
    rule_named,
)
from rankkit.cli.output import emit, format_of, line_width, picture, save, say, write
from rankkit.report.columns import DEFINITIONS, HEADS, SUMMARISED, SUMMARY_HEADS, in_short

__all__ = ["AUDIT"]

_ADAPTERS, _FULL, _CURVES, _MERGED = "where adapters are audited", "with --full", "with --omegas", "with --merged"


def _audit(options: argparse.Namespace) -> int:
    sources = _sources(options)
    _check(options, sources)
    if options.merged is not None:
        return audit_merge(options, sources[0])
    if options.omegas is not None:
        return audit_curves(options, sources[0])
    reports = _reports(options, sources)
    several = len(sources) > 1
    if reports and format_of(options) == "json":
        records = [report.record() for report in reports]
        write(options, json.dumps(records if several else records[0], indent=2, allow_nan=False))
    if reports and format_of(options) == "csv":
        emit(options, _one_table(reports) if several else reports[0].columns)
    statuses = [_report(options, report, heading=several) for report in reports]
    return 1 if len(reports) < len(sources) else max(statuses)


def _mode(options: argparse.Namespace) -> str:
    """Return what is to be done."""
    if options.merged is not None:
        return _MERGED
    return _CURVES if options.omegas is not None else _FULL if options.full is not None else _ADAPTERS


def _rule(options: argparse.Namespace) -> str | None:
    """Return the name of the rule that replaces the adapter's own."""
    return options.rule or ("sine" if options.omegas is not None else None)


def _sources(options: argparse.Namespace) -> list[Any]:
    from rankkit.data import sample_adapter

    return (
        [sample_adapter(options.sample)] if options.sample else [options.full] if options.full else list(options.path)
    )


def _check(options: argparse.Namespace, sources: Sequence[Any]) -> None:
    """Raise a UsageError where the options cannot be followed, before any work begins."""
    if options.full is not None and not options.base:
        raise UsageError("--full needs the model that was fine-tuned, got none; add --base MODEL.")
    if options.merged is not None and not options.base:
        raise UsageError("--merged needs the model before merging, got none; add --base MODEL.")
    if options.rule is not None and options.omega is None and options.omegas is None:
        usual = 200 if options.rule == "sine" else 1
        raise UsageError(
            f"--as {options.rule} needs omega, which scales B A, got none; add for instance --omega {usual}."
        )
    alone = ("output", "plot", "spectra", "html", "omegas", "merged", "sarif")
    single = [name for name in alone if getattr(options, name) is not None]
    if len(sources) > 1 and single:
        raise UsageError(f"--{single[0]} takes one adapter, got {len(sources)}; audit them one by one.")
    check_family(options)
    check_device(options)


def _reports(options: argparse.Namespace, sources: Sequence[Any]) -> list[Any]:
    """Return the audits of the sources; one that cannot be read is named on stderr and left out."""
    from rankkit.audits.audit import audit, audit_full

    rule = rule_named(options.rule, options)(options.omega) if options.rule else None
    shared = {"rtol": options.rtol, "exact": options.exact, "progress": options.progress}
    one = partial(audit, each=options.all, family=options.family, rule=rule, base=options.base,
                  intruders=options.intruders, device=options.device, memory=options.memory, **shared)  # fmt: skip
    if options.full is not None:
        one = partial(audit_full, base=options.base, **shared)
    reports: list[Any] = []
    for source in sources:
        try:
            reports.append(one(source))
        except (ValueError, OSError) as error:  # the others keep their reports
            say(f"rankkit audit: {error}")
    return reports


def _one_table(reports: Sequence[Any]) -> dict[str, list[Any]]:
    """Return the rows of several audits under one head, with the adapter each is of."""
    columns: dict[str, list[Any]] = {"source": []}
    for report in reports:
        columns["source"] += [report.source] * len(report.columns["module"])
        for name, values in report.columns.items():
            columns.setdefault(name, []).extend(values)
    return columns


def _report(options: argparse.Namespace, report: Any, *, heading: bool) -> int:
    """Print one adapter's report and return its exit status."""
    from rankkit.report.text import audit_text

    kind = format_of(options)
    if heading and kind in ("text", "markdown"):
        write(options, f"{'## ' if kind == 'markdown' else ''}{report.source}\n")
    if kind == "csv":
        say(f"{report.source}: {report.coverage}" if heading else report.coverage)
    elif kind == "markdown":
        write(options, report.to_markdown())
    elif kind == "text":
        write(options, audit_text(report, line_width(options)))
    if options.spectra:
        say(f"wrote {report.save(options.spectra)}")
    if options.html:
        save(options.html, report.to_html())
    if options.plot:
        picture(report.plot, options.plot)
    return gated(options, report)


_BASE = Option(
    ("--base",),
    "The base model; adds columns with the size of the update relative to the weight, and measures the update that "
    "DoRA, OFT and other methods make from the weight.",
    metavar="MODEL",
)  # fmt: skip
_AS = Option(
    ("--as",),
    f"Apply this function to the stored B A instead of the adapter's own rule and scale: {', '.join(RULES)} "
    "(sweep and predict have --rule).",
    to="rule", choices=RULES, metavar="RULE",
)  # fmt: skip
_WHAT = Group(
    "what to measure",
    (
        OneOf(
            (
                Option(
                    ("path",),
                    "Adapter folders or files in any of the formats of --family, zips of them, or their names on the "
                    "Hugging Face Hub (org/name).",
                    nargs="*",
                    default=(),
                ),
                Option(
                    ("--full",),
                    "Instead of an adapter: a fully fine-tuned model; measures W_tuned - W for every matrix of the "
                    "model given by --base.",
                    metavar="TUNED",
                ),
                Option(
                    ("--sample",),
                    f"Use a small trained adapter that comes with rankkit: {', '.join(SAMPLES)} (without NAME: lora).",
                    flag="lora", nargs="?", choices=SAMPLES, metavar="NAME",
                ),
            ),
            required=True,
        ),
        ALL,
        FAMILY,
        RTOL,
    ),
)  # fmt: skip
_RULE = Group(
    "under which rule (default: the adapter's own)",
    (
        _AS,
        OneOf(
            (
                Option(
                    ("--omega",), "The number omega in phi(omega B A), needed with --as.", read=non_negative,
                    metavar="OMEGA",
                ),
                OMEGAS,
            )
        ),
        GAIN,
        AMPLITUDE,
    ),
)  # fmt: skip
_AGAINST = Group(
    "comparison",
    (
        _BASE,
        MERGED,
        Option(
            ("--intruders",),
            "Count how many of the K leading left singular vectors of the adapted weight are new: their cosine with "
            "every one of the base's is below 0.5 (two SVDs per module).",
            read=positive_int, metavar="K",
        ),
    ),
)  # fmt: skip
_HOW = Group(
    "how to compute",
    (
        Option(
            ("--exact",),
            "Use a full SVD also for large non-linear updates, instead of the faster method with error bounds.",
            default=False,
            flag=True,
        ),
        DEVICE,
        MEMORY,
        PROGRESS,
    ),
)
_OUTPUT = Group(
    "output",
    (
        FORMAT,
        OUTPUT,
        PLOT,
        Option(
            ("--html",), "Write an HTML page with figures and a sortable table to this file.", read=writable,
            metavar="FILE", writes=True,
        ),
        Option(
            ("--spectra",), "Write the singular values of every module to this file.", read=npz, metavar="FILE.npz",
            writes=True,
        ),
        FAIL_ON,
        SARIF,
    ),
)  # fmt: skip
_RULES = ("--as", "--gain", "--amplitude", "--device")
_REPORTED = ("--html", "--spectra", "--fail-on", "--rtol", "--exact")
_DRAWN = ("--plot", "--sarif")
AUDIT = Command(
    "audit",
    "Measure how much of its rank each module of an adapter uses.",
    "The update is the matrix that the adapter adds to the weight, including the "
    "factor alpha / r of LoRA.",
    (
        'rankkit audit path/to/adapter --html report.html --plot audit.png --fail-on "dead_modules > 0"',
        "rankkit audit path/to/adapter --base path/to/model --merged path/to/merged",
        "rankkit audit --sample --as sine --omegas 100:100000:9:log --plot curves.png",
    ),
    (_WHAT, _RULE, _AGAINST, _HOW, _OUTPUT),
    _audit,
    choices=(
        Choice(
            _mode,
            {
                _ADAPTERS: (
                    *_RULES, *_REPORTED, *_DRAWN, "--family", "--base", "--all", "--omega", "--intruders", "--memory",
                ),
                _FULL: (*_REPORTED, *_DRAWN, "--base"),
                _CURVES: (*_RULES, "--plot", "--family"),
                _MERGED: ("--family", "--base", "--sarif"),
            },
        ),
        needs(_AS, "--omega"),
        rule_choice("--as", _rule),
        needs(_BASE, "--intruders"),
        excludes(OMEGAS, "--full", "--merged"),
        excludes(MERGED, "--full"),
        MEMORY_CHOICE,
    ),
    columns=in_short(DEFINITIONS, HEADS) | in_short(SUMMARISED, SUMMARY_HEADS),
)  # fmt: skip
