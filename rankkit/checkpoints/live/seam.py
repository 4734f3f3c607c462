"""The seam to PEFT: everything of PEFT that measuring a layer rests on and that no release promises to keep."""

# torch's and PEFT's own types are partly unknown
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false

from __future__ import annotations

import importlib
from collections.abc import Iterator, Mapping
from importlib.metadata import version
from typing import Any

from rankkit.checkpoints.methods import READ, REFUSED, method_of, refuse
from rankkit.extras import how_to_install
from rankkit.factors import Array, host

__all__ = [
    "active_on", "adapters_of", "adapters_on", "by_input", "check_adapted", "config_class", "configuration",
    "dequantised", "disabled", "is_adapted", "is_lora", "moved", "no_matrix", "projections", "quantised", "rank_bound",
    "ranked", "require", "root", "routed", "tensors_of", "tuner_layers", "variant", "wide",
]  # fmt: skip

# what is called or read, owner by owner
_RESTED_ON: dict[str, tuple[str, ...]] = {
    "peft.tuners.tuners_utils:BaseTunerLayer": (
        "get_base_layer", "merge", "unmerge", "merged", "active_adapters", "adapter_layer_names", "set_adapter",
        "_all_available_adapter_names", "_disable_adapters",
    ),
    "peft.tuners.lora.layer": ("LoraLayer",),
    "peft.tuners.loha.layer": ("LoHaLayer",),
    "peft.tuners.lokr.layer": ("LoKrLayer",),
    "peft.tuners.adalora.layer": ("AdaLoraLayer",),
    "peft.tuners.xlora.layer": ("XLoraLayer",),
    "peft.utils.integrations": ("dequantize_module_weight",),
    "peft.mapping": ("PEFT_TYPE_TO_CONFIG_MAPPING", "PEFT_TYPE_TO_PREFIX_MAPPING"),
    "peft": ("get_peft_model", "get_peft_model_state_dict", "set_peft_model_state_dict"),
}  # fmt: skip
# PEFT's packages of methods whose update is a product of stored rank, and of those that train vectors
_RANKED = ("delora", "hra", "pvera", "tinylora", "unilora", "vblora", "vera")
_BY_INPUT = ("lily", "poly", "shadow")
_VECTORS = {"beft": "BEFT", "ln_tuning": "LN_TUNING"}
_CODES = ("Params4bit", "Int8Params")  # bitsandbytes' parameters, which hold codes in place of numbers
_OWN_TENSORS = ("torchao.", "optimum.quanto.")  # packages whose tensors are codes that dequantise themselves
_SHARED = ("pvera", "randlora", "vera")  # methods whose layers share projections as wide as the widest of them
_PACKED = ("qweight", "W_q")  # attributes of the layers of GPTQ, AWQ, and HQQ


def moved() -> list[str]:
    """Return the names that measuring rests on and that the installed PEFT does not have; none is as it should be."""
    gone: list[str] = []
    for place, names in _RESTED_ON.items():
        module, _, owner = place.partition(":")
        try:
            found: Any = importlib.import_module(module)
            found = getattr(found, owner) if owner else found
        except (ImportError, AttributeError):
            gone.append(place)
            continue
        gone += [f"{place}.{name}" for name in names if not hasattr(found, name)]
    return gone


def require(what: str) -> None:
    """Raise a ValueError, which says what is wanted for, where PEFT is missing or has moved what is rested on."""
    try:
        import peft  # noqa: F401  # pyright: ignore[reportUnusedImport]
    except ImportError:
        raise ValueError(f"{what} takes PEFT's own code, which is not installed; {how_to_install('train')}.") from None
    if gone := moved():
        raise ValueError(
            f"{what} takes PEFT's own code, and the installed peft {version('peft')} has no {', '.join(gone)}; "
            "install a release that rankkit was tested with."
        )


def is_adapted(model: Any) -> bool:
    """Return whether a model in memory carries adapter layers, whoever put them there."""
    return hasattr(model, "named_modules") and next(tuner_layers(model), None) is not None


