"""AdaSine, figure 2 (b): average numerical rank against omega at (512, 4)."""

from matplotlib.ticker import AutoLocator

import rankkit as rk

TITLE = "Average rank against frequency, (512, 4) (AdaSine, figure 2 (b))"
SHOWS = "Mean numerical rank of sin(omega B A) over 20 seeds, with its 5 to 95 % band."
COMPARED = (
    "The paper does not print the configuration of its panel; at r = 4 the rank is 507 of 512 at omega = 46 "
    "already, so that most of the axis is plateau."
)
ARGUMENTS = {"d": 512, "r": 4, "omegas": list(range(1, 1001, 9)), "seeds": 20}
QUICK = {"omegas": list(range(1, 1001, 111)), "seeds": 3}


def data(d, r, omegas, seeds):
    """Return the sweep's summary: mean and 5-95 % band over the seeds."""
    return rk.sweep_frequency(d, r, omegas=omegas, seeds=seeds, metrics=["numerical_rank"], progress=False).summary()


def draw(table):
    """Draw the mean with its band."""
    (panel,) = rk.plots.panels_for(None, 1, (4.2, 3.0))
    rk.plots.frequency_curve(table, "numerical_rank", ax=panel)
    panel.set(xscale="linear", yscale="linear")
    panel.yaxis.set_major_locator(AutoLocator())
    panel.axhline(512, color="#888888", linewidth=0.8, linestyle="--")
    panel.annotate("d = 512", (0.02, 512), xycoords=("axes fraction", "data"), va="bottom", fontsize=8)
    panel.margins(y=0.1)
    return panel.figure
