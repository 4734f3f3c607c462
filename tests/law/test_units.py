"""Predictions have units: the entries of B and A and the frequency can be measured in others, and an update turned.

sin(omega B A) with factors s times as large is sin(omega s^2 B A), so that no measure can tell the two apart. The factors here
are powers of two where the law is exact, so that nothing rounds.
"""

import math
from typing import Any

import numpy as np
import pytest

import rankkit as rk
from rankkit.initializers import KaimingUniform, Normal, Uniform, XavierUniform
from rankkit.rules import Activation, Sinter

SIZES = [(200, 130, 2), (40, 90, 12), (60, 60, 1)]
OMEGAS = (0.25, 32.0)
CLOSE = 1e-9


def predicted(omega, d, n, r, law, **more):
    """Return what is predicted of one frequency: two measures with their errors, a third one, and the regime."""
    setting: dict[str, Any] = {"d": d, "n": n, "r": r, "initializer": law, **more}
    rank, stable = rk.predict_rank(omega, rtol=1e-3, **setting), rk.predict_stable_rank(omega, **setting)
    curve = rk.predict_curve([omega], measures=["participation_ratio"], **setting).columns
    numbers = [rank.value, rank.error, stable.value, stable.error, curve["participation_ratio"][0], curve["c"][0]]
    return [*numbers, curve["omega_std"][0]], rank.regime


def same(one, two):
    assert one[0] == pytest.approx(two[0], rel=CLOSE)
    assert one[1] == two[1]


@pytest.mark.parametrize(("d", "n", "r"), SIZES)
@pytest.mark.parametrize("s", [1 / 8, 4.0])
@pytest.mark.parametrize(
    "law", [lambda s: Uniform(1 / s), lambda s: Normal(0.3 * s, 2.0 * s)], ids=["uniform", "normal"]
)
def test_larger_factors_are_a_larger_frequency(law, s, d, n, r):
    for omega in OMEGAS:
        known = predicted(omega * s * s, d, n, r, law(1.0))
        same(predicted(omega, d, n, r, law(s)), known)


@pytest.mark.parametrize("s", [1 / 8, 4.0])
def test_what_one_factor_gains_the_other_may_lose(s):
    known = predicted(8.0, 80, 50, 2, Normal(0.3, 2.0 * s))
    same(predicted(8.0, 80, 50, 2, Normal(0.3 * s, 2.0)), known)


def test_lora_s_own_start_is_kaiming_s_at_a_sixth_of_the_frequency():
    """Bounds of 1 / sqrt(fan_in) against sqrt(6 / fan_in), in both factors; Xavier's have the sizes of both sides."""
    known = predicted(20.0, 80, 50, 2, KaimingUniform())
    same(predicted(6 * 20.0, 80, 50, 2, KaimingUniform(a=math.sqrt(5))), known)
    ratio = math.sqrt(6 / 2 * 6 / 50) / math.sqrt(6 / 82 * 6 / 52)
    same(predicted(ratio * 20.0, 80, 50, 2, XavierUniform()), known)


@pytest.mark.parametrize("rule", [
    lambda w: Activation("tanh", omega=w), lambda w: Activation("relu", omega=w), lambda w: Sinter(0.5, w),
], ids=["tanh", "relu", "sinter"])  # fmt: skip
def test_another_function_of_the_product_has_the_same_units(rule):
    """Sinter's update grows with the factors, and its ranks do not."""
    known = predicted(2.0, 30, 24, 1, Normal(0.5, 0.5), rule=rule)
    same(predicted(0.5, 30, 24, 1, Normal(1.0, 1.0), rule=rule), known)


@pytest.mark.parametrize(("d", "n", "r"), SIZES)
@pytest.mark.parametrize("law", [Uniform(1.0), Normal(0.7, 0.9)], ids=["uniform", "normal"])
def test_a_transpose_has_the_ranks_of_the_update(law, d, n, r):
    for omega in OMEGAS:
        known = predicted(omega, n, d, r, law)
        same(predicted(omega, d, n, r, law), known)


def test_all_values_have_the_units():
    """A transpose has them all, a gain divides them, and an absolute threshold with them."""
    at: dict[str, Any] = {"d": 48, "n": 30, "r": 2, "initializer": Uniform(1.0)}
    values = rk.predict_spectrum(4.0, **at, gain=1.0)
    turned = rk.predict_spectrum(4.0, d=30, n=48, r=2, initializer=Uniform(1.0), gain=8.0)
    larger = rk.predict_spectrum(1.0, d=48, n=30, r=2, initializer=Uniform(0.5))
    np.testing.assert_allclose(8 * turned, values, rtol=1e-5, atol=1e-12 * values[0])
    np.testing.assert_allclose(math.sqrt(48) * larger, values, rtol=1e-5, atol=1e-12 * values[0])
    atol = 0.1 * float(values[0])
    counts = [rk.predict_rank(4.0, **at, atol=atol / gain, gain=gain).value for gain in (1.0, 8.0, math.sqrt(48))]
    counts += [rk.predict_rank(4.0, **at, atol=atol / math.sqrt(48)).value, rk.predict_rank(4.0, **at, rtol=0.1).value]
    np.testing.assert_allclose(counts, counts[0], rtol=CLOSE)
    assert rk.predict_rank(4.0, **at, atol=2 * atol, gain=1.0).value < counts[0] - 0.5


def test_the_frequency_of_a_target_has_the_units_of_the_product():
    wanted = [rk.frequency_for_rank(9, d=60, n=50, r=2, initializer=Uniform(N)).value for N in (1.0, 0.25)]
    assert wanted[0] == pytest.approx(16 * wanted[1], rel=1e-6)
    f = Normal()(60, 50, 2, seed=3)
    base = rk.frequency_for_rank(9, factors=f).value
    for other, units in (
        (rk.Factors(4 * f.B, 4 * f.A), 16),
        (rk.Factors(4 * f.B, f.A / 4), 1),
        (rk.Factors(f.A.T, f.B.T), 1),
    ):
        assert units * rk.frequency_for_rank(9, factors=other).value == pytest.approx(base, rel=1e-6)


def test_what_is_predicted_of_given_factors_has_their_units():
    """A transpose is predicted from other blocks of rows and columns, and agrees within the stated errors."""
    f = Normal()(96, 80, 2, seed=3)

    def found(omega, factors):
        return rk.predict_stable_rank(omega, factors=factors), rk.predict_rank(omega, factors=factors, rtol=1e-3)

    for omega in (0.5, 8.0):
        known, turned = found(omega, f), found(omega, rk.Factors(f.A.T, f.B.T))
        for other, units in ((rk.Factors(4 * f.B, 4 * f.A), 16), (rk.Factors(4 * f.B, f.A / 4), 1)):
            for one, two in zip(found(omega / units, other), known, strict=True):
                assert (one.value, one.error) == pytest.approx((two.value, two.error), rel=1e-6)
        for one, two in zip(turned, known, strict=True):
            assert abs(one.value - two.value) <= one.error + two.error
