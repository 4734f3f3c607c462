"""The ledger: claims collected from files, checked, and kept as records that can be compared with committed ones."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, ClassVar

from rankkit import execution
from rankkit.checks import path_of
from rankkit.claims.claim import Claim
from rankkit.claims.decide import Checked, check
from rankkit.claims.referee import referees_view
from rankkit.data import paper_checks
from rankkit.report.verdict_ledger import VerdictLedger
from rankkit.verdict import UPHELD, declared

__all__ = ["Ledger", "collect", "verify"]

ADVICE = "name a Python file, or a folder of such files"
FILES = "claims*.py"
FORMAT = 2  # of a record; in format 1, without this field, HOLDS was PROVED or UNREFUTED


@dataclass(frozen=True, eq=False, repr=False)
class Ledger(VerdictLedger):
    """Claims with their verdicts.

    Attributes
    ----------
    checked : tuple of Checked
        In the order of the files and of the claims in them.

    Examples
    --------
    >>> from rankkit.claims import Domain, Real, check
    >>> up = Domain(x=Real(0, 2))
    >>> Ledger((check(Claim("mine", "x >= 1", domain=up, margin=lambda v, a: v.x - 1)),)).summary
    '1 claim: 1 FAILS.'
    """

    checked: tuple[Checked, ...]

    THINGS: ClassVar[tuple[str, str]] = ("claim", "claims")
    TITLE: ClassVar[str] = "What is stated, and what is so"

    @property
    def records(self) -> list[dict[str, Any]]:
        """One JSON-ready record for each claim."""
        corrections: dict[str, list[str]] = {}
        for entry in self.checked:
            if entry.claim.corrects:
                corrections.setdefault(entry.claim.corrects, []).append(entry.claim.id)
        return [_record(entry, corrections.get(entry.claim.id, [])) for entry in self.checked]

    def to_markdown(self) -> str:
        """Return the ledger as a referee reads it: findings first, one line a claim, details that fold."""
        return referees_view(self.records, self.summary)


def collect(paths: Iterable[str | os.PathLike[str]]) -> list[Claim]:
    """Return the claims in `CLAIMS` of every claims*.py at or below the paths; the files are run.

    Parameters
    ----------
    paths : iterable of path
        Python files, and folders.

    Raises
    ------
    ValueError
        If a path does not exist or holds no claims, a file cannot be run, or two claims have one id.
    """
    claims: list[Claim] = []
    for path in (path_of("each of paths", path, advice=ADVICE) for path in paths):
        if not path.exists():
            raise ValueError(f"{path} does not exist; name a Python file, or a folder with {FILES}.")
        found = [claim for file, listed in declared([path], FILES, "CLAIMS") for claim in _claims(file, listed)]
        if not found:
            raise ValueError(
                f"{path} holds no claims: expected a Python file, or a folder with {FILES}, that has CLAIMS."
            )
        claims += found
    ids = [claim.id for claim in claims]
    if twice := sorted({name for name in ids if ids.count(name) > 1}):
        raise ValueError(f"two claims have the id {twice[0]}; rename one.")
    return claims


def _claims(file: Path, listed: Any) -> Iterable[Claim]:
    """Return what a file calls CLAIMS, once it is found to be claims."""
    try:
        entries = list[Any](listed or ())
    except TypeError:
        entries = [listed]
    wrong = [type(entry).__name__ for entry in entries if not isinstance(entry, Claim)]
    if wrong:
        raise ValueError(f"{file}: CLAIMS must be a list of rankkit.claims.Claim, got {wrong[0]}; mend it.")
    return entries


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
        Python files, or folders with claims*.py in them; the files are run. Without any: the papers' statements.
    only : str or iterable of str
        Ids of the claims to check; none: all.
    instances, budget, seed, database
        As for `rankkit.claims.check`; the budget is of each claim.
    progress : bool, optional
        Whether a bar is shown on stderr; None: where stderr is a terminal.

    Returns
    -------
    Ledger
        The claims with their verdicts, in the order of the files.

    Raises
    ------
    ValueError
        If there are no claims, or not those asked for, or a number is out of its range.

    Examples
    --------
    >>> verify(only=["sine.lemma1.proof.12-15"], progress=False).summary
    '1 claim: 1 PROVED.'
    """
    claims, wanted = collect(paths or [paper_checks()]), {only} if isinstance(only, str) else set(only)
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
        "format": FORMAT, "id": claim.id, "paper": claim.paper, "location": claim.location, "kind": claim.kind,
        "statement": claim.statement, "reading": claim.reading, "verdict": verdict.word, "evidence": verdict.evidence,
        "proved": verdict.proved if verdict.word in UPHELD else None,
        "argument": claim.argument, "finding": claim.finding, "theorem": claim.theorem, "corrects": claim.corrects,
        "corrected": ", ".join(corrected),
        "certificate": None if entry.certificate is None else asdict(entry.certificate),
        "proof": None if entry.proof is None else entry.proof.record,
        "no_proof": {} if entry.attempt is None or entry.proof else dict(entry.attempt.reasons),
    }  # fmt: skip
