"""Watch: what it measures is the audit, what it disturbs is nothing, and what it has measured is kept."""

import json
import os
import random
import subprocess
import sys
import warnings
from pathlib import Path

import numpy as np
import peft
import pytest
import torch

import rankkit as rk
from rankkit.adapters import LrLoraConfig, SineLoraConfig
from rankkit.watch import Budget, Limits, Watch, Watched
from rankkit.watch.kept import Kept, latest
from tests.conftest import module
from tests.watch.runs import LORA, adapted, train

ROOT = Path(__file__).parents[2]
KILLS = 20
METHODS = {
    "LoRA": lambda: peft.LoraConfig(**LORA),
    "DoRA": lambda: peft.LoraConfig(**LORA, use_dora=True),
    "sine": lambda: SineLoraConfig(omega=30, **LORA),
    "LR": lambda: LrLoraConfig(size=9, **LORA),
}


def state_of(model):
    """Everything that training reads: weights, gradients, mode, hooks, random states."""
    hooks = {
        (name, kind): len(getattr(part, kind))
        for name, part in model.named_modules()
        for kind in ("_forward_hooks", "_forward_pre_hooks", "_backward_hooks", "_state_dict_hooks")
    }
    numbers = {
        name: (p.detach().clone(), None if p.grad is None else p.grad.clone()) for name, p in model.named_parameters()
    }
    modes = [(name, part.training) for name, part in model.named_modules()]
    python, numpy = random.getstate(), str(np.random.get_state())  # noqa: NPY002 - the state that others may use
    return hooks, numbers, modes, python, numpy, torch.get_rng_state(), torch.is_grad_enabled()


def same(a, b):
    if isinstance(a, torch.Tensor):
        return torch.equal(a, b)
    if isinstance(a, dict):
        return a.keys() == b.keys() and all(same(a[key], b[key]) for key in a)
    if isinstance(a, (tuple, list)):
        return len(a) == len(b) and all(map(same, a, b))
    return a == b


@pytest.mark.parametrize("method", METHODS)
def test_a_watched_training_is_the_unwatched_one_bit_for_bit(method):
    plain = train(adapted(METHODS[method]()), 12)
    model = adapted(METHODS[method]())
    watch = Watch(model, every=1, budget=None)
    assert train(model, 12, watch=watch) == plain
    assert watch.watched.steps == list(range(1, 13))
    before = state_of(model)
    watch.measure(13)
    assert same(before, state_of(model))
    torch.rand(1)
    assert not same(before, state_of(model))  # a disturbed random state would be seen


def test_what_it_measures_is_the_audit_of_the_live_model():
    model = adapted(METHODS["sine"]())
    watch = Watch(model, every=5, budget=None)
    train(model, 10, watch=watch)
    audit = rk.audit(model, progress=False)
    assert watch.watched.steps == [5, 10]
    kept = watch.watched.audit(10)
    assert json.dumps(kept.columns) == json.dumps(audit.columns)
    assert all(np.array_equal(kept.spectra[name], values) for name, values in audit.spectra.items())
    assert watch.watched.columns["step"] == [5] * 4 + [10] * 4


def test_modules_and_metrics_are_chosen():
    model = adapted()
    watch = Watch(model, every=1, metrics=["effective_rank"], modules=["q_proj"], budget=None)
    train(model, 2, watch=watch)
    table = watch.watched.table
    assert set(table["module"]) == {"layers.0.q_proj", "layers.1.q_proj"}
    assert "effective_rank" in table
    assert "numerical_rank" not in table
    assert set(Watch(model, modules=r"layers\.0\..*", budget=None).measure(1).measurement.spectra) == {
        "layers.0.q_proj",
        "layers.0.up_proj",
    }
    assert rk.suggest_ranks(watch.watched).rank_pattern.keys() == {"layers.0.q_proj", "layers.1.q_proj"}


