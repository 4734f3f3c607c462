"""cloneofsimo/lora: unet:0:up, unet:0:down in safetensors, or a bare list of tensors up, down, up, down in a .pt."""

from __future__ import annotations

import re
from dataclasses import replace

from rankkit.checkpoints.files.tensors import Tensors
from rankkit.checkpoints.forms import Form, Sizes
from rankkit.checkpoints.layer import Adapter, Layer
from rankkit.checkpoints.readers.build import adapter_of
from rankkit.checkpoints.readers.family import Family, Module, Place, parser
from rankkit.checkpoints.scaling import Scaled, searched
from rankkit.checkpoints.untrusted import Config

__all__ = ["read", "recognises"]

_NAMED = re.compile(r"(?P<module>[\w\-]+:\d+):(?P<part>up|down)")
LONGEST_NUMBER = 9  # digits of a module's place that are looked at


def recognises(keys: list[str], config: Config) -> bool:
    """Return whether keys read model:index:up, or are the places of a list."""
    return bool(keys) and (any(map(_NAMED.fullmatch, keys)) or _is_list(keys))


def read(tensors: Tensors, config: Config) -> Adapter:
    """Return the adapter's layers, in the order of their numbers, and every other tensor with its reason.

    Raises
    ------
    ValueError
        If no module is found.
    """
    adapter = adapter_of(LISTED if _is_list(list(tensors.info)) else NAMED, tensors, config)
    return replace(adapter, layers=tuple(sorted(adapter.layers, key=_place)))


def _place(layer: Layer) -> tuple[str, int]:
    model, _, number = layer.name.partition(":")
    return model, int(number[:LONGEST_NUMBER])


def _is_list(keys: list[str]) -> bool:
    return keys == [str(i) for i in range(len(keys))]


def _parse_list(key: str) -> Place:
    return Place(f"list:{int(key) // 2}", "BA"[int(key) % 2])


def _scaled(module: Module, form: Form, sizes: Sizes) -> Scaled:
    return searched(module.tensors, module.keys, module.config, module.called, sizes.r, why="no alpha in this format")


HOLDS = "module of cloneofsimo's format"
REST = "no adapter tensor: a text-inversion embedding or other weight"
NAMED = Family("cloneofsimo", HOLDS, parser(_NAMED, REST, {"up": "B", "down": "A"}), _scaled)
LISTED = Family("cloneofsimo", HOLDS, _parse_list, _scaled)
