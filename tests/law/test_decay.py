"""The decay of singular values: powers and rates against those of drawn matrices."""

import math

import numpy as np
import pytest

import rankkit as rk
from rankkit.law import decay_power, strip_rate

UNIFORM, NORMAL = rk.initializers.KaimingUniform(), rk.initializers.Normal(1.0, 1.0)
# name -> rule of an omega, the derivative that jumps, whether it does so at zero
ROUGH = {
    "sign": (lambda _: rk.rules.Elementwise(np.sign, lipschitz=0.0), 0, True),
    "abs": (lambda _: rk.rules.Activation("leaky_relu", slope=-1.0), 1, True),
    "jump beside zero": (lambda omega: rk.rules.Elementwise(lambda x: np.sign(omega * x - 1), lipschitz=0.0), 0, False),
    "kink beside zero": (
        lambda omega: rk.rules.Elementwise(lambda x: np.abs(omega * x - 1), lipschitz=omega),
        1,
        False,
    ),
}


def spectrum(rule, d, r, initializer, seeds=2):
    """Mean singular values over draws, divided by the largest."""
    drawn = [np.linalg.svd(rule(initializer(d, d, r, seed=seed)), compute_uv=False) for seed in range(seeds)]
    return np.mean([values / values[0] for values in drawn], axis=0)


def power(values, first, last):
    """The power of the index that values follow between two indices."""
    n = np.arange(first, last + 1)
    return -np.polyfit(np.log(n), np.log(values[first - 1 : last]), 1)[0]


@pytest.mark.parametrize("initializer", [UNIFORM, NORMAL], ids=["uniform", "normal"])
@pytest.mark.parametrize(("name", "r"), [
    ("sign", 2), ("sign", 3), ("abs", 2), ("abs", 3), ("jump beside zero", 1), ("jump beside zero", 2), ("kink beside zero", 1),
])  # fmt: skip
def test_powers_are_those_of_draws(name, r, initializer):
    rule, derivative, at_zero = ROUGH[name]
    d = 1000
    omega = 3 / (r**0.5 if initializer is NORMAL else 2 / d**0.5)  # B A omega has the standard deviation 3
    values = spectrum(rule(omega), d, r, initializer)
    assert power(values, 20, 60) == pytest.approx(decay_power(derivative, r, at_zero=at_zero), rel=0.12)


def test_a_relu_falls_as_its_kink_says():
    """ReLU is (x + |x|) / 2, and x adds r values: the (n + r)-th value is at most the n-th of |x| / 2."""
    d, r = 1000, 2
    relu = [np.linalg.svd(rk.rules.Activation("relu")(NORMAL(d, d, r, seed=s)), compute_uv=False) for s in range(2)]
    kink = [np.linalg.svd(ROUGH["abs"][0](1.0)(NORMAL(d, d, r, seed=s)), compute_uv=False) for s in range(2)]
    for one, other in zip(relu, kink, strict=True):
        assert np.all(one[r:] <= other[:-r] / 2 + 1e-9)
        assert power(one[r:], 20, 60) == pytest.approx(decay_power(1, r), rel=0.12)


@pytest.mark.parametrize("omega_std", [1.0, 2.0, 5.0, 15.0])
def rate(values):
    """How much the logarithm falls from each value to the next, from the second value to rounding."""
    last = int(np.argmax(values < 1e-11))
    return math.log(values[1] / values[last]) / (last - 1)


@pytest.mark.parametrize("omega_std", [1.0, 2.0, 5.0, 15.0, 40.0])
def test_the_rate_in_a_strip_is_that_of_draws(omega_std):
    d, omega = 400, omega_std * 400**0.5 / 2
    values = spectrum(rk.rules.Activation("tanh", omega=omega), d, 1, UNIFORM)
    reach = omega * math.sqrt(6) * math.sqrt(6 / d)
    assert rate(values) == pytest.approx(strip_rate(math.pi / 2, reach), rel=0.03)


