"""The scale in the file's own header, in a configuration's other words, or beside it, per module and component."""

import json

import numpy as np
import pytest
import torch
from safetensors.numpy import save_file

import rankkit as rk
from rankkit.checkpoints.headers import header_of
from tests.checkpoints.conftest import A, B, agrees, normal

BA = B.astype(float) @ A.astype(float)
KOHYA = {"lora_unet_down_to_q.lora_down.weight": A, "lora_unet_down_to_q.lora_up.weight": B}


def audited(folder, state, metadata):
    save_file(state, folder / "x.safetensors", metadata=metadata)
    return rk.audit(folder / "x.safetensors")


def packed(**fields):
    return {"lora_adapter_metadata": json.dumps(fields)}


def test_diffusers_header_has_a_configuration_for_each_component(tmp_path):
    state = {f"{where}.lora_{x}.weight": {"A": A, "B": B}[x] for x in "AB" for where in
             ("transformer.blocks.0.to_q", "transformer.blocks.1.to_q", "text_encoder.layers.0.q_proj")}  # fmt: skip
    about = {
        "transformer.r": 4, "transformer.lora_alpha": 8, "transformer.use_rslora": True,
        "transformer.alpha_pattern": {"^blocks.1.to_q": 2}, "text_encoder.r": 4, "text_encoder.lora_alpha": 12,
        "text_encoder.use_rslora": None,
    }  # fmt: skip
    table = audited(tmp_path, state, packed(**about)).table.set_index("module")
    assert table["scale"].to_dict() == {
        "transformer.blocks.0.to_q": 4, "transformer.blocks.1.to_q": 1, "text_encoder.layers.0.q_proj": 3,
    }  # fmt: skip
    assert set(table["note"]) == {""}


def test_a_header_without_components_holds_for_every_module(tmp_path):
    state = {"blocks.0.to_q.lora_A.weight": A, "blocks.0.to_q.lora_B.weight": B}
    agrees(audited(tmp_path, state, packed(r=4, lora_alpha=8)), 2 * BA)


def test_a_header_names_a_method_as_a_configuration_does(tmp_path):
    state = {"unet.q.lora_A.weight": A, "unet.q.lora_B.weight": B}
    with pytest.raises(ValueError, match="is a BOFT adapter"):
        audited(tmp_path, state, packed(**{"unet.peft_type": "BOFT"}))
    row = audited(tmp_path, state, packed(**{"unet.lora_alpha": 4, "unet.use_dora": True})).table.iloc[0]
    assert "DoRA: direction part only" in row["note"]


@pytest.mark.parametrize(
    ("metadata", "scale"),
    [
        ({"ss_network_alpha": "8", "ss_network_dim": "4"}, 2), ({"ss_network_alpha": "8.0"}, 2),
        ({"ss_network_alpha": "8", "ss_network_args": '{"rs_lora": "True"}'}, 4),
        ({"ss_network_alpha": "8", "ss_network_args": '{"conv_dim": "4", "conv_alpha": "2"}'}, 2),
        ({"lora_alpha": "8", "rank": "4"}, 2), ({"network_alpha": "8"}, 2),
        ({"lora_config": '{"rank": 4, "alpha": 8}'}, 2), ({"training": '{"lora": {"linear": 4, "linear_alpha": 8}}'}, 2),
    ],
)  # fmt: skip
def test_headers_of_other_trainers(tmp_path, metadata, scale):
    assert agrees(audited(tmp_path, KOHYA, metadata), scale * BA)["note"] == ""


@pytest.mark.parametrize("args", ['{"conv_dim": "4", "conv_alpha": "1"}', '{"conv_dim": "4"}'])
def test_kohyas_convolutions_have_an_alpha_of_their_own(tmp_path, args):
    state = {"c.lora_down.weight": normal(4, 3, 3, 3), "c.lora_up.weight": normal(6, 4, 1, 1)} | KOHYA
    about = {"ss_network_alpha": "8", "ss_network_module": "networks.lora", "ss_network_args": args}
    assert audited(tmp_path, state, about).table.set_index("module")["scale"].to_dict() == {
        "c": 0.25,
        "lora_unet_down_to_q": 2,
    }


def test_a_stored_alpha_counts_before_the_header_and_a_given_configuration_too(tmp_path):
    stored = KOHYA | {"lora_unet_down_to_q.alpha": np.array(4.0)}
    agrees(audited(tmp_path, stored, {"ss_network_alpha": "8"}), BA)
    save_file(KOHYA, tmp_path / "y.safetensors", metadata={"ss_network_alpha": "8"})
    agrees(rk.audit(tmp_path / "y.safetensors", config={"lora_alpha": 12}), 3 * BA)


@pytest.mark.parametrize(
    "metadata",
    [
        {"format": "pt"}, {"ss_network_alpha": "None"}, {"ss_network_alpha": "many"}, {"lora_adapter_metadata": "[1]"},
        {"lora_adapter_metadata": "{" * 10_000}, {"alpha": "9" * 500}, {"x": '{"alpha": {}}'}, {"lora_adapter_metadata": "{}"},
    ],
)  # fmt: skip
def test_a_header_that_says_nothing_leaves_the_assumption(tmp_path, metadata):
    assert "scale 1 assumed" in agrees(audited(tmp_path, KOHYA, metadata), BA, status="assumed")["note"]


def test_a_header_is_a_strangers_text():
    for value in (None, 3, [], {"a": {"b": {}}}, "1e999", '{"lora_alpha": true}', '{"lora_alpha": "nan?"}'):
        header_of({"lora_adapter_metadata": value, "ss_network_alpha": value, "alpha": value}).config_of("x")


@pytest.mark.parametrize("name", ["lora_config", "hyper_parameters", "config"])
def test_the_scale_may_lie_beside_the_tensors_of_a_torch_file(tmp_path, name):
    state = {key: torch.as_tensor(value) for key, value in KOHYA.items()}
    torch.save({"state_dict": state, name: {"r": 4, "lora_alpha": 8}, "epoch": 3}, tmp_path / "x.pt")
    agrees(rk.audit(tmp_path / "x.pt"), 2 * BA)
    for other in (
        {"scaler": {"scale": 65536.0}},
        {"config": {"alpha": 0.2}},
        {"alpha": 3},
        {"state": {0: {"step": 1}}},
    ):
        torch.save({"state_dict": state} | other, tmp_path / "y.pt")
        agrees(rk.audit(tmp_path / "y.pt"), BA, status="assumed")


ADAPTERHUB = {"x.query.loras.mine.lora_A": A, "x.query.loras.mine.lora_B": B}


def test_adapterhubs_configuration_and_names():
    inner = {"architecture": "lora", "alpha": 8, "r": 4, "composition_mode": "add", "use_gating": False}
    assert agrees(rk.audit(ADAPTERHUB, config={"config": inner, "name": "mine"}), 2 * BA)["module"] == "x.query"
    for field in ({"use_gating": True}, {"composition_mode": "scale"}, {"vera_d": 0.1}):
        with pytest.raises(ValueError, match=f"sets {next(iter(field))} in its config"):
            rk.audit(ADAPTERHUB, config={"config": inner | field})
    two = ADAPTERHUB | {key.replace("mine", "other"): value for key, value in ADAPTERHUB.items()}
    assert set(rk.audit(two).table["module"]) == {"x.query[mine]", "x.query[other]"}
