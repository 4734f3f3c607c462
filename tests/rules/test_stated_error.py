"""What `forming_error` states, term by term: no rounding that the docstrings admit is left out, and none is counted twice.

An update that is off by all that is admitted must lie within the bound, and use it up. The admitted roundings stand here as
numbers, the slopes and heights are found by looking at phi itself, and every setting makes another term the largest.
"""

import math
import re
from functools import partial
from itertools import product
from typing import Any

import numpy as np
import pytest

import rankkit as rk
from rankkit.rules import (
    Activation,
    BSplineBasis,
    Elementwise,
    FourierBasis,
    GaussianBasis,
    Linear,
    PolynomialBasis,
    SincBasis,
    Sine,
    Sinter,
)

U = {"float64": 2.0**-53, "float32": 2.0**-24}
# roundings of a product beside its r, and of a fixed phi
CASTING, EVALUATING = 3, 6
# roundings of a learned phi: of its height, of slope times (|x| + |x_i|), and of what a table adds
KERNEL, ARGUMENT, LEBESGUE, TRUNCATION, PLACE, HORNER, CUBIC = 8, 6, 4, 8, 8, 40, 16
DENSE = np.linspace(-40, 40, 400_001)
FINE = 1.02  # a slope that is read from DENSE, and one that is rounded up, agree to this
# errors are far below the absolute difference that approx lets pass unless it is told
exactly = partial(pytest.approx, rel=1e-9, abs=0)


def factors(m=5, n=4, r=3, size=1.0, seed=0):
    f = rk.initializers.Normal()(m, n, r, seed=seed)
    return rk.Factors(size * f.B, f.A)


def norms(f):
    """Return ||B||_F ||A||_F, the longest row times the longest column, and sqrt(m n)."""
    rows, columns = np.linalg.norm(f.B, axis=1), np.linalg.norm(f.A, axis=0)
    return np.linalg.norm(rows) * np.linalg.norm(columns), rows.max() * columns.max(), math.sqrt(f.m * f.n)


def phi(rule, x, rows=1):
    """Return the rule at the numbers x, with as many rows as decide a gain."""
    update = rule(rk.Factors(np.ones((rows, 1)), np.asarray(x)[None, :]))
    return (update.product() if isinstance(update, rk.Factors) else update)[0]


def told(rule):
    """Return a rule's name, without the address of a function: every process has to name a test alike."""
    return re.sub(" at 0x[0-9a-f]+", "", repr(rule))


FIXED = [
    Sine(1.7), Sine(0.3, gain=2.5), Elementwise(np.arctan, lipschitz=1.0), Elementwise(lambda x: np.cos(x) - 3, lipschitz=1.0),
    *(Activation(name, omega=1.7, scale=-2.5) for name in ("relu", "sigmoid", "tanh", "swish", "gelu")),
    Activation("leaky_relu", omega=0.6, scale=3.0, slope=-0.5), Activation("swish", omega=2.0, beta=3.0),
]  # fmt: skip


@pytest.mark.parametrize("dtype", U)
@pytest.mark.parametrize("rule", FIXED, ids=told)
@pytest.mark.parametrize("size", [1.0, 1e-3])
def test_a_fixed_phi_has_six_roundings_and_its_steepest_slope(rule, dtype, size):
    f = factors(size=size)
    product, _, spread = norms(f)
    slope = np.max(np.abs(np.diff(phi(rule, DENSE, f.m)))) / (DENSE[1] - DENSE[0])
    at_zero = abs(float(phi(rule, [0.0])[0]))
    u = U[dtype]
    worst = (f.r + CASTING) * u * slope * product + EVALUATING * u * (slope * product + at_zero * spread)
    assert worst * (1 - 1e-6) <= float(rule.forming_error(f, dtype=dtype)) <= FINE * worst


@pytest.mark.parametrize("slope", [-1.0, 1.0])
def test_a_leaky_relu_may_be_as_steep_on_the_left_as_on_the_right(slope):
    rule = Activation("leaky_relu", slope=slope, omega=2.0)
    np.testing.assert_array_equal(phi(rule, [-3.0, 3.0]), [-6.0 * slope, 6.0])
    known = 2 * (3 + CASTING + EVALUATING) * U["float64"] * norms(factors())[0]
    assert float(rule.forming_error(factors())) == exactly(known)


@pytest.mark.parametrize("rule", [*FIXED, Sinter(0.5, 3.0), Linear(-2.0)], ids=told)
@pytest.mark.parametrize("batch", [(2,), (1, 3)])
def test_a_batch_is_formed_and_bounded_pair_by_pair(rule, batch):
    rng = np.random.default_rng(0)
    f = rk.Factors(rng.standard_normal((*batch, 4, 2)), rng.standard_normal((*batch, 2, 3)))
    made, errors = rule(f), np.broadcast_to(rule.forming_error(f), batch)
    made = made.product() if isinstance(made, rk.Factors) else made
    for at in np.ndindex(batch):
        one = rk.Factors(f.B[at], f.A[at])
        known = rule(one)
        known = known.product() if isinstance(known, rk.Factors) else known
        np.testing.assert_allclose(made[at], known, rtol=1e-13, atol=1e-15)
        assert errors[at] == exactly(float(rule.forming_error(one)))


