"""AdaSine, figure 8: average numerical rank against omega at (1024, 4)."""

from pathlib import Path

import pandas as pd

import rankkit as rk

TITLE = "Average rank against frequency, (1024, 4) (AdaSine, figure 8)"
SHOWS = (
    "Mean numerical rank of sin(omega B A) over 100 seeds at every whole omega from 1 to 1000, for d = 1024 and r = "
    "4. The band goes from the smallest to the largest rank."
)
COMPARED = (
    "The paper says that the rank rises linearly and then saturates. The mean rank is 179 at omega = 21 and 846 at "
    "omega = 61. The rise is over at omega = 100, which is a tenth of the axis."
)
ARGUMENTS = {"d": 1024, "r": 4}
INPUTS = ["stored/adasine_protocol_1024_4.csv"]


def data(d, r):
    """Return the stored sweep of 100 seeds: mean, and the smallest and largest rank."""
    stored = pd.read_csv(Path(__file__).parent / INPUTS[0])
    return {
        "omega": stored["omega"], "c": stored["c"], "d": d, "n": d, "rtol": d * 2.0**-23,
        "numerical_rank_mean": stored["mean"], "numerical_rank_q05": stored["min"], "numerical_rank_q95": stored["max"],
        "numerical_rank_count": stored["count"],
    }  # fmt: skip


def draw(table):
    """Draw the mean with its band."""
    return rk.plots.rank_to_full(table).figure
