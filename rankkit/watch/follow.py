"""follow: a training that still goes on, looked at again and again."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator

from rankkit.watch.alarms import Limits
from rankkit.watch.kept import Kept, is_store, latest
from rankkit.watch.record import Watched
from rankkit.watch.runs import Run

__all__ = ["follow"]


def follow(
    folder: str | os.PathLike[str],
    *,
    wait: float = 5.0,
    idle: float | None = None,
    limits: Limits | None = None,
    sleep: Callable[[float], object] = time.sleep,
) -> Iterator[Watched]:
    """Return an iterator over what a store or a run's checkpoints hold, each time that there is something new.

    Parameters
    ----------
    folder : path
        The store of a `Watch`, or the output folder of a Trainer; it may not be there yet.
    wait : float
        Seconds between two looks.
    idle : float, optional
        Stop after so many seconds without anything new; None: never.
    limits : Limits, optional
        Where an alarm begins; None: the default.
    sleep : callable
        What waits.

    Raises
    ------
    ValueError
        If the folder is the store of something else.
    """
    known: list[tuple[int, int]] = []
    quiet, source = 0.0, None
    while True:
        if is_store(folder) and not isinstance(source, Kept):
            source = Kept.open(folder)
        source = source or Run(folder)
        measurements = latest(source.measurements())
        found = [(one.session, one.step) for one in measurements]
        if found != known:
            known, quiet = found, 0.0
            yield Watched.of(measurements, limits=limits)
        if idle is not None and quiet >= idle:
            return
        sleep(wait)
        quiet += wait
