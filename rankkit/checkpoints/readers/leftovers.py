"""Tensors under a module's name that its reader has no place for: known not to matter, or a doubt about the module."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Mapping

__all__ = ["doubts", "is_router", "stems_of"]

# a base weight, plain or quantised, and biases: the update of the weight does not depend on them
_BASE = (
    r"(?:weight|bias|in_proj_weight|in_proj_bias|qweight|qzeros|scales|g_idx|SCB|weight_scale\w*|input_scale\w*"
    r"|weight\..+)"
)
_WRAPPED = r"(?:(?:base_layer|original_module|orig_module|modules_to_save\.\w+|linear|conv|layer|out_proj)\.)*"
_HARMLESS = re.compile(
    rf"{_WRAPPED}{_BASE}|(?:.+\.)?(?:base_layer|original_module)\..+|(?:\d+\.)+.*"
    r"|lora_(?:embedding_)?[AB](?:\.[^.]+)?\.bias|ranknum(?:\.[^.]+)?|(?:lora_)?dropout\..*|num_batches_tracked"
    r"|(?:vera|randlora)_[AB](?:\.[^.]+)?|diff_b|bias_(?:indices|values|size)|lora_bias(?:\..+)?|on_input|reshape_weight"
)
_ROUTER = re.compile(
    r"(?:^|[._])(?:rout\w*|gating|lora_gate(?!\w*_[ab](?:[._]|$))\w*|moe_gate|lora_route\w*|switch)(?:[._]|$)", re.I
)


def doubts(stems: Mapping[str, Iterable[str]], keys: Iterable[str]) -> dict[str, list[str]]:
    """Return module -> the tensors under its name that may change its update, of those that are part of no module.

    Parameters
    ----------
    stems : mapping of str to iterable of str
        What the keys of a module's tensors begin with -> the module's name; several where several adapters have it.
    keys : iterable of str
        Names of the tensors that are left over.

    Examples
    --------
    >>> doubts({"q": ["q"]}, ["q.base_layer.weight", "q.lora_mixer.weight", "k.lora_mixer.weight"])
    {'q': ['q.lora_mixer.weight']}
    """
    found: dict[str, list[str]] = {}
    for key in keys:
        stem = _longest(stems, key)
        if stem and not _HARMLESS.fullmatch(key[len(stem) + 1 :]):
            for module in stems[stem]:
                found.setdefault(module, []).append(key)
    return found


def is_router(key: str) -> bool:
    """Return whether a tensor's name is that of a router, which weighs several updates by the input."""
    return _ROUTER.search(key) is not None


def stems_of(path: str, keys: Iterable[str]) -> set[str]:
    """Return what the keys of a module's tensors begin with: its path, and the part that all of them share.

    Parameters
    ----------
    path : str
        As its keys have it.
    keys : iterable of str
        Of its tensors.

    Examples
    --------
    >>> sorted(stems_of("mid.to_q", [f"mid.processor.to_q_lora.{part}.weight" for part in ("up", "down")]))
    ['mid.processor.to_q_lora']
    """
    keys = list(keys)
    shared = [
        parts[0] for parts in itertools.takewhile(_all_alike, zip(*(key.split(".") for key in keys), strict=False))
    ]
    stems = [".".join(shared)] if len(keys) > 1 else []
    return {stem for stem in (*stems, path) if stem and all(key.startswith(f"{stem}.") for key in keys)}


def _all_alike(parts: tuple[str, ...]) -> bool:
    return len(set(parts)) == 1


def _longest(stems: Mapping[str, Iterable[str]], key: str) -> str:
    """Return the longest stem that a key lies under, or ""."""
    at = key.rfind(".")
    while at > 0:
        if key[:at] in stems:
            return key[:at]
        at = key.rfind(".", 0, at)
    return ""
