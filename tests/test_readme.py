"""The README's snippets run, in order, as a newcomer would run them."""

import re
from pathlib import Path
from typing import Any

import pytest

from tests.snippets import blocks, run_python, run_shell

README = (Path(__file__).parents[1] / "README.md").read_text()
PYTHON = [block.code for block in blocks(README) if block.language == "python"]
SHELL = [block.code for block in blocks(README) if block.language == "sh"]


def test_there_are_snippets():
    assert len(PYTHON) >= 3
    assert len(SHELL) >= 2


def test_python_snippets_run_in_order(desk):
    names: dict[str, Any] = {}
    out = "".join(run_python(snippet, names, "README.md") for snippet in PYTHON)
    assert "numerical_rank_mean" in out
    assert "2 of 2 modules measured." in out
    assert (desk / "curve.png").stat().st_size > 10_000


@pytest.mark.parametrize("command", SHELL)
def test_shell_snippets_run(command, desk):
    assert command.startswith("rankkit ")
    assert run_shell(command)


def test_links_lead_somewhere():
    links = re.findall(r"\]\(([^)#]+)\)", README) + re.findall(r"`([\w/]+\.md)`", README)
    assert links
    for link in links:
        assert (Path(__file__).parents[1] / link).exists(), link
