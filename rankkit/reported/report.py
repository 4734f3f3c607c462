"""The findings as a Markdown document: first what is firm, the most consequential first; what agrees is counted."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from textwrap import shorten

from rankkit.report.verdict_ledger import escaped, table_row, tally
from rankkit.reported.finding import BASES, FIRM, ORDER, Finding
from rankkit.reported.words import WEIGHTS

__all__ = ["markdown"]

SHORT = 160  # characters of the arithmetic on the first screen
_TITLES = {
    "OVERSTATED": "The words say more than the cells",
    "NARROW": "Agrees at one point only, or only if digits were cut",
    "UNCLEAR": "Cannot be decided",
    "EMPIRICAL": "Observations",
}
_HOW = (
    "INCONSISTENT: what is printed contradicts itself under every fair reading. OVERSTATED: the words say more than",
    "the cells; most of these agree, or a reading other than the literal one does. Both carry the best defence of the",
    "paper and why it fails. NARROW: the numbers agree at one point only, or only if digits were cut instead of",
    "rounded. UNCLEAR: a cell is damaged or missing in the text at hand, or the text leaves open what would decide it.",
    "None of them says which of two numbers is wrong, or why. A printed number stands for the interval of what could",
    "have been rounded or cut to it; which of the two a paper's averages are is counted among its observations, and",
    "agreement by cutting alone is NARROW. Two numbers are compared only where all that the text says of both",
    "settings agrees. Observations give a probability under the assumption named, and say nothing of the reason.",
)


def markdown(findings: Sequence[Finding], summary: str) -> str:
    """Return the report.

    Parameters
    ----------
    findings : sequence of Finding
        Of all papers.
    summary : str
        One sentence on all of them.
    """
    lines = ["# What the papers' numbers say of each other", "", summary, "", *_HOW, ""]
    lines += ["## Cannot be reconciled, and what would change", ""]
    firm = [finding for finding in findings if finding.verdict == "INCONSISTENT"]
    for weight, title in zip(WEIGHTS, ("Conclusions", "Numbers and tables", "Wording"), strict=True):
        if mine := _sorted(finding for finding in firm if finding.weight == weight):
            lines += [f"### {title}", "", *_short(mine), ""]
    for paper in dict.fromkeys(finding.paper for finding in findings):
        lines += _paper(paper, [finding for finding in findings if finding.paper == paper])
    return "\n".join(lines)


def _sorted(findings: Iterable[Finding]) -> list[Finding]:
    """Return findings with the most consequential and the surest first, and among them the widest."""
    return sorted(findings, key=lambda f: (WEIGHTS.index(f.weight), BASES.index(f.basis), -f.units))


def _short(findings: Sequence[Finding]) -> list[str]:
    """Return a table on one screen: what was found, and what it changes; findings that change one thing share a row."""
    groups: dict[str, list[Finding]] = {}
    for f in findings:
        groups.setdefault(f"{f.paper}: {f.conclusion}" if f.conclusion else f.id, []).append(f)
    rows = [_row(group) for group in groups.values()]
    return ["| check | where | what | found | what would change |", "|:--|:--|:--|:--|:--|", *rows]


def _row(group: Sequence[Finding]) -> str:
    first, more = group[0], f" and {len(group) - 1} more" if len(group) > 1 else ""
    found = shorten(first.arithmetic, SHORT, placeholder=" ...")
    return table_row(first.id + more, first.location, first.what, found, first.conclusion or first.repair)


def _paper(name: str, findings: Sequence[Finding]) -> list[str]:
    """Return the section of one paper."""
    words = [finding.verdict for finding in findings]
    lines = [f"## {name}", "", f"{len(words)} checks: {tally(words, ORDER)}.", ""]
    firm = _sorted(finding for finding in findings if finding.verdict == "INCONSISTENT")
    if firm:
        lines += ["### Cannot be reconciled", "", *_full(firm), ""]
    for word, title in _TITLES.items():
        if mine := _sorted(finding for finding in findings if finding.verdict == word):
            lines += [f"### {title}", "", *(_full(mine) if word != "EMPIRICAL" else _plain(mine)), ""]
    return lines + _folded([finding for finding in findings if finding.verdict == "CONSISTENT"])


def _full(findings: Sequence[Finding]) -> list[str]:
    """Return each finding with the words it rests on, its defence and what is left open."""
    lines: list[str] = []
    for f in findings:
        lines += [f"* **{escaped(f.id)}**, {escaped(f.location)}: {escaped(f.what)}. {escaped(f.arithmetic)}."]
        more = [f'"{quote.words}" ({quote.place})' for quote in f.quotes]
        more += [f"basis: {f.basis}" + (f", gap {f.units:.3g} units" if f.units else "")]
        more += [f"smallest repair: {f.repair}"] if f.repair else []
        if f.verdict in FIRM:
            more += [f"it changes: {f.conclusion}"] if f.conclusion else []
            more += [f"defence: {f.defence} It fails: {f.fails}"] if f.defence else []
        more += [f"left open: {f.left_open}"] if f.left_open else []
        lines += [f"  * {escaped(line)}" for line in more]
    return lines


def _plain(findings: Sequence[Finding]) -> list[str]:
    rows = [table_row(f.id, f.location, f.what, f.arithmetic) for f in findings]
    return ["| check | where | what | seen |", "|:--|:--|:--|:--|", *rows]


def _folded(findings: Sequence[Finding]) -> list[str]:
    """Return what agrees as counts, folded away."""
    if not findings:
        return []
    kinds = Counter((f.location.partition(",")[0], f.basis) for f in findings)
    rows = [table_row(place, basis, count) for (place, basis), count in kinds.items()]
    head = ["| where | basis | checks |", "|:--|:--|--:|"]
    return [
        f"<details><summary>{len(findings)} checks are consistent</summary>",
        "",
        *head,
        *rows,
        "",
        "</details>",
        "",
    ]
