"""How far predictions are from means of draws: intervals calibrated on settings that nothing else was chosen on."""

from __future__ import annotations

from rankkit.law.self_consistent import Counted

__all__ = ["rank_error", "stable_rank_error"]

STABLE_RANK = 0.08  # relative
RANK = (1.0, 0.08, 0.5)


def stable_rank_error(value: float) -> float:
    """Return the half width of the interval about a predicted stable rank."""
    return STABLE_RANK * float(value)


def rank_error(found: Counted) -> float:
    """Return the half width of the interval about a predicted count."""
    base, density, crossings = RANK
    return base + density * found.density + crossings * found.crossings
