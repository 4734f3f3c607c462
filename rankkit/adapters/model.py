"""The model that PEFT wraps around the base: which layers it takes, what it refuses, what it checks before saving."""

# torch's and PEFT's own types are partly unknown
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
# pyright: reportUnknownParameterType=false

from __future__ import annotations

import warnings
from typing import Any, ClassVar, NoReturn

import torch
from peft.tuners.lora.model import LoraModel
from peft.tuners.tuners_utils import BaseTunerLayer
from torch import Tensor, nn
from transformers.pytorch_utils import Conv1D

from rankkit.adapters.blocks import HALF
from rankkit.adapters.layer import NonlinearLayer
from rankkit.adapters.phase import rms_phase

__all__ = ["NonlinearModel"]

# relative change of an update whose rms phase is 1 radian when its factors are stored in 16 bit
STORED_AT_ONE = {torch.bfloat16: 2.5e-3, torch.float16: 3.1e-4}
_QUANTISED = ("Linear8bitLt", "Linear4bit")  # bitsandbytes' layers


class NonlinearModel(LoraModel):
    """PEFT's model of one method; its layers are `layer_class`."""

    layer_class: ClassVar[type[NonlinearLayer]]
    tuner_layer_cls = NonlinearLayer

    def _create_and_replace(self, lora_config: Any, adapter_name: str, target: nn.Module, target_name: str,
                            parent: nn.Module, current_key: str, **kwargs: Any) -> None:  # fmt: skip
        if isinstance(target, BaseTunerLayer) and not isinstance(target, self.layer_class):
            raise ValueError(
                f"{current_key} already has an adapter of another method ({type(target).__module__}."
                f"{type(target).__name__}): one model takes adapters of one method; load the other on its own model."
            )
        super()._create_and_replace(
            lora_config, adapter_name, target, target_name, parent, current_key=current_key, **kwargs
        )

    def _create_new_module(self, lora_config: Any, adapter_name: str, target: nn.Module, **kwargs: Any) -> nn.Module:  # pyright: ignore
        known = isinstance(target, (nn.Linear, Conv1D)) or type(target).__name__ in _QUANTISED
        if not known or kwargs.get("parameter_name") is not None:
            raise ValueError(
                f"{kwargs.get('target_name', 'a target')} is a {type(target).__name__}: {type(lora_config).__name__} "
                "adapts Linear and Conv1D layers; name such layers in target_modules, or use 'all-linear'."
            )
        if isinstance(target, nn.Linear) and type(getattr(target, "weight", None)).__module__.startswith("torchao"):
            raise ValueError(
                "a torchao weight is not adapted; quantise the base with bitsandbytes, or load it in 16 bit."
            )
        return self.layer_class(target, adapter_name, config=lora_config, **kwargs)

    def _check_new_adapter_config(self, config: Any) -> None:
        super()._check_new_adapter_config(config)
        if others := {str(c.peft_type.value) for c in self._configs()} - {config.peft_type.value}:
            raise ValueError(
                f"one model takes adapters of one method: it has {', '.join(others)}, the new one is "
                f"{config.peft_type.value}; load it on a model of its own."
            )

    def _configs(self) -> list[Any]:
        return list(self.peft_config.values())

    def add_weighted_adapter(self, *args: Any, **kwargs: Any) -> NoReturn:
        """Raise: a sum of factors is no sum of updates."""
        raise ValueError(
            "add_weighted_adapter adds factors, and phi(B A) of summed factors is no sum of updates; merge the "
            "adapters one after the other instead."
        )

    @classmethod
    def _get_adapter_state_dict(cls, model: Any, config: Any, adapter_name: str, state_dict: dict[str, Tensor],
                                unwanted_adapter_names: list[str]) -> dict[str, Tensor]:  # fmt: skip
        found = super()._get_adapter_state_dict(model, config, adapter_name, state_dict, unwanted_adapter_names)
        broken = [key for key, value in found.items() if value.is_floating_point() and not value.isfinite().all()]
        if broken:
            tensors = "1 tensor" if len(broken) == 1 else f"{len(broken)} tensors"
            raise ValueError(
                f"nothing is saved: NaN or infinite entries in {tensors} of adapter {adapter_name!r}, such as "
                f"{broken[0]}; the training diverged: use a smaller learning rate (of a sine it goes with 1 / omega)."
            )
        cls._warn_of_half(model, adapter_name)
        return found

    @classmethod
    def _remap_adapter_state_dict_for_load(cls, model: Any, config: Any, adapter_name: str,
                                           state_dict: dict[str, Tensor]) -> dict[str, Tensor]:  # fmt: skip
        method = config.peft_type.value
        for key, value in state_dict.items():
            if key.endswith("lora_method") and (stored := bytes(value.tolist()).decode(errors="replace")) != method:
                raise ValueError(f"the tensors are those of {stored}, the configuration says {method}: not loaded.")
        found = super()._remap_adapter_state_dict_for_load(model, config, adapter_name, state_dict)
        wanted = {
            f"{name}.{key}" for name, module in model.named_modules() if isinstance(module, NonlinearLayer)
            for key in module.keys_of(adapter_name)
        }  # fmt: skip
        if missing := sorted(wanted - found.keys()):
            raise ValueError(
                f"the file of adapter {adapter_name!r} is not whole: of its {len(wanted)} tensors {len(missing)} "
                f"{'is' if len(missing) == 1 else 'are'} missing, such as {missing[0]}; save it again."
            )
        return found

    @classmethod
    def _warn_of_half(cls, model: nn.Module, adapter: str) -> None:
        """Say what 16-bit factors do to the update, if they are stored so."""
        changes: list[tuple[float, str]] = []
        for name, module in model.named_modules():
            if isinstance(module, NonlinearLayer) and adapter in module.lora_B:
                B, A = module.factors(adapter)
                if B.dtype in HALF:
                    # max() passes over the NaN of a rule without a frequency
                    changes.append(
                        (STORED_AT_ONE[B.dtype] * max(1.0, rms_phase(module.frequency(adapter), B, A)), name)
                    )
        if changes:
            change, name = max(changes)
            warnings.warn(
                f"the factors are stored in 16 bit, which changes the update: by about {change:.1%} in {name}, the "
                f"most of all {len(changes)}; keep float32 for the exact one.", stacklevel=2,
            )  # fmt: skip
