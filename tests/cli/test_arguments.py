"""What a word on the command line means, and which words mean nothing."""

import argparse

import pytest
from matplotlib.figure import Figure

from rankkit.cli import arguments


@pytest.mark.parametrize(
    ("read", "text", "value"),
    [
        ("size", "4GB", 4_000_000_000), ("size", "512MB", 512_000_000), ("size", "1.5GiB", 3 << 29),
        ("size", "2kib", 2048), ("size", "7B", 7), ("size", "1000", 1000),
        ("seconds", "90", 90), ("seconds", "2m", 120), ("seconds", "1h", 3600), ("seconds", "0.5s", 0.5),
        ("frequencies", "1,10,0.5", [1, 10, 0.5]), ("frequencies", "0:4:3", [0, 2, 4]),
        ("frequencies", "1:100:3:log", pytest.approx([1, 10, 100])), ("words", "a, b", ["a", "b"]),
        ("share", "1", 1), ("positive", "1e-3", 1e-3), ("non_negative", "0", 0), ("positive_int", "12", 12),
    ],
)  # fmt: skip
def test_words_mean(read, text, value):
    assert getattr(arguments, read)(text) == value


def test_a_range_without_a_count_has_fifty_frequencies():
    values = arguments.frequencies("1:100:log")
    assert (len(values), values[0], values[-1]) == (50, 1, pytest.approx(100))


@pytest.mark.parametrize(
    ("read", "text", "says"),
    [
        ("size", "GB", "such as 4GB"), ("size", "4XB", "such as 4GB"), ("size", "0", "such as 4GB"),
        ("size", "-1GB", "such as 4GB"), ("size", "infGB", "such as 4GB"), ("size", "4BG", "such as 4GB"),
        ("seconds", "0s", "a time above 0"), ("seconds", "s", "finite number"),
        ("frequencies", "1:0", "end above its beginning"), ("frequencies", "5:5:3", "end above its beginning"),
        ("frequencies", "10:1:3:log", "end above its beginning"), ("frequencies", "1:2:1", "at least 2 frequencies"),
        ("frequencies", "0:1:5:log", "begin and end above 0"), ("frequencies", "1:2:3:4:5", "FIRST:LAST[:COUNT][:log], where COUNT is 50 if left out"),
        ("frequencies", "3,1,3", "3.0 stands twice"), ("frequencies", "-1,2", "numbers >= 0, such as"),
        ("frequencies", "1,,2", "numbers >= 0, such as"), ("frequencies", "", "numbers >= 0, such as"),
        ("frequencies", "nan", "numbers >= 0, such as"), ("words", "a,,b", "names with commas"), ("words", "a,b,a", "a stands twice"),
        ("share", "0", "(0, 1]"), ("share", "1.1", "(0, 1]"), ("positive", "0", "> 0"), ("positive_int", "1.0", "an integer"),
        ("positive_int", "٣", "an integer"), ("number", "inf", "finite number"), ("gate", "nonsense", "a condition reads like"),
        ("npz", "a.csv", "ends in .npz"), ("drawing", "a.docx", "cannot write .docx files"),
        ("writable", "absent/a.csv", "the folder absent does not exist"), ("writable", ".", "a file that can be written"),
    ],
)  # fmt: skip
def test_words_that_mean_nothing_are_refused_in_one_sentence(read, text, says):
    with pytest.raises(argparse.ArgumentTypeError) as caught:
        getattr(arguments, read)(text)
    assert says in str(caught.value)
    assert "\n" not in str(caught.value)


def test_files_are_read_before_any_work(tmp_path):
    file = tmp_path / "x.json"
    for text in ("{", "3", '{"id": "a"}', '["a"]', '[{"id": "a"}]'):
        file.write_text(text)
        with pytest.raises(argparse.ArgumentTypeError, match="a ledger written by"):
            arguments.ledger(str(file))
    file.write_text('[{"id": "a", "verdict": "PROVED"}]')
    assert arguments.ledger(str(file)) == [{"id": "a", "verdict": "PROVED"}]
    with pytest.raises(argparse.ArgumentTypeError, match="written by `rankkit verify --certificates`"):
        arguments.certificates(str(file))
    with pytest.raises(argparse.ArgumentTypeError, match="cannot be read"):
        arguments.certificates(str(tmp_path / "absent.json"))
    with pytest.raises(argparse.ArgumentTypeError, match="expected a folder"):
        arguments.folder(str(file))


def test_every_picture_that_is_allowed_can_be_written():
    assert {*arguments.PICTURES} <= Figure().canvas.get_supported_filetypes().keys()
