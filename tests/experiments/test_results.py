"""The committed results are whole, and what is shown of them is what they say."""

import json
from pathlib import Path

import pandas as pd
import pytest

from experiments.text.experiment import TEXT

ROOT = Path(__file__).parents[2]
SMALL = ROOT / "experiments" / "results" / "text" / "small"


@pytest.mark.parametrize("name", ["runs", "layers_rank4", "frequencies"])
def test_the_figures_draw_the_committed_results(name):
    stored = ROOT / "figures" / "stored" / f"text_small_{name}.csv"
    assert stored.read_bytes() == (SMALL / f"{name}.csv").read_bytes()


def test_the_results_are_of_the_plan_and_say_what_is_missing():
    progress, plan = json.loads((SMALL / "progress.json").read_text()), TEXT.plan("small")
    runs = pd.read_csv(SMALL / "runs.csv")
    assert progress["runs"] == len(plan.runs)
    assert progress["done"] == len(runs) == runs["run"].nunique()
    assert progress["done"] + len(progress["missing"]) >= progress["runs"]
    assert f"{len(runs)} of {len(plan.runs)} runs" in (SMALL / "summary.txt").read_text()
    about = pd.read_csv(SMALL / "platform.csv")
    assert set(runs["run"]) <= set(about["run"])
    assert about[["seconds", "torch", "peft", "rankkit"]].notna().all().all()


def test_every_tuned_method_ran_at_the_best_of_its_candidates():
    runs, tuning = (pd.read_csv(SMALL / f"{name}.csv") for name in ("runs", "tuning"))
    best = tuning.sort_values("validation", ascending=False, kind="stable").groupby("method").first()
    tuned = runs[(runs["optimizer"] == "adamw") & ~runs["method"].isin(["frozen", "head"])]
    assert (tuned["rate"] == tuned["method"].map(best["rate"])).all()
    assert tuning.groupby("method").size().nunique() == 1
