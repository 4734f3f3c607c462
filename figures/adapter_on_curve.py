"""Ours: where a trained sine adapter's modules sit on the frequency curve."""

import numpy as np

import rankkit as rk
from rankkit.data import sample_adapter

TITLE = "A trained sine adapter on the frequency curve"
SHOWS = (
    "Each thin line shows one of the 12 modules of the sample adapter of sine-LoRA, which was trained at omega = 200. "
    "The line gives the stable rank that sin(omega B A) has for the trained factors B and A of the module, against "
    "omega. The points are the updates as trained, and the black line is the median of the modules."
)
COMPARED = (
    "Figure 5 of the AdaSine paper takes omega = 200 for sine-LoRA and larger models. After 60 steps the modules "
    "stand at the foot of the curve: the median stable rank is 2.5, against 1.9 of B A. Most of the rise lies between "
    "omega = 300 and 2000, later than for Kaiming factors, since a trained B begins at zero."
)
TRAINED_AT = 200.0
ARGUMENTS = {"count": 13, "low": 10.0, "high": 10000.0, "at": TRAINED_AT}
QUICK = {"count": 3}


def data(count, low, high, at):
    """Return the probe's rows."""
    omegas = np.unique([*np.geomspace(low, high, count), at])
    table = rk.probe_frequencies(sample_adapter("sine"), omegas, progress=False).table
    return table[["module", "omega", "stable_rank"]].assign(trained_at=at)


def draw(table):
    """Draw a thin line a module, their median, and a point where each module was trained."""
    (panel,) = rk.plots.panels_for(None, 1, (4.4, 3.0))
    for _, rows in table.groupby("module"):
        panel.plot(rows["omega"], rows["stable_rank"], color=rk.plots.PALETTE[4], linewidth=0.6)
    middle = table.groupby("omega")["stable_rank"].median()
    panel.plot(middle.index, middle, color="#000000", linewidth=1.5, label="median")
    there = table[table["omega"] == table["trained_at"]]
    panel.plot(there["omega"], there["stable_rank"], "o", color=rk.plots.PALETTE[0], markersize=3, zorder=3)
    panel.set(xscale="log", yscale="log", xlabel="frequency ω  [rad per unit of BA]", ylabel="stable rank")
    rk.plots.label_lines(panel)
    return panel.figure