def test_what_is_not_chosen_is_not_measured(monkeypatch):
    import rankkit.audits.audit as audits

    seen, apply = [], audits.apply
    monkeypatch.setattr(audits, "apply", lambda layer, *a, **k: seen.append(layer.name) or apply(layer, *a, **k))
    model = adapted()
    found = Watch(model, modules=["q_proj"], budget=None).measure(0).measurement
    assert sorted(seen) == ["layers.0.q_proj", "layers.1.q_proj"]
    whole = rk.audit(model, progress=False)
    assert all(np.array_equal(values, whole.spectra[name]) for name, values in found.spectra.items())


def test_the_store_comes_back_bit_for_bit(tmp_path):
    model = adapted(METHODS["LR"]())
    watch = Watch(model, every=2, store=tmp_path, budget=None)
    watch.step(0)
    train(model, 6, watch=watch)
    loaded, own = Watched.load(tmp_path), watch.watched
    assert json.dumps(loaded.columns) == json.dumps(own.columns)  # NaN at step 0 too
    for one, two in zip(loaded.measurements, own.measurements, strict=True):
        assert all(np.array_equal(one.spectra[name], values) for name, values in two.spectra.items())
        for name, learned in two.learned.items():
            assert all(map(np.array_equal, one.learned[name].arrays, learned.arrays))
    assert rk.Watched is Watched
    assert loaded.table["layer"].dtype.name == "Int64"


def test_a_store_of_something_else_is_refused(tmp_path):
    rk.sweep_frequency(d=12, r=2, omegas=[1.0], seeds=1, store=tmp_path / "sweep", progress=False)
    with pytest.raises(ValueError, match="another computation"):
        Watch(module("up"), store=tmp_path / "sweep")
    with pytest.raises(ValueError, match="name a training's store"):
        Watched.load(tmp_path / "sweep")
    with pytest.raises(ValueError, match="no store of a watched training"):
        Watched.load(tmp_path)
    Watch(module("up"), store=tmp_path / "one", modules=["up"])
    with pytest.raises(ValueError, match="modules .* there and None here"):
        Watch(module("up"), store=tmp_path / "one")


def test_a_resumed_training_goes_its_own_way(tmp_path):
    model = adapted()
    train(model, 6, watch=Watch(model, every=2, store=tmp_path, budget=None))
    state = {name: p.detach().clone() for name, p in model.state_dict().items()}
    lost = Watch(model, every=2, store=tmp_path, budget=None)
    train(model, 4, watch=lost, begin=6)
    assert Watched.load(tmp_path).steps == [2, 4, 6, 8, 10]
    model.load_state_dict(state)
    again = Watch(model, every=3, store=tmp_path, budget=None)  # the interval may change
    train(model, 3, watch=again, begin=6, rate=1e-3)
    assert again.watched.steps == Watched.load(tmp_path).steps == [2, 4, 6, 9]
    assert len(Kept.open(tmp_path).measurements()) == 6  # nothing is deleted
    assert latest([]) == []


def test_every_finished_measurement_outlives_sigkill(tmp_path):
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-m", "tests.watch.runs", str(tmp_path / "store"), str(tmp_path / "log"), str(KILLS)]
    run = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)
    killed = [json.loads(line) for line in run.stdout.splitlines()]
    assert len(killed) == KILLS, run.stderr
    for told, found in killed:
        assert set(told) <= set(found)
        assert len(found) <= len(told) + KILLS  # one more may be finished and not yet told
    assert len(killed[-1][1]) > KILLS


def test_a_damaged_file_is_left_out_and_the_others_stay(tmp_path):
    model = adapted()
    train(model, 3, watch=Watch(model, every=1, store=tmp_path, budget=None))
    file = sorted(tmp_path.glob("*.npz"))[1]
    file.write_bytes(file.read_bytes()[:50])
    assert Watched.load(tmp_path).steps == [1, 3]


class Clock:
    """A clock that a test sets."""

    def __init__(self):
        self.now = 0.0

    def __call__(self):
        return self.now


