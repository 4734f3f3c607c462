"""The Makefile: its help lists every target, and `make clean` removes all that git ignores."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
MAKEFILE = (ROOT / "Makefile").read_text()


@pytest.fixture
def make(tmp_path):
    """Run a target of the Makefile in an empty folder."""
    if not shutil.which("make"):
        pytest.skip("needs make")
    shutil.copy(ROOT / "Makefile", tmp_path)
    outside = {name: value for name, value in os.environ.items() if not name.startswith("MAKE")}  # `make test` runs us
    return lambda target: subprocess.run(
        ["make", target], cwd=tmp_path, env=outside, capture_output=True, text=True, check=True
    )


def test_help_lists_every_target(make):
    listed = [line.split()[0] for line in make("help").stdout.splitlines()]
    (targets,) = re.findall(r"^\.PHONY: (.*)$", MAKEFILE, re.M)
    assert sorted(listed) == sorted(targets.split())


def test_clean_removes_what_git_ignores_and_nothing_else(make, tmp_path):
    kept = {"Makefile", "rankkit", "rankkit/factors.py"}
    ignored = [line.strip("/").replace("*", "x") for line in (ROOT / ".gitignore").read_text().splitlines()]
    for folder in (*ignored, ".venv", ".venv-lowest", "rankkit/__pycache__"):
        (tmp_path / folder).mkdir(parents=True, exist_ok=True)
    (tmp_path / ".venvx").rmdir()  # stands for the two above
    (tmp_path / "rankkit" / "factors.py").touch()
    make("clean")
    assert {str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*")} - {"docs"} == kept
