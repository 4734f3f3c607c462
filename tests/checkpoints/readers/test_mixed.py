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
def test_a_pair_beside_half_a_pair_stays_named(half):
    """Not all of what is left is the other family's, so that none of it is taken for that."""
    lost = {f"a.z.{half}.weight": np.ones((2, 8) if half == "lora_A" else (6, 2))}
    for state in (LOKR | PAIR | lost, LOKR | lost | PAIR):
        report = rk.audit(state)
        assert report.columns["module"] == ["lora_unet_a_q"]
        assert {entry.key for entry in report.skipped} == {*PAIR, *lost}


def test_a_folder_is_enough_to_choose_ranks():
    from rankkit.data import sample_adapter

    assert rk.suggest_ranks(sample_adapter()).rank_pattern
