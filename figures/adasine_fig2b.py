"""AdaSine, figure 2 (b): average numerical rank against omega at (512, 4)."""

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
    return rk.plots.rank_to_full(table).figure
