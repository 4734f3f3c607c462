"""Every bound is what its docstring states, term by term: neither smaller nor larger, with each of its constants.

A term of rounding is far below the last digit of what it is added to. Most tests here therefore let a solver believe in a
coarse unit roundoff, 2^-21, under which every term shows.
"""

import math

import numpy as np
import pytest

import rankkit as rk
from rankkit import testing as laws
from rankkit.products import Kronecker
from rankkit.solvers import counting as counting_module
from rankkit.solvers import economical as economical_module
from rankkit.solvers import factored as factored_module
from rankkit.solvers import gram as gram_module
from rankkit.solvers import lapack
from rankkit.solvers import leading as leading_module
from rankkit.solvers import located as located_module
from rankkit.solvers import nystrom as nystrom_module
from rankkit.solvers import sampled as sampled_module
from rankkit.solvers import top as top_module
from rankkit.solvers.gram import Gram, eigenvalue_bounds, gram, gram_error
from rankkit.solvers.inertia import inertia
from rankkit.solvers.kronecker import kronecker
from rankkit.solvers.leading import leading
from rankkit.solvers.located import located
from rankkit.solvers.solution import EPS, ROUNDOFF, Solution, energy
from rankkit.solvers.stack import Stack
from rankkit.solvers.tolerance import Edges, Threshold, default_rtol, threshold_for
from tests.solvers.test_count_bounds import EDGE, WINDOW, kronecker_of, off
from tests.solvers.test_worst_rounding import NEARLY, sampled_with

ROOM = 8  # roundings beside those of a sum, as docstrings say
COARSE = 2.0**-20  # in place of EPS
P, Q = 48, 60


@pytest.fixture
def coarse(monkeypatch):
    """Let a module believe in a coarse unit roundoff."""

    def believe(module):
        for name, value in (("EPS", COARSE), ("ROUNDOFF", COARSE / 2)):
            if hasattr(module, name):
                monkeypatch.setattr(module, name, value)

    return believe


def diagonal(sigma, rows=Q):
    S = np.zeros((1, rows, len(sigma)))
    S[0, range(len(sigma)), range(len(sigma))] = sigma
    return S


SIGMA = np.r_[1.0, np.linspace(0.9, 0.5, P - 2), 1e-2]


# Gram matrices


def test_the_rounding_of_a_gram_matrix():
    for shape in ((60, 6), (6, 60), (7, 7)):
        S = np.random.default_rng(0).standard_normal((3, *shape))
        np.testing.assert_allclose(
            gram_error(S, energy(S)), ROUNDOFF * (max(shape) + ROOM) * np.sum(S**2, axis=(1, 2)), rtol=1e-13
        )


@pytest.mark.parametrize("error", [0.0, 1e-5])
def test_bounds_from_eigenvalues(coarse, error):
    coarse(gram_module)
    G = gram(diagonal(3 * SIGMA), energy(diagonal(3 * SIGMA)))._replace(error=np.array([error]))
    low, high = eigenvalue_bounds(G)
    off = error + COARSE * P * 9
    np.testing.assert_allclose(low[0], np.sqrt(np.maximum((3 * SIGMA) ** 2 - off, 0)), rtol=1e-9)
    np.testing.assert_allclose(high[0], np.sqrt((3 * SIGMA) ** 2 + off), rtol=1e-9)


def test_values_lie_in_the_middle_of_their_squares():
    """The error is the farther of two ends, which are not equally far."""
    sigma = np.r_[np.linspace(1, 0.5, 250), np.geomspace(1e-3, 1e-6, 10)]
    S = diagonal(sigma, 300)[0]
    found = economical_module._by_eigenvalues(S[None], energy(S[None]))
    low, high = eigenvalue_bounds(gram(S[None], energy(S[None])))
    np.testing.assert_allclose(found.values**2, (low**2 + high**2) / 2, rtol=1e-13)
    np.testing.assert_array_equal(found.error, np.maximum(found.values - low, high - found.values))


# sigma_1


