"""Hostile names in every output: an adapter whose modules are called what markup, terminals and spreadsheets would run.

Run: python -m tests.report.fuzz_outputs [--count 2000] [--seed 0]

An output is judged beside that of the same adapter with harmless names: it has no other elements, cells or lines.
"""

from __future__ import annotations

import argparse
import csv
import io
import json
import re
import unicodedata
from collections import Counter
from html.parser import HTMLParser
from typing import Any

import numpy as np

import rankkit as rk
from rankkit.report.tables import as_csv, as_json, as_markdown, as_text

PIECES = ("<script>alert(1)</script>", "<img src=x onerror=alert(1)>", "\"><b>", "' onmouseover='x", "&lt;", "&#60;", "<!--", "-->",
          "]]>", "</td></tr>", "|", "`", "``", "[a](javascript:x)", "![x](//e/x.png)", "https://evil.test", "<http://e>", "**", "__",
          "# ", "\n", "\r", "\r\n", "\t", "\x00", "\x1b[31m", "\x07", "\x9b", "\u202e", "\u200b", "\u2028", "=1+1", "+1", "-1", "@SUM(1)",
          ",", ";", "\"", "'", "\\", "\\|", "{{x}}", "$x$", "${x}", "%s", "{0}", "é", "漢", "😀", "a" * 300, "..", "/", ".")  # fmt: skip
PLAIN = "l.{}.q"
# what matplotlib writes beside a picture: its own address, and the numbers of an axis
OF_PICTURES = re.compile(
    r" ?(Created with matplotlib \(https://matplotlib\.org/\)|\$\\mathdefault\{[-−0-9.^{}]*\}\$) ?"
)
# in a card, outside code: an element, a link or an image, and an address that GitHub makes a link of
MARKUP = re.compile(r"<(script|img|b)\b|<https?:|\]\((?:javascript|//)|(?:https?|ftp)://evil|\bwww\.")


def name_of(rng: np.random.Generator, place: int) -> str:
    """Return a hostile name of a module; no two of an adapter are the same."""
    return "".join(str(PIECES[i]) for i in rng.integers(len(PIECES), size=rng.integers(1, 6))) + f"q{place}"


def report_of(names: list[str]) -> rk.Audit:
    """Return the audit of an adapter with these modules, the last of which has no partner, and one tensor beside."""
    state = {
        f"{name}.lora_{x}.weight": np.full(shape, i + 1.0)
        for i, name in enumerate(names)
        for x, shape in (("A", (2, 6)), ("B", (5, 2)))
    }
    state.pop(f"{names[-1]}.lora_B.weight")
    return rk.audit({**state, f"{names[0]}.bias": np.ones(5)}, config={"lora_alpha": 2, "r": 2}, progress=False)


class Elements(HTMLParser):
    """The kinds of elements of a page, each with the names of its attributes, and what it would load."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.found: Counter[Any] = Counter()
        self.comments = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found[tag, *sorted(name for name, _ in attrs)] += 1
        self.found.update(
            (name, value)
            for name, value in attrs
            if name.endswith(("href", "src")) and not f"{value}".startswith(("#", "data:"))
        )

    def handle_comment(self, data: str) -> None:
        self.comments += 1
        if not OF_PICTURES.fullmatch(data):
            self.found["comment", data] += 1

    def handle_decl(self, decl: str) -> None:
        self.found["declaration", decl] += 1

    def unknown_decl(self, data: str) -> None:
        self.found["declaration", data] += 1

    def handle_pi(self, data: str) -> None:
        self.found["instruction", data] += 1


def foreign(page: str, plain: str) -> bool:
    """Return whether a page has elements, attributes, addresses or comments that the plain one has not."""
    found, known = Elements(), Elements()
    for elements, text in ((found, page), (known, plain)):
        elements.feed(text)
        elements.close()
    if page.count("<!--") != found.comments:  # one that is left open hides what follows
        return True
    inline = {kind for kind in found.found if kind in (("b",), ("i",), ("script",))}  # of them no one more
    return bool(found.found.keys() - known.found.keys()) or any(found.found[k] > known.found[k] for k in inline)


def controls(text: str) -> set[str]:
    """Return what no text of ours holds: control codes, marks that turn the direction, separators of lines."""
    return {c for c in set(text) - {"\n"} if unicodedata.category(c) in ("Cc", "Cf", "Cs", "Zl", "Zp")}


def judge(names: list[str], *, page: bool = False) -> str:
    """Return what is wrong with an output; nothing where nothing is."""
    try:
        hostile = report_of(names)
    except ValueError as error:  # no name is one that a key may have
        return "" if not controls(str(error)) and "\n" not in str(error) else "CONTROL CODES IN A MESSAGE"
    plain = report_of([PLAIN.format(i) for i in range(len(names))])
    rows_of = len(hostile.columns["module"])
    pairs = {"fragment": (hostile._repr_html_(), plain._repr_html_())}
    if page:
        pairs["page"] = (hostile.to_html(), plain.to_html())
    for kind, (one, two) in pairs.items():
        if foreign(one, two):
            return f"MARKUP IN A {kind.upper()}"
        if controls(one):
            return f"CONTROL CODES IN A {kind.upper()}"
    columns = {name: hostile.columns[name] for name in ("module", "stable_rank", "note")}
    for kind, text in (
        ("TEXT", as_text(columns)),
        ("MARKDOWN", as_markdown(columns)),
        ("CARD", hostile.to_markdown()),
        ("REPR", repr(hostile)),
    ):
        if controls(text):
            return f"CONTROL CODES IN {kind}"
    if len(as_markdown(columns).splitlines()) != rows_of + 2 or len(as_text(columns).splitlines()) != rows_of + 1:
        return "LINES IN A TABLE"
    outside = re.sub(r"(`+).*?\1", "", hostile.to_markdown())
    if MARKUP.search(outside):
        return "MARKUP IN MARKDOWN"
    rows = list(csv.reader(io.StringIO(as_csv(columns), newline="")))
    if len(rows) != rows_of + 1 or any(len(row) != 3 for row in rows):
        return "CELLS IN CSV"
    if any(row[0].startswith(("=", "+", "-", "@", "\t", "\r")) for row in rows):
        return "A FORMULA IN CSV"
    if [entry["module"] for entry in json.loads(as_json(columns))] != hostile.columns["module"]:
        return "OTHER NAMES IN JSON"
    return ""


def main() -> int:
    """Print how often an output was wrong; 1 if any was."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--pages", type=int, default=100, help="one whole page among so many, since it has pictures")
    options = parser.parse_args()
    rng, ends = np.random.default_rng(options.seed), Counter[str]()
    for i in range(options.count):
        names = [name_of(rng, place) for place in range(4)]
        found = judge(names, page=i % options.pages == 0)
        ends[found or "sound"] += 1
        if found:
            print(found, names)
    print(dict(ends))
    return int(set(ends) != {"sound"})


if __name__ == "__main__":
    raise SystemExit(main())
