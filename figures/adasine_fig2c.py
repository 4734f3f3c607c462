"""AdaSine, figure 2 (c): cosine similarity between rows as omega grows."""

import numpy as np
import pandas as pd

import rankkit as rk

TITLE = "Cosine similarity between rows (AdaSine, figure 2 (c))"
SHOWS = (
    "Each panel shows the cosines between the first 40 rows of sin(omega B A) for one omega. The matrix is 512 x 512 "
    "with r = 2 and Kaiming factors. Above each panel stands the mean of |cosine| over all pairs of rows."
)
COMPARED = (
    "As the paper says, a larger omega makes the rows less similar. The mean falls from 0.63 at omega = 5 to 0.037 "
    "at omega = 400. For rows of independent random numbers the mean is 0.035."
)
ARGUMENTS = {"d": 512, "r": 2, "frequencies": [5, 50, 100, 400], "shown": 40, "seed": 0}


def data(d, r, frequencies, shown, seed):
    """Return the cosines of the rows shown, one row a pair, and the mean of all."""
    factors = rk.initializers.KaimingUniform()(d, d, r, seed=seed)
    parts = []
    for omega in frequencies:
        cosines = rk.cosine_similarity(rk.rules.Sine(float(omega))(factors))
        row, column = np.mgrid[:shown, :shown]
        parts.append(pd.DataFrame({
            "panel": f"ω = {omega}", "mean": round(float(cosines.mean_absolute), 4), "row": row.ravel(),
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
