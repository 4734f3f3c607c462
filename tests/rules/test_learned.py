"""Learned nonlinearities: the laws of phi, what sums of basis functions reproduce, and the table's error."""

import math

import mpmath as mp
import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

import rankkit as rk
from rankkit import testing as laws
from rankkit.rules import (
    BSplineBasis,
    FourierBasis,
    GaussianBasis,
    PolynomialBasis,
    SincBasis,
    chebyshev_grid,
    random_grid,
    uniform_grid,
)

KERNELS = {
    SincBasis: mp.sincpi,
    GaussianBasis: lambda t: mp.exp(-t * t),
    BSplineBasis: lambda t: (max(2 - abs(t), 0) ** 3 - 4 * max(1 - abs(t), 0) ** 3) / 6,
}
SHIFTED = list(KERNELS)
TABLED = [*SHIFTED, FourierBasis]
EVERY = [*TABLED, PolynomialBasis]


def learned(kind, seed=0, count=50, bandwidth=1.0, **more):
    """A phi with random parameters, as training would leave them."""
    rng = np.random.default_rng(seed)
    alpha, omega = rng.standard_normal(count), bandwidth * rng.uniform(0.3, 2, count)
    if kind is FourierBasis:
        more["phase"] = rng.uniform(0, 2 * math.pi, count)
    return kind(alpha=alpha, omega=omega, **more)


def truth(phi, x):
    """Return phi at x to 30 digits."""
    with mp.workdps(30):
        x = mp.mpf(float(x))
        pairs = [(mp.mpf(float(a)), mp.mpf(float(w))) for a, w in zip(phi.alpha, phi.omega)]
        if isinstance(phi, PolynomialBasis):
            return mp.fsum(a * (1 + w * x) ** 3 for a, w in pairs)
        if isinstance(phi, FourierBasis):
            return mp.fsum(a * mp.cos(w * x + mp.mpf(float(p))) for (a, w), p in zip(pairs, phi.phase))
        kernel = KERNELS[type(phi)]
        return mp.fsum(a * kernel(w * (x - mp.mpf(float(g)))) for (a, w), g in zip(pairs, phi.grid))


def one(x):
    """Factors whose product holds the points x exactly, so that the update is phi(x)."""
    return rk.Factors(np.asarray(x, dtype=float).reshape(-1, 1), np.ones((1, 1)))


@pytest.mark.parametrize(
    ("kind", "more"), [*((kind, {"method": m}) for kind in TABLED for m in ("exact", "table")), (PolynomialBasis, {})]
)
@pytest.mark.parametrize("bandwidth", [1.0, 15.0])
def test_phi_agrees_with_thirty_digits_within_forming_error(kind, more, bandwidth):
    phi = learned(kind, bandwidth=bandwidth, **more)
    x = np.random.default_rng(1).uniform(-6, 6, 40)
    f = one(x)
    off = [abs(mp.mpf(float(value)) - truth(phi, point)) for value, point in zip(phi(f)[:, 0], x)]
    bound = float(phi.forming_error(f))
    assert float(mp.sqrt(mp.fsum(d * d for d in off))) <= bound
    assert bound < (1e-4 if kind is PolynomialBasis else 1e-7)  # (1 + 30 * 6)^3 is six million


@pytest.mark.parametrize("kind", TABLED)
@pytest.mark.parametrize("bandwidth", [0.1, 1.0, 20.0])
def test_the_table_agrees_with_the_exact_sum_within_its_bound(kind, bandwidth, asarray):
    f = rk.initializers.Normal()(120, 90, 2, seed=2)
    f = rk.Factors(asarray(f.B), asarray(f.A))
    table, exact = (learned(kind, bandwidth=bandwidth, method=method)(f) for method in ("table", "exact"))
    bound = float(learned(kind, bandwidth=bandwidth).forming_error(f))
    assert float(((table - exact) ** 2).sum()) ** 0.5 <= 2 * bound
    assert bound < 1e-6


