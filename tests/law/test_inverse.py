"""frequency_for_rank: targets against fresh draws and given factors, errors against what they are errors of."""

import numpy as np
import pytest

import rankkit as rk
from rankkit.law.error import Error, Estimate
from rankkit.law.given import measured as given
from rankkit.law.given.measured import Given
from rankkit.law.two_sided import sides
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


@pytest.mark.parametrize(("measure", "target"), [("stable_rank", 20), ("numerical_rank", 90)])
def test_ninety_percent_of_the_draws_reach_a_target_between_its_two_sides(measure, target):
    rtol = 1e-2 if measure == "numerical_rank" else None
    found = rk.frequency_for_rank(target, d=200, n=160, r=3, measure=measure, rtol=rtol)
    assert found.draws is not None
    assert found.draws[0] < found.mean[0] < found.value < found.mean[1] < found.draws[1]
    assert found.draws[1] / found.draws[0] < 1.4
    reached = [
        np.mean([
            (np.sum(v**2) / v[0] ** 2 if measure == "stable_rank" else np.sum(v > 1e-2 * v[0])) >= target
            for v in sine_spectra(omega, 200, 160, 3, KAIMING, seeds=30)
        ]) for omega in found.draws
    ]  # fmt: skip
    assert reached[0] <= 0.1
    assert reached[1] >= 0.9


def test_a_side_that_the_error_leaves_open_is_open():
    most = rk.predict_stable_rank(1e6, d=200, r=3).value
    found = rk.frequency_for_rank(0.99 * most, d=200, r=3)
    assert found.mean[0] > 0
    assert found.mean[1] == np.inf
    assert rk.frequency_for_rank(1.001 * rk.predict_stable_rank(1e-3, d=200, r=3).value, d=200, r=3).mean[0] == 0


def test_a_target_between_two_steps_is_answered_by_both():
    normal = rk.initializers.Normal(1.0, 1.0)  # values of degree 1, 3, 5: 4, 20 and 56 of about one size
    found = rk.frequency_for_rank(50, d=512, r=4, measure="numerical_rank", rtol=1e-3, initializer=normal)
    assert found.steps is not None
    below, above = found.steps
    assert below.omega < found.value < above.omega
    assert (round(below.rank), round(above.rank)) == (4 + 20, 4 + 20 + 56)
    for step in found.steps:
        for values in sine_spectra(step.omega, 512, 512, 4, normal, seeds=2):
            assert abs(np.sum(values > 1e-3 * values[0]) - step.rank) <= 1
    for target, measure in ((24, "numerical_rank"), (200, "numerical_rank"), (50, "stable_rank")):
        rtol = 1e-3 if measure == "numerical_rank" else None
        assert rk.frequency_for_rank(target, 512, 4, measure=measure, rtol=rtol, initializer=normal).steps is None


def test_steps_of_given_factors_are_those_of_their_own_spectrum():
    factors = KAIMING(120, 100, 2, seed=4)
    found = rk.frequency_for_rank(37.5, factors=factors, measure="numerical_rank", rtol=1e-2)
    assert found.steps is not None
    assert found.draws is None
    for step in found.steps:
        sigma = np.linalg.svd(np.sin(step.omega * factors.product()), compute_uv=False)
        assert np.sum(sigma > 1e-2 * sigma[0]) == step.rank
    assert found.steps[0].rank < 37.5 < found.steps[1].rank
    assert found.steps[0].omega < found.steps[1].omega < 1.01 * found.steps[0].omega


NORMAL = rk.initializers.Normal(1.0, 1.0)


@pytest.mark.parametrize("rule", [
    lambda omega: rk.rules.Sinter(amplitude=0.5, omega=omega),
    lambda omega: rk.rules.SincBasis(alpha=[1.0, -0.7, 0.4], omega=omega, grid=[-1.0, 0.0, 1.5]),
])  # fmt: skip
def test_a_bandwidth_is_found_for_a_target(rule):
    found = rk.frequency_for_rank(
        60, d=200, n=150, r=3, measure="numerical_rank", rtol=1e-2, initializer=NORMAL, rule=rule
    )
    drawn = [np.linalg.svd(rule(found.value)(NORMAL(200, 150, 3, seed=s)), compute_uv=False) for s in range(100, 120)]
    assert np.mean([np.sum(values > 1e-2 * values[0]) for values in drawn]) == pytest.approx(60, abs=3)


def test_a_target_out_of_reach_names_the_interval():
    with pytest.raises(
        ValueError, match=r"must lie between 1\.\d+ and 1\d\d(\.\d+)?, got 4000: no omega .* stable_rank"
    ):
        rk.frequency_for_rank(4000, d=512, r=2)
    with pytest.raises(ValueError, match="target must lie between"):
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
    (lambda: rk.frequency_for_rank(3, factors=KAIMING(8, 8, 1), measure="numerical_rank", rtol=1e-3, atol=1e-3), ValueError, "not both"),
    (lambda: rk.frequency_for_rank(3, factors=KAIMING(8, 8, 1), gain=0.0), ValueError, "gain must be"),
    (lambda: rk.frequency_for_rank(3, d=8, r=1, gain=-1.0), ValueError, "gain must be"),
    (lambda: rk.frequency_for_rank("3", d=8, r=1), ValueError, "target must be a number that is finite"),  # pyright: ignore[reportArgumentType]
    (lambda: rk.frequency_for_rank(3, factors=rk.Factors(np.zeros((3, 1)), np.ones((1, 4)))), ValueError, "not constant"),
])  # fmt: skip
def test_bad_input_is_one_sentence(call, error, says):
    with pytest.raises(error, match=says):
        call()


def test_sides_are_open_where_the_law_ends():
    def at(omega):
        if omega > 2:
            raise ValueError("no prediction here")
        return Estimate(omega, Error(5.0, 0.1))

    mean, draws = sides(at, 1.0, 1.0, 1.0, (1e-3, 100.0))
    assert mean == draws == (0.0, np.inf)
