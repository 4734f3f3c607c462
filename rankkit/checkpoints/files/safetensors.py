"""A safetensors file, read header first and one tensor at a time, without torch.

The reference library's numpy route knows no bfloat16, and mapping a whole adapter into
memory to read it module by module defeats the purpose; hence this reader. It trusts nothing:
every size in the header is checked against the file before a byte of data is touched.
"""

from __future__ import annotations

import json
import math
import os
from collections.abc import Callable, Mapping
from io import BufferedReader
from pathlib import Path
from typing import Any, TypeGuard

import numpy as np

from rankkit.checkpoints.files.float8 import FLOAT8, float8
from rankkit.checkpoints.files.tensors import INTEGERS, TensorInfo
from rankkit.checkpoints.files.unchanged import check, opened, stamp_of
from rankkit.checkpoints.untrusted import is_list, is_mapping
from rankkit.factors import Array

__all__ = ["Rows", "SafetensorsFile"]

PREFIX = 8  # bytes in front of the header, which say how long it is
MAX_HEADER = 20_000_000  # bytes; the format allows five times as much, adapters need a tenth

BITS = {
    "F64": 64, "F32": 32, "F16": 16, "BF16": 16, **dict.fromkeys(FLOAT8, 8), "F8_E8M0": 8,
    "I64": 64, "I32": 32, "I16": 16, "I8": 8, "U64": 64, "U32": 32, "U16": 16, "U8": 8, "BOOL": 8,
}  # fmt: skip
# numpy's names; it has none for bfloat16 and for what has eight bits
STORED = {
    "F64": "<f8", "F32": "<f4", "F16": "<f2", "BF16": "<u2", **dict.fromkeys(FLOAT8, "u1"),
    **{name: f"<{name[0].lower()}{BITS[name] // 8}" for name in INTEGERS},
}  # fmt: skip


