"""Printed numbers: intervals, relations, planted errors found, clean tables of every rounding style left alone."""

import json
import random
import re
from decimal import ROUND_DOWN, ROUND_HALF_EVEN, ROUND_HALF_UP, Decimal
from fractions import Fraction
from pathlib import Path

import pytest

from rankkit.cli.main import main
from rankkit.data import paper_checks
from rankkit.reported import (
    Paper,
    agree,
    collect,
    exact,
    lora_parameters,
    magnitude_parameters,
    mean,
    parse,
    picture,
    said,
)
from rankkit.reported.ledger import Reported

PAPERS = Path(__file__).parents[3] / "shared" / "papers"
STYLES = (ROUND_HALF_UP, ROUND_HALF_EVEN, ROUND_DOWN)
TASKS = ("a", "b", "c", "d")


@pytest.mark.parametrize(
    ("text", "value"),
    [("12.3k", 12300), ("1.5M", 1500000), ("−0.5", Fraction(-1, 2)), ("**71.4***", Fraction(357, 5)), ("8e-5", Fraction(1, 12500)),
     ("↑1.2", Fraction(6, 5)), ("45%", 45), ("61.1 ± 0.2", Fraction(611, 10)), ("1,024", 1024), ("19.2 kB", 19200)],
)  # fmt: skip
def test_marks_and_units_are_read(text, value):
    assert parse(text).value == value


def test_an_interval_is_half_a_unit_and_a_whole_one_where_digits_may_be_cut():
    assert (parse("1.5").low, parse("1.5").high) == (Fraction(29, 20), Fraction(8, 5))
    assert (parse("-1.5").low, parse("-1.5").high) == (Fraction(-8, 5), Fraction(-29, 20))
    assert parse("1.5", truncated=False).high == Fraction(31, 20)


def test_damaged_and_missing_cells_are_unclear_and_no_number_is_an_error():
    assert agree(parse("9.9"), parse("1.0?"))["verdict"] == agree(parse("9.9"), parse("-"))["verdict"] == "UNCLEAR"
    with pytest.raises(ValueError, match="must be a number"):
        parse("high")


def test_the_smallest_repair_closes_the_gap():
    a, b = parse("5.00", cell="t|r|a"), parse("3.00", cell="t|r|b")
    found = agree(parse("3.00", cell="t|r|delta"), a - b)
    assert found["verdict"] == "INCONSISTENT"
    assert found["repair"] == "t | r | delta by -1.000"
    assert agree(parse("2.00"), a - b)["verdict"] == "CONSISTENT"


def test_parameters_of_known_models():
    assert lora_parameters("RoBERTa-base", ["q", "v"], 1) == 36864
    assert lora_parameters("Llama-3-8B", ["q", "k", "v", "up", "down"], 8) == 14155776
    assert magnitude_parameters("Llama-3-8B", ["k"]) == 32 * 1024


def cut(value, style, places=2):
    return str(Decimal(value).quantize(Decimal(1).scaleb(-places), rounding=style))


def synthetic(seed):
    """Return a table's rows: unrounded scores, each number printed in the seed's style; average, delta, parameters."""
    rng, style = random.Random(seed), STYLES[seed % 3]
    rows = {}
    means = {}
    for rank, name in ((r, m) for r in (4, 8) for m in ("LoRA", "New")):
        scores = [Decimal(rng.randrange(40 * 10**6, 95 * 10**6)) / 10**6 for _ in TASKS]
        if seed % 2:  # averages of the printed values, else of the unrounded ones
            scores = [Decimal(cut(score, style)) for score in scores]
        means[name, rank] = sum(scores) / 4
        gap = means[name, rank] - means["LoRA", rank]
        count = Decimal(lora_parameters("RoBERTa-base", ["q", "v"], rank)) / 1000
        rows[f"{name} {rank}"] = [name, str(rank), cut(count, style, 1), *(cut(s, style) for s in scores),
                                  cut(means[name, rank], style), "" if name == "LoRA" else cut(gap, style)]  # fmt: skip
    return rows


def checked(rows, folder):
    lines = ["method,rank,params,a,b,c,d,avg,delta", *(",".join(row) for row in rows.values())]
    (folder / "t.csv").write_text("\n".join(lines) + "\n")
    paper = Paper("synthetic", folder)
    table = paper.table("t", key="method rank")
    paper.means(table, TASKS, "avg")
    paper.deltas(table, "delta", "avg", lambda row: row.replace("New", "LoRA"))
    for row in table.rows:
        count = lora_parameters("RoBERTa-base", ["q", "v"], int(row.split()[-1]))
        paper.result(table, row, "params", exact(count) / 1000, "r (m + n)")
    return paper, table


def bad(paper):
    return [finding for finding in paper.findings if finding.verdict == "INCONSISTENT"]


