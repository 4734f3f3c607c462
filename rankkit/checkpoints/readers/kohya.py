"""kohya-ss and LyCORIS (LoRA, LoHa, LoKr; linear and convolution), and PEFT's LoHa and LoKr, which share the keys.

The factor is alpha / dim: alpha is a tensor of each module's own in kohya's files, a field of the config in PEFT's.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import partial
from typing import Any

from rankkit.checkpoints.files.tensors import Tensors, scalar
from rankkit.checkpoints.forms import CP, HADAMARD, HADAMARD_CP, LORA, Form, kronecker_form
from rankkit.checkpoints.layer import Adapter, Scaled
from rankkit.checkpoints.methods import method_of
from rankkit.checkpoints.readers.build import grouped, layer_of, nothing_found
from rankkit.checkpoints.scaling import scale_of

__all__ = ["read", "recognises"]

_KEY = re.compile(
    r"(?P<module>.+)\.(?:lora_(?P<lora>up|down|mid)\.weight|(?P<product>hada|lokr)_(?P<part>[wt][12](?:_[ab])?)"
    r"(?:\.(?!weight$)[^.]+)?(?:\.weight)?|(?P<alpha>alpha)|(?P<dora>dora_scale))"
)
_LORA = {"up": "B", "down": "A", "mid": "M"}


def recognises(keys: list[str], config: Mapping[str, Any] | None) -> bool:
    """Return whether there are kohya's or LyCORIS's keys."""
    if config is not None and "peft_type" in config:
        return method_of(config) in ("LOHA", "LOKR")
    return any(re.search(r"\.lora_(up|down)\.weight$|\.(hada|lokr)_w[12]", key) for key in keys)


def read(tensors: Tensors, config: Mapping[str, Any] | None) -> Adapter:
    """Return the adapter's layers and every other tensor with its reason.

    Raises
    ------
    ValueError
        If no module is found.
    """
    modules, skipped = grouped(tensors, _parse)
    modules = {module: keys for module, keys in modules.items() if keys.keys() - {"alpha", "dora"}}
    if not modules:
        raise nothing_found(tensors, "LoRA, LoHa or LoKr module")
    layers = []
    for module, keys in modules.items():
        form, dora = _form(keys), ("DoRA: direction part only, without the base weight",) if "dora" in keys else ()
        spelled = "lora_{}" if form in (LORA, CP) else "{}"
        scaled = partial(_scaled, tensors, config, module, keys)
        layers.append(layer_of(module, keys, tensors, form, scaled, spelled=spelled, notes=dora))
    return Adapter(tensors.source, "kohya", tuple(layers), tuple(skipped))


def _parse(key: str) -> tuple[str, str] | str:
    match = _KEY.fullmatch(key)
    if match is None:
        return "no adapter tensor"
    module = match["module"].removeprefix("base_model.model.")
    if match["lora"]:
        return module, _LORA[match["lora"]]
    return module, f"{match['product']}_{match['part']}" if match["product"] else match["alpha"] or "dora"


def _form(keys: Mapping[str, str]) -> Form:
    """Return the form that the parts at hand belong to."""
    if any(part.startswith("hada") for part in keys):
        form = HADAMARD_CP if {"hada_t1", "hada_t2"} & keys.keys() else HADAMARD
        return form._replace(parts=tuple(f"hada_{part}" for part in form.parts))
    if any(part.startswith("lokr") for part in keys):
        return kronecker_form(*(_kronecker_part(keys, f"lokr_w{i}", f"lokr_t{i}") for i in (1, 2)))
    return CP if "M" in keys else LORA


def _kronecker_part(keys: Mapping[str, str], w: str, t: str) -> tuple[str, ...]:
    if w in keys:
        return (w,)
    return (t, f"{w}_a", f"{w}_b") if t in keys else (f"{w}_a", f"{w}_b")


def _scaled(
    tensors: Tensors, config: Mapping[str, Any] | None, module: str, keys: Mapping[str, str], m: int, n: int, r: int
) -> Scaled:
    dim = _dim(tensors, keys)
    if config is not None and "peft_type" in config:
        asked = {"lora_alpha": config.get("alpha", 8), "rank_pattern": config.get("rank_pattern"),
                 "alpha_pattern": config.get("alpha_pattern"), "r": config.get("r")}  # fmt: skip
        if dim is None:  # both parts whole: only the config knows r
            dim = config.get("r")
            if not isinstance(dim, int) or dim < 1:
                raise ValueError(f"r must be an integer >= 1, got {dim!r}; mend the config.")
        return Scaled.linear(*scale_of(asked, module, dim))
    if dim is None:
        return Scaled.linear(1.0, ("both parts stored whole: scale 1, as LyCORIS applies",))
    if "alpha" not in keys:
        return Scaled.linear(1.0, ("no alpha stored: scale 1 assumed",))
    return Scaled.linear(scalar(tensors, keys["alpha"]) / dim)


def _dim(tensors: Tensors, keys: Mapping[str, str]) -> int | None:
    """Return the rank that alpha is divided by, as the factored parts tell it; None where none is factored."""
    for part, axis in (("A", 0), ("hada_w1_b", 0), ("lokr_w2_b", 0), ("lokr_w1_b", 0)):
        if part in keys and (shape := tensors.info[keys[part]].shape):
            return max(1, shape[axis])
    return None
