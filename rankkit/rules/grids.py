"""Where the functions of a learned basis sit: the x_i (LR-LoRA paper, appendix, grid comparison)."""

from __future__ import annotations

from typing import Any

import numpy as np

__all__ = ["chebyshev_grid", "random_grid", "uniform_grid"]


def uniform_grid(count: int = 50, interval: float = 3.0) -> Any:
    """Return `count` equally spaced points on [-interval, interval], ends included."""
    return np.linspace(-interval, interval, count)


def chebyshev_grid(count: int = 50, interval: float = 3.0) -> Any:
    """Return interval * cos(pi (2 i - 1) / (2 count)), i = count, ..., 1: denser towards the ends."""
    return interval * np.cos(np.pi * (2 * np.arange(count, 0, -1) - 1) / (2 * count))


def random_grid(count: int = 50, interval: float = 3.0, *, seed: int = 0) -> Any:
    """Return `count` points uniform on (-interval, interval), ascending."""
    return np.sort(np.random.default_rng(seed).uniform(-interval, interval, count))
