"""Rules: what they compute, and that forming_error bounds what rounding did."""

import math

import mpmath as mp
import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

import rankkit as rk
from rankkit import testing as laws
from rankkit.rules import RULES, Activation, Elementwise, Linear, Rule, Sine, Sinter

ACTIVATIONS = {
    "relu": torch.nn.functional.relu,
    "leaky_relu": torch.nn.functional.leaky_relu,
    "sigmoid": torch.sigmoid,
    "tanh": torch.tanh,
    "swish": torch.nn.functional.silu,
    "gelu": torch.nn.functional.gelu,
}
DENSE = [
    Sine(40.0), Sine(0.0), Sine(3.0, gain=2.0), Sinter(), Sinter(amplitude=0.3, omega=5.0), Elementwise(np.arctan, lipschitz=1.0),
    *(Activation(name, omega=2.0) for name in ACTIVATIONS),
]  # fmt: skip


def drawn(m=12, n=9, r=3, seed=0):
    return rk.initializers.KaimingUniform()(m, n, r, seed=seed)


def test_linear_stays_factors_and_scales(asarray):
    f = rk.Factors(asarray(drawn().B), asarray(drawn().A))
    update = Linear(scale=-1.5)(f)
    assert isinstance(update, rk.Factors)
    np.testing.assert_allclose(rk.spectrum_of(update).values, 1.5 * rk.spectrum_of(f).values, rtol=1e-13)


def test_sine_is_the_papers_formula(asarray):
    f = drawn()
    update = Sine(7.0)(rk.Factors(asarray(f.B), asarray(f.A)))
    np.testing.assert_allclose(np.asarray(update.cpu() if hasattr(update, "cpu") else update),
                               np.sin(7.0 * (f.B @ f.A)) / math.sqrt(12), rtol=1e-13, atol=1e-15)  # fmt: skip


def test_sine_gain_is_the_root_of_the_rows_unless_given():
    f = drawn(m=16, n=4)
    np.testing.assert_allclose(Sine(2.0)(f) * 4.0, Sine(2.0, gain=1.0)(f), rtol=1e-15)


def test_sinter_is_the_papers_formula():
    x = drawn().product()
    np.testing.assert_allclose(Sinter()(drawn()), x + 5e-5 * x * np.sin(1e4 * x), rtol=1e-14)


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_activations_agree_with_torch(name, asarray):
    f = drawn()
    ours = Activation(name, omega=3.0)(rk.Factors(asarray(f.B), asarray(f.A)))
    theirs = ACTIVATIONS[name](3.0 * torch.as_tensor(f.B) @ torch.as_tensor(f.A))
    np.testing.assert_allclose(np.asarray(ours.cpu() if hasattr(ours, "cpu") else ours), theirs, rtol=1e-12, atol=1e-15)


def test_swish_and_leaky_relu_take_their_parameter():
    x = drawn().product()
    np.testing.assert_allclose(Activation("swish", beta=2.0)(drawn()), x / (1 + np.exp(-2 * x)), rtol=1e-12)
    np.testing.assert_allclose(Activation("leaky_relu", slope=0.2)(drawn()), np.where(x > 0, x, 0.2 * x), rtol=1e-14)


@pytest.mark.parametrize("rule", [*DENSE, Linear(scale=1.7)], ids=repr)
@pytest.mark.parametrize("scale", [1.0, 50.0])
def test_forming_error_bounds_what_float32_did(rule, scale):
    f = drawn(m=40, n=30, r=4, seed=1)
    f = rk.Factors(f.B * scale, f.A)
    dense = (lambda u: u.product() if isinstance(u, rk.Factors) else u)  # fmt: skip
    off = np.linalg.norm(dense(rule(f, dtype="float32")).astype(np.float64) - dense(rule(f)))
    assert off <= rule.forming_error(f, dtype="float32") + rule.forming_error(f)


