"""predict_spectrum, predict_rank, predict_stable_rank, predict_curve: what a draw would measure, without drawing.

The staircase of the law of the entries, seen through the sampling of m rows and n columns.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from rankkit.initializers import Initializer
from rankkit.law.entries import Entries, entries_of, law_of
from rankkit.law.finite_size import FiniteSize, finite_size
from rankkit.law.moments import participation_ratio
from rankkit.metrics import default_rtol

if TYPE_CHECKING:
    import pandas as pd

__all__ = [
    "MEASURES",
    "Curve",
    "Prediction",
    "predict_curve",
    "predict_rank",
    "predict_spectrum",
    "predict_stable_rank",
]

STABLE_RANK_ERROR = 0.16  # relative; uniform entries: 0.08
RANK_ERROR = {False: (0.1, 0.05), True: (1.1, 0.2)}  # of the rank, of the size; by whether entries are Gaussian
MEASURES = ("numerical_rank", "stable_rank", "participation_ratio", "effective_rank", "effective_rank_energy")


@dataclass(frozen=True)
class Prediction:
    """A predicted mean over draws, usable as a float.

    Attributes
    ----------
    value : float
    error : float
        How far the mean of measured draws was from such predictions at most (benchmarks/README.md), in the units of
        the value; no bound.
    regime : str
        "staircase": the values are those of infinite d. "growth": sampling bends them. "plateau": a random matrix's.
    """

    value: float
    error: float
    regime: str

    def __float__(self) -> float:
        return self.value


@dataclass(frozen=True, eq=False)
class Curve:
    """Predicted measures over frequencies.

    Attributes
    ----------
    columns : dict of str to array
        omega, c, omega_std (standard deviation of omega B A, radians), regime, and one column a measure.
    """

    columns: dict[str, Any]

    @property
    def table(self) -> pd.DataFrame:
        """One row a frequency."""
        import pandas as pd

        return pd.DataFrame(self.columns)


def predict_rank(
    omega: float,
    *,
    d: int,
    r: int,
    n: int | None = None,
    rtol: float | None = None,
    atol: float | None = None,
    initializer: Initializer | None = None,
    gain: float | None = None,
) -> Prediction:
    """Return the predicted number of singular values of sin(omega B A) / gain above a threshold.

    Parameters
    ----------
    omega : float
        Frequency, > 0.
    d, r : int
        Rows of the update and rank of the factors.
    n : int, optional
        Columns; None: d.
    rtol, atol : float, optional
        Threshold rtol * sigma_1 or atol; neither: rtol = max(d, n) * eps(float32). rtol at least 1e-14.
    initializer : Initializer, optional
        Law of the factors: KaimingUniform (None: with a = 0), XavierUniform, Uniform or Normal.
    gain : float, optional
        Divisor of the sine; None: sqrt(d). It matters for atol only.

    Examples
    --------
    >>> round(predict_rank(50.0, d=1024, r=2, rtol=1e-3).value)  # c = 6.6
    36
    """
    entries = entries_of(d, r, n, initializer)
    size = _sized(entries, omega)
    threshold, relative = _threshold(entries, size, rtol, atol, gain)
    value = float(size.above(threshold)) if relative < 1 else 0.0
    return Prediction(value, rank_error(entries, value), regime(entries, value))


def predict_stable_rank(
    omega: float, *, d: int, r: int, n: int | None = None, initializer: Initializer | None = None
) -> Prediction:
    """Return the predicted ||S||_F^2 / sigma_1^2 of S = sin(omega B A).

    Parameters
    ----------
    omega, d, r, n, initializer
        As for `predict_rank`.

    Examples
    --------
    >>> round(predict_stable_rank(1e5, d=512, r=4).value)  # independent entries: mn / (sqrt m + sqrt n)^2 and the edge
    130
    """
    entries = entries_of(d, r, n, initializer)
    value = _stable_rank(_sized(entries, omega), law_of(entries, omega).energy)
    return Prediction(value, stable_rank_error(value), regime(entries, 4 * value))


def predict_spectrum(
    omega: float, *, d: int, r: int, n: int | None = None, initializer: Initializer | None = None,
    gain: float | None = None,
) -> Any:  # fmt: skip
    """Return the predicted singular values of sin(omega B A) / gain, descending, shape (min(d, n),).

    The i-th is the threshold above which i - 1/2 values are predicted; the first is the mean of sigma_1. Values below
    1e-14 sigma_1 are given as zero.

    Parameters
    ----------
    omega, d, r, n, initializer, gain
        As for `predict_rank`.

    Examples
    --------
    >>> values = predict_spectrum(50.0, d=1024, r=2)
    >>> int(np.sum(values > 1e-1 * values[0]))
    18
    """
    entries = entries_of(d, r, n, initializer)
    return _values(_sized(entries, omega)) * _scale(entries, gain)


def predict_curve(
    omegas: Iterable[float],
    *,
    d: int,
    r: int,
    n: int | None = None,
    measures: Sequence[str] = ("numerical_rank", "stable_rank"),
    rtol: float | None = None,
    atol: float | None = None,
    initializer: Initializer | None = None,
    gain: float | None = None,
) -> Curve:
    """Return predicted measures over frequencies, a few milliseconds each.

    Parameters
    ----------
    omegas : iterable of float
        Frequencies > 0.
    measures : sequence of str
        Among numerical_rank, stable_rank, participation_ratio, effective_rank, effective_rank_energy.
    d, r, n, rtol, atol, initializer, gain
        As for `predict_rank`.
    """
    entries = entries_of(d, r, n, initializer)
    unknown = [name for name in measures if name not in MEASURES]
    if unknown or isinstance(measures, str) or not measures:
        raise ValueError(f"measures must be a sequence among {', '.join(MEASURES)}, got {measures!r}.")
    rows = [_row(entries, float(omega), measures, rtol, atol, gain) for omega in omegas]
    if not rows:
        raise ValueError("omegas must hold at least one frequency, got none; use for instance [1, 10, 100].")
    return Curve({name: np.array([row[name] for row in rows]) for name in rows[0]})


def measure_at(
    entries: Entries, omega: float, measure: str, rtol: float | None = None, atol: float | None = None,
    gain: float | None = None,
) -> float:  # fmt: skip
    """Return one predicted measure as a float."""
    if measure == "participation_ratio":
        return participation_ratio(entries, omega)
    size = _sized(entries, omega)
    if measure == "numerical_rank":
        threshold, relative = _threshold(entries, size, rtol, atol, gain)
        return float(size.above(threshold)) if relative < 1 else 0.0
    if measure == "stable_rank":
        return _stable_rank(size, law_of(entries, omega).energy)
    values = _values(size)
    p = values[values > 0] ** (2 if measure == "effective_rank_energy" else 1)
    p = p / np.sum(p)
    return float(np.exp(-np.sum(p * np.log(p))))


def _row(
    entries: Entries, omega: float, measures: Sequence[str], rtol: float | None, atol: float | None,
    gain: float | None,
) -> dict[str, Any]:  # fmt: skip
    measured = {name: measure_at(entries, omega, name, rtol, atol, gain) for name in measures}
    seen = measured.get("numerical_rank", 4 * measured.get("stable_rank", 0.0))
    about = {"omega": omega, "c": entries.c(omega), "omega_std": omega * entries.std}
    return about | {"regime": regime(entries, seen)} | measured


def _sized(entries: Entries, omega: float) -> FiniteSize:
    return finite_size(law_of(entries, omega), m=entries.m, n=entries.n, r=entries.r, gaussian=entries.gaussian)


def _stable_rank(size: FiniteSize, energy: float) -> float:
    return min(max(energy / size.top() ** 2, 1.0), float(min(size.m, size.n)))


def _scale(entries: Entries, gain: float | None) -> float:
    if gain is not None and not (math.isfinite(gain) and gain > 0):
        raise ValueError(f"gain must be a finite number > 0, got {gain!r}; leave it out for sqrt(d).")
    return math.sqrt(entries.m * entries.n) / (math.sqrt(entries.m) if gain is None else gain)


def _threshold(
    entries: Entries, size: FiniteSize, rtol: float | None, atol: float | None, gain: float | None
) -> tuple[float, float]:
    """Return the threshold on s = sigma / sqrt(m n) times the gain, and the threshold relative to sigma_1."""
    if rtol is not None and atol is not None:
        raise ValueError("give rtol or atol, not both: the threshold is rtol * sigma_1 or atol.")
    if atol is not None:
        if not (math.isfinite(atol) and atol > 0):
            raise ValueError(f"atol must be a finite number > 0, got {atol!r}; use for instance atol=1e-3.")
        relative = atol / (_scale(entries, gain) * size.top())
    else:
        relative = default_rtol((entries.m, entries.n)) if rtol is None else rtol
        if not (math.isfinite(relative) and relative > 0):
            raise ValueError(f"rtol must be a finite number > 0, got {rtol!r}; use for instance rtol=1e-3.")
    if relative < 1e-14:
        raise ValueError(
            f"the threshold must be at least 1e-14 sigma_1, got {relative:.3g} of it, which float64 cannot measure; "
            "raise it."
        )
    return relative * size.independent_top(), relative  # which the counts' constants were fitted with


def stable_rank_error(value: float) -> float:
    """Return how far measured means were from predicted stable ranks at most: see `Prediction.error`."""
    return STABLE_RANK_ERROR * float(value)


def regime(entries: Entries, rank: float) -> str:
    """Return "staircase", "growth" or "plateau", by the share of the size that counts."""
    share = rank / min(entries.m, entries.n)
    return "staircase" if share < 0.1 else "growth" if share < 0.8 else "plateau"


def rank_error(entries: Entries, rank: float) -> float:
    """Return how far measured means were from predicted ranks at most: see `Prediction.error`."""
    of_rank, of_size = RANK_ERROR[entries.gaussian]
    return 1.0 + min(of_rank * float(rank), of_size * min(entries.m, entries.n))


def _values(size: FiniteSize) -> Any:
    """Return the predicted s, descending, shape (min(m, n),)."""
    count = min(size.m, size.n)
    top = size.top()
    grid = top * np.exp(np.linspace(math.log(2.0), math.log(1e-14), 400))
    above = np.maximum.accumulate(size.above(grid))
    wanted = np.arange(count) + 0.5
    log_values = np.interp(wanted, above, np.log(grid), right=-np.inf)
    values = np.exp(log_values)
    values[0] = top
    return np.minimum(values, top)
