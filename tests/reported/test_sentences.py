"""Sentences against tables and each other: planted contradictions of each kind are found, clean twins left alone."""

import random
import re
from pathlib import Path

import pytest

from rankkit.data import paper_checks
from rankkit.reported import Paper, collect, exact, parse, said
from rankkit.reported.finding import FIRM
from rankkit.reported.ledger import Reported

PAPERS = Path(__file__).parents[3] / "shared" / "papers"
WORDS = said("section 4 | what the paper says")
TIMES = 20  # planted contradictions of each kind, and as many clean twins


def shown(value, places=1):
    return parse(f"{value:.{places}f}")


def names(rng, count):
    return [f"{rng.choice('abcdefgh')}{i}" for i in range(count)]


def announced(paper, rng, wrong):
    items = names(rng, rng.randrange(2, 9))
    paper.announced(WORDS, len(items) + (rng.choice([-1, 1]) if wrong else 0), items, "groups")


def held(paper, rng, wrong):
    there = names(rng, 6)
    described = rng.sample(there, 3) + (["joint"] if wrong else [])
    paper.held(WORDS, described, there, "rows of an experiment")


def listed(paper, rng, wrong):
    tasks = names(rng, rng.randrange(3, 9))
    other = rng.sample(tasks, len(tasks) - wrong)
    paper.listed(WORDS, other, tasks, "tasks in the text and in the caption")


def setting(paper, rng, wrong):
    value = rng.choice([8, 16, 32, 64])
    paper.setting(WORDS, [f"batch {value}", f"batch {value * 2 if wrong else value}"], "batch size in two places")


def extreme(paper, rng, wrong):
    drops = {name: shown(-rng.uniform(0.1, 4)) for name in names(rng, 7)}
    least = min(float(cell.value) for cell in drops.values())
    paper.extreme(WORDS, shown(least + 0.3 if wrong else least), drops, "the largest drop", low=True)


def linear(paper, rng, wrong):
    each, places = rng.uniform(0.05, 3), rng.choice([1, 2])
    bend = rng.choice([0.5, 1.5, 2]) if wrong else 1
    points = {r: shown(each * r * (bend if r == 64 else 1), places) for r in (8, 32, 64)}
    paper.linear(WORDS, points, "parameters with the rank")


def offset(paper, rng, wrong):
    base, each = rng.uniform(1, 9), rng.uniform(0.5, 3)
    points = {k: shown(base + each * k * (1.4 if wrong and k == 40 else 1)) for k in (1, 5, 20, 40)}
    paper.linear(WORDS, points, "compression with the rank", offset=True)


def trend(paper, rng, wrong):
    first = sorted((shown(rng.uniform(1, 6)) for _ in range(3)), key=lambda cell: cell.value)
    other = sorted((shown(rng.uniform(1, 6)) for _ in range(3)), key=lambda cell: cell.value)
    if len({cell.value for cell in (*first, *other)}) < 6:
        first, other = [shown(1), shown(2), shown(3)], [shown(2), shown(3), shown(4)]
    paper.trend(WORDS, first, {"Table 2": other[::-1] if wrong else other}, "the gain with the rank")


def memory(paper, rng, wrong):
    count, size = rng.randrange(10**6, 10**8), rng.choice([2, 4])
    stored = count * size * (rng.choice([0.1, 30]) if wrong else 1)
    paper.memory(WORDS, exact(count), parse(f"{stored / 10**6:.1f} MB"), "the adapters", least=2)


def runs(paper, rng, wrong):
    spreads = [shown(rng.uniform(0.1, 1)) for _ in range(4)]
    paper.runs(WORDS, 1 if wrong else rng.choice([3, 5]), spreads, "the ablation")


def across(paper, rng, wrong):
    paper.across(WORDS, 2, names(rng, 1 if wrong else rng.randrange(2, 5)), "the best value across models")


def order(paper, rng, wrong):
    easy = [(shown(80 + rng.uniform(0, 9)), shown(60 + rng.uniform(0, 9))) for _ in range(6)]
    hard = [(shown(82 + rng.uniform(0, 9)), shown(61 + rng.uniform(0, 9))) for _ in range(4)]
    paper.same_order(WORDS, easy, [(b, a) for a, b in hard] if wrong else hard, "two columns of two tables")


