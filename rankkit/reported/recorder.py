"""What every family of relations writes to: the findings of one paper."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import Any

from rankkit.reported.finding import FIRM, Finding
from rankkit.reported.words import Said

__all__ = ["Recorder"]

NOTHING = Said()


@dataclass(eq=False, repr=False)
class Recorder:
    """The findings of one paper, in the order of its relations.

    Attributes
    ----------
    name : str
        Of the paper.
    findings : list of Finding
        In the order of the relations.
    """

    name: str
    findings: list[Finding] = field(default_factory=list[Finding], init=False)

    def _record(
        self,
        place: str,
        what: str,
        record: dict[str, Any],
        *,
        cell: str = "",
        conclusion: str = "",
        basis: str = "arithmetic",
        words: Said | None = None,
    ) -> None:
        # a name of its own content: a relation put in between renames no other
        digest = hashlib.sha256(f"{place}|{what}|{cell}|{basis}".encode()).hexdigest()[:6]
        same = sum(finding.id.startswith(f"{self.name}.{digest}") for finding in self.findings)
        name = f"{self.name}.{digest}" + (f".{same + 1}" if same else "")
        its = words or NOTHING
        firm = record["verdict"] in FIRM
        self.findings.append(
            Finding(
                name, self.name, place, what, basis=basis, cell=cell,
                conclusion=(its.changes or conclusion) if firm else "",
                quotes=its.quotes, left_open=its.left_open, weight=its.weight,
                defence=its.defence if firm else "", fails=its.fails if firm else "", **record,
            )
        )  # fmt: skip
