"""A grid does every run once, through kills and in any order, and the same runs make the same bytes."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from experiments.grid.carry_out import carry_out, progress_of
from experiments.grid.kept import Kept, Yield
from experiments.grid.plan import Plan, Run
from experiments.grid.tables import read_table, write_tables
from tests.experiments.made import MADE, PLAN

TUNED, FIXED = 4 * 3, 2  # tuning runs; runs without a tuned setting
RUNS = 4 * 2 + FIXED


@pytest.fixture
def plan(tmp_path):
    (tmp_path / "tiny.toml").write_text(PLAN)
    return MADE.plan(str(tmp_path / "tiny.toml"))


def files(folder, but="platform.csv"):
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir()) if path.name != but}


def command(tmp_path, **environment):
    words = ["--plan", str(tmp_path / "tiny.toml"), "--jobs", "1", "--out", str(tmp_path / "out"), "--kept"]
    done = subprocess.run(
        [sys.executable, "-m", "tests.experiments.made", *words, str(tmp_path / "kept")], check=False,
        env={**os.environ, "MADE_LOG": str(tmp_path / "log"), **environment}, capture_output=True, text=True,
    )  # fmt: skip
    return done, (tmp_path / "log").read_text().splitlines()


def test_every_method_is_tuned_with_the_same_budget_and_runs_at_its_own_best(plan, tmp_path):
    progress = carry_out(MADE, plan, Kept(tmp_path / "kept"), n_jobs=1)
    assert len(progress.tuning) == TUNED
    assert len(progress.runs) == RUNS
    assert not progress.missing
    assert "10 of 10 runs and 12 of 12 tuning runs" in str(progress)
    rates = {(o.run.settings["method"], o.run.settings["rate"]) for o in progress.runs}
    assert rates == {("plain", 0.3), ("sine", 0.2), ("frozen", 0.0)}
    seeds = [o.run.settings["seed"] for o in progress.runs]
    assert seeds == sorted(seeds)  # a part of the grid has all methods


def test_a_second_run_does_nothing_and_a_kill_costs_one_run(plan, tmp_path):
    whole = write_tables(carry_out(MADE, plan, Kept(tmp_path / "a"), n_jobs=1), tmp_path / "first")
    killed, log = command(tmp_path, MADE_KILL="15")
    assert killed.returncode == -9
    assert len(log) == 15
    _, log = command(tmp_path)
    assert len(log) == TUNED + RUNS + 1
    done, log = command(tmp_path)
    assert len(log) == TUNED + RUNS + 1
    assert "10 of 10" in done.stderr
    assert files(tmp_path / "out") == files(tmp_path / "first")
    assert {path.name for path in whole} >= {"runs.csv", "tuning.csv", "losses.csv", "platform.csv", "progress.json"}


def test_two_workers_give_the_same_bytes_as_one(plan, tmp_path):
    for name, jobs in (("one", 1), ("two", 2)):
        write_tables(carry_out(MADE, plan, Kept(tmp_path / f"kept {name}"), n_jobs=jobs), tmp_path / name)
    assert files(tmp_path / "one") == files(tmp_path / "two")


def test_a_part_of_a_plan_says_what_is_missing(plan, tmp_path):
    kept = Kept(tmp_path / "kept")
    everything = carry_out(MADE, plan, kept, n_jobs=1)
    (kept.folder / f"{everything.runs[-1].run.key}.json").unlink()
    (kept.folder / f"{everything.tuning[0].run.key}.json").unlink()
    part = progress_of(plan, kept)
    # a run whose tuning is not whole has no rate, so that it is missing too
    assert len(part.tuning) == TUNED - 1
    assert len(part.runs) == RUNS - 3
    assert "7 of 10 runs" in str(part)
    write_tables(part, tmp_path / "part")
    assert '"done": 7' in (tmp_path / "part" / "progress.json").read_text()
    assert len(pd.read_csv(tmp_path / "part" / "runs.csv")) == 7


def test_a_kept_run_comes_back_bit_for_bit(tmp_path):
    kept, run = Kept(tmp_path), Run("made 1", {"seed": 3, "rate": 0.1 + 0.2})
    found = Yield({"score": float("nan")}, {"rows": [{"x": 1 / 3, "name": "a"}]}, {"B": np.arange(3.0)})
    kept.keep(run, found, {"seconds": 1.5})
    outcome = kept.find(run)
    assert outcome is not None
    assert np.isnan(outcome.scores["score"])
    assert outcome.tables == found.tables
    np.testing.assert_array_equal(kept.arrays(run)["B"], np.arange(3.0))
    assert kept.find(run.with_settings(seed=4)) is None
    assert kept.find(Run("made 2", run.settings)) is None  # another version is another computation


def test_a_run_that_diverged_is_never_chosen(plan):
    run = next(run for run in plan.runs if run.tuned)
    scores = {
        c.key: {"validation": value} for c, value in zip(plan.candidates(run), (float("nan"), -2, -1), strict=True)
    }
    assert plan.resolved(run, scores).settings["rate"] == 0.2
    assert plan.resolved(run, {}) is None


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("[[runs]]\nrate = {tune = [1, 2]}", "needs \\[tune\\]"), ("[every]\na = 1", "no runs"), ("[[runs", "no plan"),
        ("[odd]\n[[runs]]\na = 1", "odd"),
        ("[tune]\nscore='s'\n[[runs]]\na = {tune = [1]}\n[[runs]]\na = {tune = [1, 2]}", "equally many"),
        ("[tune]\nscore='s'\n[[runs]]\na = {tune = [1]}\nb = {tune = [1]}", "one setting at most"),
    ],
)  # fmt: skip
def test_a_plan_that_is_none_says_why(tmp_path, text, word):
    (tmp_path / "plan.toml").write_text(text)
    with pytest.raises(ValueError, match=word):
        Plan.read(Path(tmp_path / "plan.toml"), experiment="made 1")


def test_a_record_that_was_tampered_with_is_named(tmp_path):
    kept, run = Kept(tmp_path), Run("made 1", {"seed": 3})
    (tmp_path / f"{run.key}.json").write_text("{")
    with pytest.raises(ValueError, match="no record of a run"):
        kept.find(run)


def test_a_large_table_is_compressed_and_read_all_the_same(plan, tmp_path):
    progress = carry_out(MADE, plan, Kept(tmp_path / "kept"), n_jobs=1)
    for name, large in (("plain", ()), ("one", ("losses",)), ("two", ("losses",))):
        write_tables(progress, tmp_path / name, large=large)
    assert not (tmp_path / "one" / "losses.csv").exists()
    assert files(tmp_path / "one") == files(tmp_path / "two")
    pd.testing.assert_frame_equal(read_table(tmp_path / "one", "losses"), read_table(tmp_path / "plain", "losses"))