def check_adapted(model: Any) -> None:
    """Raise unless a live model has adapter layers that can be read.

    Parameters
    ----------
    model : torch.nn.Module
        Any.

    Raises
    ------
    ValueError
        If it has none: what to do instead.
    """
    require("a live model")
    if not is_adapted(model):
        raise _nothing(model)


def _nothing(model: Any) -> ValueError:
    """Return the error for a model without adapter layers."""
    name = type(model).__name__
    for adapter in adapters_of(model):
        method = method_of(configuration(model, adapter))
        if method not in READ:
            return refuse(method, name)
    return ValueError(
        f"{name} has no adapter layers; call peft.get_peft_model first, or pass the model before its adapter "
        "is merged and unloaded, or the adapter's folder."
    )


def tuner_layers(model: Any) -> Iterator[tuple[str, Any]]:
    """Return an iterator over (path, layer) of every adapter layer of a model, outer ones before those they wrap."""
    from peft.tuners.tuners_utils import BaseTunerLayer

    for path, module in model.named_modules():
        if isinstance(module, BaseTunerLayer):
            yield path, module


def adapters_on(layer: Any) -> list[str]:
    """Return the names of the adapters that a layer has parts of."""
    return list(layer._all_available_adapter_names())


def active_on(layer: Any) -> list[str]:
    """Return the names of the adapters that are active on a layer; X-LoRA mixes all that the layer has."""
    return adapters_on(layer) if routed(layer) else [*layer.active_adapters]


def disabled(layer: Any) -> bool:
    """Return whether a layer's adapters are switched off, so that its base is applied alone."""
    return bool(layer._disable_adapters)


def adapters_of(model: Any) -> list[str]:
    """Return the names of all adapters of a model, in the order in which they were added."""
    named: Any = getattr(model, "peft_config", None) or {}
    return list(dict.fromkeys([*named, *(name for _, layer in tuner_layers(model) for name in adapters_on(layer))]))


def configuration(model: Any, adapter: str) -> Mapping[str, Any]:
    """Return the configuration of a model's adapter as a mapping; empty where the model keeps none."""
    kept: Any = getattr(model, "peft_config", None) or {}
    config = kept.get(adapter)
    if config is None:
        return {}
    known: dict[str, Any] = dict(config) if isinstance(config, Mapping) else config.to_dict()
    return {**known, "peft_type": method_of(known)}


def tensors_of(layer: Any, path: str, adapter: str) -> dict[str, Any]:
    """Return the tensors of one adapter on one layer, named as PEFT's files name them."""
    found: dict[str, Any] = {}
    for name in layer.adapter_layer_names:
        kept: Any = getattr(layer, name, None)
        if kept is None or not hasattr(kept, "keys") or adapter not in kept.keys():  # noqa: SIM118
            continue
        part = kept[adapter]
        if hasattr(part, "state_dict"):
            found |= {f"{path}.{name}.{leaf}": tensor for leaf, tensor in part.state_dict().items()}
        else:
            found[f"{path}.{name}"] = part.detach()
    return found


def projections(layer: Any, adapter: str) -> tuple[dict[str, Any], tuple[int, int] | None]:
    """Return the projections that a layer shares with others, and the rows and columns of the weight they are made for.

    Both are empty where its method has none.
    """
    method = _package(layer)
    if method not in _SHARED:
        return {}, None
    A, B = (getattr(layer, f"{method}_{part}")[adapter].detach() for part in "AB")
    return {f"{method}_A": A, f"{method}_B": B}, (B.shape[0], A.shape[-1])


def variant(layer: Any, adapter: str) -> str:
    """Return what makes a LoRA layer something else than scale * B A, "" for plain LoRA: a class's name of PEFT's."""
    kept: Any = getattr(layer, "lora_variant", {})
    return type(kept[adapter]).__name__ if adapter in kept else ""


