"""Counting without an SVD: the integer that the SVD finds, or an honest interval around a planted threshold."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import rankkit as rk
from rankkit import testing as laws
from rankkit.initializers import KaimingUniform
from rankkit.solvers.stack import Stack
from rankkit.solvers.tolerance import threshold_for
from tests.solvers.near_thresholds import hard_case, random_case

ROUTES = {"sample", "cholesky", "nystrom", "inertia", "eigenvalues", "svd"}


def with_spectrum(sigma, n=None, seed=0):
    """Return a matrix with these singular values, to rounding."""
    m, n = len(sigma), n or len(sigma)
    return (laws.orthogonal(seed, m) * sigma) @ laws.orthogonal(seed + 1, n)[:m]


@pytest.mark.parametrize("draw", [random_case, hard_case])
def test_the_count_is_the_svds_on_a_random_family(draw, asarray):
    """Never wrong; undecided only where a value lies within an SVD's own error of the threshold.

    `python -m tests.solvers.near_thresholds` does the same with thousands of matrices.
    """
    rng, undecided = np.random.default_rng(7), 0
    for _ in range(120):
        case = draw(rng)
        found = rk.count_above(asarray(case.S), **case.tolerance)
        assert case.judged(found.lower, found.upper) == (True, True), (case.S.shape, case.tolerance, found)
        undecided += found.lower < found.upper
    assert undecided > 0 or draw is hard_case  # the planted thresholds are there


@pytest.mark.parametrize("omega", [0.5, 12.0, 40.0, 150.0, 700.0, 5000.0])
@pytest.mark.parametrize("rtol", [None, 1e-2, 1e-6])
def test_every_route_agrees_with_the_svd_along_a_curve(omega, rtol, asarray):
    f = KaimingUniform()(256, 256, 2, seed=3)
    S = rk.rules.Sine(omega)(f)
    sigma = np.linalg.svd(S, compute_uv=False)
    tau = (256 * 2.0**-23 if rtol is None else rtol) * sigma[0]
    found = rk.count_above(asarray(S), rtol=rtol)
    assert found.lower == found.upper == np.sum(sigma > tau)
    assert str(found.route) in ROUTES


def test_the_routes_are_all_taken():
    """A ladder with a rung that is never stood on would be untested by everything above."""
    seen = set()
    for omega, rtol in ((1.0, None), (40.0, None), (20.0, None), (150.0, None), (5000.0, None), (300.0, 1e-9)):
        for seed in range(4):
            f = KaimingUniform()(256, 256, 2, seed=seed)
            seen.add(str(rk.count_above(np.sin(omega * (f.B @ f.A)), rtol=rtol).route))
    assert seen >= ROUTES - {"eigenvalues"}
    crowd = 1e-3 * (1 + np.linspace(-1e-3, 1e-3, 80))  # more values beside the threshold than are located one by one
    found = rk.count_above(with_spectrum(np.r_[np.linspace(1, 0.5, 120), crowd]), atol=1e-3)
    assert found == (160, 160, "eigenvalues")


@pytest.mark.parametrize("columns", [0, 8, 40, 80, 120])
@pytest.mark.parametrize("size", [1e-120, 1.0, 1e120])
def test_a_low_rank_copy_of_any_quality_bounds_the_count(columns, size, monkeypatch):
    """Too few columns, or zeros in place of them, leave the count open; none of them makes it wrong."""
    from rankkit.solvers import nystrom

    f = KaimingUniform()(256, 256, 2, seed=3)
    S = np.sin(40.0 * (f.B @ f.A)) * size
    sigma = np.linalg.svd(S, compute_uv=False)
    monkeypatch.setattr(nystrom, "_columns", lambda definite: np.full(definite.shape, columns or 1))
    if not columns:
        monkeypatch.setattr(nystrom, "_factor", lambda G, k: np.zeros((256, k)))
    for rtol in (1e-1, 1e-3, None):
        stack = Stack(S[None], threshold_for((256, 256), rtol, None, np.zeros(1)))
        bounds = nystrom.low_rank(stack)
        count = np.sum(sigma > (256 * 2.0**-23 if rtol is None else rtol) * sigma[0])
        assert bounds.lower <= count <= bounds.upper
        if columns in (0, 120):
            assert (bounds.lower == bounds.upper) == (columns == 120)


@pytest.mark.parametrize("few", [0, 1, 5, 30, 63, 64, 120])
@pytest.mark.parametrize("wide", [192, 230])
def test_a_nearly_full_matrix(few, wide, asarray):
    """Some values far below the threshold, the others far above: what Sylvester and Courant-Fischer decide."""
    sigma = np.r_[np.linspace(1, 0.3, 192 - few), np.linspace(1e-6, 1e-7, few)]
    S = with_spectrum(sigma, wide, seed=few)
    for M in (S, S.T):
        found = rk.count_above(asarray(np.ascontiguousarray(M)), rtol=1e-4)
        assert found.lower == found.upper == 192 - few
        assert few > 16 or found.route in ("cholesky", "nystrom", "inertia")  # no eigenvalues for a handful


@pytest.mark.parametrize("gap", [1e-12, 1e-9, 1e-6, 1e-3])
@pytest.mark.parametrize("rtol", [1e-2, 1e-5, 1e-8])
def test_a_value_planted_beside_the_threshold(gap, rtol):
    """Just above counts, just below does not, and between the two the answer may only be an interval."""
    base = np.r_[np.linspace(1, 0.2, 100), rtol * np.linspace(0.5, 0.01, 27)]
    for side in (-1, 1):
        found = rk.count_above(with_spectrum(np.sort(np.r_[base, rtol * (1 + side * gap)])[::-1]), rtol=rtol)
        truth = 100 + (side > 0)
        assert found.lower <= truth <= found.upper
        if gap * rtol > 1e-12:
            assert found.lower == found.upper


def test_forming_error_widens_the_interval(asarray):
    sigma = np.r_[np.linspace(1, 0.2, 120), 1.1e-3]
    S = with_spectrum(sigma)
    assert rk.count_above(asarray(S), atol=1e-3)[:2] == (121, 121)
    assert rk.count_above(asarray(S), atol=1e-3, forming_error=2e-4)[:2] == (120, 121)


def test_a_batch_is_its_members(asarray):
    f = KaimingUniform()(128, 128, 2, seed=range(3))
    S = np.stack([np.sin(omega * (f.B @ f.A)) for omega in (1.0, 50.0, 900.0)])
    found = rk.count_above(asarray(S), rtol=1e-4)
    assert found.lower.shape == found.route.shape == (3, 3)
    for i in np.ndindex(3, 3):
        one = rk.count_above(S[i], rtol=1e-4)
        assert (found.lower[i], found.upper[i]) == (one.lower, one.upper)


def test_what_a_failed_factorisation_leaves_behind_costs_nothing(monkeypatch):
    """torch leaves the factor undefined where a matrix is not positive definite: here it is NaN, as on some GPUs."""
    torch = pytest.importorskip("torch")
    f = KaimingUniform()(192, 192, 2, seed=0)
    stack = np.stack([np.sin(omega * (f.B @ f.A)) for omega in np.linspace(20, 400, 25)])
    alone = [rk.count_above(S) for S in stack]
    factorise = torch.linalg.cholesky_ex

    def poisoned(C):
        factor, info = factorise(C)
        return torch.where((info > 0)[..., None, None], torch.nan, factor), info

    monkeypatch.setattr(torch.linalg, "cholesky_ex", poisoned)
    together = rk.count_above(torch.as_tensor(stack))
    assert together.lower.tolist() == [int(count.lower) for count in alone]
    assert together.upper.tolist() == [int(count.upper) for count in alone]


def test_factors_take_the_exact_route():
    f = KaimingUniform()(300, 200, 5, seed=0)
    found = rk.count_above(f)
    assert (found.lower, found.upper, found.route) == (5, 5, "factored")


@pytest.mark.parametrize("scale", [1e-160, 1e-30, 1e30, 1e150])
def test_scale_does_not_matter(scale):
    f = KaimingUniform()(128, 128, 2, seed=0)
    S = np.sin(50 * (f.B @ f.A))
    assert rk.count_above(S * scale, rtol=1e-4)[:2] == rk.count_above(S, rtol=1e-4)[:2]


def test_zero_and_tiny_matrices(asarray):
    for shape in ((1, 1), (3, 5), (150, 130)):
        assert rk.count_above(asarray(np.zeros(shape)))[:2] == (0, 0)
        assert rk.count_above(asarray(np.ones(shape)))[:2] == (1, 1)
    assert rk.count_above(asarray(np.eye(200)))[:2] == (200, 200)


@given(laws.matrices(), st.floats(1e-9, 0.9))
def test_it_agrees_with_numerical_rank(M, rtol):
    bounds = rk.metrics.numerical_rank_bounds(rk.spectrum_of(M), rtol=rtol)
    assert rk.count_above(M, rtol=rtol)[:2] == bounds


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"rtol": 1e-3, "atol": 1.0}, "give rtol or atol, not both"),
        ({"rtol": -1.0}, "rtol must be a number that is finite and >= 0 and < 1, got -1.0"),
        ({"atol": float("nan")}, "atol must be a number that is finite"),
        ({"forming_error": -1.0}, "forming_error must be >= 0"),
    ],
)
def test_bad_arguments_are_named(arguments, message):
    with pytest.raises(ValueError, match=message):
        rk.count_above(np.eye(3), **arguments)
    with pytest.raises(ValueError, match="update must be finite"):
        rk.count_above(np.array([[np.nan]]))
