"""The README's snippets run, in order, as a newcomer would run them, and print what the README says they print."""

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import matplotlib.pyplot as plt
import pytest

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()
SNIPPETS = re.findall(r"```python\n(.*?)```\n\n```text\n(.*?)```", README, re.S)
SHELL = re.findall(r"```sh\n(.*?)```", README, re.S)
LINES, LONGEST = 150, 122  # one screen a section, and no line that a terminal wraps


def test_there_are_snippets_and_each_shows_what_it_prints():
    assert len(SNIPPETS) == len(re.findall(r"```python", README)) >= 3
    assert len(SHELL) >= 2


def test_python_snippets_print_what_is_shown(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {}
    for snippet, shown in SNIPPETS:
        exec(compile(snippet, "README.md", "exec"), names)
        assert capsys.readouterr().out == shown
    plt.close("all")


@pytest.mark.parametrize("command", SHELL)
def test_shell_snippets_run(command, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    program, *arguments = shlex.split(command)
    assert program == "rankkit"
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    run = subprocess.run([program, *arguments], capture_output=True, text=True, env=os.environ | {"PATH": path})
    assert (run.returncode, "Traceback" in run.stderr) == (0, False), run.stderr
    assert run.stdout


def test_links_and_named_files_are_there():
    links = re.findall(r"\]\(([^)#]+)\)", README) + re.findall(r"`([\w/]+\.(?:md|ipynb))`", README)
    assert links
    for link in links:
        assert (ROOT / link).exists(), link


def test_the_page_is_short():
    assert len(README.splitlines()) <= LINES
    assert max(len(line) for line in README.splitlines() if not line.startswith("|")) <= LONGEST
