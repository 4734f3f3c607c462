"""MLX: lora_a (n, r) and lora_b (r, m), transposed against PEFT, with a scale that multiplies directly."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import partial
from typing import Any

from rankkit.checkpoints.files.tensors import Tensors
from rankkit.checkpoints.forms import TRANSPOSED
from rankkit.checkpoints.layer import Adapter, Scaled
from rankkit.checkpoints.readers.build import grouped, layer_of, nothing_found
from rankkit.checkpoints.scaling import number

__all__ = ["read", "recognises"]

_KEY = re.compile(r"(?P<module>.+)\.lora_(?P<part>a|b)")


def recognises(keys: list[str], config: Mapping[str, Any] | None) -> bool:
    """Return whether there are MLX's keys."""
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
        raise nothing_found(tensors, "MLX LoRA module")
    layers = []
    for module, keys in modules.items():
        dora = ("DoRA: direction part only, without the base weight",) if "m" in keys else ()
        layers.append(
            layer_of(module, keys, tensors, TRANSPOSED, partial(_scaled, config), spelled="lora_{}", notes=dora)
        )
    return Adapter(tensors.source, "mlx", tuple(layers), tuple(skipped))


def _parse(key: str) -> tuple[str, str] | str:
    match = _KEY.fullmatch(key)
    return (match["module"], match["part"]) if match else "no adapter tensor: a head, magnitude or base weight"


def _scaled(config: Mapping[str, Any] | None, m: int, n: int, r: int) -> Scaled:
    found = (config or {}).get("lora_parameters")
    stored = found.get("scale") if isinstance(found, Mapping) else None
    if stored is None:
        return Scaled.linear(1.0, ("no lora_parameters.scale in a config: scale 1 assumed",))
    return Scaled.linear(number("lora_parameters.scale", stored))
