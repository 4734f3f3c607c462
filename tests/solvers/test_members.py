"""Laws of stacks, devices and units: what a solver says of a matrix is what it says of it anywhere else.

A stack is its members, on the host and on a device. A matrix in other units has the same digits: multiplication by a
power of two rounds nothing, so that values, errors and routes are the same to the last bit.
"""

from typing import Any

import numpy as np
import pytest
import torch

import rankkit as rk
from rankkit import testing as laws
from rankkit.solvers import economical as economical_module
from rankkit.solvers import sampled as sampled_module
from rankkit.solvers.dense import dense
from rankkit.solvers.economical import economical
from rankkit.solvers.factored import factored
from rankkit.solvers.gram import eigenvalue_bounds, gram
from rankkit.solvers.inertia import inertia
from rankkit.solvers.kronecker import kronecker
from rankkit.solvers.leading import leading
from rankkit.solvers.located import located
from rankkit.solvers.sampled import sample_size, sampled
from rankkit.solvers.solution import energy, error_of
from rankkit.solvers.stack import Stack
from rankkit.solvers.tolerance import Threshold, threshold_for
from rankkit.solvers.top import lanczos_low, proved_top, row_sum_top, sharp_bounds
from rankkit.solvers.windows import nearly_full, windowed

P, Q = 128, 160
U, V = laws.orthogonal(0, Q)[:, :P], laws.orthogonal(1, P)


def matrix_of(sigma):
    """Return a matrix with these singular values, to rounding."""
    return (U * sigma) @ V


FALLING = [np.geomspace(1, 10.0**-decades, P) for decades in (2.9, 6, 40)]
STACK = np.stack([matrix_of(sigma) for sigma in FALLING])
HOMES = {"host": np.asarray, "device": torch.as_tensor}


@pytest.fixture(params=HOMES)
def home(request):
    """Put a stack on the host, or where a library for devices keeps it."""
    return HOMES[request.param]


def stated(solution):
    return error_of(solution.values, solution.noise_floor, solution.relative_error)


SOLVERS = {
    "dense": dense, "one": lambda S: leading(S, 1, tol=1e-2), "some": lambda S: leading(S, 3, tol=1e-4),
    "economical": lambda S: economical(S, 1e-4),
}  # fmt: skip


@pytest.mark.parametrize("name", SOLVERS)
def test_a_stack_has_the_values_of_its_members(name, home):
    some = SOLVERS[name](home(STACK[:, None]))
    for i, sigma in enumerate(FALLING):
        one = SOLVERS[name](STACK[i])
        error = stated(some)[i, 0]
        assert some.values.shape == (3, 1, *one.values.shape)
        assert np.all(np.abs(some.values[i, 0] - sigma[: error.size]) <= error + 1e-14)
        assert np.all(np.abs(some.values[i, 0] - one.values) <= error + stated(one))
        assert np.all(error <= 1.001 * stated(one) + 1e-14)  # a stack goes on until all of its members are done


@pytest.mark.parametrize("batch", [(), (3,), (2, 3)])
def test_factors_have_the_values_of_their_members(batch, home):
    rng = np.random.default_rng(0)
    B, A = (rng.standard_normal((*batch, *shape)) for shape in ((30, 5), (5, 20)))
    some = factored(rk.Factors(home(B), home(A)))
    assert some.values.shape == (*batch, 5)
    for i in np.ndindex(*batch):
        one = factored(rk.Factors(B[i], A[i]))
        np.testing.assert_allclose(some.values[i], one.values, rtol=1e-12)
        np.testing.assert_allclose(some.noise_floor[i], one.noise_floor, rtol=1e-9)
        np.testing.assert_allclose(some.relative_error[i], one.relative_error, rtol=1e-9)


def test_samples_of_a_stack(home):
    some = sampled(home(STACK), 40)
    for i in range(3):
        one = sampled(STACK[i][None], 40)
        assert np.all(np.abs(some.values[i] - one.values[0]) <= stated(some)[i] + stated(one)[0])
        np.testing.assert_allclose(some.noise_floor[i], one.noise_floor[0], rtol=1e-3, atol=1e-13)


