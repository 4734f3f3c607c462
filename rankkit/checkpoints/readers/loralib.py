"""loralib: ...lora_A and ...lora_B without .weight, merged groups of a fused layer, beside whatever was trained."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import partial
from typing import Any

from rankkit.checkpoints.files.tensors import Tensors
from rankkit.checkpoints.forms import LORA, Form, merged_form
from rankkit.checkpoints.layer import Adapter, Scaled
from rankkit.checkpoints.readers.build import grouped, layer_of, nothing_found
from rankkit.checkpoints.scaling import scale_of

__all__ = ["read", "recognises"]

MOST_GROUPS = 16  # of a fused projection: three, for query, key and value, is what there is

_KEY = re.compile(r"(?P<module>.+)\.lora_(?P<part>A|B)")


def recognises(keys: list[str], config: Mapping[str, Any] | None) -> bool:
    """Return whether there are loralib's keys, and no PEFT configuration or AdaLoRA's third factor."""
    if (config is not None and "peft_type" in config) or any(key.endswith(".lora_E") for key in keys):
        return False
    return any(map(_KEY.fullmatch, keys))


def read(tensors: Tensors, config: Mapping[str, Any] | None) -> Adapter:
    """Return the adapter's layers and every other tensor with its reason.

    Raises
    ------
    ValueError
        If no module is found.
    """
    modules, skipped = grouped(tensors, _parse)
    if not modules:
        raise nothing_found(tensors, "loralib module")
    layers = []
    for module, keys in modules.items():
        form, groups = _form(keys, tensors)
        layers.append(
            layer_of(module, keys, tensors, form, partial(_scaled, config, module, groups), spelled="lora_{}")
        )
    return Adapter(tensors.source, "loralib", tuple(layers), tuple(skipped))


def _parse(key: str) -> tuple[str, str] | str:
    match = _KEY.fullmatch(key)
    return (match["module"], match["part"]) if match else "no adapter tensor: a head or base weight"


def _form(keys: Mapping[str, str], tensors: Tensors) -> tuple[Form, int]:
    """Return the form and its number of groups: A of a fused layer has a multiple of B's columns as rows."""
    if {"A", "B"} <= keys.keys():
        B, A = tensors.info[keys["B"]].shape, tensors.info[keys["A"]].shape
        groups = A[0] // B[1] if len(B) in (2, 3) and len(A) == 2 and B[1] else 0
        if 1 < groups <= MOST_GROUPS and A[0] == groups * B[1]:
            return merged_form((True,) * groups), groups
    return LORA, 1


def _scaled(config: Mapping[str, Any] | None, module: str, groups: int, m: int, n: int, r: int) -> Scaled:
    if config is None or "lora_alpha" not in config:
        return Scaled.linear(1.0, ("alpha is not stored: scale 1 assumed; pass config={'lora_alpha': ...}",))
    return Scaled.linear(*scale_of(config, module, r // groups))