def test_a_sigmoid_is_a_tanh_and_a_constant():
    """Its strip is twice as wide, so that it falls at omega as a tanh does at omega / 2."""
    d, omega = 400, 60.0
    values = spectrum(rk.rules.Activation("sigmoid", omega=omega), d, 1, UNIFORM)
    reach = omega * math.sqrt(6) * math.sqrt(6 / d)
    assert rate(values[1:]) == pytest.approx(strip_rate(math.pi, reach), rel=0.03)
    assert strip_rate(math.pi, reach) == pytest.approx(strip_rate(math.pi / 2, reach / 2))


def test_in_two_coordinates_a_strip_gives_a_root_of_the_index_and_an_entire_function_falls_faster():
    d, omega = 600, 2.0 * 600**0.5 / 2
    steps = np.sqrt([10, 20, 40, 80])
    rates = {}
    for name, rule in (("tanh", rk.rules.Activation("tanh", omega=omega)), ("sine", rk.rules.Sine(omega))):
        logs = np.log(spectrum(rule, d, 2, UNIFORM)[(steps**2).round().astype(int) - 1])
        rates[name] = -np.diff(logs) / np.diff(steps)
    assert np.ptp(rates["tanh"]) < 0.2 * np.mean(rates["tanh"])
    assert np.all(np.diff(rates["sine"]) > 0.1 * rates["sine"][:-1])


def test_polynomials_bound_a_tanh_in_any_number_of_coordinates():
    """A polynomial of degree 2 k - 1 in b . a is off by at most C rho^-(2 k), and has the rank of its odd powers."""
    m, r, T = 300, 2, 3.0
    factors = UNIFORM(m, m, r, seed=0)
    product = factors.B @ factors.A
    values = np.linalg.svd(np.tanh(product * (T / np.abs(product).max())), compute_uv=False) / m
    rho = math.exp(0.999 * math.asinh(math.pi / 2 / T))
    most = math.tan(T * (rho - 1 / rho) / 2)  # |tanh| on the ellipse of Bernstein that rho belongs to
    for k in range(1, 8):
        rank = sum(math.comb(r + 2 * q, 2 * q + 1) for q in range(k))
        assert values[rank] <= 2 * most * rho ** -(2 * k) / (rho - 1)


@pytest.mark.parametrize("r", [2, 4, 8])
def test_the_stable_rank_of_relu_and_sign_is_a_number_of_r_alone(r):
    """ReLU: pi^2 / 4 at r = 2, up to pi. Sign: up to pi r / 2; its r largest values are equal in a large matrix."""
    mean = math.gamma(r / 2) / (2 * math.sqrt(math.pi) * math.gamma((r + 1) / 2))  # of a unit vector's positive part
    relu, sign = 1 / (2 * r * mean**2), 1 / (4 * mean**2)
    assert relu < math.pi
    assert r < sign < math.pi * r / 2
    values = spectrum(rk.rules.Activation("relu"), 700, r, NORMAL)
    assert np.sum(values**2) == pytest.approx(relu, rel=0.03)
    values = spectrum(ROUGH["sign"][0](1.0), 700, r, NORMAL)
    assert np.sum(values**2) / np.mean(values[:r] ** 2) == pytest.approx(sign, rel=0.03)
    assert np.sum(values**2) <= sign * 1.03


def test_examples_by_hand():
    assert decay_power(0, 1) == decay_power(1, 1) == math.inf
    assert decay_power(0, 1, at_zero=False) == 1.0  # of the integral from zero to x: 2 / (pi (2 n - 1))
    assert decay_power(3, 5) == decay_power(3, 4, at_zero=False)
    assert strip_rate(1.0, 1e12) == pytest.approx(math.pi**2 / 2 / math.log(4e12))
    assert strip_rate(1e6, 1.0) == pytest.approx(
        2 * math.log(4e6), rel=1e-6
    )  # Taylor's series: (reach / width)^2 a value


@pytest.mark.parametrize(("call", "says"), [
    (lambda: decay_power(-1, 2), "derivative must be an integer in 0.."),
    (lambda: decay_power(1, 0), "r must be an integer in 1.."),
    (lambda: strip_rate(0.0, 1.0), "width must be"),
    (lambda: strip_rate(1.0, math.inf), "reach must be"),
])  # fmt: skip
def test_bad_input_is_one_sentence(call, says):
    with pytest.raises(ValueError, match=says):
        call()
