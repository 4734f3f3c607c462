"""numpy's .npz as MLX writes it: headers first, sizes checked before anything is unpacked, no pickles."""

from __future__ import annotations

import math
import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from rankkit.checkpoints.files.tensors import DAMAGED, DTYPE_NAMES, TensorInfo
from rankkit.checkpoints.files.unchanged import opened, stamp_of
from rankkit.factors import Array

__all__ = ["NpzFile"]

MAX_INFLATION = 100  # unpacked bytes a packed one: trained floats hardly compress at all
WORRY = 10_000_000  # bytes below which that does not matter
LONGEST = 200  # characters of another library's message


class NpzFile:
    """The arrays of one file.

    Parameters
    ----------
    path : Path

    Raises
    ------
    ValueError
        If the file is not a sound .npz of plain arrays; the message says what is wrong with it.
    """

    def __init__(self, path: Path) -> None:
        self.source = str(path)
        self.metadata: Mapping[str, Any] = {}
        self._path = path
        self.info: dict[str, TensorInfo] = {}
        try:
            self._stamp = stamp_of(path)
            with opened(path, self._stamp) as file, zipfile.ZipFile(file) as archive:
                for member in archive.infolist():
                    name = member.filename.removesuffix(".npy")
                    if name in self.info:
                        raise ValueError(f"the array {name!r} occurs twice")
                    try:
                        self.info[name] = _header(archive, member)
                    except (zipfile.BadZipFile, zlib.error, EOFError):  # this member's alone
                        self.info[name] = TensorInfo(DAMAGED, ())
        except Exception as error:  # a header of a hostile file is parsed as Python: it may raise anything
            raise ValueError(f"{path} is no sound .npz file: {_first_line(error)}.") from None

    def read(self, name: str) -> Array:
        """Return one array.

        Raises
        ------
        ValueError
            If it is damaged.
        """
        try:
            with (
                opened(self._path, self._stamp) as whole,
                zipfile.ZipFile(whole) as archive,
                archive.open(_member(archive, name)) as file,
            ):
                return np.lib.format.read_array(file, allow_pickle=False)
        except Exception as error:
            raise ValueError(f"{self.source} has a damaged array {name!r}: {_first_line(error)}.") from None


def _member(archive: zipfile.ZipFile, name: str) -> str:
    return f"{name}.npy" if f"{name}.npy" in archive.NameToInfo else name


def _header(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> TensorInfo:
    """Return what a member's own header says, after it agrees with the archive's."""
    with archive.open(member) as file:
        version = np.lib.format.read_magic(file)
        read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
        shape, _, dtype = read(file)
        begin = file.tell()
    if dtype.hasobject or dtype.names is not None:
        raise ValueError(f"the array {member.filename!r} holds objects, not numbers")
    length = math.prod(shape) * dtype.itemsize
    if begin + length != member.file_size:
        raise ValueError(f"the array {member.filename!r} takes {member.file_size - begin} bytes, not {length}")
    if length > WORRY and length > MAX_INFLATION * max(member.compress_size, 1):
        raise ValueError(f"the array {member.filename!r} inflates from {member.compress_size} bytes to {length}")
    return TensorInfo(DTYPE_NAMES.get(dtype.name, dtype.name.upper()), tuple(shape))


def _first_line(error: BaseException) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0][:LONGEST].rstrip(".")
