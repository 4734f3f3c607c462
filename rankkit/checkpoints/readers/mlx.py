"""MLX: lora_a (n, r) and lora_b (r, m), transposed against PEFT, with a scale that multiplies directly.

Experts are stored the other way round: lora_a (E r, n) or (E, r, n), and lora_b (E, m, r). The versions of early 2024
multiply by scale * alpha / rank; later ones leave alpha aside, which their configurations had until 2025.
"""

from __future__ import annotations

import re
from dataclasses import replace
from functools import partial

from rankkit.checkpoints.assumptions import SCALE
from rankkit.checkpoints.files.tensors import Tensors
from rankkit.checkpoints.forms import LORA, TRANSPOSED, Form, Sizes
from rankkit.checkpoints.layer import Adapter
from rankkit.checkpoints.readers.build import adapter_of
from rankkit.checkpoints.readers.family import BESIDE, Family, Module, Place, parser
from rankkit.checkpoints.scaling import Scaled, searched
from rankkit.checkpoints.untrusted import Config, is_mapping, number

__all__ = ["read", "recognises"]

EXPERTS_AXES = 3
_KEY = re.compile(r"(?P<module>.+)\.lora_(?P<part>a|b)")


def recognises(keys: list[str], config: Config) -> bool:
    """Return whether there are MLX's keys."""
    return any(map(_KEY.fullmatch, keys))


def _parse(tensors: Tensors, key: str) -> Place | str:
    """Return where a key belongs; the factors of experts are called as those that are stored that way round are."""
    match = _KEY.fullmatch(key)
    if match is None:
        return REST
    other = tensors.info.get(f"{match['module']}.lora_b")
    part = match["part"].upper() if other is not None and len(other.shape) == EXPERTS_AXES else match["part"]
    return Place(match["module"], part)


def _form(module: Module) -> Form:
    return LORA if "B" in module.keys else TRANSPOSED


def _scaled(module: Module, form: Form, sizes: Sizes) -> Scaled:
    found: object = (module.config or {}).get("lora_parameters")
    stored = found.get("scale") if is_mapping(found) else None
    if stored is None:
        why = "no lora_parameters.scale in a config"
        return searched(module.tensors, module.keys, module.config, module.name, sizes.r, why=why)
    scale = number("lora_parameters.scale", stored)
    if beside := [module.keys[part] for part in BESIDE & module.keys.keys()]:
        return Scaled.linear(scale, (f"{beside[0]} is not understood beside lora_parameters.scale",), (SCALE,))
    alpha = found.get("alpha") if is_mapping(found) else None
    if alpha in (None, sizes.r) or DATED in (module.config or {}):
        return Scaled.linear(scale)
    return Scaled.linear(scale, (BY_VERSION,), (SCALE,))


DATED = "fine_tune_type"  # a field that versions write which leave alpha aside
BY_VERSION = "scale assumed to stand alone: versions of MLX of early 2024 multiply it by alpha / rank"
REST = "no adapter tensor: a head or base weight"
SPELLED = {"a": "lora_a", "b": "lora_b", "A": "lora_a", "B": "lora_b"}
FAMILY = Family(
    "mlx", "MLX LoRA module", parser(_KEY, REST), _scaled, form=_form, spelled=SPELLED,
    turned=LORA._replace(parts=("b", "a")), experts=True, folds=True,
)  # fmt: skip


def read(tensors: Tensors, config: Config) -> Adapter:
    """Return the adapter's layers, and every other tensor with its reason.

    Raises
    ------
    ValueError
        If no module is found.
    """
    return adapter_of(replace(FAMILY, parse=partial(_parse, tensors)), tensors, config)
