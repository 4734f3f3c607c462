"""Bounds are no wider than they have to be, and what stands behind them is as exact as they take it to be.

An error that is too large is true and useless: it leaves counts open and sends every matrix to the slowest route.
"""

import numpy as np
import pytest
import torch

import rankkit as rk
from rankkit import spectrum as spectrum_module
from rankkit import testing as laws
from rankkit.solvers import economical as economical_module
from rankkit.solvers import factored as factored_module
from rankkit.solvers import kronecker as kronecker_module
from rankkit.solvers import lapack
from rankkit.solvers import leading as leading_module
from rankkit.solvers import located as located_module
from rankkit.solvers import top as top_module
from rankkit.solvers.dense import dense
from rankkit.solvers.gram import gram_error
from rankkit.solvers.inertia import inertia
from rankkit.solvers.inverse import solved
from rankkit.solvers.located import located
from rankkit.solvers.solution import EPS, Solution, portions
from rankkit.solvers.stack import Stack
from rankkit.solvers.tolerance import threshold_for
from rankkit.solvers.windows import windowed
from tests.solvers.test_count_bounds import UPDATE, P, Q, gram_of
from tests.solvers.test_worst_rounding import NEARLY, Replaced


@pytest.mark.parametrize("batch", [(), (100,), (9, 50)])
def test_the_error_of_an_svd_is_of_one_matrix_and_not_of_its_batch(batch):
    solution = dense(np.broadcast_to(np.eye(3, 4), (*batch, 3, 4)))
    np.testing.assert_array_equal(solution.noise_floor, np.full(batch, 4 * EPS))


def test_a_stack_on_a_device_is_worked_at_once():
    assert portions(torch.zeros(5, 3, 2)) == [slice(0, 5)]
    assert portions(torch.zeros(0, 3, 2)) == []
    assert portions(np.zeros((2, 3, 2))) == [slice(0, 1), slice(1, 2)]


def test_a_block_that_lies_in_the_basis_becomes_new_directions():
    basis = laws.orthogonal(0, 60)[:, :20][None]
    for block in (basis[..., :4] @ np.ones((4, 3)), basis[..., :1]):
        found = leading_module.split(basis, block)
        assert np.max(np.abs(np.swapaxes(basis, -1, -2) @ found.Q)) < 4 * EPS
        np.testing.assert_allclose(np.swapaxes(found.Q, -1, -2) @ found.Q, np.eye(found.Q.shape[-1])[None], atol=1e-14)


def test_a_krylov_method_stops_at_the_accuracy_that_is_documented(monkeypatch):
    asked = []
    monkeypatch.setattr(
        spectrum_module, "leading", lambda M, k, tol: asked.append(tol) or leading_module.leading(M, k, tol=tol)
    )
    rk.spectrum_of(np.eye(64), top=2)
    assert asked == [1e-9]


# values from a Gram matrix


@pytest.mark.parametrize("scale", [1.0, 4.0])
def test_a_gram_matrix_gives_the_values_and_no_svd(monkeypatch, scale):
    p = 260
    sigma = scale * np.r_[np.linspace(1, 0.5, p - 40), np.geomspace(0.1, 1e-3, 40)]
    S = np.diag(sigma)
    monkeypatch.setattr(economical_module, "dense", lambda S: pytest.fail("an SVD was made"))
    solution = economical_module.economical(S, 1e-3)
    floor = np.asarray(solution.noise_floor)
    stated = 2 * float(gram_error(S[None], np.sum(sigma**2))) + 2 * p * EPS * sigma[0] ** 2
    assert np.all(np.abs(solution.values - sigma) <= floor)
    assert np.all(floor <= 2 * stated / sigma)  # of a square root: half the error of the square over the value


@pytest.fixture
def asked(monkeypatch):
    """Return the list in which `economical` leaves the routes that it asks."""
    routes = []
    for route, name in (("sample", "sampled"), ("eigenvalues", "eigenvalue_bounds"), ("svd", "dense")):
        real = getattr(economical_module, name)
        monkeypatch.setattr(
            economical_module, name, lambda *given, real=real, route=route: routes.append(route) or real(*given)
        )
    return routes


@pytest.mark.parametrize(
    ("decades", "tol", "routes"),
    [(300, 1e-3, ["sample"]), (300, 1e-9, ["sample"]), (3, 1e-3, ["eigenvalues"]), (3, 1e-14, ["eigenvalues", "svd"])],
)
def test_all_values_come_from_the_cheapest_route_that_is_exact_enough(asked, decades, tol, routes):
    turn = laws.orthogonal(0, 256)
    sigma = 2 * np.geomspace(1, 10.0**-decades, 256)
    S = (turn * sigma) @ turn.T
    solution = economical_module.economical(S, tol)
    assert asked == routes
    assert np.all(np.abs(solution.values - sigma) <= solution.noise_floor + 256 * EPS)
    assert np.all(solution.noise_floor <= max(tol, 256 * EPS) * solution.values[0])


