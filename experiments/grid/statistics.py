"""Differences between methods that were run on the same seeds and asked the same questions.

Every method is a row of scores, one a seed. Pooled, scores are taken as method effect + seed effect + noise of one
variance, so that all methods together tell how large the noise is: three seeds of one method hardly would. One method
whose trainings sometimes fail then widens every interval; otherwise each pair has the noise of its own differences.
Where the answers to each question are known, the questions count as a sample too.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Difference", "corrected_together", "differences", "holm", "mean_interval"]

LEVEL = 0.05
POWER = 0.8
PARTS = 400  # of the distribution that a power is averaged over: exact to 1e-3


@dataclass(frozen=True)
class Difference:
    """How far a method is from another.

    Attributes
    ----------
    method, against : str
    mean, low, high : float
        The difference and its 95 % interval, not corrected for the number of comparisons.
    p, p_holm : float
        Of no difference, by Student's t; and corrected by Holm for all comparisons made together.
    detectable : float
        The smallest true difference that this design sees with a probability of 80 % at Holm's first step, which is the
        strictest: 5 % divided by the number of comparisons.
    """

    method: str
    against: str
    mean: float
    low: float
    high: float
    p: float
    p_holm: float
    detectable: float


def mean_interval(values: Sequence[float]) -> tuple[float, float, float]:
    """Return (mean, low, high): Student's 95 % interval for the mean of independent values; NaN around a single one."""
    from scipy.stats import t

    sample = np.asarray(values, float)
    if len(sample) < 2:
        return float(sample.mean()), math.nan, math.nan
    reach = float(t.ppf(1 - LEVEL / 2, len(sample) - 1) * sample.std(ddof=1)) / len(sample) ** 0.5
    return float(sample.mean()), float(sample.mean()) - reach, float(sample.mean()) + reach


def holm(p: Sequence[float]) -> list[float]:
    """Return p-values corrected by Holm's step-down method.

    Examples
    --------
    >>> [round(value, 3) for value in holm([0.01, 0.04, 0.03, 0.005])]
    [0.03, 0.06, 0.06, 0.02]
    """
    order = np.argsort(p, kind="stable")
    corrected = np.empty(len(p))
    corrected[order] = np.minimum(1.0, np.maximum.accumulate(np.asarray(p)[order] * np.arange(len(p), 0, -1)))
    return [float(value) for value in corrected]


def corrected_together(tables: Sequence[pd.DataFrame]) -> list[pd.DataFrame]:
    """Return tables of comparisons with `p_holm` from the column `p` for the rows of all tables together.

    Parameters
    ----------
    tables : sequence of DataFrame
        Some may be empty.
    """
    corrected = iter(holm([float(p) for table in tables if len(table) for p in table["p"]]))
    return [table.assign(p_holm=[next(corrected) for _ in range(len(table))]) for table in tables]


def differences(
    scores: Mapping[str, Any],
    pairs: Sequence[tuple[str, str]],
    *,
    answers: Mapping[str, Any] | None = None,
    pooled: bool = True,
    comparisons: int | None = None,
) -> list[Difference]:
    """Return the differences of pairs of methods.

    Parameters
    ----------
    scores : mapping of str to sequence of float
        Each method's scores, of the same seeds in the same order; two seeds at least.
    pairs : sequence of (str, str)
        (method, against).
    answers : mapping of str to array, shape (seeds, questions), optional
        Which questions a run answered rightly; the scores are their means. The interval is then for other seeds and
        other questions of the same kind, by the variance of two-way clustered means (Cameron, Gelbach and Miller 2011),
        not below the larger of the two one-way variances. None: for other seeds alone.
    pooled : bool
        Whether all methods share one variance of noise; False: each pair has that of its own differences by seed.
    comparisons : int, optional
        How many are made together with those of other tables, for `detectable`; None: these pairs alone. `p_holm` is
        for these pairs alone in any case; `corrected_together` takes tables together.

    Raises
    ------
    ValueError
        If there are fewer than two methods or two seeds.
    """
    table = np.array([list(row) for row in scores.values()], float)
    if table.ndim != 2 or min(table.shape) < 2:
        raise ValueError(f"scores must have two methods and two seeds at least, got shape {table.shape}; run more.")
    seeds = table.shape[1]
    residual = table - table.mean(1, keepdims=True) - table.mean(0) + table.mean()
    freedom = (table.shape[0] - 1) * (seeds - 1)
    shared = 2 * float((residual**2).sum()) / freedom / seeds
    found: list[tuple[str, str, float, float, float]] = []
    for method, against in pairs:
        mean = float(np.mean(scores[method]) - np.mean(scores[against]))
        variance, count = shared, freedom
        if not pooled:
            gaps = np.asarray(scores[method], float) - np.asarray(scores[against], float)
            variance, count = float(gaps.var(ddof=1)) / seeds, seeds - 1
        degrees = float(count)
        if answers is not None:
            variance, degrees = _with_questions(variance, count, answers[method], answers[against])
        found.append((method, against, mean, math.sqrt(variance), degrees))
    p = [_p(mean, error, degrees) for _, _, mean, error, degrees in found]
    return [
        Difference(method, against, mean, *_around(mean, error, degrees), one, corrected,
                   _detectable(error, degrees, LEVEL / (comparisons or len(pairs))))
        for (method, against, mean, error, degrees), one, corrected in zip(found, p, holm(p), strict=True)
    ]  # fmt: skip


def _with_questions(by_seed: float, freedom: int, one: Any, other: Any) -> tuple[float, float]:
    """Return (variance, degrees of freedom) of a mean difference over seeds and questions."""
    gaps = np.asarray(one, float) - np.asarray(other, float)
    seeds, questions = gaps.shape
    by_question = float(gaps.mean(0).var(ddof=1)) / questions
    rest = gaps - gaps.mean(1, keepdims=True) - gaps.mean(0) + gaps.mean()
    both = float((rest**2).sum()) / ((seeds - 1) * (questions - 1)) / (seeds * questions)
    variance = max(by_seed + by_question - both, by_seed, by_question)
    parts = by_seed**2 / freedom + by_question**2 / (questions - 1)
    return variance, (by_seed + by_question) ** 2 / parts if parts else math.inf  # Satterthwaite's


def _p(mean: float, error: float, degrees: float) -> float:
    from scipy.stats import t

    if error == 0.0:
        return 1.0 if mean == 0.0 else 0.0
    return float(2 * t.sf(abs(mean) / error, degrees))


def _around(mean: float, error: float, degrees: float) -> tuple[float, float]:
    from scipy.stats import t

    reach = float(t.ppf(1 - LEVEL / 2, degrees)) * error
    return mean - reach, mean + reach


def _detectable(error: float, degrees: float, level: float) -> float:
    """Return the difference at which Student's two-sided test at this level has the power.

    The chance of passing the limit on the wrong side, far below 0.1 % here, is left out.
    """
    from scipy.optimize import brentq
    from scipy.stats import chi2, norm, t

    if error == 0.0:
        return 0.0
    # the estimated error over the true one, at the middles of equally likely parts of its distribution
    likely = (np.arange(PARTS) + 0.5) / PARTS
    ratio = np.sqrt(chi2.ppf(likely, degrees) / degrees) if math.isfinite(degrees) else np.ones(1)
    limit = float(t.ppf(1 - level / 2, degrees))

    def beyond_power(shift: float) -> float:
        return float(norm.cdf(shift - limit * ratio).mean()) - POWER

    return error * float(brentq(beyond_power, 0.0, 10 * (limit + 1)))
