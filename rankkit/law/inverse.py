"""frequency_for_rank: the frequency at which a measure reaches a target, from the law or from given factors."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from rankkit.checks import finite, shown
from rankkit.factors import Array, Factors, host
from rankkit.initializers import Initializer
from rankkit.law.asked import Asked, Laws
from rankkit.law.error import FEW, Estimate
from rankkit.law.finite.self_consistent import Path
from rankkit.law.given.measured import Given
from rankkit.law.prediction import Step, Target
from rankkit.law.threshold import check_threshold
from rankkit.law.two_sided import between_steps, sides
from rankkit.rules import Rule

__all__ = ["frequency_for_rank"]

CLOSE = 2e-6  # of a target, relative
# of a peak between frequencies that were tried: 0.618^16 of their distance, and the smaller share of a golden section
PEAK_STEPS, GOLDEN = 16, 0.382
SAME = 1e-3  # of a rank, relative: no frequency changes it
SINE = "sin(omega B A)"  # what a target is of, unless it says otherwise
MEASURES = ("stable_rank", "numerical_rank", "participation_ratio")


@dataclass(frozen=True)
class _Search:
    """Where a frequency is looked for, and how closely.

    Attributes
    ----------
    low, high : float
        Of the grid of frequencies, even on a log axis.
    tries : int
        Frequencies of the grid.
    steps : int
        Divisions, in log omega, of the grid's step in which the target is reached first: halvings, or with `smooth`
        where a straight line would reach it.
    smooth : bool
        Whether the measure is a smooth function of omega; then the search ends within CLOSE of the target.
    ends : bool
        Whether nothing is known beyond `high`.
    """

    low: float
    high: float
    tries: int
    steps: int
    smooth: bool = False
    ends: bool = False


@dataclass(frozen=True)
class _Crossing:
    """The first frequency at which a measure reaches its target.

    Attributes
    ----------
    omega : float
    slope : float
        d value / d log omega there, from the grid.
    width : float
        Of the bracket that is left, in log omega.
    below, above : float
        The measure at the ends of that bracket.
    """

    omega: float
    slope: float
    width: float
    below: float
    above: float

    def moved(self, off: float) -> float:
        """Return how far omega moves when the measure moves by `off`."""
        return self.omega * off / self.slope if self.slope > 0 else math.inf


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
    rule: Callable[[float], Rule] | None = None,
    entries: Laws | None = None,
    covariance: Sequence[Array] | None = None,
    factors: Factors | None = None,
) -> Target:
    """Return the least frequency omega at which sin(omega B A), or another phi(B A), is predicted to reach a rank.

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
        Threshold, for numerical_rank alone, as for `predict_rank`; atol is one on sin(omega B A) / gain.
    gain : float, optional
        Divisor of the sine, with atol alone; None: the root of the number of rows.
    initializer : Initializer, optional
        Law of the factors; None: Kaiming uniform with a = 0.
    rule : callable, optional
        Makes another elementwise Rule from omega, as for `predict_rank`, and for given factors of any kind; its omega
        is then the bandwidth of a Sinter or of a sinc basis. None: the sine.
    entries, covariance : optional
        Laws of the entries, as for `predict_rank`, in place of an initializer.
    factors : Factors, optional
        One trained or drawn pair: measured as it is at every frequency tried, some thirty times, instead of predicted.

    Returns
    -------
    Target
        `value` is omega; usable as a float wherever a frequency is expected. `error` is how far omega moves when the
        measure moves by its own error: that of the law, or, for given factors, that of the singular values and of the
        search. `mean` and `draws` are the intervals of omega in which the mean over draws reaches the target, and in
        which 90 % of single draws do; `steps` are the frequencies and ranks beside a jump over the target. `regime`
        is that of the stable rank there.

    Raises
    ------
    TypeError
        As for `predict_rank`.
    ValueError
        If no frequency reaches the target; the message has the attainable interval. If a threshold is given for a
        measure that has none; otherwise as for `predict_rank`.

    Examples
    --------
    >>> omega = frequency_for_rank(64, d=512, r=2)
    >>> from rankkit.law import predict_stable_rank
    >>> round(predict_stable_rank(float(omega), d=512, r=2).value, 3)
    64.0
    """
    if not isinstance(measure, str) or measure not in MEASURES:  # pyright: ignore[reportUnnecessaryIsInstance]
        raise ValueError(f"measure must be one of {', '.join(MEASURES)}, got {shown(measure)}; choose one.")
    target = finite("target", target, advice="for instance 64")
    about = f"omega for a {measure.replace('_', ' ')} of {target:.5g}"
    asked = Asked(d, r, n, initializer, rule, entries, covariance, factors)
    check_threshold([measure], rtol=rtol, atol=atol, gain=gain, rule=asked.phi)
    if factors is not None:
        given = Given.of(factors, rtol=rtol, atol=atol, gain=gain, rule=asked.phi)
        return _of_factors(target, given, measure, about)
    source = asked.drawn()
    path = Path()

    def at(omega: float) -> Estimate:
        one = source.frequency(omega, path)
        return one.estimate(measure, one.cutoff(rtol, atol, gain))

    low, high = source.span
    search = _Search(low, high, source.tries, 40, smooth=True, ends=source.ends)
    found = _first(lambda omega: at(omega).value, target, search, measure)
    there = source.frequency(found.omega, path)
    there.check(measure, there.cutoff(rtol, atol, gain))
    error = at(found.omega).error
    mean, draws = sides(at, found.omega, target, found.slope, source.span)
    steps = between_steps(at, found.omega, high) if measure == "numerical_rank" and source.of_sine else None
    size = source.entries
    of = "" if there.name == SINE else f" of {there.name}"
    about = f"{about}{of}, d = {size.m}, n = {size.n}, r = {size.r}"
    return Target(
        found.omega, found.moved(error.of(FEW)), there.regime, about, found.moved(error.scatter), mean, draws, steps
    )


def _of_factors(target: float, given: Given, measure: str, about: str) -> Target:
    factors = given.factors
    std = float(host(factors.entry_std()))
    if std == 0:
        raise ValueError(
            "factors must have a product that is not constant, got B A of standard deviation 0; train them."
        )
    # from where the sine is its argument to where it is as good as noise
    found = _first(
        lambda omega: given.measure(measure, omega).value, target, _Search(0.01 / std, 1e4 / std, 20, 14), measure
    )
    error = found.moved(given.measure(measure, found.omega).error) + found.omega * found.width
    about = f"{about} of the given factors, d = {factors.m}, n = {factors.n}, r = {factors.r}"
    steps = None
    if measure == "numerical_rank" and found.above > target:
        steps = Step(found.omega * math.exp(-found.width), found.below), Step(found.omega, found.above)
    mean = max(found.omega - error, 0.0), found.omega + error
    return Target(found.omega, error, given.regime(found.omega), about, mean=mean, steps=steps)


def _first(at: Callable[[float], float], target: float, search: _Search, measure: str) -> _Crossing:
    """Return the first crossing of the target."""
    grid = np.geomspace(search.low, search.high, search.tries).tolist()
    values = [at(grid[0])]
    if math.isnan(values[0]):
        raise ValueError(f"rule must give an update that is not zero, got one at omega = {grid[0]:.4g}; mend the rule.")
    if target < values[0]:
        raise _unattainable(target, measure, values[0], max(at(omega) for omega in grid[::3]), search)
    left = right = grid[0]
    for omega in grid[1:]:
        left, right = right, omega
        values.append(at(right))
        if values[-1] >= target:
            break
    else:
        left, right, pair = _around_peak(at, target, grid, values, search)
        if pair[1] < target:
            raise _unattainable(target, measure, values[0], pair[1], search)
        values += pair
    left, right = math.log(left), math.log(right)
    edge = right - left
    slope = (values[-1] - values[-2]) / edge
    below, above = values[-2], values[-1]
    for step in range(search.steps):
        if search.smooth and above - target <= CLOSE * target:
            break
        share = (target - below) / (above - below) if search.smooth and step % 3 < 2 else 0.5
        middle = left + min(max(share, 0.02), 0.98) * (right - left)
        value = at(math.exp(middle))
        if value >= target:
            right, above = middle, value
        else:
            left, below = middle, value
    return _Crossing(math.exp(right), slope, right - left, below, above)


def _around_peak(
    at: Callable[[float], float], target: float, grid: Sequence[float], values: Sequence[float], search: _Search
) -> tuple[float, float, list[float]]:
    """Return the frequency before the largest value, one near the peak and the values there: few tries may miss it."""
    k = int(np.argmax(values))
    left, best, value = grid[max(k - 1, 0)], grid[k], values[k]
    if search.smooth and 0 < k < len(grid) - 1:
        low, high = left, grid[k + 1]
        for _ in range(PEAK_STEPS):
            if value >= target:
                break
            after = high / best > best / low  # the wider side is tried, a golden section away
            tried = best * ((high / best) if after else (low / best)) ** GOLDEN
            here = at(tried)
            if here > value:
                low, high = (best, high) if after else (low, best)
                best, value = tried, here
            else:
                low, high = (low, tried) if after else (tried, high)
    return left, best, [values[max(k - 1, 0)], value]


def _unattainable(target: float, measure: str, least: float, most: float, search: _Search) -> ValueError:
    if most - least <= SAME * most:
        return ValueError(
            f"rule must have a {measure} that omega changes, got one that has {least:.4g} at every omega here: a "
            "frequency only multiplies its update. Choose another rule."
        )
    where, advice = "", "change the target, the sizes or the tolerance of a numerical rank"
    if search.ends:
        where = f" up to {search.high:.4g}, where the prediction of these entries ends,"
        advice = "change the target, or draw factors and pass factors="
    return ValueError(
        f"target must lie between {least:.4g} and {most:.4g}, got {target:g}: no omega{where} reaches a {measure} "
        f"outside at these sizes; {advice}."
    )
