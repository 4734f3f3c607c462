"""LAPACK's routines give the same whether an array lies by rows or by columns, alone or as a part of a larger one."""

import numpy as np
import pytest

from rankkit.solvers import lapack

P, K = 24, 9


def laid_out(A, order, part):
    """Return A as a new array that lies in memory by rows ("C") or by columns ("F"), with NaN all around it."""
    if not part:
        return np.array(A, order=order)
    room = np.full((A.shape[0] + 5, A.shape[1] + 7), np.nan, order=order)
    inner = room[2 : 2 + A.shape[0], 3 : 3 + A.shape[1]]
    inner[...] = A
    return inner


def definite(seed=0):
    X = np.random.default_rng(seed).standard_normal((P, 2 * P))
    return X @ X.T


@pytest.fixture(params=["C", "F"])
def order(request):
    return request.param


@pytest.fixture(params=["C", "F"])
def other(request):
    return request.param


@pytest.fixture(params=[False, True], ids=["whole", "part"])
def part(request):
    return request.param


@pytest.mark.parametrize("shape", [(P, K), (K, P), (P, P)])
def test_a_gram_matrix_stands_in_its_lower_triangle(shape, order, part):
    S = np.random.default_rng(1).standard_normal(shape)
    G = lapack.product(laid_out(S, order, part))
    np.testing.assert_allclose(G, np.tril(S.T @ S if shape[0] > shape[1] else S @ S.T), atol=1e-12)


def test_cholesky_and_the_systems_it_solves(order, other, part):
    A = definite()
    C = laid_out(np.tril(A), order, part)
    assert lapack.cholesky(C, P) == P
    L = np.linalg.cholesky(A)
    np.testing.assert_allclose(C, L, atol=1e-10)
    for transposed in (False, True):
        for count in (1, 5):
            right = np.random.default_rng(2).standard_normal((count, P))
            rows = laid_out(right, other, part)
            lapack.solve(C, P, rows, transposed=transposed)
            np.testing.assert_allclose(rows, np.linalg.solve(L.T if transposed else L, right.T).T, atol=1e-10)


def test_cholesky_tells_how_far_it_ran(order, part):
    A = definite()
    A[K, K] = -1.0
    assert lapack.cholesky(laid_out(np.tril(A), order, part), P) == K
    assert lapack.cholesky(laid_out(np.tril(A), order, part), K) == K
    assert lapack.cholesky(np.array(np.tril(A), dtype=np.float32, order=order), P) == K


def test_pivoted_factors_solve(order, part):
    A = definite() - 40 * np.eye(P)
    T = laid_out(np.tril(A), order, part)
    pivots = lapack.symmetric_factored(T)
    right = np.random.default_rng(3).standard_normal((4, P))
    rows = right.copy()
    lapack.symmetric_solve(T, pivots, rows)
    np.testing.assert_allclose(rows @ A, right, atol=1e-9)


def test_products(order, other, part):
    A, F = definite(), np.random.default_rng(4).standard_normal((P, K))
    T = laid_out(np.tril(A), order, part)
    lapack.subtract_outer(T, laid_out(F, other, part))
    np.testing.assert_allclose(np.tril(T), np.tril(A - F @ F.T), atol=1e-11)
    G, x, y = laid_out(np.tril(A), order, part), F[:, 0].copy(), F[:, 1].copy()
    np.testing.assert_allclose(lapack.symmetric_times(G, x), A @ x, atol=1e-11)
    np.testing.assert_allclose(lapack.symmetric_times(G, x, 0.5, (-2.0, y)), A @ x / 2 - 2 * y, atol=1e-11)
    np.testing.assert_array_equal(y, F[:, 1])
    np.testing.assert_allclose(lapack.symmetric_product(G, F), A @ F, atol=1e-11)
    rest = lapack.outer_subtracted(G, laid_out(F, other, part))
    np.testing.assert_allclose(np.tril(rest), np.tril(A - F @ F.T), atol=1e-11)
    np.testing.assert_array_equal(np.tril(G), np.tril(A))
