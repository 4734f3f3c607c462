"""Grids: the points x_i where the functions of a learned basis sit (LR-LoRA paper, appendix, grid comparison)."""

from __future__ import annotations

import numpy as np

from rankkit.checks import finite, integer
from rankkit.factors import Array

__all__ = ["DEFAULT_COUNT", "alternating_phases", "chebyshev_grid", "named_grid", "random_grid", "uniform_grid"]

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


def named_grid(name: str, count: int, interval: float, *, seed: int = 0) -> Array:
    """Return the grid of a name: "uniform" (where a learned grid starts, too), "chebyshev" or "random".

    Parameters
    ----------
    name : str
        One of these, or "learned".
    count : int
        How many points, at least 1.
    interval : float
        Half the length of the interval, > 0.
    seed : int
        Which draw of a random grid, >= 0.

    Raises
    ------
    ValueError
        If there is no grid of this name.

    Examples
    --------
    >>> named_grid("uniform", 3, 1.0).tolist()
    [-1.0, 0.0, 1.0]
    """
    if name == "random":
        return random_grid(count, interval, seed=seed)
    if name not in ("uniform", "learned", "chebyshev"):
        raise ValueError(f"grid must be uniform, chebyshev, random or learned, got {name[:60]!r}; choose one.")
    return chebyshev_grid(count, interval) if name == "chebyshev" else uniform_grid(count, interval)


def alternating_phases(count: int) -> Array:
    """Return the phases 0, -pi/2, 0, ...: those of a Fourier basis of cosines and sines in turn.

    Parameters
    ----------
    count : int
        How many, at least 1.
    """
    return np.arange(count) % 2 * (-np.pi / 2)


def _check(count: int, interval: float) -> None:
    integer("count", count, advice=f"use for instance {DEFAULT_COUNT}")
    finite("interval", interval, least=0, strict=True, advice=f"use for instance {DEFAULT_INTERVAL:g}")
