"""Small models with PEFT's layers in them, and their merges by PEFT in float64."""

import copy
import dataclasses
from typing import Any

import numpy as np
import torch
from peft import get_peft_model
from peft.mapping import PEFT_TYPE_TO_CONFIG_MAPPING
from peft.tuners.tuners_utils import BaseTunerLayer
from torch import nn

# what a method needs beside target_modules on modules of 24 x 16 and 16 x 24
SETTINGS: dict[str, dict[str, Any]] = {
    "ADALORA": {"total_step": 10}, "ADAMSS": {"r": 8, "num_subspaces": 2, "subspace_rank": 1},
    "BOFT": {"boft_block_size": 4}, "C3A": {"block_size": 8}, "FOURIERFT": {"n_frequency": 50},
    "GRALORA": {"r": 4, "gralora_k": 2}, "HRA": {"r": 4}, "IA3": {"feedforward_modules": []},
    "LN_TUNING": {"target_modules": ["norm"]}, "MISS": {"r": 4}, "OFT": {"r": 0, "oft_block_size": 8},
    "OSF": {"effective_rank": 8}, "PSOFT": {"r": 4}, "RANDLORA": {"r": 4}, "ROAD": {"group_size": 8}, "SHIRA": {"r": 2},
    "TINYLORA": {"u": 8}, "TRAINABLE_TOKENS": {"target_modules": ["emb"], "token_indices": [1, 3]},
    "UNILORA": {"theta_d_length": 64}, "VBLORA": {"vector_length": 8, "num_vectors": 16, "topk": 2},
    "VERA": {"r": 4}, "WAVEFT": {"n_frequency": 50},
}  # fmt: skip


class Net(nn.Module):
    """An embedding, two dense layers, and a norm."""

    def __init__(self) -> None:
        super().__init__()
        self.emb = nn.Embedding(20, 16)
        self.one = nn.Linear(16, 24)
        self.norm = nn.LayerNorm(24)
        self.two = nn.Linear(24, 16)

    def forward(self, ids: Any, **to_layers: Any) -> Any:
        return self.two(self.norm(self.one(self.emb(ids), **to_layers)), **to_layers)


def config_of(method: str, **more: Any) -> Any:
    cls: Any = next(
        cls for name, cls in PEFT_TYPE_TO_CONFIG_MAPPING.items() if str(getattr(name, "value", name)) == method
    )
    known = {field.name for field in dataclasses.fields(cls)}
    settings = {"target_modules": ["one", "two"], "init_weights": True, **SETTINGS.get(method, {}), **more}
    if method == "ADAMSS":
        settings.pop("init_weights")
    return cls(**{name: value for name, value in settings.items() if name in known})


def trained(model: Any, seed: int = 0, size: float = 0.1) -> Any:
    """Return the model after a step in a random direction."""
    generator = torch.Generator().manual_seed(seed)
    for parameter in model.parameters():
        if parameter.requires_grad:
            parameter.data += size * torch.randn(parameter.shape, generator=generator)
    return model


def model_of(method: str, **more: Any) -> Any:
    torch.manual_seed(0)
    return trained(get_peft_model(Net(), config_of(method, **more)))


def merges(model: Any, adapters: Any = None) -> dict[str, Any]:
    """Return path -> merged weight less base weight, by PEFT's own code on a float64 copy of the whole model."""
    try:
        return _merges(copy.deepcopy(model).double().eval(), adapters)
    except RuntimeError:  # AdaMSS computes in float32 alone
        return _merges(copy.deepcopy(model).eval(), adapters)


def _merges(model: Any, adapters: Any) -> dict[str, Any]:
    found = {}
    for path, module in model.named_modules():
        if isinstance(module, BaseTunerLayer):
            layer: Any = module
            W = layer.get_base_layer().weight.detach().clone()
            layer.merge(adapter_names=adapters)
            merged = layer.get_base_layer().weight.detach()
            found[path.removeprefix("base_model.model.")] = (merged.double() - W.double()).numpy()
    return found


def truth(delta: Any) -> tuple[float, float]:
    """Return sigma_1 and the stable rank of a matrix."""
    s = np.linalg.svd(np.reshape(delta, (len(delta), -1)), compute_uv=False)
    return float(s[0]), float(np.sum(s**2) / s[0] ** 2)