@given(laws.factors(max_size=4, max_rank=3), st.floats(1e-6, 1e4))
def test_forming_error_bounds_what_float64_did_to_the_sine(f, omega):
    with mp.workdps(40):
        exact = mp.matrix(f.B.tolist()) * mp.matrix(f.A.tolist())
        truth = [[mp.sin(mp.mpf(omega) * exact[i, j]) for j in range(f.n)] for i in range(f.m)]
        ours = Sine(omega, gain=1.0)(f)
        off = mp.sqrt(mp.fsum((mp.mpf(float(ours[i, j])) - truth[i][j]) ** 2 for i in range(f.m) for j in range(f.n)))
    assert float(off) <= Sine(omega, gain=1.0).forming_error(f)


def test_forming_error_is_no_empty_promise():
    """A planted fault, one part in a thousand on omega, is far outside the bound; so is a bound of a thousandth."""
    f = drawn(m=40, n=30, r=4)
    bound = Sine(40.0).forming_error(f, dtype="float32")
    assert np.linalg.norm(Sine(40.04)(f) - Sine(40.0)(f)) > bound
    off = np.linalg.norm(Sine(40.0)(f, dtype="float32").astype(float) - Sine(40.0)(f))
    assert off > bound / 1000


@given(
    st.sampled_from([rule for rule in DENSE if not isinstance(rule, Elementwise)]), st.floats(-3, 3), st.floats(-3, 3)
)
def test_the_stated_slope_is_a_lipschitz_constant(rule, x, y):
    """With B = [1] and A = [x] the update is phi(x), and forming_error's slope shows through its size."""
    one = np.ones((1, 1))
    phi = lambda t: float(rule(rk.Factors(one, one * t))[0, 0])
    peak = max(abs(x), abs(y), 1e-3)
    slope = rule.forming_error(rk.Factors(one, one * peak)) / (2.0**-53 * 10 * peak)
    assert abs(phi(x) - phi(y)) <= slope * abs(x - y) * (1 + 1e-9) + 1e-14


@pytest.mark.parametrize(
    ("call", "error", "says"),
    [
        (lambda: Sine(-1.0), ValueError, "omega must be a number that is finite and >= 0"),
        (lambda: Sine(math.inf), ValueError, "omega"),
        (lambda: Sine(1.0, gain=0.0), ValueError, "gain must be a number that is finite and > 0"),
        (lambda: Linear(scale=math.nan), ValueError, "scale"),
        (lambda: Sinter(omega=-2.0), ValueError, "omega"),
        (lambda: Activation("sin"), ValueError, "name must be one of relu"),
        (lambda: Activation("leaky_relu", slope=2.0), ValueError, "slope must lie in"),
        (lambda: Elementwise("sin", lipschitz=1.0), TypeError, "fn must be callable"),  # type: ignore[arg-type]
        (lambda: Elementwise(np.sin, lipschitz=-1.0), ValueError, "lipschitz"),
        (
            lambda: Elementwise(np.sum, lipschitz=1.0)(drawn()),
            ValueError,
            "fn must return an array of its input's shape",
        ),
        (lambda: Sine(1.0)(drawn(), dtype="float16"), ValueError, "dtype must be one of"),
    ],
)
def test_bad_arguments_are_refused(call, error, says):
    with pytest.raises(error, match=says) as caught:
        call()
    assert "\n" not in str(caught.value)


def test_the_table_of_rules_is_whole():
    concrete = {RULES[name] for name in RULES}
    assert {Linear, Sine, Sinter, Activation, Elementwise} <= concrete
    assert all(issubclass(rule, Rule) for rule in concrete)


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_the_error_at_zero_is_that_of_the_value_at_zero(name):
    zero = rk.Factors(np.zeros((4, 2)), np.zeros((2, 3)))
    rule = Activation(name, scale=3.0)
    error, at_zero = float(rule.forming_error(zero)), float(np.abs(rule(zero)).max())
    assert (error > 0) == (at_zero > 0)
    assert error <= 20 * 2.0**-53 * at_zero * math.sqrt(12)


@pytest.mark.parametrize("scale", [1.0, 2.0])
def test_a_scaled_product_has_the_dtype_that_is_asked_for(scale):
    single = drawn().to(dtype="float32")
    rule = Linear(scale=scale)
    for f in (drawn(), single):
        assert {str(x.dtype) for x in (rule(f, dtype="float32").B, rule(f, dtype="float32").A)} == {"float32"}
    kept = Linear()(single)
    assert kept.B is single.B
    assert kept.A is single.A
