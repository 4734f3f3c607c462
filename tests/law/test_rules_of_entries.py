"""Predictions for other rules with entries of any law: against what is known otherwise, and against draws."""

from typing import Any

import numpy as np
import pytest

import rankkit as rk
from rankkit.law import EntryLaw
from rankkit.law.limit.columns import Column
from rankkit.law.measures import Cutoff
from rankkit.law.product_law import ProductLaw
from rankkit.law.waves.bases import coordinate
from rankkit.law.waves.frequency import RuleLaw
from rankkit.law.waves.operator import operator
from rankkit.law.waves.plane_waves import plane_waves

UNIFORM, NORMAL, LAPLACE = (EntryLaw.named(name) for name in ("uniform", "normal", "laplace"))
BOUND = rk.initializers.Uniform(1.0)
RULES = {
    "tanh": lambda omega: rk.rules.Activation("tanh", omega=omega),
    "gelu": lambda omega: rk.rules.Activation("gelu", omega=omega),
    "relu": lambda omega: rk.rules.Activation("relu", omega=omega),
    "sinter": lambda omega: rk.rules.Sinter(amplitude=0.5, omega=2 * omega),
    "own": lambda omega: rk.rules.Elementwise(lambda x: np.exp(-((omega * x) ** 2)), lipschitz=omega),
}


def drawn(law, shape, seed):
    rng = np.random.default_rng(seed)
    return law.size(rng.random(shape)) * rng.choice([-1, 1], shape)


@pytest.mark.parametrize(("phi", "farthest"), [(np.tanh, 8.0), (np.cos, 40.0), (lambda t: t**3, 5.0)])
def test_plane_waves_add_up_to_phi(phi, farthest):
    waves = plane_waves(phi, farthest).slowest(400)
    t = np.linspace(-farthest, farthest, 999)
    phases = np.outer(t, waves.frequencies)
    found = np.cos(phases) @ waves.cosines + np.sin(phases) @ waves.sines
    assert found == pytest.approx(phi(t), abs=1e-11 * np.max(np.abs(phi(t))))


def test_a_phi_between_whose_samples_anything_fits_is_refused():
    with pytest.raises(ValueError, match="omega must be smaller"):
        plane_waves(lambda t: np.sin(1e5 * t), 10.0)


