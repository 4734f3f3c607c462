"""rankkit sweep: how the rank grows with the frequency."""

from __future__ import annotations

import argparse
from typing import Any

from rankkit.arguments import frequencies, positive_int
from rankkit.commands.shared import (
    RULES,
    command,
    emit,
    format_of,
    law_named,
    law_options,
    picture,
    rule_named,
    rule_options,
    say,
)

__all__ = ["add"]


def add(commands: Any) -> None:
    """Add the command to the parser."""
    sweep = command(
        commands, "sweep", _sweep, "measure how the rank of phi(omega B A) grows with the frequency omega",
        "rankkit sweep --d 512 --r 2 --omegas 1:1000:40:log --seeds 10 --plot curve.png", trouble=2,
    )  # fmt: skip
    sweep.add_argument("--d", type=positive_int, default=512, help="rows of the update (default: 512)")
    sweep.add_argument("--n", type=positive_int, help="columns of the update (default: d)")
    sweep.add_argument("--r", type=positive_int, default=2, help="rank of the factors (default: 2)")
    sweep.add_argument(
        "--omegas", type=frequencies, metavar="LIST",
        help="1,10,100 or FIRST:LAST:COUNT or FIRST:LAST:COUNT:log (default: linear to saturated)",
    )  # fmt: skip
    sweep.add_argument("--seeds", type=positive_int, help="how many random draws (default: 5)")
    sweep.add_argument(
        "--protocol", choices=("adasine",), help="a published setting: adasine is omega = 1..1000, 100 seeds, rank only"
    )
    sweep.add_argument("--rule", choices=RULES, default="sine", help="phi (default: sine)")
    rule_options(sweep)
    law_options(sweep)
    sweep.add_argument("--law", action="store_true", help="draw what the law predicts into the picture (sine only)")
    sweep.add_argument("--metrics", type=lambda text: text.split(","), metavar="LIST",
                       help="comma-separated (default: numerical_rank,stable_rank)")  # fmt: skip
    sweep.add_argument(
        "--dtype", choices=("float64", "float32"), default="float64", help="working precision of the update"
    )
    sweep.add_argument("--device", help="torch device, e.g. cuda (default: numpy on the CPU)")
    sweep.add_argument("--memory", type=positive_int, metavar="BYTES", help="what the torch device may use")
    sweep.add_argument("--n-jobs", type=positive_int, help="workers (default: all cores); results do not depend on it")
    sweep.add_argument("--scheduler", metavar="ADDRESS", help="run on a Dask cluster, e.g. tcp://host:8786")
    sweep.add_argument(
        "--store", metavar="FOLDER", help="keep every finished chunk there; the same command goes on where it stopped"
    )
    sweep.add_argument("--save", metavar="FOLDER", help="keep the whole sweep (sweep.csv, sweep.json) for Sweep.load")


def _sweep(options: argparse.Namespace) -> int:
    from rankkit import execution
    from rankkit.sweep import sweep_frequency

    if options.law and (options.rule != "sine" or not options.plot):
        raise ValueError("--law predicts the sine and draws into a picture; use it with --rule sine and --plot FILE.")
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
        picture(sweep.plot(law=_predicted(sweep, options, law) if options.law else None), options.plot)
    return 0


def _predicted(sweep: Any, options: argparse.Namespace, law: Any) -> Any:
    from rankkit.law import MEASURES, predict_curve

    measures = [name for name in sweep.metrics if name in MEASURES]
    omegas = sorted({float(omega) for omega in sweep.columns["omega"] if omega > 0})
    if not measures or not omegas:
        raise ValueError(f"--law predicts {', '.join(MEASURES)} at omega > 0, and the sweep has none of them.")
    rtol = float(sweep.columns["rtol"][0])
    return predict_curve(
        omegas, d=options.d, r=options.r, n=options.n, measures=measures, rtol=rtol, initializer=law
    ).table
