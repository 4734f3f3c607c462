"""A ledger of claims as one HTML page: a table to sort, every claim in full, and what the verdicts mean."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from rankkit.report.template import filled
from rankkit.verdict import WORDS

__all__ = ["ledger_page"]

COLUMNS = {"id": "claim", "paper": "paper", "location": "where", "verdict": "verdict", "evidence": "evidence"}
PARTS = {
    "reading": "Read as",
    "quoted": "In the paper's words",
    "evidence": "Evidence",
    "proof": "Proof",
    "no_proof": "Why there is no proof",
    "argument": "Why",
    "corrected": "The nearest true statement",
    "corrects": "Corrects",
    "repair": "Smallest repair",
    "defence": "The best defence",
    "fails": "Why it fails",
    "left_open": "Left open",
}


def ledger_page(records: Sequence[Mapping[str, Any]], summary: str, *, title: str) -> str:
    """Return an HTML document that loads nothing; the same records give the same bytes.

    Parameters
    ----------
    records : sequence of mapping
        The ledger's claims, as `Ledger.records` has them.
    summary : str
        One sentence on all of them.
    title : str
        The page's heading.
    """
    counts = Counter(record["verdict"] for record in records)
    words = [word for word in WORDS if word in counts]
    return filled(
        "ledger.html",
        title=escape(title),
        summary=escape(summary),
        tiles="".join(f"<div><strong>{counts[word]}</strong><span>{word}</span></div>" for word in words),
        words="".join(f"<dt>{word}</dt><dd>{escape(WORDS[word])}</dd>" for word in words),
        table=_table(records),
        claims="".join(map(_claim, records)),
    )


def _table(records: Sequence[Mapping[str, Any]]) -> str:
    head = "".join(f"<th><button>{title}</button></th>" for title in COLUMNS.values())
    body = "".join(f'<tr class="{escape(r["verdict"])}">{"".join(_cell(r, c) for c in COLUMNS)}</tr>' for r in records)
    return f'<table class="sortable words"><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>'


def _cell(record: Mapping[str, Any], column: str) -> str:
    text = escape(str(record[column]))
    return f'<td><a href="#{text}">{text}</a></td>' if column == "id" else f"<td>{text}</td>"


def _claim(record: Mapping[str, Any]) -> str:
    """Return one claim: its statement, and then each part of its record that is not empty."""
    parts = "".join(
        f"<dt>{title}</dt><dd>{escape(str(record[name]))}</dd>" for name, title in PARTS.items() if record.get(name)
    )
    place = f"{record['kind']}, {record['location']}"
    return (
        f'<section id="{escape(record["id"])}"><h3>{escape(record["id"])}: {escape(record["verdict"])}</h3>'
        f'<p class="source">{escape(place)}</p><p>{escape(record["statement"])}</p><dl>{parts}</dl></section>'
    )
