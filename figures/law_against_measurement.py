"""Ours: the spectral law against measured sweeps, with both errors."""

import numpy as np
import pandas as pd

import rankkit as rk

TITLE = "The spectral law against measurement"
SHOWS = (
    "Numerical rank (singular values above 1e-2 sigma_1) and stable rank of sin(omega B A) at d = 512. The solid "
    "lines are means over seeds, with bands from 5 to 95 % of the seeds. The dashed lines are the predictions of the "
    "spectral law, which uses no drawn matrix, and the grey bands are the errors that the predictions state."
)
COMPARED = (
    "The papers find omega by trial. The spectral law predicts the numerical rank with an error of at most 2.8 % of "
    "d here, and the stable rank with a relative error of at most 5.4 %."
)
ARGUMENTS = {"d": 512, "ranks": [1, 2, 4], "count": 25, "seeds": 10, "rtol": 1e-2}
QUICK = {"d": 128, "count": 7, "seeds": 2}
MEASURES = ("numerical_rank", "stable_rank")


def data(d, ranks, count, seeds, rtol):
    """Return measured summaries and predictions, one row a frequency and r."""
    omegas, parts = np.geomspace(1, 1000, count), []
    for r in ranks:
        swept = rk.sweep_frequency(d, r, omegas=omegas, seeds=seeds, rtol=rtol, progress=False).summary()
        law = rk.predict_curve(omegas, d=d, r=r, measures=list(MEASURES), rtol=rtol).table
        swept = swept.assign(**{f"{measure}_law": law[measure].to_numpy() for measure in MEASURES})
        errors = [
            (rk.predict_rank(w, d=d, r=r, rtol=rtol).error, rk.predict_stable_rank(w, d=d, r=r).error) for w in omegas
        ]
        parts.append(
            swept.assign(**dict(zip([f"{m}_error" for m in MEASURES], zip(*errors, strict=True), strict=True)))
        )
    return pd.concat(parts)


def draw(table):
    """Draw one panel a measure, one colour a rank of the factors."""
    panels = rk.plots.panels_for(None, 2, (3.6, 3.1))
    for panel, measure in zip(panels, MEASURES, strict=True):
        for color, (r, rows) in zip(rk.plots.PALETTE, table.groupby("r"), strict=False):
            band = rows[f"{measure}_q05"], rows[f"{measure}_q95"]
            panel.fill_between(rows["omega"], *band, color=color, alpha=0.25, linewidth=0)
            panel.plot(rows["omega"], rows[f"{measure}_mean"], color=color, linewidth=1.2, label=f"r = {r}")
            law, error = rows[f"{measure}_law"], rows[f"{measure}_error"]
            panel.fill_between(
                rows["omega"], np.maximum(law - error, 0.5), law + error, color="#888888", alpha=0.18, lw=0
            )
            panel.plot(rows["omega"], law, color="#000000", linewidth=1.0, linestyle="--")
        panel.set(xscale="log", yscale="log", xlabel="frequency ω  [rad per unit of BA]")
        panel.set_ylabel("numerical rank  (σ > 0.01 σ₁)" if measure == "numerical_rank" else "stable rank")
    panels[0].legend(fontsize=7, loc="upper left")
    return panels[0].figure