def every(paper, rng, wrong):
    pairs = {name: (shown(80 + rng.uniform(0, 5)), shown(75 + rng.uniform(0, 4.9))) for name in names(rng, 8)}
    if wrong:
        lost = rng.choice(list(pairs))
        ours, theirs = pairs[lost]
        pairs[lost] = theirs, ours
    paper.every(WORDS, pairs, "ours is best on every task", literal=True)


def atmost(paper, rng, wrong):
    limit = rng.choice([2, 3, 5])
    values = {name: shown(rng.uniform(0, limit)) for name in names(rng, 4)}
    if wrong:
        values["worst"] = shown(limit + rng.uniform(0.7, 3))
    paper.atmost(WORDS, parse(f"{limit}%"), values, "overhead")


def share(paper, rng, wrong):
    part, whole = rng.uniform(10, 60), rng.uniform(90, 200)
    printed = 100 * part / whole + (rng.choice([-9, 7, 12]) if wrong else 0)
    paper.states("section 4", f"{printed:.0f}%", shown(part) * 100 / shown(whole), "share in prose", words=WORDS)


def twice(paper, rng, wrong):
    value = rng.uniform(50, 90)
    paper.same("Tables 1 and 3", "the baseline", shown(value + (0.6 if wrong else 0)), shown(value, 2), words=WORDS)


KINDS = (announced, held, listed, setting, extreme, linear, offset, trend, memory, runs, across, order, every, atmost,
         share, twice)  # fmt: skip


def verdicts(kind, wrong):
    """Return the verdict of each planted contradiction of a kind, or of each clean twin of it."""
    found = []
    for seed in range(TIMES):
        paper = Paper("planted", ".")
        kind(paper, random.Random(f"{kind.__name__} {seed}"), wrong)
        (finding,) = paper.findings
        found.append(finding.verdict)
    return found


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_what_is_planted_is_found_and_a_clean_twin_raises_nothing(kind):
    assert set(verdicts(kind, wrong=True)) <= {*FIRM}
    assert not {*verdicts(kind, wrong=False)} & {*FIRM, "UNCLEAR"}


def test_a_fair_reading_makes_a_loose_sentence_consistent_and_a_literal_one_overstated():
    cells = {
        "a": (parse("70.1"), parse("70.4")),
        "b": (parse("80.1"), parse("70.4")),
        "c": (parse("9.0"), parse("8.0")),
    }
    means = {"averages": {"avg": (parse("53.1"), parse("49.6"))}}
    paper = Paper("mine", ".")
    paper.every(WORDS, cells, "consistently", readings=means)
    paper.every(WORDS, cells, "on all", readings=means, literal=True)
    paper.every(WORDS, cells, "consistently, with no other reading")
    paper.every(WORDS, {"a": cells["a"]}, "nowhere")
    assert [f.verdict for f in paper.findings] == ["CONSISTENT", "OVERSTATED", "OVERSTATED", "INCONSISTENT"]
    assert "It holds for the averages" in paper.findings[0].arithmetic


def test_what_the_text_leaves_open_is_unclear():
    paper = Paper("mine", ".")
    left_open = said("1 | seven tasks, including", left_open="whether that is all")
    paper.listed(left_open, ["a"], ["a", "b"], "tasks", partial=True)
    paper.held(left_open, ["c"], ["a", "b"], "columns", partial=True)
    paper.announced(left_open, 3, ["a", "b"], "groups", partial=True)
    paper.setting(left_open, ["fp16", "bf16"], "precision", undecided=True)
    paper.setting(left_open, ["a proof", "an intuition"], "how it is shown", measured=False)
    assert [f.verdict for f in paper.findings] == ["UNCLEAR"] * 4 + ["OVERSTATED"]
    assert "left open: whether that is all" in repr(paper.findings[0])


def test_numbers_of_different_settings_are_not_compared_and_what_is_open_is_named():
    """A speed on one data set is no contradiction of the speed on another one."""
    paper = Paper("mine", ".")
    ours, theirs = {"data": "SIQA", "rank": "16"}, {"data": "CommonsenseQA", "rank": "16"}
    paper.same("Tables 4 and 5", "speed", parse("9.87"), parse("10.18"), settings=(ours, theirs))
    paper.same("Tables 4 and 5", "speed, data open", parse("9.87"), parse("10.18"), settings=(ours, {"rank": "16"}))
    first, second = paper.findings
    assert (first.verdict, second.verdict) == ("UNCLEAR", "INCONSISTENT")
    assert "not compared: data is SIQA and CommonsenseQA" in first.arithmetic
    assert second.left_open == "data of one place"


