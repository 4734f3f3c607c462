"""Spectra: the laws of singular values, and one answer whichever route."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import rankkit as rk
from rankkit import spectrum as spectrum_module
from rankkit import testing as laws


def close(one, other, floor):
    return bool(np.all(np.abs(one - other) <= 4 * floor))


@given(laws.matrices(), laws.seeds)
def test_unitary_invariance(M, seed):
    rotated = laws.orthogonal(seed, M.shape[0]) @ M @ laws.orthogonal(seed + 1, M.shape[1])
    plain = rk.spectrum_of(M)
    # multiplying by the rotations rounds too: eps * size * norm, the size of the floor
    assert close(rk.spectrum_of(rotated).values, plain.values, 8 * plain.noise_floor)


@given(laws.matrices(), st.floats(1e-6, 1e6))
def test_scaling(M, scale):
    plain = rk.spectrum_of(M)
    assert close(rk.spectrum_of(scale * M).values, scale * plain.values, scale * plain.noise_floor)


@given(laws.matrices())
def test_transposition(M):
    plain = rk.spectrum_of(M)
    assert close(rk.spectrum_of(M.T).values, plain.values, plain.noise_floor)


@given(laws.matrices())
def test_sum_of_squares_is_the_squared_frobenius_norm(M):
    spectrum = rk.spectrum_of(M)
    assert spectrum.energy == pytest.approx(np.sum(M**2), rel=1e-12)
    assert np.sum(spectrum.values**2) == pytest.approx(spectrum.energy, rel=1e-12)


@given(laws.matrices(), st.data())
def test_interlacing_when_a_column_is_removed(M, data):
    if M.shape[1] < 2:
        return
    gone = data.draw(st.integers(0, M.shape[1] - 1))
    whole, part = rk.spectrum_of(M), rk.spectrum_of(np.delete(M, gone, axis=1))
    k, slack = part.values.shape[0], 4 * whole.noise_floor
    assert np.all(part.values <= whole.values[:k] + slack)
    below = whole.values[1 : k + 1]
    assert np.all(part.values[: len(below)] >= below - slack)


@given(laws.matrices(), st.integers(1, 6), laws.seeds)
def test_eckart_young(M, k, seed):
    """No matrix of rank k is nearer than sigma_(k+1); the truncated SVD is exactly that near."""
    sigma = rk.spectrum_of(M)
    behind = sigma.values[k] if k < sigma.values.shape[0] else 0.0
    U, s, Vt = np.linalg.svd(M, full_matrices=False)
    best = rk.spectrum_of(M - (U[:, :k] * s[:k]) @ Vt[:k]).values[0]
    assert abs(best - behind) <= 16 * sigma.noise_floor
    rng = np.random.default_rng(seed)
    other = rng.standard_normal((M.shape[0], k)) @ rng.standard_normal((k, M.shape[1]))
    assert rk.spectrum_of(M - other).values[0] >= behind - 16 * sigma.noise_floor


@given(laws.factors(max_size=40, max_rank=4))
def test_factored_dense_and_leading_agree(f):
    factored, dense = rk.spectrum_of(f), rk.spectrum_of(f.product())
    k = factored.values.shape[0]
    slack = 4 * (factored.noise_floor + dense.noise_floor)
    assert close(factored.values, dense.values[:k], slack)
    assert np.all(dense.values[k:] <= slack)
    top = rk.spectrum_of(f.product(), top=1)
    assert np.all(np.abs(top.values[:1] - dense.values[:1]) <= top.noise_floor + slack)


@pytest.mark.parametrize("size", [40, 400])
def test_top_truncates_and_says_so(size, asarray):
    f = rk.initializers.KaimingUniform()(size, size, 2, seed=0)
    M = asarray(rk.rules.Sine(30.0)(f))
    top, full = rk.spectrum_of(M, top=3), rk.spectrum_of(M)
    assert (top.complete, full.complete, top.values.shape) == (False, True, (3,))
    assert top.energy == pytest.approx(full.energy, rel=1e-12)
    np.testing.assert_allclose(top.values, full.values[:3], rtol=1e-8)
    assert rk.spectrum_of(f, top=2).complete  # nothing beyond r


def test_values_may_be_equal_and_zero():
    equal = rk.Spectrum([2.0, 2.0, 0.0, 0.0], (4, 4), complete=True, energy=8.0, noise_floor=0.0)
    assert equal.values.tolist() == [2, 2, 0, 0]
    for wrong in ([1.0, -1.0], [1.0, 2.0], 1.0):
        with pytest.raises(ValueError, match="descending order"):
            rk.Spectrum(wrong, (4, 4), complete=True, energy=8.0, noise_floor=0.0)


def test_what_is_known_of_a_spectrum_is_said():
    for shape, complete, says in (
        ((2, 3), True, "all 2 singular values"), ((4, 4), True, "2 singular values, all others are zero"),
        ((4, 4), False, "the 2 largest of 4 singular values"),
    ):  # fmt: skip
        assert says in repr(rk.Spectrum([2.0, 1.0], shape, complete=complete, energy=5.0, noise_floor=0.0))
    assert "1 singular value, all" in repr(rk.Spectrum([2.0], (4, 4), complete=True, energy=4.0, noise_floor=0.0))


def test_a_krylov_method_takes_over_from_a_full_svd_where_a_sixteenth_of_the_values_is_wanted(monkeypatch):
    asked = []
    for name in ("leading", "dense", "economical"):
        real = getattr(spectrum_module, name)
        monkeypatch.setattr(
            spectrum_module, name, lambda *given, name=name, real=real, **more: asked.append((name, more)) or real(*given, **more)
        )  # fmt: skip
    M = np.random.default_rng(0).standard_normal((64, 96))
    for top, tol in ((4, 0.0), (4, 1e-4), (5, 0.0), (None, 0.0), (None, 1e-3)):
        rk.spectrum_of(M, top=top, tol=tol)
    some = ("leading", {"tol": 1e-9}), ("leading", {"tol": 1e-4})
    assert asked == [*some, ("dense", {}), ("dense", {}), ("economical", {})]
    for tol in (-1e-9, 1.01e-3, np.nan):
        with pytest.raises(ValueError, match="tol must"):
            rk.spectrum_of(M, tol=tol)


@pytest.mark.parametrize("batch", [(), (2,)])
def test_a_forming_error_joins_every_floor(batch):
    """The floors of all values where there is one for each, and those of the leading ones where no others are kept."""
    M = np.broadcast_to(np.diag(np.geomspace(1, 1e-5, 300)), (*batch, 300, 300))
    error = 1e-3 * np.arange(1.0, 1 + np.prod(batch)).reshape(batch) if batch else 1e-3
    for top, tol, count in ((None, 1e-3, 300), (100, 1e-3, 100), (3, 0.0, 3), (None, 0.0, 300)):
        plain, formed = (rk.spectrum_of(M, top=top, tol=tol, forming_error=e) for e in (0.0, error))
        assert formed.values.shape == formed.error.shape == (*batch, count)
        np.testing.assert_array_equal(formed.error, plain.error + np.reshape(error, (*batch, 1)))
        assert formed.complete == (count == 300)
        np.testing.assert_allclose(formed.energy, np.sum(M**2, axis=(-2, -1)), rtol=1e-13)
    f = rk.initializers.KaimingUniform()(20, 30, 3, seed=0)
    assert rk.spectrum_of(f).energy == pytest.approx(np.sum(f.product() ** 2), rel=1e-12)
    assert rk.spectrum_of(f, top=1).energy == pytest.approx(np.sum(f.product() ** 2), rel=1e-12)
    for top, count in ((None, 3), (2, 2), (5, 3)):
        assert (rk.spectrum_of(f, top=top).values.size, rk.spectrum_of(f, top=top).complete) == (count, count == 3)


def test_batches_are_their_members(asarray):
    M = np.random.default_rng(0).standard_normal((2, 3, 8, 5))
    batch = rk.spectrum_of(asarray(M))
    assert batch.batch_shape == (2, 3)
    for i in np.ndindex(2, 3):
        np.testing.assert_allclose(batch.values[i], rk.spectrum_of(M[i]).values, rtol=1e-12)


def test_forming_error_joins_the_floor_and_ends_relative_accuracy():
    f = rk.initializers.KaimingUniform()(20, 20, 3, seed=0)
    plain, formed = rk.spectrum_of(f), rk.spectrum_of(f, forming_error=1e-3)
    assert formed.noise_floor == pytest.approx(plain.noise_floor + 1e-3)
    assert np.all(plain.error < 1e-12)
    assert plain.relative_error < 1e-12
    assert formed.relative_error == np.inf
    assert np.all(formed.error >= 1e-3)


@pytest.mark.parametrize(
    ("call", "error", "says"),
    [
        (lambda: rk.spectrum_of([[1.0]]), TypeError, "update must be a numpy array"),
        (lambda: rk.spectrum_of(np.array([[np.nan]])), ValueError, "update must be finite"),
        (lambda: rk.spectrum_of(np.ones(3)), ValueError, "update must have shape"),
        (
            lambda: rk.spectrum_of(np.ones((3, 3)), top=4),
            ValueError,
            "top must be an integer in 1..3, got 4; a 3 x 3 update has 3 singular values",
        ),
        (lambda: rk.spectrum_of(np.ones((3, 3)), top=0), ValueError, "top must be an integer"),
        (lambda: rk.spectrum_of(np.ones((3, 5)), top=4), ValueError, "a 3 x 5 update has 3 singular values"),
        (lambda: rk.spectrum_of(np.ones((5, 3)), top=4), ValueError, "a 5 x 3 update has 3 singular values"),
        (lambda: rk.spectrum_of(np.ones((3, 3)), forming_error=-1.0), ValueError, "forming_error must be >= 0"),
        (lambda: rk.Spectrum([1.0, 2.0], (2, 2), True, 5.0, 0.0), ValueError, "descending order"),
    ],
)
def test_bad_arguments_are_refused(call, error, says):
    with pytest.raises(error, match=says):
        call()


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (lambda torch: np.ma.masked_array(np.eye(3), mask=np.eye(3) > 0), "a masked array; fill it first"),
        (lambda torch: torch.empty(3, 3, device="meta"), "on the device meta, which holds no numbers; load"),
        (lambda torch: torch.eye(3).to_sparse(), r"a sparse tensor; call its to_dense\(\) first"),
        (lambda torch: torch.eye(3).to(torch.float8_e4m3fn), "float8_e4m3fn; cast it to float32 first"),
    ],
    ids=["masked", "meta", "sparse", "float8"],
)
def test_arrays_without_numbers_that_can_be_computed_with_are_refused(wrong, said):
    torch = pytest.importorskip("torch")
    with pytest.raises(TypeError, match=f"update must be an array with a number in every place, got .*{said}"):
        rk.spectrum_of(wrong(torch))


@pytest.mark.parametrize("wrong", ["x", None, [1.0, None], np.ones(2), np.ones((1, 1)), [-1.0], float("nan")])
def test_a_forming_error_is_one_number_for_each_update(wrong):
    with pytest.raises(ValueError, match="forming_error must be .*; pass rule.forming_error"):
        rk.spectrum_of(np.eye(3), forming_error=wrong)
    assert rk.spectrum_of(np.stack([np.eye(3)] * 2), forming_error=np.ones(2)).values.shape == (2, 3)
