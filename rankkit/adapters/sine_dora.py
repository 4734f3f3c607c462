"""Sine-DoRA as a PEFT adapter: the sine's update inside DoRA's direction, with a trained length for every row."""

# torch's and PEFT's own types are partly unknown
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
# pyright: reportUnknownParameterType=false

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, final

import torch
from peft.utils.integrations import dequantize_module_weight
from torch import Tensor

from rankkit.adapters.layer import NonlinearLayer
from rankkit.adapters.model import NonlinearModel
from rankkit.adapters.registration import register
from rankkit.adapters.sine import SineLayer, SineLoraConfig

__all__ = ["SineDoraConfig", "SineDoraModel"]


@dataclass
class SineDoraConfig(SineLoraConfig):
    """Sine-DoRA: row i of the adapted weight is q_i (W + S)_i / ||(W + S)_i|| with S = sin(omega B A) / g.

    The sine-LoRA paper (appendix A.2.1) puts eq. 3 in place of DoRA's B A. This is the version on weights: the authors'
    forward pass applies the sine to activations, which is no update of the weight and cannot be merged. The lengths q
    begin as those of W's rows. As in DoRA, the norm in the denominator counts as a constant in the gradient.

    Parameters
    ----------
    omega, gain
        As for `SineLoraConfig`; the paper uses 200 to 600 for Llama 3 8B (table 8).
    """

    METHOD: ClassVar[str] = "SINEDORA"


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
        weight = dequantize_module_weight(layer).detach()
        if not weight.is_floating_point():
            raise ValueError(
                f"sine-DoRA needs the weight's own lengths, which a {type(layer).__name__} does not tell; quantise the "
                "base with bitsandbytes, or load it in 16 bit."
            )
        weight = (weight.T if self.fan_in_fan_out else weight).to(torch.promote_types(weight.dtype, torch.float32))
        return {"lora_magnitude": torch.linalg.vector_norm(weight, dim=1)}

    def _magnitude(self, adapter: str) -> Tensor | None:
        return self.lora_magnitude[adapter]

    def merge(self, safe_merge: bool = False, adapter_names: list[str] | None = None) -> None:
        """Add the update to the weight; of one adapter at a time, since each is made from the weight without it."""
        names = adapter_names or self.active_adapters
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
