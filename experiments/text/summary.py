"""What the runs say: accuracy by method, differences with their correction, and where the trained modules stand."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from experiments.grid.carry_out import Progress
from experiments.grid.kept import Outcome
from experiments.grid.statistics import LEVEL, differences, mean_interval
from experiments.text.methods import METHODS
from experiments.text.standing import REFERENCE, Groups, spreads, standing
from rankkit.files import write_table

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["accuracy", "compared", "summarise"]


def summarise(progress: Progress, folder: Path) -> str:
    """Write the tables of every rank (accuracy, differences, standing, spreads) and return what they say in words.

    Parameters
    ----------
    progress : Progress
    folder : Path
        Of the tables.
    """
    said = [str(progress)]
    for rank, groups in _by_rank(progress).items():
        tables = {"accuracy": accuracy(groups, progress), "differences": compared(groups, progress)}
        tables |= {"standing": standing(groups), "spreads": spreads(groups)}
        for name, table in tables.items():
            if len(table):
                write_table(folder / f"{name}_rank{rank}.csv", table)
        said += _words(rank, groups, tables)
    return "\n".join(said)


def _by_rank(progress: Progress) -> dict[int, dict[str, list[Outcome]]]:
    """Return rank -> method -> its AdamW runs, by seed; other optimizers are a question of their own."""
    found: dict[int, dict[str, list[Outcome]]] = {}
    for outcome in progress.runs:
        settings = outcome.run.settings
        if settings["optimizer"] == "adamw":
            found.setdefault(settings["rank"], {}).setdefault(settings["method"], []).append(outcome)
    return found


def accuracy(groups: Groups, progress: Progress) -> pd.DataFrame:
    """Return one row a method: parameters, the chosen rate and whether it stood at an edge, accuracy with interval.

    The interval is Student's over the seeds, which vary the training set, its order and the start.
    """
    import pandas as pd

    edges = _edges(progress)
    rows: list[dict[str, Any]] = []
    for method, runs in groups.items():
        mean, low, high = mean_interval([run.scores["test"] for run in runs])
        settings = runs[0].run.settings
        rows.append({
            "method": method, "parameters": int(runs[0].scores["adapter_parameters"]), "rate": settings["rate"],
            "rate_at_edge": settings["rate"] in edges.get((settings["rank"], method), ()), "seeds": len(runs),
            "accuracy": mean, "low": low, "high": high, "loss": float(np.mean([run.scores["loss"] for run in runs])),
        })  # fmt: skip
    return pd.DataFrame(rows)


def _edges(progress: Progress) -> dict[tuple[int, str], tuple[float, float]]:
    """Return (rank, method) -> its smallest and largest candidate."""
    found: dict[tuple[int, str], tuple[float, float]] = {}
    for run in progress.plan.runs:
        if run.tuned is not None:
            tried = [candidate.settings["rate"] for candidate in progress.plan.candidates(run)]
            found[run.settings["rank"], run.settings["method"]] = min(tried), max(tried)
    return found


def compared(groups: Groups, progress: Progress) -> pd.DataFrame:
    """Return the differences in accuracy of every method from LoRA, and of every sine from its linear twin.

    They are taken over the seeds that all adapters have. A group with fewer than two such seeds has no rows.
    """
    import pandas as pd

    adapters = {method: {run.run.settings["seed"]: run for run in runs} for method, runs in groups.items()
                if method in METHODS}  # fmt: skip
    seeds = sorted(set.intersection(*map(set, adapters.values()))) if adapters else []
    if len(adapters) < 2 or len(seeds) < 2 or REFERENCE not in adapters:
        return pd.DataFrame()
    scores = {method: [runs[seed].scores["test"] for seed in seeds] for method, runs in adapters.items()}
    answers = {method: np.stack([_hits(progress, runs[seed]) for seed in seeds]) for method, runs in adapters.items()}
    twins = [(method, METHODS[method].twin) for method in adapters if METHODS[method].twin in adapters]
    pairs = [(method, REFERENCE) for method in adapters if method != REFERENCE] + twins
    found = differences(scores, list(dict.fromkeys(pairs)), answers=answers)
    return pd.DataFrame([{**vars(difference), "seeds": len(seeds)} for difference in found])


def _hits(progress: Progress, outcome: Outcome) -> Any:
    count = outcome.run.settings["test_glosses"]
    return np.unpackbits(progress.kept.arrays(outcome.run)["hits"])[:count]


def _words(rank: int, groups: Groups, tables: Mapping[str, pd.DataFrame]) -> list[str]:
    """Return what the tables say of one rank."""
    said = [f"rank {rank}, accuracy on the test glosses:"]
    for row in _rows(tables["accuracy"].sort_values("accuracy", ascending=False)):
        edge = " (at the edge of what was tried)" if row["rate_at_edge"] else ""
        interval = f"{row['accuracy']:.4f} ({row['low']:.4f} to {row['high']:.4f})"
        said.append(f"  {row['method']:24s} {interval}, {row['seeds']} seeds, rate {row['rate']:g}{edge}")
    found, wide = tables["differences"], _rows(tables["spreads"])
    said += [
        f"  {row['method']}: stable ranks of its {row['of']} spread by {row['spread']:.2f} over the modules, LoRA's by "
        f"{row['lora_spread']:.2f}; difference {row['difference']:+.2f} ({row['low']:+.2f} to {row['high']:+.2f})"
        for row in wide
        if row["p_holm"] < LEVEL
    ]
    if not len(found):
        return [*said, "  too few seeds in common for differences"]
    seen = [row for row in _rows(found) if row["p_holm"] < LEVEL]
    said.append(
        f"  {len(seen)} of {len(found)} differences are not 0 at 5 % after Holm's correction; the design sees "
        f"{100 * found['detectable'].median():.1f} points (median) four times in five."
    )
    for row in _rows(found):
        mean, low, high = (100 * row[name] for name in ("mean", "low", "high"))
        word = ", not 0" if row["p_holm"] < LEVEL else ""
        said.append(f"  {row['method']} - {row['against']}: {mean:+.2f} points ({low:+.2f} to {high:+.2f}){word}")
    return said


def _rows(table: pd.DataFrame) -> list[dict[Any, Any]]:
    return table.to_dict("records")
