"""frequency_for_rank: the frequency at which a measure reaches a target, from the law or from given factors."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from rankkit.factors import Factors, host
from rankkit.initializers import Initializer
from rankkit.law.empirical import measure_of
from rankkit.law.entries import entries_of
from rankkit.law.predict import Prediction, measure_at, rank_error, regime, stable_rank_error

__all__ = ["frequency_for_rank"]

MEASURES = ("stable_rank", "numerical_rank", "participation_ratio")
STEPS = 32  # halvings of a bracket in log omega


def frequency_for_rank(
    target: float,
    d: int | None = None,
    r: int | None = None,
    *,
    n: int | None = None,
    measure: str = "stable_rank",
    rtol: float | None = None,
    atol: float | None = None,
    gain: float | None = None,
    initializer: Initializer | None = None,
    factors: Factors | None = None,
) -> Prediction:
    """Return the least frequency omega at which sin(omega B A) is predicted to reach a rank.

    Parameters
    ----------
    target : float
        The rank to reach.
    d, r : int
        Rows of the update and rank of the factors; not with `factors`.
    n : int, optional
        Columns; None: d.
    measure : {"stable_rank", "numerical_rank", "participation_ratio"}
    rtol, atol : float, optional
        Threshold of numerical_rank, as for `predict_rank`; atol is one on sin(omega B A) / gain.
    gain : float, optional
        Divisor of the sine, for atol; None: the root of the number of rows.
    initializer : Initializer, optional
        Law of the factors; None: Kaiming uniform with a = 0.
    factors : Factors, optional
        One trained or drawn pair: measured as it is at every frequency tried, some thirty times, instead of predicted.

    Returns
    -------
    Prediction
        `value` is omega, `error` how far omega moves when the measure moves by its own error (0 for given factors);
        usable as a float wherever a frequency is expected.

    Raises
    ------
    ValueError
        If no frequency reaches the target; the message has the attainable interval.

    Examples
    --------
    >>> omega = frequency_for_rank(64, d=512, r=2)
    >>> from rankkit.law import predict_stable_rank
    >>> round(predict_stable_rank(float(omega), d=512, r=2).value, 3)
    64.0
    """
    if measure not in MEASURES:
        raise ValueError(f"measure must be one of {', '.join(MEASURES)}, got {measure!r}.")
    if isinstance(target, bool) or not hasattr(target, "__float__") or not math.isfinite(float(target)):
        raise ValueError(f"target must be a finite number, got {target!r}; for instance 64.")
    if factors is not None:
        if any(x is not None for x in (d, r, n, initializer)):
            raise ValueError("give factors, or d, r, n and initializer, not both: factors have sizes and a law.")
        return _of_factors(float(target), factors, measure, rtol, atol, gain)
    if d is None or r is None:
        raise ValueError("d and r must be given: frequency_for_rank(64, d=512, r=2), or pass factors=.")
    entries = entries_of(d, r, n, initializer)
    # far beyond where the staircase would fill the matrix: (2 c / pi)^r / 2 = max(m, n) for uniform entries
    full = 40 * (math.pi / 2) * (2 * max(entries.m, entries.n)) ** (1 / entries.r) / entries.unit

    def at(omega: float) -> float:
        return measure_at(entries, omega, measure, rtol, atol, gain)

    omega, slope = _first(at, float(target), 1e-4 / entries.unit, full, 60, measure)
    off = stable_rank_error(target) if measure == "stable_rank" else 0.0
    off = rank_error(entries, target) if measure == "numerical_rank" else off
    seen = float(target) * (1 if measure == "numerical_rank" else 4)
    return Prediction(omega, omega * off / slope if slope > 0 else math.inf, regime(entries, seen))


def _of_factors(
    target: float, factors: Factors, measure: str, rtol: float | None, atol: float | None, gain: float | None
) -> Prediction:
    if not isinstance(factors, Factors) or factors.batch_shape:
        raise TypeError(f"factors must be one pair of Factors without batch axes, got {factors}; index the batch.")
    std = float(host(factors.entry_std()))
    if std == 0:
        raise ValueError(
            "factors must have a product that is not constant, got B A of standard deviation 0; train them."
        )
    bound = None if atol is None else atol * (math.sqrt(factors.m) if gain is None else gain)

    def at(omega: float) -> float:
        return measure_of(factors, omega, measure, rtol=rtol, atol=bound)

    omega, _ = _first(at, target, 0.01 / std, 1e4 / std, 20, measure, steps=14)
    return Prediction(omega, 0.0, "given factors")


def _first(
    at: Callable[[float], float],
    target: float,
    low: float,
    high: float,
    tries: int,
    measure: str,
    *,
    steps: int = STEPS,
) -> tuple[float, float]:
    """Return the first crossing of the target on [low, high], and d value / d log omega there."""
    grid = np.geomspace(low, high, tries)
    values = [at(float(grid[0]))]
    if target < values[0]:
        raise _unattainable(target, measure, values[0], max(at(float(omega)) for omega in grid[::3]))
    left = right = float(grid[0])
    for omega in grid[1:].tolist():
        left, right = right, omega
        values.append(at(right))
        if values[-1] >= target:
            break
    else:
        raise _unattainable(target, measure, values[0], max(values))
    left, right = math.log(left), math.log(right)
    edge = right - left
    slope = (values[-1] - values[-2]) / edge
    for _ in range(steps):
        middle = 0.5 * (left + right)
        left, right = (left, middle) if at(math.exp(middle)) >= target else (middle, right)
    return math.exp(right), slope


def _unattainable(target: float, measure: str, least: float, most: float) -> ValueError:
    return ValueError(
        f"target must lie in [{least:.4g}, {most:.4g}], what {measure} attains between the small-omega limit and the "
        f"plateau here, got {target:g}; change the target, the tolerance or the sizes."
    )
