"""The adapter layers around one base layer, as copies that are ready to be measured."""

# torch's and PEFT's own types are partly unknown
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from rankkit.checkpoints.live import seam
from rankkit.checkpoints.live.copies import copied
from rankkit.factors import Array

__all__ = ["RAISED", "Wrapped", "inputs_of", "ready", "said", "spread", "turned"]

PROBES = 3  # inputs at which two answers are compared
SEED = 20260701  # of the inputs that are tried

# what PEFT's layers raise where they cannot do something
RAISED = (NotImplementedError, ValueError, TypeError, RuntimeError, AttributeError, KeyError, AssertionError)


class Wrapped(NamedTuple):
    """The adapter layers around one base layer.

    Attributes
    ----------
    path : str
        Of the outermost, in the model.
    layers : tuple of modules
        Outermost first; more than one where methods are mixed.
    """

    path: str
    layers: tuple[Any, ...]

    @property
    def innermost(self) -> Any:
        """The base layer that all of them adapt."""
        return self.layers[0].get_base_layer()

    @property
    def groups(self) -> int:
        """How many groups of a convolution LoRA's factors hold side by side; 1 elsewhere."""
        return getattr(self.innermost, "groups", 1) if seam.is_lora(self.layers[0]) else 1

    def matrix(self, weight: Array, *, transposed: bool) -> Array:
        """Return a weight of the base layer's shape as a matrix (m, n), a grouped one with a block for each group."""
        return turned(spread(weight, self.groups) if self.groups > 1 else weight, transposed)


def turned(weight: Array, transposed: bool) -> Array:
    """Return a weight, or its change, as a matrix (m, n): kernel axes are columns; one stored as (n, m) is turned."""
    flat = np.reshape(weight, (weight.shape[0], -1))
    return flat.T if transposed else flat


def spread(weight: Array, groups: int) -> Array:
    """Return a grouped convolution's weight (m, inputs of one group, ...) with its groups' inputs side by side."""
    m, n = weight.shape[:2]
    whole = np.zeros((m, groups * n, *weight.shape[2:]), dtype=weight.dtype)
    for at in range(groups):
        rows = slice(at * m // groups, (at + 1) * m // groups)
        whole[rows, at * n : (at + 1) * n] = weight[rows]
    return whole


def ready(wrapped: Wrapped, adapters: Sequence[str], *, double: bool = True) -> list[Any]:
    """Return a copy of the layers, unmerged, with these adapters active.

    Parameters
    ----------
    wrapped : Wrapped
    adapters : sequence of str
    double : bool
        In float64, else in float32.
    """
    layer = copied(wrapped.layers[0], double=double)
    layers = [layer]
    while len(layers) < len(wrapped.layers):
        layers.append(layers[-1].base_layer)
    for one in layers:
        if one.merged:
            one.unmerge()
        one._disable_adapters = False
        one.set_adapter([*adapters])
    return layers


def inputs_of(base: Any, W: Any) -> Any:
    """Return inputs for a base layer that do not depend on any random state.

    Parameters
    ----------
    base : torch.nn.Module
    W : tensor
        Its weight.
    """
    import torch

    generator = torch.Generator().manual_seed(SEED)
    if isinstance(base, torch.nn.Embedding):
        return torch.randint(base.num_embeddings, (PROBES,), generator=generator).to(W.device)
    if W.ndim == 2:
        n = getattr(base, "in_features", None) or (W.shape[0] if hasattr(base, "nf") else W.shape[1])
        shape: tuple[int, ...] = (PROBES, n)
    else:
        kernel = [(side - 1) * gap + PROBES for side, gap in zip(W.shape[2:], base.dilation, strict=True)]
        shape = (1, base.in_channels, *kernel)
    return torch.randn(shape, generator=generator, dtype=W.dtype).to(W.device)


def said(error: Exception) -> str:
    """Return an error as part of a sentence."""
    return " ".join(str(error).split()).rstrip(".") or type(error).__name__
