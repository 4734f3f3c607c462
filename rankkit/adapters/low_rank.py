"""Layers that are a sine of a low-rank product from the start: y = sin(omega B A) / g x + b, trained from scratch."""

# torch's and PEFT's own types are partly unknown
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
# pyright: reportUnknownParameterType=false

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, final

import torch
from torch import Tensor, nn

from rankkit.adapters.blocks import update_of
from rankkit.adapters.curves import SineCurve
from rankkit.adapters.product import adapted_product, product_dtype
from rankkit.checks import finite, integer

__all__ = ["Compression", "SineLowRankLinear", "low_rank_"]


@final
class SineLowRankLinear(nn.Module):
    """A linear layer with the weight sin(omega B A) / g (sine-LoRA paper, eq. 3), in (m + n) r numbers.

    B and A are drawn by Kaiming's uniform law with bounds sqrt(6 / r) and sqrt(6 / n), the law of the paper's figures
    and of `rankkit.initializers.KaimingUniform`, so that `rankkit.frequency_for_rank` answers for this layer.

    Parameters
    ----------
    in_features, out_features : int
        n and m.
    rank : int
        r, at least 1.
    omega : float
        Frequency, > 0; the paper has 150 to 1000 for vision transformers, smaller at larger ranks (table 9).
    gain : float, optional
        The divisor g; None: sqrt(m).
    bias : bool
        Whether b is there; it begins at 0.
    device, dtype
        Of the parameters.

    Examples
    --------
    >>> SineLowRankLinear(384, 1536, rank=5, omega=500)(torch.zeros(2, 384)).shape
    torch.Size([2, 1536])
    """

    def __init__(self, in_features: int, out_features: int, rank: int, omega: float, gain: float | None = None, *,
                 bias: bool = True, device: Any = None, dtype: torch.dtype | None = None) -> None:  # fmt: skip
        super().__init__()
        self.in_features = integer("in_features", in_features)
        self.out_features = integer("out_features", out_features)
        self.rank = integer("rank", rank, advice="the paper has 1 to 250")
        self.omega = finite("omega", omega, least=0, strict=True, advice="the paper has 150 to 1000 for transformers")
        self.gain = math.sqrt(out_features) if gain is None else finite("gain", gain, least=0, strict=True)
        self.B = nn.Parameter(torch.empty(out_features, rank, device=device, dtype=dtype))
        self.A = nn.Parameter(torch.empty(rank, in_features, device=device, dtype=dtype))
        self.bias = nn.Parameter(torch.zeros(out_features, device=device, dtype=dtype)) if bias else None
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw B and A anew."""
        nn.init.uniform_(self.B, -math.sqrt(6 / self.rank), math.sqrt(6 / self.rank))
        nn.init.uniform_(self.A, -math.sqrt(6 / self.in_features), math.sqrt(6 / self.in_features))
        if self.bias is not None:
            nn.init.zeros_(self.bias)

    @property
    def curve(self) -> SineCurve:
        """sin(omega z) / g."""
        return SineCurve.of(self.omega, self.gain)

    @property
    def weight(self) -> Tensor:
        """The whole weight (m, n), formed now and not to be differentiated."""
        return update_of(self.B, self.A, self.curve, 1.0)

    def forward(self, x: Tensor) -> Tensor:
        """Return the layer's output."""
        y = adapted_product(x, self.B, self.A, self.curve, 1.0, dtype=product_dtype(x))
        return y if self.bias is None else y + self.bias.to(y.dtype)

    def extra_repr(self) -> str:
        """Return what a printed model shows."""
        return f"{self.in_features}, {self.out_features}, rank={self.rank}, omega={self.omega:g}, gain={self.gain:.4g}"


@dataclass(frozen=True)
class Compression:
    """What `low_rank_` did.

    Attributes
    ----------
    replaced : tuple of str
        The layers, by their paths.
    before, after : int
        Parameters of the whole model.
    """

    replaced: tuple[str, ...]
    before: int
    after: int

    @property
    def rate(self) -> float:
        """The share of parameters that is left, the paper's compression rate."""
        return self.after / self.before


def low_rank_(
    model: nn.Module, *, rank: int, omega: float, modules: Iterable[str] | None = None, gain: float | None = None
) -> Compression:
    """Replace linear layers of a model by sines of low-rank products, drawn anew, and return the compression.

    Parameters
    ----------
    model : nn.Module
        Changed in place.
    rank, omega, gain
        As for `SineLowRankLinear`.
    modules : iterable of str, optional
        Paths of the layers, or their ends ("mlp.fc1"); None: every nn.Linear.

    Raises
    ------
    ValueError
        If one of the names fits no nn.Linear.

    Examples
    --------
    >>> round(low_rank_(nn.Sequential(nn.Linear(64, 64), nn.ReLU()), rank=2, omega=300).rate, 3)
    0.077
    """
    linear = {name: layer for name, layer in model.named_modules() if type(layer) is nn.Linear}
    asked = None if modules is None else [modules] if isinstance(modules, str) else list(modules)
    for end in asked or ():
        if not any(_ends(name, end) for name in linear):
            some = ", ".join(list(linear)[:5]) or "none"
            raise ValueError(f"modules must name nn.Linear layers, got {end!r}; the model has {some}.")
    chosen = [name for name in linear if asked is None or any(_ends(name, end) for end in asked)]
    if not chosen or "" in chosen:
        raise ValueError("model must contain an nn.Linear to replace; pass the module that holds the layers.")
    before = sum(parameter.numel() for parameter in model.parameters())
    for name in chosen:
        old = linear[name]
        new = SineLowRankLinear(
            old.in_features, old.out_features, rank, omega, gain, bias=getattr(old, "bias", None) is not None,
            device=old.weight.device, dtype=old.weight.dtype,
        )  # fmt: skip
        parent, _, child = name.rpartition(".")
        setattr(model.get_submodule(parent), child, new.train(old.training))
    return Compression(tuple(chosen), before, sum(parameter.numel() for parameter in model.parameters()))


def _ends(name: str, end: str) -> bool:
    return f".{name}".endswith(f".{end}")
