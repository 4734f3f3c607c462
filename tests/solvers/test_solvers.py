"""Solvers against 50-digit arithmetic: every value is within the error it states."""

import mpmath as mp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import rankkit as rk
from rankkit import testing as laws
from rankkit.solvers.dense import dense
from rankkit.solvers.factored import LARGE, factored
from rankkit.solvers.leading import leading


def exact_values(B, A):
    """Return the singular values of B A to 50 digits, from the eigenvalues of L^T (A A^T) L with B^T B = L L^T."""
    with mp.workdps(50):
        B, A = mp.matrix(np.asarray(B, float).tolist()), mp.matrix(np.asarray(A, float).tolist())
        L = mp.cholesky(B.T * B)
        squares = mp.eigsy(L.T * (A * A.T) * L, eigvals_only=True)
        return np.array(sorted((float(mp.sqrt(s)) for s in squares), reverse=True))


def exact_dense(M):
    with mp.workdps(50):
        M = mp.matrix(np.asarray(M, float).tolist())
        return np.array(sorted((float(s) for s in mp.svd_r(M, compute_uv=False)), reverse=True))


def within(solution, exact):
    error = np.minimum(solution.noise_floor, solution.relative_error * exact)
    return bool(np.all(np.abs(solution.values - exact) <= error))


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("r", [2, 5, 9])
@pytest.mark.parametrize("seed", range(3))
def test_eight_decades_to_ten_digits(r, dtype, seed, asarray):
    """Each factor carries four of the decades, rotated; the factors as stored are the truth."""
    f = rk.initializers.PrescribedSpectrum(tuple(np.logspace(0, -8, r)))(40, 30, r, seed=seed)
    B, A = f.B.astype(dtype), f.A.astype(dtype)
    exact = exact_values(B, A)
    solution = factored(rk.Factors(asarray(B), asarray(A)))
    assert np.max(np.abs(solution.values - exact) / exact) <= 1e-10
    assert within(solution, exact)
    assert solution.relative_error <= 1e-8


@pytest.mark.parametrize("decades", [0, 2, 3, 8])
def test_large_cores_to_ten_digits_whether_graded_or_not(decades):
    """Half of the decades in each factor; few of them are left to an ordinary SVD, many are not."""
    rng, r = np.random.default_rng(decades), LARGE + 8
    U, G, V = (np.linalg.qr(rng.standard_normal((size, r)))[0] for size in (r + 40, r, r + 20))
    exact = np.logspace(0, -decades, r)
    solution = factored(rk.Factors((U * np.sqrt(exact)) @ G.T, (G * np.sqrt(exact)) @ V.T))
    assert np.max(np.abs(solution.values - exact) / exact) <= 1e-10
    assert within(solution, exact)
    assert solution.relative_error <= 1e-8


@pytest.mark.parametrize("seed", range(6))
def test_columns_of_very_different_lengths_cost_nothing(seed):
    """Sixteen decades in columns that are orthogonal but for their lengths, in any order: full accuracy."""
    rng, r = np.random.default_rng(seed), 6
    lengths = rng.permutation(np.logspace(-8, 0, r))
    B = np.linalg.qr(rng.standard_normal((30, r)))[0] * lengths
    A = (np.linalg.qr(rng.standard_normal((20, r)))[0] * lengths).T
    exact = exact_values(B, A)
    solution = factored(rk.Factors(B, A))
    assert within(solution, exact)
    assert np.max(np.abs(solution.values - exact) / exact) < 1e-14
    assert solution.relative_error < 1e-13


@given(laws.factors(max_rank=4))
def test_factored_values_are_within_their_stated_error(f):
    if f.r > min(f.m, f.n):
        exact = exact_dense(f.B @ f.A)[: min(f.m, f.n)]
        solution = factored(f)
        assert np.all(np.abs(solution.values - exact) <= 2 * solution.noise_floor)
        return
    assert within(factored(f), exact_values(f.B, f.A))


@given(laws.matrices(max_size=7))
def test_dense_values_are_within_their_stated_error(M):
    assert within(dense(M), exact_dense(M))


def test_the_error_bounds_catch_a_planted_fault(asarray):
    """A value off by a part in a million is outside what any solver claims."""
    f = rk.initializers.KaimingUniform()(30, 20, 4, seed=0)
    for solution in (
        factored(f),
        dense(asarray(f.product())),
        leading(asarray(f.product()), 2),
    ):
        k = min(4, solution.values.shape[-1])
        wrong = solution._replace(values=solution.values[..., :k] * (1 + 1e-6))
        assert not within(wrong, exact_values(f.B, f.A)[:k])


@pytest.mark.parametrize("scale", [1e-150, 1.0, 1e150])
def test_extreme_scales_neither_overflow_nor_vanish(scale):
    f = rk.initializers.KaimingUniform()(30, 20, 4, seed=0)
    scaled = factored(rk.Factors(f.B * scale, f.A))
    np.testing.assert_allclose(scaled.values / scale, factored(f).values, rtol=1e-13)


def test_rank_deficient_and_oversized_factors():
    f = rk.Factors(np.ones((6, 3)), np.ones((3, 5)))
    solution = factored(f)
    np.testing.assert_allclose(solution.values, [3 * np.sqrt(30), 0, 0], atol=float(solution.noise_floor))
    assert np.isinf(solution.relative_error)
    wide = rk.initializers.Normal()(3, 4, 9, seed=0)
    np.testing.assert_allclose(factored(wide).values, np.linalg.svd(wide.B @ wide.A)[1], rtol=1e-12)
    zero = factored(rk.Factors(np.zeros((4, 2)), np.ones((2, 4))))
    np.testing.assert_array_equal(zero.values, [0, 0])


@pytest.mark.parametrize("omega", [1.0, 30.0, 2000.0])
@pytest.mark.parametrize("k", [1, 5])
def test_leading_values_are_the_dense_ones(omega, k, asarray):
    f = rk.initializers.KaimingUniform()(200, 150, 2, seed=1)
    M = rk.rules.Sine(omega)(f)
    solution, full = leading(asarray(M), k), dense(M)
    assert np.all(np.abs(solution.values - full.values[:k]) <= solution.noise_floor + full.noise_floor)
    assert solution.noise_floor <= 2e-9 * solution.values[0]


@given(st.integers(1, 4), laws.seeds)
def test_leading_finds_equal_values(k, seed):
    """Multiplicity up to k: a Krylov space from one vector would show sigma_1 once only."""
    sigma = np.r_[np.full(k, 2.0), np.linspace(1, 0.1, 36)]
    U, V = laws.orthogonal(seed, 40 + k)[:, : 36 + k], laws.orthogonal(seed + 1, 36 + k)
    solution = leading((U * sigma) @ V, k)
    np.testing.assert_allclose(solution.values, np.full(k, 2.0), rtol=1e-9)


def test_leading_in_batches_and_on_a_zero_matrix(asarray):
    M = np.stack([np.zeros((60, 50)), np.random.default_rng(0).standard_normal((60, 50))])
    solution = leading(asarray(M), 2)
    np.testing.assert_allclose(solution.values, np.linalg.svd(M, compute_uv=False)[:, :2], rtol=1e-9)
