"""Solution: what every solver returns."""

from __future__ import annotations

from typing import Any, NamedTuple

__all__ = ["EPS", "Solution"]

EPS = 2.0**-52  # float64, the precision every solver decomposes in


class Solution(NamedTuple):
    """Singular values on the host and how far off each may be.

    |computed - true| <= min(noise_floor, relative_error * computed) for every value.

    Attributes
    ----------
    values : numpy array, shape (*batch, k)
        Descending, float64.
    noise_floor : numpy array, shape (*batch,)
        Absolute bound.
    relative_error : numpy array, shape (*batch,)
        Relative bound; inf where only the absolute one is known.
    """

    values: Any
    noise_floor: Any
    relative_error: Any
