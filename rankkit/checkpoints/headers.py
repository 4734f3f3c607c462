"""What a file's own header says of scale and method, in the words of PEFT's configuration.

=======================  ==========================================  ==================================================
key in the header        who writes it                               value
=======================  ==========================================  ==================================================
lora_adapter_metadata    diffusers                                   JSON: PEFT's fields, each behind the component that
                                                                     it is about ("transformer.r") or bare
ss_network_alpha, _dim,  kohya's scripts and what follows them       text; ss_network_args is JSON of more options
_module, _args
any other                trainers of their own; what lies beside     JSON of fields such as rank and alpha, or the
                         the tensors in a torch file                 fields themselves
adapter.lora.alpha       llama.cpp (GGUF)                            a number
=======================  ==========================================  ==================================================
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from rankkit.checkpoints.settings import SCALING, says_scale, settled
from rankkit.checkpoints.untrusted import Config, is_mapping

__all__ = ["APART", "CONV_ALPHA", "GGUF_ALPHA", "Header", "header_of"]

LONGEST = 1_000_000  # characters of a value that is read as JSON
DEEP = 2  # mappings in one another that are looked into
DIFFUSERS = "lora_adapter_metadata"
KOHYA = "ss_network_"
KOHYA_FLAGS = ("rs_lora", "use_rslora", "dora_wd", "use_dora", "weight_decompose")
GGUF_ALPHA = "adapter.lora.alpha"
CONV_ALPHA = "conv_alpha"  # kohya's alpha of the convolutions with a kernel
APART = "alphas"  # the field that says that some modules have an alpha of their own: which option of kohya's gave it
KOHYA_APART = ("block_alphas", "conv_block_alphas", "network_reg_alphas")
NONE = ("", "None", "none", "null")  # how text says that there is nothing
LONGEST_NUMBER = 40  # characters
SURE = {"lora_alpha", "network_alpha", "lora_scale", "lora_scaling"}  # words that say what they are without a rank
PATTERNS = ("rank_pattern", "alpha_pattern")
FIELDS = ("r", "lora_alpha", "use_rslora", "use_dora", SCALING, *PATTERNS)  # what is taken from a header of any layout


@dataclass(frozen=True)
class Header:
    """Configurations that a header holds.

    Attributes
    ----------
    configs : mapping of str to mapping
        Component, as the paths of its modules begin ("transformer"; "" for all others) -> its configuration.
    """

    configs: Mapping[str, Mapping[str, Any]] = field(default_factory=dict[str, Mapping[str, Any]])

    def component_of(self, module: str) -> str:
        """Return the component that a module's path begins with; "" where it is none of those."""
        fits = [name for name in self.configs if name and module.startswith(f"{name}.")]
        return max(fits, key=len, default="")

    def config_of(self, module: str) -> Config:
        """Return the configuration of a module; None where the header has none for it."""
        return self.configs.get(self.component_of(module))


def header_of(metadata: Mapping[str, Any]) -> Header:
    """Return what a header says of scale and method.

    Parameters
    ----------
    metadata : mapping
        A file's own words, unchecked: what is malformed says nothing.

    Examples
    --------
    >>> header_of({"ss_network_alpha": "8", "ss_network_dim": "4"}).config_of("lora_unet_q")
    {'r': 4, 'lora_alpha': 8}
    >>> about = '{"transformer.r": 4, "transformer.lora_alpha": 16}'
    >>> header_of({"lora_adapter_metadata": about}).config_of("transformer.blocks.0.q")
    {'r': 4, 'lora_alpha': 16}
    """
    if (packed := _json(metadata.get(DIFFUSERS))) is not None:
        return Header(_by_component(packed))
    if any(name.startswith(KOHYA) for name in metadata):
        return Header({"": kohya} if (kohya := _kohya(metadata)) else {})
    if GGUF_ALPHA in metadata:
        return Header({"": {"lora_alpha": metadata[GGUF_ALPHA]}})
    found = _anywhere(metadata)
    return Header({"": found} if found else {})


def _by_component(packed: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Return diffusers' fields by component: "transformer.lora_alpha" is one of "transformer"."""
    configs: dict[str, dict[str, Any]] = {}
    for name, value in packed.items():
        component, _, inner = str(name).rpartition(".")
        if value is not None:  # a field that is None has its default
            configs.setdefault(component, {})[inner] = value
    return configs


def _kohya(metadata: Mapping[str, Any]) -> dict[str, Any]:
    """Return the options of kohya's network, those of ss_network_args among them."""
    options = {str(name).removeprefix(KOHYA): value for name, value in metadata.items() if str(name).startswith(KOHYA)}
    more = _json(options.get("args")) or {}
    network = {name: options.get(name) for name in ("alpha", "dim")} | {name: more.get(name) for name in KOHYA_FLAGS}
    config = _fields({"lora": network | {"network_alpha": network["alpha"]}})
    conv = _plain(more.get(CONV_ALPHA))
    if conv is None and _plain(more.get("conv_dim")) is not None and "lycoris" not in str(options.get("module")):
        conv = 1.0  # kohya's default; LyCORIS takes the alpha of all others
    apart = next((name for name in KOHYA_APART if more.get(name) is not None), None)
    found = {CONV_ALPHA: conv, APART: apart}
    return config | {name: value for name, value in found.items() if config and value is not None}


def _anywhere(content: Mapping[str, Any], depth: int = DEEP) -> dict[str, Any]:
    """Return the fields of a header of any layout: bare ones, or those of a JSON object in it that has an alpha."""
    if found := _fields(content):
        return found
    for value in content.values():
        held = _json(value)
        if held is not None and depth and (found := _anywhere(held, depth - 1)):
            return found
    return {}


def _fields(content: Mapping[str, Any]) -> dict[str, Any]:
    """Return PEFT's fields of a mapping that calls them anyhow; none where there is no alpha or scale among them."""
    read: dict[str, Any] = {}
    for name, value in content.items():
        held = _json(value)
        read[str(name)] = _plain(value) if held is None else {str(key): _plain(inner) for key, inner in held.items()}
    found = settled({name: value for name, value in read.items() if value is not None}) or {}
    known = {name: found[name] for name in FIELDS if found.get(name)}
    known = {name: value for name, value in known.items() if is_mapping(value) == (name in PATTERNS)}
    words = {*read, *(name for held in read.values() if is_mapping(held) for name in held)}
    return known if says_scale(known) and ("r" in known or words & SURE) else {}


def _json(value: Any) -> Mapping[str, Any] | None:
    """Return a JSON object, parsed already or not; None for anything else."""
    if isinstance(value, str) and len(value) <= LONGEST:
        try:
            value = json.loads(value)
        except (ValueError, RecursionError):
            return None
    return value if is_mapping(value) else None


def _plain(value: Any) -> float | int | bool | None:
    """Return a number or a flag, as a header's text says it; None where it says none."""
    if isinstance(value, str):
        text = value.strip()
        if text.lower() in ("true", "false"):
            return text.lower() == "true"
        try:
            read = float(text) if text not in NONE and len(text) < LONGEST_NUMBER else None
        except ValueError:
            return None
        return int(read) if read is not None and text.isdigit() else read
    return value if isinstance(value, (int, float)) else None
