"""Singular values from counts: each is the threshold above which i - 1/2 values lie."""

from functools import partial
from typing import Any

import numpy as np
import pytest

import rankkit as rk
from rankkit.law import EntryLaw
from rankkit.law.quantiles import Counting, quantiles
from tests.law.conftest import NORMAL, sine_spectra

UNIFORM = rk.initializers.Uniform(1.0)
FINE = 0.04  # in log, above a thousandth of the largest


def above(values, threshold):
    return float(np.sum(values > threshold))


@pytest.mark.parametrize("fine", [0.3, 0.04, 0.005])
def test_values_are_found_as_closely_as_is_asked(fine):
    values = np.exp(-np.array([0.0, 0.9, 0.9, 0.9, 1.0, 2.5, 4.7, 4.71, 6.0]))
    found = quantiles([Counting(np.exp(-np.arange(0.5, 7.0, 0.5)), fine, partial(above, values))], values.size)
    assert np.max(np.abs(found - np.log(values))) <= fine


def test_two_ranges_and_values_below_the_last_threshold():
    values = np.exp(-np.arange(12.0))
    ranges = [Counting(np.exp(-np.arange(1.0, 4.0)), 0.01, partial(above, values))]
    ranges.append(Counting(np.exp(-np.arange(4.0, 9.0)), 0.1, partial(above, values)))
    found = quantiles(ranges, values.size)
    assert np.max(np.abs(found[:3] - np.log(values[:3]))) <= 0.01
    assert np.max(np.abs(found[:8] - np.log(values[:8]))) <= 0.1
    assert np.all(found[9:] == -np.inf)


def test_even_counts_are_not_counted_one_by_one():
    asked: list[float] = []

    def line(threshold):
        asked.append(threshold)
        return 1 - 100 * np.log(threshold)

    found = quantiles([Counting(np.exp(-np.arange(1.0, 9.0)), 1e-3, line)], 700)
    assert np.max(np.abs(found + (np.arange(700) - 0.5).clip(0) / 100)) < 1e-3
    assert len(asked) < 130


@pytest.mark.parametrize("law", [UNIFORM, NORMAL])
@pytest.mark.parametrize(("r", "omega"), [(1, 3.0), (2, 0.2), (2, 8.0), (4, 1.5)])
def test_a_predicted_spectrum_is_what_predicted_ranks_say(law, r, omega):
    omega /= 1.0 if law is UNIFORM else 0.09
    about = {"d": 180, "n": 230, "r": r, "initializer": law}
    values = rk.predict_spectrum(omega, **about)
    shares = values / values[0]
    for i in np.flatnonzero(shares > 1e-3)[1::5].tolist():
        ranks = [
            rk.predict_rank(omega, rtol=min(shares[i] * np.exp(side * FINE), 0.999), **about).value for side in (1, -1)
        ]
        assert ranks[0] <= i + 0.55
        assert ranks[1] >= i + 0.45


def test_a_spectrum_of_other_entries_is_what_predicted_ranks_say():
    about: dict[str, Any] = {"d": 60, "n": 120, "r": 3, "entries": EntryLaw.named("laplace")}
    values = rk.predict_spectrum(1.5, **about)
    for i in (30, 40, 50):
        share = values[i] / values[0]
        ranks = [rk.predict_rank(1.5, rtol=share * np.exp(side * FINE), **about).value for side in (1, -1)]
        assert ranks[0] <= i + 0.55
        assert ranks[1] >= i + 0.45


def test_isolated_values_are_those_of_draws():
    """With 25 thresholds on three decades and straight lines between them they were off by up to 45 %."""
    drawn = np.exp(np.mean(np.log(sine_spectra(0.2, 256, 256, 2, UNIFORM, seeds=8)), axis=0))
    found = rk.predict_spectrum(0.2, d=256, r=2, initializer=UNIFORM, gain=1.0)
    assert np.max(np.abs(found[:12] / drawn[:12] - 1)) < 0.09


def test_a_threshold_far_below_is_reached_from_larger_ones():
    """The way on which z turns ends without a solution here."""
    found = rk.predict_rank(
        2.6463366830362127, d=269, n=264, r=8, rtol=1e-7, initializer=rk.initializers.Normal(1.0, 1.0)
    )
    assert found.value == pytest.approx(264, abs=0.5)


@pytest.mark.parametrize(("call", "says"), [
    (lambda: rk.predict_spectrum(50.0, d=10**8, r=2), "above 10,000,000.*got 100,000,000"),
    (lambda: rk.predict_curve([50.0], d=10**8, r=2, measures=["effective_rank"]), "above 10,000,000"),
    (lambda: rk.predict_rank(50.0, d=10**8, r=2), "rtol must be given.*11.9"),
    (lambda: rk.frequency_for_rank(50, d=10**8, r=2, measure="numerical_rank"), "rtol must be given"),
])  # fmt: skip
def test_sizes_without_a_list_or_a_default_are_refused(call, says):
    with pytest.raises(ValueError, match=says):
        call()


def test_a_stable_rank_of_any_size_needs_neither():
    assert rk.predict_stable_rank(50.0, d=10**8, r=2).value == pytest.approx(2, rel=0.01)
