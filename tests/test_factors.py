"""Factors: every shape, type and finiteness check, and what can be known of B A without forming it."""

import numpy as np
import pytest
import torch
from hypothesis import given

import rankkit as rk
from rankkit import testing as laws


def pair(asarray, m=5, r=2, n=4, dtype="float64"):
    rng = np.random.default_rng(0)
    B, A = rng.standard_normal((m, r)).astype(dtype), rng.standard_normal((r, n)).astype(dtype)
    return asarray(B), asarray(A)


def test_sizes_are_read_off(asarray):
    f = rk.Factors(*pair(asarray))
    assert (f.m, f.n, f.r, f.shape, f.batch_shape) == (5, 4, 2, (5, 4), ())
    assert "m=5, n=4, r=2" in repr(f)


@pytest.mark.parametrize(
    ("B", "A", "error", "says"),
    [
        ([[1.0]], np.ones((1, 2)), TypeError, "B must be a numpy array or a torch tensor"),
        (np.ones((3, 2), dtype=int), np.ones((2, 3)), TypeError, "B must hold real floating-point"),
        (np.ones((3, 2)), np.ones((2, 3), dtype=complex), TypeError, "A must hold real floating-point"),
        (np.ones(3), np.ones((2, 3)), ValueError, "B must have shape"),
        (np.ones((3, 0)), np.ones((0, 3)), ValueError, "no empty axis"),
        (np.ones((3, 2)), np.ones((3, 2)), ValueError, "is one of them transposed"),
        (np.ones((5, 3, 2)), np.ones((4, 2, 3)), ValueError, "share their batch axes"),
        (np.full((3, 2), np.nan), np.ones((2, 3)), ValueError, "B must be finite"),
        (np.ones((3, 2)), np.full((2, 3), np.inf), ValueError, "A must be finite"),
        (np.ones((3, 2)), torch.ones((2, 3)), TypeError, "one library"),
    ],
)
def test_bad_factors_are_refused_in_one_sentence(B, A, error, says):
    with pytest.raises(error, match=says) as caught:
        rk.Factors(B, A)
    assert "\n" not in str(caught.value)


def test_rank_above_both_sizes_is_legal():
    assert rk.Factors(np.ones((2, 9)), np.ones((9, 3))).r == 9


def test_the_product_promotes_before_it_multiplies(asarray):
    """A rank-one product formed in float32 and cast up has full numerical rank; ours stays at one."""
    B, A = pair(asarray, m=64, r=1, n=64, dtype="float32")
    ours = rk.metrics.numerical_rank(rk.spectrum_of(rk.Factors(B, A).product()), rtol=1e-12)
    planted = rk.metrics.numerical_rank(rk.spectrum_of(B @ A), rtol=1e-12)
    assert (ours, planted > 30) == (1, True)


@given(laws.factors())
def test_moments_and_bounds_agree_with_the_product(f):
    dense = f.B @ f.A
    scale = f.norm_product()
    assert f.entry_std() == pytest.approx(np.std(dense), rel=1e-6, abs=1e-7 * scale)
    assert f.peak() >= np.abs(dense).max() * (1 - 1e-12)
    assert f.norm_product() >= np.linalg.norm(np.abs(f.B) @ np.abs(f.A)) * (1 - 1e-12)


def test_transposition_and_batches(asarray):
    B, A = pair(asarray)
    single = rk.Factors(B, A)
    batch = rk.Factors(asarray(np.stack([np.asarray(B.cpu() if hasattr(B, "cpu") else B)] * 3)), asarray(
        np.stack([np.asarray(A.cpu() if hasattr(A, "cpu") else A)] * 3)))  # fmt: skip
    assert batch.shape == (3, 5, 4)
    assert single.T.shape == (4, 5)
    np.testing.assert_allclose(rk.spectrum_of(single.T).values, rk.spectrum_of(single).values, rtol=1e-13)
    np.testing.assert_allclose(rk.spectrum_of(batch).values, [rk.spectrum_of(single).values] * 3, rtol=1e-13)


def test_an_absent_device_is_named():
    with pytest.raises(ValueError, match="device must be one that torch can use here, got 'nowhere'"):
        rk.Factors(*pair(np.asarray)).to(device="nowhere")
