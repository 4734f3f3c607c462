"""The stored sweeps of figures/ are what their manifests say, and what a fresh sweep finds."""

import hashlib
import json
from pathlib import Path

import pandas as pd
import pytest

import rankkit as rk

FIGURES = Path(__file__).resolve().parents[1] / "figures" / "stored"
TABLES = sorted(FIGURES.glob("adasine_protocol_*.csv"))


def test_there_is_a_table():
    assert TABLES


@pytest.mark.parametrize("table", TABLES, ids=lambda path: path.stem)
def test_the_table_is_the_one_its_manifest_describes(table):
    about = json.loads(table.with_suffix(".json").read_text())
    assert hashlib.sha256(table.read_bytes()).hexdigest() == about["sha256"]
    rows = pd.read_csv(table)
    assert rows["omega"].tolist() == list(range(1, 1001))
    assert rows["count"].nunique() == 1
    assert about["undecided"] == 0
    assert table.with_suffix(".png").exists()


@pytest.mark.parametrize("table", TABLES, ids=lambda path: path.stem)
def test_a_few_seeds_measured_again_lie_in_its_range(table):
    about = json.loads(table.with_suffix(".json").read_text())["arguments"]
    rows = pd.read_csv(table).set_index("omega")
    omegas = [1, 30, 97] if about["d"] > 600 else [1, 30, 97, 230, 777]
    again = rk.sweep_frequency(about["d"], about["r"], omegas=omegas, seeds=2, metrics=["numerical_rank"]).table
    for omega, rank in zip(again["omega"], again["numerical_rank"], strict=True):
        assert rows["min"][omega] <= rank <= rows["max"][omega]
