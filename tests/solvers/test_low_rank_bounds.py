"""The bounds from a low-rank copy of G with kernels that are wrong by all that their analysis permits, all at once.

G and its copy F F^T are multiples of one matrix v v^T of equal entries: its Frobenius norm is its 2-norm and its trace, so
that no bound on it is wider than the truth. `python -m tests.mutants` removes the terms one by one: these tests notice each.
"""

import numpy as np
import pytest

from rankkit.solvers import lapack, nystrom
from rankkit.solvers.gram import Gram, gram
from rankkit.solvers.solution import EPS, ROUNDOFF, energy
from rankkit.solvers.stack import Stack
from rankkit.solvers.tolerance import threshold_for
from tests.solvers.test_worst_rounding import NEARLY, Replaced

P = 128
OF_ONE = np.full((P, P), 1 / P)  # v v^T for the unit vector v of equal entries, exactly


def multiple(value, error=0.0):
    """Return `value` v v^T as a Gram matrix, whose rounding may have moved it by so much."""
    return Gram(np.zeros((1, P, P)), np.tril(value * OF_ONE)[None], np.array([value]), np.array([error]))


def holds(bounds, square):
    """Return whether bounds hold the singular values of a matrix: the root of this, and zeros."""
    low, high = bounds
    truth = np.r_[np.sqrt(square), np.zeros(P - 1)]
    return bool(np.all(low[0] <= truth) and np.all(truth <= high[0]))


@pytest.mark.parametrize("square", [2.0, 0.5])
def test_what_the_copy_lacks_is_in_the_error(square):
    """G is twice the copy, or half of it: the eigenvalue is off by ||R||_F, of which half stands in each triangle."""
    column = np.full((P, P), 1 / P)  # F: all columns are equal, and F F^T = v v^T
    bounds = nystrom._values(multiple(square), column)
    assert holds(bounds, square)
    assert bounds[1][0, 0] ** 2 <= 1 + abs(square - 1) * (1 + 1e-11)  # and the error is not more than that


def test_the_sum_of_the_rests_squares_is_rounded(monkeypatch):
    """p^2 squares, whose sum has lost all that it may."""

    class Sums(Replaced):
        def sum(self, x):
            return np.sum(x) * (1 - NEARLY * P * P * ROUNDOFF * (x.size == P * P))

    monkeypatch.setattr(nystrom, "np", Sums(np))
    assert holds(nystrom._values(multiple(4.0), np.full((P, 1), P**-0.5)), 4.0)


@pytest.mark.parametrize("side", [1, -1])
def test_four_roundings_in_one_direction(monkeypatch, side):
    """R comes out as zero, and F^T F, its eigenvalues and G have each moved away from the truth by all they may."""
    of_rest = NEARLY * (P + 1) * ROUNDOFF * 2  # of |G| and of |F||F|^T
    of_product = NEARLY * P * ROUNDOFF
    of_eigenvalues = NEARLY * P * EPS
    error = P * ROUNDOFF
    square = 1 + side * (of_rest + NEARLY * error)
    product = lapack.product
    monkeypatch.setattr(lapack, "outer_subtracted", lambda G, F: np.zeros_like(G))
    monkeypatch.setattr(lapack, "product", lambda F: product(F) - side * of_product * np.tril(OF_ONE))
    kernels = {"eigvalsh": lambda x: np.linalg.eigvalsh(x) - side * of_eigenvalues}
    monkeypatch.setattr(nystrom, "np", Replaced(np, **kernels))
    assert holds(nystrom._values(multiple(square, error), OF_ONE), square)


@pytest.mark.parametrize("number", [np.inf, np.nan])
@pytest.mark.parametrize("place", [(0, 0), (P - 1, 3)])
def test_a_copy_with_an_entry_that_is_no_number_is_none(monkeypatch, number, place):
    def solve(triangle, k, F):
        F[place] = number

    rows = np.random.default_rng(0).standard_normal((1, P, P))
    G = gram(rows, energy(rows))
    assert np.asarray(nystrom._factor(G, 8), dtype=float).shape == (P, 8)
    monkeypatch.setattr(lapack, "solve", solve)
    assert nystrom._factor(G, 8) is None
    monkeypatch.setattr(lapack, "cholesky", lambda triangle, k: k - 1)  # nor where the triangle is not definite
    assert nystrom._factor(G, 8) is None
    bounds = nystrom.low_rank(Stack(rows, threshold_for((P, P), 0.5, None, np.zeros(1))))
    assert (bounds.lower[0], bounds.upper[0]) == (0, P)
