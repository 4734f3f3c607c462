"""The text experiment on its made-up language: seconds, without the encoder, WordNet or the network."""

import re
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from experiments.grid.carry_out import carry_out
from experiments.grid.kept import Kept, Outcome
from experiments.grid.plan import Run
from experiments.grid.statistics import holm
from experiments.text.experiment import TEXT
from experiments.text.glosses import Task, task
from experiments.text.measures import frequencies
from experiments.text.methods import METHODS, adapted
from experiments.text.standing import spreads
from experiments.text.summary import summarise
from experiments.text.training import _solved_head, trained
from experiments.text.two_texts import at_start, measured, trained_again

SETTINGS = {
    "task": "made up", "tokens": 6, "glosses": 64, "batch": 32, "steps": 8, "optimizer": "adamw", "head_rate": 1e-3,
    "targets": "query value", "validation_glosses": 50, "test_glosses": 50, "part": "test", "looks": "0 8", "rank": 2,
    "seed": 3, "rate": 1e-2,
}  # fmt: skip


@pytest.fixture(scope="module")
def smoke(tmp_path_factory):
    folder = tmp_path_factory.mktemp("text")
    return carry_out(TEXT, TEXT.plan("smoke"), Kept(folder), n_jobs=1)


@pytest.mark.parametrize("name", sorted(METHODS))
def test_every_method_trains_and_is_measured(name):
    found = trained({**SETTINGS, "method": name})
    assert 0 <= found.scores["test"] <= 1
    assert found.scores["adapter_parameters"] > 0
    modules = found.tables["modules"]
    assert len(modules) == 4
    assert all(row["status"] in ("ok", "assumed") for row in modules)
    assert all(row["stable_rank"] >= 1 - 1e-9 for row in modules)


def test_the_same_settings_give_the_same_bits():
    """Also where the process has solved the seed's head before: what a worker did earlier changes nothing."""
    _solved_head.cache_clear()
    one, two = (trained({**SETTINGS, "method": "sine_lora"}) for _ in range(2))
    assert one.scores == two.scores
    assert one.tables == two.tables
    assert all(np.array_equal(one.arrays[name], two.arrays[name]) for name in one.arrays)


def test_a_twin_begins_as_its_sine_does():
    """A sine's twin has the sine's slope at zero: small factors make one update of both."""
    import torch

    for name, method in METHODS.items():
        # AdaSine's slope depends on the input, and sine-DoRA answers with DoRA's whole update, PEFT with B A alone
        if not method.twin or name in ("adasine", "sine_dora"):
            continue
        updates = []
        for each in (name, method.twin):
            torch.manual_seed(0)
            model = adapted(Task.made_up().encoder, {**SETTINGS, "method": each, "looks": ""})
            layer = model.base_model.model.encoder.layer[0].attention.self.query
            torch.manual_seed(1)
            with torch.no_grad():
                for pair in (layer.lora_B, layer.lora_A):
                    pair["default"].weight.copy_(1e-4 * torch.randn(pair["default"].weight.shape))
            updates.append(layer.get_delta_weight("default"))
        torch.testing.assert_close(*updates, rtol=1e-3, atol=1e-12)


def test_a_training_that_diverges_is_a_result_that_tuning_never_takes():
    found = trained({**SETTINGS, "method": "lora", "part": "validation", "optimizer": "sgd", "rate": 1e30})
    assert np.isnan(found.scores["validation"])


def test_lr_lora_under_gradient_descent_stays_at_its_start():
    """B's gradient is zero there but for rounding, which AdamW divides by its own size."""
    moved = {}
    for optimizer in ("sgd", "adamw"):
        found = trained({**SETTINGS, "method": "lr_lora_sinc", "optimizer": optimizer})
        moved[optimizer] = max(row["b_norm"] for row in found.tables["trajectory"] if row["step"] == 8)
    assert moved["sgd"] < 1e-6 < 1e-3 < moved["adamw"]


def test_the_smoke_plan_is_summed_up(smoke, tmp_path):
    said = summarise(smoke, tmp_path)
    assert "10 of 10 runs" in said
    assert "sine_lora - lora_at_sine_scale" in said
    table = pd.read_csv(tmp_path / "accuracy_rank2.csv").set_index("method")
    assert (table["seeds"] == 2).all()
    assert table.loc["lora", "parameters"] == 2 * 2 * 2 * (32 + 32)
    standing = pd.read_csv(tmp_path / "standing_rank2.csv").set_index("method")
    shares = standing[["constant_share", "line_share", "rest_share"]].sum(axis=1)
    assert shares["sine_lora"] == pytest.approx(1)
    assert standing.loc["lora", "spread"] == pytest.approx(standing.loc["lora", "plain_spread"])