def test_the_gram_matrix_of_a_stack(home):
    """G = tall^T tall in the lower triangle, zeros above, for tall, wide and square matrices."""
    for S in (STACK, np.swapaxes(STACK, -1, -2), STACK[:, :P]):
        for which in (slice(None), slice(1, 2)):
            G = gram(home(np.ascontiguousarray(S[which])), energy(S[which]))
            tall, matrix = np.asarray(G.tall), np.asarray(G.matrix)
            assert tall.shape[1] >= tall.shape[2]
            assert np.all(np.abs(matrix - np.tril(np.swapaxes(tall, -1, -2) @ tall)) <= G.error[:, None, None])
            np.testing.assert_allclose(G.energy, np.sum(S[which] ** 2, axis=(-2, -1)), rtol=1e-13)
            low, high = eigenvalue_bounds(G)
            sigma = np.linalg.svd(S[which], compute_uv=False)
            assert np.all((low <= sigma * (1 + 1e-14)) & (sigma <= high * (1 + 1e-14)))


def test_bounds_on_the_largest_values_of_a_stack(home):
    G, here = gram(home(STACK), energy(STACK)), gram(STACK, energy(STACK))
    low, crude = lanczos_low(G), row_sum_top(G)
    np.testing.assert_allclose(low, lanczos_low(here), rtol=1e-5)  # which ends as soon as it is near enough
    np.testing.assert_allclose(crude, row_sum_top(here), rtol=1e-12)
    high = proved_top(G, low, crude)
    np.testing.assert_allclose(high, proved_top(here, low, crude), rtol=1e-7)
    assert np.all((low <= 1) & (high >= 1) & (high < np.minimum(1.002, crude)))
    least, most = sharp_bounds(G, low, high)
    assert np.all((least >= low) & (most <= high) & (least <= 1) & (most >= 1) & (most - least < 1e-5))


def test_values_near_a_threshold_of_a_stack(home):
    sigma = np.r_[np.linspace(1, 0.5, P - 6), np.linspace(2e-3, 1e-3, 6)]
    S = np.stack([matrix_of(sigma), 3 * matrix_of(sigma[::-1]), matrix_of(2 * sigma)])
    G = gram(home(S), energy(S))
    edge = np.array([1.5e-3**2, 4.5e-3**2, 3e-3**2])
    values = located(G, inertia(G, edge, 1), 6)
    for i, scale in enumerate((1, 3, 2)):
        one = gram(S[i][None], energy(S[i][None]))
        alone = located(one, inertia(one, edge[i : i + 1], 1), 6)
        error = float((values.rounding[i] + 1e-12) / values.norm[i])
        for value in scale * sigma[-6:]:
            assert np.min(np.abs(values.values[i] - value)) <= error
        np.testing.assert_allclose([values.rounding[i], values.norm[i]], [alone.rounding[0], alone.norm[0]], rtol=1e-9)
        assert np.all(values.smallest[i, :6] >= scale * sigma[::-1][:6] * (1 - 1e-9))
        assert np.all(values.smallest[i, :6] <= 1.01 * scale * sigma[::-1][:6] + 1e-6)


# counts


def near(below, above, tau=1e-3, others=1e-5):
    """Return singular values of which so many lie beside a threshold, at these relative distances from it."""
    beside = [tau * (1 + gap) for gap in above] + [tau * (1 - gap) for gap in below]
    return np.sort(np.r_[np.linspace(1, 0.3, 60), beside, np.full(P - 60 - len(beside), others)])[::-1]


FULL = [np.sort(np.r_[np.linspace(1, 0.3, P - few), np.full(few, 1e-5)])[::-1] for few in (2, 20, 0)]
CLOSE = [
    near([], [1e-7]), near([1e-7], []), near([2e-7], [1e-7]), near([1e-7], [2e-7]), near([1e-7] * 6, [2e-7] * 3),
    near([1e-2], [1e-2]), near([], []),
]  # fmt: skip


