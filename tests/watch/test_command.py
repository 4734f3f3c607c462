"""rankkit watch: a run's checkpoints and a growing store, in a terminal, as data and as a page."""

import csv
import io
import json
import threading

import numpy as np
import pytest

import rankkit as rk
from rankkit.cli.main import main
from rankkit.watch import Watch, Watched
from rankkit.watch.follow import follow
from tests.conftest import CONFIG, module, save
from tests.watch.runs import adapted, train
from tests.watch.test_watched import grown


@pytest.fixture
def run(tmp_path):
    for step in (100, 200, 1000):
        save(tmp_path / "run" / f"checkpoint-{step}", grown(step), CONFIG)
    return tmp_path / "run"


def said(capsys, *words) -> tuple[int, str, str]:
    """The status, and what went to stdout and stderr."""
    status = main(["watch", *map(str, words)])
    out, err = capsys.readouterr()
    return status, out, err


def test_a_runs_checkpoints_as_text_json_and_csv(run, capsys):
    status, out, _ = said(capsys, run)
    assert status == 0
    assert [line.split()[0] for line in out.splitlines()[:4]] == ["step", "100", "200", "1000"]
    assert "step 1000, model.layers.0.q_proj: its largest singular value grew 5 times" in out
    status, out, _ = said(capsys, run, "--format", "json")
    record = json.loads(out)
    assert {row["step"] for row in record["modules"]} == {100, 200, 1000}
    assert [alarm["name"] for alarm in record["alarms"]] == ["spike"] * 2
    stable = Watched.load(run).columns["stable_rank"]
    assert [row["stable_rank"] for row in record["modules"]] == stable
    status, out, _ = said(capsys, run, "--format", "csv")
    assert [float(row["stable_rank"]) for row in csv.DictReader(io.StringIO(out))] == stable


def test_pages_pictures_and_gates(run, tmp_path, capsys):
    page, drawn = tmp_path / "a.html", tmp_path / "a.png"
    status, _, err = said(capsys, run, "--html", page, "--plot", drawn, "--fail-on", "ok_modules > 1")
    assert status == 3
    assert "condition met at step 1000: ok_modules > 1 (the value is 2)" in err
    assert page.read_text() == Watched.load(run).to_html()
    assert drawn.read_bytes().startswith(b"\x89PNG")


def test_what_cannot_be_watched_is_told(tmp_path, capsys):
    status, out, err = said(capsys, tmp_path)
    assert (status, out) == (1, "")
    assert (
        "no store of a watched training, and has no folder checkpoint-STEP; name one of these, or measure a single adapter with `rankkit audit"
        in err
    )
    assert "absent does not exist" in said(capsys, tmp_path / "absent")[2]
    Watch(module("up"), store=tmp_path / "empty")
    assert "holds no measurement yet; add --follow" in said(capsys, tmp_path / "empty")[2]
    assert said(capsys, tmp_path / "absent", "--follow", "--wait", "0.01s", "--idle", "0.02s")[0] == 1
    assert "--idle is used with --follow" in said(capsys, tmp_path, "--idle", "1s")[2]


def test_following_tells_what_is_new_as_it_comes(tmp_path):
    """Between two looks a test adds what a training would add: nothing is told twice, and nothing is missed."""
    store, model = tmp_path / "ranks", adapted()
    to_come = [
        lambda: None,  # the training has not begun
        lambda: train(model, 4, watch=Watch(model, every=2, store=store, budget=None)),
        lambda: None,
        lambda: train(model, 2, watch=Watch(model, every=1, store=store, budget=None), begin=4),
    ]
    told = list(follow(store, wait=1, idle=2, sleep=lambda _: (to_come.pop(0) if to_come else int)()))
    assert [watched.steps for watched in told] == [[2, 4], [2, 4, 5, 6]]


def test_a_checkpoint_that_is_being_written_is_read_the_next_time(tmp_path):
    save(tmp_path / "checkpoint-1", grown(1), CONFIG)
    half = save(tmp_path / "checkpoint-2", grown(2), CONFIG) / "adapter_model.safetensors"
    whole = half.read_bytes()
    half.write_bytes(whole[:60])
    to_come = [lambda: None, lambda: half.write_bytes(whole)]
    told = list(follow(tmp_path, wait=1, idle=2, sleep=lambda _: (to_come.pop(0) if to_come else int)()))
    assert [watched.steps for watched in told] == [[1], [1, 2]]


def test_the_command_follows_a_training_that_runs_beside_it(tmp_path, capsys):
    store, model = tmp_path / "ranks", adapted()
    watch = Watch(model, every=1, store=store, budget=None)
    beside = threading.Timer(0.2, train, (model, 3), {"watch": watch})
    beside.start()
    status, out, _ = said(capsys, store, "--follow", "--wait", "0.05s", "--idle", "1.5s")
    beside.join()
    assert status == 0
    last = out[out.rindex("step  ") :].splitlines()
    assert [line.split()[0] for line in last[1:4]] == ["1", "2", "3"]


def test_a_store_becomes_the_next_runs_configuration(tmp_path, capsys):
    store, model = tmp_path / "ranks", adapted()
    train(model, 5, watch=Watch(model, every=5, store=store, budget=None))
    assert main(["truncate", str(store), "--dry-run", "--next", "json", "--budget", "200"]) == 0
    out, err = capsys.readouterr()
    assert json.loads(out) == rk.suggest_ranks(Watched.load(store), budget=200).lora_arguments()
    assert "% of the energy" in err
    assert np.sum(rk.suggest_ranks(Watched.load(store), budget=200).columns["parameters"]) <= 200
