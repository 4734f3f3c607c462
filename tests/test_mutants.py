"""The planted faults: each is one change of a file as it is now, and the command tells what is noticed from what is not."""

import pytest

from tests.mutants.__main__ import ROOT, copied, key_of, mutated, verdict
from tests.mutants.equivalent import EXACT, reason_of
from tests.mutants.made import PARTS, made
from tests.mutants.planted import PLANTED, Mutant
from tests.mutants.results import Result
from tests.mutants.samples import keep, lines


@pytest.mark.parametrize("mutant", PLANTED, ids=lambda mutant: mutant.what)
def test_a_planted_fault_is_one_change_and_runs(mutant):
    """Where this fails the code has changed: mend the table, so that the fault is planted where it would be now."""
    compile(mutated(mutant), mutant.file, "exec")
    assert all((ROOT / name.partition("::")[0]).exists() for name in mutant.tests.split())


def test_faults_are_made_of_every_part_and_are_python():
    mutants = made(ROOT)
    assert {mutant.file for mutant in mutants} == set(PARTS)
    for mutant in mutants:
        assert mutated(mutant) != (ROOT / mutant.file).read_text()
        compile(mutated(mutant), mutant.file, "exec")


def test_a_fault_is_killed_a_harmless_change_survives_and_a_missing_text_is_refused(tmp_path):
    file, tests = "rankkit/regime.py", "tests/test_regime.py"
    copy = copied(tmp_path)
    fault = Mutant("", file, "(1 - NEAR) * random", "(1 + NEAR) * random", tests)
    harmless = fault._replace(new="(1 + -NEAR) * random")
    assert verdict(fault, copy) == "killed"
    assert verdict(harmless, copy) == "survived"
    assert (copy / file).read_text() == (ROOT / file).read_text()
    assert key_of(fault) != key_of(harmless)
    with pytest.raises(ValueError, match="must hold 'no such text' once"):
        mutated(fault._replace(old="no such text"))


def test_a_sample_says_of_which_files_it_was_drawn_and_is_not_written_over(tmp_path):
    place = tmp_path / "samples.json"
    mutant = Mutant("a -> b", "rankkit/regime.py", "a", "b", "")
    keep([Result(mutant, "survived"), Result(mutant, "killed")], 5, place, files="law/ rules/")
    assert "| 5 | law/ rules/ | 2 | 0 | 1 of 2 killed (50 %) | 1 of 2 killed (50 %) |" in lines(place)
    with pytest.raises(SystemExit, match="has a sample of seed 5"):
        keep([], 5, place)


def test_what_is_said_to_change_no_result_is_one_of_the_faults_that_are_made():
    """A description that has gone with an edit excuses nothing, and another fault in the same line is not excused."""
    mutants = made(ROOT)
    for file, what, begins in EXACT:
        alike = [mutant for mutant in mutants if (mutant.file, mutant.what) == (f"rankkit/{file}", what)]
        excused = [mutant for mutant in alike if mutant.old.strip().startswith(begins)]
        assert len(excused) == 1, what
        assert reason_of(excused[0])
        assert not reason_of(excused[0]._replace(what=f"{what} and more"))