@pytest.mark.parametrize("spectra", [FULL, CLOSE, FALLING, [*FULL, *CLOSE]], ids=["full", "close", "falling", "all"])
def test_a_stack_is_counted_as_its_members_are_and_by_the_same_routes(spectra, home):
    S = home(np.stack([matrix_of(sigma) for sigma in spectra]))
    found = rk.count_above(S, rtol=1e-3)
    for i, sigma in enumerate(spectra):
        one = rk.count_above(S[i], rtol=1e-3)
        assert tuple(found.lower[i : i + 1]) + tuple(found.upper[i : i + 1]) == (one.lower, one.upper)
        assert found.route[i] == one.route
        assert found.lower[i] == found.upper[i] == np.sum(sigma > 1e-3 * sigma[0])


@pytest.mark.parametrize("gap", [0.3, 1e-2, 1e-4])
def test_nearly_full_matrices_are_decided_with_sigma_1_as_sharp_as_it_has_to_be(gap, home):
    """A few values lie below the threshold by so much, or above it: each sharpness of sigma_1 is needed in turn."""
    spectra = []
    for few in (3, 9):
        below = 0.1 * (1 - gap * np.linspace(1, 1.5, few))
        spectra.append(np.r_[np.linspace(1, 0.6, P - few), below])
        spectra.append(np.r_[np.linspace(1, 0.6, P - few - 1), 0.1 * (1 + gap), below])
    S = home(np.stack([matrix_of(sigma) for sigma in spectra]))
    bounds = nearly_full(Stack(S, threshold_for((Q, P), 0.1, None, np.zeros(4))))
    assert bounds.lower.tolist() == bounds.upper.tolist() == [P - 3, P - 3, P - 9, P - 9]


def test_values_on_either_side_of_a_threshold_are_located_and_counted(home):
    for spectra in (CLOSE, *([sigma] for sigma in CLOSE)):
        S = home(np.stack([matrix_of(sigma) for sigma in spectra]))
        bounds = windowed(Stack(S, threshold_for((Q, P), None, 1e-3, np.zeros(len(spectra)))))
        truth = [int(np.sum(sigma > 1e-3)) for sigma in spectra]
        assert bounds.lower.tolist() == bounds.upper.tolist() == truth


def test_a_part_of_a_stack(home):
    threshold = Threshold(np.array([0.1, 0.2, 0.3]), np.array([1.0, 2.0, 3.0]), np.array([1e-3, 2e-3, 3e-3]))
    work = Stack(home(STACK), threshold)
    work.definite = np.array([5, 6, 7])
    assert work.at(np.arange(3)) is work
    for formed in (False, True):  # the Gram matrices of the whole: not yet there, and handed on
        assert (work._gram is not None) == formed
        part = work.at(np.array([2, 0]))
        assert (part._gram is not None) == formed
        assert [part.definite.tolist(), part.threshold.rtol.tolist()] == [[7, 5], [0.3, 0.1]]
        assert [part.threshold.atol.tolist(), part.threshold.error.tolist()] == [[3.0, 1.0], [3e-3, 1e-3]]
        np.testing.assert_array_equal(np.asarray(part.S), STACK[[2, 0]])
        np.testing.assert_allclose(part.energy, work.energy[[2, 0]])
        np.testing.assert_allclose(part.low, work.low[[2, 0]], rtol=1e-12)
        assert part.gram.matrix.shape == (2, P, P)
        assert part.p == P


@pytest.mark.parametrize("order", [1, -1])
def test_a_stack_gets_the_samples_that_its_most_demanding_member_needs(monkeypatch, order, home):
    """Otherwise the others would be measured anew, by a route that costs more."""
    p, asked = 256, []
    turn = laws.orthogonal(2, p)
    S = np.stack([(turn * np.geomspace(1, 10.0**-decades, p)) @ turn.T for decades in (120, 200)])[::order]
    smooth = np.cos(np.outer(np.linspace(0, 1, p), np.linspace(0, 9, p)))
    S = np.stack([S[0], S[1], smooth])
    real = sampled_module.sampled
    for module in (economical_module, rk.solvers.counting):
        monkeypatch.setattr(module, "sampled", lambda S, k: asked.append(k) or real(S, k))
    economical(home(S), 1e-4)
    rk.count_above(home(S), rtol=1e-4)
    wanted = sample_size(S, np.full(3, 1e-4))
    assert min(wanted) > 0
    if home is torch.as_tensor:
        assert asked == [int(wanted.max())] * 2
    else:
        assert asked == [*map(int, wanted)] * 2


