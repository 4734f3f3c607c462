"""Initialisers: their laws, and that a seed names one pair of factors everywhere."""

import math

import numpy as np
import pytest

import rankkit as rk
from rankkit.initializers import INITIALIZERS, KaimingUniform, Normal, PrescribedSpectrum, Uniform, XavierUniform

LAWS = [KaimingUniform(), KaimingUniform(a=math.sqrt(5)), XavierUniform(), Uniform(), Uniform(N=7.0), Normal(0.5, 2.0)]
M, N, R = 300, 200, 4


@pytest.mark.parametrize(
    ("law", "beta", "alpha"),
    [
        (KaimingUniform(), math.sqrt(6 / R), math.sqrt(6 / N)),
        (KaimingUniform(a=math.sqrt(5)), 1 / math.sqrt(R), 1 / math.sqrt(N)),
        (XavierUniform(), math.sqrt(6 / (M + R)), math.sqrt(6 / (R + N))),
        (Uniform(), 1 / M, 1 / M),
        (Uniform(N=7.0), 1 / 7, 1 / 7),
    ],
)
def test_uniform_laws_fill_their_bounds(law, beta, alpha):
    assert law.scales(M, N, R) == pytest.approx((beta, alpha), rel=1e-12)
    f = law(M, N, R, seed=3)
    for x, bound in ((f.B, beta), (f.A, alpha)):
        assert np.abs(x).max() <= bound
        assert np.abs(x).max() > 0.98 * bound
        assert abs(x.mean()) < 5 * bound / math.sqrt(3 * x.size)
        assert x.std() == pytest.approx(bound / math.sqrt(3), rel=0.1)


def test_the_normal_law_has_its_standard_deviations():
    f = Normal(0.5, 2.0)(M, N, R)
    assert (f.B.std(), f.A.std()) == (pytest.approx(0.5, rel=0.1), pytest.approx(2.0, rel=0.1))


@pytest.mark.parametrize("law", [*LAWS, PrescribedSpectrum((3.0, 2.0, 1.0, 0.5))], ids=repr)
def test_a_seed_names_one_pair_in_any_batch_order_and_size(law):
    single = law(M, N, R, seed=5)
    batch = law(M, N, R, seed=[9, 5, 2])
    np.testing.assert_array_equal(batch.B[1], single.B)
    np.testing.assert_array_equal(batch.A[1], single.A)
    assert not np.array_equal(batch.B[0], batch.B[1])


def test_B_and_A_are_independent_streams():
    law = KaimingUniform()
    np.testing.assert_array_equal(law(8, 5, 2, seed=1).B, law(8, 50, 2, seed=1).B)
    square = law(40, 40, 40, seed=1)
    assert abs(np.corrcoef(square.B.ravel(), square.A.ravel())[0, 1]) < 0.1


def test_dtype_and_device_only_cast_what_was_drawn():
    f = KaimingUniform()(6, 5, 2, seed=4)
    there = f.to(device="cpu", dtype="float32")
    np.testing.assert_array_equal(there.B.numpy(), f.B.astype(np.float32))


def test_the_prescribed_spectrum_is_had_and_hidden_in_the_factors():
    values = (1.0, 1e-3, 1e-6)
    f = PrescribedSpectrum(values)(40, 30, 3, seed=0)
    np.testing.assert_allclose(rk.spectrum_of(f).values, values, rtol=1e-9)
    lengths = np.linalg.norm(f.B, axis=0)
    assert lengths.min() > 1e-2 * lengths.max()  # the rotation mixes the decades into every column


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda: KaimingUniform()(0, 3, 2), "m must be an integer >= 1"),
        (lambda: KaimingUniform()(3, 3, 2.5), "r must be an integer >= 1"),  # pyright: ignore[reportArgumentType]
        (lambda: KaimingUniform()(3, 3, 2, seed=-1), "seed must be an integer >= 0"),
        (lambda: KaimingUniform()(3, 3, 2, seed=[]), "seed must name at least one draw"),
        (lambda: KaimingUniform(a=math.nan), "a must be a number that is finite"),
        (lambda: Uniform(N=0.0), "N must be a number that is finite and > 0"),
        (lambda: Normal(std_B=-1.0), "std_B must be a number that is finite and > 0"),
        (lambda: PrescribedSpectrum(()), "values must be one or more"),
        (lambda: PrescribedSpectrum((1.0, 2.0))(3, 3, 1), "r must equal the number of prescribed values"),
    ],
)
def test_bad_arguments_are_refused(call, says):
    with pytest.raises(ValueError, match=says):
        call()


def test_the_table_of_laws_is_whole():
    assert set(INITIALIZERS.values()) == {KaimingUniform, XavierUniform, Uniform, Normal, PrescribedSpectrum}
