"""The factors that give a live layer's update exactly, read as a file's are, with the scale that the layer applies now.

The scale of a model in memory may differ from its configuration: `rescale_adapter_scale`, `set_scale` and diffusers'
`set_adapters` change it, and hot-swapping pads the factors.
"""

# torch's and PEFT's own types are partly unknown
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import Any

from rankkit.checkpoints.files.tensors import StateDict
from rankkit.checkpoints.layer import Adapter, Layer
from rankkit.checkpoints.live import seam
from rankkit.checkpoints.live.wrapped import Wrapped
from rankkit.checkpoints.methods import OURS, method_of
from rankkit.checkpoints.readers import table
from rankkit.checkpoints.readers.experts import BY_RANK
from rankkit.factors import Array
from rankkit.rules import Linear

__all__ = ["factored", "stored_transposed"]

# PEFT's variants of LoRA whose factors give the update: with the base weight, or for the tokens that it is applied to
_DORA = ("DoraLinearVariant", "DoraEmbeddingVariant", "DoraConv1dVariant", "DoraConv2dVariant", "DoraConv3dVariant")
_EXACT = ("", "ALoraLinearVariant", *_DORA)


def factored(wrapped: Wrapped, adapter: str, config: Mapping[str, Any], family: str | None = None) -> Adapter | None:
    """Return an adapter of one layer alone, read from its factors; None where they do not give its update.

    Parameters
    ----------
    wrapped : Wrapped
        The layer.
    adapter : str
        One that the layer has.
    config : mapping
        The adapter's configuration; empty where the model keeps none.
    family : str, optional
        The reader that its tensors are read by; None: as their names and the configuration tell.
    """
    layer, *others = wrapped.layers
    if others or seam.routed(layer):
        return None
    asked = _asked(layer, adapter, config)
    # PEFT takes DoRA's lengths of a grouped convolution of another product than it applies
    if asked is None or (wrapped.groups > 1 and seam.variant(layer, adapter) in _DORA):
        return None
    tensors = StateDict(seam.tensors_of(layer, wrapped.path, adapter), source=wrapped.path)
    try:
        found = table.read(tensors, asked, family)
    except ValueError:
        return None
    return replace(found, layers=tuple([_as_applied(one, wrapped, adapter) for one in found.layers]))


def _asked(layer: Any, adapter: str, config: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """Return the configuration as the layer stands now, its scale included; None where its update has no factors."""
    from peft.tuners.adalora.layer import AdaLoraLayer
    from peft.tuners.loha.layer import LoHaLayer
    from peft.tuners.lokr.layer import LoKrLayer
    from peft.tuners.lora.layer import LoraLayer

    plain = {**config, "rank_pattern": {}, "alpha_pattern": {}, "use_rslora": False}
    if isinstance(layer, AdaLoraLayer):
        ranks = float(layer.ranknum[adapter].item())
        return {**plain, "peft_type": "ADALORA", "init_r": ranks, "lora_alpha": _scale(layer, adapter)}
    if isinstance(layer, (LoHaLayer, LoKrLayer)):
        method = "LOHA" if isinstance(layer, LoHaLayer) else "LOKR"
        r = layer.r[adapter]
        return {**plain, "peft_type": method, "r": r, "alpha": r * _scale(layer, adapter)}
    if not isinstance(layer, LoraLayer) or seam.variant(layer, adapter) not in _EXACT:
        return None
    method = method_of(config)
    ours = type(layer).__module__.startswith("rankkit.")
    if ours != (method in OURS):  # a layer of somebody's own, or one of ours without its configuration
        return None
    r = _rank(layer, adapter)
    plain |= _of_parameter(layer, config)
    return {**plain, "peft_type": method if ours else "LORA", "r": r, "lora_alpha": r * _scale(layer, adapter)}


def _of_parameter(layer: Any, config: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the fields that say which parameter of experts a layer adapts, and how PEFT packs their factors."""
    parameter = getattr(layer, "parameter_name", None)
    if parameter is None:
        return {}
    return {"target_parameters": [f".{parameter}"], "lora_B_layout": config.get("lora_B_layout", BY_RANK)}


def _rank(layer: Any, adapter: str) -> int:
    """Return the rank that stands in the factors, which hot-swapping may have padded; of experts, that of each."""
    if hasattr(layer, "parameter_name"):
        return layer.r[adapter]
    if adapter in layer.lora_embedding_A:
        return int(layer.lora_embedding_A[adapter].shape[0])
    return int(layer.lora_A[adapter].weight.shape[0])


def _scale(layer: Any, adapter: str) -> float:
    return float(layer.scaling[adapter])  # a tensor of one number where the model was prepared for hot-swapping


def _as_applied(layer: Layer, wrapped: Wrapped, adapter: str) -> Layer:
    """Return a layer with the scale that is applied now, and with a way to its base weight."""
    transposed = stored_transposed(wrapped.innermost)
    if layer.status == "ok" and isinstance(layer.rule, Linear):
        scale = layer.scale if layer.keys.keys() & {"E"} else _scale(wrapped.layers[0], adapter)
        layer = replace(layer, scale=scale, rule=Linear(scale=scale))
    layer = replace(layer, transposed=transposed, weight=partial(_weight, wrapped, transposed))
    sides = tuple(getattr(wrapped.innermost, name, None) for name in ("out_features", "in_features"))
    if layer.status != "ok" or None in sides or (layer.m, layer.n) == sides:
        return layer
    said = f"its factors make an update of {layer.m} x {layer.n}, and its weight is {sides[0]} x {sides[1]}"
    return replace(layer, status="unsupported", notes=(*layer.notes, said), scale=math.nan)


def _weight(wrapped: Wrapped, transposed: bool) -> Array:
    return wrapped.matrix(seam.wide(wrapped.innermost), transposed=transposed)


def stored_transposed(base: Any) -> bool:
    """Return whether a base layer stores its weight as (n, m): GPT-2's Conv1D, and embeddings."""
    import torch

    return isinstance(base, torch.nn.Embedding) or type(base).__name__ == "Conv1D"
