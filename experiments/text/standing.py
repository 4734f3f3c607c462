"""Where trained modules stand: stable ranks, how they spread over the modules, and whether phi is a line there."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from experiments.grid.kept import Outcome
from experiments.grid.statistics import differences, holm, mean_interval

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["layers", "spreads", "standing"]

REFERENCE = "lora"
MEASURES = {"update": "stable_rank", "product": "plain_stable_rank", "update without its mean": "centred_stable_rank"}
ROUNDING = 1e-9  # a spread of stable ranks below it is none
Groups = Mapping[str, list[Outcome]]


def standing(groups: Groups) -> pd.DataFrame:
    """Return one row a method: the stable rank of the trained updates, its spread over the modules, and where it is.

    `spread` is the standard deviation over the modules of one run, of the update as applied; `plain_spread` of B A;
    `centred_spread` of the update without its mean entry. Each is the mean over the seeds with its interval. The rest
    is of the last step: the rms phase (the largest of a run's modules), the largest |z| of B A, and the shares of the
    update that are a constant, a line in z, and neither.
    """
    import pandas as pd

    rows: list[dict[str, Any]] = []
    for method, runs in groups.items():
        if "modules" not in runs[0].tables:
            continue
        row: dict[str, Any] = {"method": method, "seeds": len(runs)}
        for name, column in (("", "stable_rank"), ("plain_", "plain_stable_rank"), ("centred_", "centred_stable_rank")):
            values = [_column(run, "modules", column) for run in runs]
            row[f"{name}stable_rank"] = float(np.mean([v.mean() for v in values]))
            spread = mean_interval([float(v.std(ddof=1)) for v in values])
            row |= dict(zip((f"{name}spread", f"{name}spread_low", f"{name}spread_high"), spread, strict=True))
        last = [_last(run) for run in runs]
        for name in ("rms_phase", "largest_z"):
            row[name] = float(np.mean([_largest(rows, name) for rows in last]))
        for name in ("constant_share", "line_share", "rest_share"):
            row[name] = (
                float(np.mean([r.get(name, math.nan) for rows in last for r in rows])) if any(last) else math.nan
            )
        rows.append(row)
    return pd.DataFrame(rows)


def spreads(groups: Groups) -> pd.DataFrame:
    """Return how much more the stable ranks of a method's modules spread than LoRA's, by measure.

    One row a method and measure: the difference between the standard deviations over the modules of one run, mean over
    the seeds, with the interval and p-value of the paired t-test, and the p-value corrected by Holm for all rows. The
    methods' variances differ too much to be pooled here. `update` is the update as applied, `product` is B A of the
    same runs, which tells whether a spread is the function's doing or the factors'. No row compares two spreads that
    are 0 but for rounding, as those of two linear methods of rank 1 are.
    """
    import pandas as pd

    spread = {
        (method, measure): {r.run.settings["seed"]: _spread(r, column) for r in runs if "modules" in r.tables}
        for method, runs in groups.items()
        for measure, column in MEASURES.items()
    }
    rows: list[dict[str, Any]] = []
    for (method, measure), own in spread.items():
        plain = spread.get((REFERENCE, "update"), {})
        seeds = sorted(set(own) & set(plain))
        values = [own[seed] for seed in seeds]
        pair = {method: values, REFERENCE: [plain[seed] for seed in seeds]}
        if (
            method == REFERENCE
            or len(seeds) < 2
            or not np.isfinite(values).all()
            or np.max([*pair.values()]) < ROUNDING
        ):
            continue
        [found] = differences(pair, [(method, REFERENCE)])
        rows.append({
            "method": method, "of": measure, "spread": float(np.mean(values)),
            "lora_spread": float(np.mean(pair[REFERENCE])), "difference": found.mean, "low": found.low,
            "high": found.high, "p": found.p, "seeds": len(seeds),
        })  # fmt: skip
    corrected = holm([row["p"] for row in rows])
    return pd.DataFrame([{**row, "p_holm": p} for row, p in zip(rows, corrected, strict=True)])


def layers(groups: Groups) -> pd.DataFrame:
    """Return the stable ranks by method and module, means over the seeds: of update and B A."""
    import pandas as pd

    frames = [
        pd.DataFrame(run.tables["modules"]).assign(method=method)
        for method, runs in groups.items() for run in runs if "modules" in run.tables
    ]  # fmt: skip
    if not frames:
        return pd.DataFrame()
    by_module = pd.concat(frames).groupby(["method", "layer", "kind"], sort=False)
    return by_module[list(MEASURES.values())].mean().reset_index()


def _spread(outcome: Outcome, column: str) -> float:
    return float(_column(outcome, "modules", column).std(ddof=1))


def _column(outcome: Outcome, table: str, name: str) -> Any:
    return np.array([row[name] for row in outcome.tables[table]], float)


def _last(outcome: Outcome) -> list[dict[str, Any]]:
    rows = outcome.tables.get("trajectory", [])
    return [row for row in rows if row["step"] == max(r["step"] for r in rows)]


def _largest(rows: list[dict[str, Any]], name: str) -> float:
    return max((row.get(name, math.nan) for row in rows), default=math.nan)
