"""diffusers: attention processors (old), *.lora.down/up (middle) and lora_A/lora_B under a pipeline prefix (new)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import partial
from typing import Any

from rankkit.checkpoints.files.tensors import Tensors, scalar
from rankkit.checkpoints.forms import LORA
from rankkit.checkpoints.layer import Adapter, Scaled
from rankkit.checkpoints.readers.build import grouped, layer_of, nothing_found

__all__ = ["read", "recognises"]

_KEY = re.compile(
    r"(?P<module>.+?)(?:\.processor\.(?P<projection>.+)_lora|\.lora|\.lora_linear_layer)\.(?P<old>down|up)\.weight"
    r"|(?P<path>.+)\.lora_(?P<new>A|B)\.weight"
    r"|(?P<scaled>.+?)(?:\.processor\.(?P<of>.+)_lora|\.lora|\.lora_linear_layer)?\.(?P<alpha>alpha)"
)
_PREFIX = re.compile(r"(unet|transformer|text_encoder(_\d+)?|prior|controlnet)\.")
_PART = {"down": "A", "up": "B", "A": "A", "B": "B"}


def recognises(keys: list[str], config: Mapping[str, Any] | None) -> bool:
    """Return whether there are diffusers' keys, and no PEFT configuration."""
    if config is not None and "peft_type" in config:
        return False
    old = re.compile(r"(_lora|\.lora|\.lora_linear_layer)\.(down|up)\.weight$")
    new = config is None  # with one it is PEFT's, whose GPT-2 has a "transformer." too
    return any(old.search(key) or (new and _PREFIX.match(key) and ".lora_A.weight" in key) for key in keys)


def read(tensors: Tensors, config: Mapping[str, Any] | None) -> Adapter:
    """Return the adapter's layers and every other tensor with its reason.

    Raises
    ------
    ValueError
        If no module is found.
    """
    modules, skipped = grouped(tensors, _parse)
    modules = {module: keys for module, keys in modules.items() if keys.keys() - {"alpha"}}
    if not modules:
        raise nothing_found(tensors, "diffusers LoRA module")
    layers = [
        layer_of(module, keys, tensors, LORA, partial(_scaled, tensors, keys), spelled="lora_{}")
        for module, keys in modules.items()
    ]
    return Adapter(tensors.source, "diffusers", tuple(layers), tuple(skipped))


def _parse(key: str) -> tuple[str, str] | str:
    match = _KEY.fullmatch(key)
    if match is None:
        return "no adapter tensor"
    if match["old"]:
        module = match["module"] + (f".{match['projection']}" if match["projection"] else "")
        return module, _PART[match["old"]]
    if match["new"]:
        return match["path"], _PART[match["new"]]
    return match["scaled"] + (f".{match['of']}" if match["of"] else ""), "alpha"


def _scaled(tensors: Tensors, keys: Mapping[str, str], m: int, n: int, r: int) -> Scaled:
    if "alpha" in keys:
        return Scaled.linear(scalar(tensors, keys["alpha"]) / r)
    return Scaled.linear(1.0, ("no alpha stored: scale 1 assumed",))
