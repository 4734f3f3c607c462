"""A training's folder: the checkpoints that a Trainer leaves in it, as measurements."""

from __future__ import annotations

import os
import re
from pathlib import Path

from rankkit.watch.measurement import Measurement, measure

__all__ = ["Run", "checkpoints", "measured_checkpoints"]

_CHECKPOINT = re.compile(r"checkpoint-(\d+)")


def checkpoints(folder: str | os.PathLike[str]) -> dict[int, Path]:
    """Return the folders checkpoint-STEP of a run, by step.

    Parameters
    ----------
    folder : path
        The output folder of a training.
    """
    if not Path(folder).is_dir():
        return {}
    found = ((_CHECKPOINT.fullmatch(path.name), path) for path in Path(folder).iterdir() if path.is_dir())
    return dict(sorted((int(match[1]), path) for match, path in found if match))


def measured_checkpoints(folder: str | os.PathLike[str]) -> list[Measurement]:
    """Return a measurement of every checkpoint of a run.

    Parameters
    ----------
    folder : path
        The output folder of a training.

    Raises
    ------
    ValueError
        If a checkpoint cannot be read.
    """
    run = Run(folder)
    found = run.measurements()
    if run.unread:
        step, reason = next(iter(run.unread.items()))
        raise ValueError(f"checkpoint-{step} cannot be read: {reason}")
    return found


class Run:
    """The checkpoints of a training that may still go on; each is measured once.

    Parameters
    ----------
    folder : path
        The output folder of a training.

    Attributes
    ----------
    unread : dict of int to str
        The steps whose checkpoints could not be read when they were last looked at, and why: one that is being written
        is read the next time.
    """

    def __init__(self, folder: str | os.PathLike[str]) -> None:
        self.folder = Path(folder)
        self.unread: dict[int, str] = {}
        self._measured: dict[int, Measurement] = {}

    def measurements(self) -> list[Measurement]:
        """Return what was measured so far, with the checkpoints that are new."""
        self.unread = {}
        for step, path in checkpoints(self.folder).items():
            if step not in self._measured:
                try:
                    self._measured[step] = measure(path, step)[0]
                except (ValueError, OSError) as error:
                    self.unread[step] = str(error)
        return [self._measured[step] for step in sorted(self._measured)]
