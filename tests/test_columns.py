"""Tables of results: the documented columns with the documented types, and the same after a file has held them."""

import sys

import numpy as np
import pandas as pd
import pytest

import rankkit as rk
from rankkit import files
from rankkit.audits.several import together
from rankkit.columns import COLUMN_TYPES, frame, gathered
from rankkit.watch.measurement import measure
from tests.conftest import CONFIG, module, save

NAME = "layers.0.q_proj"


def audits():
    """An audit in which every column is there and something is missing: no depth, no sizes, no numbers."""
    dead = module("layers.1.mlp.up", seed=1)
    dead["base_model.model.layers.1.mlp.up.lora_B.weight"][:] = 0
    lonely = {key: value for key, value in module("head").items() if "lora_A" in key}
    state = module(NAME) | dead | lonely
    one = rk.audit(state, config=CONFIG, base={f"{NAME}.weight": np.eye(12, 10)}, intruders=1)
    return together("run", {"checkpoint-1": one})


def audited():
    """An adapter with a module that the base has, and one that it lacks, without a depth."""
    return module(NAME) | module("head")


def truncated(folder):
    return rk.truncate(save(folder / "in", module(NAME)), folder / "out", rank=2, progress=False)


RESULTS = {
    "Audit": lambda folder: audits(),
    "Comparison": lambda folder: rk.compare(module(NAME), module(NAME, seed=1), config=CONFIG),
    "Merged": lambda folder: rk.audit_merged(
        {f"{NAME}.weight": np.eye(12, 10)}, base={f"{NAME}.weight": np.eye(12, 10)}, adapter=audited(), config=CONFIG
    ),
    "Probe": lambda folder: rk.probe_frequencies(module(NAME), [0, 3], config=CONFIG),
    "Ranks": truncated,
    "Watched": lambda folder: rk.Watched.of([measure(save(folder / "run", module(NAME)), 3)[0]]),
    "Sweep": lambda folder: rk.sweep_frequency(
        12, 2, omegas=[1.0, 9.0], seeds=2, metrics=list(rk.metrics.METRICS), progress=False
    ),
    "Curve": lambda folder: rk.predict_curve(
        [20.0, 90.0], d=64, r=2, measures=[n for n in COLUMN_TYPES["Curve"] if "rank" in n or "ratio" in n]
    ),
}


# type -> what the values of such a column are before they are in a table
HOLDS = {
    "str": (str,), "float64": (float, np.floating), "int64": (int, np.integer), "Int64": (int, np.integer, type(None)),
}  # fmt: skip


def test_every_public_result_with_a_table_is_walked():
    tabled = {
        name for name in rk.__all__ if isinstance(getattr(rk, name), type) and hasattr(getattr(rk, name), "table")
    }
    assert tabled <= set(RESULTS) == set(COLUMN_TYPES)


@pytest.mark.parametrize("result", RESULTS)
def test_a_result_has_the_documented_columns_of_the_documented_types(result, tmp_path):
    got = RESULTS[result](tmp_path)
    assert type(got).__name__ == result
    documented = COLUMN_TYPES[result]
    assert set(got.table) == set(documented)
    for name, dtype in got.table.dtypes.items():
        assert dtype == pd.Series([], dtype=documented[str(name)]).dtype, name
    for name, values in got.columns.items():
        wrong = [value for value in values if not isinstance(value, HOLDS[documented[name]])]
        assert not wrong, name
    assert list(frame(result, got.columns)) == list(got.table)
    pd.testing.assert_frame_equal(frame(result, got.columns), got.table)


@pytest.mark.parametrize("result", RESULTS)
def test_a_parquet_file_gives_back_the_same_table(result, tmp_path):
    pytest.importorskip("pyarrow")
    got = RESULTS[result](tmp_path)
    file = files.write_parquet(tmp_path / "table.any", got.table)
    pd.testing.assert_frame_equal(pd.read_parquet(file), got.table)
    if result in ("Sweep", "Curve"):
        return
    assert got.to_parquet(tmp_path / "a.parquet").read_bytes() == got.save(tmp_path / "b.parquet").read_bytes()
    pd.testing.assert_frame_equal(pd.read_parquet(tmp_path / "b.parquet"), got.table)
    assert pd.read_csv(got.save(tmp_path / "b.csv")).shape == got.table.shape


def test_without_pyarrow_one_sentence_names_the_extra(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    for write in (rk.compare(module(NAME), module(NAME), config=CONFIG).to_parquet, audits().save):
        with pytest.raises(ImportError, match=r"needs pyarrow; install it with `pip install '.\[parquet\]'`") as caught:
            write(tmp_path / "a.parquet")
        assert "\n" not in str(caught.value)
    assert list(tmp_path.iterdir()) == []


def test_a_column_without_a_documented_type_is_noticed():
    with pytest.raises(KeyError, match="surprise"):
        frame("Audit", {"module": ["q"], "surprise": [1]})


def test_rows_become_columns():
    assert gathered([]) == {}
    assert gathered({"a": i, "b": -i} for i in range(3)) == {"a": [0, 1, 2], "b": [0, -1, -2]}


def test_another_ending_is_refused(tmp_path):
    with pytest.raises(ValueError, match="file must end in .csv or .parquet, got"):
        files.write_table(tmp_path / "a.xlsx", pd.DataFrame({"a": [1]}))
    assert list(tmp_path.iterdir()) == []
