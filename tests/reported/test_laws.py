"""Laws of printed numbers: an interval holds every number that prints so, and a table may be written in other ways."""

import itertools
from decimal import ROUND_DOWN, ROUND_HALF_UP, Decimal
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rankkit.reported import Paper, exact, mean, parse
from rankkit.reported.finding import Finding, agree, decimal
from rankkit.reported.printed import total

DECIMALS = st.decimals(-999, 999, places=6, allow_nan=False)
UNITS = {"": 1, "%": 1, "k": 10**3, "K": 10**3, "M": 10**6, "B": 10**9, "kB": 10**3, "MB": 10**6, "GB": 10**9, "x": 1}


def printed(value, places, style=ROUND_HALF_UP):
    return str(Decimal(value).quantize(Decimal(1).scaleb(-places), rounding=style))


@settings(max_examples=300)
@given(DECIMALS, st.integers(0, 4), st.sampled_from([ROUND_HALF_UP, ROUND_DOWN]), st.sampled_from(sorted(UNITS)))
def test_an_interval_holds_every_number_that_prints_so(value, places, style, unit):
    text = printed(value, places, style)
    found, scale = parse(text + unit, cell="c"), UNITS[unit]
    assert found.low <= Fraction(value) * scale <= found.high
    assert found.value == Fraction(text) * scale
    assert found.unit == Fraction(scale, 10**places)
    assert found.slope == {"c": 1}
    rounded = parse(text + unit, truncated=False)
    half = found.unit / 2
    assert rounded.rounded == (rounded.low, rounded.high) == (found.value - half, found.value + half) == found.rounded
    # and not one unit more
    size = found.high - found.low
    assert size == (2 if not found.value else Fraction(3, 2)) * found.unit
    if found.value:
        away, towards = (found.high, found.low) if found.value > 0 else (found.low, found.high)
        assert abs(away - found.value) == found.unit
        assert abs(towards - found.value) == half


@settings(max_examples=200)
@given(st.lists(DECIMALS, min_size=2, max_size=2), st.integers(0, 3), st.integers(0, 3), st.sampled_from("+-*/"))
def test_arithmetic_holds_what_the_unrounded_numbers_give(values, p, q, sign):
    a, b = parse(printed(values[0], p), cell="a"), parse(printed(values[1], q), cell="b")
    apply = {"+": lambda x, y: x + y, "-": lambda x, y: x - y, "*": lambda x, y: x * y, "/": lambda x, y: x / y}[sign]
    x, y = map(Fraction, values)
    if sign == "/" and b.low <= 0 <= b.high:
        with pytest.raises(ValueError, match="it may be 0"):
            apply(a, b)
        return
    found = apply(a, b)
    assert found.low <= apply(x, y) <= found.high
    assert found.value == apply(a.value, b.value)
    # the ends are reached, by corners of the two intervals
    corners = [apply(s, t) for s, t in itertools.product((a.low, a.high), (b.low, b.high))]
    assert (found.low, found.high) == (min(corners), max(corners))
    inner = [apply(s, t) for s, t in itertools.product(a.rounded, b.rounded)]
    assert found.rounded == (min(inner), max(inner))
    # the slopes are the derivatives
    h = Fraction(1, 10**9)
    for name, moved in (("a", apply(a.value + h, b.value)), ("b", apply(a.value, b.value + h))):
        assert abs((moved - found.value) / h - found.slope[name]) < Fraction(1, 10**3) * (1 + abs(found.slope[name]))
    assert found.unit == 0


def test_a_cell_that_is_used_twice_has_the_slope_of_both():
    a = parse("2.0", cell="a")
    assert (a + a).slope == {"a": 2}
    assert (a * a).slope == {"a": 4}
    assert (a - a).slope == {"a": 0}
    assert (a / a).slope == {"a": 0}
    assert (a / 4).slope == {"a": Fraction(1, 4)}


@settings(max_examples=60)
@given(st.permutations(["66.31", "90.15", "7.2", "-3"]))
def test_totals_and_means_do_not_depend_on_the_order(texts):
    cells = [parse(text, cell=text) for text in texts]
    assert (total(cells).low, total(cells).high) == (sum(c.low for c in cells), sum(c.high for c in cells))
    assert mean(cells).value == sum(c.value for c in cells) / 4
    assert mean(cells).slope == dict.fromkeys(texts, Fraction(1, 4))
    assert exact(3).low == exact(3).high == 3


