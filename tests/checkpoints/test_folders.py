"""Several adapters under one folder: which there are, in which order, and one table of all."""

import csv
import io

import pytest

import rankkit as rk
from rankkit.checkpoints.folders import ITSELF, adapters_under
from rankkit.cli.main import main
from tests.conftest import CONFIG, module, save


def one(folder, seed=0, **config):
    save(folder, module("layers.0.q_proj", seed=seed), {**CONFIG, **config})
    return folder


@pytest.fixture
def run(tmp_path):
    for step in (1000, 500, 90):
        one(tmp_path / "run" / f"checkpoint-{step}", seed=step)
    (tmp_path / "run" / "runs").mkdir()
    (tmp_path / "run" / "training_args.bin").write_bytes(b"not a tensor")
    return tmp_path / "run"


def test_checkpoints_stand_in_the_order_of_their_numbers(run):
    assert list(adapters_under(run)) == ["checkpoint-90", "checkpoint-500", "checkpoint-1000"]
    assert adapters_under(run / "training_args.bin") == {}


def test_a_run_is_answered_with_what_it_holds_newest_last(run):
    with pytest.raises(ValueError, match=r"checkpoint-90, checkpoint-500, checkpoint-1000, newest last.* --all"):
        rk.audit(run)


def test_a_named_checkpoint_is_measured(run):
    assert rk.audit(run, adapter="checkpoint-500").spectra.keys() == {"layers.0.q_proj"}
    with pytest.raises(ValueError, match="checkpoint-90, .*, got checkpoint-7; leave"):
        rk.audit(run, adapter="checkpoint-7")
    with pytest.raises(ValueError, match="a folder of adapters or a model"):
        rk.audit(module("q"), adapter="x")


def test_all_of_a_run_are_one_table_as_each_is_alone(run):
    report = rk.audit(run, each=True)
    assert [*report.table["adapter"]] == ["checkpoint-90", "checkpoint-500", "checkpoint-1000"]
    for name, place in adapters_under(run).items():
        alone = rk.audit(place).table.iloc[0]
        mine = report.table[report.table["adapter"] == name].iloc[0]
        assert mine["module"] == alone["module"]
        assert mine["stable_rank"] == alone["stable_rank"]
        assert f"layers.0.q_proj[{name}]" in report.spectra
    assert [*rk.audit(run, adapter=["checkpoint-500"]).table["adapter"]] == ["checkpoint-500"]


def test_an_adapter_beside_others_is_measured_and_names_them(tmp_path):
    one(tmp_path / "a")
    one(tmp_path / "a" / "other", seed=1)
    report = rk.audit(tmp_path / "a")
    assert report.beside == ("other",)
    assert "not measured: other" in report.coverage
    both = rk.audit(tmp_path / "a", each=True)
    assert [*both.table["adapter"]] == [ITSELF, "other"]
    assert "not measured" not in both.coverage


def test_one_that_cannot_be_read_costs_the_others_nothing(run):
    (run / "checkpoint-500" / "adapter_config.json").write_text("{")
    report = rk.audit(run, each=True)
    assert [*report.table["adapter"]] == ["checkpoint-90", "checkpoint-1000"]
    (lost,) = report.skipped
    assert lost.key == "checkpoint-500"
    assert "not valid JSON" in lost.reason


def test_the_command_prints_one_table(run, capsys):
    assert main(["audit", str(run), "--all", "--format", "csv", "--no-progress"]) == 0
    rows = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
    assert [row["adapter"] for row in rows] == ["checkpoint-90", "checkpoint-500", "checkpoint-1000"]
    assert main(["audit", str(run), "--all", "--no-progress"]) == 0
    assert "checkpoint-90" in capsys.readouterr().out
    assert main(["audit", str(run), "--no-progress"]) == 1
    assert "newest last" in capsys.readouterr().err
