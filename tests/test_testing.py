"""The strategies and assertions users build on: what they draw is what they say, and they bite."""

import numpy as np
import pytest
from hypothesis import find, given

import rankkit as rk
from rankkit import testing


@given(testing.low_rank())
def test_a_chosen_spectrum_is_the_spectrum(known):
    spectrum = rk.spectrum_of(known.matrix)
    testing.assert_values_within_errors(spectrum, known.values, slack=1e-13 * known.values[0])
    assert np.all(np.diff(known.values) <= 0)


@given(testing.factors(), testing.frequencies(), testing.thresholds())
def test_counts_hold_for_all_that_is_drawn(factors, omega, rtol):
    assert 0 <= omega <= 1e4
    assert 1e-9 <= rtol * 1.0000001 <= 0.11
    update = rk.rules.Sine(omega)(factors)
    count = rk.count_above(update, rtol=rtol)
    assert 0 <= count.lower <= count.upper <= min(factors.m, factors.n)


def test_the_corners_are_drawn():
    assert find(testing.frequencies(), lambda omega: omega == 0) == 0
    assert find(testing.low_rank(), lambda known: known.values[-1] == 0 and known.values.size > 2)
    assert find(testing.factors(), lambda f: f.r > min(f.m, f.n))
    assert find(testing.matrices(), lambda M: M.shape[0] != M.shape[1]).size


def test_an_error_that_is_too_small_is_noticed():
    spectrum = rk.Spectrum([3.0, 1.0], (2, 2), complete=True, energy=10.0, noise_floor=1e-9)
    testing.assert_values_within_errors(spectrum, [3.0, 1.0])
    with pytest.raises(AssertionError, match="singular value 2 is 1, known 1.1"):
        testing.assert_values_within_errors(spectrum, [3.0, 1.1])
    with pytest.raises(AssertionError, match="singular value 2"):
        testing.assert_values_within_errors(spectrum, [3.0])
