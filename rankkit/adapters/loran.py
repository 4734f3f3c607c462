"""LoRAN as a PEFT adapter: W + alpha / r f(B A), with Sinter or a standard activation."""

# torch's and PEFT's own types are partly unknown
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
# pyright: reportUnknownParameterType=false

from __future__ import annotations

import warnings
from dataclasses import dataclass, field
from typing import Any, ClassVar, final

from torch import Tensor

from rankkit.adapters.blocks import HALF
from rankkit.adapters.config import NonlinearConfig
from rankkit.adapters.curves import CURVES, Curve
from rankkit.adapters.layer import NonlinearLayer
from rankkit.adapters.model import NonlinearModel
from rankkit.adapters.registration import register
from rankkit.checks import finite

__all__ = ["LoranConfig", "LoranModel"]


@dataclass
class LoranConfig(NonlinearConfig):
    """LoRAN: the update is alpha / r f(B A), by default with Sinter, x + A x sin(omega x) (LoRAN paper, eqs. 3 and 4).

    All other arguments are those of `peft.LoraConfig`; r = 64, lora_alpha = 16 and dropout 0.2 are the authors' own.

    Parameters
    ----------
    activation : str
        "sinter", or one that the paper compares it with: "swish", "tanh", "relu", "sigmoid", "identity" (table 4).
        ReLU never leaves the start B = 0, where its slope is 0, and sigmoid starts at an update of 0.5 alpha / r
        everywhere; the paper finds both to fail.
    amplitude, omega : float
        Sinter's A and omega. At the paper's 5e-5 Sinter is the identity in 16 bit.
    beta : float
        Swish is x sigmoid(beta x); the paper has 1 and 25.

    Examples
    --------
    >>> LoranConfig(r=8, target_modules=["q_proj"]).activation
    'sinter'
    """

    METHOD: ClassVar[str] = "LORAN"

    r: int = field(default=64)
    lora_alpha: float | None = field(default=16)  # pyright: ignore[reportIncompatibleVariableOverride]
    lora_dropout: float = field(default=0.2)
    activation: str = field(default="sinter")
    amplitude: float = field(default=5e-5)
    omega: float = field(default=1e4)
    beta: float = field(default=1.0)

    def _check(self) -> None:
        if self.activation not in CURVES:
            raise ValueError(f"activation must be one of {', '.join(CURVES)}, got {self.activation!r}.")
        self.amplitude = finite("amplitude", self.amplitude, advice="the paper's is 5e-5")
        self.omega = finite("omega", self.omega, least=0, strict=True, advice="the paper's is 1e4")
        self.beta = finite("beta", self.beta, least=0, strict=True, advice="the paper has 1 and 25")


@final
class LoranLayer(NonlinearLayer):
    """A layer with activations of B A."""

    config_class: ClassVar[type] = LoranConfig

    def frequency(self, adapter: str) -> float:
        """Return Sinter's omega; NaN for an activation without one."""
        config = self.configs[adapter]
        return float(config.omega) if config.activation == "sinter" else super().frequency(adapter)

    def curve(self, adapter: str, B: Tensor, A: Tensor) -> tuple[Curve, Tensor | None]:
        """Return the activation."""
        config = self.configs[adapter]
        arguments: dict[str, tuple[Any, ...]] = {
            "sinter": (config.amplitude, config.omega), "swish": (config.beta,),
        }  # fmt: skip
        return CURVES[config.activation](*arguments.get(config.activation, ())), None


@final
class LoranModel(NonlinearModel):
    """PEFT's model of LoRAN."""

    layer_class: ClassVar[type[NonlinearLayer]] = LoranLayer

    def _check_new_adapter_config(self, config: Any) -> None:
        super()._check_new_adapter_config(config)
        dtypes = {parameter.dtype for parameter in self.model.parameters()}
        if config.activation == "sinter" and abs(config.amplitude) < 2**-9 and dtypes & set(HALF):
            warnings.warn(
                f"Sinter's amplitude {config.amplitude:g} is below 16 bit's rounding: on this base the update differs "
                "from plain LoRA's in few entries, and merged into it in none.", stacklevel=2,
            )  # fmt: skip


register(LoranConfig.METHOD, LoranConfig, LoranModel)
