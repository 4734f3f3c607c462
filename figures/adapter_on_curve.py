"""Ours: where a trained adapter's modules would sit on the frequency curve."""

import numpy as np

import rankkit as rk
from rankkit.data import sample_adapter

TITLE = "Trained factors under a sine"
SHOWS = (
    "Stable rank that each of the sample adapter's 24 trained modules would have under sin(omega B A), against "
    "omega; black: their median."
)
COMPARED = (
    "At omega = 200, which AdaSine's figure 5 takes for sine-LoRA, these trained factors would have a median of "
    "1.6: trained entries are smaller than Kaiming's, and differ so much that at omega = 1000 modules lie between"
    " 4.6 and 29."
)
ARGUMENTS = {"count": 13, "low": 10.0, "high": 10000.0}
QUICK = {"count": 3}


def data(count, low, high):
    """Return the probe's rows."""
    omegas = np.geomspace(low, high, count)
    table = rk.probe_frequencies(sample_adapter(), omegas, progress=False).table
    return table[["module", "omega", "stable_rank"]]


def draw(table):
    """Draw a thin line a module and their median."""
    (panel,) = rk.plots.panels_for(None, 1, (4.4, 3.0))
    for _, rows in table.groupby("module"):
        panel.plot(rows["omega"], rows["stable_rank"], color=rk.plots.PALETTE[4], linewidth=0.6)
    middle = table.groupby("omega")["stable_rank"].median()
    panel.plot(middle.index, middle, color="#000000", linewidth=1.5, label="median")
    panel.set(xscale="log", yscale="log", xlabel="frequency ω  [rad per unit of BA]", ylabel="stable rank")
    rk.plots.label_lines(panel)
    return panel.figure
