"""A file that holds modules of several families: each module is told by itself, and none is lost."""

import numpy as np
import pytest

import rankkit as rk

RNG = np.random.default_rng(0)
LOKR = {f"lora_unet_a_q.lokr_w{i}": RNG.normal(size=shape) for i, shape in ((1, (2, 2)), (2, (3, 4)))}
PAIR = {"a.k.lora_A.weight": RNG.normal(size=(2, 8)), "a.k.lora_B.weight": RNG.normal(size=(6, 2))}


@pytest.mark.parametrize("state", [LOKR | PAIR, PAIR | LOKR], ids=["LoKr first", "pair first"])
def test_pairs_beside_lokr_modules_are_measured(state):
    report = rk.audit(state)
    assert set(report.columns["status"]) <= {"ok", "assumed"}
    assert len(report.columns["module"]) == 2
    assert report.skipped == ()
    sizes = sorted(zip(report.columns["m"], report.columns["n"], strict=True))
    assert sizes == [(6, 8), (6, 8)]
    alone = rk.audit(PAIR).table.set_index("module")["stable_rank"]["a.k"]
    assert report.table.set_index("module")["stable_rank"]["a.k"] == alone


def test_what_no_family_knows_stays_named():
    report = rk.audit(LOKR | PAIR | {"head.weight": np.ones((3, 3))})
    assert [entry.key for entry in report.skipped] == ["head.weight"]
    assert len(report.columns["module"]) == 2


def test_half_a_pair_is_no_module_of_another_family():
    report = rk.audit(LOKR | {"a.k.lora_A.weight": np.ones((2, 8))})
    assert [entry.key for entry in report.skipped] == ["a.k.lora_A.weight"]
    assert len(report.columns["module"]) == 1


@pytest.mark.parametrize("half", ["lora_A", "lora_B"])
def test_half_a_pair_hides_no_whole_pair_beside_it(half):
    """As in a file of one family: the half pair is a row with its reason, and the others are measured."""
    lost = {f"a.z.{half}.weight": np.ones((2, 8) if half == "lora_A" else (6, 2))}
    alone = rk.audit(PAIR).table.set_index("module")["stable_rank"]["a.k"]
    for state in (LOKR | PAIR | lost, LOKR | lost | PAIR, lost | PAIR | LOKR):
        report = rk.audit(state)
        rows = report.table.set_index("module")
        assert set(rows.index) == {"lora_unet_a_q", "a.k", "a.z"}
        assert rows["status"]["a.z"] == "unpaired"
        assert rows["note"]["a.z"] == f"lora_{'B' if half == 'lora_A' else 'A'} is missing"
        assert np.isnan(rows["stable_rank"]["a.z"])
        assert set(rows["status"][["lora_unet_a_q", "a.k"]]) <= {"ok", "assumed"}
        assert rows["stable_rank"]["a.k"] == alone
        assert report.skipped == ()


@pytest.mark.parametrize("whole", [True, False])
def test_a_second_update_of_a_module_hides_no_pair_elsewhere(whole):
    """A number of the module that has both would be wrong: it is measured without the second, and says so."""
    first = {f"a.q.lokr_w{i}": RNG.normal(size=shape) for i, shape in ((1, (2, 2)), (2, (3, 4)))}
    second = {key.replace("a.k", "a.q"): value for key, value in PAIR.items()}
    second = second if whole else dict([*second.items()][:1])
    for state in (first | PAIR | second, second | PAIR | first):
        report = rk.audit(state)
        rows = report.table.set_index("module")
        assert set(rows.index) == {"a.q", "a.k"}
        assert (rows["status"]["a.q"], rows["assumed"]["a.q"]) == ("assumed", "method")
        assert "not understood: measured without" in rows["note"]["a.q"]
        assert "method" not in rows["assumed"]["a.k"]
        assert {entry.key: entry.reason for entry in report.skipped} == dict.fromkeys(
            second, "a second update of module a.q, in another format"
        )


def test_a_folder_is_enough_to_choose_ranks():
    from rankkit.data import sample_adapter

    assert rk.suggest_ranks(sample_adapter()).rank_pattern
