"""LR-LoRA, table 4 and figure 2, in small: stable ranks of trained updates by layer, and of the products inside."""

from pathlib import Path

import pandas as pd

import rankkit as rk

TITLE = "Stable ranks of trained updates by layer (LR-LoRA, figure 2 and table 4, in small)"
SHOWS = (
    "Stable rank of what MiniLM-L6's query and value modules learned at ranks 1, 4 and 8 on the classes of WordNet's "
    "glosses, against the layer: of the update as applied (filled), and of the product B A inside it (hollow, "
    "dashed). Each point is the mean over both modules and the seeds that were run."
)
COMPARED = (
    "The paper has Qwen2-0.5B at r = 32 after a whole training, and LR-LoRA's stable ranks spread there more than the "
    "others'. Here, after 60 steps, the updates of LR-LoRA as printed are nearly one constant. Their stable ranks are "
    "near 1 and spread less than LoRA's, except at rank 1, where a product has no spread: 0.04 against 0.44 at rank 4 "
    "(difference -0.40, 95 % interval -0.57 to -0.23), and 0.05 against 0.57 at rank 8 (-0.52, -0.69 to -0.34); p = "
    "0.15 and 0.071 after Holm's correction. The products B A inside them spread by 0.35 and 0.79. This size does not "
    "tell what a long training would show."
)
RANKS = (1, 4, 8)
INPUTS = [f"stored/text_ranks_layers_rank{rank}.csv" for rank in RANKS]
METHODS = ["lora", "sine_lora", "lr_lora_around_identity", "lr_lora_sinc"]
ARGUMENTS = {"methods": METHODS}
QUICK = {"methods": METHODS[1:]}
MEASURES = {"stable_rank": "update", "plain_stable_rank": "product B A"}


def data(methods):
    """Return the stable ranks of some methods: means over query and value of each layer."""
    tables = {rank: pd.read_csv(Path(__file__).parent / name) for rank, name in zip(RANKS, INPUTS, strict=True)}
    stored = pd.concat([table.assign(rank=rank) for rank, table in tables.items()])
    chosen = stored[stored["method"].isin(methods)]
    return chosen.groupby(["rank", "method", "layer"], sort=False)[list(MEASURES)].mean().reset_index()


def draw(table):
    """Draw one panel a rank: a line a method for the update as applied, and a dashed one for B A."""
    panels = rk.plots.panels_for(None, len(RANKS), (3.2, 3.4))
    for panel, (rank, those) in zip(panels, table.groupby("rank"), strict=True):
        for color, (method, rows) in zip(rk.plots.PALETTE, those.groupby("method", sort=False), strict=False):
            name = method.replace("_", " ")
            for measure, of in MEASURES.items():
                if measure == "stable_rank" or method != "lora":  # LoRA's update is B A
                    style = "o-" if measure == "stable_rank" else "o--"
                    panel.plot(
                        rows["layer"], rows[measure], style, color=color, markersize=3, linewidth=1.2,
                        markerfacecolor=color if measure == "stable_rank" else "#ffffff", label=f"{name}, {of}",
                    )  # fmt: skip
        panel.set(xlabel="layer", ylabel="stable rank", title=f"rank {rank}", ylim=(0.9, None))
    figure = panels[0].figure
    figure.legend(*panels[0].get_legend_handles_labels(), loc="outside lower center", ncols=4, fontsize=7)
    return figure
