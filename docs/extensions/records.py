"""The directive `records`: a ledger's committed JSON as one table, which records.js filters; no search runs again."""

import json
from collections.abc import Iterator, Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Any

from docutils import nodes
from sphinx.util.docutils import SphinxDirective

__all__ = ["setup"]

ROOT = Path(__file__).parents[2]
# what stands behind "More", in this order, where a record has it
PARTS = {
    "reading": "Read as",
    "argument": "Why",
    "corrects": "Corrects",
    "corrected": "The nearest true statement",
    "basis": "Rests on",
    "repair": "Smallest repair",
    "conclusion": "What it changes",
    "quotes": "In the paper's words",
    "defence": "The best defence",
    "fails": "Why it fails",
    "left_open": "Left open",
    "finding": "In short",
    "proof": "Proof",
    "certificate": "Certificate",
}
LINKED = ("corrects", "corrected")  # ids of other records
BASES = {
    "arithmetic": "arithmetic on one table",
    "prose": "a number in the text",
    "words": "sentences, compared with each other or with a table",
    "comparison": "the order of the cells, as printed",
    "reading": "a reading, which assumes for instance a set of modules or a formula",
}


class Records(SphinxDirective):
    """Show the records of a JSON file in the checkout."""

    required_arguments = 1
    option_spec = {"first": str.split}  # noqa: RUF012 - docutils' own form

    def run(self) -> list[nodes.Node]:
        """Return the table as raw HTML, which Sphinx's search reads too; some verdicts first, otherwise as stored."""
        file = ROOT / self.arguments[0]
        self.env.note_dependency(str(file))
        first = self.options.get("first", [])
        found = json.loads(file.read_text(encoding="utf-8"))
        records = found["records"] if isinstance(found, dict) else found
        records.sort(key=lambda record: first.index(record["verdict"]) if record["verdict"] in first else len(first))
        return [nodes.raw("", table(records), format="html")]


def table(records: Sequence[Mapping[str, Any]]) -> str:
    """Return the records as one table, with the rest of each behind "More"."""
    head = "<tr><th>Record</th><th>Verdict</th><th>What is stated, and what was found</th></tr>"
    body = "\n".join(map(_row, records))
    return f'<table class="records"><thead>{head}</thead><tbody>\n{body}\n</tbody></table>'


def _row(record: Mapping[str, Any]) -> str:
    name, verdict, paper = (escape(record[key]) for key in ("id", "verdict", "paper"))
    parts = "".join(f"<dt>{title}</dt><dd>{text}</dd>" for title, text in _parts(record))
    more = f"<details><summary>More</summary><dl>{parts}</dl></details>" if parts else ""
    statement = escape(record.get("statement") or record["what"])
    return (
        f'<tr id="{name}" data-paper="{paper}" data-verdict="{verdict}">'
        f'<td><a href="#{name}"><code>{name}</code></a><span>{escape(record["location"])}</span></td>'
        f'<td><span class="verdict" data-verdict="{verdict}">{verdict}</span></td>'
        f"<td><p>{statement}</p><p>{escape(record['evidence'])}</p>{more}</td></tr>"
    )


def _parts(record: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for key, title in PARTS.items():
        value = record.get(key)
        if not value:
            continue
        if key in LINKED:
            yield title, ", ".join(f'<a href="#{escape(name)}">{escape(name)}</a>' for name in value.split(", "))
        elif key == "quotes":
            yield title, "; ".join(f"“{escape(quote['words'])}” ({escape(quote['place'])})" for quote in value)
        elif key == "proof":
            decided, domain, checker = (escape(value[part]) for part in ("statement", "domain", "checker"))
            yield title, f"<code>{decided}</code>, {domain}, {checker}"
        elif key == "certificate":
            yield title, f"<code>{escape(json.dumps(value['instance']))}</code>, margin <code>{value['margin']}</code>"
        else:
            yield title, escape(BASES.get(value) or value)


def setup(app: Any) -> dict[str, Any]:
    """Register the directive."""
    app.add_directive("records", Records)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
