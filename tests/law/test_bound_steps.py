"""rank_bounds against a second derivation: the thresholds at which a bound steps from one integer to the next.

A bound is an integer, and hides what it is made of. Where it steps is a number, which a missing term moves. The steps are
derived here from the theorems, in 50 digits, from singular values, and with a unit of roundoff so large that every rounding
that is allowed for shows.
"""

import math

import mpmath as mp
import numpy as np
import pytest

import rankkit as rk
from rankkit.law import bounds
from rankkit.law.bounds import sine_tail
from tests.law.conftest import KAIMING

DIGITS = 50
NEAR = 1e-6  # how near the steps are looked at; what a float is moved outward by changes them less
OUTWARD = 1e-9  # what the module says that floats are moved outward by
EXPONENT = 1e-12  # and what an exponent is, relative to its size
COARSE = 1e-4  # a unit of roundoff whose every multiple shows


def coefficient(T, p, family):
    """Return a bound on 2 |J_p(T)|, or on (2p + 1) |j_p(T)|: the smaller of Siegel's and the first term's."""
    nu = mp.mpf(p) if family == "chebyshev" else p + mp.mpf(1) / 2
    x = T / nu
    root = mp.sqrt(1 - x * x)
    bessel = min((x * mp.exp(root) / (1 + root)) ** nu, (T / 2) ** nu / mp.gamma(nu + 1))
    return 2 * bessel if family == "chebyshev" else (2 * p + 1) * mp.sqrt(mp.pi / (2 * T)) * bessel


def tail(T, K, family):
    """Return the bound on all odd coefficients from 2 K + 1 on."""
    T, p = mp.mpf(T), 2 * K + 1
    if p + (0 if family == "chebyshev" else 0.5) <= T:
        return mp.inf
    total = mp.mpf(0)
    while (term := coefficient(T, p, family)) > mp.mpf(10) ** -25 * total:
        total, p = total + term, p + 2
    return total


@pytest.mark.parametrize("family", ["chebyshev", "legendre"])
@pytest.mark.parametrize("T", [1e-3, 0.7, 2.9, 9.9, 60.0])
def test_a_tail_is_the_sum_of_its_terms_moved_outward(T, family):
    with mp.workdps(DIGITS):
        for K in (0, 1, 3, 6, 31, 40):
            known, found = tail(T, K, family), sine_tail(T, K, family=family)
            if mp.isinf(known):
                assert math.isinf(found)
            elif known > 1e-250:
                # a power is moved by its exponent's share, which the largest term, about the sum, tells
                more, outward = float(found / known - 1), OUTWARD + EXPONENT * abs(math.log(float(known)))
                assert more == pytest.approx(outward, rel=0.01, abs=1e-11)


