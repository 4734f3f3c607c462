"""Findings collected from relations.py files, as records and as a report that can be redone by hand."""

from __future__ import annotations

import json
import os
import runpy
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

from rankkit.files import write_atomically
from rankkit.report.ledger_page import ledger_page
from rankkit.reported.finding import BASES, Finding
from rankkit.reported.paper import Paper
from rankkit.reported.table import Table

__all__ = ["Reported", "collect", "picture", "pictures"]

FILES = "relations.py"
_ORDER = ("INCONSISTENT", "UNCLEAR", "EMPIRICAL", "CONSISTENT")


@dataclass(frozen=True, eq=False)
class Reported:
    """What was found in the numbers of some papers.

    Attributes
    ----------
    papers : tuple of Paper
        In the order of their files.
    """

    papers: tuple[Paper, ...]

    @property
    def findings(self) -> list[Finding]:
        """All papers' findings."""
        return [finding for paper in self.papers for finding in paper.findings]

    @property
    def records(self) -> list[dict[str, Any]]:
        """One JSON-ready record a finding."""
        return [_record(finding) for finding in self.findings]

    @property
    def columns(self) -> dict[str, list[str]]:
        """What fits a terminal: id, location, verdict, evidence; what is consistent is left to the summary."""
        shown = [f for f in self.findings if f.verdict in ("INCONSISTENT", "UNCLEAR")]
        return {
            "id": [f.id for f in shown],
            "location": [f.location for f in shown],
            "verdict": [f.verdict for f in shown],
            "evidence": [f.arithmetic for f in shown],
        }

    @property
    def summary(self) -> str:
        """One sentence: how many of which verdict."""
        words = [finding.verdict for finding in self.findings]
        return f"{len(words)} checks of printed numbers: {_counts(words)}."

    def changed(self, committed: Sequence[Mapping[str, Any]]) -> list[str]:
        """Return one sentence for every verdict that is not the committed one, or has none."""
        before = {record["id"]: record["verdict"] for record in committed}
        return [
            f"{f.id} was {before.get(f.id, 'not there')}, is {f.verdict}"
            for f in self.findings
            if before.get(f.id) != f.verdict
        ]

    def to_json(self) -> str:
        """Return the records as JSON."""
        return json.dumps(self.records, indent=1, ensure_ascii=False)

    def to_html(self) -> str:
        """Return a page of what is not consistent: the table to sort, then every finding in full."""
        shown = [_claimed(finding) for finding in self.findings if finding.verdict != "CONSISTENT"]
        return ledger_page(shown, self.summary, title="What printed numbers say of each other")

    def to_markdown(self) -> str:
        """Return the report: per paper what cannot be reconciled, surest first, then the rest."""
        lines = ["# What the papers' numbers say of each other", "", self.summary, "", *_HOW, ""]
        for paper in self.papers:
            words = [finding.verdict for finding in paper.findings]
            lines += [f"## {paper.name}", "", f"{len(words)} checks: {_counts(words)}.", ""]
            for word in _ORDER:
                mine = sorted(
                    (f for f in paper.findings if f.verdict == word), key=lambda f: (BASES.index(f.basis), -f.units)
                )
                if mine:
                    lines += [f"### {_TITLES[word]}", "", *_rows(mine, word), ""]
        return "\n".join(lines)


def collect(paths: Iterable[str | os.PathLike[str]]) -> Reported:
    """Return the findings of every relations.py at or below the paths; the files are run.

    Raises
    ------
    ValueError
        If a relations.py has no `PAPER`.
    """
    papers: list[Paper] = []
    for path in map(Path, paths):
        files = [path] if path.is_file() and path.name == FILES else sorted(path.rglob(FILES))
        for file in files:
            paper = runpy.run_path(str(file)).get("PAPER")
            if not isinstance(paper, Paper):
                raise ValueError(f"{file} must set PAPER to a rankkit.reported.Paper, got {paper!r}.")
            papers.append(paper)
    return Reported(tuple(papers))


def picture(paper: Paper, table: Table) -> Any:
    """Return axes with the table as printed, cells coloured by their worst verdict, recomputed values in brackets."""
    from rankkit.plots import printed_table

    rank = ("INCONSISTENT", "UNCLEAR", "CONSISTENT")
    verdicts: dict[tuple[int, int], str] = {}
    values: dict[tuple[int, int], str] = {}
    names = list(table.rows)
    for finding in sorted((f for f in paper.findings if f.verdict in rank), key=lambda f: -rank.index(f.verdict)):
        stem, _, rest = finding.cell.partition("|")
        row, _, column = rest.rpartition("|")
        if stem == table.name:
            at = names.index(row), table.columns.index(column)
            verdicts[at] = finding.verdict
            if finding.recomputed:
                values[at] = finding.recomputed
    rows = [list(cells.values()) for cells in table.rows.values()]
    return printed_table(table.columns, rows, verdicts, values, title=f"{paper.name}, {table.label}")


def pictures(reported: Reported, folder: Path) -> list[Path]:
    """Write one picture a table into a folder, PAPER_TABLE.png; tables without a checked cell are left out."""
    import matplotlib.pyplot as plt

    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for paper in reported.papers:
        checked = {finding.cell.partition("|")[0] for finding in paper.findings}
        for name, table in paper.tables.items():
            if name in checked:
                figure = picture(paper, table).figure
                save = partial(figure.savefig, format="png", dpi=150, metadata={"Software": None})
                written.append(write_atomically(folder / f"{paper.name}_{name}.png", save))
                plt.close(figure)
    return written


def _record(finding: Finding) -> dict[str, Any]:
    """Return a finding as a record, with the evidence where a ledger has it."""
    return {**asdict(finding), "evidence": finding.arithmetic}


def _claimed(finding: Finding) -> dict[str, str]:
    """Return a finding in the words of a ledger of claims, for the page that both share."""
    record = {name: getattr(finding, name) for name in ("id", "paper", "location", "verdict")}
    return record | {
        "kind": finding.basis, "statement": finding.what, "evidence": finding.arithmetic,
        "argument": finding.conclusion, "repair": finding.repair,
    }  # fmt: skip


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
    if word != "INCONSISTENT":
        lines = ["| check | where | what | arithmetic |", "|:--|:--|:--|:--|"]
        return lines + [f"| {f.id} | {_safe(f.location)} | {_safe(f.what)} | {_safe(f.arithmetic)} |" for f in findings]
    lines = [
        "| check | where | what | arithmetic | basis | gap, units | smallest repair | changes |",
        "|:--|:--|:--|:--|:--|--:|:--|:--|",
    ]
    return lines + [
        f"| {f.id} | {_safe(f.location)} | {_safe(f.what)} | {_safe(f.arithmetic)} | {f.basis} | {f.units:.3g} "
        f"| {_safe(f.repair)} | {_safe(f.conclusion)} |"
        for f in findings
    ]


def _counts(words: list[str]) -> str:
    return ", ".join(f"{words.count(word)} {word}" for word in _ORDER if word in words)


def _safe(text: str) -> str:
    return text.replace("|", "\\|")
