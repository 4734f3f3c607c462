"""What printed numbers show of themselves: at most fifteen lines, in a notebook as in a terminal."""

import pytest

from rankkit.data import paper_checks
from rankkit.reported import Paper, Reported, collect, mlp_parameters, parse, read
from tests.report.test_verdict_ledger import Closed

FOUND = collect([paper_checks()])
SHOWN = {
    "all papers": [FOUND, Reported(())],
    "papers": [*FOUND.papers, Paper("mine", ".")],
    "tables": [table for paper in FOUND.papers for table in paper.tables.values()],
    "findings": FOUND.findings,
}


@pytest.mark.parametrize("kind", SHOWN)
def test_each_shows_itself_in_few_lines(kind):
    for one in SHOWN[kind]:
        lines = repr(one).splitlines()
        assert 1 <= len(lines) <= 15
        assert max(map(len, lines)) <= 120, one
        Closed(one._repr_html_())


def test_they_say_what_they_are():
    assert repr(FOUND).startswith(FOUND.summary)
    assert repr(Paper("mine", ".")).splitlines()[1].strip() == "0 tables, 0 checks: none"
    assert repr(parse("85.6") * 2) == "85.6 * 2 = 171.2, between 171.1 and 171.4"
    assert "damaged" in repr(parse("85.6?"))
    assert repr(FOUND.papers[0].tables["table1"]).startswith("Table 1: ")


def test_an_empty_file_is_no_table(tmp_path):
    (tmp_path / "t.csv").write_text("")
    with pytest.raises(ValueError, match="is empty"):
        read(tmp_path / "t.csv", keys=["m"], label="Table 1")


def test_only_the_layers_between_are_of_low_rank():
    """The first of them is full even where it has the shape of those between."""
    assert mlp_parameters((4, 4, 4, 1), rank=1) == 4 * 4 + 1 * (4 + 4) + 4 * 1 + (4 + 4 + 1)
    assert mlp_parameters((4, 1), rank=1) == 4 + 1
    with pytest.raises(ValueError, match="inputs and outputs"):
        mlp_parameters((4,))
    with pytest.raises(ValueError, match="rank must be an integer"):
        mlp_parameters((4, 4, 1), rank=0)
