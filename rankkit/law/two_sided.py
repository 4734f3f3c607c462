"""Around the frequency that reaches a target: where the mean does, where single draws do, and the steps beside it."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from rankkit.law.error import Estimate
from rankkit.law.prediction import Step

__all__ = ["between_steps", "sides"]

Z_DRAWS = 1.645  # standard deviations on either side that hold 90 % of a normal law
FINEST, COARSEST, GROWTH = 0.01, 0.15, 1.3  # of steps in log omega away from the target
STEP, FURTHEST = 0.03, 1.0  # in log omega, of the search for flat places beside a jump
FLAT = 0.125  # of the steepest slope between, in logs: where the rank climbs no faster than that, it rests on a step
LEAST_JUMP = 2.0  # values: a smaller jump passes over no whole rank
RISING, IN_A_ROW = 1.5, 4  # so many slopes of so many times the least one: it rises again, and not by rounding


class _Margins(NamedTuple):
    mean: float
    draws: float


def _margins(found: Estimate) -> _Margins:
    error = found.error
    # a sum, because one setting's own error is the same for all its draws
    return _Margins(error.own, error.own + Z_DRAWS * error.scatter)


def sides(
    at: Callable[[float], Estimate], omega: float, target: float, slope: float, limits: tuple[float, float]
) -> tuple[tuple[float, float], tuple[float, float]]:
    """Return the omegas between which the mean reaches a target for 95 % of settings, and 90 % of the draws do.

    Parameters
    ----------
    at : callable
        omega -> Estimate.
    omega, target : float
        The measure is predicted to reach `target` at `omega`.
    slope : float
        About how fast the measure grows there, per log omega.
    limits : (float, float)
        The least and the largest omega that are tried, or up to where `at` raises a ValueError. Where the measure
        less its margin reaches the target at none of them, the upper side is inf; where it does at the least, with its
        margin added, the lower one is 0.
    """
    low = _side(at, omega, target, slope, limits[0], -1)
    high = _side(at, omega, target, slope, limits[1], 1)
    return (low.mean, high.mean), (low.draws, high.draws)


def _side(
    at: Callable[[float], Estimate], omega: float, target: float, slope: float, limit: float, sign: int
) -> _Margins:
    """Return where the measure less (sign 1) or plus (-1) its margins crosses the target, by straight lines."""
    here = at(omega)
    widest = max(_margins(here))
    step = min(max(widest / (3 * slope), FINEST), COARSEST) if slope > 0 else COARSEST
    logs, over = [math.log(omega)], [_over(here, target, sign)]
    while min(over[-1]) < 0 and sign * (math.log(limit) - logs[-1]) > 0:
        logs.append(sign * min(sign * (logs[-1] + sign * step), sign * math.log(limit)))  # the law may end there
        try:
            over.append(_over(at(math.exp(logs[-1])), target, sign))
        except ValueError:  # the law has no prediction there, so that no crossing is known
            break
        step = min(step * GROWTH, COARSEST)
    beyond = math.inf if sign > 0 else 0.0
    return _Margins(*(_crossed(logs, column, beyond) for column in zip(*over, strict=True)))


def _over(found: Estimate, target: float, sign: int) -> tuple[float, float]:
    """Return how far beyond the target the measure is on its way, each margin taken off."""
    mean, draws = (sign * (found.value - target) - margin for margin in _margins(found))
    return mean, draws


def _crossed(logs: list[float], over: tuple[float, ...], beyond: float) -> float:
    for (before, last), (after, now) in zip(zip(logs, over), zip(logs[1:], over[1:]), strict=False):
        if now >= 0:
            return math.exp(before + (after - before) * (0 - last) / (now - last))
    return beyond


def between_steps(at: Callable[[float], Estimate], omega: float, limit: float) -> tuple[Step, Step] | None:
    """Return the flat places of the rank on either side of omega; None where omega is on no jump between two.

    Parameters
    ----------
    at : callable
        omega -> Estimate of a count.
    omega : float
    limit : float
        The largest omega that is tried.
    """
    below = _flat(at, omega, 0.0, -1)
    if below is None:
        return None
    above = _flat(at, omega, limit, 1)
    return None if above is None or above.rank - below.rank < LEAST_JUMP else (below, above)


def _flat(at: Callable[[float], Estimate], omega: float, limit: float, sign: int) -> Step | None:
    """Return the nearest place in one direction where the rank climbs least, if it climbs much less than before."""
    logs, ranks = [math.log(omega)], [at(omega).value]
    climbs: list[float] = []
    while abs(logs[-1] - logs[0]) < FURTHEST and not (sign > 0 and math.exp(logs[-1] + STEP) > limit):
        logs.append(logs[-1] + sign * STEP)
        ranks.append(at(math.exp(logs[-1])).value)
        climbs.append(max(sign * math.log(ranks[-1] / ranks[-2]), 0.0))
        if min(climbs[-IN_A_ROW:]) > RISING * min(climbs) and min(climbs) < FLAT * max(climbs):
            break
    lowest = int(np.argmin(climbs))
    if climbs[lowest] >= FLAT * max(climbs[: lowest + 1]):
        return None
    return Step(math.exp(logs[lowest + 1]), ranks[lowest + 1])
