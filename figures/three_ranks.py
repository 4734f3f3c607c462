"""Ours: numerical, effective and stable rank of one sweep."""

import numpy as np

import rankkit as rk

TITLE = "Three ranks of one sweep"
SHOWS = (
    "Numerical rank (with the tolerance for float32), effective rank and stable rank of sin(omega B A) at 256 x 256 "
    "and r = 2. The lines are means over seeds, and the bands go from 5 to 95 % of the seeds."
)
COMPARED = (
    "The three ranks answer different questions. At omega = 29 they are 59, 22 and 9. At omega = 159 the numerical "
    "rank is 255 of 256, and the stable rank is 42. For large omega the stable rank ends near d / 4."
)
ARGUMENTS = {"d": 256, "r": 2, "count": 28, "seeds": 10}
QUICK = {"d": 64, "count": 8, "seeds": 2}
METRICS = ("numerical_rank", "effective_rank", "stable_rank")


def data(d, r, count, seeds):
    """Return the sweep's summary."""
    return rk.sweep_frequency(
        d, r, omegas=np.geomspace(1, 2000, count), seeds=seeds, metrics=list(METRICS), progress=False
    ).summary()


def draw(table):
    """Draw the three on one axis."""
    (panel,) = rk.plots.panels_for(None, 1, (4.8, 3.3))
    for color, metric in zip(rk.plots.PALETTE, METRICS, strict=False):
        rk.plots.frequency_curve(table, metric, ax=panel, color=color, label=metric.split("_")[0])
    panel.set_ylabel("rank")
    rk.plots.label_lines(panel)
    return panel.figure
