"""The kinds of layers side by side: means over seeds, paired differences from the sine, and what the law predicts."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

import rankkit as rk
from experiments.grid.carry_out import Progress
from experiments.grid.kept import Outcome
from experiments.grid.statistics import holm, mean_interval
from experiments.layers import KINDS
from rankkit.files import write_atomically, write_table

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["PREDICTED", "cells", "differences", "law_of_layer", "markdown", "summarise"]

CELL = ("data", "rank", "omega")  # what two kinds must share to be compared; a plan without data has one
SHOWN = ("sine", "frozen", "low rank", "matched", "matched twin", "twin")  # the columns of the page's table
PREDICTED = ("predicted_rank", "predicted_rank_error", "predicted_stable_rank")  # columns of a sine
Key = tuple[Any, ...]


def summarise(progress: Progress, out: Path, *, score: str) -> str:
    """Write cells.csv, differences.csv and cells.md into a folder and return the tables as text.

    Parameters
    ----------
    progress : Progress
        With runs whose settings are those of `experiments.layers.Layers`, a seed, and perhaps `data`.
    out : Path
    score : str
        Which of a run's scores is compared.
    """
    tables = {"cells": cells(progress.runs, score), "differences": differences(progress.runs, score)}
    for name, table in tables.items():
        write_table(out / f"{name}.csv", table)
    page = markdown(tables["cells"], score).encode()
    write_atomically(out / "cells.md", lambda file: file.write(page))
    return "\n\n".join(table.round(4).to_string(index=False) for table in tables.values())


def cells(outcomes: Sequence[Outcome], score: str) -> pd.DataFrame:
    """Return one row for each kind of layer, rank and frequency.

    Its columns: the score's mean over the seeds with its interval; what the first layer is at the start and at the end
    (means over seeds and layers); and what `rankkit.predict_rank` and `predict_stable_rank` say of the start of a sine.
    """
    import pandas as pd

    rows: list[dict[str, Any]] = []
    for (*cell, kind), group in _groups(outcomes).items():
        mean, low, high = mean_interval([outcome.scores[score] for outcome in group])
        first = group[0]
        rows.append({
            **dict(zip(_names(first), cell, strict=True)), "kind": kind, "rate": first.run.settings["rate"],
            "parameters": int(first.scores["parameters"]), "seeds": len(group),
            f"{score}_mean": mean, f"{score}_low": low, f"{score}_high": high,
            **_looks(group), **(_predicted(first) if kind in ("sine", "frozen") else {}),
        })  # fmt: skip
    return pd.DataFrame(rows)


def markdown(table: pd.DataFrame, score: str) -> str:
    """Return the cells as a Markdown table: one row for each sine of two seeds or more, with the kinds beside it.

    Parameters
    ----------
    table : DataFrame
        As `cells` returns it.
    score : str
        Which is shown: its mean, and half of its 95 % interval.
    """
    names = [name for name in CELL if name in table]
    kinds = [kind for kind in SHOWN if kind in set(table["kind"])]
    head = [*names, "parameters", "predicted rank", *kinds]
    lines = [f"| {' | '.join(head)} |", f"|{'--:|' * len(head)}"]
    sines = table[(table["kind"] == "sine") & (table["seeds"] > 1)]
    for row in sines.to_dict("records"):
        beside = table[(table["rank"] == row["rank"]) & (table["omega"].isin([0.0, row["omega"]]))]
        if "data" in names:
            beside = beside[beside["data"] == row["data"]]
        found = {other["kind"]: other for other in beside.to_dict("records")}
        predicted = row.get("predicted_rank", math.nan)
        cell = [*(f"{row[name]:g}" if name != "data" else row[name] for name in names), f"{row['parameters']:,}"]
        cell += ["" if math.isnan(predicted) else f"{predicted:.1f}"]
        cell += [_shown(found[kind], score) if kind in found else "" for kind in kinds]
        lines.append(f"| {' | '.join(cell)} |")
    return "\n".join(lines) + "\n"


def _shown(cell: Mapping[Any, Any], score: str) -> str:
    return f"{cell[f'{score}_mean']:.3f} ± {(cell[f'{score}_high'] - cell[f'{score}_low']) / 2:.3f}"


def differences(outcomes: Sequence[Outcome], score: str) -> pd.DataFrame:
    """Return the sine's score less that of each other kind, paired by seed, one row a comparison.

    `low` and `high` are Student's 95 % interval of the pairs' mean. The kinds differ much in how far their scores
    scatter, so that each comparison has its own variance. `p_holm` is corrected for all comparisons of the table.
    A kind without a frequency is compared with the sines of every frequency.
    """
    import pandas as pd

    groups = _groups(outcomes)
    pairs = [(key, other) for key in groups if key[-1] == "sine" for other in groups if _comparable(key, other)]
    rows: list[dict[str, Any]] = []
    for key, other in pairs:
        ours, theirs = (_by_seed(groups[name], score) for name in (key, other))
        gaps = [ours[seed] - theirs[seed] for seed in ours if seed in theirs]
        mean, low, high = mean_interval(gaps)
        rows.append({
            **dict(zip(_names(groups[key][0]), key[:-1], strict=True)), "sine less": other[-1], "seeds": len(gaps),
            "difference": mean, "low": low, "high": high, "p": _p(gaps),
        })  # fmt: skip
    known = [row["p"] for row in rows if not math.isnan(row["p"])]
    corrected = iter(holm(known))
    return pd.DataFrame([row | {"p_holm": math.nan if math.isnan(row["p"]) else next(corrected)} for row in rows])


def _p(gaps: Sequence[float]) -> float:
    """Return Student's probability of a mean at least as far from zero; NaN of a single value."""
    from scipy.stats import ttest_1samp

    if len(gaps) < 2:
        return math.nan
    if np.ptp(gaps) == 0:
        return 0.0 if gaps[0] else 1.0
    return float(ttest_1samp(gaps, 0.0).pvalue)


