"""Predictions against measured matrices, against their limits, and against each other."""

import math

import numpy as np
import pytest

import rankkit as rk
from rankkit.law.limit.entries import entries_of
from rankkit.law.measures import plain_stable_rank
from rankkit.regime import regime_of
from tests.law.conftest import KAIMING, NORMAL, sine_spectra

pytestmark = pytest.mark.filterwarnings("ignore:r = .* exceeds")  # at the limits of the sizes

CASES = [
    (5.0, 300, 300, 2, KAIMING), (60.0, 300, 300, 2, KAIMING), (140.0, 300, 300, 2, KAIMING), (400.0, 300, 300, 2, KAIMING),
    (20.0, 200, 350, 3, KAIMING), (80.0, 200, 350, 3, KAIMING), (300.0, 400, 400, 1, KAIMING), (15.0, 250, 250, 6, KAIMING),
    (10.0, 200, 200, 3, NORMAL), (60.0, 200, 200, 3, NORMAL), (60.0, 400, 100, 4, KAIMING), (100.0, 400, 100, 4, NORMAL),
]  # fmt: skip


@pytest.mark.parametrize(("omega", "m", "n", "r", "law"), CASES)
def test_predictions_are_what_draws_measure(omega, m, n, r, law):
    drawn = sine_spectra(omega, m, n, r, law)
    setting = {"d": m, "n": n, "r": r, "initializer": law}
    for rtol, share in ((0.1, 0.03), (1e-2, 0.06), (1e-3, 0.08)):
        measured = np.mean([np.sum(values > rtol * values[0]) for values in drawn])
        wide = 0.12 if law is NORMAL else share
        assert rk.predict_rank(omega, rtol=rtol, **setting).value == pytest.approx(measured, abs=wide * min(m, n) + 1)
    stable = np.mean([np.sum(values**2) / values[0] ** 2 for values in drawn])
    assert rk.predict_stable_rank(omega, **setting).value == pytest.approx(stable, rel=0.15 if law is NORMAL else 0.1)
    spread = np.mean([np.sum(values**2) ** 2 / np.sum(values**4) for values in drawn])
    assert float(
        rk.predict_curve([omega], measures=["participation_ratio"], **setting).columns["participation_ratio"][0]
    ) == pytest.approx(spread, rel=0.05)
    values = rk.predict_spectrum(omega, gain=1.0, **setting)
    assert values.shape == (min(m, n),)
    assert np.all(np.diff(values) <= 0)
    assert np.sum(values**2) == pytest.approx(np.mean([np.sum(v**2) for v in drawn]), rel=0.12)


@pytest.mark.parametrize("omega", [0.02, 1.0])
def test_many_coordinates_of_gaussian_entries(omega):
    law = rk.initializers.Normal(0.2, 0.2)
    drawn = sine_spectra(omega, 250, 250, 200, law, seeds=2)
    measured = np.mean([np.sum(values > 1e-3 * values[0]) for values in drawn])
    assert rk.predict_rank(omega, d=250, r=200, rtol=1e-3, initializer=law).value == pytest.approx(measured, abs=3)


def test_a_wrong_frequency_is_told_from_the_right_one():
    drawn = sine_spectra(60.0, 300, 300, 2, KAIMING)
    measured = np.mean([np.sum(values > 0.1 * values[0]) for values in drawn])
    assert abs(rk.predict_rank(90.0, d=300, r=2, rtol=0.1).value - measured) > 0.03 * 300 + 1


@pytest.mark.parametrize(("rtol", "count"), [(1e-1, 18), (1e-2, 30), (1e-3, 38), (1e-4, 48), (1e-6, 70)])
def test_the_staircase_at_c_6_6(rtol, count):
    """d so large that sampling is invisible."""
    d = 10**6
    omega = 6.6 / math.prod(KAIMING.scales(d, d, 2))
    assert rk.predict_rank(omega, d=d, r=2, rtol=rtol).value == pytest.approx(count, abs=0.6)


def test_without_bound_the_entries_are_independent():
    for m, n in ((512, 512), (300, 900)):
        limit = m * n / (math.sqrt(m) + math.sqrt(n)) ** 2
        assert rk.predict_stable_rank(1e9, d=m, n=n, r=6).value == pytest.approx(limit, rel=0.02)
        assert rk.predict_stable_rank(1e9, d=m, n=n, r=6).regime == "saturated"


