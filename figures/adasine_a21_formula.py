"""AdaSine, A.2.1: the interpolation r + (d - r)(1 - exp(-a omega r / d)) over measured ranks."""

import numpy as np
import pandas as pd

import rankkit as rk

TITLE = "The interpolation formula of AdaSine, appendix A.2.1"
SHOWS = (
    "The solid lines show the mean numerical rank (singular values above 1e-2 sigma_1) at d = 256 for r = 1, 2 and "
    "4. The formula r + (d - r)(1 - exp(-a omega r / d)) is drawn with one constant a for all three r, chosen so "
    "that the largest error is as small as possible."
)
COMPARED = (
    "The paper lets a depend only on the nonlinearity and the initialisation. With the best single a the formula is "
    "off by up to 57 % of d here. The ledger has 48 % for the same statement, because it measures at d = 128, where "
    "the formula is less far off. The formula is concave from the start, and the measured curves are not."
)
ARGUMENTS = {"d": 256, "ranks": [1, 2, 4], "count": 30, "seeds": 10}
QUICK = {"d": 64, "count": 8, "seeds": 2}


def printed(omega, d, r, a):
    """Return the formula."""
    return r + (d - r) * (1 - np.exp(-a * omega * r / d))


def data(d, ranks, count, seeds):
    """Return measured means, bands and the formula's values, one row a frequency and r."""
    omegas, parts = np.geomspace(1, 3000, count), []
    for r in ranks:
        swept = rk.sweep_frequency(
            d, r, omegas=omegas, seeds=seeds, metrics=["numerical_rank"], rtol=1e-2, progress=False
        )
        parts.append(
            swept.summary()[["omega", "c", "d", "r", *(f"numerical_rank_{s}" for s in ("mean", "q05", "q95"))]]
        )
    table = pd.concat(parts)
    constants = np.geomspace(1e-3, 100, 600)
    worst = [np.abs(printed(table["omega"], d, table["r"], a) - table["numerical_rank_mean"]).max() for a in constants]
    a = constants[int(np.argmin(worst))]
    return table.assign(a=a, formula=printed(table["omega"], d, table["r"], a))


def draw(table):
    """Draw measured curves solid with their bands, the formula dashed."""
    (panel,) = rk.plots.panels_for(None, 1, (4.4, 3.0))
    for color, (r, rows) in zip(rk.plots.PALETTE, table.groupby("r"), strict=False):
        panel.fill_between(
            rows["omega"], rows["numerical_rank_q05"], rows["numerical_rank_q95"], color=color, alpha=0.2, linewidth=0
        )
        panel.plot(rows["omega"], rows["numerical_rank_mean"], color=color, linewidth=1.3, label=f"r = {r}")
        panel.plot(rows["omega"], rows["formula"], color=color, linewidth=1.1, linestyle="--")
    panel.set(xscale="log", xlabel="frequency ω  [rad per unit of BA]", ylabel="numerical rank  (σ > 0.01 σ₁)")
    panel.legend(fontsize=7, loc="upper left")
    panel.set_title(f"solid: measured; dashed: formula, a = {table['a'].iloc[0]:.3g}", fontsize=8)
    return panel.figure
