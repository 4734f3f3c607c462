"""Hugging Face PEFT: LoRA with its rsLoRA, DoRA, embedding, convolution, merged and sine forms, and AdaLoRA."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np

from rankkit.checkpoints.files.tensors import Tensors
from rankkit.checkpoints.forms import ADALORA, LORA, Form, merged_form
from rankkit.checkpoints.layer import Adapter, Magnitude, Scaled, Skipped
from rankkit.checkpoints.methods import method_of
from rankkit.checkpoints.readers.build import grouped, layer_of, nothing_found
from rankkit.checkpoints.scaling import number, scale_of, sine_of
from rankkit.factors import host

__all__ = ["from_model", "read", "recognises"]

_KEY = re.compile(
    r"(?P<module>.+)\.lora_(?P<part>A|B|E|embedding_A|embedding_B|magnitude_vector)"
    r"(?:\.(?!weight$|bias$)(?P<adapter>[^.]+))?(?P<leaf>\.weight|\.bias)?"
)
_PARTS = {"A": "A", "embedding_A": "A", "B": "B", "embedding_B": "B", "E": "E", "magnitude_vector": "magnitude"}

MOST_GROUPS = 16  # of a fused projection: three, for query, key and value, is what there is

# config fields that make the update something else than scale * B A, and what they are
_REFUSED = {
    "use_qalora": "QA-LoRA's pooled input",
    "use_bdlora": "block-diagonal factors",
    "kasa_config": "KaSA's update of the base's own singular values",
    "arrow_config": "a routed mixture of adapters",
    "megatron_core_sharded": "a sharded tensor-parallel layout",
}


def recognises(keys: list[str], config: Mapping[str, Any] | None) -> bool:
    """Return whether these are the keys or the configuration of a PEFT LoRA."""
    if config is not None and "peft_type" in config:
        return method_of(config) in ("LORA", "ADALORA")
    return any(".lora_A." in key or ".lora_embedding_A" in key or key.endswith(".lora_E") for key in keys)


def from_model(model: Any) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
    """Return (state dict, config) of a live PEFT model's active adapter, keyed as a saved file."""
    from peft import get_peft_model_state_dict

    active = model.active_adapter
    name = active if isinstance(active, str) else active[0]
    state = get_peft_model_state_dict(model, adapter_name=name, save_embedding_layers=False)
    return state, model.peft_config[name].to_dict()


def read(tensors: Tensors, config: Mapping[str, Any] | None) -> Adapter:
    """Return the adapter's layers, exactly one per module, and every other tensor with its reason.

    Raises
    ------
    ValueError
        If the configuration asks for an update that is not read, or no module is found.
    """
    for field, what in _REFUSED.items():
        if config and config.get(field):
            raise ValueError(f"{tensors.source} sets {field} in its config ({what}), which is not read.")
    modules, skipped = grouped(tensors, _parse)
    dora: dict[str, str] = {}
    magnitudes: dict[str, Magnitude] = {}
    for module in [module for module, keys in modules.items() if "magnitude" in keys]:
        key = modules[module].pop("magnitude")
        dora[module], magnitudes[module] = _magnitude(tensors, key), Magnitude(key, partial(tensors.read, key))
        skipped.append(Skipped(key, tensors.info[key].shape, "DoRA's magnitude: its update needs the base weight"))
    modules = {module: keys for module, keys in modules.items() if keys}
    if not modules:
        raise nothing_found(tensors, "LoRA module")
    several = len({_adapter(module) for module in modules}) > 1
    layers = []
    for module, keys in modules.items():
        plain, form = module.removesuffix(_adapter(module)), _form(keys, tensors, config)
        layer = layer_of(
            module if several else plain, keys, tensors, form, partial(_scaled, config, plain, form), spelled="lora_{}"
        )
        if module in dora or (config or {}).get("use_dora"):
            said = f"DoRA: direction part only, without the base weight{dora.get(module, '')}"
            layer = replace(layer, notes=(*layer.notes, said), magnitude=magnitudes.get(module))
        layers.append(layer)
    return Adapter(tensors.source, "peft", tuple(layers), tuple(skipped))


