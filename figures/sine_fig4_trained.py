"""Sine-LoRA, figure 4 and table 10 in small: vision transformers whose MLPs are of low rank, or a sine of low rank."""

from pathlib import Path

import pandas as pd

import rankkit as rk

TITLE = "Vision transformers, trained in small (Sine-LoRA, figure 4)"
SHOWS = (
    "Test accuracy of small vision transformers (width 64, two blocks) whose MLPs are of the kind in question. Left: "
    "scikit-learn's digits against the rank, with the frequencies 500, 500 and 300 of the paper's table 9. Middle: the "
    "digits at rank 1 against the frequency. Right: Fashion-MNIST at rank 1, omega = 500. Means of three seeds with "
    "95 % intervals."
)
COMPARED = (
    "The paper trains wider models on CIFAR-100 and ImageNet. Here rank 1 is enough for the digits: low rank has "
    "0.965, the sine 0.969 and the full layer 0.963, and the sine less low rank is 0.003 (-0.007 to 0.014). None "
    "of the 29 comparisons of kinds stands out after Holm's correction."
)
ARGUMENTS = {}
INPUTS = ["stored/vision_small_cells.csv"]
FREQUENCIES = {1: 500, 5: 500, 30: 300}  # of the paper's table 9, by rank
KINDS = ["full", "sine", "matched twin", "frozen", "low rank", "matched"]
COLORS = ["#000000", *rk.plots.PALETTE[:5]]
MARKERS = ["*", "o", "s", "^", "D", "v"]


def data():
    """Return the table of cells: one row for each set of images, kind of layer, rank and frequency."""
    cells = pd.read_csv(Path(__file__).parent / INPUTS[0])
    names = ["accuracy_mean", "accuracy_low", "accuracy_high"]
    return cells[["data", "kind", "rank", "omega", "rate", "parameters", "seeds", *names]]


def draw(table):
    """Draw the accuracy against the rank and against the frequency, and that on the larger images by kind."""
    ranks, frequency, garments = rk.plots.panels_for(None, 3, (3.0, 3.2))
    at = table["rank"].map(FREQUENCIES)
    usual = (at == table["omega"]) | table["kind"].isin(["full", "low rank"])
    for kind, color, marker in zip(KINDS, COLORS, MARKERS, strict=True):
        mine = table["kind"] == kind
        rows = table[mine & usual & (table["data"] == "digits")]
        if kind == "full":
            _errors(ranks, rows.assign(rank=64), "rank", color, marker, kind)
        else:
            _errors(ranks, rows, "rank", color, marker, kind)
        if kind in ("sine", "matched twin"):
            chosen = mine & (table["rank"] == 1) & (table["data"] == "digits")
            _errors(frequency, table[chosen].sort_values("omega"), "omega", color, marker, None)
    ranks.set(xscale="log", xlabel="rank, digits", ylabel="accuracy")
    frequency.set(xscale="log", xlabel="frequency ω, digits, rank 1", ylabel="accuracy")
    ranks.minorticks_off()
    ranks.set_xticks([1, 5, 30, 64], ["1", "5", "30", "full"])
    rows = table[usual & (table["data"] == "fashion")]
    shown = [kind for kind in KINDS if kind in set(rows["kind"])]
    for place, kind in enumerate(shown):
        row = rows[rows["kind"] == kind].assign(place=place)
        _errors(garments, row, "place", COLORS[KINDS.index(kind)], MARKERS[KINDS.index(kind)], None)
    garments.set_xticks(range(len(shown)), [kind.replace(" ", "\n") for kind in shown])
    garments.set(xlabel="kind, garments, rank 1", ylabel="accuracy")
    ranks.figure.legend(loc="outside lower center", ncols=len(KINDS), fontsize=7)
    return ranks.figure


def _errors(panel, rows, x, color, marker, label):
    mean = rows["accuracy_mean"]
    reach = [mean - rows["accuracy_low"], rows["accuracy_high"] - mean]
    panel.errorbar(rows[x], mean, reach, color=color, marker=marker, markersize=4, linewidth=1, label=label)
