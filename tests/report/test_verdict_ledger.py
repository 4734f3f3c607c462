"""What all ledgers share: records built once, counted, compared with committed ones, written, and shown."""

import json
from html.parser import HTMLParser

import pytest

from rankkit.report.verdict_ledger import VerdictLedger, table_row, tally


class Small(VerdictLedger):
    """A ledger that counts how often its records are built."""

    THINGS = ("thing", "things")
    TITLE = "Things"

    def __init__(self, *verdicts):
        self.verdicts = verdicts
        self.built = 0

    @property
    def records(self):
        self.built += 1
        return [
            {"id": f"a{i}", "location": "here", "verdict": word, "evidence": "x | y", "paper": "p", "kind": "k",
             "statement": "<b>s</b>"}
            for i, word in enumerate(self.verdicts)
        ]  # fmt: skip

    def to_markdown(self):
        return "\n".join(table_row(record["id"], record["evidence"]) for record in self.records)


@pytest.mark.parametrize(
    "use",
    [
        lambda ledger: ledger.columns,
        lambda ledger: ledger.summary,
        lambda ledger: ledger.changed([]),
        lambda ledger: ledger.to_json(),
        lambda ledger: ledger.to_markdown(),
    ],
)
def test_records_are_built_once(use):
    ledger = Small("PROVED", "FAILS")
    use(ledger)
    assert ledger.built == 1


def test_the_summary_counts_in_the_order_of_the_words():
    assert Small("FAILS", "PROVED", "FAILS").summary == "3 things: 1 PROVED, 2 FAILS."
    assert Small("FAILS").summary == "1 thing: 1 FAILS."
    assert Small().summary == "0 things: none."
    assert tally(["FAILS", "PROVED"], ["FAILS", "PROVED"]) == "1 FAILS, 1 PROVED"


def test_changes_are_sentences():
    ledger = Small("PROVED", "FAILS", "VACUOUS")
    committed = [{"id": "a0", "verdict": "PROVED"}, {"id": "a1", "verdict": "PROVED"}]
    assert ledger.changed(committed) == [
        "a1 was PROVED and is now FAILS",
        "a2 is VACUOUS and does not stand in the committed ledger",
    ]
    assert ledger.changed(json.loads(ledger.to_json())) == []


@pytest.mark.parametrize("committed", [[{"id": "a"}], {"id": "a", "verdict": "PROVED"}, [3]])
def test_what_is_no_ledger_is_refused(committed):
    with pytest.raises(ValueError, match="a list of records"):
        Small("PROVED").changed(committed)


def test_columns_are_what_fits_a_terminal():
    assert Small("PROVED").columns == {
        "id": ["a0"],
        "location": ["here"],
        "verdict": ["PROVED"],
        "evidence": ["x | y"],
    }
    assert Small("PROVED").to_markdown() == "| a0 | x \\| y |"


class Closed(HTMLParser):
    """Whether every tag that is opened is closed, in order."""

    def __init__(self, html):
        super().__init__()
        self.open, self.seen = [], []
        self.feed(html)
        assert not self.open

    def handle_starttag(self, tag, attrs):
        self.open.append(tag)
        self.seen.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


@pytest.mark.parametrize("count", [0, 1, 500])
def test_a_ledger_shows_itself_in_few_lines(count):
    ledger = Small(*["PROVED"] * count)
    lines = repr(ledger).splitlines()
    assert len(lines) <= 15
    assert max(map(len, lines)) <= 120
    assert str(count) in lines[0]
    assert "table" in Closed(ledger._repr_html_()).seen
