"""Files: written whole or not at all."""

from __future__ import annotations

import os
import tempfile
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np

from rankkit.extras import how_to_install

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["TABLE_WRITERS", "Writers", "no_formula", "write_atomically", "write_npz", "write_parquet", "write_table"]

Writers = Mapping[str, Callable[[BinaryIO], object]]  # a file's ending -> what writes to the open file
FORMULA = ("=", "+", "-", "@", "\t", "\r")  # how a text begins that spreadsheets run


def write_atomically(path: str | os.PathLike[str], write: Callable[[BinaryIO], object]) -> Path:
    """Call write(file) on a temporary binary file beside path, then move it into place.

    Parameters
    ----------
    path : path
        The file to make or replace; its folder must exist.
    write : callable
        Receives a binary file object.

    Returns
    -------
    Path
        The file that was written.

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


def write_table(file: str | os.PathLike[str], table: pd.DataFrame) -> Path:
    """Write a DataFrame to a .csv or .parquet file, by the ending of the file's name.

    Parameters
    ----------
    file : path
        The file to make or replace; its folder must exist.
    table : DataFrame
        Its index is left out.

    Returns
    -------
    Path
        The file that was written.

    Raises
    ------
    ValueError
        If the name ends in neither, or the folder does not exist.
    ImportError
        If it ends in .parquet and pyarrow is not installed.
    """
    ending = Path(file).suffix
    if ending not in TABLE_WRITERS:
        raise ValueError(f"file must end in {' or '.join(TABLE_WRITERS)}, got {str(file)!r}; choose one of these.")
    return write_atomically(file, lambda out: TABLE_WRITERS[ending](out, table))


def no_formula(value: Any) -> Any:
    """Return a value of a CSV file; a text that a spreadsheet would run as a formula stands behind an apostrophe.

    Parameters
    ----------
    value : object
        A number, or a text that may come from a stranger's file.

    Examples
    --------
    >>> no_formula("=1+1"), no_formula("q_proj"), no_formula(-1.5)
    ("'=1+1", 'q_proj', -1.5)
    """
    return f"'{value}" if isinstance(value, str) and value.startswith(FORMULA) else value


def write_parquet(file: str | os.PathLike[str], table: pd.DataFrame) -> Path:
    """Write a DataFrame to a Parquet file, whatever the file's name; its column types are kept.

    Parameters
    ----------
    file : path
        The file to make or replace; its folder must exist.
    table : DataFrame
        Its index is left out.

    Returns
    -------
    Path
        The file that was written.

    Raises
    ------
    ValueError
        If the folder does not exist.
    ImportError
        If pyarrow is not installed.
    """
    return write_atomically(file, lambda out: _parquet(out, table))


def _csv(out: BinaryIO, table: pd.DataFrame) -> None:
    out.write(table.map(no_formula).to_csv(index=False, lineterminator="\n").encode())


def _parquet(out: BinaryIO, table: pd.DataFrame) -> None:
    try:
        table.to_parquet(out, engine="pyarrow", index=False)
    except ImportError:
        raise ImportError(
            f"a Parquet file needs pyarrow; {how_to_install('parquet')}; a .csv file needs nothing."
        ) from None


# a file's ending -> what writes a table to the open file
TABLE_WRITERS: dict[str, Callable[[BinaryIO, pd.DataFrame], None]] = {".csv": _csv, ".parquet": _parquet}


def write_npz(file: Any, arrays: Mapping[str, Any]) -> None:
    """Write arrays to an open binary file in numpy's .npz format, whatever their names.

    numpy's own writer takes the names as keyword arguments, and an adapter may hold a module called "file".

    Parameters
    ----------
    file : binary file
        Open for writing.
    arrays : mapping of str to array
        The arrays by their names.
    """
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, array in arrays.items():
            with archive.open(f"{name}.npy", "w") as member:
                np.lib.format.write_array(member, np.asarray(array), allow_pickle=False)
