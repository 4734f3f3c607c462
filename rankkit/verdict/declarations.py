"""What Python files declare: the value of one name in each file at or below some paths."""

from __future__ import annotations

import os
import runpy
from collections.abc import Iterable
from pathlib import Path
from typing import Any

__all__ = ["declared"]


def declared(paths: Iterable[str | os.PathLike[str]], pattern: str, name: str) -> list[tuple[Path, Any]]:
    """Return each Python file with what it sets a name to; the files are run.

    Parameters
    ----------
    paths : iterable of path
        Files, and folders that are searched for files at any depth, in the order of their names.
    pattern : str
        What a file in a folder must be called, for instance ``claims*.py``. A file that is named itself may be called
        anything.
    name : str
        The variable that is read; None stands for a file that does not set it.

    Returns
    -------
    list of (Path, object)
        One pair a file.

    Raises
    ------
    FileNotFoundError
        If a path does not exist.
    """
    found: list[tuple[Path, Any]] = []
    for path in map(Path, paths):
        if not path.exists():
            raise FileNotFoundError(f"{path} does not exist; name a Python file, or a folder of such files.")
        for file in [path] if path.is_file() else sorted(path.rglob(pattern)):
            found.append((file, runpy.run_path(str(file)).get(name)))
    return found