def test_a_row_sum(coarse):
    coarse(top_module)
    S = 2 * np.ones((1, Q, P))
    S[0, 0] = -1.0  # of both signs
    G = gram(S, energy(S))._replace(error=np.array([1e-2]))
    whole = S[0].T @ S[0]
    rows = np.max(np.sum(np.abs(whole), axis=1))
    np.testing.assert_allclose(top_module.row_sum_top(G), np.sqrt(rows * (1 + COARSE * P) + 1e-2), rtol=1e-12)
    negative = G._replace(matrix=np.tril(np.where(np.eye(P) > 0, 5.0, -1.0))[None], error=np.zeros(1))
    np.testing.assert_allclose(top_module.row_sum_top(negative), np.sqrt((P + 4) * (1 + COARSE * P)), rtol=1e-12)


def test_the_rounding_of_a_lanczos_value(coarse):
    coarse(top_module)
    S = np.outer(np.ones(Q), np.arange(1.0, P + 1))[None]  # of rank one: the first vector is the right one
    norm = np.linalg.norm(S[0])
    for steps in (2, 16):
        low = top_module.lanczos_low(gram(S, energy(S)), steps)
        np.testing.assert_allclose(low, norm * (1 - COARSE * (P + Q)), rtol=1e-9)
    np.testing.assert_array_equal(top_module.lanczos_low(gram(0 * S, energy(0 * S))), [0.0])


def test_a_lanczos_process_ends_where_it_has_seen_all_values():
    """In so many steps as there are different singular values the Ritz value is sigma_1 itself."""
    rows = np.random.default_rng(0).standard_normal((Q, Q))
    sigma = np.r_[1.0, np.repeat([0.99, 0.98, 0.9, 0.5], [20, 10, 10, 7])]
    S = ((np.linalg.qr(rows)[0][:, :P] * sigma) @ laws.orthogonal(1, P))[None]
    G = gram(S, energy(S))
    assert 1 - 1e-11 < top_module.lanczos_low(G, 5)[0] <= 1
    assert top_module.lanczos_low(G, 3)[0] < 1 - 1e-6


@pytest.mark.parametrize(("single", "beside"), [(True, 0), (False, 0), (True, 1), (False, 2)])
def test_what_a_cholesky_factorisation_proves(monkeypatch, single, beside):
    """(p + 8) roundings of the largest row sum of |R| times the largest column sum, whose own rounding is p each."""
    units = {"SINGLE": 2.0**-11, "ROUNDOFF": 2.0**-12}
    for name, value in units.items():
        monkeypatch.setattr(top_module, name, value)
    unit = units["SINGLE" if single else "ROUNDOFF"]

    def cholesky(matrix, p):
        assert matrix.dtype == (np.float32 if single else np.float64)
        np.copyto(matrix, np.eye(p))
        matrix[0, 1] = -beside  # the first row sums to 1 + beside
        matrix[2:5, 1] = beside  # and the second column, with its 1, to 1 + 4 beside
        return p

    monkeypatch.setattr(lapack, "cholesky", cholesky)
    G = gram(diagonal(SIGMA), energy(diagonal(SIGMA)))._replace(error=np.array([1e-3]))
    sums = (1 + beside, 1 + 4 * beside)
    rounding = unit * (P + ROOM) * sums[0] * sums[1] * (1 + 2 * unit * P) ** 2
    for guess in (2.0, 5.0):
        expected = np.sqrt(guess**2 * (1 + rounding) + 1e-3)
        np.testing.assert_allclose(top_module._proved(G, np.array([guess]), single=single), expected, rtol=1e-9)
    assert np.isinf(top_module._proved(G, np.zeros(1), single=single)).all()  # no guess, no proof


# located values


def test_roundings_of_located_values(coarse):
    sigma = np.r_[np.linspace(1, 0.5, P - 4), np.linspace(2e-3, 1e-3, 4)]
    S = diagonal(sigma)
    G = gram(S, energy(S))
    close = inertia(G, np.array([1.5e-3**2]), 1)
    coarse(located_module)
    values = located(G, close, 4)
    width = values.values.shape[-1]
    skew = COARSE * (P + ROOM) * width
    np.testing.assert_allclose(values.norm, np.sqrt(1 - skew), rtol=1e-9)
    rounding = COARSE / 2 * (Q + 2 * ROOM + (P + 2 * width) * np.sqrt(width)) * np.sqrt(G.energy) * (1 + skew)
    np.testing.assert_allclose(values.rounding, rounding, rtol=1e-9)
    squared = COARSE * (Q + width + ROOM) * np.sum(values.values**2)
    smallest = (np.sqrt(np.sort(values.values[0]) ** 2 + squared) + rounding[0]) / np.sqrt(1 - skew)
    np.testing.assert_allclose(values.smallest[0], smallest, rtol=1e-6)


