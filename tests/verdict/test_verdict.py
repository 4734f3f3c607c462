"""Verdicts: one word each, shown in few lines; and the files that declare statements."""

import pytest

from rankkit.verdict import WORDS, Verdict, declared


@pytest.mark.parametrize("word", WORDS)
def test_a_verdict_shows_itself(word):
    verdict = Verdict(word, "a <b> " * 100, -0.5, 12)
    assert len(repr(verdict).splitlines()) <= 3
    assert repr(verdict).startswith(f"{word}: ")
    assert "12 instances" in repr(verdict)
    assert max(map(len, repr(verdict).splitlines())) <= 120
    assert "margin" not in repr(Verdict(word, "none"))


def test_files_declare_a_name_each_in_order(tmp_path):
    for name, text in (("b_claims.py", "X = 2"), ("a_claims.py", "X = 1"), ("other.py", "X = 3")):
        (tmp_path / name).write_text(text)
    found = declared([tmp_path, tmp_path / "other.py"], "*claims.py", "X")
    assert [(path.name, value) for path, value in found] == [("a_claims.py", 1), ("b_claims.py", 2), ("other.py", 3)]
    assert declared([tmp_path / "other.py"], "*claims.py", "Y")[0][1] is None


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("import nothere", "line 1: ModuleNotFoundError: No module named 'nothere'"),
        ("x = 1\ndef f(:", "line 2: invalid syntax"),
        ("x = 1\n\nx / 0", "line 3: ZeroDivisionError: division by zero"),
    ],
)
def test_a_file_that_cannot_be_run_is_named_with_the_line(text, says, tmp_path):
    (tmp_path / "claims_a.py").write_text(text)
    with pytest.raises(ValueError, match=f"claims_a.py could not be run: {says}"):
        declared([tmp_path], "claims*.py", "CLAIMS")
