"""Sine-LoRA, figure 2: the magnitudes of four 128 x 128 matrices."""

import numpy as np
import pandas as pd

import rankkit as rk

TITLE = "Weight magnitudes (Sine-LoRA, figure 2)"
SHOWS = (
    "Each panel shows the magnitudes of the first 48 rows and columns of one 128 x 128 matrix, divided by the "
    "largest magnitude. The matrices are a full-rank Kaiming matrix, a matrix of rank 1, and the sine of the rank-1 "
    "matrix at two frequencies."
)
COMPARED = (
    "As the paper says, the rows of the rank-1 matrix are multiples of each other, and the rows of its sine are not. "
    "The titles give the numerical rank (singular values above 1e-3 sigma_1), which is 20 of 128 at omega = 100 and "
    "123 of 128 at omega = 2000."
)
ARGUMENTS = {"d": 128, "shown": 48, "frequencies": [100, 2000], "seed": 0}


def data(d, shown, frequencies, seed):
    """Return the magnitudes, one row an entry, with each matrix's rank."""
    draw = rk.initializers.KaimingUniform()
    full, low = draw(d, d, d, seed=seed).A, draw(d, d, 1, seed=seed)
    matrices = {"full rank": full, "rank 1": low.B @ low.A}
    matrices |= {f"sin, ω = {omega}": np.sin(omega * matrices["rank 1"]) for omega in frequencies}
    parts = []
    for name, W in matrices.items():
        rank = rk.metrics.numerical_rank(rk.spectrum_of(W), rtol=1e-3)
        row, column = np.mgrid[:shown, :shown]
        size = np.abs(W[:shown, :shown]) / np.abs(W).max()
        parts.append(pd.DataFrame({
            "panel": name, "rank": int(rank), "row": row.ravel(), "column": column.ravel(),
            "magnitude": size.ravel().round(4),
        }))  # fmt: skip
    return pd.concat(parts)


def draw(table):
    """Draw one panel a matrix, its rank above."""
    titles = {name: f"{name}\nrank {rows['rank'].iloc[0]}" for name, rows in table.groupby("panel", sort=False)}
    panels = rk.plots.matrix_panels(
        table, "magnitude", titles=titles, limits=(0, 1), cmap="viridis", label="|entry| / largest"
    )
    return panels[0].figure
