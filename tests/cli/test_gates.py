"""Gates where machines read them: SARIF, the action and the pre-commit hook."""

import json
import os
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from rankkit.cli.main import main
from tests.conftest import module, save

ROOT = Path(__file__).parents[2]
yaml = pytest.importorskip("yaml")


@pytest.fixture
def adapters(tmp_path, monkeypatch):
    """Stand in a folder with a sound adapter and one with a dead module."""
    monkeypatch.chdir(tmp_path)
    save(tmp_path / "good", module("layers.0.q_proj"))
    state = module("layers.0.q_proj")
    state["base_model.model.layers.0.q_proj.lora_B.weight"][:] = 0
    save(tmp_path / "dead", state)
    return tmp_path


def results(file):
    log = json.loads(Path(file).read_text())
    assert log["version"] == "2.1.0"
    [run] = log["runs"]
    known = {rule["id"] for rule in run["tool"]["driver"]["rules"]}
    assert {result["ruleId"] for result in run["results"]} <= known
    return run["results"]


def test_a_gate_that_holds_is_in_the_sarif_file(adapters):
    gates = ["--fail-on", "dead_modules > 0", "--fail-on", "modules > 9", "--sarif", "out.sarif"]
    assert main(["audit", "dead", *gates]) == 3
    [found] = results("out.sarif")
    assert found["ruleId"] == "dead_modules > 0"
    uri = found["locations"][0]["physicalLocation"]["artifactLocation"]["uri"]
    assert uri.startswith("dead")
    assert main(["audit", "good", *gates]) == 0
    assert results("out.sarif") == []


def test_a_module_that_was_not_merged_is_in_the_sarif_file(adapters):
    weights: dict[str, Any] = {"layers.0.q_proj.weight": np.eye(12, 10)}
    np.savez(adapters / "base.npz", **weights)
    words = ["audit", "good", "--base", "base.npz", "--merged", "base.npz", "--sarif", "out.sarif"]
    assert main(words) == 3
    [found] = results("out.sarif")
    assert found["ruleId"] == "not applied"
    assert found["locations"][0]["logicalLocations"][0]["fullyQualifiedName"] == "layers.0.q_proj"


@pytest.mark.parametrize(("adapter", "status"), [("good", 0), ("dead", 3)])
def test_the_hook_refuses_a_dead_adapter(adapters, adapter, status):
    [hook] = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text())
    program, *words = shlex.split(hook["entry"])
    assert program == "rankkit"
    assert main([*words, *hook["args"], f"{adapter}/adapter_model.safetensors"]) == status


@pytest.mark.parametrize(("adapter", "status"), [("good", 0), ("dead", 3)])
def test_the_action_refuses_a_dead_adapter(adapters, adapter, status):
    action = yaml.safe_load((ROOT / "action.yml").read_text())
    inputs, step = action["inputs"], action["runs"]["steps"][-1]
    given = {name: said.get("default", "") for name, said in inputs.items()} | {"adapter": adapter}
    env = {name: given[value.split("inputs.")[1].rstrip(" }")] for name, value in step["env"].items()}
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    ran = subprocess.run(
        ["bash", "-e", "-c", step["run"]], env=os.environ | env | {"PATH": path, "PYTHONPATH": str(ROOT)}, check=False
    )
    assert ran.returncode == status
    assert len(results("rankkit-audit.sarif")) == (status == 3)
    assert (adapters / "rankkit-audit.html").stat().st_size > 0
