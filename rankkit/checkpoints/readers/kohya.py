"""kohya-ss and LyCORIS (LoRA, LoHa, LoKr, full; linear and convolution); PEFT's LoHa and LoKr, which share the keys.

The factor is alpha / dim: alpha is a tensor of each module's own in kohya's files, or a word of their header, and a
field of the config in PEFT's. LyCORIS's "full" stores the update itself, and applies it as it is.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from rankkit.checkpoints.assumptions import SCALE
from rankkit.checkpoints.files.tensors import Tensors
from rankkit.checkpoints.forms import CP, FULL, HADAMARD, HADAMARD_CP, LORA, TURNED, Form, Sizes, kronecker_form
from rankkit.checkpoints.groups import stacked_form
from rankkit.checkpoints.headers import APART, CONV_ALPHA
from rankkit.checkpoints.layer import Adapter, Skipped
from rankkit.checkpoints.methods import method_of
from rankkit.checkpoints.module_names import with_adapter
from rankkit.checkpoints.readers.build import NoModuleError, adapter_of
from rankkit.checkpoints.readers.family import ALPHA, Family, Module, Place, says
from rankkit.checkpoints.scaling import ALIKE, Scaled, rank_of, scale_of, searched
from rankkit.checkpoints.untrusted import Config

__all__ = ["read", "recognises"]

WHOLE = "diff"  # the part that is the update itself
BIAS = "the change of a bias or of a norm: a vector, no matrix"
PEFT_ALPHA = 8  # alpha where a config does not say: the default of PEFT's LoHaConfig and LoKrConfig

_KEY = re.compile(
    r"(?P<module>.+?)\.(?:lora_(?P<lora>up|down|mid)(?:\.blocks)?(?:\.(?P<at>\d{1,2}))?"
    r"(?:\.(?!(?:weight|bias|blocks)$)(?P<adapter>[^.\d][^.]*))?(?:[._]weight)?"
    r"|(?P<product>hada|lokr)_(?P<part>[wt][12](?:_[ab])?)(?:\.(?!weight$)[^.]+)?(?:\.weight)?"
    r"|(?P<alpha>alpha)|(?P<whole>diff))"
)
_MARK = re.compile(r"\.lora_(?:up|down)(?:\.|_weight$|$)|\.(?:hada|lokr)_w[12]|\.diff$")
_LORA = {"up": "B", "down": "A", "mid": "M"}


def recognises(keys: list[str], config: Config) -> bool:
    """Return whether there are kohya's or LyCORIS's keys."""
    if config is not None and "peft_type" in config:
        return method_of(config) in ("LOHA", "LOKR")
    return any(map(_MARK.search, keys))


def _parse(key: str) -> Place | str:
    match = _KEY.fullmatch(key)
    if match is None:
        return BIAS if key.endswith((".diff_b", ".b_norm", ".w_norm")) else "no adapter tensor"
    if match["lora"]:  # musubi-tuner stores the parts of a fused projection one by one, and LongCat their B
        part = _LORA[match["lora"]] + (f".{int(match['at'])}" if match["at"] else "")
        return Place(with_adapter(match["module"], match["adapter"]), part)
    if match["whole"]:
        return Place(match["module"], WHOLE)
    return Place(match["module"], f"{match['product']}_{match['part']}" if match["product"] else ALPHA)


def _form(module: Module) -> Form:
    """Return the form that the parts at hand belong to."""
    keys = module.keys
    if any(part.startswith("hada") for part in keys):
        form = HADAMARD_CP if {"hada_t1", "hada_t2"} & keys.keys() else HADAMARD
        return form._replace(parts=tuple(f"hada_{part}" for part in form.parts))
    if any(part.startswith("lokr") for part in keys):
        return kronecker_form(*(_kronecker_part(keys, f"lokr_w{i}", f"lokr_t{i}") for i in (1, 2)))
    if WHOLE in keys and not {"A", "B"} & keys.keys():
        return FULL
    if any(part.startswith("B.") for part in keys):
        return stacked_form(_numbered(keys, "B"), _numbered(keys, "A") if "A" not in keys else ("A",))
    return CP if "M" in keys else LORA


def _numbered(keys: Mapping[str, str], factor: str) -> tuple[str, ...]:
    """Return the parts that a factor is stored in, those that are missing between or beside others among them."""
    count = 1 + max(int(part[2:]) for part in keys if re.fullmatch(r"[AB]\.\d+", part))
    return tuple(f"{factor}.{at}" for at in range(count))


def _kronecker_part(keys: Mapping[str, str], w: str, t: str) -> tuple[str, ...]:
    """Return the names of the tensors that a part of a Kronecker product is stored as."""
    if w in keys:
        return (w,)
    return (t, f"{w}_a", f"{w}_b") if t in keys else (f"{w}_a", f"{w}_b")


def _scaled(module: Module, form: Form, sizes: Sizes) -> Scaled:
    dim, config = sizes.r if form is TURNED else _dim(module), module.config
    if form is FULL:
        return Scaled.linear(1.0)
    if config is not None and "peft_type" in config and "A" not in module.keys:
        return _configured(config, module.called, dim)
    if dim is None:
        return Scaled.linear(1.0, ("both parts stored whole: scale 1, as LyCORIS applies",))
    if config is not None and CONV_ALPHA in config and _kernel(module) > 1:
        config = {**config, "lora_alpha": config[CONV_ALPHA]}
    found = searched(module.tensors, module.keys, config, module.called, dim, why="no alpha stored")
    return _doubted(found, module, dim)


def _doubted(found: Scaled, module: Module, dim: int) -> Scaled:
    """Return a scale with what the header says against it."""
    header, doubt = module.config or {}, ""
    if ALPHA not in module.keys and APART in header:
        doubt = f"the header gives some modules an alpha of their own ({header[APART]}): that of all others assumed"
    elif ALPHA in module.keys and header.get("use_rslora") and "peft_type" not in header:
        alpha, said = found.scale * dim, header.get("lora_alpha", 0)
        if not math.isclose(alpha, said * math.sqrt(dim), rel_tol=ALIKE):  # newer versions store it so
            doubt = "trained with alpha / sqrt(r) by its header; alpha / r, as loaders apply the stored alpha"
    return found._replace(notes=(*found.notes, doubt), unknown=(*found.unknown, SCALE)) if doubt else found


def _kernel(module: Module) -> int:
    """Return how many places the kernel of a convolution has; 1 elsewhere."""
    return max(math.prod(module.shape(part)[2:]) for part in ("M", "A", "hada_t1", "lokr_t2", "lokr_w2"))


def _configured(config: Mapping[str, Any], module: str, dim: int | None) -> Scaled:
    """Return alpha / r as PEFT's configuration of a LoHa or LoKr has it."""
    asked = {"lora_alpha": config.get("alpha", PEFT_ALPHA), "r": config.get("r"),
             "rank_pattern": config.get("rank_pattern"), "alpha_pattern": config.get("alpha_pattern")}  # fmt: skip
    r = rank_of(config, module) if dim is None else dim  # both parts whole: only the config knows r
    if r is None:
        raise ValueError(f"r must be an integer >= 1, got {config.get('r')!r}; mend the config.")
    return scale_of(asked, module, r)