def test_a_wrong_average_quotes_the_words_that_are_named_for_its_own_row(tmp_path):
    (tmp_path / "t.csv").write_text("method,a,b,avg\nx,1.0,3.0,2.5\ny,1.0,3.0,2.0\nz,1.0,3.0,2.9\n")
    paper = Paper("synthetic", tmp_path)
    its = {row: said(f"Table t | {printed}", changes=row) for row, printed in (("x", "2.5"), ("z", "2.9"))}
    paper.means(paper.table("t", key="method"), ("a", "b"), "avg", words=its)
    quoted = [[quote.words for quote in finding.quotes] for finding in paper.findings]
    assert quoted == [["2.5"], [], ["2.9"]]
    assert [finding.conclusion for finding in bad(paper)] == ["x", "z"]


def test_no_false_alarm_on_300_clean_tables(tmp_path):
    for seed in range(300):
        paper, table = checked(synthetic(seed), tmp_path)
        true_best = max(table.rows, key=lambda row: table[row, "a"].value)
        paper.best("text", table, list(table.rows), ["a"], true_best)
        assert len(paper.findings) == 11
        assert not bad(paper), (seed, bad(paper))


def plant(seed, rows):
    """Plant one error, larger than any rounding allows; return whether the statement of the best is what is wrong."""
    rng, kind = random.Random(10_000 + seed), seed % 6
    name = "New 4" if seed % 2 else "New 8"
    row = rows[name]
    if kind == 0:  # one digit off in a cell, by a tenth or more
        at, column = rng.choice([0, 1, 3]), 3 + rng.randrange(4)
        row[column] = row[column][:at] + str((int(row[column][at]) + rng.randrange(1, 9)) % 10) + row[column][at + 1 :]
    elif kind == 1:  # swapped cells, of two rows
        other = rows[name.replace("New", "LoRA")]
        row[3], other[3] = other[3], row[3]
        return abs(Decimal(row[3]) - Decimal(other[3])) < Decimal("0.2") and "too small"
    elif kind == 2:
        row[7] = str(Decimal(row[7]) + rng.choice([-1, 1]) * Decimal(rng.randrange(4, 300)) / 100)
    elif kind == 3:
        row[8] = str(Decimal(row[8]) + rng.choice([-1, 1]) * Decimal(rng.randrange(4, 300)) / 100)
    elif kind == 4:
        return "best"
    else:
        row[2] = str(Decimal(row[2]) + rng.choice([-1, 1]) * Decimal(rng.randrange(3, 90)) / 10)
    return ""


def test_99_percent_of_300_planted_errors_are_found(tmp_path):
    found = planted = 0
    for seed in range(300):
        rows = synthetic(seed)
        kind = plant(seed, rows)
        if kind == "too small":
            continue
        paper, table = checked(rows, tmp_path)
        if kind == "best":
            paper.best("text", table, list(table.rows), ["a"], min(table.rows, key=lambda row: table[row, "a"].value))
        planted += 1
        found += bool(bad(paper))
    assert planted >= 290
    assert found >= 0.99 * planted


@pytest.fixture(scope="module")
def ledger():
    return collect([paper_checks()])


def test_every_paper_and_table_is_touched_by_500_checks(ledger):
    assert len(ledger.findings) >= 500
    assert {paper.name for paper in ledger.papers} == {"sine_lora", "adasine_lora", "lr_lora", "loran"}
    for paper in ledger.papers:
        folder = paper_checks() / paper.name / "tables"
        assert {path.stem for path in folder.glob("*.csv")} == set(paper.tables)


def test_ids_are_unique_and_the_committed_report_is_this_one(ledger):
    ids = [finding.id for finding in ledger.findings]
    assert len(ids) == len(set(ids))
    assert (paper_checks() / "reported.json").read_text(encoding="utf-8") == ledger.to_json() + "\n"
    assert (paper_checks() / "REPORTED.md").read_text(encoding="utf-8") == ledger.to_markdown() + "\n"


@pytest.mark.parametrize("name", ["sine_lora", "adasine_lora", "lr_lora", "loran"])
def test_every_number_of_a_table_is_in_the_papers_text(name):
    source = PAPERS / f"{name}.txt"
    if not source.exists():
        pytest.skip("the papers' texts are not here")
    text = source.read_text(encoding="utf-8").replace(",", "")
    for path in sorted((paper_checks() / name / "tables").glob("*.csv")):
        for line in path.read_text(encoding="utf-8").replace('"', "").splitlines()[1:]:
            for cell in line.split(","):
                for number in [] if "?" in cell else re.findall(r"\d+\.?\d*", cell):
                    assert re.search(rf"(?<![\d.]){re.escape(number)}(?!\d)", text), f"{path.name}: {number}"


def test_a_folder_with_relations_is_verified(tmp_path, capsys):
    (tmp_path / "tables").mkdir()
    (tmp_path / "tables" / "t.csv").write_text("m,a,b,d\nx,5.0,3.0,2.0\ny,5.0,3.0,1.0\n")
    (tmp_path / "relations.py").write_text(
        "from rankkit.reported import Paper\nPAPER = Paper('mine', __file__)\n"
        "PAPER.differences(PAPER.table('t', key='m'), 'a', 'b', 'd')\n"
    )
    assert main(["verify", str(tmp_path), "--format", "json"]) == 0
    out = capsys.readouterr().out
    assert out.count('"INCONSISTENT"') == out.count('"CONSISTENT"') == 1


