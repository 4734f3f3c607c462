"""Every method of the installed PEFT, live: the update is the one that PEFT merges."""

from typing import Any

import pytest
import torch
from peft.mapping import PEFT_TYPE_TO_CONFIG_MAPPING
from safetensors.numpy import load_file, save_file

import rankkit as rk
from rankkit.checkpoints.live import seam
from rankkit.checkpoints.methods import ALONE, AT_AN_INPUT, LIVE_ONLY, OURS, PEFT_METHODS, REFUSED, WITH_BASE
from tests.checkpoints.live.models import Net, merges, model_of, truth

METHODS = sorted(str(getattr(name, "value", name)) for name in PEFT_TYPE_TO_CONFIG_MAPPING)
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
MERGED = sorted(set(METHODS) - PROMPTS - VECTORS - {*AT_AN_INPUT} - {*OURS})


def held(table, deltas):
    """Assert that a table's rows are these updates."""
    assert {*table.index} == {*deltas}
    for path, delta in deltas.items():
        row: Any = table.loc[path]
        sigma, stable = truth(delta)
        assert row["status"] == "ok", row["note"]
        assert row["spectral_norm"] == pytest.approx(sigma, rel=1e-5)
        assert row["stable_rank"] == pytest.approx(stable, rel=1e-5)
        assert stable <= row["r"] * (1 + 1e-9)


def test_what_peft_keeps_private_is_where_it_was():
    assert seam.moved() == [], "this release of PEFT has moved what rankkit.checkpoints.live.seam rests on"


@pytest.mark.parametrize("method", MERGED)
def test_the_update_is_what_peft_merges(method):
    model = model_of(method)
    table, deltas = rk.audit(model, progress=False).table.set_index("module"), merges(model)
    held(table, deltas)
    for path, delta in deltas.items():
        assert {*table.loc[path, ["m", "n"]]} == {*delta.shape}


def saved(method, folder, **more):
    """Save an adapter and the model it was trained on; return the adapter's folder, the model's file, the updates."""
    torch.manual_seed(0)
    base = {name: tensor.numpy() for name, tensor in Net().state_dict().items()}
    save_file(base, folder / "base.safetensors")
    model = model_of(method, **more)
    model.save_pretrained(folder / "adapter")
    return folder / "adapter", folder / "base.safetensors", merges(model)


@pytest.mark.parametrize("method", sorted({*WITH_BASE, *PEFT_METHODS}))
def test_a_saved_adapter_with_its_base_is_what_peft_merges(method, tmp_path):
    more = {"save_indices": True} if method == "UNILORA" else {}
    adapter, base, deltas = saved(method, tmp_path, **more)
    held(rk.audit(adapter, base=base, progress=False).table.set_index("module"), deltas)


@pytest.mark.parametrize("method", sorted({*ALONE, *PEFT_METHODS} - {"RANDLORA", "VERA"}))
def test_a_saved_adapter_without_a_base(method, tmp_path):
    adapter, _, deltas = saved(method, tmp_path)
    held(rk.audit(adapter, progress=False).table.set_index("module"), deltas)


@pytest.mark.parametrize("method", sorted({*MERGED} - {*ALONE, *PEFT_METHODS}))
def test_what_takes_more_than_the_file_says_what(method, tmp_path):
    adapter, _, _ = saved(method, tmp_path)
    with pytest.raises(
        ValueError, match="with base= or --base" if method in WITH_BASE else "audit the model in memory"
    ):
        rk.audit(adapter)


def test_projections_that_a_file_leaves_out_are_drawn_as_peft_draws_them(tmp_path):
    for method in ("VERA", "PVERA", "RANDLORA"):
        (tmp_path / method).mkdir()
        adapter, base, deltas = saved(method, tmp_path / method, save_projection=False)
        held(rk.audit(adapter, base=base, progress=False).table.set_index("module"), deltas)


def test_a_method_that_takes_a_part_out_of_the_base_is_counted_from_the_base(tmp_path):
    """KaSA drops the base's smallest singular values when it starts, so that the model's own base is another one."""
    from peft.tuners.lora.config import KasaConfig

    adapter, base, deltas = saved("LORA", tmp_path, kasa_config=KasaConfig(), r=4)
    model = model_of("LORA", kasa_config=KasaConfig(), r=4)
    for path in deltas:
        left = getattr(model.base_model.model, path).base_layer.weight.detach().double().numpy()
        deltas[path] += left - load_file(base)[f"{path}.weight"]
    held(rk.audit(adapter, base=base, progress=False).table.set_index("module"), deltas)


def test_the_table_of_methods_has_every_one_once():
    kinds = [PEFT_METHODS, WITH_BASE, LIVE_ONLY, AT_AN_INPUT, PROMPTS, VECTORS, OURS]
    assert {method for kind in kinds for method in kind} >= {*METHODS}
    assert {*METHODS} <= {*PEFT_METHODS, *REFUSED, *OURS}


@pytest.mark.parametrize("method", sorted(VECTORS))
def test_a_method_of_vectors_has_no_row_that_is_ok(method):
    table = rk.audit(model_of(method), progress=False).table
    assert set(table["status"]) == {"unsupported"}
    if method in AT_AN_INPUT:
        assert all("not linear" in note and "inputs=" in note for note in table["note"])
    assert all("a vector, not a matrix" in note for note in table["note"])


@pytest.mark.parametrize("method", ["LILY", "POLY"])
def test_a_method_that_depends_on_the_input_is_refused_in_its_row(method):
    table = rk.audit(model_of(method), progress=False).table
    assert set(table["status"]) == {"unsupported"}
    if method in AT_AN_INPUT:
        assert all("not linear" in note and "inputs=" in note for note in table["note"])
