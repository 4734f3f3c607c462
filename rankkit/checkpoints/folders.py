"""Several adapters under one folder: those that PEFT puts into subfolders by name, and the checkpoints of a run."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, TypeGuard

from rankkit.checkpoints.places import found, is_cached

__all__ = ["ITSELF", "adapters_under", "named_under"]

ITSELF = "."  # what the folder's own adapter is called among those under it
DEPTH = 2  # folders below: a checkpoint, and in it the adapters that are not called default
MOST = 1000  # folders that are looked into
_MARKS = ("adapter_config.json", "adapter_model", "adapters", "pytorch_lora_weights")  # a file's name, or its stem


def adapters_under(folder: str | os.PathLike[str]) -> dict[str, Path]:
    """Return name -> folder of every adapter in a folder and below it, in the order of their numbers, newest last.

    Parameters
    ----------
    folder : path or str
        Where to look, or the name of a repository that the Hub's cache has; what is no folder has none.

    Notes
    -----
    The name is the path from the folder, with "/" between its parts; the folder's own adapter is `ITSELF`.
    """
    try:
        top = found(folder)
    except ValueError:
        return {}
    if not top.is_dir() or is_cached(top):
        return {}
    named = {place.relative_to(top).as_posix(): place for place in _folders(top) if _holds_one(place)}
    return dict(sorted(named.items(), key=lambda entry: _by_number(entry[0])))


def named_under(folder: Any, adapter: Any) -> dict[str, Path]:
    """Return those of the adapters under a folder that are asked for.

    Parameters
    ----------
    folder : path
        Where they are.
    adapter : str, sequence of str or None
        Their names; None: all.

    Raises
    ------
    TypeError
        If adapter is no name.
    ValueError
        If there is none, or none of that name.
    """
    if not _is_path(folder):
        raise ValueError("adapter and each take a folder of adapters or a model in memory; leave them out.")
    known = adapters_under(folder)
    if not known:
        raise ValueError(f"{os.fspath(folder)} has no adapters in it or in its subfolders; name another folder.")
    single = adapter is None or isinstance(adapter, str)
    if not (single or isinstance(adapter, Iterable)):
        raise TypeError(
            f"adapter must be a name or a list of names, got {adapter!r}; leave it out for the folder's own."
        )
    asked: list[Any] = list(known) if adapter is None else [adapter] if single else [*adapter]
    if unknown := [str(name) for name in asked if name not in known]:
        raise ValueError(
            f"adapter must name one of those in {os.fspath(folder)} ({', '.join(known)}), got {', '.join(unknown)}; "
            "leave it out for the folder's own."
        )
    return {name: known[name] for name in asked}


def _is_path(source: object) -> TypeGuard[str | os.PathLike[str]]:
    return isinstance(source, (str, os.PathLike))


def _folders(top: Path) -> Iterator[Path]:
    """Return an iterator over a folder and those below it."""
    level, seen = [top], 0
    for _ in range(DEPTH + 1):
        below: list[Path] = []
        for place in level:
            yield place
            seen += 1
            if seen >= MOST:
                return
            below += _entries(place, lambda entry: entry.is_dir() and not entry.name.startswith("."))
        level = below


def _holds_one(place: Path) -> bool:
    return bool(_entries(place, lambda file: file.name in _MARKS or (file.suffix != "" and file.stem in _MARKS)))


def _entries(place: Path, wanted: Callable[[Path], bool]) -> list[Path]:
    """Return what a folder holds of a kind; nothing of one that cannot be listed."""
    try:
        return [entry for entry in sorted(place.iterdir()) if wanted(entry)]
    except OSError:
        return []


def _by_number(name: str) -> list[tuple[int, int, str]]:
    """Return a key that sorts checkpoint-500 before checkpoint-1000, and the folder's own adapter first."""
    if name == ITSELF:
        return []
    return [(0, int(part), "") if part.isdigit() else (1, 0, part) for part in re.split(r"(\d+)", name) if part]
