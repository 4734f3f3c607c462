"""What every rule says of itself: whether it is linear, its frequency, whether it oscillates, and its name."""

import math

import numpy as np
import pytest

import rankkit as rk
from rankkit.rules import RULES
from rankkit.rules.rule import BLOCK

MADE = {
    "linear": rk.rules.Linear(2.0), "sine": rk.rules.Sine(7.0), "sinter": rk.rules.Sinter(0.5, 9.0),
    "activation": rk.rules.Activation("tanh", omega=3.0), "elementwise": rk.rules.Elementwise(np.arctan, lipschitz=1.0),
    "sinc_basis": rk.rules.SincBasis(), "gaussian_basis": rk.rules.GaussianBasis(), "bspline_basis": rk.rules.BSplineBasis(),
    "fourier_basis": rk.rules.FourierBasis(), "polynomial_basis": rk.rules.PolynomialBasis(),
    "adasine": rk.rules.AdaSine(2.0, np.ones(5)),
}  # fmt: skip
FREQUENCY = {"sine": 7.0, "sinter": 9.0, "activation": 3.0}


def phi(rule, x):
    """Return the rule at the numbers x, as entries of a product of rank one."""
    update = rule(rk.Factors(np.asarray(x)[:, None], np.ones((1, 1))))
    return (update.product() if isinstance(update, rk.Factors) else update)[:, 0]


def test_every_rule_is_made():
    assert {name: type(rule) for name, rule in MADE.items()} == RULES


@pytest.mark.parametrize("name", MADE)
def test_a_linear_rule_returns_factors_of_a_multiple(name):
    rule = MADE[name]
    assert rule.linear == (name == "linear")
    if rule.linear:
        f = rk.initializers.Normal()(5, 4, 2, seed=0)
        np.testing.assert_allclose(rule(f).product(), 2.0 * f.product(), rtol=1e-14)


@pytest.mark.parametrize("name", MADE)
def test_the_frequency_multiplies_the_entries(name):
    found, known = MADE[name].angular_frequency, FREQUENCY.get(name, math.nan)
    assert found == known or (math.isnan(found) and math.isnan(known))


@pytest.mark.parametrize("name", [name for name in MADE if name != "adasine"])
def test_an_oscillating_rule_turns_with_its_frequency(name):
    rule = MADE[name]
    assert rule.oscillates == (name in ("sine", "sinter"))
    if rule.oscillates:
        turns = np.sum(np.diff(np.sign(np.diff(phi(rule, np.linspace(2.0, 12.0, 4001))))) != 0)
        assert turns == pytest.approx(10.0 * rule.angular_frequency / math.pi, abs=1)


def test_labels_are_class_names():
    assert [MADE[name].label for name in ("linear", "sinc_basis")] == ["linear", "sincbasis"]


def test_a_large_update_is_formed_in_parts_and_is_the_same():
    """2200 x 2200 is more than one block of rows."""
    f = rk.initializers.KaimingUniform()(2200, 2200, 2, seed=0)
    assert f.m * f.n > BLOCK
    rule, few = rk.rules.Sine(30.0, gain=1.0), [0, 1, 1099, 2198, 2199]
    np.testing.assert_allclose(rule(f)[few], rule(rk.Factors(f.B[few], f.A)), rtol=0, atol=1e-14)
