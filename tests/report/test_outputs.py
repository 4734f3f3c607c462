"""Names of a stranger's file in every output; the long run is `python -m tests.report.fuzz_outputs`."""

import numpy as np
import pytest

import rankkit as rk
from tests.report import fuzz_outputs as fuzz


@pytest.mark.parametrize("piece", fuzz.PIECES)
def test_no_name_is_more_than_text(piece):
    assert fuzz.judge([f"{piece}q{i}" for i in range(3)]) == ""
    assert fuzz.judge([f"q{i}{piece}" for i in range(3)]) == ""


def test_names_that_are_put_together():
    rng = np.random.default_rng(5)
    for i in range(12):
        names = [fuzz.name_of(rng, place) for place in range(4)]
        assert fuzz.judge(names, page=i == 0) == "", names


def test_an_output_that_writes_names_as_they_are_would_be_caught(monkeypatch):
    monkeypatch.setattr("rankkit.report.inline.escape", lambda text, quote=True: text)
    assert fuzz.judge(["<b>q", "r", "s"]) == "MARKUP IN A FRAGMENT"
    monkeypatch.undo()
    monkeypatch.setattr(rk.Audit, "to_markdown", lambda self: str(self.columns["module"][0]))
    assert fuzz.judge(["<script>q", "r", "s"]) == "MARKUP IN MARKDOWN"
    for card in ("https://evil.test/x", "[a](javascript:x)", "<http://e>"):
        monkeypatch.setattr(rk.Audit, "to_markdown", lambda self, card=card: card)
        assert fuzz.judge(["q", "r", "s"]) == "MARKUP IN MARKDOWN"


@pytest.mark.parametrize(
    "added",
    [
        "<!-- a name -->",
        "<!-- Created with matplotlib by x -->",
        "<!-- $\\mathdefault{<b>}$ -->",
        "<?x ?>",
        "<!x>",
        "<!--",
    ],
)
def test_a_comment_is_foreign_unless_it_is_of_a_picture(added):
    page = "<p>a</p><!-- $\\mathdefault{10^{-1}}$ --><!-- $\\mathdefault{10^{0}}$ -->"
    assert not fuzz.foreign(page, "<p>b</p>")
    assert fuzz.foreign(page + added, "<p>b</p>")
