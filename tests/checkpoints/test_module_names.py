"""What a module's path tells of its kind and depth."""

import pytest

from rankkit.checkpoints.module_names import kind_of, layer_indices


@pytest.mark.parametrize(
    ("module", "kind"),
    [
        ("model.layers.0.self_attn.o_proj", "attention"),
        ("model.layers.0.mlp.down_proj", "mlp"),
        ("transformer.h.3.attn.c_proj", "attention"),
        ("transformer.h.3.mlp.c_proj", "mlp"),
        ("roberta.encoder.layer.2.attention.self.query", "attention"),
        ("roberta.encoder.layer.2.attention.output.dense", "attention"),
        ("roberta.encoder.layer.2.intermediate.dense", "mlp"),
        ("roberta.encoder.layer.2.output.dense", "mlp"),
        ("transformer.h.1.self_attention.query_key_value", "attention"),
        ("transformer.h.1.mlp.dense_h_to_4h", "mlp"),
        ("decoder.block.1.layer.2.DenseReluDense.wi_0", "mlp"),
        ("decoder.block.1.layer.0.SelfAttention.q", "attention"),
        ("down_blocks.0.attentions.0.transformer_blocks.0.ff.net.0.proj", "mlp"),
        ("down_blocks.0.attentions.0.transformer_blocks.0.attn1.to_out.0", "attention"),
        ("layers.4.block_sparse_moe.experts.7.w2", "mlp"),
        ("lm_head", "other"),
        ("transformer.wte", "other"),
        ("q_proj", "attention"),
        ("up_proj", "mlp"),
    ],
)
def test_kinds(module, kind):
    assert kind_of(module) == kind


def test_depth_is_the_first_number():
    modules = ["model.layers.7.mlp.up_proj", "h.0.attn.c_attn", "lm_head", "decoder.block.1.layer.2.wi"]
    assert layer_indices(modules) == [7, 0, None, 1]


def test_depth_along_a_unet_runs_down_through_the_middle_and_up():
    place = "{}.attentions.{}.transformer_blocks.0.attn1.to_q"
    modules = [
        place.format(*at) for at in (("up_blocks.1", 0), ("mid_block", 0), ("down_blocks.0", 1), ("down_blocks.0", 0))
    ]
    assert layer_indices(modules) == [3, 2, 1, 0]
    assert layer_indices([m.replace("attn1.to_q", "attn2.to_k") for m in modules] + modules) == [3, 2, 1, 0] * 2