@pytest.mark.parametrize(("r", "c", "degree"), [(1, 20.0, 41), (2, 10.0, 41), (3, 4.0, 25)])
def test_the_operator_of_a_sine_has_the_products_of_prolate_values(r, c, degree):
    waves = plane_waves(lambda t: np.sin(c / 3 * t), 3.0 * r).slowest(128)
    column = Column(UNIFORM, UNIFORM, 1.0, r)
    values, many = operator([coordinate(column, waves, degree // 2 + 1)], [r], waves, degree).staircase
    known = ProductLaw(99, 99, [column], "").frequency(c / 3).staircase
    for relative in (0.3, 1e-2, 1e-4):
        assert np.sum(many[values > relative * values[0]]) == known.above(relative * known.values[0])
    assert values[0] == pytest.approx(known.values[0], rel=1e-8)


@pytest.mark.parametrize(
    ("m", "n", "r", "c"), [(120, 100, 1, 60.0), (120, 120, 2, 12.0), (120, 100, 3, 5.0), (90, 90, 4, 3.0)]
)
def test_the_sine_by_plane_waves_is_the_sine_by_its_own_products(m, n, r, c):
    column = [Column(UNIFORM, UNIFORM, 1.0, r)]
    by_waves = RuleLaw(m, n, column, "", lambda omega: rk.rules.Sine(omega, gain=1.0)).frequency(c / 3)
    own = ProductLaw(m, n, column, "").frequency(c / 3)
    assert by_waves.stable_rank == pytest.approx(own.stable_rank, rel=5e-3)
    for relative in (0.1, 1e-2, 1e-3):
        cutoff = Cutoff(relative, 0.0)
        assert by_waves.rank(cutoff).value == pytest.approx(own.rank(cutoff).value, abs=0.015 * min(m, n))


def test_normal_entries_are_predicted_as_by_their_angles():
    about: dict[str, Any] = {"d": 160, "n": 140, "r": 2, "rule": RULES["tanh"]}
    by_angles: dict[str, Any] = {"initializer": rk.initializers.Normal(1.0, 1.0)}
    by_waves: dict[str, Any] = {"entries": NORMAL}
    for rtol in (1e-1, 1e-2, 1e-3):
        there = rk.predict_rank(1.0, rtol=rtol, **about, **by_angles).value
        assert rk.predict_rank(1.0, rtol=rtol, **about, **by_waves).value == pytest.approx(there, abs=0.8)
    there = rk.predict_stable_rank(1.0, **about, **by_angles).value
    assert rk.predict_stable_rank(1.0, **about, **by_waves).value == pytest.approx(there, rel=2e-3)


@pytest.mark.parametrize(
    ("name", "m", "n", "r"),
    [(name, 150, 170, 2) for name in RULES] + [(name, 160, 140, 4) for name in RULES if name != "relu"],
)
def test_predictions_are_what_uniform_draws_measure(name, m, n, r):
    rule, omega = RULES[name], 3 / r**0.5
    values = [np.linalg.svd(rule(omega)(BOUND(m, n, r, seed=s)), compute_uv=False) for s in range(300, 308)]
    about = {"d": m, "n": n, "r": r, "initializer": BOUND, "rule": rule}
    for rtol in (1e-1, 1e-2):
        found = rk.predict_rank(omega, rtol=rtol, **about)
        measured = np.mean([np.sum(one > rtol * one[0]) for one in values])
        assert found.value == pytest.approx(measured, abs=min(found.error_of(8), 0.03 * min(m, n)))
    stable = np.mean([np.sum(one**2) / one[0] ** 2 for one in values])
    assert rk.predict_stable_rank(omega, **about).value == pytest.approx(stable, rel=0.07)


@pytest.mark.parametrize(("rows", "columns"), [(UNIFORM, NORMAL), (NORMAL, UNIFORM), (LAPLACE, UNIFORM)])
def test_two_laws(rows, columns):
    rule, m, n, r = RULES["tanh"], 150, 130, 2
    values = [
        np.linalg.svd(rule(1.5)(rk.Factors(drawn(rows, (m, r), k), drawn(columns, (r, n), 50 + k))), compute_uv=False)
        for k in range(6)
    ]
    found = rk.predict_rank(1.5, d=m, n=n, r=r, rtol=1e-2, entries=(rows, columns), rule=rule)
    assert abs(found.value - np.mean([np.sum(one > 1e-2 * one[0]) for one in values])) < min(found.error_of(6), 4)


def test_columns_of_unequal_variance():
    rule, m, r, C = RULES["tanh"], 150, 3, (np.diag([1.0, 0.1, 0.01]), np.eye(3))
    values = []
    for k in range(6):
        rng = np.random.default_rng(k)
        B, A = rng.standard_normal((m, r)) * np.sqrt(np.diag(C[0])), rng.standard_normal((r, m))
        values.append(np.linalg.svd(rule(1.0)(rk.Factors(B, A)), compute_uv=False))
    found = rk.predict_rank(1.0, d=m, r=r, rtol=1e-2, covariance=C, rule=rule)
    assert abs(found.value - np.mean([np.sum(one > 1e-2 * one[0]) for one in values])) < min(found.error_of(6), 3)


def test_a_tall_update_is_its_wide_transpose():
    about = {"r": 2, "rtol": 1e-2, "rule": RULES["sinter"]}
    tall = rk.predict_rank(1.5, d=150, n=90, entries=(UNIFORM, NORMAL), **about).value
    assert rk.predict_rank(1.5, d=90, n=150, entries=(NORMAL, UNIFORM), **about).value == pytest.approx(tall, abs=1e-6)


@pytest.mark.parametrize("scale", [1e-3, 1e3])
def test_a_rule_that_is_its_multiple_has_the_same_rank(scale):
    about = {"d": 100, "r": 2, "rtol": 1e-2, "initializer": BOUND}
    times = rk.predict_rank(
        3.0, rule=lambda omega: rk.rules.Elementwise(lambda x: scale * np.tanh(omega * x), lipschitz=scale), **about
    )
    assert times.value == pytest.approx(rk.predict_rank(3.0, rule=RULES["tanh"], **about).value, abs=1e-3)


@pytest.mark.parametrize("entries", [UNIFORM, LAPLACE])
def test_relu_of_one_column_has_two_values(entries):
    found = rk.predict_rank(2.0, d=150, n=120, r=1, rtol=1e-4, entries=entries, rule=RULES["relu"])
    assert found.value == pytest.approx(2, abs=0.05)


def test_a_rule_that_omega_only_multiplies_has_one_rank():
    about: dict[str, Any] = {"d": 90, "r": 2, "entries": UNIFORM, "rule": RULES["relu"]}
    values = [rk.predict_stable_rank(omega, **about).value for omega in (0.01, 1.0, 70.0)]
    assert values == pytest.approx([values[0]] * 3, rel=1e-3)
    with pytest.raises(ValueError, match="only multiplies its update"):
        rk.frequency_for_rank(30, **about)


@pytest.mark.parametrize("name", ["relu", "sinter"])
def test_many_columns_are_what_draws_measure(name):
    rule, omega = RULES[name], 0.66
    values = [np.linalg.svd(rule(omega)(BOUND(250, 220, 10, seed=s)), compute_uv=False) for s in range(4)]
    found = rk.predict_rank(omega, d=250, n=220, r=10, rtol=1e-2, initializer=BOUND, rule=rule)
    measured = np.mean([np.sum(one > 1e-2 * one[0]) for one in values])
    assert abs(found.value - measured) < min(found.error_of(4), 0.03 * 220)


def test_the_sine_given_as_a_rule_is_the_sine():
    about = {"d": 100, "r": 2, "rtol": 1e-2, "entries": LAPLACE}
    assert (
        rk.predict_rank(2.0, rule=lambda omega: rk.rules.Sine(omega), **about).value
        == rk.predict_rank(2.0, **about).value
    )


def test_a_linear_rule_has_the_rank_of_its_factors():
    line = rk.rules.Elementwise(lambda x: 2 * x, lipschitz=2.0)
    for r in (1, 2, 5):
        found = rk.predict_rank(1.0, d=80, r=r, rtol=1e-3, initializer=BOUND, rule=lambda _: line)
        assert found.value == pytest.approx(r, abs=0.1)


def test_a_target():
    about = {"d": 80, "r": 2, "initializer": BOUND, "rule": RULES["tanh"], "rtol": 1e-2}
    omega = rk.frequency_for_rank(14, measure="numerical_rank", **about)
    assert rk.predict_rank(float(omega), **about).value == pytest.approx(14, abs=0.2)
    assert omega.mean[0] < float(omega) < omega.mean[1]


def test_a_count_that_unknown_values_decide_is_unavailable():
    def step(omega):
        return rk.rules.Elementwise(np.sign, lipschitz=omega)

    with pytest.raises(ValueError, match="unavailable for .* of uniform entries"):
        rk.predict_rank(3.0, d=600, r=2, rtol=1e-3, initializer=BOUND, rule=step)


def test_a_target_that_only_a_narrow_peak_reaches():
    def rule(omega):
        times = 0.7 * np.exp(-(np.log(omega / 0.9) ** 2))
        return rk.rules.Elementwise(lambda x: x + times * np.abs(x), lipschitz=2.0)

    about: dict[str, Any] = {"d": 60, "r": 1, "entries": UNIFORM, "rule": rule}
    peak = rk.predict_stable_rank(0.9, **about).value
    omega = float(rk.frequency_for_rank(0.9995 * peak, **about))
    assert 0.8 < omega < 0.9
    assert rk.predict_stable_rank(omega, **about).value == pytest.approx(0.9995 * peak, rel=1e-5)
    with pytest.raises(ValueError, match="target must lie between"):
        rk.frequency_for_rank(1.01 * peak, **about)
