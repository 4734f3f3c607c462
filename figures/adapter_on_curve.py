"""Ours: where a trained adapter's modules would sit on the frequency curve."""

import numpy as np

import rankkit as rk
from rankkit.data import sample_adapter

TITLE = "Trained factors under a sine"
SHOWS = (
    "Each thin line shows one of the 24 trained modules of the sample adapter. The line gives the stable rank that "
    "sin(omega B A) would have for the trained factors B and A of the module, against omega. The black line is the "
    "median of the modules."
)
COMPARED = (
    "Figure 5 of the AdaSine paper takes omega = 200 for sine-LoRA. Near it, at omega = 178, these trained factors "
    "have a median stable rank of 1.6. Trained entries are smaller than those of Kaiming's distribution. They also "
    "differ much from module to module: at omega = 1000 the stable ranks lie between 4.6 and 29."
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
