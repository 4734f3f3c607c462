"""AdaSine, figure 8: average numerical rank against omega at (512, 2)."""

from pathlib import Path

import pandas as pd

import rankkit as rk

TITLE = "Average rank against frequency, (512, 2) (AdaSine, figure 8)"
SHOWS = (
    "Mean numerical rank of sin(omega B A) over 100 seeds at every whole omega from 1 to 1000, for d = 512 and r = "
    "2. The band goes from the smallest to the largest rank."
)
COMPARED = (
    "The paper says that the rank rises linearly and then saturates. The mean rank rises faster than linearly at "
    "first: it is 72 at omega = 50, 170 at omega = 100 and 395 at omega = 200. At omega = 300 it is 508 of 512."
)
ARGUMENTS = {"d": 512, "r": 2}
INPUTS = ["stored/adasine_protocol_512_2.csv"]


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
