"""Plant faults one by one in a copy of the project and run the tests that have to notice them.

Run: make mutants, or python -m tests.mutants [--made 50] [--seed 0] [--files rules/ law/] [--jobs 2] [--store out/mutants.json] [--table FILE]

The store keeps every verdict under a hash of the mutated file and of the tests, so that an interrupted run goes on where
it stopped, and only what has changed is tried again.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import multiprocessing
import shutil
import sys
import tempfile
from collections.abc import Sequence
from functools import cache, partial
from pathlib import Path

from tests.mutants.forked import run_tests, warm
from tests.mutants.made import drawn, made
from tests.mutants.planted import PLANTED, Mutant
from tests.mutants.results import FLOOR, Result, share, table
from tests.mutants.samples import SAMPLES, keep, lines, survivors, tried_again

ROOT = Path(__file__).parents[2]
COPIED = ("rankkit", "tests", "pyproject.toml")  # what is mutated and what pytest reads
LINKED = ("paper_checks", "figures", "proofs", "README.md")  # what some tests read
SECONDS = 200  # a run of tests may take; what hangs longer counts as "hung", which is not "killed"


def main() -> int:
    """Try the mutants and print a table; 1 where a planted one survived or too many of the others did."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--made", type=int, default=0, help="how many mutants to draw from those made from the source")
    parser.add_argument("--no-planted", action="store_true", help="leave out the faults that are planted by hand")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--jobs", type=int, default=1, help="how many runs of tests at once")
    parser.add_argument("--store", type=Path, default=Path("out/mutants.json"))
    parser.add_argument("--only", default="", help="mutants whose file or description contains these words")
    parser.add_argument("--files", nargs="+", default=[""], help="draw from the files whose path contains one of these")
    parser.add_argument(
        "--tested", action="store_true", help="the tests have just passed: do not run them without a fault first"
    )
    parser.add_argument("--table", type=Path, help="write the table to this file")
    parser.add_argument(
        "--keep", action="store_true", help="add what is drawn to samples.json: a sample that nobody has looked at"
    )
    parser.add_argument("--samples", type=Path, default=SAMPLES, help="the record that --keep, --again and --table use")
    parser.add_argument("--known", action="store_true", help="try nothing: what the store knows, and no others")
    parser.add_argument("--again", action="store_true", help="try the survivors of the kept samples again, no others")
    options = parser.parse_args()
    others = made(ROOT)
    possible = [mutant for mutant in others if any(name in mutant.file for name in options.files)]
    chosen = [*([] if options.no_planted else PLANTED), *drawn(possible, options.made, options.seed)]
    chosen = survivors(possible, options.samples) if options.again else chosen
    chosen = [mutant for mutant in chosen if options.only in f"{mutant.file} {mutant.what}"]
    if options.known:
        known = json.loads(options.store.read_text())
        chosen = [mutant for mutant in chosen if key_of(mutant) in known]
    results = tried(chosen, options.store, options.jobs, tested=options.tested)
    if options.again:
        tried_again(results, options.samples)
    if options.keep:
        by_rule = [result for result in results if result.mutant not in PLANTED]
        keep(by_rule, options.seed, options.samples, files=" ".join(options.files))
    if options.table:
        options.table.write_text(
            "\n".join([table(results, PLANTED, len(others)).rstrip(), *lines(options.samples), ""])
        )
    by_hand = [result for result in results if result.mutant in PLANTED]
    by_rule = [result for result in results if result.mutant not in PLANTED]
    print(f"planted: {share(by_hand)}\nmade: {share(by_rule)}")
    return int(share(by_hand).of_one < 1 or share(by_rule).of_one < FLOOR)


def tried(mutants: Sequence[Mutant], store: Path, jobs: int, *, tested: bool = False) -> list[Result]:
    """Return what became of every mutant, taken from the store where it is known there."""
    known = json.loads(store.read_text()) if store.exists() else {}
    store.parent.mkdir(parents=True, exist_ok=True)
    keys = {mutant: key_of(mutant) for mutant in mutants}
    new = [mutant for mutant, key in keys.items() if key not in known]
    warm()
    with (
        tempfile.TemporaryDirectory() as place,
        multiprocessing.get_context("fork").Pool(max(1, jobs)) as workers,
    ):
        words = [] if tested else sorted({mutant.tests for mutant in new})
        for tests, found in workers.imap_unordered(partial(_sound, place, known), words):
            known[sound_key(tests)] = found
            if found != "survived":
                raise SystemExit(f"{tests}: {found} without a fault; mend the tests or the list.")
        for mutant, found in workers.imap_unordered(partial(_tried, place), new):
            known[keys[mutant]] = found
            store.write_text(json.dumps(known, indent=1))
            print(f"{found:9} {mutant.file}: {mutant.what}", flush=True)
    return [Result(mutant, known[key]) for mutant, key in keys.items()]


def sound_key(tests: str) -> str:
    """Return a hash of tests and of all that they test."""
    return hashlib.sha256(f"sound {_hash_of(tests)} {_hash_of('rankkit')}".encode()).hexdigest()


def _sound(place: str, known: dict[str, str], tests: str) -> tuple[str, str]:
    """Return how tests end without a fault; where they fail, they would seem to notice every one."""
    return tests, known.get(sound_key(tests)) or run_tests(_own_copy(place), tests, 10 * SECONDS)


def _tried(place: str, mutant: Mutant) -> tuple[Mutant, str]:
    return mutant, verdict(mutant, _own_copy(place))


@cache
def _own_copy(place: str) -> Path:
    """Return this process's copy of the project."""
    return copied(Path(tempfile.mkdtemp(dir=place)))


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


def key_of(mutant: Mutant) -> str:
    """Return a hash of the mutated file and of all the tests that are run."""
    return hashlib.sha256(f"{mutant.file}\n{mutated(mutant)}\n{_hash_of(mutant.tests)}".encode()).hexdigest()


@cache
def _hash_of(names: str) -> str:
    """Return a hash of the files that are named, and of those in the folders that are."""
    digest = hashlib.sha256(names.encode())
    for name in names.split():
        path = ROOT / name.partition("::")[0]
        if not path.exists():  # an option of pytest
            continue
        for file in sorted(path.rglob("*.py")) if path.is_dir() else [path]:
            digest.update(file.read_bytes())
    return digest.hexdigest()


def verdict(mutant: Mutant, copy: Path) -> str:
    """Return how the mutant's tests end with the fault in a copy: "killed", "survived", "hung" or "broken"."""
    file = copy / mutant.file
    kept = file.read_text()
    file.write_text(mutated(mutant, copy))
    try:
        return run_tests(copy, mutant.tests, SECONDS)
    finally:
        file.write_text(kept)


if __name__ == "__main__":
    sys.exit(main())
