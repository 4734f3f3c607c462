"""What a file's own header says of scale and method, in the words of PEFT's configuration.

=======================  ==========================================  ==================================================
key in the header        who writes it                               value
=======================  ==========================================  ==================================================
lora_adapter_metadata    diffusers                                   JSON: PEFT's fields, each behind the component that
                                                                     it is about ("transformer.r") or bare
ss_network_alpha, _dim,  kohya's scripts and what follows them       text; ss_network_args is JSON of more options
_module, _args
any other                trainers of their own                       JSON of fields such as rank and alpha, or the
                                                                     fields themselves
adapter.lora.alpha       llama.cpp (GGUF)                            a number
=======================  ==========================================  ==================================================
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from rankkit.checkpoints.untrusted import Config, is_mapping

__all__ = ["CONV_ALPHA", "GGUF_ALPHA", "Header", "header_of", "renamed"]

LONGEST = 1_000_000  # characters of a value that is read as JSON
DEEP = 2  # mappings in one another that are looked into
DIFFUSERS = "lora_adapter_metadata"
KOHYA = "ss_network_"
GGUF_ALPHA = "adapter.lora.alpha"
CONV_ALPHA = "conv_alpha"  # kohya's alpha of the convolutions with a kernel
NONE = ("", "None", "none", "null")  # how text says that there is nothing

# PEFT's field -> what others call it
NAMES = {
    "lora_alpha": ("lora_alpha", "alpha", "network_alpha", "lora_network_alpha", "linear_alpha"),
    "r": ("r", "rank", "lora_rank", "lora_r", "lora_dim", "dim", "network_dim", "linear_dim"),
    "use_rslora": ("use_rslora", "rslora", "rs_lora"),
    "use_dora": ("use_dora", "dora", "dora_wd", "weight_decompose"),
    "rank_pattern": ("rank_pattern",),
    "alpha_pattern": ("alpha_pattern",),
}
_FLAGS = ("use_rslora", "use_dora")


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
    {'lora_alpha': 8, 'r': 4}
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


def renamed(fields: Mapping[Any, Any]) -> dict[str, Any]:
    """Return the fields of a configuration that rankkit knows, by PEFT's names, numbers and flags read from text.

    Parameters
    ----------
    fields : mapping
        Anybody's: `NAMES` lists how they may call it. PEFT's own name counts first.
    """
    known: dict[str, Any] = {}
    for name, others in NAMES.items():
        value = next((fields[other] for other in others if fields.get(other) is not None), None)
        if value is None:
            continue
        known[name] = (
            _flag(value) if name in _FLAGS else _json(value) or {} if name.endswith("pattern") else _number(value)
        )
    return {name: value for name, value in known.items() if value is not None and value is not False and value != {}}


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
    config = renamed({"alpha": options.get("alpha"), "dim": options.get("dim")} | {
        name: more.get(name) for name in ("rs_lora", "dora_wd", "use_rslora", "use_dora", "weight_decompose")
    })  # fmt: skip
    conv = _number(more.get(CONV_ALPHA))
    if conv is None and more.get("conv_dim") not in (None, *NONE) and "lycoris" not in str(options.get("module")):
        conv = 1.0  # kohya's default; LyCORIS takes the alpha of all others
    return config | ({} if conv is None or not config else {CONV_ALPHA: conv})


def _anywhere(metadata: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields of a header of any layout: bare ones, or those of a JSON object that has an alpha."""
    if "lora_alpha" in (bare := renamed(metadata)):
        return bare
    for value in metadata.values():
        content = _json(value)
        for _ in range(DEEP):
            if content is None:
                break
            if "lora_alpha" in (inner := renamed(content)):
                return inner
            content = next((entry for entry in content.values() if is_mapping(entry)), None)
    return {}


def _json(value: Any) -> Mapping[str, Any] | None:
    """Return a JSON object, parsed already or not; None for anything else."""
    if isinstance(value, str) and len(value) <= LONGEST:
        try:
            value = json.loads(value)
        except (ValueError, RecursionError):
            return None
    return value if is_mapping(value) else None


def _number(value: Any) -> float | int | None:
    """Return a number, as a header's text says it; None where it says none."""
    if isinstance(value, str):
        try:
            read = float(value) if value.strip() not in NONE and len(value) < 40 else None
        except ValueError:
            return None
        return int(read) if read is not None and value.strip().isdigit() else read
    return value if isinstance(value, (int, float)) and not isinstance(value, bool) else None


def _flag(value: Any) -> bool:
    return value.strip().lower() in ("true", "1", "yes") if isinstance(value, str) else bool(value)
