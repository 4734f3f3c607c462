"""Findings collected from relations.py files, as records and as a report that can be redone by hand."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any, ClassVar

from rankkit.report.verdict_ledger import VerdictLedger, table_row, tally
from rankkit.reported.finding import BASES, ORDER, Finding
from rankkit.reported.paper import Paper
from rankkit.verdict import declared

__all__ = ["Reported", "collect"]

FILES = "relations.py"


@dataclass(frozen=True, eq=False, repr=False)
class Reported(VerdictLedger):
    """What was found in the numbers of some papers.

    Attributes
    ----------
    papers : tuple of Paper
        In the order of their files.

    Examples
    --------
    >>> from rankkit.reported import parse
    >>> paper = Paper("mine", ".")
    >>> paper.states("section 4", "12.4", parse("70.1") - parse("58.3"), "the gain")
    >>> Reported((paper,)).summary
    '1 check of printed numbers: 1 INCONSISTENT.'
    """

    papers: tuple[Paper, ...]

    THINGS: ClassVar[tuple[str, str]] = ("check of printed numbers", "checks of printed numbers")
    TITLE: ClassVar[str] = "What printed numbers say of each other"
    ORDER: ClassVar[Sequence[str]] = ORDER

    @property
    def findings(self) -> list[Finding]:
        """The findings of all papers."""
        return [finding for paper in self.papers for finding in paper.findings]

    @property
    def records(self) -> list[dict[str, Any]]:
        """One JSON-ready record for each finding."""
        return [asdict(finding) | {"evidence": finding.arithmetic} for finding in self.findings]

    def to_markdown(self) -> str:
        """Return the report: for each paper what cannot be reconciled, the surest first, and then the rest."""
        lines = ["# What the papers' numbers say of each other", "", self.summary, "", *_HOW, ""]
        for paper in self.papers:
            words = [finding.verdict for finding in paper.findings]
            lines += [f"## {paper.name}", "", f"{len(words)} checks: {tally(words, ORDER)}.", ""]
            for word in ORDER:
                mine = sorted(
                    (f for f in paper.findings if f.verdict == word), key=lambda f: (BASES.index(f.basis), -f.units)
                )
                if mine:
                    lines += [f"### {_TITLES[word]}", "", *_rows(mine, word), ""]
        return "\n".join(lines)

    def _listed(self, records: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """Return what is not consistent; the summary counts the rest."""
        return [record for record in records if record["verdict"] in ("INCONSISTENT", "UNCLEAR")]

    def _paged(self) -> list[dict[str, Any]]:
        """Return what is not consistent, in the words of a ledger of claims, whose page it shares."""
        words = {"basis": "kind", "what": "statement", "conclusion": "argument"}
        return [
            {words.get(name, name): value for name, value in record.items()}
            for record in self.records
            if record["verdict"] != "CONSISTENT"
        ]


def collect(paths: Iterable[str | os.PathLike[str]]) -> Reported:
    """Return the findings of every relations.py at or below the paths; the files are run.

    Parameters
    ----------
    paths : iterable of path
        Folders, and Python files that set `PAPER`.

    Returns
    -------
    Reported
        The papers in the order of the files; none where there are no such files.

    Raises
    ------
    ValueError
        If a file does not set `PAPER` to a Paper.

    Examples
    --------
    >>> from rankkit.data import paper_checks
    >>> [paper.name for paper in collect([paper_checks() / "sine_lora"]).papers]
    ['sine_lora']
    """
    papers: list[Paper] = []
    for file, paper in declared(paths, FILES, "PAPER"):
        if not isinstance(paper, Paper):
            raise ValueError(f"{file} must set PAPER to a rankkit.reported.Paper, got {paper!r}.")
        papers.append(paper)
    return Reported(tuple(papers))


_TITLES = {
    "INCONSISTENT": "Cannot be reconciled",
    "UNCLEAR": "Cannot be decided",
    "EMPIRICAL": "Observations",
    "CONSISTENT": "Holds",
}
_HOW = (
    "A printed number stands for the interval of what could have been rounded or cut to it: half a unit of its",
    "last digit towards 0, a whole unit away from it. INCONSISTENT: the printed and the recomputed interval do not",
    "meet, whatever the rounding; the gap is in units of the last printed digit. The surest come first, among them",
    "the widest: arithmetic on a table alone; numbers in prose; comparisons of cells as printed, the text's words",
    "taken as meant for each; readings, which assume a module set, a formula or one setting. UNCLEAR: a cell is",
    "damaged or missing in the text at hand. Observations give the probability of what is seen under the assumption",
    "named; they say nothing of why.",
)


def _rows(findings: list[Finding], word: str) -> list[str]:
    """Return the lines of a table; what cannot be reconciled has its basis, gap, repair and consequence beside it."""
    if word != "INCONSISTENT":
        lines = ["| check | where | what | arithmetic |", "|:--|:--|:--|:--|"]
        return lines + [table_row(f.id, f.location, f.what, f.arithmetic) for f in findings]
    lines = [
        "| check | where | what | arithmetic | basis | gap, units | smallest repair | changes |",
        "|:--|:--|:--|:--|:--|--:|:--|:--|",
    ]
    return lines + [
        table_row(f.id, f.location, f.what, f.arithmetic, f.basis, f"{f.units:.3g}", f.repair, f.conclusion)
        for f in findings
    ]