def test_an_open_interval_holds_neither_of_its_ends():
    for at in (0.5, 1.0, 2.0):
        assert off([at]).between(*WINDOW, EDGE) == (0, 0)
    # a value on an end of the window is not in it, and spoils the bound of no other
    for at in (0.5, 2.0):
        assert off([at, 1.5], residual=1e-3).between(*WINDOW, EDGE) == (1, 0)
        assert off([at, 0.75], residual=1e-3).between(*WINDOW, EDGE) == (0, 1)


def test_a_value_as_far_off_as_its_error_counts_on_neither_side():
    for side in (1, -1):
        for error in ({"residual": 0.25}, {"rounding": 0.25}):
            assert off([1 + side * 0.25], **error).between(*WINDOW, EDGE) == (0, 0)
    # the same at both ends of the window, whose values lie outside
    assert off([0.625], residual=0.125).between(*WINDOW, EDGE) == (0, 0)
    assert off([1.75], residual=0.25).between(*WINDOW, EDGE) == (0, 0)


def test_without_an_end_a_window_holds_all_that_is_beyond_its_edge():
    none = np.array([-np.inf]), np.array([np.inf])
    found = off([0.1, 0.9, 1.1, 7.0], residual=1e-3).between(*none, EDGE)
    assert (found.lower[0], found.upper[0]) == (2, 2)


def test_a_pair_takes_part_where_its_residual_times_the_root_of_their_number_is_small_enough():
    """Three pairs would reach across the edge together; the fourth counts by itself."""
    values = off([1.4, 1.45, 1.5, 1.1])._replace(residual=np.array([[0.08, 0.08, 0.08, 1e-9]]))
    assert values.between(*WINDOW, EDGE).lower[0] == 1


def test_the_value_nearest_to_a_threshold():
    values, inside = off([0.4, 0.9, 1.2, 2.1]), (np.array([0.5]), np.array([2.0]))
    for threshold, above in ((1.0, False), (1.1, True), (1.9, False), (0.55, True), (0.42, True), (2.05, False)):
        assert values.nearest(*inside, np.array([threshold]))[0] == above


# a low-rank copy


@pytest.mark.parametrize(("square", "copy", "k"), [(2.0, 1.0, 3), (3.0, 4.0, 5), (1.0, 1.0, 1)])
def test_the_error_of_a_low_rank_copy(coarse, square, copy, k):
    """G and F F^T are multiples of one matrix of rank one: ||R||_F, and each rounding of its docstring."""
    coarse(nystrom_module)
    unit = COARSE / 2
    G = Gram(np.zeros((1, P, P)), np.tril(np.full((P, P), square / P))[None], np.array([square]), np.array([1e-3]))
    F = np.full((P, k), np.sqrt(copy / P / k))
    low, high = nystrom_module._values(G, F)
    measured = abs(square - copy) * np.sqrt(1 + COARSE * P * P)
    rounding = unit * ((k + ROOM) * (square + copy) + (P + ROOM) * copy) + COARSE * k * copy
    error = measured + rounding + 1e-3
    values = np.r_[copy, np.zeros(P - 1)]
    np.testing.assert_allclose(high[0] ** 2 - values, np.full(P, error), rtol=1e-9, atol=1e-14)
    np.testing.assert_allclose(low[0], np.sqrt(np.maximum(values - error, 0)), rtol=1e-9, atol=1e-14)


# samples of the range


@pytest.mark.parametrize("t", [1e-2, 0.2, 0.45])
def test_the_error_of_samples(coarse, monkeypatch, t):
    coarse(sampled_module)
    S = diagonal(np.r_[2.0, 0.5, t, np.zeros(27)], 40)
    solution = sampled_with(monkeypatch, S, np.eye(40)[:, :2])
    rounding = 4 * COARSE * (40 + 2) * np.sqrt(2) * np.sqrt(4 + 0.25 + t**2)
    largest = t + rounding
    errors = [min(largest, largest**2 / 2), min(largest, largest**2 / 0.5), *[largest] * 28]
    np.testing.assert_allclose(solution.values[0], [2, 0.5, *[0] * 28], rtol=1e-12)
    np.testing.assert_allclose(solution.noise_floor[0], np.array(errors) + rounding, rtol=1e-9)