def rank_bound(layer: Any, adapter: str) -> int | None:
    """Return the most rank that an adapter's update can have, where its layer says so by r; None elsewhere.

    An adapter that a layer has no part of adds none.
    """
    if adapter not in adapters_on(layer):
        return 0
    ranks: Any = getattr(layer, "r", {})
    known = _package(layer) in _RANKED and isinstance(ranks, dict) and isinstance(ranks.get(adapter), int)
    return int(ranks[adapter]) if known else None


def no_matrix(layer: Any) -> str:
    """Return why a layer's adapters change no weight matrix; "" where they do."""
    return REFUSED.get(_VECTORS.get(_package(layer), ""), "")


def ranked(method: str) -> bool:
    """Return whether the r of a method's configuration bounds the rank of its updates."""
    return method.lower() in _RANKED


def root(method: str) -> str:
    """Return what the names of a method's tensors begin with, such as "hra_"."""
    from peft.mapping import PEFT_TYPE_TO_PREFIX_MAPPING

    found: dict[str, str] = {str(getattr(k, "value", k)): v for k, v in PEFT_TYPE_TO_PREFIX_MAPPING.items()}
    return f"{found[method].split('_')[0]}_"


def config_class(method: str) -> Any:
    """Return PEFT's class of a method's configurations."""
    from peft.mapping import PEFT_TYPE_TO_CONFIG_MAPPING

    found: dict[str, Any] = {str(getattr(k, "value", k)): v for k, v in PEFT_TYPE_TO_CONFIG_MAPPING.items()}
    return found[method]


def _package(layer: Any) -> str:
    """Return the name of a layer's method as the folder of PEFT's that it comes from; "" elsewhere."""
    module = type(layer).__module__
    return module.split(".")[2] if module.startswith("peft.tuners.") else ""


def is_lora(layer: Any) -> bool:
    """Return whether a layer holds factors of LoRA."""
    return _package(layer) == "lora"


def routed(layer: Any) -> bool:
    """Return whether a layer's answer is taken over by X-LoRA, which mixes adapters by a router of the whole model."""
    from peft.tuners.xlora.layer import XLoraLayer

    replaced = vars(layer).get("forward")
    return isinstance(getattr(replaced, "__self__", None), XLoraLayer)


def by_input(layer: Any) -> bool:
    """Return whether a layer's method mixes or bends its update by the input, so that no merge of it is one update."""
    return routed(layer) or _package(layer) in _BY_INPUT or type(layer).__module__ == "rankkit.adapters.adasine"


def quantised(linear: Any) -> bool:
    """Return whether a base layer stores codes in place of numbers."""
    weight: Any = getattr(linear, "weight", None)
    return (
        any(hasattr(linear, name) for name in _PACKED)
        or type(weight).__name__ in _CODES
        or type(weight).__module__.startswith(_OWN_TENSORS)
    )


def dequantised(linear: Any) -> Any:
    """Return the weight of a quantised base layer as PEFT reads it when it merges.

    Raises
    ------
    ValueError
        If PEFT cannot.
    """
    from peft.utils.integrations import dequantize_module_weight

    try:
        if type(getattr(linear, "weight", None)).__module__.startswith(_OWN_TENSORS):
            return linear.weight.dequantize().detach()
        return dequantize_module_weight(linear).detach()
    except Exception as error:
        raise ValueError(f"its base weight is quantised, and PEFT cannot read it back ({error})") from None


def wide(linear: Any) -> Array:
    """Return a base layer's weight as a float64 numpy array, as stored.

    Raises
    ------
    ValueError
        If it is not in memory, or is quantised in a way that PEFT cannot read back.
    """
    import torch

    weight: Any = dequantised(linear) if quantised(linear) else linear.weight
    if weight.device.type == "meta":
        raise ValueError("its base weight is offloaded, not in memory; load the model without offloading")
    return host(weight.detach().to("cpu" if weight.device.type == "mps" else weight.device).to(torch.float64))
