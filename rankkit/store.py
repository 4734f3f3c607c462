"""Results on disk: written whole or not at all."""

from __future__ import annotations

import json
import os
import tempfile
import warnings
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

__all__ = ["MANIFEST", "Store", "write_atomically", "write_csv", "write_npz", "write_parquet", "write_table"]

MANIFEST = "store.json"


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


def write_parquet(
    file: str | os.PathLike[str], columns: Mapping[str, Any], *, types: Mapping[str, str] | None = None
) -> Path:
    """Write columns to a Parquet file and return its path.

    Parameters
    ----------
    file : path
    columns : mapping of str to array or list
        One value a row; None is a missing value.
    types : mapping of str to str, optional
        The Arrow types of columns, such as "float64", "int64", "string" or "bool"; of the others they are inferred.

    Raises
    ------
    ImportError
        Without pyarrow.
    """
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError:
        raise ImportError("a Parquet file needs pyarrow; pip install pyarrow, or save a .csv file.") from None
    table = pyarrow.table(
        {
            name: pyarrow.array(values, type=pyarrow.type_for_alias(types[name]) if types and name in types else None)
            for name, values in columns.items()
        }
    )
    return write_atomically(file, lambda out: pyarrow.parquet.write_table(table, out))


def write_table(
    file: str | os.PathLike[str], columns: Mapping[str, Any], *, types: Mapping[str, str] | None = None
) -> Path:
    """Write columns to a .csv or .parquet file and return its path; arguments are those of `write_parquet`.

    Raises
    ------
    ValueError
        If the file's name ends otherwise.
    """
    if Path(file).suffix == ".parquet":
        return write_parquet(file, columns, types=types)
    if Path(file).suffix != ".csv":
        raise ValueError(f"file must end in .csv or .parquet, got {str(file)!r}; choose one of them.")
    import pandas as pd

    return write_csv(file, pd.DataFrame(dict(columns)))


def write_npz(file: Any, arrays: Mapping[str, Any]) -> None:
    """Write arrays to an open binary file in numpy's .npz format, whatever their names.

    numpy's own writer takes the names as keyword arguments, and an adapter may hold a module called "file".
    """
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, array in arrays.items():
            with archive.open(f"{name}.npy", "w") as member:
                np.lib.format.write_array(member, np.asarray(array), allow_pickle=False)


@dataclass(frozen=True)
class Store:
    """A folder of finished pieces of one computation, and a manifest that says which.

    Attributes
    ----------
    folder : Path
    arguments : dict
        What is computed, as JSON-ready values.
    platform : dict
        Versions and machine that compute it.
    """

    folder: Path
    arguments: dict[str, Any]
    platform: dict[str, str]

    @classmethod
    def begin(cls, folder: str | os.PathLike[str], arguments: Mapping[str, Any], platform: Mapping[str, str]) -> Store:
        """Return the store of this computation in a folder, begun or found there.

        Warns where another platform began it: its numbers may differ in their last bits.

        Raises
        ------
        ValueError
            If the folder holds the store of another computation; the message says what differs.
        """
        folder = Path(folder)
        if not (folder / MANIFEST).exists():
            folder.mkdir(parents=True, exist_ok=True)
            about = json.dumps({"format": 1, "arguments": arguments, "platform": platform}, indent=1).encode()
            write_atomically(folder / MANIFEST, lambda file: file.write(about))
            return cls(folder, dict(arguments), dict(platform))
        found = cls.open(folder)
        if differences := _differences(found.arguments, json.loads(json.dumps(arguments))):
            raise ValueError(f"{folder} is the store of another sweep: {differences}; name another folder.")
        if differences := _differences(found.platform, dict(platform)):
            warnings.warn(f"{folder} was begun on another platform: {differences}.", stacklevel=2)
        return found

    @classmethod
    def open(cls, folder: str | os.PathLike[str]) -> Store:
        """Return the store in a folder.

        Raises
        ------
        ValueError
            If there is none, or its manifest cannot be read.
        """
        manifest = Path(folder) / MANIFEST
        try:
            about = json.loads(manifest.read_text())
            return cls(Path(folder), about["arguments"], about["platform"])
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise ValueError(f"{manifest} cannot be read ({error}); name the folder of a sweep's store.") from None

    def write(self, name: str, arrays: Mapping[str, Any]) -> None:
        """Keep one finished piece: whole, or not at all."""
        write_atomically(self.folder / f"{name}.npz", lambda file: write_npz(file, arrays))

    def pieces(self) -> Iterator[tuple[str, dict[str, Any]]]:
        """Return an iterator over the pieces (name, arrays) that can be read; a torn file counts as not finished."""
        for path in sorted(self.folder.glob("*.npz")):
            try:
                with np.load(path, allow_pickle=False) as file:
                    yield path.stem, {name: file[name] for name in file.files}
            except (OSError, ValueError, EOFError, KeyError, zipfile.BadZipFile, zlib.error, NotImplementedError):
                continue


def _differences(found: Mapping[str, Any], wanted: Mapping[str, Any]) -> str:
    keys = [key for key in {**found, **wanted} if found.get(key) != wanted.get(key)]
    return ", ".join(f"{key} {_short(found.get(key))} there and {_short(wanted.get(key))} here" for key in keys)


def _short(value: Any) -> str:
    if isinstance(value, list) and len(value) > 4:
        return f"[{value[0]}, {value[1]}, ..., {value[-1]}] ({len(value)} of them)"
    return str(value)
