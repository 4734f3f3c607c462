"""rankkit sweep: how the rank grows with the frequency."""

from __future__ import annotations

import argparse
from typing import Any

from rankkit.cli.arguments import FREQUENCIES, folder, frequencies, positive_int, words
from rankkit.cli.command import Choice, Command, Group, Option, UsageError, excludes, needs
from rankkit.cli.options import (
    AMPLITUDE,
    DEVICE,
    FORMAT,
    GAIN,
    INIT,
    LAW_CHOICE,
    MEMORY,
    MEMORY_CHOICE,
    METRICS,
    OUTPUT,
    PLOT,
    PROGRESS,
    RTOL,
    RULES,
    SPREAD,
    check_device,
    law_named,
    rule_choice,
    rule_named,
)
from rankkit.cli.output import emit, format_of, picture, say
from rankkit.report.columns import SWEPT, in_short

__all__ = ["SWEEP"]


def _sweep(options: argparse.Namespace) -> int:
    from rankkit import execution
    from rankkit.sweeps.record import check_folder, is_table_file
    from rankkit.sweeps.sweep import sweep_frequency

    check_device(options)
    if options.save and not is_table_file(options.save):
        check_folder(options.save)
    if options.law:
        _check_law(options)
    law = law_named(options)
    with execution.cluster(options.scheduler):
        sweep = sweep_frequency(
            options.d, options.r, n=options.n, omegas=options.omegas, seeds=options.seeds,
            rule=rule_named(options.rule, options), initializer=law, metrics=options.metrics,
            rtol=options.rtol, dtype=options.dtype,
            protocol=options.protocol, store=options.store, device=options.device, memory=options.memory,
            n_jobs=options.n_jobs, progress=options.progress,
        )  # fmt: skip
    if options.save:
        say(f"wrote {sweep.save(options.save)}")
    columns: dict[str, Any] = sweep.columns
    if format_of(options) in ("text", "markdown"):
        summary = sweep.summary()
        wanted = ["omega", "c", "omega_std", *(f"{m}_{what}" for m in sweep.metrics for what in ("mean", "std"))]
        columns = {name: summary[name].tolist() for name in wanted}
    emit(options, columns)
    if options.plot:
        predicted = _predicted(sweep, options, law) if options.law else None
        picture(lambda: sweep.plot(law=predicted), options.plot)
    return 0


def _check_law(options: argparse.Namespace) -> None:
    """Raise a UsageError where the law predicts nothing of what will be measured."""
    from rankkit.law import MEASURES

    if options.metrics and not {*options.metrics} & {*MEASURES}:
        raise UsageError(f"--law predicts {', '.join(MEASURES)}, got --metrics {','.join(options.metrics)}; add one.")
    if options.omegas and max(options.omegas) == 0:
        raise UsageError("--law predicts at frequencies above 0, got only 0; add one to --omegas.")


def _predicted(sweep: Any, options: argparse.Namespace, law: Any) -> Any:
    """Return the law's table at the sweep's frequencies."""
    from rankkit.law import MEASURES, predict_curve

    measures = [name for name in sweep.metrics if name in MEASURES]
    omegas = sorted({float(omega) for omega in sweep.columns["omega"] if omega > 0})
    rtol = float(sweep.columns["rtol"][0]) if "numerical_rank" in measures else None
    return predict_curve(
        omegas, d=options.d, r=options.r, n=options.n, measures=measures, rtol=rtol, initializer=law
    ).table


def _protocol(options: argparse.Namespace) -> str:
    chosen = options.omegas is not None and options.seeds is not None and options.metrics is not None
    return "with all three" if chosen else _OPEN


_OPEN = "without one of --omegas, --seeds and --metrics"
_SCHEDULER = Option(
    ("--scheduler",), "Run on the Dask cluster at this address, for instance tcp://host:8786.", metavar="ADDRESS"
)
_WHAT = Group(
    "what to measure",
    (
        Option(("--d",), "Rows of the update.", read=positive_int, default=512, metavar="ROWS"),
        Option(("--n",), "Columns of the update (default: d).", read=positive_int, metavar="COLUMNS"),
        Option(("--r",), "Rank of the factors.", read=positive_int, default=2, metavar="RANK"),
        Option(
            ("--omegas",),
            f"Values of omega: {FREQUENCIES} (default: 56 frequencies, over which the sine goes from linear to full "
            "rank).",
            read=frequencies, metavar="LIST",
        ),
        Option(("--seeds",), "How many random draws (default: 5).", read=positive_int, metavar="COUNT"),
        Option(
            ("--metrics",), f"What to measure, comma-separated (predict has --measures): {', '.join(METRICS)} "
            "(default: numerical_rank,stable_rank).",
            read=words,
            metavar="LIST",
        ),
        Option(
            ("--protocol",),
            "Take those of --omegas, --seeds and --metrics that you do not give from a published experiment: adasine "
            "has omega = 1..1000, 100 seeds and the numerical rank.",
            choices=("adasine",), metavar="NAME",
        ),
        RTOL,
    ),
)  # fmt: skip
_RULE = Group(
    "under which rule",
    (
        Option(
            ("--rule",),
            f"The function phi: {', '.join(RULES)} (audit has --as).",
            choices=RULES,
            default="sine",
            metavar="RULE",
        ),
        GAIN,
        AMPLITUDE,
        INIT,
        SPREAD,
    ),
)
_HOW = Group(
    "how to compute",
    (
        Option(
            ("--dtype",), "The precision in which the update is formed: float64 or float32.", default="float64",
            choices=("float64", "float32"), metavar="DTYPE",
        ),
        DEVICE,
        MEMORY,
        Option(
            ("--n-jobs",), "How many workers (default: all cores, or one with --device). Results do not depend on it.",
            read=positive_int, metavar="COUNT",
        ),
        _SCHEDULER,
        Option(
            ("--store",),
            "Keep every finished piece in this folder; run the same command again to continue after an interruption.",
            read=folder, metavar="FOLDER",
        ),
        PROGRESS,
    ),
)  # fmt: skip
SWEEP = Command(
    "sweep",
    "Measure how the rank of phi(omega B A) grows with omega.",
    "The factors B and A are drawn at random. omega scales B A before phi is applied; "
    "for a sine it is the frequency.",
    (
        "rankkit sweep --d 128 --r 2 --omegas 1:1000:20:log --seeds 3 --plot curve.png",
        "rankkit sweep --d 128 --r 2 --law --plot curve_and_law.png",
        "rankkit sweep --d 96 --r 4 --rule gelu --metrics stable_rank,effective_rank --store pieces --save finished",
    ),
    (
        _WHAT,
        _RULE,
        Group(
            "comparison",
            (Option(("--law",), "Add the theoretical prediction to --plot.", default=False, flag=True),),
        ),
        _HOW,
        Group(
            "output",
            (
                FORMAT,
                OUTPUT,
                PLOT,
                Option(
                    ("--save",), "Save the whole sweep in this new or empty folder, or over an earlier sweep in it "
                    "(read it with rankkit.Sweep.load).", read=folder,
                    metavar="FOLDER",
                ),
            ),
        ),
    ),
    _sweep,
    choices=(
        rule_choice("--rule", lambda options: options.rule, "--law"),
        LAW_CHOICE,
        MEMORY_CHOICE,
        needs(PLOT, "--law"),
        Choice(_protocol, {_OPEN: ("--protocol",)}),
        excludes(_SCHEDULER, "--n-jobs"),
    ),
    trouble=2,
    columns=in_short(SWEPT, {name: name for name in SWEPT}),
)  # fmt: skip
