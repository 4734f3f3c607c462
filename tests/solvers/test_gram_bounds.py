"""The bounds behind a count without an SVD, with the worst rounding that they allow; and what happens without a term.

Not every term is left out in turn: the rounding of the Lanczos bound and the lengths of located vectors are not.
"""

import numpy as np
import pytest
import torch

import rankkit as rk
from rankkit import testing as laws
from rankkit.solvers import blocks as blocks_module
from rankkit.solvers import inertia as inertia_module
from rankkit.solvers import lapack, top
from rankkit.solvers.gram import Gram, gram, gram_error
from rankkit.solvers.inertia import inertia
from rankkit.solvers.located import located
from rankkit.solvers.solution import energy
from rankkit.solvers.tolerance import Edges
from rankkit.solvers.top import lanczos_low, proved_top, row_sum_top

P = 128


def gram_of(sigma, seed=0):
    """Return the Gram matrix of S = U diag(sigma) V^T, and U^T: the rows are its eigenvectors."""
    left = laws.orthogonal(seed, len(sigma))
    S = ((left * sigma) @ laws.orthogonal(seed + 1, len(sigma)))[None]
    return gram(S, energy(S)), left.T


def moved(G, direction, size):
    """Return G after a rounding of 2-norm `size`, the whole of it along one direction."""
    matrix = G.matrix + np.tril(size[:, None, None] * np.outer(direction, direction))
    return G._replace(matrix=matrix)


def as_tensors(G):
    """Return G as it comes from a device, where nothing is pivoted."""
    return G._replace(tall=torch.as_tensor(G.tall), matrix=torch.as_tensor(G.matrix))


def sines():
    for omega in (30.0, 90.0, 400.0):
        for seed in range(3):
            f = rk.initializers.KaimingUniform()(160, 140, 2, seed=seed)
            S = np.sin(omega * (f.B @ f.A))[None]
            yield gram(S, energy(S)), np.linalg.svd(S[0], compute_uv=False)


@pytest.mark.parametrize("side", [1, -1])
def test_no_rounding_carries_a_value_across_an_edge(side):
    """A value at the edge, moved across it by all that both roundings may do, is on the right side of the shift."""
    edge, right = np.array([1e-8]), P - 1 if side > 0 else P
    G, rows = gram_of(np.r_[np.linspace(1, 0.5, P - 1), 1e-4])
    worst = moved(G, rows[-1], side * (0.999 * G.error + inertia_module._slack(G, edge)))
    found = inertia(worst, edge, side)
    assert found.sound[0]
    assert found.positive[0] == right
    assert inertia(worst._replace(error=0 * G.error), edge, side).positive[0] != right


def test_a_factorisation_whose_rounding_may_be_larger_is_not_sound(monkeypatch):
    G, _ = gram_of(np.linspace(1, 0.5, P))
    assert inertia(G, np.array([1e-8]), 1).sound[0]
    monkeypatch.setattr(inertia_module, "GROWTH", 0.5)
    monkeypatch.setattr(inertia_module, "SHARE", 0.0)
    assert not inertia(G, np.array([1e-8]), 1).sound[0]


def test_a_block_that_is_split_wrongly_makes_the_factorisation_unsound(monkeypatch):
    """What is left of every block is measured: without it, wrong eigenvectors would give a wrong count."""
    split = blocks_module._split

    def wrong(D):
        values, vectors = split(D)
        turned = torch.clone(vectors)
        turned[..., 0] += 1e-3 * vectors[..., 1]
        return values - 2e-4 * torch.amax(torch.abs(values), dim=-1, keepdim=True), turned

    G = as_tensors(gram_of(np.r_[np.linspace(1, 0.5, P - 20), np.linspace(2e-4, 1.5e-4, 20)])[0])
    edge = np.array([1e-8])
    assert inertia(G, edge, 1).positive[0] == P
    monkeypatch.setattr(blocks_module, "_split", wrong)
    assert not inertia(G, edge, 1).sound[0]
    monkeypatch.setattr(inertia_module, "_slack", lambda G, edge: np.full(edge.shape, np.inf))  # as if nobody asked
    monkeypatch.setattr(inertia_module, "_shift", lambda G, edge, side: edge)
    found = inertia(G, edge, 1)
    assert found.sound[0]
    assert found.positive[0] != P


def test_a_block_factorisation_is_one():
    """L J L^T is G - shift I, for shifts in the middle of a spectrum, within the bound that decides soundness."""
    for G, sigma in sines():
        for k in (3, 20, 60, 100):
            edge = np.array([np.sqrt(sigma[k] * sigma[k + 1])]) ** 2
            found = inertia(as_tensors(G), edge, 1)
            assert found.sound[0] or edge < 1e-8 * sigma[0] ** 2
            if not found.sound[0]:
                continue
            slack = inertia_module._slack(G, edge)[0]
            shift = edge[0] + G.error[0] + slack
            L, J, whole = found.L[0].numpy(), found.J[0].numpy(), G.matrix[0] + np.tril(G.matrix[0], -1).T
            blocks = np.kron(np.eye(5), np.ones((32, 32)))[:140, :140]
            lower = np.where(blocks, L, np.tril(L))
            rest = np.linalg.norm(whole - shift * np.eye(140) - (lower * J) @ lower.T, 2)
            assert rest <= slack