def with_corner(sigma, size, stride):
    """Return a matrix whose evenly spaced submatrix has these singular values."""
    corner = (laws.orthogonal(0, size)[:, : len(sigma)] * sigma) @ laws.orthogonal(1, size)[:, : len(sigma)].T
    S = np.zeros((1, size * stride, size * (stride + 1)))
    S[0, ::stride, :: stride + 1] = corner
    return S


def test_as_many_samples_as_values_above_a_tenth_of_the_threshold_and_eight_more():
    for few in (1, 3, 7, 16, 17):
        # `few` values just above a tenth of 1e-2, the others just below it
        S = with_corner(np.r_[1.0, np.full(few - 1, 1.01e-3), np.full(32 - few, 0.99e-3)], 32, 4)
        assert sampled_module.sample_size(S, np.array([1e-2]))[0] == (few + 8 if few + 8 <= 24 else 0)
    flat = with_corner(np.r_[np.ones(9), np.full(23, 1e-9)], 32, 4)  # more than an eighth of 32 large values
    assert sampled_module.sample_size(flat, np.array([1e-2]))[0] == 0
    few = with_corner(np.r_[np.ones(8), np.full(24, 1e-9)], 32, 4)
    assert sampled_module.sample_size(np.stack([few[0], S[0]]), np.full(2, 1e-2)).tolist() == [16, 0]


# leading values


@pytest.mark.parametrize("tol", [1e-1, 1e-2, 1e-4])
@pytest.mark.parametrize("k", [1, 4])
def test_leading_values_are_as_exact_as_they_claim_and_as_they_have_to_be(k, tol):
    sigma = 5 * np.r_[np.linspace(1, 0.6, 20), np.linspace(0.55, 0.1, 180)]
    M = (laws.orthogonal(0, 200) * sigma) @ laws.orthogonal(1, 200)
    solution = leading(M, k, tol=tol)
    assert np.all(np.abs(solution.values - sigma[:k]) <= solution.noise_floor)
    assert solution.noise_floor <= (tol + 1e-12) * solution.values[0]


@pytest.mark.parametrize("k", [1, 2, 3])
def test_the_error_is_the_residuals_of_all_values_and_of_the_second_beside_a_single_one(monkeypatch, k):
    seen, ritz = [], leading_module._Krylov.ritz
    monkeypatch.setattr(leading_module._Krylov, "ritz", lambda self, count: seen.append(ritz(self, count)) or seen[-1])
    sigma = np.r_[np.linspace(1, 0.8, k), np.linspace(0.3, 0.01, 200 - k)]
    solution = leading((laws.orthogonal(0, 200) * sigma) @ laws.orthogonal(1, 200), k, tol=1e-2)
    values, residual = seen[-1]
    assert values.shape == residual.shape == (1, max(k, 2))
    np.testing.assert_allclose(solution.noise_floor, np.linalg.norm(residual), rtol=1e-9, atol=1e-13)
    assert 1e-6 < solution.noise_floor <= 1e-2


def test_the_rounding_of_leading_values(coarse):
    coarse(leading_module)
    M = np.zeros((40, 60))
    M[0, 0] = 3.0
    np.testing.assert_allclose(leading(M, 1).noise_floor, COARSE * 60 * 3.0, rtol=1e-9)


def test_a_block_is_its_part_in_the_basis_and_the_rest():
    rng = np.random.default_rng(0)
    basis = laws.orthogonal(0, 60)[:, :20][None]
    fresh = laws.orthogonal(0, 60)[:, 20:24]
    # how much of each column is new: of some nothing, of others all, in any units
    for sizes in ([1.0], [0.3], [1e-7], [0.0], [1e-7] * 3, [1.0, 1e-7, 1e-3], [1e3, 1e-7, 1.0], [1e-3, 1e-9, 0.0]):
        for scale in (1.0, 1e6, 1e-6):
            width = len(sizes)
            block = scale * (basis[0] @ rng.standard_normal((20, width)) + sizes * fresh[:, :width])[None]
            found = leading_module.split(basis, block)
            back = basis @ found.C + found.Q @ found.R
            np.testing.assert_allclose(back, block, rtol=0, atol=1e-14 * float(np.linalg.norm(block)))
            np.testing.assert_allclose(np.swapaxes(found.Q, -1, -2) @ found.Q, np.eye(width)[None], atol=1e-14)
            assert np.max(np.abs(np.swapaxes(basis, -1, -2) @ found.Q)) < 4 * EPS


