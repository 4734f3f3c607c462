"""How far predictions are from means of a few draws: intervals calibrated on settings that nothing else was chosen on.

The 410 settings (benchmarks/law.py --only fresh, --first 31 and 32) have 150 to 320 rows and columns, r = 1 to 16,
uniform or Gaussian entries, and frequencies from the linear to the saturated regime, four draws each.
"""

from __future__ import annotations

import math

from rankkit.law.self_consistent import Counted

__all__ = ["rank_error", "stable_rank_error"]

STABLE_RANK = 0.09  # relative; 0.08 held 93 % of the 250 settings of --first 78
# values, shares of the values in a factor e of the threshold, and shares of the values that crossings remove
BASE, DENSITY, CROSSINGS = 1.2, 0.06, 0.6
# with r = 1 points crowd by chance in places all over the line, and each crowd loses values; share of the count, times
# the root of how full the matrix is, chosen by eye on 90 settings with r = 1
ON_A_LINE = 0.1


def stable_rank_error(value: float) -> float:
    """Return the half width of the interval about a predicted stable rank that holds 95 % of the means of draws."""
    return STABLE_RANK * float(value)


def rank_error(found: Counted, r: int, limit: int) -> float:
    """Return the half width of the interval about a predicted count that holds 95 % of the means of draws.

    Parameters
    ----------
    found : Counted
    r, limit : int
        Rank of the factors, and the most that a count can be.
    """
    error = BASE + DENSITY * found.density + CROSSINGS * found.crossings
    return max(error, ON_A_LINE * found.value * math.sqrt(found.value / limit)) if r == 1 else error