def test_relations_without_a_paper_are_refused(tmp_path):
    (tmp_path / "relations.py").write_text("x = 1\n")
    with pytest.raises(ValueError, match="must set PAPER"):
        collect([tmp_path])


def test_an_empty_report_says_so():
    assert Reported(()).summary.startswith("0 checks")


def test_a_picture_shows_the_recomputed_value_under_the_printed_one(ledger):
    (paper,) = [paper for paper in ledger.papers if paper.name == "sine_lora"]
    drawn = picture(paper, paper.tables["table2"]).tables[0]
    assert "2.45\n(1.450)" in [cell.get_text().get_text() for cell in drawn.get_celld().values()]


def test_the_command_draws_every_table_and_says_what_changed(tmp_path, capsys):
    paper = str(paper_checks() / "sine_lora")
    assert main(["verify", "--reported", paper, "--pictures", str(tmp_path / "pictures"), "--format", "json"]) == 0
    stored = json.loads(capsys.readouterr().out)
    records = stored["records"]
    assert stored["version"] == 2
    assert len(list((tmp_path / "pictures").glob("sine_lora_*.png"))) >= 10
    assert all(record["evidence"] for record in records)
    assert main(["verify", "--reported", paper, "--html", str(tmp_path / "page.html")]) == 0
    page = (tmp_path / "page.html").read_text()
    wrong = [record["id"] for record in records if record["verdict"] == "INCONSISTENT"]
    assert all(f'id="{name}"' in page for name in wrong)
    assert all(word in page for word in ("In the paper's words", "The best defence", "Why it fails", "Left open"))
    capsys.readouterr()
    records[0]["verdict"] = "UNCLEAR"
    (tmp_path / "before.json").write_text(json.dumps(stored))
    assert main(["verify", "--reported", paper, "--against", str(tmp_path / "before.json")]) == 3
    assert f"changed: {records[0]['id']} was UNCLEAR" in capsys.readouterr().err
    (tmp_path / "first.json").write_text(json.dumps(records))  # the first version was a bare list
    assert main(["verify", "--reported", paper, "--against", str(tmp_path / "first.json")]) == 3


def test_a_relation_put_first_renames_no_other(tmp_path):
    (tmp_path / "tables").mkdir()
    (tmp_path / "tables" / "t.csv").write_text("m,a,b,d\nx,5.0,3.0,2.0\ny,5.0,3.0,1.0\n")
    first, second = Paper("mine", tmp_path / "tables"), Paper("mine", tmp_path / "tables")
    for paper in (first, second):
        table = paper.table("t", key="m")
        if paper is second:
            paper.least("text", table["x", "a"], table["x", "b"], "a above b")
        paper.differences(table, "a", "b", "d")
    assert {f.id: f.verdict for f in first.findings}.items() <= {f.id: f.verdict for f in second.findings}.items()


def test_counts_of_a_known_test_set_are_checked(tmp_path):
    (tmp_path / "tables").mkdir()
    (tmp_path / "tables" / "t.csv").write_text("m,acc\nx,84.20\ny,84.30\n")  # of 500: steps of 0.2
    paper = Paper("mine", tmp_path / "tables")
    paper.counts(paper.table("t", key="m"), "acc", 500)
    assert [finding.verdict for finding in paper.findings] == ["CONSISTENT", "INCONSISTENT"]


@pytest.mark.parametrize(
    ("printed", "value", "verdict"),
    [("85.6", "85.64", "CONSISTENT"), ("85.6", "85.68", "NARROW"), ("25%", "25.96", "NARROW"), ("25%", "26.2", "INCONSISTENT"),
     ("0.36", "0.35", "NARROW"), ("71.4", "70.8", "INCONSISTENT")],
)  # fmt: skip
def test_what_agrees_only_with_digits_cut_or_at_one_point_is_narrow(printed, value, verdict):
    assert agree(parse(printed), parse(value))["verdict"] == verdict


def test_the_repair_of_a_derived_number_goes_by_the_slope_of_its_cells():
    """A mean of eight is 0.17 too large: one of its cells would have to move by eight times as much."""
    cells = [parse("2.00", cell=f"t|r|{i}") for i in range(8)]
    found = agree(mean(cells), parse("1.83"))
    assert found["repair"] == "t | r | 0 by -1.36"


def test_a_small_number_is_not_shown_as_nothing():
    assert "= 0.0007, printed 0.7%" in agree(parse("0.7%"), parse("19.2") * 100 / parse("2760000"))["arithmetic"]


def test_two_files_on_one_paper_are_one_paper(tmp_path):
    (tmp_path / "tables").mkdir()
    for name in ("relations.py", "relations_text.py"):
        (tmp_path / name).write_text(
            "from rankkit.reported import Paper, said\nPAPER = Paper('mine', __file__)\n"
            f"PAPER.announced(said('1 | two parts'), 2, ['a', 'b'], {name!r})\n"
        )
    (paper,) = collect([tmp_path]).papers
    assert [finding.what for finding in paper.findings] == ["relations.py", "relations_text.py"]
