"""The README's snippets run, in order, as a newcomer would run them, and print what the README says they print."""

import re
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import pytest

from tests.snippets import blocks, run_python, run_shell

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()
PYTHON = [block for block in blocks(README) if block.language == "python"]
SHELL = [block.code for block in blocks(README) if block.language == "sh"]
LINES, LONGEST = 175, 122  # one screen a section, and no line that a terminal wraps


def test_there_are_snippets_and_each_shows_what_it_prints():
    assert len(PYTHON) >= 3
    assert all(block.output for block in PYTHON)
    assert SHELL


def test_python_snippets_print_what_is_shown(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    names: dict[str, Any] = {}
    for block in PYTHON:
        assert run_python(block.code, names, "README.md") == block.output
    plt.close("all")


@pytest.mark.parametrize("command", SHELL)
def test_shell_snippets_run(command, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert command.startswith("rankkit ")
    assert run_shell(command)


def test_links_and_named_files_are_there():
    links = re.findall(r"\]\(([^)#]+)\)", README) + re.findall(r"`([\w/]+\.(?:md|ipynb))`", README)
    assert links
    for link in links:
        assert (ROOT / link).exists(), link


def test_the_page_is_short():
    assert len(README.splitlines()) <= LINES
    assert max(len(line) for line in README.splitlines() if not line.startswith("|")) <= LONGEST