def test_samples_that_miss_a_value_are_not_believed(asked):
    """The evenly spaced submatrix shows a single value, and the matrix has 64 others that are larger."""
    S = np.zeros((256, 256))
    S[0, 0] = 1e-3
    S[range(1, 255, 4), range(1, 255, 4)] = np.linspace(2, 1, 64)
    solution = economical_module.economical(S, 1e-4)
    assert asked == ["sample", "eigenvalues"]
    assert np.all(np.abs(solution.values - np.linalg.svd(S, compute_uv=False)) <= solution.noise_floor)
    assert np.all(solution.noise_floor <= 1e-4 * 2)


# the product of two parts


@pytest.mark.parametrize(("one", "two"), [(1.0, 1024.0), (1024.0, 1.0)])
def test_the_rounding_of_a_kronecker_product_is_that_of_its_largest_value(monkeypatch, one, two):
    parts = iter(Solution(np.array([x, x / 2]), np.asarray(0.0), np.asarray(np.inf)) for x in (one, two))
    monkeypatch.setattr(kronecker_module, "factored", lambda part: next(parts))
    assert kronecker_module.kronecker(UPDATE).noise_floor == EPS * one * two


def test_the_condition_of_an_even_core_is_in_its_error():
    rows, r = 200, factored_module.LARGE + 8
    U, V = laws.orthogonal(0, rows)[:, :r], laws.orthogonal(1, rows)[:, :r]
    stated = []
    for least in (1.0, 1e-3):
        turn = laws.orthogonal(2, r)
        B = U @ (turn * np.geomspace(1, least, r)) @ laws.orthogonal(3, r)
        unit = B / np.linalg.norm(B, axis=0)
        even = factored_module._even(np.linalg.qr(unit)[1], np.linalg.qr(V)[1])
        assert even is not None
        values, condition = even
        assert condition * values[-1] >= 2 * values[0]  # twice the product of both norms over the least value
        stated.append(condition)
    assert stated[0] <= 3 * np.sqrt(r)  # both norms are one, and the bound on each is at most sqrt(r)
    assert stated[1] > 30 * stated[0]


# what counts rest on


def test_a_solution_leaves_its_right_hand_side_alone():
    G = gram_of(np.r_[np.linspace(1, 0.5, P - 6), np.linspace(2e-3, 1e-3, 6)], Q)
    found = inertia(G, np.array([1.5e-3**2]), 1)
    columns = np.random.default_rng(0).standard_normal((1, P, 3))
    kept = columns.copy()
    solved(found, columns)
    np.testing.assert_array_equal(columns, kept)


def test_vectors_that_are_not_orthonormal_to_rounding(monkeypatch):
    """The products x^T x come out as orthonormal, and each is off by a sum of p products."""
    real = located_module.namespace
    monkeypatch.setattr(
        located_module, "namespace", lambda x: Replaced(real(x), matrix_norm=lambda x: np.zeros(x.shape[:-2]))
    )
    G = gram_of(np.r_[np.linspace(1, 0.5, P - 6), np.linspace(2e-3, 1e-3, 6)], Q)
    values = located(G, inertia(G, np.array([1.5e-3**2]), 1), 6)
    width = values.values.shape[-1]
    assert values.norm[0] ** 2 <= 1 - NEARLY * P * EPS * width
    assert values.norm[0] ** 2 >= 1 - 2 * P * EPS * width


def test_sums_of_a_cholesky_factor_that_have_lost_all_they_may(monkeypatch):
    """The largest row and column sums are each short by p roundings. A coarse unit makes that visible."""
    unit = 2.0**-12
    monkeypatch.setattr(top_module, "SINGLE", unit)
    G = gram_of(np.r_[1.0, np.full(P - 1, 1e-3)])._replace(error=np.zeros(1))

    def cholesky(matrix, p):
        np.copyto(matrix, np.eye(p) + np.eye(p, k=-1))  # row and column sums are 2
        return p

    monkeypatch.setattr(lapack, "cholesky", cholesky)
    real = top_module._sums
    monkeypatch.setattr(top_module, "_sums", lambda size: [x * (1 - NEARLY * P * unit) for x in real(size)])
    short = 0.97 * 4 * P * unit
    assert top_module._proved(G, np.sqrt([1 - short]))[0] >= 1


@pytest.mark.parametrize("gap", [1e-8, -1e-8, 1e-7, -1e-7])
def test_a_value_between_the_edges_is_located_and_counted(gap):
    """One value is nearer to the threshold than the rounding of G lets a factorisation see: the window still decides."""
    sigma = np.r_[np.linspace(1, 0.3, 60), 1e-3 * (1 + gap), np.full(67, 1e-5)]
    S = (laws.orthogonal(0, 128) * sigma) @ laws.orthogonal(1, 128)
    bounds = windowed(Stack(S[None], threshold_for((128, 128), None, 1e-3, np.zeros(1))))
    assert bounds.lower == bounds.upper == 60 + (gap > 0)
