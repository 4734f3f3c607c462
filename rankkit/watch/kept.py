"""Measurements in a folder: each in a file of its own, whole or not at all."""

from __future__ import annotations

import os
import platform
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from rankkit.store import MANIFEST, Store
from rankkit.version import __version__
from rankkit.watch.measurement import Measurement

__all__ = ["Kept", "is_store", "latest"]

KIND = "rankkit.watch"  # what a manifest of ours says it is


def is_store(folder: str | os.PathLike[str]) -> bool:
    """Return whether a folder is a store.

    Parameters
    ----------
    folder : path
    """
    return (Path(folder) / MANIFEST).is_file()


class Kept:
    """The store of one training.

    Parameters
    ----------
    store : Store
        The folder.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._read: dict[str, Measurement] = {}

    @classmethod
    def begin(cls, folder: str | os.PathLike[str], *, metrics: Sequence[str] | None, modules: Any) -> Kept:
        """Return the store in a folder, which is made if absent.

        Parameters
        ----------
        folder : path
        metrics, modules
            What is kept of each measurement. A training that is resumed has to keep the same.

        Raises
        ------
        ValueError
            If the folder holds the store of something else.
        """
        chosen = {"metrics": None if metrics is None else list(metrics)}
        chosen |= {"modules": modules if modules is None or isinstance(modules, str) else list(modules)}
        versions = {"rankkit": __version__, "numpy": np.__version__, "machine": platform.machine()}
        return cls(Store.begin(folder, {"kind": KIND, **chosen}, versions))

    @classmethod
    def open(cls, folder: str | os.PathLike[str]) -> Kept:
        """Return the store that is in a folder.

        Parameters
        ----------
        folder : path

        Raises
        ------
        ValueError
            If there is none of a training.
        """
        store = Store.open(folder)
        if store.arguments.get("kind") != KIND:
            raise ValueError(
                f"{folder} is the store of something else than a watched training; name a training's store."
            )
        return cls(store)

    def write(self, measurement: Measurement) -> None:
        """Keep a measurement.

        Parameters
        ----------
        measurement : Measurement
        """
        self._store.write(_name(measurement.session, measurement.step), measurement.arrays())

    def measurements(self) -> list[Measurement]:
        """Return all that are there, as they were made; a file that was read before is not read again."""
        for name, arrays in self._store.pieces(skip=self._read):
            self._read[name] = Measurement.read(arrays)
        return [self._read[name] for name in sorted(self._read)]


def latest(measurements: Iterable[Measurement]) -> list[Measurement]:
    """Return the measurements that belong to one training, in the order of their steps.

    A training that was resumed from a checkpoint goes its own way from there. What an earlier process had measured
    beyond that point belongs to weights that were thrown away, and is left out.

    Parameters
    ----------
    measurements : iterable of Measurement
        Of all processes.
    """
    kept: dict[int, Measurement] = {}
    sessions: dict[int, list[Measurement]] = {}
    for measurement in measurements:
        sessions.setdefault(measurement.session, []).append(measurement)
    for _, members in sorted(sessions.items()):
        begin = members[0].begin
        kept = {step: one for step, one in kept.items() if step < begin} | {one.step: one for one in members}
    return [kept[step] for step in sorted(kept)]


def _name(session: int, step: int) -> str:
    """Return the name of a measurement's file; names sort by session and step."""
    return f"{session:04d}-{step:012d}"