@pytest.mark.parametrize("cost", [0.01, 0.1, 1.0])
def test_a_budget_holds_at_every_moment_once_the_training_is_long_enough(cost):
    clock = Clock()
    budget = Budget(0.01, clock=clock)
    budget.begin()
    made = 0
    for _ in range(5000):
        clock.now += 0.1
        if budget.allows():
            clock.now += cost
            budget.add(cost)
            made += 1
        if clock.now > 2 * cost / 0.01:
            assert budget.spent + cost <= 0.0101 * clock.now  # the last measurement fits as well
    assert made == pytest.approx(0.01 * clock.now / cost - 1, abs=1.5)


def test_a_watch_keeps_its_budget_and_says_so():
    model = adapted()
    watch = Watch(model, every=1, budget=0.001)
    with pytest.warns(UserWarning, match="some measurements are left out"):
        train(model, 20, watch=watch)
    assert watch.watched.steps == [1]
    assert watch.skipped == 19
    assert "19 left out" in repr(watch)
    assert watch.finish(20) is not None
    assert watch.finish(20) is None
    assert watch.watched.steps == [1, 20]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        free = Watch(model, every=1, budget=1.0)
        free.step(1)


def test_gates_stop_a_training_after_its_beginning():
    state = module("layers.0.up")
    watch = Watch(state | module("layers.1.up"), every=10, fail_on=["dead_modules > 0", "max(stable_rank) > 100"])
    assert watch.gates[0].text == "dead_modules > 0"
    assert not watch.measure(200).stop
    state["base_model.model.layers.0.up.lora_B.weight"][:] = 0
    watch = Watch(state, every=10, fail_on="dead_modules > 0", limits=Limits(dead_after=50), budget=None)
    assert not watch.measure(0).stop
    assert watch.measure(50).tripped == ("dead_modules > 0",)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"every": 0}, "every must be an integer >= 1"),
        ({"metrics": ["rank"]}, "metrics must be columns of an audit, got 'rank'"),
        ({"modules": []}, "modules must name at least one module"),
        ({"modules": "("}, "modules must be a regular expression"),
        ({"budget": 0.0}, "budget must be"),
        ({"budget": 2.0}, "budget must be at most 1"),
        ({"fail_on": "many"}, "a condition reads like"),
        ({"fail_on": 3}, "fail_on must be conditions such as .*, got 3; write them as text"),
        ({"fail_on": [None]}, "fail_on must be conditions"),
        ({"limits": 3}, "limits must be a rankkit.watch.Limits, got 3; leave it out"),
        ({"metrics": "stable_rank"}, "metrics must be a list of columns"),
    ],
)
def test_a_wrong_argument_is_named_before_the_training(wrong, message):
    with pytest.raises((TypeError, ValueError), match=message):
        Watch({}, **wrong)
    from rankkit.watch import RankCallback

    with pytest.raises((TypeError, ValueError), match=message):
        RankCallback(**wrong)


def test_a_model_without_an_adapter_is_refused_before_the_training_as_the_audit_does(tmp_path):
    plain = torch.nn.Sequential(torch.nn.Linear(4, 4))
    with pytest.raises(ValueError, match="Sequential has no adapter layers; call peft.get_peft_model first") as audited:
        rk.audit(plain)
    with pytest.raises(ValueError, match="no adapter layers") as watched:
        Watch(plain, every=10, store=tmp_path / "store")
    assert str(watched.value) == str(audited.value)
    assert not (tmp_path / "store").exists()


def test_a_module_that_is_not_there_is_named():
    with pytest.raises(ValueError, match="names no module of the adapter; there are up"):
        Watch(module("up"), modules=["down"])
    with pytest.raises(ValueError, match="names no module of the adapter; there are"):
        Watch(adapted(), modules=["down"])


def test_what_is_no_adapter_is_said_before_the_training_as_the_audit_says_it(tmp_path):
    (tmp_path / "empty").mkdir()
    for wrong in (None, 3, "nowhere", tmp_path / "absent", tmp_path / "empty", {}, {"up.weight": np.ones((3, 2))}):
        with pytest.raises((TypeError, ValueError)) as audited:
            rk.audit(wrong)
        with pytest.raises(type(audited.value)) as watched:
            Watch(wrong, store=tmp_path / "store")
        assert str(watched.value) == str(audited.value).replace("source must", "model must")
        assert not (tmp_path / "store").exists()
