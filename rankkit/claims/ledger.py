"""The ledger: claims collected from files, checked, and kept as records that can be compared with committed ones."""

from __future__ import annotations

import json
import os
import runpy
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rankkit import execution
from rankkit.claims.claim import Claim
from rankkit.claims.decide import Checked, check
from rankkit.data import paper_checks
from rankkit.report.ledger_page import ledger_page
from rankkit.verdict import WORDS

__all__ = ["Ledger", "collect", "verify"]

FILES = "claims*.py"


@dataclass(frozen=True, eq=False)
class Ledger:
    """Claims with their verdicts.

    Attributes
    ----------
    checked : tuple of Checked
        In the order of the files and of the claims in them.
    """

    checked: tuple[Checked, ...]

    @property
    def records(self) -> list[dict[str, Any]]:
        """One JSON-ready record a claim."""
        corrections: dict[str, list[str]] = {}
        for entry in self.checked:
            if entry.claim.corrects:
                corrections.setdefault(entry.claim.corrects, []).append(entry.claim.id)
        return [_record(entry, corrections.get(entry.claim.id, [])) for entry in self.checked]

    @property
    def columns(self) -> dict[str, list[str]]:
        """What fits a terminal: id, location, verdict, evidence."""
        names = ("id", "location", "verdict", "evidence")
        return {name: [str(record[name]) for record in self.records] for name in names}

    @property
    def summary(self) -> str:
        """One sentence: how many of which verdict."""
        words = [entry.verdict.word for entry in self.checked]
        counts = ", ".join(f"{words.count(word)} {word}" for word in WORDS if word in words)
        return f"{len(words)} claims: {counts}."

    def changed(self, committed: Sequence[dict[str, Any]]) -> list[str]:
        """Return one sentence for every verdict that is not the committed one, or has none."""
        before = {record["id"]: record["verdict"] for record in committed}
        now = {entry.claim.id: entry.verdict.word for entry in self.checked}
        changes = [
            f"{name} was {before[name]}, is {now[name]}" for name in now if before.get(name, now[name]) != now[name]
        ]
        return changes + [
            f"{name} is {now[name]}, and not in the committed ledger" for name in now if name not in before
        ]

    def to_json(self) -> str:
        """Return the records as JSON."""
        return json.dumps(self.records, indent=1)

    def to_markdown(self) -> str:
        """Return the ledger by paper, each claim with its argument and evidence."""
        lines = ["# What the papers state", "", self.summary, ""]
        for paper in dict.fromkeys(entry.claim.paper for entry in self.checked):
            lines += [f"## {paper}", "", "| claim | where | verdict | evidence |", "|:--|:--|:--|:--|"]
            mine = [record for record in self.records if record["paper"] == paper]
            lines += [f"| {r['id']} | {r['location']} | {r['verdict']} | {_safe(r['evidence'])} |" for r in mine]
            lines.append("")
            for r in mine:
                lines += [f"**{r['id']}** ({r['kind']}, {r['location']}): {_safe(r['statement'])}", ""]
                lines += [f"{label}: {_safe(r[name])}" for label, name in _PARTS if r[name]] + [""]
        return "\n".join(lines)

    def to_html(self) -> str:
        """Return a page of its own: the table to sort, then every claim in full."""
        return ledger_page(self.records, self.summary, title="What is stated, and what is so")


_PARTS = (("Read as", "reading"), ("Why", "argument"), ("The nearest true statement", "corrected"))


def collect(paths: Iterable[str | os.PathLike[str]]) -> list[Claim]:
    """Return the claims in `CLAIMS` of every claims*.py at or below the paths; Python files are run.

    Raises
    ------
    ValueError
        If a path holds none, or two claims have one id.
    """
    claims: list[Claim] = []
    for path in map(Path, paths):
        files = [path] if path.is_file() else sorted(path.rglob(FILES))
        found = [claim for file in files for claim in runpy.run_path(str(file)).get("CLAIMS", [])]
        if not found:
            raise ValueError(
                f"{path} holds no claims: expected a Python file, or a folder with {FILES}, that has CLAIMS."
            )
        claims += found
    ids = [claim.id for claim in claims]
    if twice := sorted({name for name in ids if ids.count(name) > 1}):
        raise ValueError(f"two claims have the id {twice[0]}; rename one.")
    return claims


def verify(
    *paths: str | os.PathLike[str],
    only: Iterable[str] = (),
    instances: int = 1000,
    budget: float = 60.0,
    seed: int = 0,
    database: str | os.PathLike[str] | None = None,
    progress: bool | None = None,
) -> Ledger:
    """Return the ledger of the claims at or below the paths.

    Parameters
    ----------
    *paths : path
        Python files, or folders with claims*.py in them; they are run. None: the papers' statements.
    only : iterable of str
        Ids; none: all.
    instances, budget, seed, database
        As for `claims.check`.
    progress : bool, optional
        Bar on stderr; None: where stderr is a terminal.

    Raises
    ------
    ValueError
        If there are no claims, or not those asked for.
    """
    claims, wanted = collect(paths or [paper_checks()]), set(only)
    if missing := wanted - {claim.id for claim in claims}:
        raise ValueError(
            f"there is no claim {sorted(missing)[0]}; there are {', '.join(c.id for c in claims[:5])}, ..."
        )
    chosen = [claim for claim in claims if not wanted or claim.id in wanted]
    tracked = execution.track(chosen, total=len(chosen), progress=progress, label="verify")
    how: dict[str, Any] = {"instances": instances, "budget": budget, "seed": seed}
    how["database"] = None if database is None else Path(database)
    return Ledger(tuple(check(claim, **how) for claim in tracked))


def _record(entry: Checked, corrected: list[str]) -> dict[str, Any]:
    claim, verdict = entry.claim, entry.verdict
    return {
        "id": claim.id, "paper": claim.paper, "location": claim.location, "kind": claim.kind,
        "statement": claim.statement, "reading": claim.reading, "verdict": verdict.word, "evidence": verdict.evidence,
        "argument": claim.argument, "corrects": claim.corrects, "corrected": ", ".join(corrected),
        "certificate": None if entry.certificate is None else dict(entry.certificate.__dict__),
    }  # fmt: skip


def _safe(text: str) -> str:
    return text.replace("|", "\\|")
