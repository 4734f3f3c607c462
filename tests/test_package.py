"""What is built and installed: the wheel runs outside a checkout, the sdist holds all that its tests need."""

import importlib.metadata
import os
import re
import subprocess
import sys
import tarfile
import tomllib
from email.parser import Parser
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

import rankkit
from tests.conftest import module, save

ROOT = Path(__file__).parents[1]
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
RUNTIME_EXTRAS = ("verify", "prove", "cluster", "nufft", "gguf", "train", "parquet")


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


def rankkit_command(installed, *arguments):
    return run(installed, sys.executable, installed / "bin" / "rankkit", *arguments)


def test_it_is_the_installed_package_that_runs(installed):
    code = "import rankkit; print(rankkit.__file__, rankkit.__version__)"
    assert run(installed, sys.executable, "-c", code).stdout.startswith(str(installed))


def test_the_console_script_audits(installed, tmp_path):
    adapter = save(tmp_path / "adapter", module("layers.0.self_attn.q_proj"))
    done = rankkit_command(installed, "audit", adapter)
    assert done.returncode == 0, done.stderr
    assert "1 of 1 module measured." in done.stdout


def test_the_console_script_sweeps(installed):
    done = rankkit_command(installed, "sweep", "--d", "16", "--omegas", "1", "--seeds", "1")
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("omega")


def test_the_sample_travels(installed):
    done = rankkit_command(installed, "audit", "--sample")
    assert done.returncode == 0, done.stderr
    assert "24 of 24 modules measured" in done.stdout
    assert (installed / "rankkit" / "data" / "wordnet_lexnames" / "CARD.md").exists()


def test_the_papers_statements_travel(installed):
    done = rankkit_command(installed, "verify", "--claim", "sine.lemma1", "--no-progress")
    assert done.returncode == 0, done.stderr
    assert "FAILS" in done.stdout
    assert (installed / "rankkit" / "paper_checks" / "ledger.json").exists()


def test_the_figures_travel_and_are_made_outside_the_package(installed):
    names = [script.stem for script in (installed / "rankkit" / "figures").glob("*.py")]
    assert sorted(names) == sorted(script.stem for script in (ROOT / "figures").glob("*.py"))
    # one that reads the ledger, one that reads a stored sweep
    done = rankkit_command(installed, "figures", "ledger_summary", "adasine_fig8_512_2", "--quick", "--no-progress")
    assert done.returncode == 0, done.stdout + done.stderr
    assert rankkit_command(installed, "figures", "ledger_summary", "--no-progress").returncode == 0
    assert (installed.parent / "out" / "figures" / "ledger_summary.png").exists()
    assert not list((installed / "rankkit").rglob("*.png"))


def test_the_package_says_that_it_is_typed(installed):
    assert (installed / "rankkit" / "py.typed").exists()


def test_what_trains_the_sample_stays_at_home(installed):
    assert not list(installed.rglob("train_sample*"))


def test_version_and_licence_travel(installed):
    assert rankkit_command(installed, "--version").stdout.strip() == f"rankkit {rankkit.__version__}"
    assert list(installed.glob("rankkit-*.dist-info/licenses/LICENSE"))


@pytest.fixture(scope="module")
def sdist(tmp_path_factory):
    """The source distribution, unpacked."""
    folder = tmp_path_factory.mktemp("sdist")
    code = f"from hatchling.build import build_sdist; build_sdist({str(folder)!r})"
    subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT)
    (archive,) = folder.glob("rankkit-*.tar.gz")
    with tarfile.open(archive) as packed:
        packed.extractall(folder, filter="data")
    return folder / archive.name.removesuffix(".tar.gz")


def files_of(folder):
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


def own_files():
    """Return the files of this checkout; of an unpacked sdist, what it should hold at least."""
    git = ["git", "-C", str(ROOT), "ls-files", "--cached", "--others", "--exclude-per-directory=.gitignore"]
    if (ROOT / ".git").exists():
        names = subprocess.run(git, capture_output=True, text=True, check=True).stdout.splitlines()
        return {name for name in names if (ROOT / name).is_file()}
    kept = {"rankkit", "tests", "paper_checks", "proofs", "figures", "docs", "notebooks", "benchmarks", "experiments"}
    below = {f"{name}/{path}" for name in kept for path in files_of(ROOT / name)}
    return {name for name in below if "__pycache__" not in name and not name.startswith("docs/made")}


def test_the_sdist_holds_the_whole_checkout(sdist):
    """Its tests read notebooks, pages, figures and the Makefile; `make release` runs them from it."""
    packed = files_of(sdist)
    assert own_files() <= packed
    if (ROOT / ".git").exists():
        assert packed - own_files() == {"PKG-INFO"}


def test_the_metadata_of_the_sdist_are_those_of_the_project(sdist):
    metadata = Parser().parsestr((sdist / "PKG-INFO").read_text(encoding="utf-8"))
    assert metadata["Name"] == "rankkit"
    assert metadata["Version"] == rankkit.__version__
    assert metadata["Summary"] == PYPROJECT["description"]
    assert metadata["Description-Content-Type"] == "text/markdown"
    assert str(metadata.get_payload()).strip() == (ROOT / "README.md").read_text(encoding="utf-8").strip()
    plain = {str(Requirement(line)) for line in metadata.get_all("Requires-Dist", []) if "extra ==" not in line}
    assert plain == {str(Requirement(line)) for line in PYPROJECT["dependencies"]}


def test_every_place_names_one_version():
    citation = re.search(r"^version: (\S+)$", (ROOT / "CITATION.cff").read_text(), re.M)
    newest = re.search(r"^## (\S+)", (ROOT / "CHANGELOG.md").read_text(), re.M)
    assert citation
    assert newest
    said = {citation[1], newest[1], importlib.metadata.version("rankkit")}
    assert said == {rankkit.__version__}


def closure(requirement, asked=None):
    """Return the names of all that a requirement brings, as far as it is installed here."""
    asked = set() if asked is None else asked
    wanted = Requirement(requirement)
    name = canonicalize_name(wanted.name)
    for extra in {"", *wanted.extras}:
        if (name, extra) in asked:
            continue
        asked.add((name, extra))
        for line in requirements_of(name, extra):
            closure(line, asked)
    return {name for name, _ in asked}


def requirements_of(name, extra):
    if name == "rankkit":
        return PYPROJECT["optional-dependencies"][extra] if extra else PYPROJECT["dependencies"]
    lines = importlib.metadata.requires(name) or []
    return [line for line in lines if (mark := Requirement(line).marker) is None or mark.evaluate({"extra": extra})]


def pins(name):
    lines = (ROOT / name).read_text().splitlines()
    return {canonicalize_name(line.split("==")[0]) for line in lines if line and not line.startswith("#")}


def test_the_lowest_versions_that_are_tested_are_those_declared():
    extras = PYPROJECT["optional-dependencies"]
    declared = [*PYPROJECT["dependencies"], *(line for extra in RUNTIME_EXTRAS for line in extras[extra])]
    lowest = {Requirement(line.replace(">=", "==")) for line in declared}
    lines = (ROOT / "constraints-lowest.txt").read_text().splitlines()
    tested = {Requirement(line) for line in lines if not line.startswith("#")}
    # every other build of torch brings gigabytes: its lowest version is declared, not tested
    assert {pin for pin in tested if pin.name != "torch"} == {pin for pin in lowest if pin.name != "torch"}


def test_constraints_pin_all_that_a_development_environment_holds():
    assert closure("rankkit[dev]") - {"rankkit"} <= pins("constraints.txt")
