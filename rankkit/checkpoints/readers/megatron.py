"""NeMo and Megatron Bridge: adapter.linear_in (r, n) and adapter.linear_out (m, r) beside a layer of Megatron's.

A fused layer (linear_qkv, linear_fc1) has one pair, or one for each part: adapter_q, adapter_k, ..., which stay in the
module's name. The scale is alpha / dim; a checkpoint stores neither, but the run's configuration does.
"""

from __future__ import annotations

import re
from functools import partial

from rankkit.checkpoints.forms import TURNED, Form, Sizes
from rankkit.checkpoints.readers.build import adapter_of
from rankkit.checkpoints.readers.family import MAGNITUDE, Family, Module, Place
from rankkit.checkpoints.scaling import Scaled, searched
from rankkit.checkpoints.untrusted import Config

__all__ = ["read", "recognises"]

_KEY = re.compile(r"(?P<module>.+)\.(?:linear_(?P<part>in|out)(?:\.weight)?|(?P<magnitude>weight_magnitude))")
_MARK = re.compile(r"adapter[^.]*\.linear_(in|out)(\.weight)?$")
_STEP = re.compile(r"\.adapter(?:_layer)?(?=\.|$)")  # from a layer to its adapter
PARTS = {"in": "A", "out": "B"}


def recognises(keys: list[str], config: Config) -> bool:
    """Return whether there are keys of an adapter's linear_in and linear_out."""
    return any(map(_MARK.search, keys))


def _parse(key: str) -> Place | str:
    match = _KEY.fullmatch(key)
    if match is None or "adapter" not in match["module"]:
        return "no adapter tensor: a base weight, or a layer's extra state"
    return Place(_STEP.sub("", match["module"]), MAGNITUDE if match["magnitude"] else PARTS[match["part"]])


def _scaled(module: Module, form: Form, sizes: Sizes) -> Scaled:
    why, advice = "alpha is not stored", "; pass config={'lora_alpha': ...}"
    return searched(module.tensors, module.keys, module.config, module.called, sizes.r, why=why, advice=advice)


SPELLED = {"A": "linear_in", "B": "linear_out"}
FAMILY = Family(
    "megatron", "adapter of Megatron's layers", _parse, _scaled, spelled=SPELLED, experts=True, turned=TURNED
)
read = partial(adapter_of, FAMILY)
