"""cloneofsimo/lora: unet:0:up, unet:0:down in safetensors, or a bare list of tensors up, down, up, down in a .pt."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from rankkit.checkpoints.files.tensors import Tensors
from rankkit.checkpoints.forms import LORA
from rankkit.checkpoints.layer import Adapter, Scaled
from rankkit.checkpoints.readers.build import grouped, layer_of, nothing_found

__all__ = ["read", "recognises"]

_NAMED = re.compile(r"(?P<model>[\w\-]+):(?P<index>\d+):(?P<part>up|down)")
_PART = {"up": "B", "down": "A"}


def recognises(keys: list[str], config: Mapping[str, Any] | None) -> bool:
    """Return whether keys read model:index:up, or are the places of a list."""
    return bool(keys) and (any(map(_NAMED.fullmatch, keys)) or _is_list(keys))


def read(tensors: Tensors, config: Mapping[str, Any] | None) -> Adapter:
    """Return the adapter's layers, in the order of their numbers, and every other tensor with its reason.

    Raises
    ------
    ValueError
        If no module is found.
    """
    modules, skipped = grouped(tensors, _parse_list if _is_list(list(tensors.info)) else _parse)
    if not modules:
        raise nothing_found(tensors, "module of cloneofsimo's format")
    assumed = Scaled.linear(1.0, ("no alpha in this format: scale 1 assumed",))
    ordered = sorted(modules.items(), key=lambda item: (item[0].partition(":")[0], int(item[0].rpartition(":")[2][:9])))
    layers = [layer_of(module, keys, tensors, LORA, lambda m, n, r: assumed) for module, keys in ordered]
    return Adapter(tensors.source, "cloneofsimo", tuple(layers), tuple(skipped))


def _is_list(keys: list[str]) -> bool:
    return keys == [str(i) for i in range(len(keys))]


def _parse(key: str) -> tuple[str, str] | str:
    match = _NAMED.fullmatch(key)
    if match is None:
        return "no adapter tensor: a text-inversion embedding or other weight"
    return f"{match['model']}:{match['index']}", _PART[match["part"]]


def _parse_list(key: str) -> tuple[str, str]:
    return f"list:{int(key) // 2}", "BA"[int(key) % 2]