def test_a_bound_that_is_met_to_rounding_is_narrow():
    paper = Paper("mine", ".")
    paper.atmost(WORDS, parse("2"), {"a": parse("2.2")}, "at most 2 %")
    paper.atmost(WORDS, parse("0.5"), {"a": parse("0.5")}, "under 0.5 hours", strict=True)
    assert [f.verdict for f in paper.findings] == ["NARROW", "NARROW"]


def test_defences_stand_with_what_is_firm_and_with_nothing_else():
    words = said("1 | three scales", defence="They may differ.", fails="They do not.", changes="two", weight="number")
    paper = Paper("mine", ".")
    paper.announced(words, 3, ["a", "b"], "scales")
    paper.announced(words, 2, ["a", "b"], "scales, rightly")
    wrong, right = paper.findings
    assert (wrong.defence, wrong.fails, wrong.conclusion) == ("They may differ.", "They do not.", "two")
    assert right.defence == right.fails == right.conclusion == ""
    report = Reported((paper,)).to_markdown()
    assert "defence: They may differ. It fails: They do not." in report
    assert report.index("### Numbers and tables") < report.index("## mine")


@pytest.mark.parametrize(
    ("make", "message"),
    [(lambda: said("no place"), "place | words"), (lambda: said("1 | " + "word " * 26), "1 to 25 words"),
     (lambda: said("1 | a word", weight="heavy"), "weight must be one of"),
     (lambda: Paper("mine", ".").linear(WORDS, {4: parse("1")}, "x"), "at least 2 sizes"),
     (lambda: Paper("mine", ".").trend(WORDS, [parse("1")], {"b": []}, "x"), "must have 1 numbers"),
     (lambda: Paper("mine", ".").runs(WORDS, 0, [], "x"), "seeds")],
)  # fmt: skip
def test_what_cannot_be_checked_is_refused(make, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        make()


@pytest.fixture(scope="module")
def ledger():
    return collect([paper_checks()])


def test_every_accusation_has_its_words_or_is_arithmetic_and_a_defence_that_fails(ledger):
    firm = [finding for finding in ledger.findings if finding.verdict in FIRM]
    assert len(firm) >= 100
    for finding in firm:
        assert finding.quotes, finding.id
        assert finding.defence, finding.id
        assert finding.fails, finding.id
        assert finding.conclusion, finding.id


def test_the_first_screen_has_the_firm_ones_and_consistent_checks_are_folded(ledger):
    report = ledger.to_markdown()
    first = report.partition("\n## adasine_lora")[0]
    firm = [finding for finding in ledger.findings if finding.verdict == "INCONSISTENT"]
    assert first.index("### Conclusions") < first.index("### Numbers and tables") < first.index("### Wording")
    assert "OVERSTATED |" not in first
    assert sum(f"{finding.id} |" in first or f"{finding.id} and " in first for finding in firm) >= len(firm) / 2
    assert report.count("<details>") == len(ledger.papers)
    consistent = [finding.id for finding in ledger.findings if finding.verdict == "CONSISTENT"]
    assert not any(f"**{name}**" in report or f"| {name} |" in report for name in consistent)


def plain(text):
    """Return a text without line numbers, markup and blanks."""
    text = re.sub(r"(?m)^\s*(- )?\d{3,4} ", "", text)
    text = re.sub(r"\\(?:mathbf|text|mathcal)\{([^{}]*)\}", r"\1", text)
    for command, sign in (("\\pm", "±"), ("\\times", "×"), ("\\alpha", "α"), ("\\omega", "ω")):
        text = text.replace(command, sign)
    return re.sub(r"\s+", "", re.sub(r"[*$\\{}_]", "", re.sub(r"</?\w+>", "", text)))


@pytest.mark.parametrize("name", ["sine_lora", "adasine_lora", "lr_lora", "loran"])
def test_every_quotation_is_in_the_papers_text(name, ledger):
    source = PAPERS / f"{name}.txt"
    if not source.exists():
        pytest.skip("the papers' texts are not here")
    text = plain(source.read_text(encoding="utf-8"))
    assert plain("words that no paper has in this order") not in text
    for quote in {quote for finding in ledger.findings if finding.paper == name for quote in finding.quotes}:
        at = 0
        for part in map(plain, quote.words.split("...")):
            at = text.find(part, at) + 1
            assert at, quote
