"""LoRAN, figure 2: how many singular values of trained updates lie in which range."""

import numpy as np

import rankkit as rk
from rankkit.data import sample_adapter

TITLE = "Singular values by range (LoRAN, figure 2)"
SHOWS = (
    "The bars show which share of the singular values lies in which range of sigma / sigma_1. They count the 384 "
    "singular values of each of the 12 trained updates of a sample adapter with r = 4: of LoRA (rsLoRA), and of LoRAN "
    "with Sinter at the paper's amplitude. The lowest range includes the singular values that are exactly zero."
)
COMPARED = (
    "The paper has RoBERTa's query projections, LoRA and full fine-tuning, and reads the large share of small values "
    "as lost information. An update of rank r has min(m, n) - r singular values that are zero, whatever was learned: "
    "here 99 % of all. Sinter moves none of them out of the lowest range. The samples are of MiniLM-L6, one seed and "
    "60 steps each, and no full fine-tuning is here."
)
ARGUMENTS = {"edges": [0, 0.05, 0.2, 0.4, 0.6, 0.8, 1.0], "samples": ["rslora", "loran"]}
NAMES = {"rslora": "LoRA (rsLoRA)", "loran": "LoRAN (Sinter)"}
WIDTH = 0.4  # of a bar


def data(edges, samples):
    """Return the number of values in each range, over all modules of each sample."""
    out = {"method": [], "from": [], "to": [], "values": [], "share": []}
    for sample in samples:
        audited = rk.audit(sample_adapter(sample), progress=False)
        count = int(audited.table[["m", "n"]].min(axis=1).sum())
        shares = np.concatenate([values / values[0] for values in audited.spectra.values()])
        inside, _ = np.histogram(shares, bins=edges)
        inside[0] += count - len(shares)  # zeros that are not listed
        out["method"] += [NAMES[sample]] * len(inside)
        out["from"] += edges[:-1]
        out["to"] += edges[1:]
        out["values"] += list(inside)
        out["share"] += list(inside / count)
    return out


def draw(table):
    """Draw one bar a range and method, with its share written above."""
    (panel,) = rk.plots.panels_for(None, 1, (5.6, 3.0))
    for at, (method, rows) in enumerate(table.groupby("method", sort=False)):
        places = np.arange(len(rows)) + (at - 0.5) * WIDTH
        bars = panel.bar(places, 100 * rows["share"], color=rk.plots.PALETTE[at], width=WIDTH, label=method)
        panel.bar_label(bars, [f"{100 * s:.2g}" for s in rows["share"]], fontsize=7, padding=2)
    names = [f"{a:g} to {b:g}" for a, b in zip(rows["from"], rows["to"], strict=True)]
    panel.set_xticks(range(len(names)), names, fontsize=7)
    panel.set(xlabel="σ / σ₁", ylabel="share of singular values  [%]", yscale="log", ylim=(0.02, 300))
    panel.legend(fontsize=7)
    return panel.figure
