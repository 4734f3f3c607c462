"""Every format by its name, and the writer of its files."""

from __future__ import annotations

from functools import partial
from typing import Any

from tests.checkpoints.readers.writers_of_pairs import (
    write_adalora,
    write_convolution,
    write_delora,
    write_embedding,
    write_enabled,
    write_factor,
    write_grouped,
    write_list,
    write_loran,
    write_mixer,
    write_numbered,
    write_padded,
    write_patterns,
    write_plain,
    write_pull_request,
    write_sine,
)
from tests.checkpoints.readers.writers_of_products import (
    write_experts,
    write_loha,
    write_loha_kernel,
    write_lokr,
    write_merged,
    write_middle,
    write_parts,
    write_randlora,
    write_vera,
    write_whole,
)
from tests.checkpoints.readers.written import PEFT, Writer

__all__ = ["SHARED", "WRITERS"]

# -- all of them

_NO: dict[str, Any] = {}
_OWN = {"peft_type": "LORA"}
_UP = {"peft_type": "LORA", "target_parameters": ["up_proj"], "target_modules": ["q_proj"]}
_MLX = {"fine_tune_type": "lora", "lora_parameters": {"scale": 3.0}}


# the names of A and of B, and what else a format of two factors has
_PAIRS: dict[str, tuple[str, str, dict[str, Any]]] = {
    "peft": (".lora_A.weight", ".lora_B.weight", {"front": PEFT, "named": _OWN}),
    "peft, rslora": (".lora_A.weight", ".lora_B.weight", {"front": PEFT, "named": _OWN, "rooted": True}),
    "peft without its prefix": (".lora_A.weight", ".lora_B.weight", {"named": _OWN}),
    "kohya": (".lora_down.weight", ".lora_up.weight", {"alpha": ".alpha"}),
    "kohya, a header's alpha": (".lora_down.weight", ".lora_up.weight", {"named": _NO}),
    "diffusers": (".lora_A.weight", ".lora_B.weight", {"front": "", "alpha": ".alpha"}),
    "diffusers, lora": (".lora.down.weight", ".lora.up.weight", {"alpha": ".lora.alpha"}),
    "diffusers, lora linear": (".lora_linear_layer.down.weight", ".lora_linear_layer.up.weight", {"named": _NO}),
    "loralib": (".lora_A", ".lora_B", {"named": _NO}),
    "loralib, OpenDelta": (".lora.lora_A", ".lora.lora_B", {"named": _NO}),
    "torchtune": (".lora_a.weight", ".lora_b.weight", {"named": _OWN}),
    "megatron": (".adapter.linear_in.weight", ".adapter.linear_out.weight", {"named": _NO}),
    "gguf": (".weight.lora_a", ".weight.lora_b", {"named": _NO}),
    "pairs": (".a", ".b", {"named": _NO}),
    **{f"pairs, {first}": (f".lora_{first}.weight", f".lora_{second}.weight", {"named": _NO}) for first, second in (
        ("in", "out"), ("first", "second"), ("1", "2"), ("right", "left"), ("r", "l"), ("v", "u"), ("V", "U"),
        ("encoder", "decoder"), ("enc", "dec"), ("reduce", "expand"), ("down_proj", "up_proj"), ("proj_down", "proj_up"),
        ("w1", "w2"))},
    "pairs, llama": (".adaptor.A.weight", ".adaptor.B.weight", {"named": _NO}),
    "pairs, fsdp": (".lora_AB.0.weight", ".lora_AB.1.weight", {"named": _NO}),
    "pairs, control": (".down.weight", ".up.weight", {"named": _NO}),
    "pairs, turned": (".lora_right_weight", ".lora_left_weight", {"named": _NO, "turned": True}),
}  # fmt: skip

# writers whose file has tensors that belong to no one module: it holds no second module of another file's
SHARED = ("vera", "randlora", "cloneofsimo")

