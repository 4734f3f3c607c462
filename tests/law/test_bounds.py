"""rank_bounds against singular values with their errors, thresholds next to them among the cases."""

import math

import numpy as np
import pytest

import rankkit as rk
from rankkit.law import bounds as bounds_module
from rankkit.law.bounds import polynomial_cap, sine_tail
from tests.law.conftest import KAIMING


def near_thresholds(count):
    rng = np.random.default_rng(11)
    for seed in range(count):
        m, n, r = (int(size) for size in (rng.integers(2, 40), rng.integers(2, 40), rng.integers(1, 4)))
        factors = rk.initializers.Normal()(m, n, r, seed=seed) if seed % 2 else KAIMING(m, n, r, seed=seed)
        omega = 10 ** rng.uniform(-3, 2.5)
        rule = [rk.rules.Sine(omega), rk.rules.Sinter(0.5, omega), rk.rules.Sine(omega, gain=2.0),
                rk.rules.Activation("tanh", omega), rk.rules.PolynomialBasis([1.0, -0.3], [omega, 0.2])][seed % 5]  # fmt: skip
        update = rule(factors)
        values = np.linalg.svd(update, compute_uv=False)
        eps = values[rng.integers(values.size)] * (1 + rng.choice([-1e-12, 1e-12, -0.2, 0.2]))
        if eps > 0:
            yield factors, rule, update, float(eps)


def test_bounds_are_never_violated():
    narrow, tried = 0, 0
    for factors, rule, update, eps in near_thresholds(300):
        found = rk.rank_bounds(factors, rule, eps)
        count = rk.count_above(update, atol=eps, forming_error=rule.forming_error(factors))
        assert 0 <= found.lower <= count.upper
        assert count.lower <= found.upper <= min(factors.m, factors.n)
        narrow += found.upper < min(factors.m, factors.n)
        tried += 1
    assert tried > 250
    assert narrow > 60


def test_bounds_that_are_one_too_tight_would_be_caught():
    caught = [0, 0]
    for factors, rule, update, eps in near_thresholds(300):
        found = rk.rank_bounds(factors, rule, eps)
        count = rk.count_above(update, atol=eps, forming_error=rule.forming_error(factors))
        caught[0] += found.lower + 1 > count.upper
        caught[1] += count.lower > found.upper - 1
    assert min(caught) > 5


def test_a_product_has_its_factors_rank():
    factors = KAIMING(30, 40, 3)
    assert rk.rank_bounds(factors, rk.rules.Linear(), 1e-9).upper == 3
    assert rk.rank_bounds(factors, rk.rules.Sine(1e-3), 1e-6).upper == 3
    assert rk.rank_bounds(rk.Factors(np.zeros((3, 1)), np.ones((1, 4))), rk.rules.Sine(1.0), 1e-9).upper == 0


@pytest.mark.parametrize("family", ["chebyshev", "legendre"])
@pytest.mark.parametrize("T", [1e-3, 0.7, 5.0, 40.0])
def test_tails_bound_what_is_cut_off(T, family):
    t = np.linspace(-1, 1, 401)
    import mpmath

    for K in (0, 1, 2, 5, 25):
        bound = sine_tail(T, K, family=family)
        with mpmath.workdps(40):
            if family == "chebyshev":
                known = mpmath.fsum(2 * abs(mpmath.besselj(2 * q + 1, T)) for q in range(K, K + 40))
            else:
                known = mpmath.fsum((4 * q + 3) * mpmath.sqrt(mpmath.pi / (2 * T)) * abs(mpmath.besselj(2 * q + 1.5, T))
                                    for q in range(K, K + 40))  # fmt: skip
        if math.isfinite(bound) and float(known) > 1e-250:
            assert float(known) <= bound
            assert bound <= 40 * float(known)
        elif K == 0:
            assert T >= 1
    assert np.max(np.abs(np.sin(T * t))) <= sine_tail(T, 0, family=family)


def test_monomials_are_counted():
    assert polynomial_cap(3, [1, 3]) == 3 + 10
    factors = rk.initializers.Normal()(60, 60, 2, seed=1)
    phi = rk.rules.PolynomialBasis([1.0], [0.7])
    assert np.linalg.matrix_rank(phi(factors)) == polynomial_cap(2, np.flatnonzero(phi.coefficients)) == 10


def test_bounds_show_themselves():
    found = rk.rank_bounds(KAIMING(64, 64, 2, seed=0), rk.rules.Sine(3.0, gain=1.0), 1e-3)
    lines = repr(found).splitlines()
    assert lines[0] == f"RankBounds: {found.lower} to {found.upper} singular values exceed 0.001"
    assert len(lines) <= 15
    assert found._repr_html_().startswith("<div>")
    for rule in (rk.rules.Linear(), rk.rules.Activation("tanh"), rk.rules.PolynomialBasis([1.0], [0.7])):
        assert "comes from" in repr(rk.rank_bounds(KAIMING(8, 8, 2), rule, 1e-3))


def test_a_product_that_cancels_is_as_large_as_its_rounding_may_hide(monkeypatch):
    """Terms of 2^53 leave 1,000, and a sum that has lost all that it may says nothing is left."""
    terms = np.tile([2.0**53, -(2.0**53)], 16)
    terms[-1] += 1000
    factors, rule = rk.Factors(np.ones((1, 32)), terms[:, None]), rk.rules.Sine(1e-5, gain=1.0)
    monkeypatch.setattr(bounds_module, "_peak", lambda factors: 0.0)
    assert math.sin(0.01) > 0.005
    assert rk.rank_bounds(factors, rule, 0.005).upper == 1