def _names(outcome: Outcome) -> tuple[str, ...]:
    return tuple(name for name in CELL if name in outcome.run.settings)


def _groups(outcomes: Sequence[Outcome]) -> dict[Key, list[Outcome]]:
    """Return the runs of each cell and kind, in the order of data, rank, frequency and kind."""
    groups: dict[Key, list[Outcome]] = {}
    for outcome in outcomes:
        settings = outcome.run.settings
        groups.setdefault((*(settings[name] for name in _names(outcome)), settings["kind"]), []).append(outcome)
    return dict(sorted(groups.items(), key=lambda item: (*item[0][:-1], KINDS.index(item[0][-1]))))


def _comparable(sine: Key, other: Key) -> bool:
    """Return whether two cells differ in the kind alone, where the other kind has a rank and a frequency."""
    if other[-1] == "sine" or other[:-3] != sine[:-3]:
        return False
    return other[-1] == "full" or (other[-3] == sine[-3] and (other[-1] == "low rank" or other[-2] == sine[-2]))


def _by_seed(group: Sequence[Outcome], score: str) -> dict[int, float]:
    return {outcome.run.settings["seed"]: outcome.scores[score] for outcome in group}


def _looks(group: Sequence[Outcome]) -> dict[str, float]:
    rows = [row for outcome in group for row in outcome.tables["layers"]]
    return {
        f"{name}_{when}": float(np.mean([row[name] for row in rows if row["when"] == when]))
        for name in ("rms_phase", "frobenius_norm", "stable_rank", "numerical_rank")
        for when in ("start", "end")
    }


def _predicted(outcome: Outcome) -> Mapping[str, float]:
    """Return the mean of what the law predicts of the layers, whose shapes the table of layers has."""
    settings, rows = outcome.run.settings, outcome.tables["layers"]
    starts = [row for row in rows if row["when"] == "start"]
    each = [law_of_layer(settings["omega"], row["m"], row["n"], settings["rank"]) for row in starts]
    return {name: float(np.mean(values)) for name, values in zip(PREDICTED, zip(*each, strict=True), strict=True)}


@cache
def law_of_layer(omega: float, m: int, n: int, r: int) -> tuple[float, float, float]:
    """Return what PREDICTED names, of a sine with uniform entries; NaN where an equation was not solved.

    Parameters
    ----------
    omega : float
    m, n, r : int
        Rows and columns of the layer, and the rank of its factors.
    """
    try:
        rank = rk.predict_rank(omega, d=m, n=n, r=r)
        return rank.value, rank.error, rk.predict_stable_rank(omega, d=m, n=n, r=r).value
    except ArithmeticError:
        return math.nan, math.nan, math.nan
