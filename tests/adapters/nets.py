"""Small nets with adapters that have left their start, for every method."""

from typing import Any

import peft
import torch
from torch import nn
from transformers.pytorch_utils import Conv1D

from rankkit.adapters import AdaSineLoraConfig, LoranConfig, LrLoraConfig, SineDoraConfig, SineLoraConfig

COMMON: dict[str, Any] = {"r": 4, "target_modules": ["first", "second"], "lora_dropout": 0.0}
METHODS = {
    "sine": lambda **more: SineLoraConfig(omega=30, **COMMON | more),
    "sine, authors' gain": lambda **more: SineLoraConfig(omega=30, gain="sqrt(in_features)", **COMMON | more),
    "sine-DoRA": lambda **more: SineDoraConfig(omega=30, **COMMON | more),
    "sine-DoRA on activations": lambda **more: SineDoraConfig(omega=30, on_activations=True, **COMMON | more),
    "Sinter": lambda **more: LoranConfig(amplitude=0.3, omega=20, **COMMON | more),
    "swish": lambda **more: LoranConfig(activation="swish", beta=25, **COMMON | more),
    "tanh": lambda **more: LoranConfig(activation="tanh", **COMMON | more),
    "relu": lambda **more: LoranConfig(activation="relu", **COMMON | more),
    "sigmoid": lambda **more: LoranConfig(activation="sigmoid", **COMMON | more),
    "identity": lambda **more: LoranConfig(activation="identity", **COMMON | more),
    "AdaSine": lambda **more: AdaSineLoraConfig(omega0=30, **COMMON | more),
    "AdaSine, as printed": lambda **more: AdaSineLoraConfig(omega0=3, scale_inside=False, **COMMON | more),
    "LR, sinc": lambda **more: LrLoraConfig(size=9, **COMMON | more),
    "LR, learned grid": lambda **more: LrLoraConfig(size=9, grid="learned", omega0=0.5, **COMMON | more),
    "LR, Gaussian, around the identity": lambda **more: LrLoraConfig(
        size=9, basis="gaussian", grid="chebyshev", around_identity=True, **COMMON | more
    ),
    "LR, B-spline": lambda **more: LrLoraConfig(size=9, basis="bspline", grid="random", seed=3, **COMMON | more),
    "LR, Fourier": lambda **more: LrLoraConfig(size=8, basis="fourier", grid="learned", **COMMON | more),
    "LR, polynomial": lambda **more: LrLoraConfig(size=5, basis="polynomial", **COMMON | more),
    "LR, shared": lambda **more: LrLoraConfig(size=9, share=["bandwidth", "amplitude"], **COMMON | more),
}
UPDATES = [name for name in METHODS if "AdaSine" not in name and "activations" not in name]
ONE_EACH = ["sine", "sine-DoRA", "Sinter", "AdaSine", "LR, sinc"]


class Net(nn.Module):
    """A Linear and a Conv1D layer, and a head."""

    def __init__(self):
        super().__init__()
        self.first, self.second, self.head = nn.Linear(12, 20), Conv1D(10, 20), nn.Linear(10, 3)

    def forward(self, x):
        return self.head(torch.tanh(self.second(torch.tanh(self.first(x)))))


def one(layer: nn.Module) -> Any:
    """Return a net of one layer, under the name that the adapters' targets have."""
    net = nn.Sequential()
    net.add_module("first", layer)
    return net


def adapted(method, *, seed=0, dtype=torch.float32, spread=0.3, net=None, adapter_name="default", **more) -> Any:
    """Return a net with an adapter whose parameters are random."""
    torch.manual_seed(seed)
    config = METHODS[method](**more) if isinstance(method, str) else method
    model = peft.get_peft_model((Net() if net is None else net).to(dtype), config, adapter_name=adapter_name)
    return shaken(model, spread=spread)


def shaken(model, *, spread=0.3):
    """Return the model after every trained parameter has moved."""
    for name, parameter in model.named_parameters():
        if parameter.requires_grad and "modules_to_save" not in name:
            noise = torch.randn_like(parameter) * spread
            parameter.data = (parameter.data if "magnitude" in name else 0) + noise
    return model


def layers(model: Any) -> dict[str, Any]:
    """Return the adapted layers by their names."""
    return {name: model.base_model.model.get_submodule(name) for name in ("first", "second")}
