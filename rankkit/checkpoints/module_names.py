"""A module's path: what the base model calls it, its depth in the network, and what kind of matrix it adapts."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from typing import Any

__all__ = [
    "bare", "by_depth", "comparable", "in_base_model", "kind_of", "layer_indices", "parameter_of", "replicated",
    "split_adapter", "unwrapped", "with_adapter",
]  # fmt: skip

PEFT_PREFIX = "base_model.model."  # PeftModel.base_model is a tuner, LoraModel.model the base model itself
PEFT_WRAPPED = ".base_layer"  # what PEFT calls the module that its own one wraps

# what torch.compile, FSDP, activation checkpointing and Lightning's Fabric put into a path
_WRAPPERS = re.compile(
    r"(?:(?<=\.)|^)(?:_orig_mod|_fsdp_wrapped_module|_fpw_module|_checkpoint_wrapped_module|_forward_module)\."
)
_OUTER = re.compile(r"^(?:module\.)+|^(?:module\.)*model\.(?=base_model\.model\.)")  # DDP and DeepSpeed; Lightning
_INNER = f"{PEFT_PREFIX}module."  # a model that was wrapped before PEFT wrapped it
# a name whose dots were all replaced: path_lora_down_weight
_UNDOTTED = re.compile(r"(.+)_(?:(lora_(?:up|down|mid|A|B))_(?:(default)_)?(weight)|(alpha))")

_ATTENTION = re.compile(
    r"attn|attention|(^|[._])(q|k|v|o|qkv|kv|c_attn|query|key|value|to_[qkv]|to_out|wqkv)(_proj|_lin)?([._]|$)", re.I
)
_MLP = re.compile(
    r"mlp|ffn|feed_?forward|experts?([._]|$)|intermediate|(^|[._])(ff|fc\d?|c_fc|gate|up|down|w[123]|lin[12]|wi(_\d)?|wo)(_proj)?([._]|$)"
    r"|dense_h_to_4h|dense_4h_to_h|(layer|block)\.\d+\.output\.dense$",
    re.I,
)
_CONTAINER = re.compile(r"attentions[._]\d+")  # a U-Net's attention blocks hold feed-forward layers too
_UNET = re.compile(
    r"(?P<side>down|mid|up)_blocks?(?:[._](?P<block>\d+))?.*?attentions[._](?P<attention>\d+)(?:.*?transformer_blocks[._](?P<inner>\d+))?"
)
_NUMBER = re.compile(r"(?:^|[._])(\d+)(?:[._]|$)")
_SIDES = {"down": 0, "mid": 1, "up": 2}
LONGEST_INDEX = 6  # digits: a longer number in a path is no depth


def bare(key: str) -> str:
    """Return a tensor's key, or a module's path, without what wrappers put in front of it or into it.

    Examples
    --------
    >>> bare("module._orig_mod.base_model.model.q.weight"), bare("base_model.model._fsdp_wrapped_module.q.weight")
    ('base_model.model.q.weight', 'base_model.model.q.weight')
    >>> bare("layer_0/q/lora_a"), bare("unet_mid_to_q_lora_A_default_weight")
    ('layer_0.q.lora_a', 'unet_mid_to_q.lora_A.default.weight')
    """
    key = key.replace("/", ".")  # of Flax's flattened trees
    if "." not in key and (match := _UNDOTTED.fullmatch(key)):
        key = ".".join(part for part in match.groups() if part)
    if "_mod." in key or "_module." in key:
        key = _WRAPPERS.sub("", key)
    if key.startswith("mod"):
        key = _OUTER.sub("", key)
    return PEFT_PREFIX + key[len(_INNER) :] if key.startswith(_INNER) else key


def in_base_model(name: str) -> str:
    """Return a module's path in the base model: without what PEFT puts in front of it."""
    return name.removeprefix(PEFT_PREFIX)


def comparable(name: str) -> str:
    """Return a module's path as it may be compared with a base model's, whoever wrote it.

    Examples
    --------
    >>> comparable("base_model.model.h.0.attn.base_layer"), comparable("h_0_attn")
    ('h_0_attn', 'h_0_attn')
    """
    return unwrapped(in_base_model(bare(name))).replace(".", "_")


def unwrapped(name: str) -> str:
    """Return a module's path without the steps from a module of PEFT's to the one that it wraps."""
    return name.replace(PEFT_WRAPPED, "")


