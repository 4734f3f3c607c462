"""Grids: the points x_i where the functions of a learned basis sit (LR-LoRA paper, appendix, grid comparison)."""

from __future__ import annotations

import numpy as np

from rankkit.checks import finite, integer
from rankkit.factors import Array

__all__ = ["DEFAULT_COUNT", "chebyshev_grid", "random_grid", "uniform_grid"]

DEFAULT_COUNT = 50  # basis functions in the experiments of the LR-LoRA paper
DEFAULT_INTERVAL = 3.0  # half the length of its interval [-3, 3]


def uniform_grid(count: int = DEFAULT_COUNT, interval: float = DEFAULT_INTERVAL) -> Array:
    """Return equally spaced points on [-interval, interval], both ends included.

    Parameters
    ----------
    count : int
        How many points, at least 1.
    interval : float
        Half the length of the interval, > 0.

    Returns
    -------
    array, shape (count,)
        Ascending.

    Raises
    ------
    ValueError
        If count or interval is out of its range.
    """
    _check(count, interval)
    return np.linspace(-interval, interval, count)


def chebyshev_grid(count: int = DEFAULT_COUNT, interval: float = DEFAULT_INTERVAL) -> Array:
    """Return interval * cos(pi (2 i - 1) / (2 count)), i = count, ..., 1: points that are denser towards the ends.

    Parameters
    ----------
    count : int
        How many points, at least 1.
    interval : float
        Half the length of the interval, > 0.

    Returns
    -------
    array, shape (count,)
        Ascending.

    Raises
    ------
    ValueError
        If count or interval is out of its range.
    """
    _check(count, interval)
    return interval * np.cos(np.pi * (2 * np.arange(count, 0, -1) - 1) / (2 * count))


def random_grid(count: int = DEFAULT_COUNT, interval: float = DEFAULT_INTERVAL, *, seed: int = 0) -> Array:
    """Return points drawn uniformly from (-interval, interval).

    Parameters
    ----------
    count : int
        How many points, at least 1.
    interval : float
        Half the length of the interval, > 0.
    seed : int
        Which draw, >= 0.

    Returns
    -------
    array, shape (count,)
        Ascending.

    Raises
    ------
    ValueError
        If an argument is out of its range.
    """
    _check(count, interval)
    return np.sort(np.random.default_rng(integer("seed", seed, least=0)).uniform(-interval, interval, count))


def _check(count: int, interval: float) -> None:
    integer("count", count, advice=f"use for instance {DEFAULT_COUNT}")
    finite("interval", interval, least=0, strict=True, advice=f"use for instance {DEFAULT_INTERVAL:g}")