class SafetensorsFile:
    """The tensors of one file.

    Parameters
    ----------
    path : path

    Raises
    ------
    ValueError
        If the file is not a sound safetensors file; the message says what is wrong with it.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.source = str(path)
        self._path = Path(path)
        self._stamp = stamp_of(self._path)
        size = self._stamp.size
        with opened(self._path, self._stamp) as file:
            header, self._start = _header(file, size, self.source)
        about: object = header.get("__metadata__")
        self.metadata: Mapping[str, Any] = about if is_mapping(about) else {}
        self.info: dict[str, TensorInfo] = {}
        self._span: dict[str, tuple[int, int]] = {}
        for name, entry in header.items():
            if name == "__metadata__":
                continue
            self.info[name], self._span[name] = _entry(name, entry, self.source)
        _check_cover(self._span, size - self._start, self.source)

    def read(self, name: str) -> Array:
        """Return a tensor as numpy, bfloat16 and floats of eight bits widened to float32 (exactly).

        Raises
        ------
        ValueError
            If the tensor holds neither floats nor integers, or the file has changed.
        """
        begin, stop = self._span[name]
        with self._opened(name) as file:
            return self._numbers(file, name, begin, stop).reshape(self.info[name].shape)

    def rows(self, name: str) -> Rows:
        """Return what reads some entries of a tensor along its first axis, as `read` does, from a file that stays open.

        Parameters
        ----------
        name : str

        Raises
        ------
        ValueError
            As for `read`; what comes back raises it as well where the file has changed.
        """
        shape = self.info[name].shape
        begin, stop = self._span[name]
        row = (stop - begin) // shape[0]

        def numbers(file: BufferedReader, first: int, end: int) -> Array:
            return self._numbers(file, name, begin + first * row, begin + end * row).reshape((end - first, *shape[1:]))

        return Rows(self._opened(name), numbers)

    def _opened(self, name: str) -> BufferedReader:
        """Return the file, open for reading a tensor whose type has numbers."""
        info = self.info[name]
        if info.dtype not in STORED:
            raise ValueError(f"tensor {name!r} {info.trouble}; only these hold factors.")
        file = self._path.open("rb")
        try:
            check(self._path, file, self._stamp)
        except ValueError:
            file.close()
            raise
        return file

    def _numbers(self, file: BufferedReader, name: str, begin: int, end: int) -> Array:
        """Return the numbers of a tensor that stand in some bytes of the data."""
        dtype = self.info[name].dtype
        data = np.empty(end - begin, dtype=np.uint8)
        file.seek(self._start + begin)
        read = file.readinto(data.data)
        check(self._path, file, self._stamp)
        if read != end - begin:
            raise ValueError(f"{self.source} gave {read} bytes in place of {end - begin}; try again.")
        raw = data.view(STORED[dtype])
        if dtype == "BF16":
            return np.left_shift(raw, 16, dtype=np.uint32).view(np.float32)
        return float8(raw, dtype) if dtype in FLOAT8 else raw


class Rows:
    """Reads rows of one tensor from a file that stays open as long, since opening it takes as long as reading a few."""

    def __init__(self, file: BufferedReader, numbers: Callable[[BufferedReader, int, int], Array]) -> None:
        self._file = file
        self._numbers = numbers

    def __call__(self, first: int, end: int) -> Array:
        """Return the rows from `first` to before `end`.

        Parameters
        ----------
        first, end : int
            Of rows that it has.
        """
        return self._numbers(self._file, first, end)

    def __del__(self) -> None:
        self._file.close()


def _header(file: BufferedReader, size: int, source: str) -> tuple[Mapping[str, Any], int]:
    """Return (parsed header, position of the first byte of data)."""
    prefix = file.read(PREFIX)
    if len(prefix) < PREFIX:
        raise ValueError(f"{source} is not a safetensors file: {size} bytes is too short for a header.")
    length = int.from_bytes(prefix, "little")
    if length > MAX_HEADER or PREFIX + length > size:
        raise ValueError(
            f"{source} is truncated or no safetensors file: its header claims {length} bytes, the file has {size}."
        )
    try:
        header = json.loads(file.read(length).decode("utf-8"), object_pairs_hook=_no_duplicates)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{source} has a damaged safetensors header: {error}.") from None
    if not is_mapping(header):
        raise ValueError(f"{source} has a damaged safetensors header: not a JSON object.")
    return header, PREFIX + length


def _no_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    entries: dict[str, Any] = {}
    for name, value in pairs:
        if name in entries:
            raise ValueError(f"the key {name!r} occurs twice")
        entries[name] = value
    return entries


def _entry(name: str, entry: Any, source: str) -> tuple[TensorInfo, tuple[int, int]]:
    wrong = f"{source} has a damaged safetensors header: tensor {name!r}"
    if not is_mapping(entry) or not {"dtype", "shape", "data_offsets"} <= entry.keys():
        raise ValueError(f"{wrong} lacks dtype, shape or data_offsets.")
    dtype, shape, offsets = entry["dtype"], entry["shape"], entry["data_offsets"]
    if not isinstance(dtype, str) or not _naturals(shape) or not _naturals(offsets) or len(offsets) != 2:
        raise ValueError(f"{wrong} has a malformed dtype, shape or data_offsets.")
    begin, end = offsets
    if begin > end:
        raise ValueError(f"{wrong} ends before it begins (data_offsets {begin}, {end}).")
    if dtype in BITS and (end - begin) * 8 != BITS[dtype] * math.prod(shape):
        raise ValueError(f"{wrong} takes {end - begin} bytes, but {dtype} of shape {shape} does not.")
    return TensorInfo(dtype, tuple(shape)), (begin, end)


def _naturals(value: Any) -> TypeGuard[list[int]]:
    """Return whether a value is a list of integers >= 0 that fit 64 bits with a sign."""
    return is_list(value) and all(type(number) is int and 0 <= number < 2**63 for number in value)


def _check_cover(spans: dict[str, tuple[int, int]], length: int, source: str) -> None:
    """Raise unless the tensors fill the data exactly, without gap or overlap."""
    at = 0
    for name, (begin, end) in sorted(spans.items(), key=lambda item: item[1]):
        if end > length:
            raise ValueError(f"{source} is truncated: tensor {name!r} ends at byte {end} of {length} bytes of data.")
        if begin != at:
            raise ValueError(f"{source} has a damaged safetensors header: tensor {name!r} overlaps or leaves a gap.")
        at = end
    if at != length:
        raise ValueError(f"{source} has {length - at} bytes behind its last tensor; it is damaged.")
