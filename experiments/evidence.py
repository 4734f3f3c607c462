"""What the committed results say of the papers: paper_checks/trained/measured.csv, which the claims there read.

Run: python -m experiments.evidence. It reads experiments/results and writes one row a claim: a value, its interval, and
how it was measured, in words. The ledger is made again afterwards (CONTRIBUTING.md says how).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from experiments.grid.statistics import LEVEL, mean_interval
from experiments.grid.tables import read_table
from rankkit.files import write_table

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["EVIDENCE", "PLANS", "at_rank", "evidence"]

RESULTS = Path(__file__).parent / "results"
EVIDENCE = Path(__file__).parents[1] / "paper_checks" / "trained" / "measured.csv"
PLANS = {"text": "ranks", "shape": "small", "vision": "small"}  # experiment -> the plan whose tables are read
LORA, TWIN, SINC = "lora", "lora_at_sine_scale", "lr_lora_sinc"
RANK = 4  # of the claims that name no rank; those on other ranks have it behind their names
RANKS = (1, 4, 8)
SPREAD_RANKS = (4, 8)  # a product of rank 1 has stable rank 1 in every module
TEXT = ("method", "against")  # what tells the rows of the text experiment's differences apart
# claim -> methods whose accuracies are subtracted
ACCURACIES = {
    "sine.trained.lora": ("sine_lora", LORA),
    "sine.trained.twin": ("sine_lora", TWIN),
    "lr.trained.lora": (SINC, LORA),
}
# claim -> method, and of what its stable ranks are
SPREADS = {
    "lr.trained.spread": (SINC, "update"),
    "lr.trained.spread.product": (SINC, "product"),
    "lr.trained.spread.sine": ("sine_lora", "update"),
}
# claim -> rank, frequency, and what the sine is compared with
SHAPES = {f"sine.trained.shape.{r}": (r, omega, "low rank") for r, omega in ((1, 200), (2, 100), (5, 50), (20, 20))}
SHAPES["sine.trained.shape.frozen"] = (1, 200, "frozen")
IMAGES = {
    "sine.trained.digits.1": ("digits", 1, 500, "low rank"),
    "sine.trained.digits.5": ("digits", 5, 500, "low rank"),
    "sine.trained.digits.30": ("digits", 30, 300, "low rank"),
    "sine.trained.garments.1": ("fashion", 1, 500, "low rank"),
}
# claim -> method, and the column of the trajectory that its modules are looked at for
MODULES = {
    "sine.trained.phase": ("sine_lora", "rms_phase"),
    "lr.trained.constant": (SINC, "constant_share"),
    "loran.trained.rest": ("loran_sinter", "rest_share"),
}


def evidence(results: Path = RESULTS) -> pd.DataFrame:
    """Return one row a claim: id, value, low, high and how.

    Parameters
    ----------
    results : Path
        The folder with the committed tables.
    """
    import pandas as pd

    folders = {name: results / name / plan for name, plan in PLANS.items()}
    of = {name: _runs_done(folder) for name, folder in folders.items()}

    def table(experiment: str, name: str) -> pd.DataFrame:
        return read_table(folders[experiment], name)

    runs = table("text", "runs")
    chosen = runs[(runs["rank"] == RANK) & (runs["optimizer"] == "adamw")]
    rows = [
        *_by_rank(table, "differences", ACCURACIES, RANKS, TEXT, "mean", of["text"]),
        *_by_rank(table, "spreads", SPREADS, SPREAD_RANKS, ("method", "of"), "difference", of["text"]),
        *_differences(table("shape", "differences"), SHAPES, ("rank", "omega", "sine less"), "difference", of["shape"]),
        *_differences(
            table("vision", "differences"), IMAGES, ("data", "rank", "omega", "sine less"), "difference", of["vision"]
        ),
        *_over_modules(table("text", "trajectory"), chosen, of["text"]),
        *_over_tokens(table("text", "frequencies"), chosen, of["text"]),
        *_between_texts(table("text", "two_texts_means"), of["text"]),
    ]
    return pd.DataFrame(rows)


def _runs_done(folder: Path) -> str:
    progress = json.loads((folder / "progress.json").read_text())
    return f"{progress['done']} of the plan's {progress['runs']} runs"


def at_rank(claim: str, rank: int) -> str:
    """Return the name of the claim that says of one rank what `claim` says of rank 4."""
    return claim if rank == RANK else f"{claim}.rank{rank}"


def _by_rank(
    table: Callable[[str, str], pd.DataFrame], name: str, claims: Mapping[str, tuple[Any, ...]],
    ranks: tuple[int, ...], names: tuple[str, ...], value: str, of: str,
) -> list[dict[str, Any]]:  # fmt: skip
    """Return the rows of the text experiment's claims at some of its ranks."""
    tables = {rank: table("text", f"{name}_rank{rank}") for rank in RANKS}
    comparisons = sum(map(len, tables.values()))
    rows: list[dict[str, Any]] = []
    for rank in ranks:
        own = {at_rank(claim, rank): key for claim, key in claims.items()}
        rows += _differences(tables[rank], own, names, value, of, comparisons)
    return rows