def test_without_frequency_only_the_product_is_left():
    assert rk.predict_rank(1e-4, d=400, r=3, rtol=1e-3).value == pytest.approx(3, abs=0.01)
    drawn = sine_spectra(1e-4, 400, 400, 3, KAIMING, seeds=20)
    measured = np.mean([np.sum(values**2) / values[0] ** 2 for values in drawn])
    assert rk.predict_stable_rank(1e-4, d=400, r=3).value == pytest.approx(measured, rel=0.03)


UNIFORM, GAUSSIAN = rk.initializers.Uniform(1.0), rk.initializers.Normal(1.0, 1.0)


@pytest.mark.parametrize("law", [UNIFORM, GAUSSIAN])
@pytest.mark.parametrize(("m", "n", "r"), [(400, 150, 2), (4096, 1024, 16), (400, 300, 16), (7, 1, 2)])
def test_a_tall_update_is_its_wide_transpose(law, m, n, r):
    """At (4096, 1024) and rtol = 1e-3 a solver that watched the rows alone gave 901 of 1024, at (400, 300) and 1e-9 none."""
    for omega in (0.01, 0.5, 60.0):
        for rtol in (None, 1e-9):
            tall = rk.predict_rank(omega, d=m, n=n, r=r, rtol=rtol, initializer=law)
            wide = rk.predict_rank(omega, d=n, n=m, r=r, rtol=rtol, initializer=law)
            assert tall.value == pytest.approx(wide.value, rel=1e-9)
            assert tall.regime == wide.regime
    assert rk.predict_rank(60.0, d=m, n=n, r=r, rtol=1e-9, initializer=law).value == pytest.approx(n, abs=1e-2)


def test_a_single_row_or_column_has_one_value():
    for m, n in ((1, 1), (1, 50), (50, 1)):
        assert rk.predict_stable_rank(3.0, d=m, n=n, r=2).value == 1
        assert rk.predict_rank(3.0, d=m, n=n, r=2, rtol=1e-6).value == pytest.approx(1, abs=1e-3)


def test_more_coordinates_than_a_float_can_choose_from():
    """C(3000, 1500) is no float."""
    assert rk.predict_stable_rank(1e3, d=64, r=3000).value == pytest.approx(16, rel=0.08)


@pytest.mark.parametrize(("m", "n", "r"), [(512, 512, 1), (512, 512, 4), (300, 120, 8), (64, 64, 64)])
@pytest.mark.parametrize("law", [KAIMING, NORMAL])
def test_the_plain_stable_rank_is_the_limit_of_small_omega(m, n, r, law):
    entries = entries_of(m, r, n, law)
    plain = plain_stable_rank(entries)
    assert rk.predict_stable_rank(1e-6 / entries.unit, d=m, n=n, r=r, initializer=law).value == pytest.approx(
        plain, rel=1e-6
    )
    drawn = [rk.spectrum_of(law(m, n, r, seed=s)) for s in range(40)]
    assert plain == pytest.approx(np.mean([rk.metrics.stable_rank(spectrum) for spectrum in drawn]), rel=0.08)


@pytest.mark.parametrize("law", [KAIMING, NORMAL])
def test_a_prediction_says_the_regime_that_an_audit_would(law):
    m, n, r = 300, 260, 3
    std = entries_of(m, r, n, law).std
    seen = []
    for omega in np.geomspace(0.02, 30, 16) / std:
        drawn = rk.rules.Sine(omega)(law(m, n, r, seed=1))
        plain = float(rk.metrics.stable_rank(rk.spectrum_of(law(m, n, r, seed=1))))
        audited = regime_of(float(rk.metrics.stable_rank(rk.spectrum_of(drawn))), plain, (m, n))
        found = [
            rk.predict_rank(omega, d=m, n=n, r=r, initializer=law), rk.predict_stable_rank(omega, d=m, n=n, r=r, initializer=law),
            rk.predict_curve([omega], d=m, n=n, r=r, initializer=law, measures=["participation_ratio"]).table.iloc[0],
        ]  # fmt: skip
        assert len({one.regime for one in found}) == 1
        seen.append((found[0].regime, audited))
    assert list(dict.fromkeys(one for one, _ in seen)) == ["linear", "growing", "saturated"]
    assert sum(one != other for one, other in seen) <= 2  # of sixteen, next to a boundary


def test_a_target_says_its_regime():
    plain = rk.predict_stable_rank(1e-3, d=512, r=2).value
    regimes = [rk.frequency_for_rank(target, d=512, r=2).regime for target in (1.01 * plain, 40, 126)]
    assert regimes == ["linear", "growing", "saturated"]


