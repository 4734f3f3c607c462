"""Ours: what each method gains over the frozen encoder on one small task, seed by seed."""

from pathlib import Path

import pandas as pd

import rankkit as rk

TITLE = "Nineteen adapters on one task"
SHOWS = (
    "Each point is one training of MiniLM-L6 with an adapter of rank 4 on its query and value modules: 60 steps on the "
    "classes of WordNet's short glosses, at the best of four learning rates. It stands at "
    "the accuracy on 1500 test glosses, less that of the frozen encoder with the same head and the same training set."
)
COMPARED = (
    "No paper has this setting, which is far smaller than theirs. Five seeds see differences of about 1.9 points. "
    "Sine-LoRA cannot be told from LoRA, nor from LoRA at its own scale; Sinter has LoRA's accuracy at every seed. "
    "AdaSine is 1.7 points below LoRA (95 % interval 0.8 to 2.7), LR-LoRA with sincs 3.6 (2.6 to 4.7). One training of "
    "LR-LoRA with Gaussians answers the most frequent class, far to the left of the others."
)
INPUTS = ["stored/text_small_runs.csv"]
ARGUMENTS = {"optimizer": "adamw"}
BASELINE = "frozen"


def data(optimizer):
    """Return the gains in points by method and seed, the best method first."""
    stored = pd.read_csv(Path(__file__).parent / INPUTS[0])
    runs = stored[stored["optimizer"] == optimizer]
    frozen = runs[runs["method"] == BASELINE].set_index("seed")["test"]
    rows = runs[(runs["method"] != BASELINE) & runs["seed"].isin(frozen.index)][["method", "seed", "test"]]
    rows = rows.assign(gain=100 * (rows["test"] - rows["seed"].map(frozen)))
    means = rows.groupby("method")["gain"].mean()
    order = rows.assign(mean=rows["method"].map(means)).sort_values(
        ["mean", "method", "seed"], ascending=[False, True, True]
    )
    return order.drop(columns="mean").reset_index(drop=True)


def draw(table):
    """Draw one line of points a method."""
    (panel,) = rk.plots.panels_for(None, 1, (4.8, 4.6))
    names = list(dict.fromkeys(table["method"]))
    height = {name: len(names) - at for at, name in enumerate(names)}
    panel.plot(table["gain"], table["method"].map(height), "o", color=rk.plots.PALETTE[0], alpha=0.7, markersize=5)
    panel.axvline(0, color="#000000", linewidth=0.8)
    panel.set_yticks(list(height.values()), [name.replace("_", " ") for name in names])
    panel.set(xlabel="accuracy less the frozen encoder's  [points]")
    return panel.figure