def _differences(
    table: pd.DataFrame, claims: Mapping[str, tuple[Any, ...]], names: tuple[str, ...], value: str, of: str,
    comparisons: int | None = None,
) -> list[dict[str, Any]]:  # fmt: skip
    """Return the rows of claims that are one row of a table of paired differences each.

    `comparisons` is the number of those that Holm's correction was made for; None: of all rows of this table.
    """
    rows: list[dict[str, Any]] = []
    for claim, key in claims.items():
        chosen = table
        for name, wanted in zip(names, key, strict=True):
            chosen = chosen[chosen[name] == wanted]
        [row] = chosen.to_dict("records")
        how = _told(row, comparisons or len(table["p_holm"].dropna()), of)
        rows.append(_row(claim, row[value], row["low"], row["high"], how))
    return rows


def _told(row: Mapping[Any, Any], comparisons: int, of: str) -> str:
    """Return how a difference was measured, and whether it is told from 0."""
    word = "told from 0" if row["p_holm"] < LEVEL else "not told from 0"
    seen = f"; this design sees {row['detectable']:.2g} four times in five" if "detectable" in row else ""
    return (
        f"mean paired difference over {row['seeds']} seeds and its 95 % interval; p = {row['p']:.2g}, and "
        f"{row['p_holm']:.2g} after Holm's correction for {comparisons} comparisons: {word}{seen}; {of}"
    )


def _over_modules(trajectory: pd.DataFrame, runs: pd.DataFrame, of: str) -> list[dict[str, Any]]:
    """Return the rows of claims on every module of a method after the last step."""
    rows: list[dict[str, Any]] = []
    for claim, (method, column) in MODULES.items():
        mine = runs[runs["method"] == method]
        last = trajectory[trajectory["run"].isin(mine["run"]) & (trajectory["step"] == mine["steps"].iloc[0])]
        values = last[column]
        how = f"median and range of the {last['module'].nunique()} modules after training, {_count(len(mine))}; {of}"
        rows.append(_row(claim, values.median(), values.min(), values.max(), how))
    return rows


def _over_tokens(frequencies: pd.DataFrame, runs: pd.DataFrame, of: str) -> list[dict[str, Any]]:
    """Return how much AdaSine's frequencies differ between tokens, before and after the training."""
    rows: list[dict[str, Any]] = []
    mine = frequencies[frequencies["run"].isin(runs["run"])]
    for claim, step in (("ada.trained.fig11", mine["step"].max()), ("ada.trained.fig11.start", 0)):
        then = mine[mine["step"] == step]
        values, count = then["std"] / then["mean"], then["run"].nunique()
        how = f"median and range of the {then['module'].nunique()} modules at step {step}, {_count(count)}; {of}"
        rows.append(_row(claim, values.median(), values.min(), values.max(), how))
    return rows


def _between_texts(means: pd.DataFrame, of: str) -> list[dict[str, Any]]:
    """Return how far AdaSine's mean frequency on example sentences is from that on glosses, as a share of that."""
    rows: list[dict[str, Any]] = []
    for claim, step in (("ada.trained.fig12", means["step"].max()), ("ada.trained.fig12.start", 0)):
        by_text = means[means["step"] == step].pivot(index="seed", columns="text", values="mean")
        value, low, high = mean_interval(list(by_text["examples"] / by_text["glosses"] - 1))
        how = (
            f"mean and 95 % interval over {_count(len(by_text))} at step {step}, all modules and tokens together; {of}"
        )
        rows.append(_row(claim, value, low, high, how))
    return rows


def _count(runs: int) -> str:
    return f"{runs} run{'s' if runs > 1 else ''}"


def _row(claim: str, value: float, low: float, high: float, how: str) -> dict[str, Any]:
    return {"id": claim, "value": value, "low": low, "high": high, "how": how}


if __name__ == "__main__":
    write_table(EVIDENCE, evidence())
