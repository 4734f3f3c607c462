"""Tables for a terminal: folded to its width, no row wrapped, no number cut, and names that stay apart."""

import csv
import io
import re

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rankkit.files import write_table
from rankkit.report.cells import cells, shortened
from rankkit.report.tables import as_csv, as_markdown, as_text, fold, terminal_width

NAMES = [f"encoder.layer.{i}.attention.self.{part}" for i in range(12) for part in ("key", "query", "value")]
TABLE = {
    "module": NAMES, "m": [384] * 36, "stable_rank": [1.0 + i / 7 for i in range(36)], "numerical_rank": list(range(36)),
    "effective_rank": [2.5 * i + 1 for i in range(36)], "scale": [2.0] * 36, "status": ["ok"] * 35 + ["unsupported"],
}  # fmt: skip


def read(text):
    """Return the tables of a folded text, each as a list of lines, each as its cells."""
    return [[line.split() for line in block.splitlines()] for block in text.split("\n\n")]


@pytest.mark.parametrize("width", [40, 80, 200])
def test_a_table_folds_to_the_width_and_loses_nothing(width):
    text = as_text(TABLE, width)
    assert max(map(len, text.splitlines())) <= width
    blocks = read(text)
    assert (len(blocks) > 1) == (width < 100)
    heads = [head for block in blocks for head in block[0][1:]]
    assert heads == list(TABLE)[1:]
    whole = read(as_text(TABLE))[0]
    for row in range(1, 37):
        assert [cell for block in blocks for cell in block[row][1:]] == whole[row][1:]
        assert len({block[row][0] for block in blocks}) == 1  # every table names its rows alike
        assert {len(block) for block in blocks} == {37}  # no row is wrapped


@pytest.mark.parametrize("width", [40, 80, 200])
def test_shortened_names_stay_apart(width):
    names = [line[0] for line in read(as_text(TABLE, width))[0][1:]]
    assert len(set(names)) == len(NAMES)
    assert (names == NAMES) == (width >= 80)


def test_a_pipe_gets_the_whole_table():
    assert len(fold(TABLE, None)) == 1
    assert as_text(TABLE).splitlines()[1].split()[0] == NAMES[0]
    assert as_text({}) == ""
    assert as_text({"module": []}, 40) == "module"


def test_numbers_are_never_cut_and_long_words_are():
    text = as_text({"module": ["q"], "note": ["w" * 500], "a_number": [0.000123456789], "b": [1e300]}, 30)
    assert "1.235e-04" in text or "0.0001235" in text
    assert "1e+300" in text
    assert max(map(len, text.splitlines())) <= 30


@given(st.lists(st.text("abc.", max_size=30), max_size=8), st.integers(1, 30))
def test_a_short_text_is_of_its_length_and_keeps_both_ends(texts, room):
    made = shortened(texts, room)
    for before, after in zip(texts, made, strict=True):
        assert len(after) == min(len(before), room)
        if before != after:
            head, tail = after.split("…")
            assert before.startswith(head)
            assert before.endswith(tail)
    most = max((len({shortened([t], room)[0] for t in texts}), len(set(made))), default=0)
    assert len(set(made)) == most  # never fewer than when each is cut by itself


def test_what_would_move_the_cursor_is_a_space():
    for form in (as_text, as_markdown):
        assert "\x1b" not in form({"x": ["a\x1b[2J\nb"]})
        assert "a [2J b" in form({"x": ["a\x1b[2J\nb"]})


@pytest.mark.parametrize(
    ("values", "shown"),
    [
        ([1.25, 3.0], ["1.250", "3.000"]), ([4, 8], ["4", "8"]), ([None, float("nan"), 2], ["-", "-", "2"]),
        ([0.001, 1.0], ["0.001", "1"]), ([1e-5], ["1e-05"]), ([float("inf"), 1.5], ["inf", "1.500"]),
    ],
)  # fmt: skip
def test_numbers_show_four_digits(values, shown):
    assert [row[0] for row in cells({"x": values})[0]] == shown


def test_a_terminal_has_a_width_and_a_file_has_none(monkeypatch):
    monkeypatch.setattr("sys.stdout.isatty", lambda: False, raising=False)
    assert terminal_width() is None
    monkeypatch.setattr("sys.stdout.isatty", lambda: True, raising=False)
    monkeypatch.setenv("COLUMNS", "57")
    assert terminal_width() == 57


HOSTILE = ["<img src=x onerror=alert(1)>", "![x](http://evil.test/x.png)", "[q](javascript:alert(1))", "a|b", "a`<b>`c",
           "https://evil.test", "&#60;b>", "x\x1b[31m\x07", "x\ny", "=HYPERLINK(1)", "+1", "-1+cmd|x", "@SUM(1)"]  # fmt: skip


@pytest.mark.parametrize("name", HOSTILE)
def test_no_name_becomes_markup_or_a_formula(name):
    """Names come from strangers' files: in every format they stay text in one cell."""
    columns = {"module": [name, "l.0.q_proj"], "stable_rank": [1.25, 2.0]}
    line = as_markdown(columns).splitlines()[2]
    assert len(as_markdown(columns).splitlines()) == 4
    assert len(re.split(r"(?<!\\)\|", line)) == 4
    outside = re.sub(r"`[^`]*`", "", line)
    assert not re.search(r"<\w|\]\(|://|&#|[\x00-\x1f]", outside)
    assert not re.search(r"[\x00-\x1f]", line)
    found = list(csv.reader(io.StringIO(as_csv(columns))))
    assert len(found) == 3
    assert not found[1][0].startswith(("=", "+", "-", "@", "\t", "\r"))
    assert found[1][0].removeprefix("'") == name
    assert found[2] == ["l.0.q_proj", "2.0"]


def test_a_saved_table_runs_no_formula(tmp_path):
    saved = write_table(tmp_path / "x.csv", pd.DataFrame({"module": ["=1+1", "q"], "change": [-0.5, 0.25]}))
    assert saved.read_text() == "module,change\n'=1+1,-0.5\nq,0.25\n"
