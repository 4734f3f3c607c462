"""Summaries of results: short, whole, and safe to show whatever the words in them are."""

import xml.etree.ElementTree as ElementTree

import numpy as np

from rankkit.inline import LONGEST, WIDTH, html_summary, text_summary

TABLE = {"module": [f"layer{i}" for i in range(20)], "rank": np.arange(20), "note": [None] * 20}


def test_the_first_rows_are_shown_and_the_others_counted():
    lines = text_summary("Twenty modules.", ["one line"], TABLE, rows=3).splitlines()
    assert lines[:2] == ["Twenty modules.", "  one line"]
    assert [line.split() for line in lines[2:]] == [
        ["module", "rank", "note"], ["layer0", "0", "-"], ["layer1", "1", "-"], ["layer2", "2", "-"],
        ["...", "17", "more", "rows"],
    ]  # fmt: skip
    assert text_summary("None.", []) == "None."
    assert "more" not in text_summary("All.", [], {"x": [1, 2]}, rows=2)
    assert text_summary("Empty.", [], {"x": []}).splitlines() == ["Empty.", "x"]


def test_columns_beyond_the_width_are_named():
    wide = {f"column_number_{i}": [1.0] for i in range(20)}
    shown, said = text_summary("Wide.", [], wide).splitlines()[1], text_summary("Wide.", [], wide).splitlines()[-1]
    assert len(shown) <= WIDTH
    assert set(shown.split()) | set(said.replace(",", "").split()) >= set(wide)


def test_words_stay_words():
    hostile = "<script>alert(1)</script>\x1b[2J\n" + "a" * 300
    page = html_summary(hostile, [hostile], {hostile: [hostile, 1.0]})
    assert "<script" not in page
    assert len(list(ElementTree.fromstring(page.replace("\x1b", "")).iter("td"))) == 2
    text = text_summary("Title.", [], {"x": [hostile]})
    assert "\x1b" not in text
    assert max(map(len, text.splitlines())) <= LONGEST
    assert len(text.splitlines()) == 3


def test_a_page_keeps_its_colours():
    page = html_summary("Twenty modules.", ["one line"], TABLE, picture="<svg/>")
    tree = ElementTree.fromstring(page)
    assert [cell.text for cell in tree.iter("th")] == list(TABLE)
    assert len(list(tree.iter("tr"))) == 9
    assert "12 more rows" in page
    assert "background" not in page
    assert "<svg/>" in page
