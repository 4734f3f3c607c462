"""loralib: ...lora_A and ...lora_B without .weight, merged groups of a fused layer, beside whatever was trained.

AdapterHub's adapters have the same tensors, each behind its adapter's name: query.loras.mine.lora_A.
"""

from __future__ import annotations

import re

from rankkit.checkpoints.files.tensors import Tensors
from rankkit.checkpoints.forms import LORA, MOST_GROUPS, Form, Sizes, merged_form
from rankkit.checkpoints.layer import Adapter
from rankkit.checkpoints.module_names import with_adapter
from rankkit.checkpoints.readers.build import Family, adapter_of, only_adapter_unnamed
from rankkit.checkpoints.readers.module import LORA_NAMES, Module, Place
from rankkit.checkpoints.scaling import Scaled, found_scale
from rankkit.checkpoints.untrusted import Config, is_mapping

__all__ = ["read", "recognises"]

_KEY = re.compile(r"(?P<module>.+?)(?:\.loras\.(?P<adapter>[^.]+))?\.lora_(?P<part>A|B)")
REST = "no adapter tensor: a head or base weight"
# fields of AdapterHub's config that make the update something else than scale * B A, and what they are
_REFUSED = {
    "use_gating": "a gate that depends on the input", "composition_mode": "a vector that scales activations",
    "vera_d": "VeRA's vectors",
}  # fmt: skip


def recognises(keys: list[str], config: Config) -> bool:
    """Return whether there are loralib's keys, and no PEFT configuration or AdaLoRA's third factor."""
    if (config is not None and "peft_type" in config) or any(key.endswith(".lora_E") for key in keys):
        return False
    return any(map(_KEY.fullmatch, keys))


def _parse(key: str) -> Place | str:
    match = _KEY.fullmatch(key)
    return Place(with_adapter(match["module"], match["adapter"]), match["part"]) if match else REST


def _groups(module: Module) -> int:
    """Return how many groups a layer fuses: its A has so many times as many rows as its B has columns."""
    B, A = module.shape("B"), module.shape("A")
    groups = A[0] // B[1] if len(B) in (2, 3) and len(A) == 2 and B[1] else 0
    return groups if 1 < groups <= MOST_GROUPS and A[0] == groups * B[1] else 1


def _form(module: Module) -> Form:
    groups = _groups(module)
    return merged_form((True,) * groups) if groups > 1 else LORA


def _scaled(module: Module, form: Form, sizes: Sizes) -> Scaled:
    config, r = module.config, sizes.r // _groups(module)
    return found_scale(
        module.tensors, None, config, module.path, r, "alpha is not stored", "; pass config={'lora_alpha': ...}"
    )


FAMILY = Family("loralib", "loralib module", _parse, _scaled, form=_form, spelled=LORA_NAMES)


def read(tensors: Tensors, config: Config) -> Adapter:
    """Return the adapter's layers, and every other tensor with its reason.

    Raises
    ------
    ValueError
        If the configuration is AdapterHub's of an update that is not B A, or no module is found.
    """
    inner: object = (config or {}).get("config")
    for field, what in _REFUSED.items() if is_mapping(inner) else ():
        if is_mapping(inner) and inner.get(field) not in (None, False, "add"):
            raise ValueError(f"{tensors.source} sets {field} in its config ({what}), which is unsupported.")
    adapter = adapter_of(FAMILY, tensors, config)
    return only_adapter_unnamed(adapter)