@pytest.mark.parametrize("kind", [*SHIFTED, FourierBasis])
def test_tables_state_their_truncation_and_a_coarser_one_would_be_caught(kind):
    from rankkit.rules import interpolant

    phi = learned(kind)
    x = np.linspace(-5, 5, 4001)
    fine = phi.table(-5.0, 5.0)
    slack = 1e-13 * np.sum(np.abs(phi.alpha))
    assert np.max(np.abs(fine(x) - phi.exact(x))) <= fine.truncation + slack
    if kind is not BSplineBasis:
        coarse = interpolant.chebyshev(phi.exact, -5.0, 5.0, phi._derivative, 20)
        off = np.max(np.abs(coarse(x) - phi.exact(x)))
        assert fine.truncation + slack < off <= coarse.truncation


@pytest.mark.parametrize("kind", EVERY)
@given(seed=laws.seeds, weight=st.floats(-3, 3))
def test_phi_is_linear_in_alpha(kind, seed, weight):
    first, second = learned(kind, seed), learned(kind, seed)
    rng = np.random.default_rng(seed)
    other = rng.standard_normal(50)
    shared = {name: getattr(first, name) for name in ("omega", "grid", "phase") if hasattr(first, name)}
    if kind is FourierBasis:
        shared.pop("grid")
    x = rng.uniform(-4, 4, (5, 3))
    mixed = kind(alpha=first.alpha + weight * other, **shared)
    np.testing.assert_allclose(
        mixed.exact(x), second.exact(x) + weight * kind(alpha=other, **shared).exact(x), rtol=1e-9, atol=1e-8
    )


@pytest.mark.parametrize("kind", EVERY)
def test_phi_is_zero_at_zero_amplitudes(kind):
    f = rk.initializers.Normal()(30, 20, 2, seed=0)
    for phi in (kind(), kind(alpha=np.zeros(7), omega=3.0)):
        np.testing.assert_array_equal(phi(f), np.zeros((30, 20)))
        assert phi.forming_error(f) == 0


@pytest.mark.parametrize("kind", SHIFTED)
@given(shift=st.floats(-2, 2), seed=laws.seeds)
def test_shifting_the_grid_shifts_phi(kind, shift, seed):
    phi = learned(kind, seed)
    moved = kind(alpha=phi.alpha, omega=phi.omega, grid=phi.grid + shift)
    x = np.random.default_rng(seed).uniform(-4, 4, (4, 3))
    np.testing.assert_allclose(moved.exact(x + shift), phi.exact(x), atol=1e-9)


def test_sincs_reproduce_a_band_limited_function():
    """Shannon: f(x) = sinc(x / 2)^2 has bandwidth 1/2, so unit sincs on the integers carry it (LR-LoRA paper, eq. 2)."""
    grid = np.arange(-300.0, 301.0)
    phi = SincBasis(alpha=np.sinc(grid / 2) ** 2, omega=1.0, grid=grid)
    x = np.linspace(-5, 5, 301)
    # what is left out: the samples beyond 300, each at most (2 / pi i)^2 against 1 / (pi (i - 5))
    left_out = 2 * sum((2 / (math.pi * i)) ** 2 / (math.pi * (i - 5)) for i in range(301, 20_000))
    assert np.max(np.abs(phi.exact(x) - np.sinc(x / 2) ** 2)) <= left_out + 1e-12
    assert left_out < 1e-5


def test_sincs_interpolate_at_their_grid():
    alpha = np.random.default_rng(0).standard_normal(9)
    phi = SincBasis(alpha=alpha, omega=2.0, grid=np.arange(9) / 2)
    np.testing.assert_allclose(phi.exact(np.arange(9) / 2), alpha, atol=1e-13)


def test_splines_reproduce_cubics():
    """Marsden: sum B3(x - i) = 1, sum i B3(x - i) = x, sum (i^2 - 1/3) B3 = x^2, sum (i^3 - i) B3 = x^3."""
    grid = np.arange(-12.0, 13.0)
    x = np.linspace(-8, 8, 201)
    for power, alpha in enumerate((np.ones(25), grid, grid**2 - 1 / 3, grid**3 - grid)):
        phi = BSplineBasis(alpha=alpha, omega=1.0, grid=grid)
        np.testing.assert_allclose(phi.exact(x), x**power, atol=1e-11)
        np.testing.assert_allclose(phi.table(-8.0, 8.0)(x), x**power, atol=1e-11)


def test_cubes_reproduce_any_cubic():
    omega = np.array([0.0, 1.0, -1.0, 2.0])
    wanted = np.array([0.5, -2.0, 1.0, 0.25])
    system = np.array([c * omega**k for k, c in enumerate((1, 3, 3, 1))])
    phi = PolynomialBasis(alpha=np.linalg.solve(system, wanted), omega=omega)
    np.testing.assert_allclose(phi.coefficients, wanted, atol=1e-12)


