"""The committed results are whole, and what is shown of them is what they say."""

import json
from pathlib import Path

import pandas as pd
import pytest

from experiments.text.experiment import TEXT

ROOT = Path(__file__).parents[2]
RANKS = ROOT / "experiments" / "results" / "text" / "ranks"
STORED = sorted((ROOT / "figures" / "stored").glob("text_ranks_*.csv"))


def test_there_are_stored_tables():
    assert len(STORED) >= 6


@pytest.mark.parametrize("stored", STORED, ids=lambda path: path.stem)
def test_the_figures_draw_the_committed_results(stored):
    assert stored.read_bytes() == (RANKS / f"{stored.stem.removeprefix('text_ranks_')}.csv").read_bytes()


def test_the_results_are_of_the_plan_and_say_what_is_missing():
    progress, plan = json.loads((RANKS / "progress.json").read_text()), TEXT.plan("ranks")
    runs = pd.read_csv(RANKS / "runs.csv")
    assert progress["runs"] == len(plan.runs)
    assert progress["done"] == len(runs) == runs["run"].nunique()
    assert progress["done"] + len(progress["missing"]) >= progress["runs"]
    assert f"{len(runs)} of {len(plan.runs)} runs" in (RANKS / "summary.txt").read_text()
    about = pd.read_csv(RANKS / "platform.csv")
    assert set(runs["run"]) <= set(about["run"])
    assert about[["seconds", "torch", "peft", "rankkit"]].notna().all().all()


def test_every_tuned_method_ran_at_the_best_of_its_candidates():
    runs, tuning = (pd.read_csv(RANKS / f"{name}.csv") for name in ("runs", "tuning"))
    by = ["rank", "method"]
    best = tuning.sort_values("validation", ascending=False, kind="stable").groupby(by)["rate"].first().rename("best")
    tuned = runs[(runs["optimizer"] == "adamw") & ~runs["method"].isin(["frozen", "head"])].join(best, on=by)
    assert (tuned["rate"] == tuned["best"]).all()
    assert tuning.groupby(by).size().nunique() == 1


def test_the_small_plan_is_the_part_of_rank_four():
    small, ranks = (
        {run.key for run in (*TEXT.plan(name).tuning(), *TEXT.plan(name).runs)} for name in ("small", "ranks")
    )
    assert small < ranks


def test_the_committed_tables_are_small():
    """Everyone who clones the project gets them."""
    assert sum(path.stat().st_size for path in RANKS.iterdir()) < 3e6