def _parse(key: str) -> tuple[str, str] | str:
    match = _KEY.fullmatch(key)
    if match is None or match["leaf"] == ".bias":
        return _other(key)
    adapter = f"[{match['adapter']}]" if match["adapter"] else ""
    return match["module"].removeprefix("base_model.model.") + adapter, _PARTS[match["part"]]


def _adapter(module: str) -> str:
    """Return "[name]" at the end of a module's name, where a live model's adapter has one."""
    return module[module.rfind("[") :] if module.endswith("]") else ""


def _magnitude(tensors: Tensors, key: str) -> str:
    """Return what DoRA's magnitudes are like, the length of every row of the adapted weight."""
    try:
        values = np.ravel(host(tensors.read(key)))
    except ValueError:
        return ""
    if not values.size or not np.all(np.isfinite(values)):
        return "; its magnitudes are not finite"
    return f"; magnitudes {values.min():.3g} to {values.max():.3g}, mean {values.mean():.3g}"


def _other(key: str) -> str:
    if ".lora_" in key and key.endswith(".bias"):
        return "bias of the adapter, no matrix"
    if ".lora_" in key or key.endswith("ranknum"):
        return "not a tensor of plain LoRA"
    return "no adapter tensor: a head, modules_to_save or base weight"


def _enabled(config: Mapping[str, Any] | None) -> tuple[bool, ...]:
    """Return which groups of a fused projection old PEFT's config gives an update; () where it is not fused."""
    enabled = (config or {}).get("enable_lora")
    return tuple(map(bool, enabled[:MOST_GROUPS])) if isinstance(enabled, list) else ()


def _expert_parameter(config: Mapping[str, Any] | None, module: str) -> str:
    """Return the parameter of a module of experts that the config's target_parameters names for it, or ""."""
    named = (config or {}).get("target_parameters")
    path = module.replace(".base_layer", "")
    for name in named if isinstance(named, list) else []:
        if isinstance(name, str) and f".{path}".endswith(f".{name.rpartition('.')[0]}"):
            return name
    return ""


def _form(keys: Mapping[str, str], tensors: Tensors, config: Mapping[str, Any] | None) -> Form:
    if "E" in keys or (config is not None and method_of(config) == "ADALORA"):
        return ADALORA
    enabled = _enabled(config)
    if not any(enabled) or len(enabled) < 2 or not {"A", "B"} <= keys.keys():
        return LORA
    B, A = tensors.info[keys["B"]].shape, tensors.info[keys["A"]].shape
    return merged_form(enabled) if len(B) > 1 and len(A) == 2 and A[0] == sum(enabled) * B[1] else LORA


def _scaled(config: Mapping[str, Any] | None, module: str, form: Form, m: int, n: int, r: int) -> Scaled:
    if form is ADALORA:
        return _adalora(config)
    if parameter := _expert_parameter(config, module):
        raise ValueError(f"adapts the parameter {parameter} of experts, one update each, which is not read")
    scale, notes = scale_of(config, module, r if form is LORA else r // sum(_enabled(config)))
    if config and config.get("use_sinelora"):
        return sine_of(config, ("sinelora_frequency", "sinelora_scaling"), scale, m, notes)
    return Scaled.linear(scale, notes)


def _adalora(config: Mapping[str, Any] | None) -> Scaled:
    """Return alpha / (init_r + 1e-5), as PEFT applies it to a loaded adapter."""
    if config is None:
        return Scaled.linear(1.0, ("no adapter_config.json: scale 1 assumed",))
    start, alpha = number("init_r", config.get("init_r", 12)), number("lora_alpha", config.get("lora_alpha", 8))
    if not start > 0:
        raise ValueError(f"init_r must be positive, got {start:g}; mend the config.")
    return Scaled.linear((alpha if alpha > 0 else start) / (start + 1e-5))
