"""LR-LoRA, figure 2, in small: stable rank of trained updates over depth, by module."""

import pandas as pd

import rankkit as rk
from rankkit.data import sample_adapter

TITLE = "Stable rank over depth (LR-LoRA, figure 2, in small)"
SHOWS = (
    "Stable rank of every trained update of two sample adapters of rank 4 on the six layers of MiniLM-L6: LoRA "
    "(rsLoRA) and LR-LoRA, each trained for 60 steps on the same glosses from the same seed. There is one line per "
    "kind of module."
)
COMPARED = (
    "The paper shows such lines for a 24-layer model with phi at r = 32, and stable ranks that grow with the depth. "
    "Here LoRA without phi already differs from module to module. After 60 steps LR-LoRA's update is nearly one "
    "constant in all modules but one, so that its stable rank is 1 there. One short run says nothing of a whole "
    "training."
)
SAMPLES = {"rslora": "LoRA (rsLoRA)", "lr-lora": "LR-LoRA (sinc)"}
ARGUMENTS = {"samples": list(SAMPLES)}
COLUMNS = ["module", "layer", "kind", "r", "stable_rank", "status"]


def data(samples):
    """Return the audits' rows."""
    audits = {sample: rk.audit(sample_adapter(sample), progress=False).table[COLUMNS] for sample in samples}
    return pd.concat([rows.assign(sample=sample) for sample, rows in audits.items()], ignore_index=True)


def draw(table):
    """Draw the audits' own pictures side by side, on one axis."""
    groups = list(table.groupby("sample", sort=False))
    panels = rk.plots.panels_for(None, len(groups), (3.8, 3.0))
    for panel, (sample, rows) in zip(panels, groups, strict=True):
        rk.plots.depth_profile(rows, ax=panel)
        panel.set(title=SAMPLES[sample], ylim=(0.9, 1.1 * table["stable_rank"].max()))
    return panels[0].figure
