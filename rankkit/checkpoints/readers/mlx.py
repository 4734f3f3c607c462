"""MLX: lora_a (n, r) and lora_b (r, m), transposed against PEFT, with a scale that multiplies directly."""

from __future__ import annotations

import re
from functools import partial

from rankkit.checkpoints.forms import LORA, TRANSPOSED, Form, Sizes
from rankkit.checkpoints.readers.build import ALPHA, Family, Module, adapter_of, parser
from rankkit.checkpoints.scaling import Scaled, searched
from rankkit.checkpoints.untrusted import Config, is_mapping, number

__all__ = ["read", "recognises"]

_KEY = re.compile(r"(?P<module>.+)\.lora_(?P<part>a|b)")


def recognises(keys: list[str], config: Config) -> bool:
    """Return whether there are MLX's keys."""
    return any(map(_KEY.fullmatch, keys))


def _form(module: Module) -> Form:
    return TRANSPOSED


def _scaled(module: Module, form: Form, sizes: Sizes) -> Scaled:
    found: object = (module.config or {}).get("lora_parameters")
    stored = found.get("scale") if is_mapping(found) else None
    if stored is None:
        alpha, why = module.keys.get(ALPHA), "no lora_parameters.scale in a config"
        return searched(module.tensors, alpha, module.config, module.name, sizes.r, why=why)
    return Scaled.linear(number("lora_parameters.scale", stored))


REST = "no adapter tensor: a head or base weight"
SPELLED = {"a": "lora_a", "b": "lora_b"}
FAMILY = Family(
    "mlx", "MLX LoRA module", parser(_KEY, REST), _scaled, form=_form, spelled=SPELLED,
    turned=LORA._replace(parts=("b", "a")),
)  # fmt: skip
read = partial(adapter_of, FAMILY)
