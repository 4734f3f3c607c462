"""What the ledger says of trainings is what the committed tables say."""

import json
import shutil
from pathlib import Path

import pandas as pd
import pytest

import rankkit as rk
from experiments.evidence import EVIDENCE, PLANS, RESULTS, evidence
from rankkit.claims import Measured, collect

CLAIMS = collect([EVIDENCE.parent])


def test_the_evidence_is_computed_from_the_committed_tables():
    stored = pd.read_csv(EVIDENCE)
    pd.testing.assert_frame_equal(stored, evidence(), check_exact=False, rtol=1e-12)


def test_changed_results_change_the_evidence(tmp_path):
    for name, plan in PLANS.items():
        shutil.copytree(RESULTS / name / plan, tmp_path / name / plan)
    file = tmp_path / "text" / "ranks" / "differences_rank4.csv"
    table = pd.read_csv(file)
    table["mean"] += 0.001
    table.to_csv(file, index=False)
    before, after = (table.set_index("id") for table in (evidence(), evidence(tmp_path)))
    changed = before.index[before["value"] != after["value"]]
    assert sorted(changed) == ["lr.trained.lora", "sine.trained.lora", "sine.trained.twin"]


def test_every_row_is_a_claim_of_a_training_and_every_claim_has_a_row():
    assert sorted(claim.id for claim in CLAIMS) == sorted(pd.read_csv(EVIDENCE)["id"])
    assert {claim.kind for claim in CLAIMS} == {"trained"}
    # the design and its limits are part of the reading
    assert all("the paper has" in claim.reading or "where the paper has" in claim.reading for claim in CLAIMS)


def test_the_ledger_holds_what_was_measured():
    ledger = json.loads((EVIDENCE.parents[1] / "ledger.json").read_text())
    kept = {record["id"]: record for record in ledger if record["kind"] == "trained"}
    assert sorted(kept) == sorted(claim.id for claim in CLAIMS)
    found = rk.verify(only=list(kept), progress=False).records
    assert {record["id"]: record for record in found} == kept
    assert {record["verdict"] for record in found} == {"EMPIRICAL"}


def test_an_interval_that_is_not_told_from_zero_says_so():
    rows = pd.read_csv(EVIDENCE)
    told = rows[rows["how"].str.contains(": told from 0")]
    assert len(told) > 0
    assert ((told["low"] > 0) | (told["high"] < 0)).all()


def test_a_measurement_that_is_not_there_is_an_error(tmp_path: Path):
    file = tmp_path / "some.csv"
    file.write_text("id,value,low,high,how\none,2,1,3,by hand\n")
    assert Measured.read(file, "one") == Measured(2.0, 1.0, 3.0, "by hand")
    with pytest.raises(ValueError, match=r"some\.csv must have one row with the id two, got 0"):
        Measured.read(file, "two")
