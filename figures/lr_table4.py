"""LR-LoRA, table 4 and figure 2, in small: stable ranks of trained updates by layer, and of the products inside."""

from pathlib import Path

import pandas as pd

import rankkit as rk

TITLE = "Stable ranks of trained updates by layer (LR-LoRA, figure 2 and table 4, in small)"
SHOWS = (
    "Stable rank of what MiniLM-L6's query and value modules learned at r = 4 on the classes of WordNet's glosses, "
    "against the layer: of the update as applied, of the product B A inside it, and of the update without its mean "
    "entry. Each point is the mean over both modules and the seeds that were run. A point is missing where B A is zero "
    "or the update is one and the same number everywhere."
)
COMPARED = (
    "The paper has Qwen2-0.5B at r = 32 after a whole training, and LR-LoRA's stable ranks spread there more than the "
    "others'. Here, after 60 steps and at r = 4, the updates of LR-LoRA are nearly one constant. Their stable ranks "
    "are near 1 and spread less than LoRA's: 0.04 against 0.44 over five seeds (difference -0.40, 95 % interval "
    "-0.57 to -0.23, p = 0.08 after Holm's correction). The products B A inside them spread by 0.35. This size does "
    "not tell what a long training would show."
)
INPUTS = ["stored/text_small_layers_rank4.csv"]
METHODS = ["lora", "sine_lora", "lr_lora_sinc", "lr_lora_gaussian", "lr_lora_around_identity"]
ARGUMENTS = {"methods": METHODS}
QUICK = {"methods": METHODS[:3]}
PANELS = {
    "stable_rank": "update as applied", "plain_stable_rank": "product B A",
    "centred_stable_rank": "update without its mean",
}  # fmt: skip


def data(methods):
    """Return the stable ranks of some methods: means over query and value of each layer."""
    stored = pd.read_csv(Path(__file__).parent / INPUTS[0])
    chosen = stored[stored["method"].isin(methods)]
    return chosen.groupby(["method", "layer"], sort=False)[list(PANELS)].mean().reset_index()


def draw(table):
    """Draw one panel a measure, one line a method."""
    panels = rk.plots.panels_for(None, len(PANELS), (3.4, 3.0))
    for panel, (measure, name) in zip(panels, PANELS.items(), strict=True):
        for colour, (method, rows) in zip(rk.plots.PALETTE, table.groupby("method", sort=False), strict=False):
            if rows[measure].notna().any():
                label = method.replace("_", " ")
                panel.plot(rows["layer"], rows[measure], "o-", color=colour, markersize=3, label=label)
        panel.set(xlabel="layer", ylabel="stable rank", title=name)
    low, high = panels[1].get_ylim()
    panels[1].set_ylim(low, high + 0.6 * (high - low))  # room for the legend
    panels[1].legend(fontsize=7, frameon=False, loc="upper right")
    return panels[0].figure
