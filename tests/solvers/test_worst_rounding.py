"""Every bound of a solver with kernels that are wrong by as much as their analysis permits, where it hurts most.

Random matrices almost never meet the worst case. Here the singular values are known exactly, a kernel returns its result
plus a perturbation of the size that is allowed, and the stated error has to cover the truth all the same.
`python -m tests.mutants` removes the terms of the bounds one by one: these tests notice each.
"""

from types import SimpleNamespace

import numpy as np
import pytest

import rankkit as rk
from rankkit import testing as laws
from rankkit.factors import namespace
from rankkit.solvers import dense as dense_module
from rankkit.solvers import factored as factored_module
from rankkit.solvers import gram as gram_module
from rankkit.solvers import leading as leading_module
from rankkit.solvers import sampled as sampled_module
from rankkit.solvers.counting import count_above
from rankkit.solvers.solution import EPS, ROUNDOFF, energy
from rankkit.solvers.tolerance import Threshold

NEARLY = 0.9  # of what is allowed, so that the perturbation's own rounding does not count


class Replaced:
    """A module or array namespace in which some functions of `linalg` are others."""

    def __init__(self, real, **kernels):
        self._real = real
        self.linalg = SimpleNamespace(**{name: getattr(real.linalg, name) for name in dir(real.linalg)} | kernels)

    def __getattr__(self, name):
        return getattr(self._real, name)


def replace(monkeypatch, module, **kernels):
    """Let a solver compute with other kernels."""
    monkeypatch.setattr(module, "namespace", lambda x: Replaced(namespace(x), **kernels))


def error_of(solution):
    """Return the bound that a solution states for every value."""
    relative = np.asarray(solution.relative_error)[..., None]
    near = np.where(np.isfinite(relative), relative, 0.0) * solution.values
    floor = (
        solution.noise_floor if solution.noise_floor.ndim == solution.values.ndim else solution.noise_floor[..., None]
    )
    return np.where(np.isfinite(relative), np.minimum(floor, near), floor)


def covered(solution, truth):
    return bool(np.all(np.abs(solution.values - truth) <= error_of(solution)))


# the full SVD


@pytest.mark.parametrize("side", [1, -1])
@pytest.mark.parametrize("shape", [(9, 4), (4, 9)])
def test_dense(monkeypatch, side, shape):
    """A backward stable SVD is off by max(m, n) eps sigma_1."""
    truth = np.array([4.0, 2.0, 1.0, 0.5])
    M = np.zeros(shape)
    M[range(4), range(4)] = truth
    replace(monkeypatch, dense_module, svdvals=lambda x: truth + side * NEARLY * max(shape) * EPS * 4.0)
    assert covered(dense_module.dense(M), truth)


# factors


def ill_conditioned(kappa, rows=8, r=4):
    """Return a matrix of unit columns with a smallest singular value near 1 / kappa, and its left singular vector."""
    U = laws.orthogonal(3, rows)[:, :r]
    x = np.ones((rows, r)) / np.sqrt(rows) + np.r_[np.zeros((0, r)), U] / kappa
    return x / np.linalg.norm(x, axis=0)


@pytest.mark.parametrize("which", ["B", "A"])
@pytest.mark.parametrize("side", [1, -1])
def test_factored_relative_errors(monkeypatch, which, side):
    """Both QRs may be off by max(m, n) eps in every column, in the direction of the smallest singular value."""
    rows, r = 16, 4
    bad, good = ill_conditioned(1e5, rows), laws.orthogonal(1, r)  # the longer side is that of the bad one
    triangle = np.linalg.qr(bad)[1]
    U, sigma, Vt = np.linalg.svd(triangle)
    weights = Vt[-1] / np.max(np.abs(Vt[-1]))  # no column further off than another
    off = side * NEARLY * rows * EPS * np.outer(U[:, -1], weights)
    parts = [triangle + off, np.eye(r)] if which == "B" else [np.eye(r), triangle + off]
    f = rk.Factors(*((bad, good.T) if which == "B" else (good, bad.T)))
    answers = iter(parts)
    monkeypatch.setattr(factored_module, "_triangles", lambda x: next(answers))
    solution = factored_module.factored(f)
    assert np.abs(solution.values[-1] - sigma[-1]) > 10 * rows * EPS * sigma[-1]  # far more than a good factor's
    assert covered(solution, sigma)


def test_factored_with_columns_of_very_different_lengths(monkeypatch):
    """The lengths of B's columns are no condition of A: its own columns are scaled to unit length."""
    rows, r = 8, 4
    lengths = np.array([1.0, 1e3, 1e6, 1e9])
    bad, good = ill_conditioned(1e4), laws.orthogonal(1, rows)[:, :r]
    scaled = np.linalg.qr(bad)[1]
    U, sigma, Vt = np.linalg.svd(scaled)
    off = NEARLY * rows * EPS * np.outer(U[:, -1], Vt[-1] / np.max(np.abs(Vt[-1])))
    # the lengths cancel in B A, so that the values are those of the scaled factor
    answers = iter([np.diag(lengths), (scaled + off) / lengths])
    monkeypatch.setattr(factored_module, "_triangles", lambda x: next(answers))
    solution = factored_module.factored(rk.Factors(good * lengths, (bad / lengths).T))
    assert covered(solution, sigma)
    assert solution.relative_error < 3 * rows * EPS * sigma[0] / sigma[-1]


