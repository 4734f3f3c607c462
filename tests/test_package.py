"""An installed wheel, outside the checkout, runs the command line."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import module, save

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """The wheel, built from this checkout and installed in a folder of its own."""
    folder = tmp_path_factory.mktemp("wheel")
    pip = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check"]
    subprocess.run([*pip, "wheel", "--no-deps", "--no-build-isolation", "-w", folder, ROOT], check=True)
    (wheel,) = folder.glob("rankkit-*.whl")
    subprocess.run([*pip, "install", "--no-deps", "--target", folder / "site", wheel], check=True)
    return folder / "site"


def run(installed, *command):
    environment = os.environ | {"PYTHONPATH": str(installed)}
    return subprocess.run(command, capture_output=True, text=True, cwd=installed.parent, env=environment)


def test_it_is_the_installed_package_that_runs(installed):
    code = "import rankkit; print(rankkit.__file__, rankkit.__version__)"
    assert run(installed, sys.executable, "-c", code).stdout.startswith(str(installed))


def test_the_console_script_audits(installed, tmp_path):
    adapter = save(tmp_path / "adapter", module("layers.0.self_attn.q_proj"))
    done = run(installed, sys.executable, installed / "bin" / "rankkit", "audit", adapter)
    assert done.returncode == 0, done.stderr
    assert "1 of 1 modules measured." in done.stdout


def test_the_console_script_sweeps(installed):
    done = run(
        installed, sys.executable, installed / "bin" / "rankkit", "sweep", "--d", "16", "--omegas", "1", "--seeds", "1"
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("omega")


def test_the_sample_travels(installed):
    done = run(installed, sys.executable, installed / "bin" / "rankkit", "audit", "--sample")
    assert done.returncode == 0, done.stderr
    assert "24 of 24 modules measured" in done.stdout
    assert (installed / "rankkit" / "data" / "wordnet_lexnames" / "CARD.md").exists()


def test_the_papers_statements_travel(installed):
    done = run(
        installed, sys.executable, installed / "bin" / "rankkit", "verify", "--claim", "sine.lemma1", "--no-progress"
    )
    assert done.returncode == 0, done.stderr
    assert "FAILS" in done.stdout
    assert (installed / "rankkit" / "paper_checks" / "ledger.json").exists()


def test_version_and_licence_travel(installed):
    import rankkit

    assert (
        run(installed, sys.executable, "-m", "rankkit", "--version").stdout.strip() == f"rankkit {rankkit.__version__}"
    )
    assert list(installed.glob("rankkit-*.dist-info/licenses/LICENSE"))