def test_a_part_of_the_grid_is_summed_up_as_a_part(smoke, tmp_path):
    from dataclasses import replace

    part = replace(smoke, runs=smoke.runs[:6], missing=tuple(o.run for o in smoke.runs[6:]))
    said = summarise(part, tmp_path)
    assert re.search(r"6 of 10 runs .* run the command again", said)
    assert "too few seeds" in said


def test_comparisons_at_two_ranks_are_corrected_together(smoke, tmp_path):
    from dataclasses import replace

    twice = [*smoke.runs, *(replace(o, run=o.run.with_settings(rank=3)) for o in smoke.runs)]
    kept = SimpleNamespace(arrays=lambda run: smoke.kept.arrays(run.with_settings(rank=2)))
    summarise(smoke, tmp_path)
    alone = pd.read_csv(tmp_path / "differences_rank2.csv")
    summarise(replace(smoke, runs=tuple(twice), kept=kept), tmp_path)
    one, two = (pd.read_csv(tmp_path / f"differences_rank{rank}.csv") for rank in (2, 3))
    assert one["p"].tolist() == two["p"].tolist() == alone["p"].tolist()
    assert [*one["p_holm"], *two["p_holm"]] == pytest.approx(holm([*one["p"], *two["p"]]))
    noisy = alone["detectable"] > 0  # the others have one and the same score at both seeds
    assert (one["detectable"] > alone["detectable"])[noisy].all()
    assert noisy.any()
    head, _, *rows = (tmp_path / "accuracy.md").read_text().splitlines()
    assert head == "| method | rank 2 | rank 3 |"
    assert len(rows) == 5
    assert {row.split("|")[2] for row in rows} == {row.split("|")[3] for row in rows}


def test_two_linear_methods_of_rank_one_have_no_spread_to_compare():
    settings = {**SETTINGS, "rank": 1, "seed": 0, "rate": 1e-2}
    groups = {
        name: [_outcome({**settings, "method": name, "seed": seed}) for seed in (0, 1)]
        for name in ("lora", "rslora", "sine_lora")
    }
    found = spreads(groups)
    assert "rslora" not in set(found["method"])
    assert found[["method", "of"]].to_numpy().tolist() == [
        ["sine_lora", "update"], ["sine_lora", "update without its mean"],
    ]  # fmt: skip


def _outcome(settings):
    found = trained(settings)
    return Outcome(Run("text 1", settings), found.scores, found.tables, {})


def test_an_adapter_is_made_again_at_its_start_and_at_its_end(tmp_path):
    """Its frequencies are those that the run measured, bit for bit."""
    run = Run("text 1", {**SETTINGS, "method": "adasine"})
    Kept(tmp_path).keep(run, trained(run.settings), {})
    [outcome] = Kept(tmp_path).found((run,))
    data = task("made up", SETTINGS["tokens"])
    glosses = data.test.taken(slice(SETTINGS["test_glosses"]))
    for step, model in ((0, at_start(data, outcome)), (8, trained_again(data, outcome, Kept(tmp_path)))):
        assert frequencies(model, glosses, step) == [r for r in outcome.tables["frequencies"] if r["step"] == step]
        histogram, means = measured(model, {"one": glosses, "two": glosses}, {"step": step})
        shares = pd.DataFrame(histogram).groupby("text")["share"].sum()
        assert shares.tolist() == pytest.approx([1, 1])
        assert means[0]["mean"] == means[1]["mean"]


@pytest.mark.parametrize("name", ["smoke", "small", "ranks", "whole"])
def test_plans_are_read_and_name_methods_that_exist(name):
    plan = TEXT.plan(name)
    assert {run.settings["method"] for run in plan.runs} <= {*METHODS, "frozen", "head"}
    if name != "smoke":
        assert {run.settings["method"] for run in plan.runs} >= set(METHODS)
        assert len({run.settings["seed"] for run in plan.runs}) >= 5


def test_what_is_missing_is_named(monkeypatch):
    with pytest.raises(ValueError, match="method must be one of"):
        trained({**SETTINGS, "method": "odd"})
    with pytest.raises(ValueError, match="task must be"):
        trained({**SETTINGS, "method": "lora", "task": "odd"})
    monkeypatch.setattr("experiments.text.glosses.WORDNET", Path("nowhere"))
    with pytest.raises((ImportError, ValueError), match="pip install|is missing"):
        Task.wordnet(12)


def test_a_method_with_a_missing_seed_is_left_out_and_named(smoke, tmp_path):
    from dataclasses import replace

    kept = tuple(
        o for o in smoke.runs if (o.run.settings["method"], o.run.settings["seed"]) != ("lora_at_sine_scale", 1)
    )
    said = summarise(replace(smoke, runs=kept), tmp_path)
    assert "not compared, since they have fewer seeds than the others yet: lora_at_sine_scale" in said
    assert "sine_lora - lora:" in said
    assert "sine_lora - lora_at_sine_scale:" not in said
