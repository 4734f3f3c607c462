"""sine-LoRA as its authors' code stores it (`peft_type: SINLORA`): alpha / r sin(freq B A) / g.

That code overwrites the configured s by g = sqrt(in_features), which is therefore what its adapters apply.
"""

from __future__ import annotations

import math
import re

from rankkit.checkpoints.files.tensors import Tensors
from rankkit.checkpoints.forms import Form, Sizes
from rankkit.checkpoints.layer import Adapter
from rankkit.checkpoints.methods import method_of
from rankkit.checkpoints.readers.build import adapter_of
from rankkit.checkpoints.readers.family import LORA_NAMES, Family, Module, parser
from rankkit.checkpoints.scaling import Scaled, scale_of, sine_of
from rankkit.checkpoints.untrusted import Config, number

__all__ = ["read", "recognises"]

_KEY = re.compile(r"(?P<module>.+)\.lora_(?P<part>A|B)(?:\.(?!weight$)[^.]+)?(?:\.weight)?")


def recognises(keys: list[str], config: Config) -> bool:
    """Return whether the configuration is that of the sine-LoRA authors' code."""
    return config is not None and method_of(config) == "SINLORA"


def read(tensors: Tensors, config: Config) -> Adapter:
    """Return the adapter's layers, each with its sine, and every other tensor with its reason.

    Raises
    ------
    ValueError
        If no module is found.
    """
    return adapter_of(FAMILY, tensors, config or {})


def _scaled(module: Module, form: Form, sizes: Sizes) -> Scaled:
    config = module.config or {}
    plain = scale_of(config, module.name, sizes.r)
    applied, stored = math.sqrt(sizes.n), config.get("s")
    if stored is not None and number("s", stored) != applied:
        said = f"config says s = {stored:g}; the authors' code divides by sqrt(in_features) = {applied:g}"
        plain = plain._replace(notes=(*plain.notes, said))
    return sine_of({**config, "gain": applied}, ("freq", "gain"), plain, sizes.m)


FAMILY = Family(
    "sine", "sine module", parser(_KEY, "no factor: a head, a bias or base weight"), _scaled, spelled=LORA_NAMES,
    beside=frozenset(),
)  # fmt: skip