def test_bounds_on_the_largest_value_hold_and_are_close():
    for G, sigma in sines():
        low = lanczos_low(G)
        high = proved_top(G, low, row_sum_top(G))
        assert low[0] <= sigma[0] * (1 + 1e-14) <= high[0] * (1 + 1e-14)
        assert 0.99 * sigma[0] < low[0]
        assert high[0] < 1.01 * sigma[0]


def test_a_rounded_gram_matrix_leaves_the_bounds_above_the_largest_value():
    """For a diagonal matrix the row sum is sigma_1^2 itself, so that only the error of G keeps it above."""
    S = np.diag(np.r_[1.0, np.full(P - 1, 1e-6)])[None]
    G = gram(S, energy(S))
    worse = moved(G, np.eye(P)[0], -G.error)
    assert row_sum_top(worse)[0] >= 1 > row_sum_top(worse._replace(error=-P * 2.0**-51 * np.ones(1)))[0]


def test_float32_proves_no_guess_below_the_largest_value(monkeypatch):
    """A guess below sigma_1 by less than float32 can see runs through; the rounding that is added makes up for it."""

    def broken():
        wrong = 0
        for G, sigma in sines():
            for short in 10.0 ** np.arange(-9, -2.5, 0.5):
                wrong += top._proved(G, sigma[:1] * (1 - short))[0] < sigma[0] * (1 - 1e-12)
        return wrong

    assert broken() == 0
    monkeypatch.setattr(top, "SINGLE", 0.0)
    assert broken() > 0


def windows(values, sigma):
    """Return how often values beside an edge are counted wrongly, for edges next to every located value."""
    wrong = found = 0
    for value in sigma[-12:]:
        for gap in (-1e-3, -1e-6, -1e-9, 1e-9, 1e-6, 1e-3):
            edge = np.array([value * (1 + gap)])
            least, most = edge * 0.9, edge * 1.1
            inside = values.between(least, most, Edges(edge, edge))
            above, below = np.sum((sigma > edge) & (sigma < most)), np.sum((sigma < edge) & (sigma > least))
            wrong += int(inside.lower[0] > above) + int(inside.upper[0] > below)
            found += int(inside.lower[0] + inside.upper[0])
    return wrong, found


@pytest.mark.parametrize("term", ["residual", "rounding"])
def test_located_values_count_on_the_right_side(term):
    """The residual and the rounding of its evaluation are both needed: without either, values cross an edge."""
    rng = np.random.default_rng(0)
    sigma = np.r_[np.linspace(1, 0.5, 100), np.sort(rng.uniform(1e-3, 2e-3, 12))[::-1]]
    G, _ = gram_of(sigma)
    close = inertia(G, np.array([1.5e-3**2]), 1)
    values = located(G, close, 12)
    wrong, found = windows(values, sigma)
    assert wrong == 0
    assert found > 0
    # values that are off by as much as the term allows, once with the term and once without
    shift = 1e-7 if term == "residual" else float(values.rounding[0]) * 1e6
    off = values._replace(values=values.values + shift, rounding=values.rounding * 0, residual=values.residual * 0)
    assert windows(off, sigma)[0] > 0
    covered = off._replace(**{term: np.full(getattr(off, term).shape, shift)})
    assert windows(covered, sigma)[0] == 0


def test_the_smallest_values_are_bounded_from_above():
    sigma = np.r_[np.linspace(1, 0.5, 110), np.linspace(1e-5, 1e-6, 10)]
    G, _ = gram_of(sigma)
    values = located(G, inertia(G, np.array([1e-3**2]), 1, head=len(sigma) - inertia_module.TAIL), 10)
    assert np.all(values.smallest[0, :10] >= sigma[::-1][:10] * (1 - 1e-9))
    assert np.all(values.smallest[0, :10] <= 1.1e-5)


def test_lapacks_wrappers_are_scipys_own(monkeypatch):
    f = rk.initializers.PrescribedSpectrum(tuple(np.logspace(0, -8, 5)))(40, 30, 5, seed=0)
    light = rk.spectrum_of(f).values
    monkeypatch.setattr(lapack.PathFinder, "find_spec", lambda *_: None)
    lapack.wrappers.cache_clear()
    try:
        assert lapack.wrappers().__name__ == "scipy.linalg.lapack"
        np.testing.assert_array_equal(rk.spectrum_of(f).values, light)
    finally:
        lapack.wrappers.cache_clear()


def test_gram_is_a_record_of_a_stack():
    G, _ = gram_of(np.linspace(1, 0.5, P))
    assert isinstance(G.at(np.array([0])), Gram)


def test_the_error_of_a_gram_matrix_is_of_one_matrix_and_not_of_its_stack():
    one = gram_error(np.ones((1, 4, 3)), np.ones(1))
    np.testing.assert_array_equal(gram_error(np.ones((9, 500, 4, 3)), np.ones((9, 500))), np.full((9, 500), one[0]))
