"""Files: written whole or not at all."""

from __future__ import annotations

import os
import tempfile
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

__all__ = ["write_atomically", "write_csv", "write_npz"]


def write_atomically(path: str | os.PathLike[str], write: Callable[[Any], object]) -> Path:
    """Call write(file) on a temporary binary file beside path, then move it into place.

    Parameters
    ----------
    path : path
        The file to make or replace; its folder must exist.
    write : callable
        Receives a binary file object.

    Raises
    ------
    ValueError
        If the folder does not exist.
    """
    path = Path(path)
    if not path.parent.is_dir():
        raise ValueError(f"cannot write {path}: the folder {path.parent} does not exist; make it first.")
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            write(file)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(temporary, 0o644)
        os.replace(temporary, path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)  # an interrupt may come just after the move
        raise
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)  # the new name itself
    finally:
        os.close(folder)
    return path


def write_csv(file: str | os.PathLike[str], table: Any) -> Path:
    """Write a DataFrame to a .csv file.

    Raises
    ------
    ValueError
        If the file's name ends otherwise.
    """
    if Path(file).suffix != ".csv":
        raise ValueError(f"file must end in .csv, got {str(file)!r}; choose that.")
    text = table.to_csv(index=False, lineterminator="\n")
    return write_atomically(file, lambda out: out.write(text.encode()))


def write_npz(file: Any, arrays: Mapping[str, Any]) -> None:
    """Write arrays to an open binary file in numpy's .npz format, whatever their names.

    numpy's own writer takes the names as keyword arguments, and an adapter may hold a module called "file".
    """
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, array in arrays.items():
            with archive.open(f"{name}.npy", "w") as member:
                np.lib.format.write_array(member, np.asarray(array), allow_pickle=False)
