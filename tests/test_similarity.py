"""Row-wise cosines."""

import numpy as np
import pytest
from hypothesis import given

import rankkit as rk
from rankkit import testing as laws


@given(laws.factors())
def test_factors_and_their_product_agree(f):
    one, other = rk.cosine_similarity(f), rk.cosine_similarity(f.product())
    lengths = np.linalg.norm(f.product(), axis=1)
    # a row that nearly cancels has an uncertain direction; the others agree
    solid = lengths > 1e-6 * np.linalg.norm(f.B, axis=1) * np.linalg.norm(f.A)
    np.testing.assert_allclose(one.values[np.ix_(solid, solid)], other.values[np.ix_(solid, solid)], atol=1e-7)


@given(laws.matrices())
def test_laws_of_cosines(M):
    similarity = rk.cosine_similarity(M)
    np.testing.assert_allclose(np.diag(similarity.values), 1, atol=1e-12)
    np.testing.assert_array_equal(similarity.values, similarity.values.T)
    assert np.all(np.abs(similarity.values) <= 1)
    np.testing.assert_allclose(rk.cosine_similarity(M * 1e-200).values, similarity.values, atol=1e-9)


def test_rank_one_rows_are_parallel_and_orthogonal_rows_are_not(asarray):
    one = rk.initializers.Normal()(6, 5, 1, seed=0)
    assert rk.cosine_similarity(rk.Factors(asarray(one.B), asarray(one.A))).mean_absolute == pytest.approx(1)
    np.testing.assert_array_equal(rk.cosine_similarity(asarray(np.eye(3))).values, np.eye(3))


def test_zero_rows_are_reported_and_have_no_cosine():
    M = np.array([[1.0, 0.0], [0.0, 0.0], [3.0, 4.0]])
    similarity = rk.cosine_similarity(M)
    assert similarity.zero_rows.tolist() == [False, True, False]
    assert np.isnan(similarity.values[1]).all()
    assert similarity.values[0, 2] == pytest.approx(0.6)
    assert similarity.mean_absolute == pytest.approx(0.6)
    assert np.isnan(rk.cosine_similarity(np.zeros((2, 2))).mean_absolute)


def test_bad_updates_are_refused():
    with pytest.raises(TypeError, match="update must be a numpy array"):
        rk.cosine_similarity([[1.0]])
