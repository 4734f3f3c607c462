"""kohya's and LyCORIS's files in particular: alphas of headers, fused projections in parts, Kronecker products, vectors."""

import math

import numpy as np
import pytest

from rankkit.checkpoints import open_adapter
from tests.checkpoints.readers.opened import normal, only, pair


def test_a_header_s_alpha_of_convolutions_is_that_of_those_with_a_kernel():
    config = {"r": 2, "lora_alpha": 6, "conv_alpha": 1}
    names = (".lora_down.weight", ".lora_up.weight")
    kernel = {"q.lora_down.weight": normal(2, 5, 3, 1), "q.lora_up.weight": normal(6, 2, 1, 1)}
    one = {"q.lora_down.weight": normal(2, 5, 1, 1), "q.lora_up.weight": normal(6, 2, 1, 1)}
    middle = {
        "q.lora_down.weight": normal(2, 5, 1, 1),
        "q.lora_mid.weight": normal(2, 2, 3, 3),
        "q.lora_up.weight": normal(6, 2, 1, 1),
    }
    lokr = {"q.lokr_w1_a": normal(3, 2), "q.lokr_w1_b": normal(2, 2), "q.lokr_w2": normal(4, 5, 3, 3)}
    tucker = {
        "q.lokr_w1": normal(3, 2),
        "q.lokr_t2": normal(2, 2, 3, 3),
        "q.lokr_w2_a": normal(2, 4),
        "q.lokr_w2_b": normal(2, 5),
    }
    for state, scale in ((pair("q", *names), 3), (kernel, 0.5), (one, 3), (middle, 0.5), (lokr, 0.5), (tucker, 0.5)):
        assert only(state, config).scale == scale
        assert only(state, {"r": 2, "lora_alpha": 6}).scale == 3


@pytest.mark.parametrize("stored", [3.0, 6.0, 6.0 * math.sqrt(2)])
def test_an_alpha_beside_a_header_of_rslora_is_told_by_its_size(stored):
    """Newer versions store alpha * sqrt(r), which divided by r is the scale."""
    state = pair("q", ".lora_down.weight", ".lora_up.weight") | {"q.alpha": np.array(stored)}
    header = {"r": 2, "lora_alpha": 6, "use_rslora": True}
    layer = only(state, header)
    sure = stored == 6.0 * math.sqrt(2)
    assert layer.scale == pytest.approx(stored / 2)
    assert layer.assumed == (() if sure else ("scale",))
    assert only(state, {"r": 2, "lora_alpha": 6}).assumed == ()
    assert only(
        {key: x for key, x in state.items() if "alpha" not in key}, header | {"alphas": "block_alphas"}
    ).assumed == ("scale",)
    assert only(state, {"r": 2, "lora_alpha": 6, "alphas": "block_alphas"}).assumed == ()


def test_a_fused_projection_lacks_the_parts_between_those_that_are_there():
    parts = {
        f"q.lora_{x}.{i}.weight": normal(*shape) for i in (0, 2) for x, shape in (("up", (6, 2)), ("down", (2, 5)))
    }
    layer = only(parts | {"q.alpha": np.array(1.0)})
    assert (layer.status, layer.notes) == ("unpaired", ("lora_up.1 and lora_down.1 are missing",))


@pytest.mark.parametrize(
    "config", [{"peft_type": "LOKR"}, {"peft_type": "LOKR", "r": "x"}, {"peft_type": "LOKR", "r": 0}]
)
def test_peft_s_kronecker_products_stored_whole_need_a_rank(config):
    state = {"q.lokr_w1": normal(2, 2), "q.lokr_w2": normal(3, 4)}
    layer = only(state, config)
    assert (layer.status, layer.m) == ("unsupported", 6)
    assert "r must be an integer >= 1" in layer.notes[0]
    told = only(state, {"peft_type": "LOKR", "r": 4, "rank_pattern": {"q": 2}, "alpha_pattern": {"q": 3}})
    assert told.scale == 1.5
    assert only(state, {"peft_type": "LOKR", "r": 4}).scale == 2  # PEFT's default alpha is 8
    assert only(state).notes == ("both parts stored whole: scale 1, as LyCORIS applies",)


def test_changes_of_vectors_are_no_modules_and_matrices_are():
    state = {"q.diff": normal(4, 3), "norm.diff": normal(4), "n.diff": np.array(1.0), "q.diff_b": normal(4)}
    adapter = open_adapter(state)
    assert [layer.name for layer in adapter.layers] == ["q"]
    assert {entry.key for entry in adapter.skipped} == {"norm.diff", "n.diff", "q.diff_b"}
    assert len({entry.reason for entry in adapter.skipped}) == 1
