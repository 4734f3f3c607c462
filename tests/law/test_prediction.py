"""Prediction and Curve show themselves, and a curve's file holds what its table does."""

import sys

import numpy as np
import pandas as pd
import pytest

import rankkit as rk
from rankkit.law import Curve, Prediction

CURVE = rk.predict_curve(np.geomspace(1, 100, 20), d=64, r=2)


def test_a_prediction_says_what_it_is_and_how_to_go_on():
    found = rk.predict_stable_rank(200.0, d=512, r=4)
    lines = repr(found).splitlines()
    assert lines[0] == "Prediction: stable rank of sin(omega B A), omega = 200, d = 512, n = 512, r = 4"
    assert lines[1].split() == ["value", "=", "127.7,", "error", "=", "6.6,", "regime", "=", "saturated"]
    assert float(found) == found.value
    assert "omega for a stable rank of 20" in repr(rk.frequency_for_rank(20, d=128, r=2))
    assert "given factors" in repr(rk.frequency_for_rank(9, factors=rk.initializers.Normal()(60, 50, 2)))
    hostile = Prediction(1.0, 0.1, "linear", "<script>")
    assert "<script>" not in hostile._repr_html_()


def test_an_error_for_more_draws_is_smaller_down_to_the_laws_own():
    found = rk.predict_rank(100.0, d=256, r=2, rtol=1e-3)
    errors = [found.error_of(draws) for draws in (1, 4, 20, np.inf)]
    assert errors == sorted(errors, reverse=True)
    assert errors[1] == pytest.approx(found.error)
    assert errors[0] ** 2 - errors[3] ** 2 == pytest.approx((1.96 * found.scatter) ** 2)
    with pytest.raises(ValueError, match="draws must be"):
        found.error_of(0)


@pytest.mark.parametrize(
    ("phi", "initializer"),
    [(None, rk.initializers.Uniform(1.0)), (None, rk.initializers.Normal(1.0, 1.0)), ("tanh", rk.initializers.Uniform(1.0)), ("tanh", rk.initializers.Normal(1.0, 1.0))],
)  # fmt: skip
def test_the_parts_of_a_rank_are_those_of_matrices_of_any_size(phi, initializer):
    rule = None if phi is None else lambda omega: rk.rules.Activation(phi, omega=omega)
    setting = {"r": 2, "rtol": 1e-2, "initializer": initializer, "rule": rule}
    omega = 20.0 if initializer == rk.initializers.Uniform(1.0) else 6.0
    small, large = (rk.predict_rank(omega, d=d, **setting) for d in (128, 10**6))
    parts, limit = small.parts, large.parts
    assert parts is not None
    assert limit is not None
    assert small.value == pytest.approx(parts.equations - parts.crossings, abs=1e-9)
    assert parts.crossings > 0
    assert parts.staircase > parts.equations
    # of a large matrix the three are one
    assert limit.crossings == pytest.approx(0, abs=0.01)
    assert limit.staircase == pytest.approx(large.value, abs=large.error)
    assert parts.staircase == pytest.approx(limit.staircase, rel=0.2)  # sigma_1 of a small matrix is larger


def test_without_what_crossings_subtract_a_rank_is_missed():
    normal = rk.initializers.Normal(1.0, 1.0)
    found = rk.predict_rank(10.0, d=128, r=2, rtol=1e-2, initializer=normal)
    drawn = rk.sweep_frequency(128, 2, omegas=[10.0], seeds=6, rtol=1e-2, initializer=normal, progress=False)
    mean = drawn.table["numerical_rank"].mean()
    assert found.parts is not None
    assert found.parts.crossings > 3
    assert abs(found.value - mean) < 0.5 * abs(found.parts.equations - mean)


def test_parts_are_of_ranks_of_random_factors_alone():
    assert rk.predict_stable_rank(20.0, d=64, r=2).parts is None
    assert rk.predict_rank(20.0, factors=rk.initializers.Normal()(100, 90, 2)).parts is None


def test_a_target_shows_both_sides_and_the_steps():
    normal = rk.initializers.Normal(1.0, 1.0)
    shown = repr(rk.frequency_for_rank(50, d=512, r=4, measure="numerical_rank", rtol=1e-3, initializer=normal))
    assert "met by the mean between omega = " in shown
    assert "met by 90 % of the draws between omega = " in shown
    assert "between two steps: rank 24 at omega = " in shown


def test_a_curve_shows_its_first_rows():
    lines = repr(CURVE).splitlines()
    assert lines[0] == "Curve: predictions at 20 frequencies, omega = 1 to 100"
    assert lines[2].split() == list(CURVE.columns)
    assert lines[-1] == "... 15 more rows"
    assert len(lines) <= 15
    assert CURVE._repr_html_().count("<tr>") == 9
    assert "omega = 5" in repr(rk.predict_curve([5.0], d=64, r=2))


def test_a_saved_curve_is_its_table(tmp_path):
    pytest.importorskip("pyarrow")
    stored = pd.read_parquet(CURVE.to_parquet(tmp_path / "curve.parquet"))
    assert CURVE.save(tmp_path / "again.parquet").read_bytes()[:4] == b"PAR1"
    written = pd.read_csv(CURVE.save(tmp_path / "curve.csv"), float_precision="round_trip")
    for table in (stored, written):
        assert list(table) == list(CURVE.columns)
        assert table["regime"].tolist() == CURVE.columns["regime"].tolist()
        for name in table.columns.drop("regime"):
            assert table[name].dtype == np.float64
            np.testing.assert_array_equal(table[name], CURVE.columns[name])
    with pytest.raises(ValueError, match=r"file must end in .csv or .parquet, got '.*curve.xlsx'"):
        CURVE.save(str(tmp_path / "curve.xlsx"))


def test_without_pyarrow_one_sentence_names_it(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(ImportError, match="a Parquet file needs pyarrow"):
        Curve({"omega": np.ones(1)}).to_parquet(tmp_path / "curve.parquet")
    assert list(tmp_path.iterdir()) == []
