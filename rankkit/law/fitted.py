"""The law's thirteen fitted constants: four a law of entries for counts, five for sigma_1.

Theory gives the form's limits, not the constants. They were fitted once, by least squares, to other draws than those
that benchmarks/law.py measures with; benchmarks/fit_law.py draws such settings and fits them again.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from rankkit.factors import Array

__all__ = ["CROWDING", "MOST_SPREAD", "SPREAD", "START", "Crowding", "Spread"]

START = 0.3  # share of sigma_1 above which all leverages are taken as equal; chosen before the fit
MOST_SPREAD = 12.0  # the largest that the fit tried


@dataclass(frozen=True)
class Spread:
    """The variance of a sampled staircase's leverages.

    At a threshold of q sigma_1 above which K values of the staircase lie it is
    scale r^rank_power log10(START / q)^depth_power / sqrt(1 + (saturation K / min(m, n))^2), at most MOST_SPREAD.

    Attributes
    ----------
    scale : float
        The variance for r = 1 one decade below START, where the matrix is large.
    rank_power : float
        How it grows with the rank r of the factors.
    depth_power : float
        How it grows with the decades below START.
    saturation : float
        How soon it falls as the staircase's values above the threshold become as many as the matrix has.
    """

    scale: float
    rank_power: float
    depth_power: float
    saturation: float

    def __call__(self, relative: Array, steps: Array, *, r: int, size: int) -> Array:
        """Return the variance (k,) at thresholds q = relative (k,), K = steps (k,), size = min(m, n)."""
        depth = np.maximum(np.log10(START / relative), 0.0)
        full = self.scale * r**self.rank_power * depth**self.depth_power
        return np.minimum(full / np.hypot(1.0, self.saturation * steps / size), MOST_SPREAD)


@dataclass(frozen=True)
class Crowding:
    """By how much sigma_1^2 exceeds that of independent features, as chance crowds points into one cell of resolution.

    1 + height t / (t + start) / (1 + t / end)^(fade + fade_more (r - 1)), where t is the staircase's own
    (sum lambda^2)^2 / sum lambda^4 times sum lambda^2 / lambda_1^2 over min(m, n).

    Attributes
    ----------
    height : float
        The most that is added to the factor 1.
    start, end : float
        The t at which half of it is there, and that at which it fades.
    fade, fade_more : float
        The power by which it fades for r = 1, and what every further coordinate adds to that power.
    """

    height: float
    start: float
    end: float
    fade: float
    fade_more: float

    def __call__(self, crowd: float, *, r: int) -> float:
        """Return the factor on sigma_1^2, at most 1.11 with the fitted constants."""
        fade = (self.fade + self.fade_more * (r - 1)) * math.log1p(crowd / self.end)
        return 1 + self.height * crowd / (crowd + self.start) * math.exp(-fade)


# by whether entries are Gaussian; fitted to counts of singular values above five thresholds in two draws of each
# setting, d = 256 to 1024 and r = 1 to 8: 27 settings with uniform entries, 13 with Gaussian ones
SPREAD = {
    False: Spread(scale=1.53, rank_power=-0.35, depth_power=0.97, saturation=0.50),
    True: Spread(scale=3.29, rank_power=0.39, depth_power=2.21, saturation=0.56),
}
# fitted to sigma_1^2 of 13 settings with uniform entries, four draws each, d = 256 to 512 and r = 1 to 6
CROWDING = {False: Crowding(height=0.272, start=1.12, end=0.914, fade=0.458, fade_more=0.144), True: None}
