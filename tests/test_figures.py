"""The stored sweeps of figures/ are what their manifests say and what a fresh sweep finds; captions agree with data."""

import hashlib
import json
import re
from pathlib import Path

import numpy as np
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


def test_the_caption_of_the_law_states_the_errors_of_its_data():
    table = pd.read_csv(FIGURES.parent / "law_against_measurement.csv")
    rank = 100 * ((table["numerical_rank_law"] - table["numerical_rank_mean"]) / table["d"]).abs().max()
    stable = 100 * (table["stable_rank_law"] / table["stable_rank_mean"] - 1).abs().max()
    said = (FIGURES.parent / "law_against_measurement.py").read_text()
    stated = re.search(
        r'at most ([\d.]+) % of "\s*"d here, and the stable rank with a relative error of at most ([\d.]+) %', said
    )
    assert stated
    assert stated.groups() == (f"{rank:.1f}", f"{stable:.1f}")


@pytest.mark.parametrize(("name", "r", "slack"), [("tanh", 1, 0.1), ("ReLU", 2, 0.2), ("sign", 2, 0.1), ("ReLU", 4, 0.3), ("sign", 4, 0.2)])  # fmt: skip
def test_values_of_the_decay_figure_lie_near_its_lines(name, r, slack):
    table = pd.read_csv(FIGURES.parent / "law_decay.csv")
    rows = table[(table["phi"] == name) & (table["r"] == r)]
    index, value, line = (rows[column].to_numpy() for column in ("index", "value", "line"))
    near = (index >= 20) & (index <= 80) if r > 1 else index > 1
    assert near.sum() > 10
    assert np.max(np.abs(np.log(value[near] / line[near]))) < 0.6
    steps = np.log(index[near]) if r > 1 else index[near]
    fall = -np.polyfit(steps, np.log(value[near]), 1)[0]
    assert fall == pytest.approx(rows["slope"].iloc[0], rel=slack)
