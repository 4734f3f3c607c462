"""Sine-LoRA as a PEFT adapter: W + sin(omega B A) / g."""

# torch's and PEFT's own types are partly unknown
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
# pyright: reportUnknownParameterType=false

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar, final

from torch import Tensor

from rankkit.adapters.config import NonlinearConfig, check_gain, divisor
from rankkit.adapters.curves import Curve, SineCurve
from rankkit.adapters.layer import NonlinearLayer
from rankkit.adapters.model import NonlinearModel
from rankkit.adapters.registration import register
from rankkit.checks import finite

__all__ = ["SineLayer", "SineLoraConfig", "SineModel"]


@dataclass
class SineLoraConfig(NonlinearConfig):
    """Sine-LoRA: the update is sin(omega B A) / g (sine-LoRA paper, eq. 3).

    All other arguments are those of `peft.LoraConfig`.

    Parameters
    ----------
    omega : float
        Frequency, > 0. The paper tunes it: 200 for RoBERTa; 800, 600, 200 and 200 at ranks 4, 8, 16 and 32 for
        Llama 3 8B (table 5). B's gradient grows with omega, so that a large omega wants a small learning rate.
    gain : float or str, optional
        The divisor g. None: the square root of the number of rows of the weight, as the paper has it (appendix A.2).
        "sqrt(in_features)": as the authors' code has it.

    Examples
    --------
    >>> SineLoraConfig(omega=200, r=4, target_modules=["q_proj"]).peft_type.value
    'SINELORA'
    """

    METHOD: ClassVar[str] = "SINELORA"

    omega: float | None = field(default=None)
    gain: float | str | None = field(default=None)

    def _check(self) -> None:
        self.omega = finite(
            "omega", self.omega, least=0, strict=True, advice="the sine-LoRA paper uses 100 to 800 for LoRA's start"
        )
        self.gain = check_gain(self.gain, finite)


class SineLayer(NonlinearLayer):
    """A layer with sines."""

    config_class: ClassVar[type] = SineLoraConfig

    def frequency(self, adapter: str) -> float:
        """Return omega."""
        return float(self.configs[adapter].omega)

    def curve(self, adapter: str, B: Tensor, A: Tensor) -> tuple[Curve, Tensor | None]:
        """Return the sine."""
        config = self.configs[adapter]
        return SineCurve.of(config.omega, divisor(config.gain, B.shape[0], A.shape[1])), None


@final
class SineModel(NonlinearModel):
    """PEFT's model of sine-LoRA."""

    layer_class: ClassVar[type[NonlinearLayer]] = SineLayer


register(SineLoraConfig.METHOD, SineLoraConfig, SineModel)
