"""The bound on what forming an update rounds, with every rounding in the same direction and as large as it may be.

B and A of ones meet the bound with equality: |B| |A| has the Frobenius norm ||B||_F ||A||_F.
"""

import numpy as np
import pytest

import rankkit as rk
from rankkit.factors import Factors
from rankkit.rules.rule import UNIT_ROUNDOFF, Pointwise

NEARLY = 0.99
M, N, R = 6, 5, 3
ONES = Factors(np.ones((M, R)), np.ones((R, N)))
# roundings, as the docstrings state them
CASTING, EVALUATING, SCALED = 3, 6, 3


def off(found, exact):
    return float(np.linalg.norm(np.asarray(found, dtype=np.float64) - exact))


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("slope", [1.0, 7.0])
@pytest.mark.parametrize("start", [0.0, 100.0])
def test_a_product_and_a_function_that_are_off_by_all_they_may_be(dtype, slope, start, monkeypatch):
    """phi(x) = slope x + start, of a product with r + 3 roundings, evaluated with 6."""

    class Line(Pointwise):
        def _phi(self, x, *, rows):
            value = slope * x + start
            return value + NEARLY * EVALUATING * u * (slope * R + start)

        def _slope(self, peak, *, rows):
            return slope

        def _at_zero(self):
            return start

    u = UNIT_ROUNDOFF[dtype]
    monkeypatch.setattr(
        Factors, "product", lambda self, *, dtype: np.full((M, N), R * (1 + NEARLY * (R + CASTING) * u), np.longdouble)
    )
    rule = Line()
    found = np.asarray(rule(ONES, dtype=dtype) - (slope * R + start), dtype=np.float64)
    bound = float(rule.forming_error(ONES, dtype=dtype))
    assert np.linalg.norm(found) <= bound
    assert np.linalg.norm(found) > 0.9 * bound  # and it is no larger than it has to be


def test_a_scaled_product_in_float32():
    """Two casts and a scale, each off by one rounding in the same direction."""
    rule, u = rk.rules.Linear(scale=2.0), UNIT_ROUNDOFF["float32"]
    worst = NEARLY * ((1 + u) ** SCALED - 1) * 2 * R * np.ones((M, N))
    assert np.linalg.norm(worst) <= float(rule.forming_error(ONES, dtype="float32"))
    assert float(rule.forming_error(ONES, dtype="float64")) == 0
    assert float(rk.rules.Linear(scale=-2.0).forming_error(ONES, dtype="float32")) > 0


@pytest.mark.parametrize("batch", [(), (2,)])
def test_the_bound_grows_with_what_it_depends_on(batch):
    """Twice the frequency, the factors or the amplitude: at least so much more error is allowed for."""
    f = Factors(np.ones((*batch, M, R)), np.ones((*batch, R, N)))
    one = rk.rules.Sine(2.0, gain=1.0).forming_error(f)
    assert np.shape(one) == batch
    assert np.all(rk.rules.Sine(4.0, gain=1.0).forming_error(f) >= 1.9 * one)
    assert np.all(rk.rules.Sine(2.0, gain=2.0).forming_error(f) <= 0.51 * one)
    assert np.all(rk.rules.Sine(2.0, gain=1.0).forming_error(f, dtype="float32") >= 2**28 * one)
    wide = Factors(2 * np.ones((*batch, M, R)), np.ones((*batch, R, N)))
    assert np.all(rk.rules.Sine(2.0, gain=1.0).forming_error(wide) >= 1.9 * one)


def test_the_slope_of_sinter_is_that_where_it_is_steepest():
    """x + a x sin(omega x) at the peak, where the cosine is one: the product's rounding comes through that slope."""
    omega = 2 * np.pi * 20 / R
    rule = rk.rules.Sinter(amplitude=0.5, omega=omega)
    slope, u = abs(rule.scale) * (1 + 0.5 * omega * R), UNIT_ROUNDOFF["float64"]
    moved = NEARLY * (R + CASTING) * u * R * slope * np.sqrt(M * N)
    assert moved <= float(rule.forming_error(ONES)) <= 10 * moved
