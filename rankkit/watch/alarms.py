"""Alarms: what goes wrong with the rank of a module while it is trained, each with what can be done about it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

from rankkit.checkpoints.layer import MEASURED
from rankkit.checks import finite, integer
from rankkit.report.inline import counted
from rankkit.watch.measurement import Measurement

__all__ = ["ALARMS", "Alarm", "Limits", "Watcher", "alarms_of"]

# alarm -> what can be done about it
ALARMS: dict[str, str] = {
    "dead": "check that it gets a gradient (is a factor frozen, is its layer used?), or leave it out",
    "one direction": "give it rank 1 in rank_pattern, or raise its learning rate",
    "spike": "look at the loss there, clip the gradient or lower the learning rate",
    "not finite": "stop, go back to the last good checkpoint and lower the learning rate",
    "saturated": "lower omega or the learning rate: more of either no longer adds rank",
}


class Alarm(NamedTuple):
    """One thing that went wrong with one module.

    Attributes
    ----------
    step : int
        At which it was seen first.
    module : str
    name : str
        One of `ALARMS`.
    text : str
        What was measured, in one sentence.
    """

    step: int
    module: str
    name: str
    text: str

    @property
    def advice(self) -> str:
        """What can be done."""
        return ALARMS[self.name]


@dataclass(frozen=True)
class Limits:
    """Where an alarm begins.

    Parameters
    ----------
    dead_after : int
        The step from which on an update of zero is dead. In most methods B starts at zero.
    one_direction : float
        The stable rank below which an update of rank above 1 counts as one direction.
    spike : float
        The factor by which sigma_1 may grow between two measurements. In its first steps an update grows in proportion
        to the steps, and in proportion to their square while the learning rate warms up, so that twice the steps give
        up to four times the size: the default.

    Raises
    ------
    ValueError
        If one is out of its range.
    """

    dead_after: int = 100
    one_direction: float = 1.05
    spike: float = 4.0

    def __post_init__(self) -> None:
        integer("dead_after", self.dead_after, least=0, advice="use for instance 100")
        finite("one_direction", self.one_direction, least=1, advice="use for instance 1.05")
        finite("spike", self.spike, least=1, strict=True, advice="use for instance 4")


class Watcher:
    """Looks at measurements one after the other and tells what is new.

    Parameters
    ----------
    limits : Limits
        Where an alarm begins.
    """

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self._sizes: dict[str, float] = {}
        self._open: set[tuple[str, str]] = set()

    def see(self, measurement: Measurement) -> list[Alarm]:
        """Return the alarms that begin with this measurement; one that goes on is not told again.

        Parameters
        ----------
        measurement : Measurement
            The next one.
        """
        now = {(alarm.module, alarm.name): alarm for alarm in self._found(measurement)}
        new = [alarm for key, alarm in now.items() if key not in self._open]
        self._open = set(now)
        return new

    def _found(self, measurement: Measurement) -> Iterator[Alarm]:
        settled = measurement.step >= self.limits.dead_after
        columns = measurement.columns
        names = ("module", "status", "r", "stable_rank", "spectral_norm", "regime")
        for module, status, r, stable, size, regime in zip(*(columns[name] for name in names), strict=True):
            told = _Teller(measurement.step, module)
            before = self._sizes.get(module)
            if status == "nonfinite":
                yield told("not finite", "its update has NaN or infinite entries, or overflows")
            if status == "zero" and settled:
                yield told("dead", f"its update is zero after {counted(measurement.step, 'step')}")
            if status not in MEASURED:
                continue
            self._sizes[module] = size
            if r is not None and r > 1 and stable < self.limits.one_direction:
                yield told("one direction", f"its stable rank is {stable:.3f}, with r = {r}")
            if before is not None and size > self.limits.spike * before:
                yield told("spike", f"its largest singular value grew {size / before:.3g} times, to {size:.3g}")
            if regime == "saturated":
                yield told("saturated", f"its function is saturated: the stable rank {stable:.3g} is a random matrix's")


class _Teller(NamedTuple):
    """Makes alarms about one module at one step."""

    step: int
    module: str

    def __call__(self, name: str, text: str) -> Alarm:
        return Alarm(self.step, self.module, name, text)


def alarms_of(measurements: Iterable[Measurement], limits: Limits | None = None) -> list[Alarm]:
    """Return all alarms of a training, in the order of the steps.

    Parameters
    ----------
    measurements : iterable of Measurement
        In the order of the steps.
    limits : Limits, optional
        Where an alarm begins; None: the default.
    """
    watcher = Watcher(limits or Limits())
    return [alarm for measurement in measurements for alarm in watcher.see(measurement)]
