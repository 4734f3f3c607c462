"""A module of two factors as a state dict, and the one layer that a file of one module is read as."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from rankkit.checkpoints import Layer, open_adapter
from rankkit.checkpoints.forms import formed

__all__ = ["OWN", "normal", "only", "pair", "update"]

RNG = np.random.default_rng(8)
OWN = {"peft_type": "LORA", "r": 2, "lora_alpha": 6}  # a configuration of PEFT's, with a scale of 3


def normal(*shape: int) -> np.ndarray:
    """Return numbers of a shape."""
    return RNG.standard_normal(shape)


def pair(
    path: str = "q",
    first: str = ".lora_A.weight",
    second: str = ".lora_B.weight",
    *,
    m: int = 6,
    r: int = 2,
    n: int = 5,
) -> dict[str, np.ndarray]:
    """Return a module's A under the first name, and its B under the second."""
    return {f"{path}{first}": normal(r, n), f"{path}{second}": normal(m, r)}


def only(state: Mapping[str, np.ndarray], config: dict[str, Any] | None = None) -> Layer:
    """Return the layer of a file that has one."""
    (layer,) = open_adapter(state, config=config).layers
    return layer


def update(layer: Layer) -> np.ndarray:
    """Return a layer's update, scale included."""
    return formed(layer.product(), layer.rule).matrix
