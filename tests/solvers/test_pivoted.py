"""The pivoted factorisation that tells an inertia: what it counts, how large its factors are, and what rests on that."""

import numpy as np
import pytest
import scipy.linalg

from rankkit import testing as laws
from rankkit.solvers import blocks as blocks_module
from rankkit.solvers import inertia as inertia_module
from rankkit.solvers import lapack
from rankkit.solvers.inertia import inertia
from rankkit.solvers.inverse import solved
from rankkit.solvers.pivoted import PIVOT, pivoted
from rankkit.solvers.solution import ROUNDOFF
from rankkit.solvers.stack import Stack
from rankkit.solvers.tolerance import threshold_for
from rankkit.solvers.windows import windowed
from tests.solvers.test_count_bounds import P
from tests.solvers.test_gram_bounds import as_tensors, moved
from tests.solvers.test_gram_bounds import gram_of as rotated
from tests.solvers.test_worst_rounding import NEARLY

EXCHANGE = np.kron(np.eye(3), [[0.0, 1.0], [1.0, 0.0]])  # nothing but blocks of order 2


def symmetric(seed, q=45):
    """Return an indefinite matrix, of either kind of blocks, whose eigenvalues span nine decades."""
    rng = np.random.default_rng(seed)
    values = rng.choice([-1, 1], q) * 10 ** rng.uniform(-9, 0, q)
    basis = laws.orthogonal(seed, q)
    whole = (basis * values) @ basis.T
    return (whole + whole.T) / 2, values


def lower(whole, order):
    """Return the lower triangle, by rows or by columns: LAPACK begins at its end, or at its beginning."""
    return np.array(np.tril(whole), order=order)


def exact_factors(whole, order):
    """Return L and D by scipy, as arrays of longer floats."""
    L, D, _ = scipy.linalg.ldl(whole, lower=order == "F")
    return L.astype(np.longdouble), D.astype(np.longdouble)


@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("seed", range(12))
def test_as_many_eigenvalues_are_positive_as_are_counted(seed, order):
    whole, values = symmetric(seed)
    assert pivoted(lower(whole, order)).positive == np.sum(values > 0)
    assert pivoted(lower(-whole, order)).positive == np.sum(values < 0)


@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("scale", [1.0, 1e-120, 1e120])
@pytest.mark.parametrize("whole", [*(symmetric(seed)[0] for seed in range(12)), EXCHANGE, np.diag([3.0, -2.0, 1.0])])
def test_the_size_bounds_the_factors_and_their_rounding_bounds_what_they_miss(whole, scale, order):
    found = pivoted(lower(scale * whole, order))
    L, D = exact_factors(scale * whole, order)
    whole = (scale * whole).astype(np.longdouble)
    norm = float(np.linalg.norm((np.abs(L) @ np.abs(D) @ np.abs(L).T).astype(float) / scale) * scale)
    assert norm <= found.size * (1 + 1e-12)
    assert found.size <= 12 * norm  # and not much larger: the lengths of columns take the place of a product
    missing = float(np.linalg.norm(((L @ D @ L.T - whole) / scale).astype(float)) * scale)
    assert missing <= ROUNDOFF * (len(whole) + PIVOT) * found.size


@pytest.mark.parametrize("order", ["C", "F"])
def test_blocks_of_order_two_have_one_eigenvalue_of_either_sign(order):
    found = pivoted(lower(EXCHANGE, order))
    assert found.positive == 3
    assert np.all(found.pivots < 0)


@pytest.mark.parametrize("block", [[[1.0, 0.0], [1.0, 1.0]], [[-2.0, 0.0], [1.0, 0.5]], [[0.0, 0.0], [0.0, 0.0]]])
def test_a_block_that_the_pivoting_should_not_have_chosen_proves_nothing(monkeypatch, block):
    monkeypatch.setattr(lapack, "symmetric_factored", lambda T: np.array([-1, -1]))
    assert not pivoted(np.array(block)).size < np.inf


@pytest.mark.parametrize("order", ["C", "F"])
def test_the_size_is_no_larger_than_its_formula(order):
    assert pivoted(lower(3.0 * EXCHANGE, order)).size == 3 * 6.0  # each of the three blocks has its number twice
    assert pivoted(lower(np.diag([2.0, -5.0, 1.0]), order)).size == 8.0


def test_numbers_that_overflow_prove_nothing():
    tiny = np.array([[0.0, 0.0, 0.0], [0.0, 1e-200, 0.0], [1e200, 1e200, 1e-200]])
    assert not pivoted(tiny).size < 1e200


@pytest.mark.parametrize("kind", [lambda G: G, as_tensors])
@pytest.mark.parametrize("head", [0, 32])
def test_systems_are_solved_on_both_sides_of_a_shift(kind, head):
    sigma = np.r_[np.linspace(1, 0.5, P - 40), np.linspace(2e-2, 1e-2, 40)]
    G, _ = rotated(sigma)
    found = inertia(kind(G), np.array([1.5e-2**2]), 1, head=head)
    assert found.sound[0]
    whole = G.matrix[0] + np.tril(G.matrix[0], -1).T - found.shift[0] * np.eye(P)
    columns = np.random.default_rng(0).standard_normal((1, P, 3))
    x = np.asarray(solved(found, columns if kind is not as_tensors else as_tensors(G).matrix.new_tensor(columns)))
    np.testing.assert_allclose(whole @ x[0], columns[0], atol=1e-8)