def test_a_slope_that_a_function_of_a_user_has_is_the_one_that_counts():
    one, two = (float(Elementwise(np.sin, lipschitz=k).forming_error(factors())) for k in (1.0, 2.0))
    assert two == 2 * one


@pytest.mark.parametrize(
    "rule", [Sinter(0.5, 3.0), Sinter(-0.5, 3.0, -2.0), Sinter(4.0, 0.1), Sinter(0.0, 5.0)], ids=repr
)
@pytest.mark.parametrize("size", [1e-3, 1.0, 1e3])
def test_sinter_is_as_steep_as_at_the_largest_entry_that_there_may_be(rule, size):
    f = factors(size=size)
    product, peak, _ = norms(f)
    slope = abs(rule.scale) * (1 + abs(rule.amplitude) * (1 + rule.omega * peak))
    assert float(rule.forming_error(f)) == exactly((f.r + CASTING + EVALUATING) * U["float64"] * slope * product)


@pytest.mark.parametrize("batch", [(), (2,), (2, 3)])
def test_a_product_that_stays_one_has_the_roundings_of_two_casts_and_a_scale(batch):
    rng = np.random.default_rng(0)
    f = rk.Factors(rng.standard_normal((*batch, 4, 2)), rng.standard_normal((*batch, 2, 3)))
    error = Linear(scale=-3.0).forming_error(f, dtype="float32")
    np.testing.assert_allclose(error, 3 * U["float32"] * 3 * f.norm_product(), rtol=1e-12)
    np.testing.assert_array_equal(Linear(scale=-3.0).forming_error(f), np.zeros(batch))


KINDS = [SincBasis, GaussianBasis, BSplineBasis, FourierBasis]
HIGHEST = {SincBasis: 1.0, GaussianBasis: 1.0, BSplineBasis: 2 / 3, FourierBasis: 1.0}
STEEPEST = {SincBasis: math.pi / 2, GaussianBasis: 0.86, BSplineBasis: 2 / 3, FourierBasis: 1.0}


def learned(kind, count, bandwidth, far, seed=0, **more):
    """A phi whose functions sit around `far`, with amplitudes and bandwidths of both signs."""
    rng = np.random.default_rng(seed)
    alpha, omega = rng.standard_normal(count), bandwidth * rng.uniform(0.5, 2, count) * rng.choice([-1, 1], count)
    place = far + rng.uniform(-1, 1, count)
    return kind(alpha=alpha, omega=omega, **({"phase": place} if kind is FourierBasis else {"grid": place}), **more)


@pytest.mark.parametrize("dtype", U)
@pytest.mark.parametrize("kind", KINDS)
def test_a_learned_phi_has_every_rounding_that_is_counted(kind, dtype):
    """An entry is a sum, or is read from a table whose values are such sums."""
    u, largest = U["float64"], set()
    for count, bandwidth, far, size in product((1, 300), (1e-3, 1e3), (1.0, 1e3), (1e-3, 1.0, 1e3)):
        rule, f = learned(kind, count, bandwidth, far), factors(size=size)
        product_norm, peak, spread = norms(f)
        height = sum(map(abs, rule.alpha)) * HIGHEST[kind]
        slope = sum(map(abs, rule.alpha * rule.omega)) * STEEPEST[kind]
        away = max(abs(rule.phase / rule.omega)) if kind is FourierBasis else max(abs(rule.grid))
        terms = {
            "product": (f.r + CASTING) * U[dtype] * slope * product_norm / spread, "stored": U[dtype] * height,
            "sum": (1 + LEBESGUE) * u * (count + KERNEL) * height, "x": (1 + LEBESGUE) * u * ARGUMENT * slope * peak,
            "x_i": (1 + LEBESGUE) * u * ARGUMENT * slope * away, "table": u * (TRUNCATION + HORNER) * height,
            "place": u * PLACE * slope * peak,
        }  # fmt: skip
        worst = spread * sum(terms.values())
        assert float(rule.forming_error(f, dtype=dtype)) == exactly(worst)
        largest |= {name for name, value in terms.items() if value > 0.05 * worst / spread}
    assert largest >= (
        {"product", "stored"} if dtype == "float32" else {"product", "sum", "x", "x_i", "table", "place"}
    )


