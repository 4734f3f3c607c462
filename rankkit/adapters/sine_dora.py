"""Sine-DoRA as a PEFT adapter: the sine's update inside DoRA's direction, with a trained length for every row."""

# torch's and PEFT's own types are partly unknown
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
# pyright: reportUnknownParameterType=false

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any, ClassVar, final

import torch
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from rankkit.adapters.blocks import exactly, row_lengths, wide
from rankkit.adapters.config import divisor
from rankkit.adapters.layer import NonlinearLayer, weight_of
from rankkit.adapters.model import NonlinearModel
from rankkit.adapters.product import eager
from rankkit.adapters.registration import register
from rankkit.adapters.sine import SineLayer, SineLoraConfig

__all__ = ["SineDoraConfig", "SineDoraModel"]


_NO_UPDATE = (
    "sine-DoRA on activations has no weight update to merge or to return: its sine is taken of B A x; keep the adapter "
    "beside its base, or train with on_activations=False."
)


@dataclass
class SineDoraConfig(SineLoraConfig):
    """Sine-DoRA: row i of the adapted weight is q_i (W + S)_i / ||(W + S)_i|| with S = sin(omega B A) / g.

    The sine-LoRA paper (appendix A.2.1) puts eq. 3 in place of DoRA's B A. The lengths q begin as those of W's rows. As
    in DoRA, the norm in the denominator counts as a constant in the gradient.

    Parameters
    ----------
    omega, gain
        As for `SineLoraConfig`; the paper uses 200 to 600 for Llama 3 8B (table 8).
    on_activations : bool
        Whether to train as the forward pass of the authors' code does (Sine-Low-Rank, commit 1a205c9): output i is
        (q_i / ||(W + S)_i||) (W x + sin(omega B A x / g))_i, with g within the sine. That is no update of the weight
        and cannot be merged; what the authors' code merges is the paper's update, which is another function. False: the
        paper's update, in training and afterwards.
    """

    METHOD: ClassVar[str] = "SINEDORA"

    on_activations: bool = field(default=False)


@final
class SineDoraLayer(SineLayer):
    """A layer with sines and lengths."""

    config_class: ClassVar[type] = SineDoraConfig
    extra_names: ClassVar[tuple[str, ...]] = ("lora_magnitude",)
    adapter_layer_names = (*NonlinearLayer.adapter_layer_names, "lora_magnitude")
    lora_magnitude: Any

    def _extra(self, config: Any) -> dict[str, Tensor]:
        layer = self.get_base_layer()
        if layer.weight.device.type == "meta":
            return {"lora_magnitude": torch.empty(self.out_features, device="meta")}
        weight = weight_of(layer).detach()
        if not weight.is_floating_point():
            raise ValueError(
                f"sine-DoRA needs the weight's own lengths, which a {type(layer).__name__} does not tell; quantise the "
                "base with bitsandbytes, or load it in 16 bit."
            )
        weight = (weight.T if self.fan_in_fan_out else weight).to(torch.promote_types(weight.dtype, torch.float32))
        return {"lora_magnitude": torch.linalg.vector_norm(weight, dim=1)}

    def _magnitude(self, adapter: str) -> Tensor | None:
        return self.lora_magnitude[adapter]

    def frequency(self, adapter: str) -> float:
        """Return omega; NaN where the sine is not taken of B A."""
        return math.nan if self._on_activations(adapter) else super().frequency(adapter)

    def _on_activations(self, adapter: str) -> bool:
        return bool(self.configs[adapter].on_activations)

    def _folded(self, x: Tensor, adapter: str) -> Tensor | None:
        return None if self._on_activations(adapter) else super()._folded(x, adapter)

    def _delta(self, x: Tensor, adapter: str) -> Tensor:
        if not self._on_activations(adapter):
            return super()._delta(x, adapter)
        return self._response_again(x, adapter)

    @eager
    def _response_again(self, x: Tensor, adapter: str) -> Tensor:
        """Return the response, and keep for the backward pass only what it is made of: B A x is as large as it."""
        part: Any = checkpoint(self._response, x, adapter, use_reentrant=False)
        return part

    def _response(self, x: Tensor, adapter: str) -> Tensor:
        """Return the part that the authors' forward pass adds to the base's output."""
        (B, A), config = self._sound(adapter), self.configs[adapter]
        kind = wide(B.dtype)
        if self.training:
            lengths = self._lengths(adapter)
        else:
            lengths = self._kept(adapter, lambda: self._lengths(adapter), dtype=kind)
        turn = self.lora_magnitude[adapter] / lengths
        x = self.lora_dropout[adapter](x)
        layer = self.get_base_layer()
        weight = weight_of(layer)
        through = nn.functional.linear(x, (weight.T if self.fan_in_fan_out else weight).to(x.dtype))
        inner = config.omega / divisor(config.gain, B.shape[0], A.shape[1])
        with exactly(x.device):
            wave = torch.sin(inner * (x.to(kind) @ A.to(kind).T @ B.to(kind).T))
        return turn * self._factor(adapter) * wave + (turn - 1) * through

    def _lengths(self, adapter: str) -> Tensor:
        B, A = self.factors(adapter)
        base = self._base(adapter)
        assert base is not None
        return row_lengths(B, A, self.curve(adapter, B, A)[0], self._factor(adapter), base)

    def _update(self, adapter: str) -> Tensor:
        if self._on_activations(adapter):
            raise ValueError(_NO_UPDATE)
        return super()._update(adapter)

    def merge(self, safe_merge: bool = False, adapter_names: list[str] | None = None) -> None:
        """Add the update to the weight; of one adapter at a time, since each is made from the weight without it."""
        names = adapter_names or self.active_adapters
        if any(self._on_activations(name) for name in names if name in self.lora_A):
            raise ValueError(_NO_UPDATE)
        if len({*self.merged_adapters, *names} & set(self.lora_A)) > 1:
            raise ValueError(
                "sine-DoRA merges one adapter at a time: each update is made from the weight alone; unmerge first."
            )
        if names and not self.merged and names[0] in self.lora_A:
            self._caches["merged"] = self.get_delta_weight(names[0])
        super().merge(safe_merge, adapter_names)

    def get_delta_weight(self, adapter: str) -> Tensor:
        """Return the update; while it is merged, the one that was added."""
        return self._caches["merged"] if self.merged_adapters == [adapter] else super().get_delta_weight(adapter)

    def unmerge(self) -> None:
        """Take the merged update out of the weight again."""
        if self.merged:
            delta, name = self._caches.pop("merged"), self.merged_adapters.pop()
            assert name in self.lora_A
            weight = self.get_base_layer().weight
            weight.data -= delta.to(weight.dtype)
        else:
            super().unmerge()


@final
class SineDoraModel(NonlinearModel):
    """PEFT's model of sine-DoRA."""

    layer_class: ClassVar[type[NonlinearLayer]] = SineDoraLayer


register(SineDoraConfig.METHOD, SineDoraConfig, SineDoraModel)
