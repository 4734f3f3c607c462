"""What the committed results say of the papers: paper_checks/trained/measured.csv, which the claims there read.

Run: python -m experiments.evidence. It reads experiments/results and writes one row a claim: a value, its interval, and
how it was measured, in words. The ledger is made again afterwards (CONTRIBUTING.md says how).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from experiments.grid.statistics import LEVEL
from rankkit.files import write_table

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["EVIDENCE", "evidence"]

RESULTS = Path(__file__).parent / "results"
EVIDENCE = Path(__file__).parents[1] / "paper_checks" / "trained" / "measured.csv"
LORA, TWIN, SINC = "lora", "lora_at_sine_scale", "lr_lora_sinc"
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
        The folder with the committed tables of the experiments' small plans.
    """
    import pandas as pd

    def table(experiment: str, name: str) -> pd.DataFrame:
        return pd.read_csv(results / experiment / "small" / f"{name}.csv")

    of = {name: _runs_done(results / name / "small") for name in ("text", "shape", "vision")}
    rows = [
        *_differences(table("text", "differences_rank4"), ACCURACIES, TEXT, "mean", of["text"]),
        *_differences(table("text", "spreads_rank4"), SPREADS, ("method", "of"), "difference", of["text"]),
        *_differences(table("shape", "differences"), SHAPES, ("rank", "omega", "sine less"), "difference", of["shape"]),
        *_differences(
            table("vision", "differences"), IMAGES, ("data", "rank", "omega", "sine less"), "difference", of["vision"]
        ),
        *_over_modules(table("text", "trajectory"), table("text", "runs"), of["text"]),
        *_over_tokens(table("text", "frequencies"), of["text"]),
    ]
    return pd.DataFrame(rows)


def _runs_done(folder: Path) -> str:
    progress = json.loads((folder / "progress.json").read_text())
    return f"{progress['done']} of the plan's {progress['runs']} runs"


def _differences(
    table: pd.DataFrame, claims: Mapping[str, tuple[Any, ...]], names: tuple[str, ...], value: str, of: str
) -> list[dict[str, Any]]:
    """Return the rows of claims that are one row of a table of paired differences each."""
    rows: list[dict[str, Any]] = []
    for claim, key in claims.items():
        chosen = table
        for name, wanted in zip(names, key, strict=True):
            chosen = chosen[chosen[name] == wanted]
        [row] = chosen.to_dict("records")
        rows.append(_row(claim, row[value], row["low"], row["high"], _told(row, len(table["p_holm"].dropna()), of)))
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
        mine = runs[(runs["method"] == method) & (runs["optimizer"] == "adamw")]
        last = trajectory[trajectory["run"].isin(mine["run"]) & (trajectory["step"] == mine["steps"].iloc[0])]
        values = last[column]
        how = f"median and range of the {last['module'].nunique()} modules after training, {_count(len(mine))}; {of}"
        rows.append(_row(claim, values.median(), values.min(), values.max(), how))
    return rows


def _over_tokens(frequencies: pd.DataFrame, of: str) -> list[dict[str, Any]]:
    """Return how much AdaSine's frequencies differ between tokens, before and after the training."""
    rows: list[dict[str, Any]] = []
    for claim, step in (("ada.trained.fig11", frequencies["step"].max()), ("ada.trained.fig11.start", 0)):
        then = frequencies[frequencies["step"] == step]
        values, runs = then["std"] / then["mean"], then["run"].nunique()
        how = f"median and range of the {then['module'].nunique()} modules at step {step}, {_count(runs)}; {of}"
        rows.append(_row(claim, values.median(), values.min(), values.max(), how))
    return rows


def _count(runs: int) -> str:
    return f"{runs} run{'s' if runs > 1 else ''}"


def _row(claim: str, value: float, low: float, high: float, how: str) -> dict[str, Any]:
    return {"id": claim, "value": value, "low": low, "high": high, "how": how}


if __name__ == "__main__":
    write_table(EVIDENCE, evidence())
