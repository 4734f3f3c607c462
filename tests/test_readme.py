"""The README's snippets run, in order, as a newcomer would run them."""

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import matplotlib.pyplot as plt
import pytest

from tests.test_audit import module, save

README = (Path(__file__).parents[1] / "README.md").read_text()
PYTHON = re.findall(r"```python\n(.*?)```", README, re.S)
SHELL = re.findall(r"```sh\n(.*?)```", README, re.S)


@pytest.fixture
def desk(tmp_path, monkeypatch):
    """A folder with an adapter in it, where the snippets run."""
    save(tmp_path / "adapter", module("layers.0.self_attn.q_proj") | module("layers.1.mlp.up_proj", seed=1))
    monkeypatch.chdir(tmp_path)
    yield tmp_path
    plt.close("all")


def test_there_are_snippets():
    assert len(PYTHON) >= 3
    assert len(SHELL) >= 2


def test_python_snippets_run_in_order(desk, capsys):
    names: dict[str, object] = {}
    for snippet in PYTHON:
        exec(compile(snippet, "README.md", "exec"), names)
    out = capsys.readouterr().out
    assert "numerical_rank_mean" in out
    assert "2 of 2 modules measured." in out
    assert (desk / "curve.png").stat().st_size > 10_000


@pytest.mark.parametrize("command", SHELL)
def test_shell_snippets_run(command, desk):
    program, *arguments = shlex.split(command)
    assert program == "rankkit"
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    run = subprocess.run([program, *arguments], capture_output=True, text=True, env=os.environ | {"PATH": path})
    assert (run.returncode, "Traceback" in run.stderr) == (0, False), run.stderr
    assert run.stdout


def test_links_lead_somewhere():
    links = re.findall(r"\]\(([^)#]+)\)", README) + re.findall(r"`([\w/]+\.md)`", README)
    assert links
    for link in links:
        assert (Path(__file__).parents[1] / link).exists(), link
