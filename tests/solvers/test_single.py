"""The largest value of a large matrix: float32 finds the vectors, and nothing rests on how well it does."""

import numpy as np
import pytest

from rankkit import testing as laws
from rankkit.initializers import KaimingUniform
from rankkit.solvers import leading as leading_module
from rankkit.solvers import single as single_module
from rankkit.solvers.dense import dense
from rankkit.solvers.leading import leading
from rankkit.solvers.single import LARGE, SHARPEST, two_largest


def sine(omega, shape=(300, 280)):
    f = KaimingUniform()(shape[0], shape[1], 3, seed=0)
    return np.sin(omega * (f.B @ f.A))


@pytest.fixture
def steps(monkeypatch):
    """Return the list that grows with every step that is taken in float64."""
    taken, grow = [], leading_module._Krylov.grow
    monkeypatch.setattr(leading_module._Krylov, "grow", lambda self: taken.append(self.size) or grow(self))
    return taken


@pytest.mark.parametrize("omega", [0.1, 3.0, 20.0, 100.0, 1000.0])
@pytest.mark.parametrize("scale", [1.0, 2.0**300, 2.0**-300])
@pytest.mark.parametrize("tol", [1e-4, 1e-6])
def test_the_largest_value_is_as_exact_as_it_has_to_be_and_as_it_claims(omega, scale, tol, steps):
    M = sine(omega)
    truth = dense(M).values[:1] * scale
    for matrix in (M * scale, (M * scale).T, np.asfortranarray(M * scale)):
        found = leading(matrix, 1, tol=tol)
        assert np.abs(found.values - truth) <= found.noise_floor + 300 * 2.0**-52 * truth
        assert found.noise_floor <= (tol + 1e-12) * found.values[0]
    assert steps == []


def test_residuals_are_those_of_float64():
    """float32 believes that it has come further: both residuals together are what float64 finds."""
    sigma = np.r_[2.0, np.linspace(1, 0.1, 299)]
    M = (laws.orthogonal(0, 300) * sigma) @ laws.orthogonal(1, 300)
    found = two_largest(M, 1e-7)
    assert found is not None
    assert 1e-7 * 2 < found.residual < 1e-6
    np.testing.assert_allclose(found.values, [2.0, 1.0], rtol=1e-10)


@pytest.mark.parametrize("vectors", ["random", "none"])
def test_vectors_that_are_wrong_cost_time_and_no_truth(vectors, steps, monkeypatch):
    M = sine(30.0)
    sigma = np.linalg.svd(M, compute_uv=False)
    wrong = {"random": np.random.default_rng(0).standard_normal((280, 2)), "none": None}[vectors]
    monkeypatch.setattr(single_module, "_right_vectors", lambda M, tol: wrong)
    found = leading(M, 1, tol=1e-6)
    assert abs(found.values[0] - sigma[0]) <= found.noise_floor + 1e-13
    assert len(steps) > 0


@pytest.mark.parametrize(
    "M",
    [np.zeros((300, 300)), np.outer(np.ones(300), np.arange(300.0)), np.eye(300), np.eye(300, k=299)],
    ids=["zero", "rank one", "all equal", "one entry"],
)  # fmt: skip
def test_where_float32_finds_no_two_vectors_float64_goes_on(M):
    assert two_largest(M, 0.0) is None
    truth = np.linalg.svd(M, compute_uv=False)[0]
    assert abs(leading(M, 1).values[0] - truth) <= 300 * 2.0**-52 * truth


def test_numbers_whose_squares_overflow_are_left_alone():
    assert two_largest(np.full((300, 300), 1e200), 1.0) is None


def test_small_matrices_and_sharp_errors_are_left_to_float64(steps):
    leading(sine(20.0), 1, tol=SHARPEST / 2)
    assert len(steps) > 0
    for side, alone in ((LARGE, True), (LARGE - 1, False)):
        steps.clear()
        leading(sine(20.0, (side, 400)), 1, tol=1e-6)
        assert (len(steps) == 0) is alone
    leading(sine(20.0), 2)
    assert len(steps) > 0


def test_the_vectors_stay_within_a_quarter_of_the_matrix(monkeypatch):
    counts, appended = [], single_module._appended
    monkeypatch.setattr(single_module, "_appended", lambda U, j, image: counts.append(j) or appended(U, j, image))
    assert two_largest(sine(1000.0), 0.0) is None
    assert len(counts) == 70


@pytest.mark.parametrize("size", [120, 300])
@pytest.mark.parametrize("tol", [1e-9, 1e-6])
@pytest.mark.parametrize("rest", [0.9, 0.3])
def test_two_values_that_nearly_coincide_are_told_apart_or_their_distance_is_in_the_error(size, tol, rest):
    """A Krylov space sees two such values as one for long, and the next Ritz value seems to leave a wide gap."""
    for seed in range(4):
        U, V = laws.orthogonal(2 * seed, size), laws.orthogonal(2 * seed + 1, size)
        for distance in np.geomspace(1e-12, 1e-3, 10):
            sigma = np.r_[1, 1 - distance, np.linspace(rest, 0.01, size - 2)]
            found = leading((U * sigma) @ V, 1, tol=tol)
            assert abs(found.values[0] - 1) <= found.noise_floor + size * 2.0**-52, (seed, distance)
            assert found.noise_floor <= tol * (1 + 1e-6) + size * 2.0**-51


def test_the_rounding_of_float64_is_in_the_error(monkeypatch):
    coarse = 2.0**-10
    monkeypatch.setattr(leading_module, "EPS", coarse)
    found = leading(sine(20.0), 1, tol=1e-6)
    np.testing.assert_allclose(found.noise_floor, 300 * coarse * found.values[0], rtol=1e-5)
