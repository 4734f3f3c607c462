"""AdaSine, figure 2 (b): average numerical rank against omega at (512, 4)."""

import rankkit as rk

TITLE = "Average rank against frequency, (512, 4) (AdaSine, figure 2 (b))"
SHOWS = (
    "Mean numerical rank of sin(omega B A) over 20 seeds for d = 512 and r = 4. The band goes from 5 to 95 % of the "
    "seeds."
)
COMPARED = (
    "The paper does not print d and r of its panel. At r = 4 the mean rank is already 507 of 512 at omega = 46, so "
    "that the curve is flat over most of the axis."
)
ARGUMENTS = {"d": 512, "r": 4, "omegas": list(range(1, 1001, 9)), "seeds": 20}
QUICK = {"omegas": list(range(1, 1001, 111)), "seeds": 3}


def data(d, r, omegas, seeds):
    """Return the sweep's summary: mean and 5-95 % band over the seeds."""
    return rk.sweep_frequency(d, r, omegas=omegas, seeds=seeds, metrics=["numerical_rank"], progress=False).summary()


def draw(table):
    """Draw the mean with its band."""
    return rk.plots.rank_to_full(table).figure
