"""Exponents of a staircase: against singular values at two small scales, in 120 digits."""

import math

import numpy as np
import pytest

from rankkit.law import POWERS, staircase_exponents


@pytest.mark.parametrize("name", sorted(POWERS))
@pytest.mark.parametrize("r", [1, 2])
def test_exponents_are_those_of_singular_values_in_high_precision(name, r):
    """The ratio of each singular value at two small scales is their ratio to the power stated, in 80 digits."""
    import mpmath

    phi = {
        "linear": lambda x: x, "sine": mpmath.sin, "cosine": mpmath.cos, "sinc": mpmath.sinc,
        "gaussian": lambda x: mpmath.exp(-(x**2)), "sinter": lambda x: x + x * mpmath.sin(x),
    }[name]  # fmt: skip
    rng = np.random.default_rng(r)
    count = 6
    exponents = staircase_exponents(name, r, count=count)
    B, A = rng.uniform(-1, 1, (8, r)), rng.uniform(-1, 1, (r, 8))
    with mpmath.workdps(120):
        scales, logs = (mpmath.mpf(10) ** -4, mpmath.mpf(10) ** -6), []
        for scale in scales:
            S = mpmath.matrix(8, 8)
            for i in range(8):
                for j in range(8):
                    S[i, j] = phi(
                        scale * mpmath.fsum(mpmath.mpf(b) * mpmath.mpf(a) for b, a in zip(B[i], A[:, j], strict=True))
                    )
            values = mpmath.svd_r(S, compute_uv=False)
            logs.append(
                [
                    float(mpmath.log10(values[k])) if values[k] > mpmath.mpf(10) ** -110 else -math.inf
                    for k in range(count)
                ]
            )
    for first, second, exponent in zip(*logs, exponents, strict=True):
        if math.isinf(exponent):
            assert first == second == -math.inf
        else:
            assert (first - second) / 2 == pytest.approx(exponent, abs=0.02)


def test_a_name_its_coefficients_and_their_function_say_the_same():
    count = 40
    named = staircase_exponents("sine", 2, count=count)
    assert np.array_equal(named, staircase_exponents(lambda p: (p % 2) * (-1.0) ** p, 2, count=count))
    coefficients = [0.0 if p % 2 == 0 else 1 / math.factorial(p) for p in range(40)]
    assert np.array_equal(named, staircase_exponents(coefficients, 2, count=count))
    assert not np.array_equal(named, staircase_exponents("cosine", 2, count=count))


def test_degrees_without_end_and_polynomials_both_end():
    far = staircase_exponents("sine", 1, count=2000)  # 1 / 3999! is no float
    assert far[-1] == 3999
    assert staircase_exponents(lambda p: float(p in (1, 3)), 1, count=4).tolist() == [1, 3, math.inf, math.inf]
    assert staircase_exponents([], 3, count=2).tolist() == [math.inf] * 2


@pytest.mark.parametrize(("call", "says"), [
    (lambda: staircase_exponents("tan", 2, count=3), "taylor must be one of linear, sine"),
    (lambda: staircase_exponents("sine", 0, count=3), "r must be an integer >= 1"),
    (lambda: staircase_exponents("sine", 2, count=2.5), "count must be an integer >= 1"),  # pyright: ignore[reportArgumentType]
])  # fmt: skip
def test_bad_input_is_one_sentence(call, says):
    with pytest.raises(ValueError, match=says):
        call()
