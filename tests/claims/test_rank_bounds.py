"""Certified bounds on the rank of a sine: never violated, sometimes equal, no worse than their twin in floats by much."""

from fractions import Fraction

import numpy as np
import pytest

import rankkit as rk
from rankkit.claims import certified_rank_bounds


@pytest.mark.parametrize("seed", range(60))
def test_they_hold_for_random_factors(seed):
    rng = np.random.default_rng(seed)
    m, n, r = (int(k) for k in rng.integers(1, 9, 3))
    B, A = rng.uniform(-1, 1, (m, r)), rng.uniform(-1, 1, (r, n))
    omega, eps = float(10 ** rng.uniform(-2, 2)), float(10 ** rng.uniform(-6, 0.5))
    lower, upper = certified_rank_bounds(B, A, omega, eps)
    sigma = np.linalg.svd(np.sin(omega * (B @ A)), compute_uv=False)
    assert lower <= np.sum(sigma > eps + 1e-12)
    assert upper >= np.sum(sigma > eps + 1e-12)
    assert upper <= min(m, n)


def test_they_meet_where_the_sine_is_nearly_linear_and_where_it_is_noise():
    rng = np.random.default_rng(0)
    B, A = rng.uniform(-1, 1, (12, 1)), rng.uniform(-1, 1, (1, 12))
    assert certified_rank_bounds(B, A, 0.01, 1e-3) == (1, 1)
    lower, upper = certified_rank_bounds(B, A, 1.0, 1e-3)
    assert lower >= 1
    assert upper <= 3
    assert certified_rank_bounds(B, A, 1e-9, 1.0) == (0, 0)


def test_they_are_near_their_twin_in_floats():
    factors = rk.initializers.KaimingUniform()(20, 20, 2, seed=1)
    for omega in (0.5, 2.0, 8.0):
        lower, upper = certified_rank_bounds(factors.B, factors.A, omega, 1e-2)
        twin = rk.rank_bounds(factors, rk.rules.Sine(omega, gain=1.0), 1e-2)
        assert abs(lower - twin.lower) <= 1
        assert upper <= twin.upper + 4  # the twin may take Legendre's bound


def test_a_threshold_at_a_singular_value_of_an_exact_matrix():
    # sin of zeros: all values are 0; of one entry pi/2 nearly: one value just below 1
    half_pi = [[Fraction(355, 226)]]
    assert certified_rank_bounds(half_pi, [[1]], 1, Fraction(999999, 1000000)) == (1, 1)
    assert certified_rank_bounds(half_pi, [[1]], 1, 1)[0] == 0


@pytest.mark.parametrize(
    ("B", "A", "eps", "said"),
    [
        ([[1.0]], [[1.0]], 0.0, "eps must be a number that is finite and > 0"),
        ([[float("nan")]], [[1.0]], 1.0, "finite"),
        ([[1.0, 2.0]], [[1.0]], 1.0, "B must be"),
    ],
)
def test_bad_input_is_one_sentence(B, A, eps, said):
    with pytest.raises(ValueError, match=said):
        certified_rank_bounds(B, A, 1.0, eps)
