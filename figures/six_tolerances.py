"""Ours: why a rank needs its threshold: one sweep counted by six rules."""

import numpy as np
import pandas as pd

import rankkit as rk

TITLE = "One sweep, six ranks"
SHOWS = (
    "Mean numerical rank of sin(omega B A) at 256 x 256 and r = 2. Each line counts the singular values above "
    "another multiple of sigma_1."
)
COMPARED = (
    "The papers print ranks without a tolerance. Between the rank at the largest and at the smallest of these six "
    "tolerances there is a factor of nine at omega = 1 and a factor of ten at omega = 10."
)
ARGUMENTS = {"d": 256, "r": 2, "tolerances": [1e-1, 1e-2, 1e-3, 1e-5, 3.05e-5, 1e-10], "count": 28, "seeds": 5}
QUICK = {"d": 64, "count": 8, "seeds": 2}


def data(d, r, tolerances, count, seeds):
    """Return one sweep's summary a tolerance."""
    how = {"omegas": np.geomspace(1, 1000, count), "seeds": seeds, "metrics": ["numerical_rank"], "progress": False}
    return pd.concat([rk.sweep_frequency(d, r, rtol=t, **how).summary() for t in sorted(tolerances, reverse=True)])


def draw(table):
    """Draw one curve a tolerance."""
    (panel,) = rk.plots.panels_for(None, 1, (4.6, 3.3))
    for color, (rtol, rows) in zip(rk.plots.PALETTE, table.groupby("rtol", sort=False), strict=False):
        rk.plots.frequency_curve(rows, "numerical_rank", ax=panel, color=color, label=f"{rtol:g}")
    panel.set_ylabel("numerical rank")
    handles, names = panel.get_legend_handles_labels()
    panel.legend(handles, names, title="σ / σ₁ above", fontsize=7, title_fontsize=7, loc="lower right")
    return panel.figure
