"""Ours: what each method gains over the frozen encoder on one small task, at three ranks, seed by seed."""

from pathlib import Path

import pandas as pd

import rankkit as rk

TITLE = "Nineteen adapters on one task"
SHOWS = (
    "Each point is one training of MiniLM-L6 with an adapter on its query and value modules, at ranks 1, 4 and 8: 60 "
    "steps on the classes of WordNet's short glosses, at the best of four learning rates. It stands at the accuracy "
    "on 1500 test glosses, less that of the frozen encoder with the same head and the same training set. The methods "
    "are ordered by their mean."
)
COMPARED = (
    "No paper has this setting, which is far smaller than theirs. The seeds see differences of 3.0, 2.2 and 1.7 "
    "points (median of the comparisons, corrected for all of them). Sine-LoRA cannot be told from LoRA, nor from LoRA "
    "at its own scale, at any rank; Sinter is at most 0.3 points from LoRA. At rank 4 AdaSine is -1.7 points from "
    "LoRA (-2.7 to -0.8), and LR-LoRA with sincs -3.6 (-4.7 to -2.6). The triangles are three trainings of LR-LoRA "
    "with Gaussians that end at the most frequent class, far to the left of the others."
)
INPUTS = ["stored/text_ranks_runs.csv"]
ARGUMENTS = {"optimizer": "adamw"}
BASELINE = "frozen"
LEFT = -6.0  # points: where the axis ends; a training that lies below it stands at its edge, as a triangle


def data(optimizer):
    """Return the gains in points by rank, method and seed, the best method first."""
    stored = pd.read_csv(Path(__file__).parent / INPUTS[0])
    runs = stored[stored["optimizer"] == optimizer]
    frozen = runs[runs["method"] == BASELINE].set_index(["rank", "seed"])["test"].rename("frozen")
    rows = runs[runs["method"] != BASELINE][["rank", "method", "seed", "test"]].join(frozen, on=["rank", "seed"])
    rows = rows.assign(gain=100 * (rows["test"] - rows["frozen"])).drop(columns="frozen")
    means = rows.groupby("method")["gain"].mean()
    order = rows.assign(mean=rows["method"].map(means)).sort_values(
        ["mean", "method", "rank", "seed"], ascending=[False, True, True, True]
    )
    return order.drop(columns="mean").reset_index(drop=True)


def draw(table):
    """Draw one panel a rank, and in it one line of points a method."""
    ranks = sorted(set(table["rank"]))
    panels = rk.plots.panels_for(None, len(ranks), (3.2, 4.6))
    names = list(dict.fromkeys(table["method"]))
    height = {name: len(names) - at for at, name in enumerate(names)}
    for panel, rank in zip(panels, ranks, strict=True):
        rows = table[table["rank"] == rank]
        inside = rows[rows["gain"] >= LEFT]
        far = rows[rows["gain"] < LEFT]
        panel.plot(
            inside["gain"], inside["method"].map(height), "o", color=rk.plots.PALETTE[0], alpha=0.7, markersize=4
        )
        panel.plot([LEFT] * len(far), far["method"].map(height), "<", color=rk.plots.PALETTE[1])
        panel.axvline(0, color="#000000", linewidth=0.8)
        shown = [name.replace("_", " ") for name in names] if panel is panels[0] else [""] * len(names)
        panel.set_yticks(list(height.values()), shown)
        panel.set(xlim=(LEFT - 1, 8), title=f"rank {rank}", xlabel="gain over frozen  [points]")
    return panels[0].figure