WRITERS: dict[str, Writer] = {
    **{name: partial(write_plain, first, second, **more) for name, (first, second, more) in _PAIRS.items()},
    "peft, patterns": write_patterns, "peft, embedding": write_embedding, "peft, grouped convolution": write_grouped, "peft, padded": write_padded,
    "peft, convolution": partial(write_convolution, ".lora_A.weight", ".lora_B.weight", front=PEFT),
    "peft, one group of three": partial(write_enabled, (False, False, True)),
    "peft, two groups of three": partial(write_enabled, (True, False, True)),
    "peft, all groups": partial(write_enabled, (True, True)),
    **{f"peft, {name}": partial(write_mixer, name) for name in ("lora_AB.weight", "lora_mixer.weight", "default_lora_latent_mapping.weight")},
    "adalora": partial(write_adalora, {"init_r": 5, "lora_alpha": 3}, 5, 3),
    "adalora without alpha": partial(write_adalora, {"init_r": 5, "lora_alpha": 0}, 5, 5),
    "adalora, defaults": partial(write_adalora, {}, 12, 8),
    "peft's sine": write_pull_request, "sine": write_sine, "loran": write_loran, "delora": write_delora,
    "kohya, convolution": partial(write_convolution, ".lora_down.weight", ".lora_up.weight", config={}),
    "kohya, alpha of convolutions": partial(write_convolution, ".lora_down.weight", ".lora_up.weight", config={"conv_alpha": 3}),
    "kohya, middle": write_middle, "kohya, parts": partial(write_parts, False), "kohya, parts over one": partial(write_parts, True),
    "lycoris full": write_whole, "loha": partial(write_loha, False), "peft's loha": partial(write_loha, True), "loha, kernel": write_loha_kernel,
    **{f"lokr, {one} and {two}": partial(write_lokr, one, two, None) for one in ("whole", "pair") for two in ("whole", "pair", "kernel")},
    "peft's lokr": partial(write_lokr, "pair", "pair", {"alpha": 5, "r": 1}),
    "peft's lokr, whole": partial(write_lokr, "whole", "whole", {"alpha": 5, "r": 7}),
    "peft's lokr, default": partial(write_lokr, "pair", "whole", {"r": 7}),
    "mlx": write_factor, "cloneofsimo, list": write_list, "cloneofsimo": write_numbered,
    "loralib, merged": partial(write_merged, lambda n: (n, n), lambda n: {}),
    "loralib, three groups": partial(write_merged, lambda n: (4, 4, 4), lambda n: {}),
    "loralib, sixteen groups": partial(write_merged, lambda n: (2,) * 16, lambda n: {}),
    "litgpt": partial(write_merged, lambda n: (16, 8, 8), lambda n: {"n_head": 4, "n_query_groups": 2, "head_size": 4}),
    "litgpt, heads of the width": partial(write_merged, lambda n: (n // 2 * 2, n // 2, n // 2), lambda n: {"n_head": 2, "n_query_groups": 1}),
    "experts of peft": partial(write_experts, names=(".lora_A.weight", ".lora_B.weight"), layout="rank_major", config=_UP),
    "experts of unsloth": partial(write_experts, names=(".lora_A.weight", ".lora_B.weight"), layout="grouped_by_expert", config=_UP),
    "experts with an axis": partial(write_experts, names=(".lora_A.weight", ".lora_B.weight"), layout="axis", config=_OWN),
    "experts, turned": partial(write_experts, names=(".lora_A.weight", ".lora_B.weight"), layout="turned", config=_OWN),
    "experts of mlx": partial(write_experts, names=(".lora_a", ".lora_b"), layout="folded", config=_MLX),
    "experts of mlx with an axis": partial(write_experts, names=(".lora_a", ".lora_b"), layout="axis", config=_MLX),
    "experts of llama.cpp": partial(write_experts, names=(".weight.lora_a", ".weight.lora_b"), layout="axis", config=_NO),
    "vera": partial(write_vera, 0), "vera, wider": partial(write_vera, 2),
    "randlora": partial(write_randlora, 0, {"r": 4, "randlora_alpha": 3}), "randlora, wider": partial(write_randlora, 2, {}),
}  # fmt: skip