@pytest.mark.parametrize(("call", "says"), [
    (lambda: rk.predict_rank(0.0, d=8, r=1), "omega must be a number that is finite and > 0"),
    (lambda: rk.predict_rank(1.0, d=8.5, r=1), "d must be an integer"),  # pyright: ignore[reportArgumentType]
    (lambda: rk.predict_rank(1.0, d=8, r=1, rtol=1e-3, atol=1.0), "rtol or atol, not both"),
    (lambda: rk.predict_rank(1.0, d=8, r=1, rtol=1e-17), "at least 1e-14"),
    (lambda: rk.predict_rank(1.0, d=8, r=1, atol=-1.0), "atol must be a number that is finite and >= 0"),
    (lambda: rk.predict_rank(1.0, d=8, r=1, atol=0.0), "at least 1e-14"),
    (lambda: rk.predict_stable_rank(True, d=8, r=1), "omega must be a number"),
    (lambda: rk.predict_spectrum(1.0, d=8, r=1, gain=0.0), "gain must be a number that is finite and > 0"),
    (lambda: rk.predict_curve([1.0], d=8, r=1, measures=["numerical_rank"], rtol=-1.0), "rtol must be a number that is finite"),
    (lambda: rk.predict_curve([], d=8, r=1), "at least one frequency"),
    (lambda: rk.predict_curve([1.0], d=8, r=1, measures=["rank"]), "measures must be"),
    (lambda: rk.frequency_for_rank(3, d=8, r=1, measure="rank"), "measure must be one of"),
    (lambda: rk.frequency_for_rank(3), "d and r must be given"),
    (lambda: rk.frequency_for_rank(3, d=8, factors=KAIMING(8, 8, 1)), "not both"),
    (lambda: rk.rank_bounds(KAIMING(8, 8, 1), rk.rules.Sine(1.0), 0.0), "eps must be"),
])  # fmt: skip
def test_bad_input_is_refused_in_one_sentence(call, says):
    with pytest.raises(ValueError, match=says):
        call()


def test_an_unknown_law_of_entries_names_the_known_ones():
    with pytest.raises(TypeError, match=r"KaimingUniform, XavierUniform, Uniform, Normal.*factors="):
        rk.predict_rank(1.0, d=8, r=2, initializer=rk.initializers.PrescribedSpectrum((1.0, 0.5)))


def test_an_absolute_threshold_is_the_relative_one_times_sigma_1():
    top = rk.predict_spectrum(60.0, d=300, r=2)[0]
    one, other = rk.predict_rank(60.0, d=300, r=2, atol=0.01 * top), rk.predict_rank(60.0, d=300, r=2, rtol=0.01)
    assert one.value == pytest.approx(other.value, rel=1e-6)
    assert one.regime == other.regime


def test_a_curve_is_its_points():
    curve = rk.predict_curve([2.0, 50.0], d=100, r=2, n=150, measures=["stable_rank", "effective_rank"])
    assert list(curve.table["stable_rank"]) == [rk.predict_stable_rank(w, d=100, n=150, r=2).value for w in (2.0, 50.0)]
    assert curve.table["omega_std"].tolist() == pytest.approx(
        [w * math.prod(KAIMING.scales(100, 150, 2)) * math.sqrt(2) / 3 for w in (2.0, 50.0)]
    )


@pytest.mark.parametrize(("d", "r", "omega"), [(768, 250, 1e6), (512, 60, 1e6), (4096, 32, 1e5), (64, 1000, 1e3)])
def test_far_on_the_plateau_it_is_a_random_matrix(d, r, omega):
    assert float(rk.predict_stable_rank(omega, d=d, r=r)) == pytest.approx(
        d / 4, rel=0.08
    )  # small d: sigma_1 lies below the edge
    assert float(rk.predict_rank(omega, d=d, r=r, rtol=1e-8)) == pytest.approx(d, abs=0.5)


@pytest.mark.parametrize(("d", "n"), [(64, 256), (256, 64)])
def test_a_full_matrix_of_few_rows_on_a_line_has_a_prediction(d, n):
    """Its equations take more than 500 steps."""
    found = rk.predict_rank(500.0 * (d / 64) ** 0.5, d=d, r=1, n=n)
    law = rk.initializers.KaimingUniform()
    rule = rk.rules.Sine(500.0 * (d / 64) ** 0.5)
    drawn = [int(rk.count_above(rule(law(d, n, 1, seed=seed))).lower) for seed in range(6)]
    assert abs(found.value - np.mean(drawn)) <= found.error_of(6)
