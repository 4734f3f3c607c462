"""An audit's text: every number that was measured, within the width of the terminal."""

import numpy as np
import pytest

import rankkit as rk
from rankkit.cli.main import main
from rankkit.report.cells import cells
from rankkit.report.columns import headed, shown
from rankkit.report.text import audit_text
from tests.conftest import CONFIG, module


@pytest.fixture(scope="module")
def report():
    state = {"base_model.model.score.weight": np.ones((2, 2))}
    for i in range(4):
        state |= module(f"model.decoder.layers.{i}.self_attention_block.q_proj", seed=i)
    for i in (1, 2):
        state[f"base_model.model.model.decoder.layers.{i}.self_attention_block.q_proj.lora_B.weight"][:] = 0
    return rk.audit(state, config=CONFIG)


@pytest.mark.parametrize("width", [40, 80, 200, None])
def test_it_has_every_number_and_keeps_within_the_width(report, width):
    text = audit_text(report, width)
    if width:
        assert max(map(len, text.splitlines())) <= width
    names = [name for name in shown(report.columns) if name not in ("module", "note")]
    rows, _ = cells(headed(report.columns, names))
    assert [text.count(row[names.index("stable_rank")]) >= 1 for row in rows] == [True] * 4
    words = " ".join(text.split())
    assert report.coverage in words
    assert "never trained" in words
    assert all(f" {layer}." in text.replace("…", " ").replace("layers.", " ") for layer in range(4))
    assert "all " in text


def test_notes_that_do_not_fit_stand_below_with_their_modules(report):
    wide, narrow = audit_text(report, None), audit_text(report, 80)
    assert "note" in wide.splitlines()[0]
    assert "note" not in narrow.splitlines()[0]
    name = "model.decoder.layers.1.self_attention_block.q_proj"
    assert f"{name} and 1 more: B is zero: never trained." in " ".join(narrow.split())


def test_a_note_of_every_module_is_told_once():
    state = module("layers.0.q") | module("layers.1.q", seed=1)
    for width in (None, 60):
        text = audit_text(rk.audit(state), width)
        assert " ".join(text.split()).count("scale 1 assumed") == 1
        assert "Every module: no adapter_config.json: scale 1 assumed." in " ".join(text.split())
    alone = audit_text(rk.audit(module("layers.0.q")))
    assert alone.splitlines()[1].endswith("scale 1 assumed")


def test_the_command_folds_to_the_terminal_and_not_into_a_file(monkeypatch, capsys, tmp_path):
    monkeypatch.setattr("rankkit.report.tables.terminal_width", lambda: 60)
    assert main(["audit", "--sample", "--no-progress"]) == 0
    assert max(map(len, capsys.readouterr().out.splitlines())) <= 60
    assert main(["audit", "--sample", "--no-progress", "-o", str(tmp_path / "a.txt")]) == 0
    assert max(map(len, (tmp_path / "a.txt").read_text().splitlines())) > 100
