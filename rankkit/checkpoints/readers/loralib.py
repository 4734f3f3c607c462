"""loralib: ...lora_A and ...lora_B without .weight, merged groups of a fused layer, beside whatever was trained."""

from __future__ import annotations

import re
from functools import partial

from rankkit.checkpoints.fields import Said, said
from rankkit.checkpoints.forms import LORA, MOST_GROUPS, Form, Sizes, merged_form
from rankkit.checkpoints.readers.build import ALPHA, LORA_NAMES, Family, Module, adapter_of, parser
from rankkit.checkpoints.scaling import Scaled, searched
from rankkit.checkpoints.untrusted import Config

__all__ = ["read", "recognises"]

_KEY = re.compile(r"(?P<module>.+)\.lora_(?P<part>A|B)")


def recognises(keys: list[str], config: Config) -> bool:
    """Return whether there are loralib's keys, and no PEFT configuration or AdaLoRA's third factor."""
    if (config is not None and "peft_type" in config) or any(key.endswith(".lora_E") for key in keys):
        return False
    return any(map(_KEY.fullmatch, keys))


def _groups(module: Module) -> int:
    """Return how many groups a layer fuses: its A has so many times as many rows as its B has columns."""
    B, A = module.shape("B"), module.shape("A")
    groups = A[0] // B[1] if len(B) in (2, 3) and len(A) == 2 and B[1] else 0
    return groups if 1 < groups <= MOST_GROUPS and A[0] == groups * B[1] else 1


def _form(module: Module) -> Form:
    groups = _groups(module)
    return merged_form((True,) * groups) if groups > 1 else LORA


def _scaled(module: Module, form: Form, sizes: Sizes) -> Scaled:
    return searched(
        module.tensors, module.keys.get(ALPHA), module.config, module.name, sizes.r // _groups(module),
        why="alpha is not stored", advice="; pass config={'lora_alpha': ...}",
    )  # fmt: skip


REST = "no adapter tensor: a head or base weight"


def _says(module: Module) -> Said:
    return said(module.config)


FAMILY = Family("loralib", "loralib module", parser(_KEY, REST), _scaled, form=_form, spelled=LORA_NAMES, says=_says)
read = partial(adapter_of, FAMILY)
