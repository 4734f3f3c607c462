"""Bare research files: tensors called a and b somehow (w_a_000, w_b_000; w_As.3, w_Bs.3), paired by name and shape."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from rankkit.checkpoints.files.tensors import Tensors
from rankkit.checkpoints.forms import LORA, Form
from rankkit.checkpoints.layer import Adapter, Scaled
from rankkit.checkpoints.readers.build import grouped, layer_of, nothing_found

__all__ = ["read", "recognises"]

# a letter a or b of its own, perhaps with a plural s: w_a_000, w_Bs.3, lora_A_q
_KEY = re.compile(r"(?P<before>(?:.*[._\-])?)(?P<letter>[aAbB])(?P<plural>s?)(?P<after>(?:[._\-].*)?)")


def recognises(keys: list[str], config: Mapping[str, Any] | None) -> bool:
    """Return whether some key has a partner under the other letter."""
    found = {_parse(key) for key in keys} - {_ALONE}
    return any((module, "A") in found and (module, "B") in found for module, _ in found)  # type: ignore[misc]


def read(tensors: Tensors, config: Mapping[str, Any] | None) -> Adapter:
    """Return a layer for every pair that multiplies, and every other tensor with its reason.

    Raises
    ------
    ValueError
        If no pair is found.
    """
    modules, skipped = grouped(tensors, _parse)
    if not modules:
        raise nothing_found(tensors, "pair of factors")
    assumed = Scaled.linear(1.0, ("a bare pair: scale 1 assumed",))
    layers = [
        layer_of(name, keys, tensors, _form(keys, tensors), lambda m, n, r: assumed) for name, keys in modules.items()
    ]
    return Adapter(tensors.source, "pairs", tuple(layers), tuple(skipped))


_ALONE = "no tensor of a pair"


def _parse(key: str) -> tuple[str, str] | str:
    match = _KEY.fullmatch(key)
    if match is None:
        return _ALONE
    return f"{match['before']}{match['after'].lstrip('._-')}".strip("._-") or key, match["letter"].upper()


def _form(keys: Mapping[str, str], tensors: Tensors) -> Form:
    """Return B A, or A B where only that multiplies to a product of low rank."""
    if {"A", "B"} <= keys.keys():
        B, A = (tensors.info[keys[part]].shape for part in ("B", "A"))
        if LORA.sizes(B, A) is None and LORA.sizes(A, B) is not None:
            return Form(("A", "B"), LORA.sizes, LORA.combine)
    return LORA
