"""The examples of CONTRIBUTING.md: each is run as a newcomer would add it."""

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import rankkit as rk
from rankkit.checkpoints.readers.table import READERS, Reader
from rankkit.claims import check
from rankkit.cli.main import main
from rankkit.factors import host

PAGE = (Path(__file__).parents[1] / "CONTRIBUTING.md").read_text()
EXAMPLES = dict(re.findall(r"## Add a (\w+)\n.*?```python\n(.*?)```", PAGE, re.S))
B, A = np.random.default_rng(0).standard_normal((9, 2)), np.random.default_rng(1).standard_normal((2, 7))


def run(kind: str) -> dict[str, Any]:
    """Return what an example defines."""
    names: dict[str, Any] = {}
    exec(compile(EXAMPLES[kind], f"CONTRIBUTING.md, {kind}", "exec"), names)
    return names


def test_there_is_an_example_of_each():
    assert set(EXAMPLES) == {"reader", "rule", "claim", "figure"}
    assert all(len([line for line in text.splitlines() if line.strip()]) <= 15 for text in EXAMPLES.values())


def test_the_reader_reads(monkeypatch):
    mine = run("reader")
    monkeypatch.setitem(READERS, "mine", Reader(mine["recognises"], mine["read"]))
    state = {"q.narrow": A, "q.wide": B, "head": np.ones(3)}
    assert [name for name, reader in READERS.items() if reader.recognises(list(state), None)] == ["mine"]
    report = rk.audit(state)
    assert report.table["spectral_norm"].item() == pytest.approx(np.linalg.norm(B @ A, 2))
    assert report.table["note"].item() == "no scale is stored: scale 1 assumed"
    assert [entry.key for entry in report.skipped] == ["head"]


def test_the_rule_applies_its_function(asarray):
    rule = run("rule")["Arctan"]()
    factors = rk.Factors(asarray(B), asarray(A))
    np.testing.assert_allclose(host(rule(factors)), np.arctan(B @ A), rtol=1e-14)
    assert rule.label == "arctan"
    assert 0 < rule.forming_error(factors) < 1e-13


def test_the_claim_is_decided():
    (claim,) = run("claim")["CLAIMS"]
    assert check(claim, instances=200).verdict.word in ("PROVED", "HOLDS", "UNREFUTED")


def test_the_figure_is_made(tmp_path):
    (tmp_path / "growth.py").write_text(EXAMPLES["figure"])
    assert main(["figures", "growth", "--from", str(tmp_path), "--out", str(tmp_path), "--quick", "--no-progress"]) == 0
    assert json.loads((tmp_path / "growth.json").read_text())["arguments"] == {"d": 64, "seeds": 2}
    assert (tmp_path / "growth.png").stat().st_size > 5_000
