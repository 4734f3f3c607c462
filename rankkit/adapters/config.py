"""What the methods' configurations share: LoraConfig's fields, without those that mean another update."""

# torch's and PEFT's own types are partly unknown
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
# pyright: reportUnknownParameterType=false

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from typing import Any, ClassVar

from peft.tuners.lora.config import LoraConfig

from rankkit.adapters.registration import member
from rankkit.checks import integer

__all__ = ["NonlinearConfig", "divisor"]

# LoraConfig's fields that make the update something else, or change the base's weight at the start
_FOREIGN = (
    "use_dora", "velora_config", "alora_invocation_tokens", "use_qalora", "monteclora_config", "layer_replication",
    "lora_bias", "target_parameters", "use_bdlora", "arrow_config", "kasa_config", "megatron_config", "eva_config",
    "corda_config", "lora_ga_config", "ensure_weight_tying", "loftq_config",
)  # fmt: skip
IN_FEATURES = "sqrt(in_features)"


@dataclass
class NonlinearConfig(LoraConfig, ABC):
    """LoraConfig's fields, with a scale of 1 unless lora_alpha is given.

    Parameters
    ----------
    lora_alpha : float, optional
        The scale in front of the update is lora_alpha / r. None: the scale is 1, whatever the rank, as the papers print
        their updates, so that use_rslora needs a lora_alpha.
    """

    METHOD: ClassVar[str]

    lora_alpha: float | None = field(default=None)  # pyright: ignore[reportIncompatibleVariableOverride]

    def __post_init__(self) -> None:
        integer("r", self.r, advice="it is the rank of the factors, for instance 8")
        super().__post_init__()
        self.peft_type = member(self.METHOD)
        for name in _FOREIGN:
            if getattr(self, name, None):
                raise ValueError(
                    f"{name} makes another update than {type(self).__name__}'s, got {getattr(self, name)!r}; "
                    "leave it out."
                )
        if self.init_lora_weights not in (True, False, "gaussian"):
            raise ValueError(
                f"init_lora_weights must be True, False or 'gaussian', got {self.init_lora_weights!r}: the others take "
                "a plain B A out of the base's weight."
            )
        if self.use_rslora and self.lora_alpha is None and not self.alpha_pattern:
            raise ValueError(
                "use_rslora scales by lora_alpha / sqrt(r), got lora_alpha=None, whose scale is 1 whatever the rank; "
                "set lora_alpha, or leave use_rslora out."
            )
        self._check()

    @abstractmethod
    def _check(self) -> None:
        """Check the method's own fields."""


def divisor(gain: float | str | None, m: int, n: int) -> float:
    """Return the gain g of a layer with m outputs and n inputs: sqrt(m), a number, or the authors' sqrt(n)."""
    if gain is None:
        return m**0.5
    return n**0.5 if gain == IN_FEATURES else float(gain)


def check_gain(gain: Any, finite: Any) -> Any:
    """Return a gain that is None, a positive number, or the words for the authors' code."""
    if gain is None or gain == IN_FEATURES:
        return gain
    return finite("gain", gain, least=0, strict=True, advice=f"leave it out for sqrt(rows), or say {IN_FEATURES!r}")
