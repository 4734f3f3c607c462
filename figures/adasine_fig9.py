"""AdaSine, figure 9: cosine similarity between rows at r = 1 and r = 4."""

import numpy as np
import pandas as pd

import rankkit as rk

TITLE = "Cosine similarity at r = 1 and r = 4 (AdaSine, figure 9)"
SHOWS = (
    "Each panel shows the cosines between the first 40 rows of B A or of sin(100 B A), for r = 1 or r = 4. The "
    "matrices are 512 x 512 with Kaiming factors."
)
COMPARED = (
    "As the paper says, the rows are less similar for r = 4 than for r = 1. Under the sine the mean of |cosine| is "
    "0.036 for r = 4 and 0.211 for r = 1. For rows of independent random numbers the mean is 0.035."
)
ARGUMENTS = {"d": 512, "ranks": [1, 4], "omega": 100, "shown": 40, "seed": 0}


def data(d, ranks, omega, shown, seed):
    """Return the cosines of the rows shown, one row a pair, and the mean of all."""
    parts = []
    for r in ranks:
        factors = rk.initializers.KaimingUniform()(d, d, r, seed=seed)
        for name, W in ((f"BA, r = {r}", factors.B @ factors.A), (f"sine, r = {r}", rk.rules.Sine(omega)(factors))):
            cosines = rk.cosine_similarity(W)
            row, column = np.mgrid[:shown, :shown]
            parts.append(pd.DataFrame({
                "panel": name, "mean": round(float(cosines.mean_absolute), 4), "row": row.ravel(),
                "column": column.ravel(), "cosine": np.asarray(cosines.values)[:shown, :shown].ravel().round(4),
            }))  # fmt: skip
    return pd.concat(parts)


def draw(table):
    """Draw one heatmap a panel, the mean over all pairs above."""
    titles = {name: f"{name}\nmean {rows['mean'].iloc[0]:.3f}" for name, rows in table.groupby("panel", sort=False)}
    panels = rk.plots.matrix_panels(
        table, "cosine", titles=titles, limits=(-1, 1), cmap="RdBu_r", label="cosine", columns="row"
    )
    return panels[0].figure
