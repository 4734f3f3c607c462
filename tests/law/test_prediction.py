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
