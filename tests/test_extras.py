"""The extras of pyproject.toml, and the one wording that says how to install them."""

import re
import tomllib
from pathlib import Path

import pytest

from rankkit.extras import how_to_install

ROOT = Path(__file__).parents[1]
SOURCES = [path for folder in ("rankkit", "experiments", "docs") for path in (ROOT / folder).rglob("*.[pm][yd]")]
BY_NAME = re.compile(r"(?:pip )?install '?rankkit\[")  # the package's name would be looked up on an index
CALL = re.compile(r"how_to_install\(['\"](\w+)['\"]\)")


def test_no_message_and_no_page_installs_rankkit_by_its_name():
    """It is on no package index, where anybody could claim the name."""
    assert [path for path in SOURCES if BY_NAME.search(path.read_text())] == []
    assert BY_NAME.search("pip install 'rankkit[verify]'")
    assert BY_NAME.search("install rankkit[cluster]")


def test_every_message_names_an_extra_that_there_is():
    if not (ROOT / "pyproject.toml").exists():
        pytest.skip("no checkout")
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    named = {name for path in SOURCES for name in CALL.findall(path.read_text())}
    assert named <= extras.keys()
    assert named >= {"verify", "prove", "cluster", "train", "nufft", "gguf", "parquet"}


def test_the_wording_is_right_in_a_checkout_and_for_a_wheel():
    assert "`pip install '.[nufft]'` in a checkout" in how_to_install("nufft")
    assert "`pip install 'FILE.whl[nufft]'` for a wheel" in how_to_install("nufft")
