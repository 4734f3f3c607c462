"""What digits show: endings and whole counts, given how fine a column is, and whether averages are rounded or cut."""

import pytest

from rankkit.reported import Paper, Table
from rankkit.reported.ledger import Reported


def test_endings_are_expected_by_how_fine_a_column_is():
    """Every percentage of 500 items ends in 0 with two decimals, so that five of five are no surprise."""
    rows = {str(k): {"m": str(k), "acc": f"{k / 5:.2f}"} for k in (401, 402, 403, 404, 405)}
    paper = Paper("mine", ".")
    for items in (None, {"acc": 500}):
        paper.endings(Table("t", "Table 1", ("m", "acc"), ("m",), rows), ["acc"], items)
    assert [finding.chance for finding in paper.findings] == [pytest.approx(1e-5), pytest.approx(1)]
    corrected = Reported((paper,)).findings[0].arithmetic
    assert "1e-05, or 2e-05 with all 2 tests counted" in corrected


def test_digits_that_show_nothing_are_no_observation():
    rows = {"x": {"m": "x", "acc": "84.21"}}
    paper = Paper("mine", ".")
    paper.granularity(Table("t", "Table 1", ("m", "acc"), ("m",), rows), "acc", 10042, source="a test")
    assert not paper.findings


def test_averages_are_seen_to_be_rounded_or_cut():
    rows = {n: {"m": n, "a": "1.0", "b": "2.1", "avg": avg} for n, avg in (("x", "1.6"), ("y", "1.5"), ("z", "1.9"))}
    paper = Paper("mine", ".")
    paper.rounding(Table("t", "Table 1", ("m", "a", "b", "avg"), ("m",), rows), ["a", "b"], "avg")
    assert "1 averages of the printed cells are rounded and 1 are cut; 1 are neither" in paper.findings[0].arithmetic
