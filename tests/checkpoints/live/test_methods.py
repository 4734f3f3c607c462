"""Every method of the installed PEFT, live: the update is the one that PEFT merges."""

import pytest
from peft.mapping import PEFT_TYPE_TO_CONFIG_MAPPING

import rankkit as rk
from rankkit.checkpoints.live import seam
from tests.checkpoints.live.models import merges, model_of, truth

METHODS = sorted(str(getattr(name, "value", name)) for name in PEFT_TYPE_TO_CONFIG_MAPPING)
OURS = {"SINELORA", "SINEDORA", "LORAN", "ADASINELORA", "LRLORA"}  # known to PEFT once rankkit.adapters is imported
# what is no weight update, and what depends on the input; every other method is held against PEFT's merge
PROMPTS = {
    "ADAPTION_PROMPT",
    "CARTRIDGE",
    "CPT",
    "MULTITASK_PROMPT_TUNING",
    "PREFIX_TUNING",
    "PROMPT_TUNING",
    "P_TUNING",
}
VECTORS = {"BEFT", "LN_TUNING"}
BY_INPUT = {"LILY", "POLY", "SHADOW", "XLORA"}
MERGED = sorted(set(METHODS) - PROMPTS - VECTORS - BY_INPUT - OURS)


def test_what_peft_keeps_private_is_where_it_was():
    assert seam.moved() == [], "this release of PEFT has moved what rankkit.checkpoints.live.seam rests on"


@pytest.mark.parametrize("method", MERGED)
def test_the_update_is_what_peft_merges(method):
    if method == "ADAMSS":
        pytest.importorskip("sklearn", reason="PEFT's AdaMSS clusters with it")
    model = model_of(method)
    table = rk.audit(model, progress=False).table.set_index("module")
    deltas = merges(model)
    assert {*table.index} == {*deltas}
    for path, delta in deltas.items():
        row = table.loc[path]
        sigma, stable = truth(delta)
        assert row["status"] == "ok", row["note"]
        assert row["spectral_norm"] == pytest.approx(sigma, rel=1e-5)
        assert row["stable_rank"] == pytest.approx(stable, rel=1e-5)
        assert sorted((row["m"], row["n"])) == sorted(delta.shape)
        assert stable <= row["r"] * (1 + 1e-9)


@pytest.mark.parametrize("method", sorted(VECTORS))
def test_a_method_of_vectors_has_no_row_that_is_ok(method):
    table = rk.audit(model_of(method), progress=False).table
    assert set(table["status"]) == {"unsupported"}
    assert all("a vector, not a matrix" in note for note in table["note"])


@pytest.mark.parametrize("method", ["LILY", "POLY"])
def test_a_method_that_depends_on_the_input_is_refused_in_its_row(method):
    table = rk.audit(model_of(method), progress=False).table
    assert set(table["status"]) == {"unsupported"}
