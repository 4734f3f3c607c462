"""Laws of every reader: each tensor is accounted for once, and an adapter is the same however it is written."""

import contextlib
import dataclasses
import json

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.numpy import save_file
from safetensors.torch import save_file as save_torch

import rankkit as rk
from rankkit.checkpoints import open_adapter
from tests.checkpoints.conftest import ALPHA, SPELLINGS, A, B, M, N, R

# factors of small integers: every dtype holds them exactly
WHOLE_B, WHOLE_A = (np.round(4 * x) for x in (B, A))
DTYPES = [torch.float64, torch.float32, torch.float16, torch.bfloat16]


def spelled(spelling):
    """Return an adapter with whole numbers in its factors, in one of the spellings of the tests, and its configuration."""
    state, config = SPELLINGS[spelling]
    return {key: np.round(4 * value) if np.ndim(value) == 2 else value for key, value in state.items()}, config


def written(folder, state, config, dtype, order, container):
    """Write an adapter into a folder and return what an audit is given."""
    tensors = {
        key: torch.as_tensor(np.ascontiguousarray(state[key])).to(dtype if np.ndim(state[key]) == 2 else torch.float32)
        for key in order
    }
    folder.mkdir()
    if config is not None:
        (folder / "adapter_config.json").write_text(json.dumps(config))
    if container == "bin":
        torch.save(tensors, folder / "adapter_model.bin")
    elif container == "shards":
        names = {key: f"adapter_model-{i:05}-of-{len(order):05}.safetensors" for i, key in enumerate(order, 1)}
        for key, name in names.items():
            save_torch({key: tensors[key]}, folder / name)
        (folder / "adapter_model.safetensors.index.json").write_text(json.dumps({"weight_map": names}))
    else:
        save_torch(tensors, folder / "adapter_model.safetensors")
    return folder


@pytest.mark.parametrize("spelling", SPELLINGS)
@pytest.mark.parametrize("container", ["safetensors", "shards", "bin"])
def test_an_adapter_is_the_same_in_every_spelling_dtype_order_and_container(spelling, container, tmp_path):
    state, config = spelled(spelling)
    exact = ALPHA / R * np.linalg.svd(WHOLE_B.astype(float) @ WHOLE_A, compute_uv=False)[:R]
    for i, dtype in enumerate(DTYPES):
        for order in (list(state), list(state)[::-1]):
            source = written(tmp_path / f"{i}{order[0]}", state, config, dtype, order, container)
            report = rk.audit(source, progress=False)
            (sigma,) = report.spectra.values()
            np.testing.assert_allclose(sigma, exact, rtol=1e-13)
            assert report.columns["status"] == ["ok"], report.columns["note"]
            assert (report.columns["m"], report.columns["n"], report.columns["r"]) == ([M], [N], [R])


# keys of several families, of what is beside them, and of nothing that is known
PARTS = ["lora_A.weight", "lora_B.weight", "lora_up.weight", "lora_down.weight", "alpha", "hada_w1_a", "hada_w1_b", "hada_w2_a",
         "hada_w2_b", "lokr_w1", "lokr_w2", "lokr_w2_a", "lokr_w2_b", "lora_a", "lora_b", "m", "diff", "diff_b", "dora_scale",
         "lora_magnitude_vector", "weight", "bias", "lora_mid.weight", "lora_embedding_A", "w_a", "w_b", "lora_E"]  # fmt: skip
SHAPES = st.sampled_from(
    [(), (1,), (2,), (5,), (2, 6), (5, 2), (6, 2), (2, 5), (5, 6), (3, 2), (2, 3, 3, 3), (4, 2, 1, 1), (0, 2)]
)
MODULES = st.sampled_from(
    ["base_model.model.l.0.q", "base_model.model.l.1.q", "lora_unet_x", "l.0.q", "q", "unet.mid.attn"]
)
STATES = st.dictionaries(st.tuples(MODULES, st.sampled_from(PARTS)), SHAPES, min_size=1, max_size=9)
CONFIGS = st.sampled_from(
    [None, {"peft_type": "LORA", "r": 2, "lora_alpha": 4}, {"peft_type": "LOHA", "r": 2}, {"r": 2}]
)


def accounted(adapter):
    """Return every tensor that a layer or a skipped entry names, as often as they do."""
    used = [key for layer in adapter.layers for key in set(layer.keys.values())]
    return sorted([*used, *(entry.key for entry in adapter.skipped)])


@settings(max_examples=400)
@given(STATES, CONFIGS)
def test_every_tensor_is_in_one_row_or_in_one_skipped_entry(shapes, config):
    state = {f"{module}.{part}": np.ones(shape, np.float32) for (module, part), shape in shapes.items()}
    try:
        adapter = open_adapter(state, config=config)
    except ValueError:
        return  # nothing in it is an adapter's
    assert accounted(adapter) == sorted(state)
    report = rk.audit(state, config=config, progress=False)
    assert sorted(report.columns["module"]) == sorted(layer.name for layer in adapter.layers)
    assert sorted(entry.key for entry in report.skipped) == sorted(entry.key for entry in adapter.skipped)


def test_a_tensor_that_is_lost_would_be_noticed():
    state = {"q.lora_A.weight": np.ones((2, 6)), "q.lora_B.weight": np.ones((5, 2)), "q.bias": np.ones(5)}
    adapter = open_adapter(state, config={"lora_alpha": 2})
    assert accounted(adapter) == sorted(state)
    assert accounted(dataclasses.replace(adapter, skipped=())) == sorted(set(state) - {"q.bias"})


def test_a_file_that_shrinks_while_it_is_read_costs_one_sentence_or_rows(tmp_path):
    """Its header was read; the tensors behind the cut are gone."""
    _, config = spelled("peft")
    more = {f"base_model.model.l.{i}.lora_{x}.weight": value for i in range(40) for x, value in (("A", A), ("B", B))}
    save_file(more, tmp_path / "adapter_model.safetensors")
    (tmp_path / "adapter_config.json").write_text(json.dumps(config))
    adapter = open_adapter(tmp_path)
    whole = (tmp_path / "adapter_model.safetensors").read_bytes()
    (tmp_path / "adapter_model.safetensors").write_bytes(whole[: len(whole) // 2])
    for layer in adapter.layers:
        with contextlib.suppress(ValueError, OSError):
            product = layer.product()
            assert isinstance(product, rk.Factors)
            np.testing.assert_array_equal(product.B, B)
    with pytest.raises((ValueError, OSError)):
        rk.audit(tmp_path, progress=False)
