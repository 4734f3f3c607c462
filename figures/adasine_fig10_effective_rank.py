"""AdaSine, figure 10 (b): effective rank against frequency under several nonlinearities."""

import numpy as np
import pandas as pd

import rankkit as rk

TITLE = "Nonlinearities: effective rank (AdaSine, figure 10 (b))"
SHOWS = (
    "The lines show the effective rank of phi(omega B A) for several nonlinearities phi, at 256 x 256 and r = 2. The "
    "effective rank is the exponential of the spectral entropy. Each line is the mean over seeds, and its band goes "
    "from 5 to 95 % of the seeds."
)
COMPARED = (
    "As the paper says, the effective rank of the sine grows most: it reaches 205 at omega = 1000. The effective "
    "ranks of tanh and sigmoid grow too, to 35 and 24. The effective rank of ReLU is 6.7 at every omega, because "
    "omega only scales a ReLU."
)
ARGUMENTS = {"d": 256, "r": 2, "functions": ["sine", "relu", "sigmoid", "tanh"], "count": 20, "seeds": 5}
QUICK = {"d": 64, "count": 6, "seeds": 2}


def data(d, r, functions, count, seeds):
    """Return the summary of one sweep a function."""
    parts = []
    for name in functions:
        rule = rk.rules.Sine if name == "sine" else (lambda omega, name=name: rk.rules.Activation(name, omega))
        sweep = rk.sweep_frequency(
            d,
            r,
            omegas=np.geomspace(1, 1000, count),
            seeds=seeds,
            rule=rule,
            metrics=["effective_rank"],
            progress=False,
        )
        parts.append(sweep.summary().assign(function=name))
    return pd.concat(parts)


def draw(table):
    """Draw one curve a function."""
    (panel,) = rk.plots.panels_for(None, 1, (4.4, 3.2))
    for color, (name, rows) in zip(rk.plots.PALETTE, table.groupby("function", sort=False), strict=False):
        rk.plots.frequency_curve(rows, "effective_rank", ax=panel, color=color, label=name)
    rk.plots.label_lines(panel)
    return panel.figure
