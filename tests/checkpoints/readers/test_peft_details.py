"""PEFT's LoRA in particular: what is refused, groups, padding, and what is no factor."""

import math

import numpy as np
import pytest

from rankkit.checkpoints import open_adapter
from tests.checkpoints.readers.opened import OWN, normal, only, pair


@pytest.mark.parametrize("field", ["use_qalora", "use_bdlora", "kasa_config", "arrow_config", "megatron_core_sharded"])
def test_peft_s_updates_that_are_no_b_a_are_refused_by_field(field):
    with pytest.raises(ValueError, match=f"sets {field} in its config"):
        open_adapter(pair(), config=OWN | {field: True})
    assert only(pair(), OWN | {field: False}).status == only(pair(), OWN | {field: None}).status == "ok"


def test_each_tensor_of_peft_that_is_no_factor_has_its_reason():
    more = {
        "q.lora_A.bias": normal(2),
        "q.ranknum": normal(1),
        "q.lora_mask.x.y.weight": normal(2),
        "q.weight": normal(6, 5),
        "score.bias": normal(2),
    }
    reasons = {entry.key: entry.reason for entry in open_adapter(pair() | more, config=OWN).skipped}
    assert reasons == {
        "q.lora_A.bias": "bias of the adapter, no matrix",
        "q.ranknum": "no adapter tensor of plain LoRA", "q.lora_mask.x.y.weight": "no adapter tensor of plain LoRA",
        "q.weight": "no adapter tensor: a head, modules_to_save or base weight",
        "score.bias": "no adapter tensor: a head, modules_to_save or base weight",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("config", "transposed"), [({}, False), ({"fan_in_fan_out": True}, True), ({"fan_in_fan_out": False}, False)]
)
def test_peft_says_which_weights_are_stored_the_other_way(config, transposed):
    assert only(pair(), OWN | config).transposed == transposed
    embedding = {"q.lora_embedding_A": normal(2, 5), "q.lora_embedding_B": normal(6, 2)}
    assert only(embedding, OWN | config).transposed


@pytest.mark.parametrize("init_r", [0, -1, "x", None])
def test_adalora_divides_by_a_positive_rank(init_r):
    state = {"q.lora_A": normal(2, 5), "q.lora_B": normal(6, 2), "q.lora_E": normal(2, 1)}
    layer = only(state, {"peft_type": "ADALORA", "init_r": init_r, "lora_alpha": 3})
    assert layer.status == "unsupported"
    assert "init_r" in layer.notes[0]
    bare = only(state)
    assert (bare.scale, bare.assumed) == (1.0, ("scale",))


def test_groups_that_are_all_off_or_alone_are_a_plain_module():
    for enabled in ([False, False], [True], [], None, "xx"):
        layer = only(pair(), OWN | {"enable_lora": enabled})
        assert (layer.m, layer.n, layer.r, layer.scale) == (6, 5, 2, 3.0)
    fused = {"q.lora_A.weight": normal(4, 5), "q.lora_B.weight": normal(6, 2)}
    assert only(fused, OWN | {"enable_lora": [True, True]}).m == 6
    assert only(fused, OWN | {"enable_lora": [True, True] + 14 * [False]}).m == 3 * 16
    assert only(fused, OWN | {"enable_lora": [True, True] + 20 * [False]}).m == 3 * 16  # no more are looked at
    assert only(fused, OWN | {"enable_lora": [True, True, True]}).status == "unsupported"


@pytest.mark.parametrize(("B", "A", "m"), [
    ((6, 2, 1, 1), (4, 5, 3, 3), 6), ((6, 2, 1), (4, 5, 3), 6), ((6, 2, 1, 1), (6, 5, 3, 3), 6), ((5, 2, 1, 1), (4, 5, 3, 3), None),
    ((6, 2, 1, 1), (5, 5, 3, 3), None), ((6, 2, 2, 1), (4, 5, 3, 3), None), ((6, 2, 1), (4, 5, 3, 3), None), ((6, 0, 1, 1), (4, 5, 3, 3), None),
])  # fmt: skip
def test_groups_of_a_convolution_share_its_rows_evenly(B, A, m):
    layer = only({"q.lora_A.weight": normal(*A), "q.lora_B.weight": normal(*B)}, OWN)
    assert layer.m == m
    assert layer.status == ("ok" if m else "unsupported")
    assert not m or (layer.n, layer.r) == (math.prod(A[1:]), A[0])


@pytest.mark.parametrize("zeros", [(1, 1), (1, 0), (0, 1), (0, 0)])
def test_a_module_is_padded_where_both_factors_are_zero_behind_its_rank(zeros):
    B, A = normal(6, 4), normal(4, 5)
    B[:, 2:] *= 1 - zeros[0]
    A[2:] *= 1 - zeros[1]
    for state in (
        {"q.lora_A.weight": A, "q.lora_B.weight": B},
        {
            "q.lora_A.weight": A.T,
            "q.lora_B.weight": B.T,
            "k.lora_A.weight": normal(9, 2),
            "k.lora_B.weight": normal(2, 7),
        },
    ):
        layer = open_adapter(state, config=OWN).layers[0]
        assert layer.scale == (3.0 if all(zeros) else 1.5)
        assert ("scale" in layer.assumed) == (not all(zeros))
        assert any("padded with zeros from rank 2" in note for note in layer.notes) == all(zeros)
    A[2:], B[:, 2:] = np.eye(2, 5), 0.0  # zeros behind the rank, but not zeros alone
    assert only({"q.lora_A.weight": A, "q.lora_B.weight": B}, OWN).scale == 1.5
    assert (
        only(
            {"q.lora_A.weight": np.zeros((4, 5)) + A * (np.arange(4) < 2)[:, None], "q.lora_B.weight": np.eye(6, 4)},
            OWN,
        ).scale
        == 1.5
    )
    broken = {"q.lora_A.weight": np.where(A[0, 0] == A, np.nan, A), "q.lora_B.weight": B}
    assert only(broken, OWN).scale == 1.5
    lost = only(
        {"q.lora_A.weight": A, "q.lora_B.weight": B}, OWN | {"r": 9}
    )  # a rank above the stored one is no padding
    assert (lost.scale, lost.assumed) == (1.5, ("scale",))