@pytest.mark.parametrize("side", [1, -1])
@pytest.mark.parametrize("kind", [lambda G: G, as_tensors])
def test_a_count_is_true_of_every_edge_that_is_as_far_away_as_it_says(kind, side):
    """A value is carried across the shift by all that rounding may do, of G and of the factorisation."""
    G, rows = rotated(np.r_[np.linspace(1, 0.5, P - 1), 1e-4])
    edge = np.array([1e-8])
    worst = G.error + ROUNDOFF * (P + 64) * G.energy
    value = inertia(kind(G), edge, side).shift[0] - side * 0.8 * worst[0]
    # the matrix before it was rounded has this value in place of the last one
    before = moved(G, rows[-1], np.array([value - 1e-8]))
    after = kind(moved(before, rows[-1], side * 0.9 * worst))
    found = inertia(after, edge, side)
    assert found.sound[0]
    assert found.positive[0] == P - (side < 0)
    true = np.r_[np.linspace(1, 0.5, P - 1) ** 2, value]
    if side > 0:
        assert np.sum(true > found.shift - found.near) >= found.positive[0]
    else:
        assert np.sum(true > found.shift + found.near) <= found.positive[0]


@pytest.mark.parametrize(("kind", "head"), [(lambda G: G, 0), (lambda G: G, 64), (as_tensors, 0), (as_tensors, 64)])
def test_factors_that_grow_are_not_sound(kind, head):
    """The size of all columns counts, of those that were eliminated by Cholesky too."""
    G, _ = rotated(np.r_[np.ones(P // 2), np.full(P // 2, 0.9)])
    small = np.array([1e-9])
    assert inertia(kind(G), small, 1, head=head).sound[0]
    grown = G._replace(energy=G.energy / 1.5)  # as if they had grown by half
    assert not inertia(kind(grown), small, 1, head=head).sound[0]


@pytest.mark.parametrize("side", [1, -1])
def test_no_value_is_located_that_was_counted_already(side):
    """One value lies beside the threshold. Another is counted beyond a shift only because G is off by its error."""
    t = 2e-5
    S = np.zeros((1, P, P))
    sigma = np.r_[np.linspace(1, 0.3, 60), np.full(P - 60, 1e-7)]
    S[0] = np.diag(sigma)
    threshold = threshold_for((P, P), None, t, np.zeros(1))
    G = Stack(S, threshold).gram
    shift = inertia(G, np.array([t**2]), side).shift[0]
    sigma[60], sigma[61] = np.sqrt(shift - side * 0.3 * G.error[0]), t * (1 + side * 1e-3)
    S[0] = np.diag(sigma)
    G = Stack(S, threshold).gram
    after = moved(G, np.eye(P)[60], side * NEARLY * G.error)
    bounds = windowed(Stack(S, threshold, after))
    truth = int(np.sum(sigma > t))
    assert bounds.lower[0] <= truth <= bounds.upper[0]


TAILED = P - inertia_module.TAIL


@pytest.mark.parametrize("below", [0, 1, 7])
@pytest.mark.parametrize("edge", [1e-6, 1e-9])
def test_the_last_rows_are_split_where_they_are_not_definite(below, edge):
    """L J L^T is G - shift I, and its rounding is that of all of it."""
    G, _ = rotated(np.r_[np.linspace(1, 0.5, P - below), np.full(below, 1e-6)])
    found = inertia(G, np.array([edge]), 1, head=TAILED)
    assert found.sound[0]
    assert found.positive[0] == P - below
    L, whole = np.tril(found.L[0, :, :TAILED]), np.tril(G.matrix[0]) + np.tril(G.matrix[0], -1).T
    L = np.concatenate([L, np.pad(found.L[0, TAILED:, TAILED:], ((TAILED, 0), (0, 0)))], axis=1)
    left = (L * found.J[0]) @ L.T - (whole - found.shift[0] * np.eye(P))
    assert np.linalg.norm(left, 2) <= found.near[0] - G.error[0]
    own = ROUNDOFF * (P + 72) * float(np.sum(L**2))
    assert own <= found.near[0] - G.error[0] <= 1.3 * own + 1e-12


def test_what_is_left_of_a_tail_counts(monkeypatch):
    G, _ = rotated(np.r_[np.linspace(1, 0.5, P - 1), 1e-6])
    exact = blocks_module._split

    def wrong(D):
        values, vectors = exact(D)
        return values * (1 + 1e-6), vectors

    monkeypatch.setattr(blocks_module, "_split", wrong)
    found = inertia(G, np.array([1e-9]), 1, head=TAILED)
    assert not found.sound[0]
    assert found.near[0] > 1e-8


@pytest.mark.parametrize("large", ["first block", "last block"])
def test_what_is_left_of_every_block_is_counted_once(large, monkeypatch):
    """Eigenvectors that are turned leave much of the blocks."""
    rng = np.random.default_rng(0)
    turn = np.linalg.qr(np.eye(3) + 0.3 * rng.standard_normal((3, 3)))[0]
    split = blocks_module._split
    monkeypatch.setattr(blocks_module, "BLOCK", 3)
    monkeypatch.setattr(blocks_module, "_split", lambda D: (split(D)[0], split(D)[1] @ turn))
    G = laws.orthogonal(1, 6) @ np.diag([3.0, -2.0, 1.0, 2.5, -1.5, 0.5]) @ laws.orthogonal(1, 6).T
    factor = {"first block": (1, 1e-3, 1e-3), "last block": (1e-3, 1e-3, 1)}[large]
    G[:3, :3] *= factor[0]
    G[3:, :3] *= factor[1]
    G[:3, 3:] *= factor[1]
    G[3:, 3:] *= factor[2]
    L, J = G[None].copy(), np.zeros((1, 6))
    missing = float(blocks_module.by_blocks(L, J, 0)[0])
    L[0, :3, 3:] = 0  # which is not part of L
    size = np.linalg.norm(G - (L[0] * J) @ L[0].T)
    assert size > 0.1 * min(factor)
    assert size <= missing * (1 + 1e-9)
    assert missing <= 3 * size