def with_adapter(module: str, adapter: str | None) -> str:
    """Return what a module is called where a live model's keys name the adapter: path[adapter]."""
    return f"{module}[{adapter}]" if adapter else module


def split_adapter(name: str) -> tuple[str, str]:
    """Return (path, adapter) of what `with_adapter` made; the adapter is "" where there is none.

    A number in brackets is that of an expert, and part of the path.

    Examples
    --------
    >>> split_adapter("layers.0.q_proj[default]"), split_adapter("layers.0.experts.up[3]")
    (('layers.0.q_proj', 'default'), ('layers.0.experts.up[3]', ''))
    """
    path, bracket, adapter = name.rpartition("[")
    named = bracket and name.endswith("]") and not adapter.removesuffix("]").isdigit()
    return (path, adapter.removesuffix("]")) if named else (name, "")


def parameter_of(name: str) -> str:
    """Return the parameter that an expert's name is of, without the path of the block in front; "" for any other name.

    Examples
    --------
    >>> parameter_of("model.layers.0.mlp.experts.up_proj[3]"), parameter_of("model.layers.0.mlp.up_proj")
    ('experts.up_proj', '')
    """
    path, bracket, number = name.rpartition("[")
    of_expert = bracket and name.endswith("]") and number.removesuffix("]").isdigit()
    return ".".join(path.split(".")[-2:]) if of_expert else ""


def replicated(name: str, ranges: Any) -> str:
    """Return the path of the module that one is a copy of where PEFT's layer_replication numbered the layers anew.

    Parameters
    ----------
    name : str
        A module's path.
    ranges : list of (int, int)
        Which of the base's layers stand behind one another: a configuration's word, unchecked.

    Raises
    ------
    ValueError
        If the ranges are none, or leave the module out.

    Examples
    --------
    >>> replicated("model.layers.5.mlp.up_proj", [[0, 4], [2, 6]])
    'model.layers.3.mlp.up_proj'
    """
    match = _NUMBER.search(name)
    if match is None or len(match[1]) > LONGEST_INDEX:
        return name
    at = int(match[1])
    try:
        for begin, end in ranges:
            if at < end - begin:
                return f"{name[: match.start(1)]}{begin + at}{name[match.end(1) :]}"
            at -= end - begin
    except (TypeError, ValueError):
        pass
    raise ValueError(f"layer_replication does not tell which layer of the base {name} is a copy of; mend the config.")


def kind_of(module: str) -> str:
    """Return "attention", "mlp" or "other".

    Examples
    --------
    >>> kind_of("model.layers.3.self_attn.q_proj"), kind_of("transformer.h.0.mlp.c_proj"), kind_of("score")
    ('attention', 'mlp', 'other')
    """
    module = _CONTAINER.sub("", module)
    if _ATTENTION.search(module):
        return "attention"
    return "mlp" if _MLP.search(module) else "other"


def layer_indices(modules: Iterable[str]) -> list[int | None]:
    """Return each module's depth: the first number in its path, or its place along a U-Net; None without either.

    Examples
    --------
    >>> layer_indices(["model.layers.7.mlp.up_proj", "lm_head"])
    [7, None]
    """
    modules = list(modules)
    places = {module: _place(module) for module in modules}
    along = {place: i for i, place in enumerate(sorted({p for p in places.values() if p is not None}))}
    indices: list[int | None] = []
    for module in modules:
        place = places[module]
        number = _NUMBER.search(module)
        depth = int(number[1]) if number and len(number[1]) <= LONGEST_INDEX else None
        indices.append(depth if place is None else along[place])
    return indices


def by_depth(modules: Iterable[str]) -> list[tuple[str, int | None]]:
    """Return (module, depth) in the order of depth, those without one last, otherwise as they came."""
    modules = list(modules)
    pairs = zip(modules, layer_indices(modules), strict=True)
    return sorted(pairs, key=lambda pair: math.inf if pair[1] is None else pair[1])


def _place(module: str) -> tuple[int, ...] | None:
    """Return where along a U-Net a module stands: side, block, attention, transformer block."""
    match = _UNET.search(module)
    if match is None:
        return None
    numbers = (int(match[part] or 0) for part in ("block", "attention", "inner"))
    return (_SIDES[match["side"]], *numbers)
