"""What the equations leave out: two rows that lie within one resolution cell of each other.

Their features are nearly the same, so that together they make one large and one small value. In the expansion of
log det in rows that cross each other, the first term that the equations leave out is, for a row's share
U(b) = 1 - w(b), the modes' mean share g and modes that fill a box of phase space,

    -N g (2/3)^r E U^3 / 4    with N rows (and likewise columns),    2/3 = int sinc^4 / int sinc^2.

It is the first term of a series in U^2. In place of the series stands -N g (2/3)^r STRENGTH E U^POWER / 2.
"""

from __future__ import annotations

import math

__all__ = ["CELL", "POWER", "STRENGTH", "crossing_term", "removed"]

CELL = 2 / 3
# measured once on counts of 37 settings with uniform entries (r = 2 to 16, 150 to 320 rows, six draws each); see
# benchmarks/README.md
STRENGTH, POWER = 2.34, 6
# of min(m, n), half of which the term removes where it is as large; chosen on 14 settings beyond the full matrix
MOST = 0.15


def crossing_term(size: int, r: int, mean_share: complex, mean_power: complex) -> complex:
    """Return the term of one side of the matrix.

    Parameters
    ----------
    size : int
        Rows (or columns).
    r : int
    mean_share : complex
        sum g^2 / sum g over the modes, g = lambda^2 / (lambda^2 + z).
    mean_power : complex
        E U^POWER over the rows.
    """
    return -0.5 * size * STRENGTH * CELL**r * mean_share * mean_power


def removed(term: complex, limit: int) -> float:
    """Return how many values crossings remove from a count of at most `limit`.

    Crossings do not add values, and a term of many values is beyond the series that it begins.
    """
    fewer = max(term.imag / math.pi, 0.0)
    return fewer / (1 + fewer / (MOST * limit))
