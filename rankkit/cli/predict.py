"""rankkit predict: what sin(omega B A) will measure, and the frequency for a target, without sampling."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from rankkit.cli.arguments import FREQUENCIES, frequencies, number, positive_int, words
from rankkit.cli.command import Choice, Command, Group, OneOf, Option, UsageError, needs
from rankkit.cli.options import (
    AMPLITUDE,
    FORMAT,
    INIT,
    LAW_CHOICE,
    OUTPUT,
    PLOT,
    RTOL,
    RULES,
    SPREAD,
    law_named,
    rule_named,
)
from rankkit.cli.output import emit, picture

if TYPE_CHECKING:
    from rankkit.law import Target

__all__ = ["MEASURES", "PREDICT"]

# The names of `rankkit.law.MEASURES`, which the help must not load; a test compares them.
MEASURES = ("numerical_rank", "stable_rank", "participation_ratio", "effective_rank", "effective_rank_energy")
_MEASURES = ("numerical_rank", "stable_rank")
_COUNTED = "where the numerical rank is predicted"
_TARGETS = {
    "target_stable_rank": "stable_rank",
    "target_rank": "numerical_rank",
    "target_participation_ratio": "participation_ratio",
}
_OMEGAS = Option(
    ("--omegas",), f"Predict the measures at these frequencies: {FREQUENCIES}.", read=frequencies,
    metavar="LIST",
)  # fmt: skip

_RULE = Option(
    ("--rule",), f"The function phi: {', '.join(RULES)}; others than the sine with --init normal (audit has --as).",
    default="sine", choices=RULES, metavar="NAME",
)  # fmt: skip


def _predict(options: argparse.Namespace) -> int:
    from rankkit.law import frequency_for_rank, predict_curve

    if options.rule != "sine" and options.init != "normal":
        raise UsageError(f"--rule {options.rule} is predicted for normal entries alone; add --init normal.")
    rule = None if options.rule == "sine" else rule_named(options.rule, options)
    given: dict[str, Any] = {
        "d": options.d,
        "r": options.r,
        "n": options.n,
        "initializer": law_named(options),
        "rule": rule,
    }
    measures = options.measures or _MEASURES
    if options.omegas is not None:
        curve = predict_curve(options.omegas, measures=measures, rtol=options.rtol, **given)
        emit(options, {name: column.tolist() for name, column in curve.columns.items()})
        if options.plot:
            from rankkit.plots import law_curves

            picture(lambda: law_curves(curve.table, measures), options.plot)
        return 0
    name = next(name for name in _TARGETS if getattr(options, name) is not None)
    found = frequency_for_rank(getattr(options, name), measure=_TARGETS[name], rtol=options.rtol, **given)
    there = predict_curve([found.value], measures=measures, rtol=options.rtol, **given).columns
    columns = {name: column.tolist() for name, column in there.items()}
    emit(options, _sides(found) | columns)
    return 0


def _sides(found: Target) -> dict[str, list[float]]:
    """Return the frequency that was found and what lies on either side of it, as columns of one row."""
    row = {"omega": found.value, "omega_error": found.error}
    row |= {"omega_mean_low": found.mean[0], "omega_mean_high": found.mean[1]}
    if found.draws is not None:
        row |= {"omega_draws_low": found.draws[0], "omega_draws_high": found.draws[1]}
    if found.steps is not None:
        below, above = found.steps
        row |= {"omega_below": below.omega, "rank_below": below.rank}
        row |= {"omega_above": above.omega, "rank_above": above.rank}
    return {name: [value] for name, value in row.items()}


def _counted(options: argparse.Namespace) -> str:
    """Return whether the numerical rank, which alone has a tolerance, is among what is predicted."""
    counts = options.target_rank is not None or "numerical_rank" in (options.measures or _MEASURES)
    return _COUNTED if counts else f"for {', '.join(options.measures)}"


PREDICT = Command(
    "predict",
    "Predict the rank of sin(omega B A), or of another phi(B A), without sampling.",
    "With a --target option, it finds the frequency omega at which a measure has the given value, and the intervals of "
    "omega in which the mean over draws has it (95 % of settings) and in which 90 % of single draws reach it. Where "
    "the rank jumps over the target, it adds the frequencies and ranks beside the jump.",
    (
        "rankkit predict --d 4096 --r 8 --target-stable-rank 100",
        "rankkit predict --d 4096 --r 8 --omegas 1:1000:20:log --plot law.png",
        "rankkit predict --d 512 --r 4 --target-rank 200 --rule tanh --init normal",
    ),
    (
        Group(
            "what to predict",
            (
                Option(("--d",), "Rows of the update.", read=positive_int, metavar="ROWS", required=True),
                Option(("--n",), "Columns of the update (default: d).", read=positive_int, metavar="COLUMNS"),
                Option(("--r",), "Rank of the factors.", read=positive_int, metavar="RANK", required=True),
                OneOf(
                    (
                        _OMEGAS,
                        Option(
                            ("--target-stable-rank",), "Find omega for this stable rank.", read=number, metavar="RANK"
                        ),
                        Option(("--target-rank",), "Find omega for this numerical rank.", read=number, metavar="RANK"),
                        Option(
                            ("--target-participation-ratio",), "Find omega for this participation ratio.", read=number,
                            metavar="RATIO",
                        ),
                    ),
                    required=True,
                ),
                Option(
                    ("--measures",), f"What to predict, comma-separated (sweep has --metrics): {', '.join(MEASURES)} "
                    f"(default: {','.join(_MEASURES)}).",
                    read=words, metavar="LIST",
                ),
                RTOL,
            ),
        ),
        Group("for which factors", (INIT, SPREAD)),
        Group("for which function phi", (_RULE, AMPLITUDE)),
        Group("output", (FORMAT, OUTPUT, PLOT)),
    ),
    _predict,
    choices=(
        LAW_CHOICE, needs(_OMEGAS, "--plot"), Choice(_counted, {_COUNTED: ("--rtol",)}),
        Choice(lambda options: f"with --rule {options.rule}", {"with --rule sinter": ("--amplitude",)}),
    ),
    trouble=2,
)  # fmt: skip
