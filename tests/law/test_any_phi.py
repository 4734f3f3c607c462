"""Predictions for other rules than the sine: against draws, against the sine's own, and what is refused."""

import numpy as np
import pytest

import rankkit as rk
from rankkit.law.any_phi import RuleFrequency, frequency_of
from rankkit.law.limit.entries import entries_of
from rankkit.law.measures import Cutoff, Frequency

GAUSSIAN = rk.initializers.Normal(1.0, 1.0)
RULES = {
    "tanh": lambda omega: rk.rules.Activation("tanh", omega=omega),
    "sigmoid": lambda omega: rk.rules.Activation("sigmoid", omega=2 * omega),
    "relu": lambda omega: rk.rules.Activation("relu", omega=omega),
    "gelu": lambda omega: rk.rules.Activation("gelu", omega=omega),
    "sinter": lambda omega: rk.rules.Sinter(amplitude=0.5, omega=3 * omega),
    "own": lambda omega: rk.rules.Elementwise(lambda x: np.exp(-((omega * x) ** 2)), lipschitz=1.0),
}


@pytest.mark.parametrize("name", RULES)
def test_predictions_are_what_draws_measure(name):
    m, n, r, rule = 160, 190, 4, RULES[name]
    drawn = [np.linalg.svd(rule(1.0)(GAUSSIAN(m, n, r, seed=s)), compute_uv=False) for s in range(300, 306)]
    at = frequency_of(entries_of(m, r, n, GAUSSIAN), 1.0, rule)
    for rtol in (1e-1, 1e-2, 1e-3):
        measured = np.mean([np.sum(values > rtol * values[0]) for values in drawn])
        assert at.rank(at.cutoff(rtol, None, None)).value == pytest.approx(measured, abs=0.03 * m)
    stable = np.mean([np.sum(values**2) / values[0] ** 2 for values in drawn])
    assert at.stable_rank == pytest.approx(stable, rel=0.1)
    assert at.values[0] * at.scale(None) == pytest.approx(np.mean([values[0] for values in drawn]), rel=0.05)


def test_the_public_functions_say_the_same():
    setting = {"d": 60, "n": 50, "r": 2, "initializer": GAUSSIAN, "rule": RULES["tanh"]}
    at = frequency_of(entries_of(60, 2, 50, GAUSSIAN), 2.0, RULES["tanh"])
    assert rk.predict_rank(2.0, rtol=1e-2, **setting).value == at.rank(at.cutoff(1e-2, None, None)).value
    assert rk.predict_stable_rank(2.0, **setting).value == at.stable_rank
    assert rk.predict_spectrum(2.0, **setting)[0] == at.top * at.scale(None)
    assert "activation(B A)" in repr(rk.predict_stable_rank(2.0, **setting))


def test_the_sine_by_quadrature_is_the_sine_by_its_own_functions():
    entries = entries_of(120, 3, 140, GAUSSIAN)
    by_quadrature = RuleFrequency(entries, 1.3, rk.rules.Sine(1.3, gain=1.0))
    own = Frequency(entries, 1.3)
    # both find the edge in the same way; powers are summed by blocks for the one, functions for the other
    assert by_quadrature.top == pytest.approx(own.top, rel=5e-5)
    for relative in (0.2, 1e-2, 1e-4):
        assert by_quadrature.rank(Cutoff(relative, 0.0)).value == pytest.approx(
            own.rank(Cutoff(relative, 0.0)).value, abs=0.1
        )


def test_a_constant_phi_has_rank_one():
    flat = rk.rules.Elementwise(np.ones_like, lipschitz=0.0)
    for r in (1, 2, 5):
        assert rk.predict_rank(1.0, d=50, r=r, initializer=GAUSSIAN, rule=lambda _: flat).value == pytest.approx(
            1, abs=0.02
        )


def test_a_target_for_another_rule():
    found = rk.frequency_for_rank(
        20, d=60, r=2, measure="numerical_rank", rtol=1e-2, initializer=GAUSSIAN, rule=RULES["tanh"]
    )
    rank = rk.predict_rank(float(found), d=60, r=2, rtol=1e-2, initializer=GAUSSIAN, rule=RULES["tanh"])
    assert rank.value == pytest.approx(20, abs=0.1)


@pytest.mark.parametrize(("call", "error", "says"), [
    (lambda: rk.predict_rank(1.0, d=8, r=2, initializer=GAUSSIAN, rule=lambda _: rk.rules.Linear()), TypeError, "elementwise rule"),
    (lambda: rk.predict_rank(1.0, d=8, r=2, atol=1e-3, gain=2.0, initializer=GAUSSIAN, rule=RULES["tanh"]), ValueError, "gain must be left out"),
    (lambda: rk.predict_rank(3.0, factors=GAUSSIAN(9, 8, 2), rule=RULES["tanh"]), ValueError, "rule must be left out"),
])  # fmt: skip
def test_bad_input_is_one_sentence(call, error, says):
    with pytest.raises(error, match=says):
        call()
