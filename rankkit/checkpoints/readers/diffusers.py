"""diffusers: attention processors (old), *.lora.down/up (middle) and lora_A/lora_B under a pipeline prefix (new).

XLabs's processors for Flux adapt two projections each, `qkv_lora1` for the image's and `qkv_lora2` for the text's.
"""

from __future__ import annotations

import re
from functools import partial

from rankkit.checkpoints.forms import TURNED, Form, Sizes
from rankkit.checkpoints.readers.build import adapter_of
from rankkit.checkpoints.readers.family import ALPHA, LORA_NAMES, Family, Module, Place, says
from rankkit.checkpoints.scaling import Scaled, searched
from rankkit.checkpoints.settings import FILE
from rankkit.checkpoints.untrusted import Config

__all__ = ["read", "recognises"]

_KEY = re.compile(
    r"(?P<module>.+?)(?:(?:\.processor)?\.(?P<projection>[^.]+?)_lora(?P<number>\d*)|\.lora|\.lora_linear_layer)\.(?P<old>down|up)\.weight"
    r"|(?P<path>.+)\.lora_(?P<new>A|B)\.weight"
    r"|(?P<scaled>.+?)(?:(?:\.processor)?\.(?P<of>[^.]+)_lora|\.lora|\.lora_linear_layer)?\.(?P<alpha>(?:network_)?alpha)"
)
_OLD = re.compile(r"(_lora\d*|\.lora|\.lora_linear_layer)\.(down|up)\.weight$")
_PREFIX = re.compile(r"(unet|transformer|text_encoder(_\d+)?|prior|controlnet)\.")
_PART = {"down": "A", "up": "B"}


def recognises(keys: list[str], config: Config) -> bool:
    """Return whether there are diffusers' keys, and no PEFT configuration."""
    if config is not None and "peft_type" in config:
        return False
    new = config is None or FILE in config  # with PEFT's fields it is PEFT's, whose GPT-2 has a "transformer." too
    return any(_OLD.search(key) or (new and _PREFIX.match(key) and ".lora_A.weight" in key) for key in keys)


def _parse(key: str) -> Place | str:
    match = _KEY.fullmatch(key)
    if match is None:
        return "no adapter tensor"
    if match["old"]:
        projection = f"{match['projection']}_lora{match['number']}" if match["number"] else match["projection"]
        return Place(_joined(match["module"], projection), _PART[match["old"]])
    return Place(match["path"], match["new"]) if match["new"] else Place(_joined(match["scaled"], match["of"]), ALPHA)


def _joined(module: str, projection: str | None) -> str:
    """Return the path of what an attention processor projects with, or the module's own."""
    return f"{module}.{projection}" if projection else module


def _scaled(module: Module, form: Form, sizes: Sizes) -> Scaled:
    return searched(module.tensors, module.keys, module.config, module.called, sizes.r, why="no alpha stored")


FAMILY = Family("diffusers", "diffusers LoRA module", _parse, _scaled, spelled=LORA_NAMES, turned=TURNED, says=says)
read = partial(adapter_of, FAMILY)
