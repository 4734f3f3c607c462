"""torchtune: lora_a.weight (r, n) and lora_b.weight (m, r), PEFT's matrices under small letters."""

from __future__ import annotations

import re
from functools import partial

from rankkit.checkpoints.forms import TURNED, Form, Sizes
from rankkit.checkpoints.readers.build import adapter_of
from rankkit.checkpoints.readers.family import Family, Module, parser, says
from rankkit.checkpoints.scaling import Scaled, searched
from rankkit.checkpoints.untrusted import Config

__all__ = ["read", "recognises"]

_KEY = re.compile(r"(?P<module>.+)\.lora_(?P<part>a|b)\.weight")
PARTS = {"a": "A", "b": "B"}


def recognises(keys: list[str], config: Config) -> bool:
    """Return whether there are torchtune's keys."""
    return any(key.endswith((".lora_a.weight", ".lora_b.weight")) for key in keys)


def _scaled(module: Module, form: Form, sizes: Sizes) -> Scaled:
    return searched(module.tensors, module.keys, module.config, module.called, sizes.r, why="no adapter_config.json")


SPELLED = {"A": "lora_a", "B": "lora_b"}
REST = "no adapter tensor: a head or base weight"
FAMILY = Family(
    "torchtune",
    "torchtune LoRA module",
    parser(_KEY, REST, PARTS),
    _scaled,
    spelled=SPELLED,
    experts=True,
    says=says,
    turned=TURNED,
)
read = partial(adapter_of, FAMILY)
