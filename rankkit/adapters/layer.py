"""One adapted layer: PEFT's LoRA layer with a function of the entries of B A in place of B A.

A method says how its function is made, and what else is trained, in a subclass. Everything about dropout, dtypes, a
base that cannot be folded, several adapters, and merging is here.
"""

# torch's and PEFT's own types are partly unknown
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
# pyright: reportUnknownParameterType=false

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any, ClassVar

import torch
from peft.tuners._buffer_dict import BufferDict
from peft.tuners.lora.layer import Linear as LoraLinear
from peft.tuners.lora.layer import LoraLayer
from peft.utils.integrations import dequantize_module_weight
from torch import Tensor, nn
from transformers.pytorch_utils import Conv1D

from rankkit.adapters.blocks import HALF, Base, update_of, wide
from rankkit.adapters.curves import Curve
from rankkit.adapters.product import adapted_product, product_dtype

__all__ = ["NonlinearLayer", "weight_of"]


class NonlinearLayer(LoraLinear, ABC):
    """A Linear or Conv1D layer with updates scale * phi(B A), one an adapter.

    Attributes
    ----------
    lora_method : BufferDict
        The method's name as bytes, stored with the tensors: a file that has lost its configuration still says what it
        is, and is not taken for plain LoRA.
    config_class : type
        Of the method.
    extra_names : tuple of str
        Containers of what the method trains besides B and A.
    """

    # PEFT's own attributes: nn.Module's annotation of any attribute is a tensor or a module
    base_layer: Any
    lora_A: Any
    lora_B: Any
    lora_dropout: Any
    in_features: Any
    out_features: Any

    config_class: ClassVar[type]
    extra_names: ClassVar[tuple[str, ...]] = ()
    other_param_names: tuple[str, ...] = (*LoraLayer.other_param_names, "lora_method", "configs")

    def __init__(self, base_layer: nn.Module, adapter_name: str, config: Any, r: int = 0,
                 lora_alpha: float | None = None, **kwargs: Any) -> None:  # fmt: skip
        nn.Module.__init__(self)
        LoraLayer.__init__(self, base_layer, **kwargs)
        self.lora_method = BufferDict(persistent=True)
        for name in self.extra_names:
            setattr(self, name, nn.ParameterDict())
        self.configs: dict[str, Any] = {}
        self._formed: dict[str, tuple[list[Tensor], Tensor]] = {}
        self.fan_in_fan_out = isinstance(self.get_base_layer(), Conv1D)
        self.is_target_conv_1d_layer = self.fan_in_fan_out
        self._active_adapter = adapter_name
        self.update_layer(adapter_name, r, lora_alpha, config, **kwargs)

    # what a method says

    def _extra(self, config: Any) -> dict[str, Tensor]:
        """Return what is trained besides B and A, by the name of its container."""
        return {}

    @abstractmethod
    def curve(self, adapter: str, B: Tensor, A: Tensor) -> tuple[Curve, Tensor | None]:
        """Return (curve, samples): phi for these factors, and the samples of a learned one."""

    def frequency(self, adapter: str) -> float:
        """Return the factor on B A inside the function, in radians per unit of B A; NaN without one."""
        return math.nan

    def _magnitude(self, adapter: str) -> Tensor | None:
        """Return DoRA's lengths of the adapted rows, where the method has them."""
        return None

    def _factor(self, adapter: str) -> float:
        """Return the factor in front of phi: PEFT's scale."""
        return float(self.scaling[adapter])

    # what PEFT asks for

    def update_layer(self, adapter_name: str, r: int, lora_alpha: float | None, config: Any, **kwargs: Any) -> None:
        """Add an adapter of rank r; without lora_alpha its scale is 1, whatever the rank."""
        if not isinstance(config, type(self).config_class):
            raise ValueError(
                f"a {type(config).__name__} cannot be added to a layer of {type(self).config_class.__name__}: "
                "one model takes adapters of one method; load the other on a model of its own."
            )
        alpha = (r**0.5 if config.use_rslora else r) if lora_alpha is None else lora_alpha
        self.configs[adapter_name] = config
        self.lora_method[adapter_name] = torch.tensor(list(config.peft_type.value.encode()), dtype=torch.uint8)
        for name, start in self._extra(config).items():
            getattr(self, name)[adapter_name] = nn.Parameter(start)
        super().update_layer(adapter_name, r, alpha, config=config, **kwargs)  # pyright: ignore[reportArgumentType]

    def _move_adapter_to_device_of_base_layer(self, adapter_name: str, device: torch.device | None = None) -> None:
        """Move an adapter to its base, but keep float32: a phase in 16 bit has no digits behind the point."""
        super()._move_adapter_to_device_of_base_layer(adapter_name, device)
        for parameter in self._parameters_of(adapter_name):
            if parameter.dtype in HALF:
                parameter.data = parameter.data.float()

    def train(self, mode: bool = True) -> NonlinearLayer:
        """Set training mode, drop what was formed for inference, and return the layer."""
        self._formed.clear()
        return super().train(mode)

    def get_delta_weight(self, adapter: str) -> Tensor:
        """Return the update as it is added to the layer's weight, in the dtype of the factors."""
        dtype: torch.dtype = self.lora_B[adapter].weight.dtype
        delta = self._update(adapter).to(dtype)
        return delta.T if self.fan_in_fan_out else delta

    def merge(self, safe_merge: bool = False, adapter_names: list[str] | None = None) -> None:
        """Add the active adapters' updates to the weight."""
        weight: Any = self.get_base_layer().weight
        if not weight.is_floating_point():
            raise ValueError("an update cannot be added to a quantised weight; load the base in 16 or 32 bit to merge.")
        self._formed.clear()
        with torch.no_grad():
            super().merge(safe_merge, adapter_names)

    def unmerge(self) -> None:
        """Take the merged updates out of the weight again."""
        with torch.no_grad():
            super().unmerge()

    def forward(self, x: Tensor, *args: Any, **kwargs: Any) -> Tensor:
        """Return the layer's output with its active adapters."""
        self._check_forward_args(x, *args, **kwargs)
        names = kwargs.pop("adapter_names", None)
        if kwargs.pop("alora_offsets", None) is not None:
            raise ValueError("alora_offsets belong to activated LoRA; these adapters act on every token.")
        if self.disable_adapters:
            if self.merged:
                self.unmerge()
            return self.base_layer(x, *args, **kwargs)
        if self.merged:
            return self.base_layer(x, *args, **kwargs)
        active = [name for name in self.active_adapters if name in self.lora_A]
        if names is not None:
            return self._mixed(x, names, *args, **kwargs)
        if len(active) == 1 and not args and not kwargs and (folded := self._folded(x, active[0])) is not None:
            return folded
        result = self.base_layer(x, *args, **kwargs)
        dtype = result.dtype
        for adapter in active:
            result = result + self._delta(x, adapter)
        return result.to(dtype)

    # how an update meets its input

    def _sound(self, adapter: str) -> tuple[Tensor, Tensor]:
        """Return (B, A), which must be finite."""
        B, A = self.factors(adapter)
        looks = B.device.type == "cpu" and not torch.compiler.is_compiling()  # elsewhere a look is a wait
        if looks and not (B.isfinite().all() and A.isfinite().all()):
            raise ValueError(
                f"adapter {adapter!r} has NaN or infinite factors: the training diverged; use a smaller learning rate "
                "(of a sine it goes with 1 / omega) and begin again from the last good checkpoint."
            )
        return B, A

    def _folded(self, x: Tensor, adapter: str) -> Tensor | None:
        """Return the layer's output in one product with W + S; None where W cannot be part of it."""
        layer = self.base_layer
        if (
            not _plain(layer) or layer.weight.dtype in HALF or x.dtype != layer.weight.dtype or self._drops(adapter)
            or torch.is_autocast_enabled(x.device.type) or not (self.training or torch.is_grad_enabled())
        ):  # fmt: skip
            return None
        B, A = self._sound(adapter)
        curve, samples = self.curve(adapter, B, A)
        base = Base(lambda: layer.weight, self.fan_in_fan_out, True, layer.bias)
        return adapted_product(
            x, B, A, curve, self._factor(adapter), base=base, magnitude=self._magnitude(adapter), samples=samples,
            dtype=x.dtype,
        )  # fmt: skip

    def _drops(self, adapter: str) -> bool:
        dropout = self.lora_dropout[adapter]
        return self.training and isinstance(dropout, nn.Dropout) and dropout.p > 0

    def _delta(self, x: Tensor, adapter: str) -> Tensor:
        """Return the update's part of the output."""
        B, A = self._sound(adapter)
        dtype = product_dtype(x)
        if not self.training and not torch.is_grad_enabled():
            update = self._cached(adapter, dtype)
            return nn.functional.linear(x.to(update.dtype), update)
        curve, samples = self.curve(adapter, B, A)
        return adapted_product(
            self.lora_dropout[adapter](x), B, A, curve, self._factor(adapter), base=self._base(adapter),
            magnitude=self._magnitude(adapter), samples=samples, dtype=dtype,
        )  # fmt: skip

    def _base(self, adapter: str) -> Base | None:
        """Return the base that a magnitude needs, beside which the update stands alone; None without one."""
        if self._magnitude(adapter) is None:
            return None
        layer = self.get_base_layer()
        return Base(lambda: weight_of(layer), self.fan_in_fan_out, folded=False)

    def _update(self, adapter: str) -> Tensor:
        """Return the update (m, n) in the phase's dtype, not to be differentiated."""
        with torch.no_grad():
            B, A = self._sound(adapter)
            curve, _ = self.curve(adapter, B, A)
            return update_of(
                B, A, curve, self._factor(adapter), base=self._base(adapter), magnitude=self._magnitude(adapter)
            )

    def _cached(self, adapter: str, dtype: torch.dtype | None) -> Tensor:
        """Return the update for inference, in the dtype of the product."""
        wanted = wide(self.factors(adapter)[0].dtype) if dtype is None else dtype
        return self._kept(adapter, lambda: self._update(adapter).to(wanted), dtype=wanted)

    def _kept(self, adapter: str, make: Callable[[], Tensor], *, dtype: torch.dtype) -> Tensor:
        """Return what is formed for inference, made again only when what it is made of, or its dtype, has changed."""
        weight: Any = self.get_base_layer().weight  # which only a magnitude looks at
        stamp = [weight.data_ptr(), weight._version] if self._magnitude(adapter) is not None else []
        made_of = [*self._parameters_of(adapter), torch.tensor([self._factor(adapter), *stamp], dtype=torch.float64)]
        known = self._formed.get(adapter)
        if known is None or known[1].dtype is not dtype or not all(map(_same, known[0], made_of)):
            self._formed[adapter] = ([t.detach().clone() for t in made_of], make())
        return self._formed[adapter][1]

    def factors(self, adapter: str) -> tuple[Tensor, Tensor]:
        """Return (B, A) of an adapter."""
        return self.lora_B[adapter].weight, self.lora_A[adapter].weight

    def keys_of(self, adapter: str) -> list[str]:
        """Return the keys of an adapter's tensors in this module's state."""
        held = [name for name in (*self.extra_names, "lora_method") if adapter in getattr(self, name)]
        pair = [f"{name}.{adapter}.weight" for name in ("lora_A", "lora_B") if adapter in getattr(self, name)]
        return pair + [f"{name}.{adapter}" for name in held]

    def _parameters_of(self, adapter: str) -> list[nn.Parameter]:
        """Return all that an adapter trains here."""
        pair: list[Any] = list(self.factors(adapter))
        held = [getattr(self, name) for name in self.extra_names]
        return pair + [parameters[adapter] for parameters in held if adapter in parameters]

    def _mixed(self, x: Tensor, names: list[str], *args: Any, **kwargs: Any) -> Tensor:
        """Return the output of a batch each of whose entries names its adapter."""
        result = self.base_layer(x, *args, **kwargs).clone()
        for adapter in {name for name in names if name in self.lora_A}:
            chosen = [i for i, name in enumerate(names) if name == adapter]
            result[chosen] = result[chosen] + self._delta(x[chosen], adapter).to(result.dtype)
        return result


def _plain(layer: Any) -> bool:
    """Return whether a layer is its weight's product and nothing else: nobody listens to it, trains it or splits it."""
    if (
        type(layer) not in (nn.Linear, Conv1D)
        or type(layer.weight) is not nn.Parameter
        or hasattr(layer.weight, "ds_id")
    ):
        return False
    listens = layer._forward_hooks or layer._forward_pre_hooks or layer._backward_hooks or "forward" in vars(layer)
    return not listens and not any(parameter.requires_grad for parameter in layer.parameters())


def weight_of(layer: Any) -> Tensor:
    """Return a layer's weight, of a quantised layer what it stands for."""
    # torch.compile cannot follow PEFT's question what kind of a weight it is
    return layer.weight if _plain(layer) else dequantize_module_weight(layer)


def _same(a: Tensor, b: Tensor) -> bool:
    return a.device == b.device and a.dtype == b.dtype and torch.equal(a, b)
