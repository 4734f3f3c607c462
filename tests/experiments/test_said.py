"""The pages on trainings say what the tables say; another number, and a number from nowhere, are seen."""

from pathlib import Path

import pandas as pd
import pytest

from experiments.grid.command import RESULTS
from experiments.said.__main__ import PLACES, wrong
from experiments.said.phrases import bears_out, mended, say, unsaid
from experiments.said.tables import idle

PLANS = Path(__file__).parents[2] / "experiments"
PAGE = """# A page

MiniLM-L6 sees differences of 1.9
points at rank 4 (95 % interval −0.3 to 1.2), as table 13 has it, see [there](page-2.md).

| rank | 17 |
|--:|--:|

```{include} table_4.md
```
"""
PHRASES = [say("differences of {:.1f} points at rank {}", 1.93, 4), say("(95 % interval {:.1f} to {:.1f})", -0.3, 1.2)]
OTHER = [say("differences of {:.1f} points at rank {}", 2.04, 4), say("(95 % interval {:.1f} to {:.1f})", -10.3, 0.26)]


@pytest.mark.parametrize("place", sorted(PLACES))
def test_pages_and_captions_say_what_the_tables_say(place):
    assert wrong(place) == []


@pytest.mark.parametrize("plan", ["text/ranks", "text/frequency", "shape/small", "vision/small"])
def test_plans_say_how_many_runs_they_have_and_how_long_they_took(plan):
    name, _, kind = plan.partition("/")
    words = " ".join((PLANS / name / "plans" / f"{kind}.toml").read_text().replace("#", " ").split())
    runs, about = (pd.read_csv(RESULTS / name / kind / f"{table}.csv") for table in ("runs", "platform"))
    assert f"{len(runs)} runs and {len(about) - len(runs)} tuning runs" in words
    assert f"{about['seconds'].sum() / 60:.0f} minutes of workers' time" in words
    assert f"as fast as the fastest of its kind, it would be {idle(plan):.0f} minutes" in words


def test_a_page_that_says_what_the_tables_say_is_right_and_stays_as_it_is():
    assert unsaid(PAGE, PHRASES) == []
    assert mended(PAGE, PHRASES) == PAGE


def test_another_number_in_the_tables_is_seen():
    found = unsaid(PAGE, [OTHER[0], PHRASES[1]])
    assert found[0] == "the tables say: differences of 2.0 points at rank 4"
    assert [line.partition(":")[0] for line in found[1:]] == [
        "no phrase has the number 1.9",
        "no phrase has the number 4",
    ]


def test_a_number_in_no_phrase_is_seen():
    found = unsaid(PAGE.replace("has it,", "has it after 60 steps,"), PHRASES)
    assert len(found) == 1
    assert found[0].startswith("no phrase has the number 60: ")


def test_numbers_are_put_where_they_belong():
    page = mended(PAGE, OTHER)
    assert unsaid(page, OTHER) == []
    assert page == PAGE.replace("1.9\n", "2.0\n").replace("−0.3 to 1.2", "−10.3 to 0.3")
    script = 'SHOWS = (\n    "It sees differences of 1.9 "\n    "points at rank 4."\n)\n'
    assert mended(script, OTHER) == script.replace("1.9", "2.0")


def test_words_that_no_longer_fit_are_named():
    bears_out(True, "told from none")
    with pytest.raises(ValueError, match="do not bear out the words 'told from none'"):
        bears_out(False, "told from none")
