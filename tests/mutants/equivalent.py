"""Faults that no test can notice, because no stated result becomes wrong: each with its reason."""

from __future__ import annotations

from tests.mutants.planted import Mutant

__all__ = ["EQUIVALENT", "reason_of"]

COST = "it decides how long a computation takes, and no result"

# (file under rankkit/, what the description or the line must contain) -> the reason
EQUIVALENT: dict[tuple[str, str], str] = {}


def reason_of(mutant: Mutant) -> str:
    """Return why a mutant that survives changes no result; nothing where it should have been killed."""
    for (file, words), reason in EQUIVALENT.items():
        if mutant.file == f"rankkit/{file}" and (words in mutant.what or words in mutant.old):
            return reason
    return ""
