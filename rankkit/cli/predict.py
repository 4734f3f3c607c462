"""rankkit predict: what sin(omega B A) will measure, and the frequency for a target, without sampling."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from rankkit.cli.arguments import FREQUENCIES, frequencies, number, positive_int, words
from rankkit.cli.command import Choice, Command, Group, OneOf, Option, UsageError, excludes, needs
from rankkit.cli.laws import COVARIANCE, ENTRIES, FACTORS, covariances, entry_laws, given_factors
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
_PREDICTED = "where ranks are predicted"
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
    ("--rule",), f"The function phi: {', '.join(RULES)}; --factors take others than the sine with a "
    "--target option alone (audit has --as).",
    default="sine", choices=RULES, metavar="NAME",
)  # fmt: skip


def _predict(options: argparse.Namespace) -> int:
    from rankkit.law import frequency_for_rank, predict_curve

    given = _given(options)
    measures = options.measures or _MEASURES
    if options.omegas is not None:
        curve = predict_curve(options.omegas, measures=measures, rtol=_rtol(options, measures), **given)
        emit(options, {name: column.tolist() for name, column in curve.columns.items()})
        if options.plot:
            from rankkit.plots import law_curves

            picture(lambda: law_curves(curve.table, measures), options.plot)
        return 0
    name = next(name for name in _TARGETS if getattr(options, name) is not None)
    measure = _TARGETS[name]
    found = frequency_for_rank(getattr(options, name), measure=measure, rtol=_rtol(options, [measure]), **given)
    if options.factors is not None:
        emit(options, _sides(found) | {"regime": [found.regime]})
        return 0
    there = predict_curve([found.value], measures=measures, rtol=_rtol(options, measures), **given).columns
    columns = {name: column.tolist() for name, column in there.items()}
    emit(options, _sides(found) | columns)
    return 0


def _rtol(options: argparse.Namespace, measures: Sequence[str]) -> float | None:
    """Return the tolerance where one of the measures has one: a target and what is shown there may be others."""
    return options.rtol if "numerical_rank" in measures else None


def _given(options: argparse.Namespace) -> dict[str, Any]:
    """Return the factors and the rule, as the functions of the law take them."""
    rule = None if options.rule == "sine" else rule_named(options.rule, options)
    if options.factors is not None:
        if rule is not None and options.omegas is not None:
            raise UsageError(
                f"--rule {options.rule} of given factors is not predicted but measured: give a --target option, or "
                f"run rankkit audit ADAPTER --as {options.rule} with --omegas."
            )
        return {"factors": given_factors(options.factors), "rule": rule}
    if options.d is None or options.r is None:
        raise UsageError("give --d and --r, or --factors; write for instance --d 512 --r 2.")
    sizes = {"d": options.d, "r": options.r, "n": options.n, "rule": rule}
    if options.entries is not None or options.covariance is not None:
        return sizes | {
            "entries": entry_laws(options.entries) if options.entries else None,
            "covariance": covariances(options.covariance) if options.covariance else None,
        }
    return sizes | {"initializer": law_named(options)}


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
    measures = options.measures or _MEASURES
    if options.factors is not None and options.omegas is None:
        measures = [_TARGETS[name] for name in _TARGETS if getattr(options, name) is not None]
    counts = options.target_rank is not None or "numerical_rank" in measures
    return _COUNTED if counts else f"for {', '.join(measures)}"


def _shown(options: argparse.Namespace) -> str:
    """Return whether measures are shown: given factors are not predicted at a target, but measured."""
    return "with --factors and a target" if options.factors is not None and options.omegas is None else _PREDICTED


PREDICT = Command(
    "predict",
    "Predict the rank of sin(omega B A), or of another phi(B A), without sampling.",
    "With a --target option, it finds the frequency omega at which a measure has the given value, and the intervals of "
    "omega in which the mean over draws has it (95 % of settings) and in which 90 % of single draws reach it. Where "
    "the rank jumps over the target, it adds the frequencies and ranks beside the jump. Give the sizes with --d and "
    "--r and say how the entries are distributed, or give trained --factors.",
    (
        "rankkit predict --d 4096 --r 8 --target-stable-rank 100",
        "rankkit predict --d 512 --r 4 --target-rank 200 --rule tanh --init normal",
        "rankkit predict --d 512 --r 2 --omegas 0.1:10:9:log --entries laplace,uniform --plot law.png",
    ),
    (
        Group(
            "what to predict",
            (
                Option(("--d",), "Rows of the update; needed without --factors.", read=positive_int, metavar="ROWS"),
                Option(("--n",), "Columns of the update (default: d).", read=positive_int, metavar="COLUMNS"),
                Option(("--r",), "Rank of the factors; needed without --factors.", read=positive_int, metavar="RANK"),
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
        Group("for which factors", (INIT, SPREAD, ENTRIES, COVARIANCE, FACTORS)),
        Group("for which function phi", (_RULE, AMPLITUDE)),
        Group("output", (FORMAT, OUTPUT, PLOT)),
    ),
    _predict,
    choices=(
        LAW_CHOICE, excludes(FACTORS, "--d", "--r", "--n", "--init", "--a", "--entries", "--covariance"),
        excludes(ENTRIES, "--init", "--a"), excludes(COVARIANCE, "--init", "--a"),
        Choice(_shown, {_PREDICTED: ("--measures",)}), needs(_OMEGAS, "--plot"),
        Choice(_counted, {_COUNTED: ("--rtol",)}),
        Choice(lambda options: f"with --rule {options.rule}", {"with --rule sinter": ("--amplitude",)}),
    ),
    trouble=2,
)  # fmt: skip