def test_no_cells_have_neither_total_nor_mean():
    for function in (total, mean):
        with pytest.raises(ValueError, match="at least one number"):
            function([])


@pytest.mark.parametrize(
    ("text", "doubt"), [("?1.0", "c is damaged"), ("1.0?", "c is damaged"), ("-", "c is missing"), ("", "c is missing")]
)
def test_doubt_travels_with_the_numbers(text, doubt):
    cell = parse(text, cell="c")
    assert cell.doubt == doubt
    for made in (
        cell + 1,
        1 + parse("2") - cell if False else parse("2") - cell,
        cell * 2,
        parse("1", cell="d") * cell,
    ):
        assert made.doubt == doubt
        assert agree(parse("3.0"), made)["verdict"] == "UNCLEAR"
    assert (cell + cell).doubt == doubt
    assert parse("3.0?").doubt == "a cell is damaged"
    if "missing" in doubt:
        assert (parse("1.0") / cell).doubt == doubt


@settings(max_examples=300)
@given(DECIMALS, st.integers(0, 3), st.integers(-30, 30), st.booleans())
def test_a_verdict_is_what_the_intervals_say(value, places, tenths, cut):
    claimed = parse(printed(value, places), cell="p")
    other = exact(Fraction(value) + Fraction(tenths, 10) * claimed.unit)
    found = agree(claimed, other)
    inside = claimed.low <= other.value <= claimed.high
    assert (found["verdict"] == "INCONSISTENT") == (not inside)
    assert (found["verdict"] == "CONSISTENT") == (claimed.rounded[0] <= other.value <= claimed.rounded[1])
    gap = max(claimed.low - other.value, other.value - claimed.high, 0)
    assert found["gap"] == pytest.approx(float(gap))
    assert found["units"] == pytest.approx(float(gap / claimed.unit))
    assert bool(found["repair"]) == (gap > 0)
    if found["repair"]:
        move = float(found["repair"].rpartition(" ")[2])
        assert move == pytest.approx(float(other.value - claimed.value), rel=0.06, abs=float(claimed.unit) / 9)


@pytest.mark.parametrize(
    ("first", "second", "verdict"),
    [("1.0", "1.1", "NARROW"), ("1.0", "1.06", "NARROW"), ("1.0", "1.04", "CONSISTENT"), ("1.0", "1.3", "INCONSISTENT"),
     ("1.0", "1.0", "CONSISTENT")],
)  # fmt: skip
def test_two_printed_numbers_that_touch_at_one_point_are_narrow(first, second, verdict):
    assert agree(parse(first), parse(second))["verdict"] == agree(parse(second), parse(first))["verdict"] == verdict


def test_intervals_that_meet_at_one_point_alone_are_narrow():
    """1.05 is the end of what rounds to 1.0 and of what rounds to 1.1; a number that was never rounded is another thing."""
    assert agree(parse("1.0"), parse("1.1") + 0)["verdict"] == "NARROW"
    assert agree(parse("1.0"), exact(Fraction(21, 20)))["verdict"] == "CONSISTENT"


def test_the_cheapest_repair_is_named():
    cells = [parse("2.00", cell="t|r|x"), parse("3.00", cell="t|r|y")]
    found = agree(parse("9.00"), cells[0] * 10 + cells[1])
    assert found["repair"] == "t | r | x by -1.4"
    assert agree(exact(1), exact(2))["repair"] == ""
    short = agree(parse("29.00"), cells[0] * 10 + cells[1])
    assert short["repair"] == "t | r | x by +0.6"


def test_one_missing_cell_is_worked_out():
    cells = [parse("2.0", cell="x"), parse("-", cell="y")]
    text = agree(parse("3.0"), mean(cells))["arithmetic"]
    assert "y is missing, and would have to be about 4" in text
    assert "would have" not in agree(parse("3.0?"), mean(cells))["arithmetic"]
    assert "would have" not in agree(parse("3.0"), mean([*cells, parse("-", cell="z")]))["arithmetic"]


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [(Fraction(5, 4), Fraction(1, 10), "1.3"), (Fraction(-5, 4), Fraction(1, 10), "-1.3"), (Fraction(123456), Fraction(1, 10), "123456"),
     (Fraction(99999), Fraction(1, 10), "99999.0"), (Fraction(1, 3), Fraction(0), "0.3333"), (Fraction(1, 2000), Fraction(1, 10), "0.0005"),
     (Fraction(0), Fraction(1, 100), "0.00"), (Fraction(7, 2), Fraction(1), "4"), (Fraction(-7, 2), Fraction(1), "-4"),
     (Fraction(100000), Fraction(1, 10), "100000"), (Fraction(1, 3), Fraction(1, 10**20), "0.333333333333"),
     (Fraction(200001, 2), Fraction(1), "100001"), (Fraction(-1, 2000), Fraction(1), "-0.0005"),
     (Fraction(1, 3), Fraction(1, 200), "0.333"), (Fraction(1, 3), Fraction(1, 10), "0.3")],
)  # fmt: skip
def test_a_number_is_shown_to_its_unit(value, unit, text):
    assert decimal(value, unit) == text


