"""frequency_for_rank: targets against fresh draws and given factors, errors against what they are errors of."""

import numpy as np
import pytest

import rankkit as rk
from rankkit.law import given
from rankkit.law.given import Given
from tests.law.conftest import KAIMING, sine_spectra

MEASURES = ("stable_rank", "numerical_rank", "participation_ratio")


@pytest.mark.parametrize("measure", ["stable_rank", "numerical_rank", "participation_ratio"])
@pytest.mark.parametrize(("target", "d", "n", "r"), [(30, 300, 300, 2), (20, 200, 400, 4)])
def test_a_target_is_hit_on_fresh_draws(measure, target, d, n, r):
    omega = rk.frequency_for_rank(
        target, d=d, n=n, r=r, measure=measure, rtol=1e-2 if measure == "numerical_rank" else None
    )
    drawn = sine_spectra(float(omega), d, n, r, KAIMING)
    metric = {
        "stable_rank": lambda v: np.sum(v**2) / v[0] ** 2, "numerical_rank": lambda v: np.sum(v > 1e-2 * v[0]),
        "participation_ratio": lambda v: np.sum(v**2) ** 2 / np.sum(v**4),
    }[measure]  # fmt: skip
    assert np.mean([metric(values) for values in drawn]) == pytest.approx(target, rel=0.1)


@pytest.mark.parametrize("measure", ["stable_rank", "numerical_rank", "participation_ratio"])
def test_given_factors_are_measured_as_they_are(measure):
    rng = np.random.default_rng(3)
    factors = rk.Factors(rng.laplace(size=(150, 3)), rng.laplace(size=(3, 200)))
    omega = rk.frequency_for_rank(40, factors=factors, measure=measure)
    spectrum = rk.spectrum_of(rk.rules.Sine(float(omega))(factors))
    assert getattr(rk.metrics, measure)(spectrum) == pytest.approx(40, abs=1 if measure == "numerical_rank" else 0.5)


def test_a_target_out_of_reach_names_the_interval():
    with pytest.raises(ValueError, match=r"target must lie in \[1\.\d+, 1\d\d(\.\d+)?\].*got 4000"):
        rk.frequency_for_rank(4000, d=512, r=2)
    with pytest.raises(ValueError, match="target must lie in"):
        rk.frequency_for_rank(0.5, d=128, r=2)


def laplace(m, n, r, seed=3):
    rng = np.random.default_rng(seed)
    return rk.Factors(rng.laplace(size=(m, r)), rng.laplace(size=(r, n)))


@pytest.mark.parametrize(("m", "n"), [(120, 90), (70, 110), (12, 9)])
@pytest.mark.parametrize("omega", [0.05, 1.0, 8.0])
def test_each_measure_is_within_its_error_of_the_dense_one(m, n, omega):
    factors = laplace(m, n, 3)
    sigma = np.linalg.svd(np.sin(omega * factors.product()), compute_uv=False)
    measured = Given.of(factors, rtol=1e-3, atol=None, gain=None)
    dense = {
        "stable_rank": np.sum(sigma**2) / sigma[0] ** 2, "numerical_rank": np.sum(sigma > 1e-3 * sigma[0]),
        "participation_ratio": np.sum(sigma**2) ** 2 / np.sum(sigma**4),
    }  # fmt: skip
    for name, true in dense.items():
        got = measured.measure(name, omega)
        assert abs(got.value - true) <= got.error + 1e-12 * true
        assert got.error < 1e-4 * true
        assert got.error > 0 or name == "numerical_rank"


def test_an_absolute_threshold_is_one_on_the_update():
    factors = laplace(60, 50, 2)
    sigma = np.linalg.svd(np.sin(2.0 * factors.product()), compute_uv=False)
    for gain in (None, 3.0):
        divisor = np.sqrt(60) if gain is None else gain
        got = Given.of(factors, rtol=None, atol=0.5 * sigma[4] / divisor, gain=gain).measure("numerical_rank", 2.0)
        assert got.value == np.sum(sigma > 0.5 * sigma[4])


def test_a_sample_of_the_rows_is_within_a_few_of_its_errors(monkeypatch):
    monkeypatch.setattr(given, "ROWS", 64)
    off = []
    for seed in range(12):
        factors = laplace(400, 500, 2, seed)
        sigma = np.linalg.svd(np.sin(factors.product()), compute_uv=False)
        got = Given.of(factors, rtol=None, atol=None, gain=None).measure("participation_ratio", 1.0)
        off.append((got.value - np.sum(sigma**2) ** 2 / np.sum(sigma**4)) / got.error)
    assert np.median(np.abs(off)) < 3
    assert np.median(np.abs(off)) > 0.1


def test_a_frequency_for_given_factors_knows_its_error_and_regime():
    factors = KAIMING(200, 150, 3, seed=5)
    plain = float(rk.metrics.stable_rank(rk.spectrum_of(factors)))
    seen = []
    for target in (1.02 * plain, 15.0, 0.97 * rk.predict_stable_rank(1e6, d=200, n=150, r=3).value):
        found = rk.frequency_for_rank(target, factors=factors)
        assert 0 < found.error < 1e-3 * found.value
        for omega, reached in ((found.value, True), (found.value - 2 * found.error, False)):
            sigma = np.linalg.svd(np.sin(omega * factors.product()), compute_uv=False)
            assert (np.sum(sigma**2) / sigma[0] ** 2 >= target * (1 - 1e-9)) == reached
        seen.append(found.regime)
    assert seen == ["linear", "growing", "saturated"]


@pytest.mark.parametrize(("call", "error", "says"), [
    (lambda: rk.frequency_for_rank(3, factors=KAIMING(8, 8, 1, seed=[0, 1])), TypeError, "one pair of Factors"),
    (lambda: rk.frequency_for_rank(3, factors=KAIMING(8, 8, 1), rtol=1e-3, atol=1e-3), ValueError, "not both"),
    (lambda: rk.frequency_for_rank(3, factors=KAIMING(8, 8, 1), gain=0.0), ValueError, "gain must be"),
    (lambda: rk.frequency_for_rank(3, d=8, r=1, gain=-1.0), ValueError, "gain must be"),
    (lambda: rk.frequency_for_rank("3", d=8, r=1), ValueError, "target must be a number that is finite"),  # pyright: ignore[reportArgumentType]
    (lambda: rk.frequency_for_rank(3, factors=rk.Factors(np.zeros((3, 1)), np.ones((1, 4)))), ValueError, "not constant"),
])  # fmt: skip
def test_bad_input_is_one_sentence(call, error, says):
    with pytest.raises(error, match=says):
        call()
