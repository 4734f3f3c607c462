"""Samples of mutants that no test had been written for, as they were found, and what became of their survivors.

Only such a sample tells how many faults the tests would notice: one whose survivors were looked at tells less.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tests.mutants.planted import Mutant
from tests.mutants.results import Result, Share

__all__ = ["SAMPLES", "keep", "lines", "survivors", "tried_again"]

SAMPLES = Path(__file__).with_name("samples.json")
NAMES = ("file", "what", "old", "new")


def keep(results: Sequence[Result], seed: int, place: Path = SAMPLES, *, files: str = "") -> None:
    """Append a sample, drawn of all files or of some, to the record; one that is there already stays as it was found."""
    known: list[dict[str, Any]] = json.loads(place.read_text()) if place.exists() else []
    if any(sample["seed"] == seed for sample in known):
        raise SystemExit(f"{place.name} has a sample of seed {seed}; what was found first is not written over.")
    others = [
        {**{name: getattr(result.mutant, name) for name in NAMES}, "found": result.found, "now": result.found}
        for result in results
        if result.found != "killed"
    ]
    sample = {"seed": seed, "files": files, "drawn": len(results), "others": others}
    place.write_text(json.dumps([*known, sample], indent=1) + "\n")


def survivors(mutants: Sequence[Mutant], place: Path = SAMPLES) -> list[Mutant]:
    """Return the mutants that were not killed when their sample was drawn, where the source is still the same."""
    kept = {
        tuple(other[name] for name in NAMES) for sample in json.loads(place.read_text()) for other in sample["others"]
    }
    return [mutant for mutant in mutants if mutant[:4] in {(what, file, old, new) for file, what, old, new in kept}]


def tried_again(results: Sequence[Result], place: Path = SAMPLES) -> None:
    """Write down how the survivors of all samples end now."""
    found = {result.mutant[:4]: result.found for result in results}
    samples = json.loads(place.read_text())
    for other in (other for sample in samples for other in sample["others"]):
        other["now"] = found.get((other["what"], other["file"], other["old"], other["new"]), other["now"])
    place.write_text(json.dumps(samples, indent=1) + "\n")


def lines(place: Path = SAMPLES) -> list[str]:
    """Return the samples as Markdown: a row for each, then what of them is not killed now."""
    samples = json.loads(place.read_text()) if place.exists() else []
    if not samples:
        return []
    rows = [
        "",
        "## Samples as they were found",
        "",
        "Faults made by rule, drawn and tried before a test was written for any of them. This share is what an unseen fault "
        "meets. Tests were then written for survivors, which were tried again. The equivalent ones were told apart afterwards.",
        "",
        "| seed | of | drawn | equivalent | killed when drawn | killed now |",
        "|--:|:--|--:|--:|--:|--:|",
    ]
    left = []
    for sample in samples:
        ends = {when: Counter(_end(other, when) for other in sample["others"]) for when in ("found", "now")}
        alike = ends["found"]["equivalent"]
        of = sample["drawn"] - alike
        first, now = (
            Share(of - sum(n for end, n in ends[when].items() if end not in ("equivalent", "killed")), of)
            for when in ("found", "now")
        )
        rows.append(
            f"| {sample['seed']} | {sample.get('files') or 'all files'} | {sample['drawn']} | {alike} | {first} | {now} |"
        )
        left += [other for other in sample["others"] if _end(other, "now") not in ("killed", "equivalent")]
    for other in left:
        rows += ["", "Not killed now:", ""] if other is left[0] else []
        gone = "" if _stands(other) else ", in a line that is gone"
        rows.append(f"* {other['file'].removeprefix('rankkit/')}: `{other['what']}`{gone}")
    return rows


def _stands(other: dict[str, Any]) -> bool:
    """Return whether the source still has the line that a mutant changes."""
    source = Path(__file__).parents[2] / other["file"]
    return source.exists() and other["old"] in source.read_text()


def _end(other: dict[str, Any], when: str) -> str:
    mutant = Mutant(other["what"], other["file"], other["old"], other["new"], "")
    # what no test can notice is so whenever it was tried
    alike = Result(mutant, other["found"]).end == "equivalent"
    return "equivalent" if alike else other[when]