def test_where_the_krylov_space_would_be_half_the_matrix_all_values_are_computed(monkeypatch):
    spaces, grow = [], leading_module._Krylov.grow
    monkeypatch.setattr(leading_module._Krylov, "grow", lambda self: grow(self) or spaces.append(self.size))
    M = np.random.default_rng(0).standard_normal((64, 80))
    for k, most in ((1, 32), (4, 30)):  # blocks of one vector, and of k + 2
        spaces.clear()
        solution = leading(M, k, tol=1e-300)
        assert max(spaces) == most
        np.testing.assert_array_equal(solution.values, np.linalg.svd(M, compute_uv=False)[:k])
        assert solution.noise_floor == EPS * 80 * solution.values[0]


# factors


def test_both_qrs_of_a_large_even_core_are_off_by_all_that_they_may_be(monkeypatch):
    """Every column of both triangles is moved by max(m, n) eps of its length, all in the direction that hurts."""
    r, rows = factored_module.LARGE + 8, factored_module.LARGE + 28
    off = NEARLY * rows * EPS * np.ones((r, r)) / np.sqrt(r)  # unit columns, each moved along (1, ..., 1) / sqrt(r)
    for side in (1, -1):
        answers = iter([np.eye(r) + side * off, np.eye(r) + side * off])
        monkeypatch.setattr(factored_module, "_triangles", lambda x, answers=answers: next(answers))
        solution = factored_module.factored(rk.Factors(np.eye(rows, r), np.eye(r)))
        moved = np.abs(solution.values - 1)
        assert np.max(moved) > 1.5 * rows * EPS * np.sqrt(r)
        assert np.all(moved <= solution.relative_error * solution.values)


def test_a_large_core_of_dependent_columns_is_not_even():
    r = factored_module.LARGE + 1
    for least in (0.0, 1e-5):
        assert factored_module._even(np.diag(np.r_[np.ones(r - 1), least]), np.eye(r)) is None


def test_the_absolute_error_of_factors_is_the_product_of_their_norms():
    for m, n, lengths in ((9, 5, (1.0, 1.0, 1.0)), (5, 11, (1.0, 2.0, 3.0))):
        f = rk.Factors(np.eye(m, 3) * lengths, 7 * np.eye(3, n))
        size = np.sqrt(3) * 7 * np.linalg.norm(lengths)
        np.testing.assert_allclose(factored_module.factored(f).noise_floor, EPS * max(m, n) * size, rtol=1e-13)


def test_columns_that_are_dependent_to_rounding_have_no_condition():
    for least, known in ((7 * EPS, False), (9 * EPS, True), (0.0, False)):
        found = factored_module._condition(np.diag(np.r_[np.full(7, 1.0), least]))
        assert found == (pytest.approx(1 / least) if known else math.inf)
    assert factored_module._condition(3 * np.eye(3)) == pytest.approx(1)
    assert factored_module._condition(np.eye(2, 3)) == math.inf


def test_the_absolute_error_of_a_kronecker_product(monkeypatch):
    """(s1 + e1)(s2 + e2) - s1 s2, and the rounding of s1 s2."""
    for e1, e2 in ((0.1, 0.0), (0.0, 0.1), (0.2, 0.3)):
        solution = kronecker_of(monkeypatch, floors=(e1, e2), relatives=(np.inf, np.inf))
        np.testing.assert_allclose(solution.noise_floor, (1.1 + e1) * (1.3 + e2) - 1.1 * 1.3, rtol=1e-12, atol=1e-15)
    monkeypatch.undo()
    one = rk.Factors(np.diag([2.0, 1.0]), np.eye(2))
    np.testing.assert_allclose(kronecker(Kronecker(one, one)).values, [4, 2, 2, 1], rtol=1e-14)


# what a count makes of values and their errors

LOW, HIGH = np.array([1.0, 0.5, 0.25]), np.array([1.125, 0.75, 0.375])


def between(low, high):
    """Return values and errors as solvers state them."""
    return Solution((low + high) / 2, (high - low) / 2, np.full(low.shape[:-1], np.inf))


