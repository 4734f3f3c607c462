"""Accuracy against omega: runs that set a frequency have a table and a picture of their own."""

import pandas as pd
import pytest

from experiments.grid.carry_out import carry_out
from experiments.grid.kept import Kept
from experiments.text.experiment import TEXT
from experiments.text.frequency import against_omega, draw, predicted_regime
from experiments.text.summary import summarise

PLAN = """
[tune]
score = "validation"
replace = {seed = 100, part = "validation"}
[every]
task = "made up"
tokens = 6
glosses = 64
batch = 32
steps = 4
optimizer = "adamw"
head_rate = 1e-3
targets = "query value"
validation_glosses = 50
test_glosses = 50
part = "test"
looks = "0 4"
rank = 2
seed = 0
[[runs]]
method = ["lora", "loran_sinter"]
rate = {tune = [1e-3]}
[[runs]]
method = ["sine_lora", "loran_sinter"]
omega = [5.0, 200.0]
rate = {tune = [1e-3]}
"""


@pytest.fixture(scope="module")
def progress(tmp_path_factory):
    folder = tmp_path_factory.mktemp("omega")
    (folder / "few.toml").write_text(PLAN)
    return carry_out(TEXT, TEXT.plan(str(folder / "few.toml")), Kept(folder / "kept"), n_jobs=1)


def test_runs_that_set_omega_stand_in_their_own_table_alone(progress, tmp_path):
    said = summarise(progress, tmp_path)
    found = pd.read_csv(tmp_path / "omega_rank2.csv", keep_default_na=False)
    assert found.groupby("method")["omega"].apply(list).to_dict() == {
        "sine_lora": [5.0, 200.0], "loran_sinter": [5.0, 200.0],
    }  # fmt: skip
    assert (tmp_path / "omega_rank2.png").exists()
    assert "omega_rank2.csv" in said
    accuracy = pd.read_csv(tmp_path / "accuracy_rank2.csv")
    assert accuracy.set_index("method")["seeds"].to_dict() == {"lora": 1, "loran_sinter": 1}


def test_the_axis_has_the_regime_that_the_law_predicts(progress):
    table = against_omega(progress)
    panel = draw(table)
    marked = {(text.get_position()[0], text.get_text()) for text in panel.texts}
    assert marked == {(omega, predicted_regime(omega, 2)) for omega in (5.0, 200.0)}
    assert [predicted_regime(omega, 4) for omega in (0.5, 20.0, 800.0)] == ["linear", "growing", "saturated"]


def test_a_larger_omega_makes_a_larger_phase_at_one_rate(progress):
    phases = against_omega(progress).set_index(["method", "omega"])["rms_phase"]
    assert 0 < phases["sine_lora", 5.0] < phases["sine_lora", 200.0]
    assert phases["loran_sinter"].isna().all()


def test_the_plan_pairs_every_sine_with_its_linear_twin():
    plan = TEXT.plan("frequency")
    at = {
        method: {run.settings["omega"] for run in plan.runs if run.settings["method"] == method}
        for method in ("sine_lora", "lora_at_sine_scale")
    }
    assert at["sine_lora"] == at["lora_at_sine_scale"]
    assert (len(plan.runs), len(plan.tuning())) == (14, 56)
