"""What Python files declare: the value of one name in each file at or below some paths."""

from __future__ import annotations

import os
import runpy
import traceback
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
    ValueError
        If a file ends in an error when it is run.
    """
    found: list[tuple[Path, Any]] = []
    for path in map(Path, paths):
        if not path.exists():
            raise FileNotFoundError(f"{path} does not exist; name a Python file, or a folder of such files.")
        for file in [path] if path.is_file() else sorted(path.rglob(pattern)):
            found.append((file, _run(file).get(name)))
    return found


def _run(file: Path) -> dict[str, Any]:
    """Return the variables of a file that is run; an error in it becomes a sentence with the file and the line."""
    try:
        return runpy.run_path(str(file))
    except SyntaxError as error:
        raise ValueError(f"{file} could not be run: line {error.lineno}: {error.msg}.") from error
    except Exception as error:  # whatever a stranger's file raises
        lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == str(file)]
        place = f"line {lines[-1]}: " if lines else ""
        raise ValueError(f"{file} could not be run: {place}{type(error).__name__}: {error}") from error