@pytest.mark.parametrize("places", range(13))
def test_a_number_is_shown_to_as_many_places_as_its_unit_has(places):
    assert decimal(Fraction(1, 3), Fraction(1, 10**places)) == ("0.3" if not places else f"0.{'3' * places}")
    assert decimal(Fraction(200, 3), Fraction(1, 10**places)) == (f"66.{'6' * (places - 1)}7" if places else "67")


@pytest.mark.parametrize(
    ("claimed", "shown"), [("67", "66.7"), ("66.7", "66.67"), ("66.667", "66.6667"), ("6.7e1", "66.7")]
)
def test_what_is_recomputed_is_shown_to_one_digit_more_than_is_printed(claimed, shown):
    found = agree(parse(claimed), exact(200) / 3)
    assert found["recomputed"] == shown
    assert found["arithmetic"].startswith(
        f"200 / 3 = {shown}, printed {claimed}; rounding allows 66.6667 to 66.6667"[:33]
    )


def test_a_number_that_is_printed_twice_is_not_computed():
    assert agree(parse("3"), exact(Fraction("3.1"), "3.1"))["arithmetic"].startswith("3.1, printed 3;")
    assert agree(parse("3.0"), parse("2.9"))["arithmetic"].startswith("3.0 against 2.9")
    assert agree(parse("3.0"), parse("2.9"))["recomputed"] == "2.9"


def test_a_verdict_is_one_of_the_words():
    with pytest.raises(ValueError, match="verdict must be one of"):
        Finding("a", "b", "c", "d", "RIGHT", "e")


ROWS = {
    "LoRA": ["61.2", "70.4", "65.8", "1.5"],
    "Ours": ["63.1", "72.9", "68.0", "2.5"],
    "Full": ["64.0", "73.0", "69.9", "9.9"],
}
COLUMNS = ["a", "b", "avg", "params"]
AVERAGE = {"LoRA": "CONSISTENT", "Ours": "CONSISTENT", "Full": "INCONSISTENT"}


def verdicts(folder, rows, columns, factor):
    """Return the verdict on every row's average, of a table that is written so."""
    folder.mkdir()
    lines = [",".join(["m", *columns])]
    for name in rows:
        cells = dict(zip(COLUMNS, ROWS[name], strict=True))
        lines.append(",".join([name, *(str(Decimal(cells[column]) * factor) for column in columns)]))
    (folder / "t.csv").write_text("\n".join(lines) + "\n")
    paper = Paper("mine", folder)
    paper.means(paper.table("t", key="m"), ["a", "b"], "avg")
    return {finding.cell.split("|")[1]: finding.verdict for finding in paper.findings}


def test_a_table_may_be_permuted_and_in_other_units(tmp_path):
    for i, rows in enumerate(itertools.permutations(ROWS)):
        for j, columns in enumerate((COLUMNS, COLUMNS[::-1], ["avg", "a", "params", "b"])):
            for factor in (1, 10, Decimal("0.01")):
                assert verdicts(tmp_path / f"{i}{j}{factor}", rows, columns, factor) == AVERAGE


def test_a_table_may_be_transposed(tmp_path):
    """Rows become columns: the same cells, so the same averages, cell by cell."""
    lines = [",".join(["m", *ROWS]), *(",".join([c, *(ROWS[r][i] for r in ROWS)]) for i, c in enumerate(COLUMNS[:3]))]
    (tmp_path / "t.csv").write_text("\n".join(lines) + "\n")
    paper = Paper("mine", tmp_path)
    table = paper.table("t", key="m")
    found = {name: agree(table["avg", name], mean([table["a", name], table["b", name]]))["verdict"] for name in ROWS}
    assert found == AVERAGE
