"""loralib: ...lora_A and ...lora_B without .weight, merged groups of a fused layer, beside whatever was trained.

AdapterHub's adapters have the same tensors, each behind its adapter's name: query.loras.mine.lora_A.
"""

from __future__ import annotations

import re

from rankkit.checkpoints.assumptions import ORDER
from rankkit.checkpoints.fields import Said, said
from rankkit.checkpoints.files.tensors import Tensors
from rankkit.checkpoints.forms import LORA, TURNED, Form, Sizes
from rankkit.checkpoints.groups import MOST_GROUPS, merged_form
from rankkit.checkpoints.layer import Adapter
from rankkit.checkpoints.module_names import with_adapter
from rankkit.checkpoints.readers.build import adapter_of
from rankkit.checkpoints.readers.family import LORA_NAMES, Family, Module, Place
from rankkit.checkpoints.scaling import Scaled, searched
from rankkit.checkpoints.untrusted import Config, is_mapping

__all__ = ["read", "recognises"]

_KEY = re.compile(
    r"(?P<module>.+?)(?:\.lora|\.loras\.(?P<adapter>[^.]+))?\.lora_(?P<part>A|B)"
)  # OpenDelta puts them into a module `lora`
_LITGPT = re.compile(r"(?:.+\.)?transformer\.h\.\d+\.attn\.(?:attn|qkv)")  # what LitGPT calls query, key and value
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
    return merged_form((True,) * groups, _heights(module, groups) or ()) if groups > 1 else LORA


def _heights(module: Module, groups: int) -> tuple[int, ...] | None:
    """Return how many rows each group of a fused projection has, where they differ; None where they do not.

    loralib's groups are all alike. In LitGPT's grouped queries the query has more rows than key and value. The model's
    own numbers count; without them the query has as many rows as the projection has inputs, as in most models.
    """
    rows, n = module.shape("B")[0], module.shape("A")[1]
    config = module.config or {}
    if not _is_litgpt(module, groups) or not config.get("lora_query", True):
        return None
    heads, shared, size = (config.get(name) for name in ("n_head", "n_query_groups", "head_size"))
    query, other = n, (rows - n) // (groups - 1)
    if type(heads) is int and type(shared) is int and heads > 0:
        size = size if type(size) is int else n // heads
        query, other = heads * size, shared * size
    cut = (query, *(other,) * (groups - 1))
    return cut if sum(cut) == rows and other > 0 and query != other else None


def _is_litgpt(module: Module, groups: int) -> bool:
    return bool(_LITGPT.fullmatch(module.name)) or module.shape("B")[0] % groups > 0


def _scaled(module: Module, form: Form, sizes: Sizes) -> Scaled:
    return searched(
        module.tensors, module.keys, module.config, module.called,
        sizes.r // (_groups(module) if form is not TURNED else 1),
        why="alpha is not stored", advice="; pass config={'lora_alpha': ...}",
    )  # fmt: skip


def _says(module: Module) -> Said:
    told, groups = said(module.config), _groups(module)
    uneven = groups > 1 and module.shape("B")[0] != groups * module.shape("A")[1]
    if not uneven or not _is_litgpt(module, groups) or "n_query_groups" in (module.config or {}):
        return told
    heights = _heights(module, groups)
    cut = " and ".join(map(str, heights)) if heights else f"{groups} equal parts"
    return Said((*told.notes, f"how its groups share the rows is not stored: {cut} assumed"), (*told.unknown, ORDER))


FAMILY = Family("loralib", "loralib module", _parse, _scaled, form=_form, spelled=LORA_NAMES, turned=TURNED, says=_says)


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
    return adapter_of(FAMILY, tensors, config)
