"""The rank while it is learned: measured during training, kept, drawn, and turned into the next run's configuration.

`RankCallback` (transformers, TRL) and `LightningRanks` load their trainer's library with their first use.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from rankkit.watch.alarms import ALARMS, Alarm, Limits
from rankkit.watch.budget import Budget
from rankkit.watch.measurement import Measurement
from rankkit.watch.record import Watched
from rankkit.watch.watch import Seen, Watch

if TYPE_CHECKING:
    from rankkit.watch.lightning import LightningRanks
    from rankkit.watch.trainer import RankCallback

__all__ = [
    "ALARMS",
    "Alarm",
    "Budget",
    "LightningRanks",
    "Limits",
    "Measurement",
    "RankCallback",
    "Seen",
    "Watch",
    "Watched",
]

_LATE = {"RankCallback": "trainer", "LightningRanks": "lightning"}  # public name -> the module that defines it


def __getattr__(name: str) -> Any:
    if name not in _LATE:
        raise AttributeError(f"module 'rankkit.watch' has no attribute {name!r}")
    return getattr(import_module(f"rankkit.watch.{_LATE[name]}"), name)
