"""kohya-ss and LyCORIS (LoRA, LoHa, LoKr; linear and convolution), and PEFT's LoHa and LoKr, which share the keys.

The factor is alpha / dim: alpha is a tensor of each module's own in kohya's files, a field of the config in PEFT's.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import partial
from typing import Any

from rankkit.checkpoints.forms import CP, HADAMARD, HADAMARD_CP, LORA, TURNED, Form, Sizes, kronecker_form
from rankkit.checkpoints.methods import method_of
from rankkit.checkpoints.readers.build import ALPHA, Family, Module, Place, adapter_of
from rankkit.checkpoints.scaling import Scaled, scale_of, searched
from rankkit.checkpoints.untrusted import Config

__all__ = ["read", "recognises"]

PEFT_ALPHA = 8  # alpha where a config does not say: the default of PEFT's LoHaConfig and LoKrConfig

_KEY = re.compile(
    r"(?P<module>.+)\.(?:lora_(?P<lora>up|down|mid)\.weight|(?P<product>hada|lokr)_(?P<part>[wt][12](?:_[ab])?)"
    r"(?:\.(?!weight$)[^.]+)?(?:\.weight)?|(?P<alpha>alpha))"
)
_MARK = re.compile(r"\.lora_(up|down)\.weight$|\.(hada|lokr)_w[12]")
_LORA = {"up": "B", "down": "A", "mid": "M"}


def recognises(keys: list[str], config: Config) -> bool:
    """Return whether there are kohya's or LyCORIS's keys."""
    if config is not None and "peft_type" in config:
        return method_of(config) in ("LOHA", "LOKR")
    return any(map(_MARK.search, keys))


def _parse(key: str) -> Place | str:
    match = _KEY.fullmatch(key)
    if match is None:
        return "no adapter tensor"
    if match["lora"]:
        return Place(match["module"], _LORA[match["lora"]])
    return Place(match["module"], f"{match['product']}_{match['part']}" if match["product"] else ALPHA)


def _form(module: Module) -> Form:
    """Return the form that the parts at hand belong to."""
    keys = module.keys
    if any(part.startswith("hada") for part in keys):
        form = HADAMARD_CP if {"hada_t1", "hada_t2"} & keys.keys() else HADAMARD
        return form._replace(parts=tuple(f"hada_{part}" for part in form.parts))
    if any(part.startswith("lokr") for part in keys):
        return kronecker_form(*(_kronecker_part(keys, f"lokr_w{i}", f"lokr_t{i}") for i in (1, 2)))
    return CP if "M" in keys else LORA


def _kronecker_part(keys: Mapping[str, str], w: str, t: str) -> tuple[str, ...]:
    """Return the names of the tensors that a part of a Kronecker product is stored as."""
    if w in keys:
        return (w,)
    return (t, f"{w}_a", f"{w}_b") if t in keys else (f"{w}_a", f"{w}_b")


def _scaled(module: Module, form: Form, sizes: Sizes) -> Scaled:
    dim = sizes.r if form is TURNED else _dim(module)
    if module.config is not None and "peft_type" in module.config:
        return _configured(module.config, module.name, dim)
    if dim is None:
        return Scaled.linear(1.0, ("both parts stored whole: scale 1, as LyCORIS applies",))
    return searched(
        module.tensors, module.keys.get(ALPHA), module.config, module.name, dim, why="no alpha stored"
    )  # fmt: skip


def _configured(config: Mapping[str, Any], module: str, dim: int | None) -> Scaled:
    """Return alpha / r as PEFT's configuration of a LoHa or LoKr has it."""
    asked = {"lora_alpha": config.get("alpha", PEFT_ALPHA), "r": config.get("r"),
             "rank_pattern": config.get("rank_pattern"), "alpha_pattern": config.get("alpha_pattern")}  # fmt: skip
    r = config.get("r") if dim is None else dim  # both parts whole: only the config knows r
    if not isinstance(r, int) or r < 1:
        raise ValueError(f"r must be an integer >= 1, got {r!r}; mend the config.")
    return scale_of(asked, module, r)


def _dim(module: Module) -> int | None:
    """Return the rank that alpha is divided by, as the factored parts tell it; None where none is factored."""
    for part in ("A", "hada_w1_b", "lokr_w2_b", "lokr_w1_b"):
        if shape := module.shape(part):
            return max(1, shape[0])
    return None


SPELLED = {part: f"lora_{name}" for name, part in _LORA.items()}
FAMILY = Family("kohya", "LoRA, LoHa or LoKr module", _parse, _scaled, form=_form, spelled=SPELLED, turned=TURNED)
read = partial(adapter_of, FAMILY)
