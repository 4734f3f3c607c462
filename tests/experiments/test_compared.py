"""Comparisons of kinds: paired by seed, each kind with the sine that it belongs to, and the law beside what was measured."""

import math

import numpy as np
import pandas as pd
import pytest
from scipy.stats import t, ttest_rel

import rankkit as rk
from experiments.compared import cells, differences, markdown
from experiments.grid.command import RESULTS
from experiments.grid.kept import Outcome
from experiments.grid.plan import Run
from experiments.layers import layer, look
from experiments.shape.__main__ import SHAPE
from experiments.training import seeded
from experiments.vision.__main__ import VISION

SEEDS = range(4)


def outcome(kind, seed, score, rank=1, omega=200.0, **more):
    with seeded(seed):
        import torch

        model = torch.nn.Sequential(layer(kind, 64, 64, rank=rank, omega=omega))
        rows = [row for when in ("start", "end") for row in look(model, ["0"], when)]
    settings = {"kind": kind, "rank": rank, "omega": omega, "rate": 1e-3, "seed": seed, **more}
    return Outcome(Run("made 1", settings), {"iou": score, "parameters": 5.0}, {"layers": rows}, {})


def made(ours, theirs, kind="matched twin", **more):
    return [
        *(outcome("sine", seed, score, **more) for seed, score in zip(SEEDS, ours, strict=True)),
        *(outcome(kind, seed, score, **more) for seed, score in zip(SEEDS, theirs, strict=True)),
    ]


def test_a_difference_is_paired_by_seed():
    ours, theirs = np.random.default_rng(0).normal(size=(2, 4))
    (row,) = differences(made(ours, theirs), "iou").to_dict("records")
    found = ttest_rel(ours, theirs)
    low, high = found.confidence_interval()
    assert (row["difference"], row["low"], row["high"]) == pytest.approx((np.mean(ours - theirs), low, high))
    assert row["p"] == pytest.approx(found.pvalue) == row["p_holm"]
    luck = np.array([3.0, -8, 5, 1])  # of the seeds
    (shifted,) = differences(made(ours + luck, theirs + luck), "iou").to_dict("records")
    assert shifted["high"] - shifted["low"] == pytest.approx(row["high"] - row["low"])


def test_only_what_belongs_together_is_compared():
    all_of_them = [
        *made([1, 2, 3, 4], [0, 1, 1, 2]), *made([1, 2, 3, 4], [0, 0, 0, 1], omega=50.0),
        *made([1, 2, 3, 4], [0, 0, 0, 1], rank=2),
        *(outcome("low rank", seed, 0.5, omega=0.0) for seed in SEEDS),
        *(outcome("full", seed, 0.5, rank=0, omega=0.0) for seed in SEEDS),
    ]  # fmt: skip
    table = differences(all_of_them, "iou")
    pairs = list(table[["rank", "omega", "sine less"]].itertuples(index=False, name=None))
    assert pairs == [
        (1, 50.0, "full"), (1, 50.0, "low rank"), (1, 50.0, "matched twin"),
        (1, 200.0, "full"), (1, 200.0, "low rank"), (1, 200.0, "matched twin"),
        (2, 200.0, "full"), (2, 200.0, "matched twin"),
    ]  # fmt: skip
    assert (table["p_holm"] >= table["p"]).all()
    assert (table["p_holm"] > table["p"]).any()
    two_sets = [*made([1, 2, 3, 4], [0, 1, 1, 2], data="a"), *made([1, 2, 3, 4], [9, 9, 9, 8], data="b")]
    assert differences(two_sets, "iou")["difference"].round(3).tolist() == [1.5, -6.25]


def test_a_single_seed_has_no_interval_and_equal_scores_no_difference():
    table = differences([outcome("sine", 0, 1.0), outcome("matched twin", 0, 0.5)], "iou")
    assert table["difference"].tolist() == [0.5]
    assert table[["low", "high", "p", "p_holm"]].isna().all(axis=None)
    (row,) = differences(made([1, 2, 3, 4], [1, 2, 3, 4]), "iou").to_dict("records")
    assert (row["difference"], row["p"]) == (0, 1)


def test_a_cell_has_its_mean_its_interval_and_the_laws_numbers():
    table = cells(made([1, 2, 3, 6], [0, 0, 0, 0]), "iou")
    sine, twin = table.to_dict("records")
    reach = t.ppf(0.975, 3) * np.std([1, 2, 3, 6], ddof=1) / 2
    assert (sine["iou_mean"], sine["iou_low"], sine["iou_high"]) == pytest.approx((3, 3 - reach, 3 + reach))
    assert sine["predicted_rank"] == rk.predict_rank(200.0, d=64, r=1).value
    assert sine["numerical_rank_start"] == pytest.approx(sine["predicted_rank"], abs=sine["predicted_rank_error"])
    assert math.isnan(twin["predicted_rank"])
    assert table["seeds"].tolist() == [4, 4]


@pytest.mark.parametrize("experiment", [SHAPE, VISION], ids=["shape", "vision"])
def test_the_committed_results_are_those_of_the_committed_plan(experiment):
    folder, plan = RESULTS / experiment.name / "small", experiment.plan("small")
    runs = pd.read_csv(folder / "runs.csv")
    wanted = {(run.settings["kind"], run.settings["rank"], run.settings["omega"], run.settings["seed"],
               run.settings["steps"]) for run in plan.runs}  # fmt: skip
    assert set(runs[["kind", "rank", "omega", "seed", "steps"]].itertuples(index=False, name=None)) == wanted
    assert len(runs) == len(plan.runs)
    tuning = pd.read_csv(folder / "tuning.csv")
    assert set(tuning["run"]) == {run.key for run in plan.tuning()}
    # the figure of the gallery is drawn from the same bytes
    stored = RESULTS.parents[1] / "figures" / "stored" / f"{experiment.name}_small_cells.csv"
    assert stored.read_bytes() == (folder / "cells.csv").read_bytes()
    found = pd.read_csv(stored)
    sines = found[(found["kind"] == "sine") & found["predicted_rank"].notna()]
    gaps = (sines["numerical_rank_start"] - sines["predicted_rank"]).abs()
    assert len(sines) > 3
    assert (gaps > sines["predicted_rank_error"]).sum() <= 1  # intervals that hold 95 % of settings


def test_the_page_shows_the_kinds_beside_their_sine():
    outcomes = [
        *made([0.5, 0.6, 0.7, 0.8], [0, 0, 0, 0.4]), *made([1, 1, 1, 1], [2, 2, 2, 2], omega=50.0),
        *(outcome("low rank", seed, 0.25, omega=0.0) for seed in SEEDS),
    ]  # fmt: skip
    head, _, slow, fast = markdown(cells(outcomes, "iou"), "iou").splitlines()
    assert head == "| rank | omega | parameters | predicted rank | sine | low rank | matched twin |"
    assert [cell.strip() for cell in slow.split("|")[5:8]] == ["1.000 ± 0.000", "0.250 ± 0.000", "2.000 ± 0.000"]
    half = t.ppf(0.975, 3) * np.std([0.5, 0.6, 0.7, 0.8], ddof=1) / 2
    assert f"| 0.650 ± {half:.3f} | 0.250 ± 0.000 | 0.100 ± " in fast
