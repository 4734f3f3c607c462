"""Which route is asked when: no count depends on it, and its cost does, as the docstrings and constants say."""

import numpy as np
import pytest
import torch

from rankkit.solvers import counting, nystrom
from rankkit.solvers.counting import count_above
from rankkit.solvers.gram import gram_error
from rankkit.solvers.stack import Stack
from rankkit.solvers.tolerance import Bounds, Threshold, threshold_for
from rankkit.solvers.windows import nearly_full, windowed
from tests.solvers.test_members import P, Q, matrix_of, near

OPEN = Bounds(np.array([0]), np.array([P]))


def work_of(S, rtol: float | None = 1e-3, atol: float | None = None):
    """Return a stack of one matrix and its threshold."""
    return Stack(S[None], threshold_for(S.shape, rtol, atol, np.zeros(1)))


def test_an_svd_is_avoided_from_96_rows_on_and_where_squares_are_numbers():
    for rows, columns, avoided in ((95, 200, False), (96, 96, True), (200, 95, False), (200, 96, True)):
        assert counting._avoidable(work_of(np.ones((rows, columns))), OPEN).tolist() == [avoided]
    for scale, avoided in ((1e-128, False), (1e-120, True), (1e118, True), (1e124, False)):
        assert counting._avoidable(work_of(scale * np.ones((96, 96))), OPEN).tolist() == [avoided]


@pytest.mark.parametrize("absolute", [False, True])
def test_a_gram_matrix_can_tell_where_the_threshold_is_above_four_of_its_roundings(absolute):
    S = matrix_of(np.linspace(3, 0.1, P))
    mean_square = np.sum(S**2) / P
    for roundings, told in ((3.99, False), (4.01, True), (100.0, True)):
        tau = np.sqrt(roundings * float(gram_error(S[None], np.sum(S**2))))
        work = work_of(S, None, tau) if absolute else work_of(S, tau / np.sqrt(mean_square))
        assert counting._tellable(work, OPEN).tolist() == [told]
    assert counting._tellable(work_of(np.ones((90, 90))), OPEN).tolist() == [False]


def test_more_values_than_are_located_one_by_one_take_a_route_for_all_of_them():
    work = work_of(matrix_of(np.ones(P)))
    for lower, upper, many in ((0, 24, False), (0, 25, True), (60, 84, False), (60, 85, True)):
        assert counting._many_open(work, Bounds(np.array([lower]), np.array([upper]))).tolist() == [many]
    untold = work_of(matrix_of(np.ones(P)), 1e-9)
    assert counting._many_open(untold, OPEN).tolist() == [False]


def test_a_low_rank_copy_is_tried_with_up_to_30_percent_of_all_columns():
    assert nystrom._columns(np.array([0, 10, 100])).tolist() == [16, 44, 296]
    work = work_of(matrix_of(np.ones(P)))  # 38 columns at most
    for definite, few in ((0, True), (7, True), (8, False), (100, False)):
        work.definite = np.array([definite])
        assert nystrom.few_directions(work).tolist() == [few]
        assert counting._few(work, OPEN).tolist() == [few]
        assert counting._few(work, Bounds(np.array([0]), np.array([24]))).tolist() == [False]
    device = Stack(torch.as_tensor(work.S), work.threshold)
    assert nystrom.few_directions(device).tolist() == [False]


@pytest.mark.parametrize(("wanted", "rtol", "taken"), [(10, 1e-3, 10), (11, 1e-3, 0), (11, 1e-9, 11), (0, 1e-3, 0)])
def test_samples_are_taken_up_to_a_twelfth_of_all_values_where_a_gram_matrix_can_tell(monkeypatch, wanted, rtol, taken):
    """128 / 12 is 10.7."""
    asked = []
    real = counting.sampled
    monkeypatch.setattr(counting, "sampled", lambda S, k: asked.append(k) or real(S, k))
    monkeypatch.setattr(counting, "sample_size", lambda S, relative: np.array([wanted]))
    bounds = counting._by_sample(work_of(matrix_of(np.r_[1.0, np.full(P - 1, 1e-14)]), rtol))
    assert asked == [taken] * bool(taken)
    assert (bounds.lower[0], bounds.upper[0]) == ((1, 1) if taken else (0, P))


def test_the_threshold_for_samples_is_relative_to_the_largest_that_sigma_1_may_be(monkeypatch):
    seen = []
    monkeypatch.setattr(counting, "sample_size", lambda S, relative: seen.append(relative) or np.array([0]))
    S = 3 * matrix_of(np.ones(P))
    counting._by_sample(work_of(S, None, 0.5))
    np.testing.assert_allclose(seen, [[0.5 / (3 * np.sqrt(P))]], rtol=1e-12)


@pytest.mark.parametrize("few", [1, 24, 25])
def test_up_to_24_values_are_located_one_by_one(few):
    """Below a threshold that nearly all values exceed, and beside one that a factorisation cannot see sharply enough."""
    sigma = np.r_[np.linspace(1, 0.3, P - few), np.full(few, 1e-5)]
    bounds = nearly_full(work_of(matrix_of(sigma), 1e-3))
    assert (bounds.lower[0], bounds.upper[0]) == (P - few, P - few if few <= 24 else P)
    close = near([1e-7] * few, [])
    bounds = windowed(work_of(matrix_of(close), None, 1e-3))
    assert (bounds.lower[0], bounds.upper[0]) == (60, 60 if few <= 24 else 60 + few)


def test_the_first_route_that_decides_is_named():
    U = matrix_of(np.ones(P))
    for S, tolerance, route in (
        (np.diag([3.0, 1.0]), {"rtol": 0.5}, "svd"), (U, {"rtol": 0.5}, "cholesky"),
        (matrix_of(near([1e-4] * 30, [])), {"atol": 1e-3}, "eigenvalues"),
        (matrix_of(near([1e-7] * 3, [])), {"atol": 1e-3}, "inertia"),
        (matrix_of(np.linspace(1, 1e-10, P)), {"rtol": 1e-12}, "svd"),
    ):  # fmt: skip
        found = count_above(S, **tolerance)
        assert found.lower == found.upper
        assert found.route == route


def test_a_definite_part_is_that_of_the_highest_threshold():
    """What exceeds the threshold of the crude bound on sigma_1 exceeds the true one."""
    work = Stack(
        np.stack([matrix_of(np.linspace(1, 0.5, P))] * 2), Threshold(np.full(2, 1e-3), np.zeros(2), np.zeros(2))
    )
    nearly_full(work)
    assert np.all(work.definite >= P - 32)
    assert work.S.shape == (2, Q, P)
