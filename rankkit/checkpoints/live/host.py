"""One module's weight with PEFT's layer around it, the module's saved tensors loaded: a model of a single layer."""

# torch's and PEFT's own types are partly unknown
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

import numpy as np

from rankkit.checkpoints.forms import Shape
from rankkit.checkpoints.live import seam
from rankkit.checkpoints.methods import method_of
from rankkit.checkpoints.module_names import PEFT_PREFIX

__all__ = ["ADAPTER", "FORMED", "SHARED_WIDTH", "hosted", "kind"]

FORMED = 1 << 28  # entries of the largest update that is formed
LARGEST = 1 << 26  # of a number in a configuration that may be a size
ADAPTER = "default"
# methods whose modules share projections that are drawn as wide as the widest of them
SHARED_WIDTH = ("PVERA", "RANDLORA", "VERA")
OF_ALL = "base_model."  # before the names of what all modules share
MOST_SAID = 200  # characters of PEFT's own words in a reason

# fields of a configuration that say which modules of a whole model are adapted, or nothing about the update
_OF_THE_MODEL = {
    "peft_type", "auto_mapping", "base_model_name_or_path", "revision", "task_type", "inference_mode", "peft_version",
    "target_modules", "exclude_modules", "layers_to_transform", "layers_pattern", "modules_to_save", "runtime_config",
    "target_parameters", "trainable_token_indices", "layer_replication", "feedforward_modules", "bias",
}  # fmt: skip


def kind(shape: Shape, config: Mapping[str, Any], parts: Mapping[str, Any]) -> str:
    """Return what kind of layer a weight of the base is of: the name of its class.

    Parameters
    ----------
    shape : tuple of int
        Of the weight as stored.
    config : mapping
        The adapter's configuration.
    parts : mapping of str
        The names of the module's tensors.
    """
    if len(shape) > 2:
        return {3: "Conv1d", 4: "Conv2d", 5: "Conv3d"}.get(len(shape), "")
    if any("embedding" in name or name.startswith("trainable_tokens") for name in parts):
        return "Embedding"
    return "Conv1D" if config.get("fan_in_fan_out") else "Linear"


def hosted(
    path: str, weight: Any, config: Mapping[str, Any], own: Mapping[str, Any], shared: Mapping[str, Any], *,
    widest: Shape | None = None,
) -> Any:  # fmt: skip
    """Return a model whose one module, at its own path, has the weight and PEFT's layer with the saved tensors.

    Parameters
    ----------
    path : str
        Of the module.
    weight : array
        As the base stores it.
    config : mapping
        The adapter's configuration.
    own, shared : mapping of str to array
        The module's saved tensors by the name behind its path, and those that all modules share.
    widest : (int, int), optional
        Rows and columns of the largest adapted module, where that matters: a module of that shape stands beside it,
        whose weight takes no memory.

    Raises
    ------
    ValueError
        If PEFT cannot build the layer or load the tensors into it: the reason.
    """
    import peft
    import torch

    model, targets = torch.nn.Module(), [path]
    _put(model, path, _layer(weight, kind(np.shape(weight), config, own)))
    if widest is not None:
        beside = torch.nn.Linear(1, 1, bias=False)
        beside.in_features, beside.out_features = widest[1], widest[0]
        beside.weight = torch.nn.Parameter(torch.zeros(1, 1).expand(*widest), requires_grad=False)
        model.add_module("beside", beside)
        targets.append("beside")
    place = f"{PEFT_PREFIX}{path}."
    state = {f"{place}{name}": torch.as_tensor(value) for name, value in own.items()}
    state |= {f"{OF_ALL}{name}": torch.as_tensor(value) for name, value in shared.items()}
    try:
        made = peft.get_peft_model(model, _configured(config, path, targets, own))
        peft.set_peft_model_state_dict(made, state, adapter_name=ADAPTER)
        wanted = peft.get_peft_model_state_dict(made, adapter_name=ADAPTER, save_embedding_layers=False)
    except Exception as error:  # PEFT raises anything for a configuration or a tensor that does not fit
        said = " ".join(str(error).split())[:MOST_SAID] or type(error).__name__
        raise ValueError(f"PEFT cannot load it: {said}") from None
    learned = {parameter.data_ptr() for parameter in made.parameters() if parameter.requires_grad}
    needed = {key for key, tensor in wanted.items() if key.startswith(place) and tensor.data_ptr() in learned}
    if missing := sorted(key.removeprefix(place) for key in needed - state.keys()):
        raise ValueError(f"{' and '.join(missing)} of it {'is' if len(missing) == 1 else 'are'} not in the file")
    return made


def _configured(config: Mapping[str, Any], path: str, targets: list[str], own: Mapping[str, Any]) -> Any:
    """Return PEFT's configuration of an adapter on one module."""
    method = method_of(config)
    cls = seam.config_class(method)
    known = {field.name for field in dataclasses.fields(cls)} - _OF_THE_MODEL
    for name, value in config.items():
        if isinstance(value, int) and abs(value) > LARGEST and name in known and not ("seed" in name or "prng" in name):
            raise ValueError(f"its configuration says {name} = {value}")
    fields = {name: value for name, value in config.items() if name in known}
    if method == "IA3":  # the vector's shape tells which side it scales
        row = np.shape(own["ia3_l"])[0] == 1
        return cls(**fields, target_modules=targets, feedforward_modules=[path] if row else [])
    return cls(**fields, target_modules=targets)


def _layer(weight: Any, name: str) -> Any:
    """Return a base layer of this kind with this weight."""
    import torch

    W = torch.as_tensor(np.ascontiguousarray(weight))
    with torch.device("meta"):
        made = _empty(tuple(W.shape), name)
    made.weight = torch.nn.Parameter(W.clone(), requires_grad=False)
    return made


def _empty(shape: Shape, name: str) -> Any:
    import torch
    from torch import nn

    if name == "Conv1D":
        from transformers.pytorch_utils import Conv1D

        made = Conv1D(shape[1], shape[0])
        made.bias = nn.Parameter(torch.zeros(shape[1], device="cpu"), requires_grad=False)
        return made
    if name == "Embedding":
        return nn.Embedding(shape[0], shape[1])
    if name == "Linear":
        return nn.Linear(shape[1], shape[0], bias=False)
    return getattr(nn, name)(shape[1], shape[0], shape[2:], bias=False)


def _put(model: Any, path: str, layer: Any) -> None:
    """Put a layer into a model at its path."""
    import torch

    *above, last = path.split(".")
    for name in above:
        below = torch.nn.Module()
        model.add_module(name, below)
        model = below
    model.add_module(last, layer)
