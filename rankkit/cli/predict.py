"""rankkit predict: what sin(omega B A) will measure, and the frequency for a target, without sampling."""

from __future__ import annotations

import argparse
from typing import Any

from rankkit.cli.arguments import frequencies, number, positive_int
from rankkit.cli.options import command, emit, law_named, law_options, picture

__all__ = ["add"]

_TARGETS = {
    "target_stable_rank": "stable_rank",
    "target_rank": "numerical_rank",
    "target_participation_ratio": "participation_ratio",
}


def add(commands: Any) -> None:
    """Add the command to the parser."""
    predict = command(
        commands, "predict", _predict, "predict the rank of sin(omega B A), or omega for a rank, without sampling",
        "rankkit predict --d 4096 --r 8 --target-stable-rank 100", trouble=2,
    )  # fmt: skip
    predict.add_argument("--d", type=positive_int, required=True, help="rows of the update")
    predict.add_argument("--n", type=positive_int, help="columns of the update (default: d)")
    predict.add_argument("--r", type=positive_int, required=True, help="rank of the factors")
    what = predict.add_mutually_exclusive_group(required=True)
    what.add_argument(
        "--omegas", type=frequencies, metavar="LIST", help="frequencies: 1,10,100 or FIRST:LAST:COUNT[:log]"
    )
    what.add_argument("--target-stable-rank", type=number, metavar="RANK", help="find omega for this stable rank")
    what.add_argument("--target-rank", type=number, metavar="RANK", help="find omega for this numerical rank")
    what.add_argument("--target-participation-ratio", type=number, metavar="RATIO", help="find omega for this ratio")
    predict.add_argument(
        "--measures", type=lambda text: text.split(","), metavar="LIST",
        help="comma-separated, with --omegas (default: numerical_rank,stable_rank)",
    )  # fmt: skip
    law_options(predict)


def _predict(options: argparse.Namespace) -> int:
    from rankkit.law import frequency_for_rank, predict_curve

    law = law_named(options)
    given = {"d": options.d, "r": options.r, "n": options.n, "initializer": law}
    measures = options.measures or ("numerical_rank", "stable_rank")
    if options.omegas is not None:
        curve = predict_curve(options.omegas, measures=measures, rtol=options.rtol, **given)
        emit(options, {name: column.tolist() for name, column in curve.columns.items()})
        if options.plot:
            from rankkit.plots import law_curves

            picture(law_curves(curve.table, measures), options.plot)
        return 0
    if options.plot:
        raise ValueError("--plot draws curves; name the frequencies with --omegas.")
    name = next(name for name in _TARGETS if getattr(options, name) is not None)
    target = getattr(options, name)
    found = frequency_for_rank(target, measure=_TARGETS[name], rtol=options.rtol, **given)
    there = predict_curve([found.value], measures=measures, rtol=options.rtol, **given).columns
    columns = {name: column.tolist() for name, column in there.items()}
    emit(options, {"omega": [found.value], "omega_error": [found.error]} | columns)
    return 0