# units

CORE = rk.Factors(*(np.random.default_rng(i).standard_normal(shape) for i, shape in enumerate([(30, 5), (5, 20)])))
WIDE = np.stack([STACK[1], STACK[0]])
SCALED: dict[str, Any] = {
    "dense": (dense, STACK), "one": (lambda S: leading(S, 1, tol=1e-2), STACK),
    "some": (lambda S: leading(S, 3, tol=1e-4), STACK), "sampled": (lambda S: sampled(S, 40), STACK),
    "economical": (lambda S: economical(S, 1e-4), np.stack([np.pad(x, ((0, 140), (0, 140))) for x in WIDE])),
    "factored": (factored, CORE),
    "kronecker": (kronecker, rk.products.Kronecker(CORE, rk.Factors(np.eye(2), np.diag([1.0, 0.5])))),
}  # fmt: skip


def in_units(update, scale):
    """Return an update in other units."""
    if isinstance(update, rk.Factors):
        return rk.Factors(update.B * scale, update.A)
    if isinstance(update, rk.products.Kronecker):
        return rk.products.Kronecker(in_units(update.first, scale), update.second)
    return update * scale


@pytest.mark.parametrize("scale", [2.0**40, 2.0**-40])
@pytest.mark.parametrize("name", SCALED)
def test_values_and_errors_are_in_the_updates_units(name, scale):
    solver, update = SCALED[name]
    one, other = solver(update), solver(in_units(update, scale))
    np.testing.assert_allclose(other.values, one.values * scale, rtol=1e-12, atol=1e-14 * scale)
    np.testing.assert_allclose(other.noise_floor, one.noise_floor * scale, rtol=1e-4)
    np.testing.assert_allclose(other.relative_error, one.relative_error, rtol=1e-6)


@pytest.mark.parametrize("scale", [2.0**40, 2.0**-40])
def test_counts_have_no_units(scale, home):
    for spectra, rtol in ((FULL, 1e-3), (CLOSE, 1e-3), (FALLING, 1e-2), ([*FALLING], 1e-6)):
        S = home(np.stack([matrix_of(sigma) for sigma in spectra]))
        one, other = rk.count_above(S, rtol=rtol), rk.count_above(S * scale, rtol=rtol)
        absolute = rk.count_above(S * scale, atol=rtol * scale)
        for a, b, c in zip(one, other, absolute, strict=True):
            assert a.tolist() == b.tolist()
            assert one.route is a or b.tolist() == c.tolist()


@pytest.mark.parametrize("scale", [2.0**40, 2.0**-40])
def test_bounds_have_the_updates_units(scale, home):
    G, other = gram(home(STACK), energy(STACK)), gram(home(STACK * scale), energy(STACK * scale))
    np.testing.assert_allclose(other.error, G.error * scale**2, rtol=1e-12)
    for bound in (row_sum_top, lanczos_low, lambda G: proved_top(G, lanczos_low(G), row_sum_top(G)), eigenvalue_bounds):
        np.testing.assert_allclose(bound(other), np.asarray(bound(G)) * scale, rtol=1e-9, atol=1e-13 * scale)
    edge = np.full(3, 1e-3**2)
    one, two = located(G, inertia(G, edge, 1), 6), located(other, inertia(other, edge * scale**2, 1), 6)
    np.testing.assert_allclose(two.rounding, one.rounding * scale, rtol=1e-9)
    np.testing.assert_allclose(two.norm, one.norm, rtol=1e-12)
    np.testing.assert_allclose(two.smallest, one.smallest * scale, rtol=1e-3, atol=1e-9 * scale)