@pytest.mark.parametrize("T", [1e3, 3e5])
def test_a_long_tail_has_all_of_its_terms(T):
    """At T = 300,000 the coefficients fall so slowly that the first hundred are a small part of the sum."""
    nu = int(T) + 1.0 + 2 * np.arange(int(2 * T))
    x = T / nu
    root = np.sqrt(1 - x * x)
    known = 2 * np.sum(np.exp(nu * (np.log(x) + root - np.log1p(root))))
    assert sine_tail(T, int(T) // 2, family="chebyshev") == pytest.approx(float(known), rel=1e-6)
    assert sine_tail(T, int(T) // 2, family="legendre") == pytest.approx(
        float(known) * math.sqrt(math.pi * T / 2), rel=0.2
    )


@pytest.mark.parametrize(("T", "family"), [(3.0, "chebyshev"), (3.5, "legendre")])
def test_a_tail_is_unknown_until_its_coefficients_fall(T, family):
    assert math.isinf(sine_tail(T, 1, family=family))
    assert math.isfinite(sine_tail(T * (1 - 1e-12), 1, family=family))


def cut(f, rule, out):
    """Return (the largest |omega b . a|, by how much the tails are multiplied, the rank that is always there).

    The entries, omega times the largest, the root of their number and the tails are moved outward, each once.
    """
    peak = out * float(np.max(np.abs(f.product())))
    height = out * out * math.sqrt(f.m * f.n)
    if isinstance(rule, rk.rules.Sine):
        return out * rule.omega * peak, height / (math.sqrt(f.m) if rule.gain is None else rule.gain), 0
    return out * rule.omega * peak, height * abs(rule.scale * rule.amplitude) * peak, f.r


@pytest.mark.parametrize("out", [1.0, 1.01])
@pytest.mark.parametrize("rule", [
    rk.rules.Sine(1.0), rk.rules.Sine(9.0), rk.rules.Sine(1.0, gain=0.3), rk.rules.Sinter(0.5, 3.0), rk.rules.Sinter(-2.0, 8.0, 3.0),
], ids=repr)  # fmt: skip
@pytest.mark.parametrize(("m", "n", "r"), [(60, 45, 2), (30, 80, 1), (90, 90, 3)])
def test_the_upper_bound_steps_where_a_tail_falls_below_the_threshold(m, n, r, rule, out, monkeypatch):
    monkeypatch.setattr(bounds, "OUT", out)
    f = KAIMING(m, n, r, seed=3)
    T, height, always = cut(f, rule, out)
    shift = 0 if always == 0 else 1  # a sine times x has even degrees
    rank, families = always, set()
    with mp.workdps(DIGITS):
        for K in range(60):
            more = rank + math.comb(r + 2 * K + shift, 2 * K + 1 + shift)
            tails = {family: tail(T, K, family) for family in ("chebyshev", "legendre")}
            family = min(tails, key=lambda name: tails[name])
            eps = float(height * tails[family])
            if rank >= min(m, n) or eps < 1e-200:
                break
            if math.isfinite(eps):
                above, below = (rk.rank_bounds(f, rule, eps * (1 + side * NEAR)) for side in (1, -1))
                assert (above.upper, above.upper_by) == (rank, family)
                assert below.upper == min(more, m, n)
                families.add(family)
            rank = more
    assert families


def test_between_two_orders_only_legendre_s_coefficients_fall_already():
    """At T = 3.2 the order 3 is too small and 3 + 1/2 is not."""
    f = KAIMING(60, 45, 2, seed=3)
    rule = rk.rules.Sine(3.2 / float(np.max(np.abs(f.product()))), gain=1.0)
    with mp.workdps(DIGITS):
        eps = float(math.sqrt(60 * 45) * tail(3.2, 1, "legendre"))
    found = rk.rank_bounds(f, rule, eps * (1 + NEAR))
    assert (found.upper, found.upper_by) == (2, "legendre")
    assert rk.rank_bounds(f, rule, eps * (1 - NEAR)).upper == 2 + 4


def test_a_peak_of_no_height_leaves_what_is_linear():
    zero = rk.Factors(np.zeros((6, 2)), np.ones((2, 5)))
    assert rk.rank_bounds(zero, rk.rules.Sinter(1.0, 1.0), 1e-9).upper == 2
    assert rk.rank_bounds(KAIMING(6, 5, 2), rk.rules.Sinter(1.0, 0.0), 1e-9).upper == 2
    assert rk.rank_bounds(KAIMING(6, 5, 2), rk.rules.Sine(0.0), 1e-9).upper == 0
    assert rk.rank_bounds(KAIMING(6, 5, 2), rk.rules.Sine(0.0), 1e-9).lower == 0


@pytest.mark.parametrize("r", [1, 3])
def test_the_peak_allows_for_what_a_scalar_product_rounds(r, monkeypatch):
    """A sum of r products is off by (r + 3) roundings of the longest row times the longest column."""
    monkeypatch.setattr(bounds, "ROUNDOFF", COARSE)
    f, rule = KAIMING(30, 40, r, seed=1), rk.rules.Sine(0.5, gain=1.0)
    longest = np.max(np.linalg.norm(f.B, axis=1)) * np.max(np.linalg.norm(f.A, axis=0))
    T = rule.omega * (float(np.max(np.abs(f.product()))) + (r + 3) * COARSE * longest)
    with mp.workdps(DIGITS):
        eps = float(math.sqrt(30 * 40) * min(tail(T, 1, family) for family in ("chebyshev", "legendre")))
    assert rk.rank_bounds(f, rule, eps * (1 + NEAR)).upper == r
    assert rk.rank_bounds(f, rule, eps * (1 - NEAR)).upper > r


@pytest.mark.parametrize("row", [0, 1, 2])
def test_the_peak_is_looked_for_in_every_block_of_rows(row):
    """Two rows of this length are a block."""
    f = rk.Factors(3 * np.eye(3)[:, [row]] - 1, np.ones((1, 1 << 21)))
    assert bounds._peak(f) == 2


def steps(values, size, forming=0.0, u=0.0, out=1.0):
    """Return the squared thresholds below which at least 1, 2, ... values lie above, by Cauchy and Schwarz.

    With k values above eps, ||S||_F^2 <= sqrt(k ||S S^T||_F^2) + (min(m, n) - k) eps^2. S is known to `forming` in Frobenius norm,
    the sum of squares to m n roundings, the squares of S S^T to max(m, n) + 4; `out` moves either side outward.
    """
    square, fourth = np.sum(values**2), math.sqrt(np.sum(values**4))
    least = max(math.sqrt(square / (out + size[0] * size[1] * u)) - forming, 0.0) ** 2
    most = (math.sqrt(out * (fourth + (max(size) + 4) * u * square)) + forming) ** 4
    k = np.arange(min(size))
    return np.minimum.accumulate((least / out - np.sqrt(k * most)) / (min(size) - k))


def steps_are(known, f, rule):
    """Assert that the lower bound of a rule's update steps at these squared thresholds; return how many there are."""
    known = np.sqrt(known[known > 0])
    for eps in known:
        for side in (1, -1):
            at = float(eps * (1 + side * NEAR))
            assert rk.rank_bounds(f, rule, at).lower == np.sum(known > at)
    return known.size


class Doubtful(rk.rules.Rule):
    """B A as an array, of which a large error is stated."""

    def __init__(self, error):
        self.error = error

    def __call__(self, factors, *, dtype="float64"):
        return factors.product(dtype=dtype)

    def forming_error(self, factors, *, dtype="float64"):
        return self.error


RULES = [
    rk.rules.Linear(3.0),
    rk.rules.Sine(30.0),
    rk.rules.Sine(5.0, gain=2.0),
    rk.rules.Activation("relu"),
    Doubtful(0.5),
]


@pytest.mark.parametrize(("u", "out"), [(0.0, 1.0), (COARSE, 1.0), (0.0, 1.003), (COARSE, 1.003)])
@pytest.mark.parametrize(("m", "n", "r"), [(12, 20, 3), (25, 10, 2), (15, 15, 6)])
@pytest.mark.parametrize("rule", RULES, ids=lambda rule: type(rule).__name__)
def test_the_lower_bound_steps_where_the_energy_no_longer_fits(m, n, r, rule, u, out, monkeypatch):
    monkeypatch.setattr(bounds, "OUT", out)
    monkeypatch.setattr(bounds, "ROUNDOFF", u)
    f = KAIMING(m, n, r, seed=5)
    made = rule(f)
    S = made.product() if isinstance(made, rk.Factors) else made
    top = np.max(np.abs(S))
    forming = out * float(rule.forming_error(f)) / top + u * math.sqrt(m * n)
    if isinstance(made, rk.Factors):  # its product is formed there, with r + 3 roundings
        forming += out * (r + 3) * u * np.linalg.norm(made.B) * np.linalg.norm(made.A) / top
    values = np.linalg.svd(S / top, compute_uv=False)
    assert steps_are(top**2 * steps(values, (m, n), forming, u, out), f, rule) >= 1


def test_factors_of_more_columns_than_the_update_has_bound_nothing():
    f = KAIMING(4, 3, 5, seed=0)
    for rule in (
        rk.rules.Linear(),
        rk.rules.PolynomialBasis([1.0], [0.5]),
        rk.rules.Sine(1e-3),
        rk.rules.Sinter(0.5, 1e-3),
    ):
        found = rk.rank_bounds(f, rule, 1e-12)
        assert (found.upper, found.upper_by) == (3, "size")
    wide = KAIMING(9, 8, 1, seed=0)
    for rule, by, upper in (
        (rk.rules.Linear(), "rank of the factors", 1), (rk.rules.PolynomialBasis([1.0], [0.5]), "polynomial", 4),
        (rk.rules.Activation("tanh"), "size", 8),
    ):  # fmt: skip
        found = rk.rank_bounds(wide, rule, 1e-12)
        assert (found.upper, found.upper_by) == (upper, by)


def test_an_update_that_may_be_nothing_but_rounding_has_no_value_for_certain():
    f = KAIMING(8, 9, 2, seed=0)
    norm = float(np.linalg.norm(f.product()))
    assert rk.rank_bounds(f, Doubtful(1.01 * norm), 1e-9 * norm).lower == 0
    assert rk.rank_bounds(f, Doubtful(0.1 * norm), 1e-9 * norm).lower == 1


@pytest.mark.parametrize("rule", [
    rk.rules.Linear(), rk.rules.Sine(7.0), rk.rules.Sinter(0.5, 9.0), rk.rules.Activation("tanh", 3.0),
    rk.rules.PolynomialBasis([1.0, -0.3], [0.7, 0.2]),
], ids=repr)  # fmt: skip
def test_a_transpose_has_the_bounds_of_the_update(rule):
    f = KAIMING(20, 31, 2, seed=4)
    turned = rk.Factors(f.A.T, f.B.T)
    if isinstance(rule, rk.rules.Sine):
        rule = rk.rules.Sine(rule.omega, gain=2.0)  # the default gain is that of the rows
    for eps in np.geomspace(1e-8, 1, 30):
        assert rk.rank_bounds(f, rule, float(eps)) == rk.rank_bounds(turned, rule, float(eps))


@pytest.mark.parametrize("power", [-500, -40, 40, 500])
def test_the_bounds_scale_with_the_factors_the_frequency_and_the_update(power):
    """In powers of two, so that nothing rounds: squares of entries near 1e150 or 1e-150 would overflow or vanish."""
    f, s = KAIMING(20, 31, 2, seed=4), 2.0**power
    large = rk.Factors(s * f.B, f.A)
    for eps in np.geomspace(1e-8, 1, 20).tolist():
        scaled = rk.rank_bounds(large, rk.rules.Linear(), s * eps)
        assert _pair(scaled) == _pair(rk.rank_bounds(f, rk.rules.Linear(), eps))
        same = rk.rank_bounds(large, rk.rules.Sine(7.0 / s, gain=2.0), eps)
        assert _pair(same) == _pair(rk.rank_bounds(f, rk.rules.Sine(7.0, gain=2.0), eps))
        gained = rk.rank_bounds(f, rk.rules.Sine(7.0, gain=2.0 / s), s * eps)
        assert _pair(gained) == _pair(rk.rank_bounds(f, rk.rules.Sine(7.0, gain=2.0), eps))


def _pair(found):
    return found.lower, found.upper
