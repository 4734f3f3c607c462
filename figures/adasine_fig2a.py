"""AdaSine, figure 2 (a): average numerical rank against omega at (512, 1)."""

import rankkit as rk

TITLE = "Average rank against frequency, (512, 1) (AdaSine, figure 2 (a))"
SHOWS = (
    "Mean numerical rank of sin(omega B A) over 20 seeds for d = 512 and r = 1. The band goes from 5 to 95 % of the "
    "seeds."
)
COMPARED = (
    "The paper does not print d and r of its panel. At r = 1 the rank rises linearly, as the paper says. It is 90 at "
    "omega = 1000, and no saturation is visible up to there."
)
ARGUMENTS = {"d": 512, "r": 1, "omegas": list(range(1, 1001, 9)), "seeds": 20}
QUICK = {"omegas": list(range(1, 1001, 111)), "seeds": 3}


def data(d, r, omegas, seeds):
    """Return the sweep's summary: mean and 5-95 % band over the seeds."""
    return rk.sweep_frequency(d, r, omegas=omegas, seeds=seeds, metrics=["numerical_rank"], progress=False).summary()


def draw(table):
    """Draw the mean with its band."""
    return rk.plots.rank_to_full(table).figure
