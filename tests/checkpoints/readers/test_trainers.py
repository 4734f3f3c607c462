"""Files as trainers of their own write them: XLabs, NeMo and Megatron Bridge, torchtune, LyCORIS full, LitGPT."""

import numpy as np
import pytest
import torch

import rankkit as rk
from tests.checkpoints.conftest import A, B, M, N, agrees, normal

BA = B.astype(float) @ A.astype(float)


def pair(first, second):
    return {first: A, second: B}


@pytest.mark.parametrize("processor", ["qkv_lora", "qkv_lora1", "qkv_lora2", "proj_lora1"])
def test_xlabs_processors(processor):
    row = agrees(
        rk.audit(pair(*(f"double_blocks.0.processor.{processor}.{x}.weight" for x in ("down", "up")))),
        BA,
        status="assumed",
    )
    assert row["module"] == f"double_blocks.0.{processor if processor[-1].isdigit() else 'qkv'}"


@pytest.mark.parametrize(
    ("between", "module"),
    [
        ("linear_fc1.adapter", "linear_fc1"), ("linear_qkv.adapter.adapter_q", "linear_qkv.adapter_q"),
        ("self_attention.adapter_layer.lora_kqv_adapter", "self_attention.lora_kqv_adapter"),
    ],
)  # fmt: skip
def test_megatrons_adapters(between, module):
    state = pair(*(f"model.decoder.layers.3.{between}.linear_{x}.weight" for x in ("in", "out")))
    row = agrees(rk.audit(state), BA, status="assumed")
    assert row["module"] == f"model.decoder.layers.3.{module}"
    assert "scale 1 assumed" in row["note"]
    agrees(rk.audit(state, config={"peft": {"dim": 4, "alpha": 8}}), 2 * BA)
    turned = rk.audit(state | {f"model.decoder.layers.3.{between}.weight_magnitude": normal(M)})
    assert "DoRA" in turned.table["note"][0]


@pytest.mark.parametrize("config", [{"peft_type": "LORA", "r": 4, "lora_alpha": 8}, {"lora_alpha": 8}, None])
def test_torchtune_with_a_configuration_and_without(config):
    state = pair("layers.0.attn.q_proj.lora_a.weight", "layers.0.attn.q_proj.lora_b.weight")
    known = config is not None
    row = agrees(rk.audit(state, config=config), 2 * BA if known else BA, status="ok" if known else "assumed")
    assert row["note"] == "" if known else "scale 1 assumed" in row["note"]
    assert "DoRA" in rk.audit(state | {"layers.0.attn.q_proj.magnitude": normal(M)}).table["note"][0]


def test_lycoris_full_is_the_update_itself():
    state = {"lycoris_q.diff": (B @ A), "lycoris_q.diff_b": normal(M), "lycoris_norm.diff": normal(M),
             "lycoris_c.diff": normal(6, 3, 3, 3)}  # fmt: skip
    report = rk.audit(state)
    assert report.table["module"].tolist() == ["lycoris_q", "lycoris_c"]
    sigma = np.linalg.svd((B @ A).astype(float), compute_uv=False)
    np.testing.assert_allclose(report.spectra["lycoris_q"], sigma, atol=1e-9 * sigma[0])
    assert report.table["n"].tolist() == [N, 27]
    assert {entry.key for entry in report.skipped} == {"lycoris_q.diff_b", "lycoris_norm.diff"}
    assert all("vector" in entry.reason for entry in report.skipped)
    with pytest.raises(ValueError, match="vectors alone"):
        rk.audit({"lycoris_norm.diff": normal(M)})


@pytest.mark.parametrize("family", ["peft", "kohya", "mlx", "torchtune"])
def test_dora_is_said_in_every_family(family):
    states = {
        "peft": pair("q.lora_A.weight", "q.lora_B.weight") | {"q.lora_magnitude_vector": normal(M)},
        "kohya": pair("q.lora_down.weight", "q.lora_up.weight") | {"q.dora_scale": normal(M, 1)},
        "mlx": {"q.lora_a": A.T, "q.lora_b": B.T, "q.m": normal(M)},
        "torchtune": pair("q.lora_a.weight", "q.lora_b.weight") | {"q.magnitude": normal(M)},
    }
    W = normal(M, N)
    assert "DoRA: direction part only" in rk.audit(states[family]).table["note"][0]
    assert rk.audit(states[family], base={"q.weight": W}).table["note"][0].endswith("DoRA: the true update")


@pytest.mark.parametrize(
    "names", ["weight_m_wdecomp.weight", "magnitude_layer.magnitude", "lora_magnitude_vector.weight"]
)
def test_dora_under_other_names(names):
    state = pair("q.dora_layer.lora_A.weight", "q.dora_layer.lora_B.weight") | {
        f"q.{names}": np.ones((M, 1), np.float32)
    }
    row = rk.audit(state).table.iloc[0]
    assert row["module"] == "q"
    assert "DoRA" in row["note"]


def test_litgpts_file_and_what_lies_beside_it(tmp_path):
    state = {
        key: torch.as_tensor(x)
        for key, x in pair("transformer.h.0.attn.proj.lora_A", "transformer.h.0.attn.proj.lora_B").items()
    }
    torch.save({"model": state}, tmp_path / "lit_model.pth.lora")
    agrees(rk.audit(tmp_path), BA, status="assumed")
    (tmp_path / "hyperparameters.yaml").write_text(
        "# of a run\nlora_r: 4\nlora_alpha: 8\nlora_query: true\ndata:\n  x: 1\n"
    )
    torch.save({"model": state}, tmp_path / "lit_model.pth")
    report = rk.audit(tmp_path)
    assert report.source.endswith(".pth.lora")
    agrees(report, 2 * BA)


def test_the_output_folder_of_a_trainer_holds_more_files(tmp_path):
    (tmp_path / "adapter_config.json").write_text('{"peft_type": "LORA", "r": 4, "lora_alpha": 8}')
    for name in ("training_args.bin", "optimizer.pt", "scheduler.pt", "rng_state_0.pth", "rng_state.pth"):
        (tmp_path / name).write_bytes(b"no tensors of an adapter")
    torch.save(
        {key: torch.as_tensor(x) for key, x in pair("q.lora_A.weight", "q.lora_B.weight").items()},
        tmp_path / "mine.bin",
    )
    agrees(rk.audit(tmp_path), 2 * BA)
