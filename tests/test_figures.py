"""The stored sweeps of figures/ are what their manifests say and what a fresh sweep finds; captions agree with data."""

import hashlib
import json
import re
from pathlib import Path
from runpy import run_path

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
    known = table.dropna(subset=["numerical_rank_law"])
    missed = (known["numerical_rank_law"] - known["numerical_rank_mean"]).abs() > known["numerical_rank_error"]
    said = run_path(str(FIGURES.parent / "law_against_measurement.py"))["COMPARED"]
    stated = re.search(
        r"at most ([\d.]+) % of d here, and the stable rank with a relative error of at most ([\d.]+) %\. "
        r"Of (\d+) predicted ranks (\d+) lie within",
        said,
    )
    assert stated
    assert stated.groups() == (f"{rank:.1f}", f"{stable:.1f}", f"{len(known)}", f"{(~missed).sum()}")


def test_the_parts_of_the_law_in_its_figure_go_from_the_limit_to_the_draws():
    table = pd.read_csv(FIGURES.parent / "law_against_measurement.csv")
    assert set(table.groupby(["phi", "entries", "r"]).size()) == {13}
    assert (table["equations"] >= table["numerical_rank_law"] - 1e-6).loc[table["equations"].notna()].all()
    crossed = table[table["equations"] - table["numerical_rank_law"] > 2]
    errors = [(crossed[part] - crossed["numerical_rank_mean"]).abs() for part in ("numerical_rank_law", "equations")]
    assert len(crossed) > 20
    assert errors[0].mean() < 0.7 * errors[1].mean()
    sine = table[table["phi"] == "sin x"]
    assert (sine["staircase"] > 10 * sine["d"]).any()  # what an infinite matrix has and no other part does


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
