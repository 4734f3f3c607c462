"""Findings collected from relations*.py files, as records and as a report that can be redone by hand."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, ClassVar

from rankkit.report.verdict_ledger import VerdictLedger
from rankkit.reported.finding import ORDER, Finding
from rankkit.reported.paper import Paper
from rankkit.reported.report import markdown
from rankkit.verdict import declared

__all__ = ["Reported", "collect"]

FILES = "relations*.py"
VERSION = 2  # of the JSON: 1 was a bare list of records, without quotations and defences


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
    '1 check: 1 INCONSISTENT.'
    """

    papers: tuple[Paper, ...]

    THINGS: ClassVar[tuple[str, str]] = ("check", "checks")
    TITLE: ClassVar[str] = "What printed numbers say of each other"
    ORDER: ClassVar[Sequence[str]] = ORDER

    @property
    def findings(self) -> list[Finding]:
        """The findings of all papers; the probabilities of observations are corrected for how many there are."""
        found = [finding for paper in self.papers for finding in paper.findings]
        tests = sum(finding.chance is not None for finding in found)
        return [_corrected(finding, tests) for finding in found]

    @property
    def records(self) -> list[dict[str, Any]]:
        """One JSON-ready record for each finding."""
        return [asdict(finding) | {"evidence": finding.arithmetic} for finding in self.findings]

    def to_json(self) -> str:
        """Return the records as JSON, with the version of their form."""
        return json.dumps({"version": VERSION, "records": self.records}, indent=1, ensure_ascii=False)

    def to_markdown(self) -> str:
        """Return the report: what is firm, the most consequential first, and then each paper's findings."""
        return markdown(self.findings, self.summary)

    def _listed(self, records: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """Return what is not consistent; the summary counts the rest."""
        return [record for record in records if record["verdict"] not in ("CONSISTENT", "EMPIRICAL")]

    def _paged(self) -> list[dict[str, Any]]:
        """Return what is not consistent, in the words of a ledger of claims, whose page it shares."""
        words = {"basis": "kind", "what": "statement", "conclusion": "argument"}
        return [
            {words.get(name, name): value for name, value in record.items()} | {"quoted": _quoted(record["quotes"])}
            for record in self.records
            if record["verdict"] != "CONSISTENT"
        ]


def collect(paths: Iterable[str | os.PathLike[str]]) -> Reported:
    """Return the findings of every relations*.py at or below the paths; the files are run.

    Files whose papers have one name, such as relations.py and relations_text.py, speak of one paper.

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
    papers: dict[str, Paper] = {}
    for file, paper in declared(paths, FILES, "PAPER"):
        if not isinstance(paper, Paper):
            raise ValueError(f"{file} must set PAPER to a rankkit.reported.Paper, got {paper!r}.")
        if paper.name in papers:
            papers[paper.name].join(paper)
        else:
            papers[paper.name] = paper
    return Reported(tuple(papers.values()))


def _corrected(finding: Finding, tests: int) -> Finding:
    """Return an observation with its probability, multiplied by the number of tests (Bonferroni)."""
    if finding.chance is None:
        return finding
    corrected = min(1.0, finding.chance * tests)
    text = f"{finding.arithmetic}; as many or more by chance: {finding.chance:.2g}, or {corrected:.2g} with all {tests}"
    return replace(finding, arithmetic=f"{text} tests counted")


def _quoted(quotes: Sequence[dict[str, str]]) -> str:
    """Return quotations as one line."""
    return "; ".join(f'"{quote["words"]}" ({quote["place"]})' for quote in quotes)
