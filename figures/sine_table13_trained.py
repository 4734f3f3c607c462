"""Sine-LoRA, table 13 and figure 9 in small: the occupancy of a mesh, learned with low rank and with sines of it."""

from pathlib import Path

import pandas as pd

import rankkit as rk

TITLE = "Occupancy of a mesh, trained in small (Sine-LoRA, table 13)"
SHOWS = (
    "Left: how well networks of coordinates have learned which of 64^3 cells the Stanford bunny fills, against their "
    "number of parameters, at the paper's ranks 1, 2, 5 and 20 and frequencies 200, 100, 50 and 20. Means of three "
    "seeds with 95 % intervals; what lies below 0.86 is in the data alone. Middle: rank 1 at other frequencies, one "
    "seed each but at 200. Right: the sine's numerical rank at the start and at the end, and what predict_rank says."
)
COMPARED = (
    "The paper has 512^3 cells of other meshes and one learning rate. Here each kind has the best of four rates: the "
    "sine's gain over low rank at rank 1 is 0.012 (-0.028 to 0.052), where the paper prints 0.042 to 0.114. A sine "
    "whose factors are never trained does better at ranks 1 and 2, and worse at 5 and 20. At rank 1 the linear twin "
    "fails for one of three seeds."
)
ARGUMENTS = {}
INPUTS = ["stored/shape_small_cells.csv"]
FREQUENCIES = {1: 200, 2: 100, 5: 50, 20: 20}  # of the paper's table 13, by rank
KINDS = ["full", "sine", "matched twin", "frozen", "low rank", "matched", "twin"]
COLORS = ["#000000", *rk.plots.PALETTE[:6]]
MARKERS = ["*", "o", "s", "^", "D", "v", "X"]
LEAST = 0.86  # intersection over union; what lies below is named in the text


def data():
    """Return the table of cells: one row for each kind of layer, rank and frequency."""
    cells = pd.read_csv(Path(__file__).parent / INPUTS[0])
    names = ["iou_mean", "iou_low", "iou_high", "numerical_rank_start", "numerical_rank_end", "predicted_rank"]
    return cells[["kind", "rank", "omega", "rate", "parameters", "seeds", *names]]


def draw(table):
    """Draw the score against the parameters and against the frequency, and the ranks beside the law's."""
    size, frequency, ranks = rk.plots.panels_for(None, 3, (3.0, 3.2))
    at = table["rank"].map(FREQUENCIES)
    for kind, color, marker in zip(KINDS, COLORS, MARKERS, strict=True):
        mine = table["kind"] == kind
        rows = table[mine & ((at == table["omega"]) | table["kind"].isin(["full", "low rank"]))]
        _errors(size, rows, "parameters", color, marker, kind)
        if kind in ("sine", "matched twin"):
            _errors(frequency, table[mine & (table["rank"] == 1)].sort_values("omega"), "omega", color, marker, None)
    size.set(xscale="log", xlabel="parameters", ylabel="intersection over union", ylim=(LEAST, 1.0))
    frequency.set(xscale="log", xlabel="frequency ω, rank 1", ylim=(LEAST, 1.0), ylabel="intersection over union")
    frequency.minorticks_off()
    frequency.set_xticks([50, 100, 200, 400], ["50", "100", "200", "400"])
    sines = table[(table["kind"] == "sine") & (at == table["omega"])]
    places = range(len(sines))
    ranks.plot(places, sines["predicted_rank"], "_", color="#000000", markersize=22, label="predicted")
    ranks.plot(places, sines["numerical_rank_start"], "o", color=COLORS[1], label="start")
    ranks.plot(places, sines["numerical_rank_end"], "s", color=COLORS[2], markersize=4, label="end")
    names = [f"{row.rank}\n{row.omega:g}" for row in sines.itertuples()]
    ranks.set(xlabel="rank of the factors and ω", ylabel="numerical rank of the weight", ylim=(0, 275))
    ranks.set_xticks(list(places), names)
    ranks.legend(loc="lower right", fontsize=7)
    size.figure.legend(*size.get_legend_handles_labels(), loc="outside lower center", ncols=len(KINDS), fontsize=7)
    return size.figure


def _errors(panel, rows, x, color, marker, label):
    reach = [rows["iou_mean"] - rows["iou_low"], rows["iou_high"] - rows["iou_mean"]]
    panel.errorbar(rows[x], rows["iou_mean"], reach, color=color, marker=marker, markersize=4, linewidth=1, label=label)