def test_cosines_reproduce_a_sine():
    phi = FourierBasis(alpha=[1.0], omega=[7.0], phase=[-math.pi / 2])
    f = rk.initializers.Normal()(20, 15, 2, seed=1)
    np.testing.assert_allclose(phi(f), rk.rules.Sine(7.0, gain=1.0)(f), atol=1e-12)


def test_grids():
    np.testing.assert_allclose(uniform_grid(), np.linspace(-3, 3, 50))
    expected = [2 * math.cos(math.pi * (2 * i - 1) / 8) for i in (4, 3, 2, 1)]
    np.testing.assert_allclose(chebyshev_grid(4, 2.0), expected, atol=1e-15)
    drawn = random_grid(200, 1.5, seed=3)
    assert np.all(np.diff(drawn) >= 0)
    assert np.max(np.abs(drawn)) <= 1.5
    np.testing.assert_array_equal(drawn, random_grid(200, 1.5, seed=3))
    assert SincBasis().grid.tolist() == uniform_grid().tolist()
    assert set(SincBasis().omega) == {1.0}


def test_a_checkpoints_tensors_can_be_put_in():
    tensors = [torch.linspace(-1, 1, 5, requires_grad=True), torch.nn.functional.softplus(torch.zeros(5))]
    phi = SincBasis(alpha=tensors[0], omega=tensors[1], grid=torch.linspace(-3, 3, 5))
    np.testing.assert_allclose(phi.omega, math.log(2), rtol=1e-6)


def test_phi_holds_a_few_matrices_and_no_more():
    """Fifty basis functions of a 1500 x 1500 update: an (m, n, N) array would take fifty times the matrix."""
    import tracemalloc

    f = rk.initializers.Normal()(1500, 1500, 2, seed=0)
    matrix = 1500 * 1500 * 8
    for method in ("table", "exact"):
        tracemalloc.start()
        learned(SincBasis, method=method)(f)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert peak < 4 * matrix


def test_float32_updates_are_bounded_too():
    f = rk.initializers.Normal()(60, 50, 3, seed=0)
    for kind in EVERY:
        phi = learned(kind)
        off = np.linalg.norm(phi(f, dtype="float32").astype(float) - phi(f))
        assert 0 < off <= phi.forming_error(f, dtype="float32") + phi.forming_error(f)


def test_a_basis_sweeps_like_any_rule():
    sweep = rk.sweep_frequency(24, 2, omegas=[0.5, 4.0], seeds=1, rule=lambda w: SincBasis(alpha=np.ones(50), omega=w))
    assert sweep.table["numerical_rank"].is_monotonic_increasing


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda: SincBasis(alpha=[[1.0]]), "alpha must be a vector"),
        (lambda: SincBasis(alpha=[1.0, np.nan]), "alpha must be finite"),
        (lambda: SincBasis(alpha=[1.0, 2.0], omega=[1.0]), "omega must be a number or a vector of 2"),
        (lambda: SincBasis(alpha=[1.0], grid=[1.0, 2.0]), "grid must be a number or a vector of 1"),
        (lambda: SincBasis(method="fast"), "method must be 'auto', 'exact' or 'table'"),
        (lambda: FourierBasis(grid=np.ones(50)), "grid must be left out"),
        (lambda: PolynomialBasis(alpha=[np.inf]), "alpha must be finite"),
        (lambda: SincBasis(alpha=[1.0], omega=1e9).table(-3.0, 3.0), "use method='exact'"),
    ],
)
def test_bad_parameters_are_refused(call, says):
    with pytest.raises(ValueError, match=says):
        call()


@pytest.mark.parametrize("kind", [SincBasis, BSplineBasis, GaussianBasis, FourierBasis])
def test_a_kernel_is_as_high_and_as_steep_as_it_says(kind):
    t = np.linspace(-4, 4, 80_001)
    values = np.abs(kind._kernel(t))
    assert 0.999 * kind.highest <= np.max(values) <= kind.highest * (1 + 1e-12)
    assert np.max(np.abs(np.diff(kind._kernel(t)))) <= kind.steepest * (t[1] - t[0])
