"""LoRAN, figure 2: how many singular values of trained updates lie in which range."""

import numpy as np

import rankkit as rk
from rankkit.data import sample_adapter

TITLE = "Singular values by range (LoRAN, figure 2)"
SHOWS = (
    "The bars show which share of the singular values lies in which range of sigma / sigma_1. They count the 384 "
    "singular values of each of the 24 trained updates of the sample adapter, with r = 4. The lowest range includes "
    "the singular values that are exactly zero."
)
COMPARED = (
    "The paper reads the large share of small values as lost information. An update of rank r has min(m, n) - r "
    "singular values that are zero, whatever was learned. Here these are 99 % of all values."
)
ARGUMENTS = {"edges": [0, 0.05, 0.2, 0.4, 0.6, 0.8, 1.0]}


def data(edges):
    """Return the number of values in each range, over all modules."""
    spectra = rk.audit(sample_adapter(), progress=False).spectra
    shares, zeros, count = [], 0, 0
    for values in spectra.values():
        shares += list(values[values > 0] / values[0])
        zeros += 384 - int(np.sum(values > 0))
        count += 384
    inside, _ = np.histogram(shares, bins=edges)
    inside[0] += zeros
    return {"from": edges[:-1], "to": edges[1:], "values": inside, "share": inside / count}


def draw(table):
    """Draw one bar a range, with its share written above."""
    (panel,) = rk.plots.panels_for(None, 1, (4.0, 2.8))
    names = [f"{a:g} to {b:g}" for a, b in zip(table["from"], table["to"], strict=True)]
    bars = panel.bar(names, 100 * table["share"], color=rk.plots.PALETTE[0], width=0.75)
    panel.bar_label(bars, [f"{100 * s:.2g} %" for s in table["share"]], fontsize=7, padding=2)
    panel.set(xlabel="σ / σ₁", ylabel="share of singular values  [%]", yscale="log", ylim=(0.02, 300))
    panel.tick_params(axis="x", labelsize=7)
    return panel.figure
