"""Plant faults one by one in a copy of the project and run the tests that have to notice them.

Run: make mutants, or python -m tests.mutants [--made 50] [--seed 0] [--store out/mutants.json] [--only WORDS]

The store keeps every verdict under a hash of the mutated file and of the tests, so that an interrupted run goes on where
it stopped, and only what has changed is tried again.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path

from tests.mutants.made import made
from tests.mutants.planted import PLANTED, Mutant

ROOT = Path(__file__).parents[2]
COPIED = ("rankkit", "tests", "pyproject.toml")  # what is mutated and what pytest reads
LINKED = ("paper_checks", "figures", "proofs", "README.md")  # what some tests read
SECONDS = 200  # a run of tests may take; what hangs longer counts as "hung", which is not "killed"
CODES = {0: "survived", 1: "killed"}


def main() -> None:
    """Try the mutants and print a table; exit with 1 where a planted one survived."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--made", type=int, default=0, help="how many mutants to draw from those made from the source")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--store", type=Path, default=Path("out/mutants.json"))
    parser.add_argument("--only", default="", help="mutants whose description contains these words")
    options = parser.parse_args()
    others = made(ROOT)
    drawn = random.Random(options.seed).sample(others, min(options.made, len(others)))
    mutants = [mutant for mutant in [*PLANTED, *drawn] if options.only in mutant.what]
    known = json.loads(options.store.read_text()) if options.store.exists() else {}
    options.store.parent.mkdir(parents=True, exist_ok=True)
    results: list[tuple[Mutant, str]] = []
    with tempfile.TemporaryDirectory() as place:
        copy = copied(Path(place))
        for mutant in mutants:
            key = key_of(mutant, copy)
            if key not in known:
                known[key] = verdict(mutant, copy)
                options.store.write_text(json.dumps(known, indent=1))
            results.append((mutant, known[key]))
            print(f"{known[key]:9} {mutant.file}: {mutant.what}", flush=True)
    print(dict(Counter(found for _, found in results)))
    sys.exit(any(found != "killed" for mutant, found in results if mutant in PLANTED))


def copied(place: Path) -> Path:
    """Return a copy of the project in an empty folder."""
    ignored = shutil.ignore_patterns("__pycache__", "*.pyc")
    for name in COPIED:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, place / name, ignore=ignored)
        else:
            shutil.copy(ROOT / name, place / name)
    for name in LINKED:
        (place / name).symlink_to(ROOT / name)
    return place


def mutated(mutant: Mutant, root: Path = ROOT) -> str:
    """Return the text of the file with the fault in it."""
    text = (root / mutant.file).read_text()
    if text.count(mutant.old) != 1:
        raise ValueError(f"{mutant.file} must hold {mutant.old!r} once, got {text.count(mutant.old)}; mend the table.")
    return text.replace(mutant.old, mutant.new)


def key_of(mutant: Mutant, root: Path) -> str:
    """Return a hash of the mutated file and of all the tests that are run."""
    digest = hashlib.sha256(f"{mutant.file}\n{mutated(mutant, root)}\n{mutant.tests}".encode())
    for name in mutant.tests.split():
        path = root / name.partition("::")[0]
        for file in sorted(path.rglob("*.py")) if path.is_dir() else [path]:
            digest.update(file.read_bytes())
    return digest.hexdigest()


def verdict(mutant: Mutant, copy: Path) -> str:
    """Return "killed" where a test failed, "survived" where none did, "hung", or "broken" where none could run."""
    file = copy / mutant.file
    kept = file.read_text()
    file.write_text(mutated(mutant, copy))
    words = [
        sys.executable,
        "-B",
        "-m",
        "pytest",
        "-x",
        "-q",
        "-n",
        "0",
        "-p",
        "no:cacheprovider",
        *mutant.tests.split(),
    ]
    surroundings = os.environ | {"PYTHONPATH": str(copy), "PYTHONDONTWRITEBYTECODE": "1"}
    try:
        run = subprocess.run(words, cwd=copy, env=surroundings, capture_output=True, timeout=SECONDS, check=False)
    except subprocess.TimeoutExpired:
        return "hung"
    finally:
        file.write_text(kept)
    return CODES.get(run.returncode, "broken")


if __name__ == "__main__":
    main()
