"""Rules: how a pair of factors becomes the update that is applied."""

from __future__ import annotations

from rankkit.rules.base import Rule
from rankkit.rules.elementwise import Activation, Elementwise, Linear, Sine, Sinter

__all__ = ["RULES", "Activation", "Elementwise", "Linear", "Rule", "Sine", "Sinter"]

RULES: dict[str, type[Rule]] = {
    "linear": Linear,
    "sine": Sine,
    "sinter": Sinter,
    "activation": Activation,
    "elementwise": Elementwise,
}
