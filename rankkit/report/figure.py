"""Figures as scripts: a Python file that computes data and draws them, with the sentences that go with the picture."""

from __future__ import annotations

import hashlib
import json
import runpy
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rankkit.version import __version__

__all__ = ["Figure", "digest", "figures"]

NEEDED = ("TITLE", "SHOWS", "COMPARED", "ARGUMENTS", "data", "draw")  # what every script defines


@dataclass(frozen=True)
class Figure:
    """One script of a folder: what it computes, how it draws that, and the two sentences that go with the picture.

    Attributes
    ----------
    name : str
        The script's name without its ending, and that of every file made from it.
    script : Path
        The file itself.
    title, shows, compared : str
        What the figure is, what it shows, and how this compares with what a paper says.
    arguments, quick : mapping
        The arguments of `data`, and those of them that are smaller with --quick.
    data : callable
        (**arguments) -> mapping of column to values.
    draw : callable
        Table -> matplotlib figure; (table, timing) where there is a timing.
    timing : callable, optional
        (**arguments) -> columns of measured seconds. They have their own file, since they differ from run to run.
    inputs : tuple of Path
        Stored data that the script reads.
    """

    name: str
    script: Path
    title: str
    shows: str
    compared: str
    arguments: Mapping[str, Any]
    quick: Mapping[str, Any]
    data: Callable[..., Mapping[str, Any]]
    draw: Callable[..., Any]
    timing: Callable[..., Mapping[str, Any]] | None = None
    inputs: tuple[Path, ...] = ()

    def asked(self, quick: bool) -> dict[str, Any]:
        """Return the arguments of a full run, or of a quick one.

        Parameters
        ----------
        quick : bool
            Whether the smaller arguments replace the others.
        """
        return {**self.arguments, **(self.quick if quick else {})}

    def key(self, quick: bool) -> str:
        """Return a digest of everything the data depend on: script, arguments, stored inputs, rankkit's version.

        Parameters
        ----------
        quick : bool
            Whether the run is a quick one.
        """
        parts = {
            "script": digest(self.script.read_bytes()),
            "arguments": self.asked(quick),
            "inputs": {path.name: digest(path.read_bytes()) for path in self.inputs},
            "rankkit": __version__,
        }
        return digest(json.dumps(parts, sort_keys=True).encode())


def figures(folder: Path, names: Iterable[str] = ()) -> list[Figure]:
    """Return the figures that a folder's scripts define; the scripts are run.

    Parameters
    ----------
    folder : Path
        The folder of the scripts.
    names : iterable of str
        Which figures; none given: all.

    Raises
    ------
    ValueError
        If the folder has no scripts, not those that are named, or one of them lacks a part of a figure.
    """
    names = list(names)
    scripts = {script.stem: script for script in sorted(folder.glob("*.py"))}
    if not scripts:
        raise ValueError(f"{folder} has no figure scripts; run in a checkout of rankkit, or pass --from FOLDER.")
    if missing := [name for name in names if name not in scripts]:
        raise ValueError(f"there is no figure {missing[0]}; there are {', '.join(scripts)}.")
    return [_read(scripts[name]) for name in (names or scripts)]


def _read(script: Path) -> Figure:
    found = runpy.run_path(str(script))
    if missing := [part for part in NEEDED if part not in found]:
        raise ValueError(f"{script.name} is no figure: it lacks {', '.join(missing)}.")
    return Figure(
        name=script.stem, script=script, title=found["TITLE"], shows=found["SHOWS"], compared=found["COMPARED"],
        arguments=found["ARGUMENTS"], quick=found.get("QUICK", {}), data=found["data"], draw=found["draw"],
        timing=found.get("timing"), inputs=tuple(script.parent / name for name in found.get("INPUTS", ())),
    )  # fmt: skip


def digest(data: bytes) -> str:
    """Return the SHA-256 of bytes, as hexadecimal text.

    Parameters
    ----------
    data : bytes
        What to hash.
    """
    return hashlib.sha256(data).hexdigest()