def _dim(module: Module) -> int | None:
    """Return the rank that alpha is divided by, as the factored parts tell it; None where none is factored."""
    if shape := module.shape("B.0"):  # each part of a fused projection has a rank of its own
        return max(1, shape[1]) if len(shape) > 1 else 1
    for part in ("A", "hada_w1_b", "lokr_w2_b", "lokr_w1_b"):
        if shape := module.shape(part):
            return max(1, shape[0])
    return None


SPELLED = {
    f"{part}{at}": f"lora_{name}{at}" for name, part in _LORA.items() for at in ("", *(f".{i}" for i in range(100)))
}
FAMILY = Family(
    "kohya", "LoRA, LoHa, LoKr or full module", _parse, _scaled, form=_form, spelled=SPELLED, turned=TURNED, says=says
)


def read(tensors: Tensors, config: Config) -> Adapter:
    """Return the adapter's layers, and every other tensor with its reason.

    Raises
    ------
    NoModuleError
        If no module is found.
    """
    adapter = adapter_of(FAMILY, tensors, config)
    vectors = {layer.keys[WHOLE]: layer for layer in adapter.layers if layer.form is FULL and layer.m is None}
    layers = tuple(layer for layer in adapter.layers if layer not in vectors.values())
    if not layers:
        raise NoModuleError(f"{tensors.source} holds no {FAMILY.holds}, but vectors alone: {BIAS}.")
    more = tuple(Skipped(key, tensors.info[key].shape, BIAS) for key in vectors)
    return replace(adapter, layers=layers, skipped=(*adapter.skipped, *more))
