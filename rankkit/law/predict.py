"""predict_spectrum, predict_rank, predict_stable_rank, predict_curve: what a draw would measure, without drawing."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np

from rankkit.checks import finite, shown
from rankkit.factors import Array, Factors
from rankkit.initializers import Initializer
from rankkit.law.asked import Asked, Laws, Source
from rankkit.law.error import FEW
from rankkit.law.finite.self_consistent import Path
from rankkit.law.measures import MEASURES, Cutoff, Frequency
from rankkit.law.prediction import Curve, Prediction
from rankkit.law.ranges import check_turn
from rankkit.law.threshold import check_gain, check_threshold
from rankkit.rules import Rule

__all__ = ["predict_curve", "predict_rank", "predict_spectrum", "predict_stable_rank"]


def predict_rank(
    omega: float,
    *,
    d: int | None = None,
    r: int | None = None,
    n: int | None = None,
    rtol: float | None = None,
    atol: float | None = None,
    initializer: Initializer | None = None,
    gain: float | None = None,
    rule: Callable[[float], Rule] | None = None,
    entries: Laws | None = None,
    covariance: Sequence[Array] | None = None,
    factors: Factors | None = None,
) -> Prediction:
    """Return the predicted number of singular values of sin(omega B A) / gain above a threshold.

    Parameters
    ----------
    omega : float
        Frequency, > 0, radians per unit of B A.
    d, r : int
        Rows of the update and rank of the factors; not with `factors`.
    n : int, optional
        Columns; None: d.
    rtol, atol : float, optional
        Threshold rtol * sigma_1 or atol; neither: rtol = max(d, n) * eps(float32). rtol at least 1e-14.
    initializer : Initializer, optional
        Law of the factors: KaimingUniform (None: with a = 0), XavierUniform, Uniform or Normal.
    gain : float, optional
        Divisor of the sine, with atol alone: no relative threshold depends on it. None: sqrt(d).
    rule : callable, optional
        Makes a Rule from omega, another elementwise phi: rules.Sinter, tanh, ReLU, learned bases, a user's own, for
        instance `lambda omega: Activation("tanh", omega=omega)`. Where values that a count depends on are not known one
        by one, the error is larger or the rank unavailable. A rule itself, which `audit` takes, is refused, and a class
        whose first argument is not omega. None: the sine.
    entries : EntryLaw or pair of EntryLaw, optional
        Any symmetric law of independent entries, or one for B and one for A, in place of an initializer.
    covariance : pair of float arrays, shape (r, r), optional
        Covariances of the rows of B and of the columns of A with Gaussian entries; diagonal ones with `entries`.
    factors : Factors, optional
        One trained or drawn pair, at least 64 rows and columns and eight times its rank (more where it
        is large); see Notes.

    Returns
    -------
    Prediction
        The mean over draws, in singular values; its `error` holds for 95 % of settings.

    Raises
    ------
    TypeError
        If an argument is of no kind that is known, or rule makes no elementwise rule.
    ValueError
        If arguments exclude each other, one would change nothing (gain without atol) or is out of its range, or the law
        of these entries has no prediction here; the message says which.

    Notes
    -----
    The equations extend those of Silverstein and Choi (1995); the page "Why a sine raises the rank" derives them, and
    says what is proved. Given factors are predicted from the laws of the entries of their aligned columns, which are
    taken as independent, and from the singular values of blocks of their rows and columns. `error` is then for these
    factors, not for draws, and `scatter` is 0: for a count, the law's error, and how much blocks of two sizes and their
    divisions differ. The page "Other entries and trained factors" has how far predictions were from exact measurements
    of real adapters.

    Examples
    --------
    >>> round(predict_rank(50.0, d=1024, r=2, rtol=1e-3).value)  # c = 6.6
    37
    """
    asked = Asked(d, r, n, initializer, rule, entries, covariance, factors)
    check_threshold(["numerical_rank"], rtol=rtol, atol=atol, gain=gain, rule=asked.phi)
    at = _at(asked.source(), omega)
    return _prediction(at, "numerical_rank", at.cutoff(rtol, atol, gain))


def predict_stable_rank(
    omega: float, *, d: int | None = None, r: int | None = None, n: int | None = None,
    initializer: Initializer | None = None, rule: Callable[[float], Rule] | None = None, entries: Laws | None = None,
    covariance: Sequence[Array] | None = None, factors: Factors | None = None,
) -> Prediction:  # fmt: skip
    """Return the predicted ||S||_F^2 / sigma_1^2 of S = sin(omega B A).

    Parameters
    ----------
    omega, d, r, n, initializer, rule, entries, covariance, factors
        As for `predict_rank`. The error for given factors comes from repetition: the scatter over four to eight
        divisions of their rows and columns into blocks, and how well smaller blocks predict these.

    Returns
    -------
    Prediction
        Between 1 and min(d, n); its `error` holds for 95 % of settings.

    Raises
    ------
    TypeError, ValueError
        As for `predict_rank`.

    Examples
    --------
    >>> round(predict_stable_rank(1e5, d=512, r=4).value)  # independent entries: mn / (sqrt m + sqrt n)^2 and the edge
    130
    """
    at = _at(Asked(d, r, n, initializer, rule, entries, covariance, factors).source(), omega)
    return _prediction(at, "stable_rank", at.cutoff(None, None, None))


def predict_spectrum(
    omega: float, *, d: int | None = None, r: int | None = None, n: int | None = None,
    initializer: Initializer | None = None, gain: float | None = None, rule: Callable[[float], Rule] | None = None,
    entries: Laws | None = None, covariance: Sequence[Array] | None = None, factors: Factors | None = None,
) -> Array:  # fmt: skip
    """Return the predicted singular values of sin(omega B A) / gain, descending, shape (min(d, n),).

    The i-th is the threshold above which i - 1/2 values are predicted; the first is the mean of sigma_1. Values below
    1e-14 sigma_1 are given as zero. In 150 random settings, 95 % of the values above 0.1 sigma_1 were within 3.4 % of
    means of draws; of those between 0.1 and 1e-3 sigma_1 within 8 % for uniform entries and 18 % for Gaussian ones.

    Parameters
    ----------
    omega, d, r, n, initializer, rule, entries, covariance
        As for `predict_rank`.
    gain : float, optional
        Divisor of the sine; None: sqrt(d). Not with `rule`.
    factors : Factors, optional
        Refused: the law of given factors counts values and says no single one.

    Returns
    -------
    float64 array, shape (min(d, n),)

    Raises
    ------
    TypeError
        As for `predict_rank`.
    ValueError
        If factors are given; otherwise as for `predict_rank`.

    Examples
    --------
    >>> values = predict_spectrum(50.0, d=1024, r=2)
    >>> int(np.sum(values > 1e-1 * values[0]))
    18
    """
    if factors is not None:
        raise ValueError(
            "factors have no predicted spectrum: measure it, spectrum_of(Sine(omega)(factors)).values, or predict "
            "their ranks with predict_curve."
        )
    asked = Asked(d, r, n, initializer, rule, entries, covariance, factors)
    check_gain(gain, asked.phi)
    at = _at(asked.drawn(), omega)
    return at.values * at.scale(gain)


def predict_curve(
    omegas: Iterable[float],
    *,
    d: int | None = None,
    r: int | None = None,
    n: int | None = None,
    measures: Sequence[str] = ("numerical_rank", "stable_rank"),
    rtol: float | None = None,
    atol: float | None = None,
    initializer: Initializer | None = None,
    gain: float | None = None,
    rule: Callable[[float], Rule] | None = None,
    entries: Laws | None = None,
    covariance: Sequence[Array] | None = None,
    factors: Factors | None = None,
) -> Curve:
    """Return predicted measures over frequencies, some hundredths of a second each.

    Parameters
    ----------
    omegas : iterable of float
        Frequencies > 0, radians per unit of B A.
    measures : sequence of str
        Among numerical_rank, stable_rank, participation_ratio, effective_rank, effective_rank_energy; of given
        factors the first two.
    rtol, atol, gain : float, optional
        As for `predict_rank`, where numerical_rank is among the measures.
    d, r, n, initializer, rule, entries, covariance, factors
        As for `predict_rank`.

    Returns
    -------
    Curve
        One row a frequency, in the order given.

    Raises
    ------
    TypeError
        If omegas is no iterable; otherwise as for `predict_rank`.
    ValueError
        If there is no frequency, a measure is unknown, or a threshold is given that no measure has; otherwise as for
        `predict_rank`.

    Examples
    --------
    >>> curve = predict_curve([1.0, 50.0], d=1024, r=2, rtol=1e-3)
    >>> curve.columns["numerical_rank"].round().tolist()
    [2.0, 37.0]
    """
    asked = Asked(d, r, n, initializer, rule, entries, covariance, factors)
    measures, frequencies = _known(measures), _listed(omegas)
    check_threshold(measures, rtol=rtol, atol=atol, gain=gain, rule=asked.phi)
    source, path = asked.source(), Path()
    found = [_at(source, omega, path) for omega in frequencies]
    rows = [_row(at, measures, at.cutoff(rtol, atol, gain)) for at in found]
    return Curve({name: np.array([row[name] for row in rows]) for name in rows[0]})


def _known(measures: Sequence[str]) -> list[str]:
    names = [] if isinstance(measures, str) or not isinstance(measures, Iterable) else list(measures)  # pyright: ignore[reportUnnecessaryIsInstance]
    if not names or not all(isinstance(name, str) and name in MEASURES for name in names):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise ValueError(
            f"measures must be a sequence among {', '.join(MEASURES)}, got {shown(measures)}; choose from these."
        )
    return names


def _listed(omegas: Iterable[float]) -> list[float]:
    advice = "use for instance [1, 10, 100]"
    if isinstance(omegas, str) or not np.iterable(omegas):
        raise TypeError(f"omegas must be an iterable of frequencies, got {shown(omegas)}; {advice}.")
    if not (listed := list(omegas)):
        raise ValueError(f"omegas must hold at least one frequency, got none; {advice}.")
    return listed


def _at(source: Source, omega: float, path: Path | None = None) -> Frequency:
    omega = finite("omega", omega, least=0, strict=True, advice="sin(0) has no spectrum to predict")
    check_turn(omega, source.entries.std)
    return source.frequency(omega, path or Path())


def _prediction(at: Frequency, measure: str, cutoff: Cutoff) -> Prediction:
    at.check(measure, cutoff)
    value, error, parts = at.estimate(measure, cutoff)
    size = f"d = {at.entries.m}, n = {at.entries.n}, r = {at.entries.r}"
    about = f"{measure.replace('_', ' ')} of {at.name}, omega = {at.omega:.5g}, {size}"
    return Prediction(value, error.of(FEW), at.regime, about, error.scatter, parts=parts)


def _row(at: Frequency, measures: Sequence[str], cutoff: Cutoff) -> dict[str, Any]:
    for name in measures:
        at.check(name, cutoff)
    about = {"omega": at.omega, "c": at.c, "omega_std": at.omega * at.entries.std}
    return about | {"regime": at.regime} | {name: at.measure(name, cutoff) for name in measures}
