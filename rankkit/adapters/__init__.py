"""The papers' methods as PEFT adapters that train within LoRA's memory.

Importing this package makes the methods known to PEFT (`peft_type` SINELORA, SINEDORA, ADASINELORA, LORAN, LRLORA).
PEFT without it refuses their files by name.
"""

from __future__ import annotations

from rankkit.extras import how_to_install

try:
    import peft as peft
except ModuleNotFoundError as error:
    raise ImportError(f"rankkit.adapters needs PEFT, got none; {how_to_install('train')}.") from error

from rankkit.adapters.adasine import AdaSineLoraConfig
from rankkit.adapters.loran import LoranConfig
from rankkit.adapters.low_rank import Compression, SineLowRankLinear, low_rank_
from rankkit.adapters.lr_lora import LrLoraConfig, parameter_groups
from rankkit.adapters.phase import Phase, phases
from rankkit.adapters.sine import SineLoraConfig
from rankkit.adapters.sine_dora import SineDoraConfig

__all__ = [
    "AdaSineLoraConfig",
    "Compression",
    "LoranConfig",
    "LrLoraConfig",
    "Phase",
    "SineDoraConfig",
    "SineLoraConfig",
    "SineLowRankLinear",
    "low_rank_",
    "parameter_groups",
    "phases",
]