ROUTES = {
    "factored": (counting_module, "structured", lambda low, high: between(low, high)),
    "sample": (counting_module, "sampled", lambda low, high: between(low[None], high[None])),
    "eigenvalues": (counting_module, "eigenvalue_bounds", lambda low, high: (low[None], high[None])),
    "svd": (counting_module, "dense", lambda low, high: Solution(low[None] + 0.0625, np.array([0.0625]), np.full(1, np.inf))),
    "nystrom": (nystrom_module, "_values", lambda low, high: (low[None], high[None])),
}  # fmt: skip


@pytest.mark.parametrize("route", ROUTES)
def test_a_route_counts_with_the_whole_error_of_every_value(monkeypatch, route):
    """A threshold within the error of a value leaves it open, and one beside it does not."""
    module, name, answer = ROUTES[route]
    high = LOW + 0.125 if route == "svd" else HIGH  # one error for all
    monkeypatch.setattr(module, name, lambda *_: answer(LOW, high))
    monkeypatch.setattr(counting_module, "sample_size", lambda S, relative: np.array([1]))
    monkeypatch.setattr(nystrom_module, "_factor", lambda G, k: np.eye(3))
    S = np.diag(LOW)[None]
    for place in range(3):
        for end in (LOW[place], high[place]):
            for hair in (1e-9, -1e-9):
                threshold = threshold_for((3, 3), None, end + hair, np.zeros(1))
                if route == "factored":
                    found = rk.count_above(rk.Factors(np.diag(LOW), np.eye(3)), atol=end + hair)
                else:
                    found = {
                        "sample": counting_module._by_sample, "eigenvalues": counting_module._by_eigenvalues,
                        "svd": counting_module._by_svd, "nystrom": nystrom_module.low_rank,
                    }[route](Stack(S, threshold))  # fmt: skip
                lower = np.sum(end + hair < LOW)
                assert (int(np.ravel(found.lower)[0]), int(np.ravel(found.upper)[0])) == (
                    lower,
                    np.sum(end + hair < high),
                )


@pytest.mark.parametrize("wrong", [-1.0, math.nan])
def test_no_forming_error_of_a_batch_is_negative(wrong):
    M = np.broadcast_to(np.eye(3), (2, 3, 3))
    for call in (rk.count_above, rk.spectrum_of):
        with pytest.raises(ValueError, match="forming_error must be >= 0"):
            call(M, forming_error=np.array([1e-3, wrong]))
        call(M, forming_error=np.array([1e-3, 0.0]))


# thresholds


def test_the_edges_of_a_threshold():
    rtol, atol, error = np.array([0.1]), np.array([0.0]), np.array([0.01])
    assert Threshold(rtol, atol, error).between(np.array([2.0]), np.array([3.0])) == pytest.approx(
        (0.1 * 3.01 + 0.01, 0.1 * 1.99 - 0.01)
    )
    assert Threshold(0 * rtol, atol + 5, error).between(np.array([2.0]), np.array([3.0])) == pytest.approx((5.01, 4.99))
    assert Threshold(rtol, atol, error).between(np.zeros(1), np.zeros(1)) == Edges(pytest.approx(0.011), 0)


def test_a_value_at_the_threshold_does_not_exceed_it():
    exact = Threshold(np.array([0.0]), np.array([0.5]), np.array([0.0]))
    assert exact.count_bounds(np.array([[1.0, 0.5, 0.25]]), np.zeros((1, 3))) == (1, 1)
    # an error that just reaches the threshold: from above the value may lie at it, from below it can do no more
    assert exact.count_bounds(np.array([[1.0, 0.625, 0.375]]), np.full((1, 3), 0.125)) == (1, 2)
    assert exact.count_bounds(np.array([[1.0, 0.625, 0.375]]), np.full((1, 3), 0.126)) == (1, 3)


def test_a_threshold_relative_to_a_value():
    threshold = Threshold(np.array([0.1, 0.0, 0.0]), np.array([0.0, 3.0, 3.0]), np.zeros(3))
    assert threshold.relative(np.array([2.0, 2.0, 0.0])).tolist() == [0.1, 1.5, 3.0]
    assert default_rtol((512, 300)) == default_rtol((300, 512)) == 512 * 2.0**-23