def test_factored_absolute_error(monkeypatch):
    """Dependent columns: the value that is exactly zero comes out as large as the product of both norms allows."""
    rows, r = 8, 8
    axes = np.eye(rows)
    B = np.tile(axes[:, :1], (1, r))
    A = np.repeat(np.eye(2), r // 2, axis=0)  # two columns: the longer side is B's
    signs = np.r_[np.ones(r // 2), -np.ones(r // 2)]
    off = NEARLY * rows * EPS * np.outer(axes[:, 1], signs)  # of one direction: every column as much as is allowed
    answers = iter([B + off, A.T.copy()])
    monkeypatch.setattr(factored_module, "_triangles", lambda x: next(answers))
    solution = factored_module.factored(rk.Factors(B, A))
    assert solution.values[1] > rows * EPS * np.sqrt(r) * 1.5  # more than either norm alone would explain
    assert covered(solution, np.r_[r / np.sqrt(2), 0])


# a few leading values


def test_leading_rounding(monkeypatch):
    """The SVD of the projected matrix is off by max(m, n) eps sigma_1, and the residual says nothing of it."""
    M = np.zeros((40, 30))
    M[0, 0] = 4.0

    def svd(x):
        p, sigma, q = np.linalg.svd(x)
        return p, sigma + NEARLY * 40 * EPS * 4.0, q

    monkeypatch.setattr(leading_module, "np", Replaced(np, svd=svd))
    solution = leading_module.leading(M, 1)
    assert solution.values[0] > 4.0
    assert covered(solution, np.array([4.0]))


def test_leading_residual(monkeypatch):
    """A pair half-way between two singular values is off by its residual, to the last digit."""
    # diag(1 + d, 1 - d) with u = v = (1, 1) / sqrt 2: sigma = 1, both residuals d, and both values d away
    d = 0.125
    monkeypatch.setattr(leading_module._Krylov, "ritz", lambda self, count: (np.ones((1, 2)), np.array([[d, 0.0]])))
    assert leading_module.leading(np.diag([1 + d, 1 - d, *[0.1] * 30]), 1, tol=0.5).noise_floor >= d


# samples of the range


def sampled_with(monkeypatch, S, Q, *, rest=0.0, values=0.0):
    """Return what `sampled` says if Q is the basis and both its kernels are off by so much."""
    basis = iter([(Q[None], None)])
    replace(
        monkeypatch,
        sampled_module,
        qr=lambda x: next(basis, None) or np.linalg.qr(x),
        svdvals=lambda x: np.maximum(np.linalg.svd(x, compute_uv=False) + values, 0),
        matrix_norm=lambda x: np.maximum(np.linalg.norm(x, axis=(-2, -1)) + (rest if x is not S else 0.0), 0),
    )
    return sampled_module.sampled(S, Q.shape[1])


def allowed(S, k):
    """Return what the four roundings of `sampled` come to."""
    return 4 * EPS * (max(S.shape[-2:]) + k) * np.sqrt(k) * np.linalg.norm(S)


@pytest.mark.parametrize("size", [1e-2, 1e-9, "rounding"])
@pytest.mark.parametrize("inside", [1.0, 0.5, 0.0])
def test_sampled(monkeypatch, size, inside):
    """A value seen in part: what Q misses of it has the size of the rest, and both kernels are off by all they may."""
    S = np.zeros((1, 40, 30))
    S[0, 0, 0] = 1.0
    rounding = allowed(S, 2)
    t = rounding if size == "rounding" else size
    S[0, 1, 1], S[0, 2, 1] = inside * t, t
    Q = np.eye(40)[:, :2]
    solution = sampled_with(monkeypatch, S, Q, rest=-NEARLY * rounding, values=-NEARLY * rounding)
    truth = np.r_[1.0, np.hypot(inside * t, t), np.zeros(28)]
    assert covered(solution, truth[None])


@pytest.mark.parametrize("side", [1, -1])
def test_sampled_rounding_of_large_values(monkeypatch, side):
    """Nothing is missed, and the values are off by the roundings of four products."""
    S = np.zeros((1, 40, 30))
    S[0, 0, 0], S[0, 1, 1] = 1.0, 0.5
    solution = sampled_with(monkeypatch, S, np.eye(40)[:, :2], values=side * NEARLY * allowed(S, 2))
    assert covered(solution, np.r_[1.0, 0.5, np.zeros(28)][None])


# the Gram matrix


def gram_of(sigma, shape):
    S = np.zeros((1, *shape))
    S[0, range(len(sigma)), range(len(sigma))] = sigma
    return gram_module.gram(S, energy(S))


@pytest.mark.parametrize("shape", [(60, 6), (6, 60)])
@pytest.mark.parametrize("side", [1, -1])
@pytest.mark.parametrize("kernel", ["product", "eigensolver"])
def test_gram_eigenvalues(monkeypatch, shape, side, kernel):
    """A sum of max(m, n) products, and an eigensolver that is off by p eps lambda_1."""
    sigma = np.array([1.0, 0.5, 1e-6, 1e-7, 0.0, 0.0])
    G = gram_of(sigma, shape)
    size = {"product": max(shape) * ROUNDOFF * float(np.sum(sigma**2)), "eigensolver": 6 * EPS}[kernel]
    off = side * NEARLY * size
    if kernel == "product":
        G = G._replace(matrix=G.matrix + off * np.eye(6))
    else:
        # what the product did, and the eigensolver on top of it
        G = G._replace(matrix=G.matrix + side * NEARLY * G.error[:, None, None] * np.eye(6))
        replace(monkeypatch, gram_module, eigvalsh=lambda x: np.linalg.eigvalsh(x) + off)
    low, high = gram_module.eigenvalue_bounds(G)
    assert np.all(low[0] <= sigma)
    assert np.all(high[0] >= sigma)


# thresholds


@pytest.mark.parametrize("side", [1, -1])
@pytest.mark.parametrize("own", [0.0, 1e-3])
@pytest.mark.parametrize("formed", [0.0, 1e-3])
def test_a_threshold_relative_to_the_largest_value(side, own, formed):
    """Sigma_1 and the value at the threshold are off in opposite directions, each by all that it may be."""
    truth = np.array([1.0, 0.1])
    # the truth lies on the other side of its threshold by a hair
    for hair in (1e-9, -1e-9):
        rtol = 0.1 * (1 + hair)
        count = int(np.sum(truth > rtol))
        seen = truth + (own + formed) * NEARLY * np.array([side, -side])
        threshold = Threshold(np.array([rtol]), np.array([0.0]), np.array([formed]))
        bounds = threshold.count_bounds(seen[None], np.full((1, 2), own))
        assert bounds.lower[0] <= count <= bounds.upper[0]


@pytest.mark.parametrize("side", [1, -1])
def test_an_absolute_threshold(side):
    truth = np.array([1.0, 0.1])
    for hair in (1e-9, -1e-9):
        atol = 0.1 * (1 + hair)
        seen = truth + 2e-3 * NEARLY * np.array([side, -side])
        threshold = Threshold(np.array([0.0]), np.array([atol]), np.array([1e-3]))
        bounds = threshold.count_bounds(seen[None], np.full((1, 2), 1e-3))
        assert bounds.lower[0] <= np.sum(truth > atol) <= bounds.upper[0]


@pytest.mark.parametrize("rtol", [0.1, 0.9])
def test_only_the_error_of_sigma_1_reaches_across_the_threshold(rtol):
    """A value that stands clear of the threshold of the computed sigma_1 and not of that of the true one."""
    e = 1e-3
    for side in (1, -1):
        # the update before it was rounded: sigma_1 = 1 + side e, the value at rtol times that, moved by e the other way
        true = np.array([1 + side * e, rtol * (1 + side * e) * (1 - side * 1e-9)])
        seen = true - np.array([side * e, -side * e]) * NEARLY
        bounds = Threshold(np.array([rtol]), np.array([0.0]), np.array([e])).count_bounds(seen[None], np.zeros((1, 2)))
        assert bounds.lower[0] <= np.sum(true > rtol * true[0]) <= bounds.upper[0]


# a forming error, from end to end


@pytest.mark.parametrize("side", [1, -1])
def test_a_forming_error_is_in_every_error(side):
    true, e = np.array([3.0, 2.0, 1.0]), 1e-6
    seen = rk.spectrum_of(np.diag(true + side * e), forming_error=e * (1 + 1e-9))
    assert np.all(np.abs(seen.values - true) <= seen.error)
    f = rk.Factors(np.diag(true + side * e), np.eye(3))
    seen = rk.spectrum_of(f, forming_error=e * (1 + 1e-9))
    assert np.all(np.abs(seen.values - true) <= seen.error)


@pytest.mark.parametrize("seed", range(3))
def test_no_wrong_count_with_rounding_at_the_edge(seed):
    """An update whose forming error carried singular values across the threshold: no count is wrong."""
    rng = np.random.default_rng(seed)
    for _ in range(100):
        p = int(rng.integers(3, 12))
        true = np.sort(10 ** rng.uniform(-3, 0, p))[::-1]
        place, e = int(rng.integers(1, p)), 10 ** rng.uniform(-9, -4)
        rtol = float(true[place] / true[0] * (1 + rng.choice([-1, 1]) * rng.uniform(0, 2) * e))
        seen = true + e * NEARLY * rng.choice([-1, 1], p)
        found = count_above(np.diag(np.abs(seen)), rtol=rtol, forming_error=e)
        assert found.lower <= np.sum(true > rtol * true[0]) <= found.upper