def test_a_cosine_that_does_not_turn_has_no_place():
    """Where omega is zero, a phase divided by it is none; it is the phase of a constant."""
    still = FourierBasis(alpha=[1.0, 1.0], omega=[0.0, 2.0], phase=[3.0, 4.0])
    assert math.isfinite(float(still.forming_error(factors())))
    assert still.exact(np.zeros(1))[0] == pytest.approx(math.cos(3.0) + math.cos(4.0), rel=1e-15)


@pytest.mark.parametrize("dtype", U)
@pytest.mark.parametrize("size", [1e-3, 1.0, 1e3])
@pytest.mark.parametrize("count", [1, 300])
def test_a_cubic_has_the_roundings_of_its_coefficients_and_of_horner(count, size, dtype):
    rng = np.random.default_rng(0)
    rule, f = PolynomialBasis(alpha=rng.standard_normal(count), omega=rng.standard_normal(count)), factors(size=size)
    product_norm, peak, spread = norms(f)
    within = 1 + abs(rule.omega) * peak
    slope, height = sum(3 * abs(rule.alpha * rule.omega) * within**2), sum(abs(rule.alpha) * within**3)
    worst = (f.r + CASTING) * U[dtype] * slope * product_norm
    worst += ((count + CUBIC) * U["float64"] + U[dtype]) * height * spread
    assert float(rule.forming_error(f, dtype=dtype)) == exactly(worst)
    x = np.linspace(-peak, peak, 20_001)
    assert np.max(np.abs(np.diff(rule.exact(x)))) <= slope * (x[1] - x[0]) * (1 + 1e-9)


@pytest.mark.parametrize("kind", KINDS)
def test_one_function_of_a_basis_is_as_high_and_as_steep_as_is_stated(kind):
    """Seen in the values: the largest entry, and the largest difference of neighbours."""
    values = kind._kernel(DENSE)
    assert np.max(np.abs(values)) == pytest.approx(HIGHEST[kind], rel=1e-9)
    slope = np.max(np.abs(np.diff(values))) / (DENSE[1] - DENSE[0])
    assert slope <= STEEPEST[kind] * (1 + 1e-6)
    assert STEEPEST[kind] <= slope * (1.15 if kind is SincBasis else 1.003)  # a sinc is less steep than its crude bound


NODES, WEIGHTS = np.polynomial.legendre.leggauss(120)


def largest_derivative(kind, q):
    """Return the largest |k^(q)| from another formula than the bound's: an integral, a recurrence, or by heart."""
    x = np.linspace(-5, 5, 5001)
    if kind is SincBasis:  # sinc is the mean of cos(pi s x) over s in [0, 1]
        s = (NODES + 1) / 2
        return np.max(np.abs(((math.pi * s) ** q * np.cos(math.pi * x[:, None] * s + q * math.pi / 2)) @ (WEIGHTS / 2)))
    if kind is GaussianBasis:
        hermite = np.polynomial.hermite.hermval(x, [0] * q + [1])
        return np.max(np.abs(hermite * np.exp(-x * x)))
    return 1.0


@pytest.mark.parametrize("kind", [SincBasis, GaussianBasis, FourierBasis])
@pytest.mark.parametrize("q", [0, 1, 2, 5, 7])
def test_a_derivative_is_bounded_and_by_little_more_than_it_is(kind, q):
    """Cramer's bound keeps half of the exponent, which costs a factor of two in the seventh derivative."""
    rule = kind(alpha=[-2.0, 0.5], omega=[-1.7, 3.0])
    known = largest_derivative(kind, q) * (2 * 1.7**q + 0.5 * 3.0**q)
    more = {SincBasis: 1.15, FourierBasis: 1 + 1e-9, GaussianBasis: 1.1 + 0.75 * min(q, 2) if q < 7 else 2.2}[kind]
    assert known * (1 - 1e-6) <= rule._derivative(q) <= more * known


@pytest.mark.parametrize("kind", [*KINDS, PolynomialBasis])
def test_an_error_has_the_units_of_the_update_and_none_of_the_products(kind):
    """Twice the amplitudes: twice the error. Factors in other units, and omega and the grid in theirs: the same error."""
    rng = np.random.default_rng(1)
    alpha, omega, grid = (rng.standard_normal(6) for _ in range(3))
    place: dict[str, Any] = {"grid": grid} if kind not in (FourierBasis, PolynomialBasis) else {}
    place |= {"phase": grid} if kind is FourierBasis else {}
    one = float(kind(alpha=alpha, omega=omega, **place).forming_error(factors()))
    assert float(kind(alpha=-4 * alpha, omega=omega, **place).forming_error(factors())) == 4 * one
    moved: dict[str, Any] = {"grid": 8 * grid} if "grid" in place else place
    assert float(kind(alpha=alpha, omega=omega / 8, **moved).forming_error(factors(size=8.0))) == one
