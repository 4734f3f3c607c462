"""A GGUF file, read header first and one tensor at a time; every size is checked before memory is taken for it.

The `gguf` package maps the whole file and believes what its header says of lengths, which a stranger's file must not be
allowed; so the container is read here. Quantised types are turned into numbers by that package, block by block.

The layout (github.com/ggml-org/ggml, docs/gguf.md): magic, version, count of tensors, count of entries; the entries,
each a key and a typed value; for each tensor its name, axes (the fastest first), type and offset; then aligned data.
"""

from __future__ import annotations

import math
import struct
from pathlib import Path
from typing import IO, Any, NamedTuple

import numpy as np

from rankkit.checkpoints.files.tensors import TensorInfo
from rankkit.checkpoints.files.unchanged import opened, stamp_of
from rankkit.extras import how_to_install
from rankkit.factors import Array

__all__ = ["GgufFile"]

MAGIC = b"GGUF"
VERSIONS = (2, 3)
MAX_HEADER = 200_000_000  # bytes; a vocabulary of a quarter of a million words takes ten million
MOST = 1_000_000  # tensors, entries, or values of an array
MAX_NAME = 65_535  # bytes of a key or a tensor's name
DEEP = 2  # arrays in one another
MOST_AXES = 8
ALIGNMENT = 32  # bytes, where general.alignment does not say

STRING, ARRAY = 8, 9
_NUMBERS = {0: "B", 1: "b", 2: "H", 3: "h", 4: "I", 5: "i", 6: "f", 7: "?", 10: "Q", 11: "q", 12: "d"}


class _Type(NamedTuple):
    """A type of tensor: its name, how many numbers a block has and how many bytes it takes, and numpy's name for it."""

    name: str
    numbers: int
    size: int
    stored: str = ""


# those that adapters are written in; the other quantised types are for whole models
TYPES = {
    0: _Type("F32", 1, 4, "<f4"), 1: _Type("F16", 1, 2, "<f2"), 28: _Type("F64", 1, 8, "<f8"),
    30: _Type("BF16", 1, 2, "<u2"), 24: _Type("I8", 1, 1, "<i1"), 25: _Type("I16", 1, 2, "<i2"),
    26: _Type("I32", 1, 4, "<i4"), 27: _Type("I64", 1, 8, "<i8"),
    2: _Type("Q4_0", 32, 18), 3: _Type("Q4_1", 32, 20), 6: _Type("Q5_0", 32, 22), 7: _Type("Q5_1", 32, 24),
    8: _Type("Q8_0", 32, 34),
    10: _Type("Q2_K", 256, 84), 11: _Type("Q3_K", 256, 110), 12: _Type("Q4_K", 256, 144), 13: _Type("Q5_K", 256, 176),
    14: _Type("Q6_K", 256, 210), 20: _Type("IQ4_NL", 32, 18), 23: _Type("IQ4_XS", 256, 136),
}  # fmt: skip


class GgufFile:
    """The tensors of one file.

    Parameters
    ----------
    path : Path

    Raises
    ------
    ValueError
        If the file is not a sound GGUF file; the message says what is wrong with it.
    """

    def __init__(self, path: Path) -> None:
        self.source = str(path)
        self._path = path
        self.metadata: dict[str, Any] = {}
        self.info: dict[str, TensorInfo] = {}
        self._place: dict[str, tuple[_Type, int]] = {}
        self._stamp = stamp_of(path)
        with opened(path, self._stamp) as file:
            try:
                self._read_header(_Header(file, self._stamp.size))
            except (struct.error, UnicodeDecodeError, OverflowError) as error:
                raise ValueError(f"{path} has a damaged GGUF header: {error}.") from None
            except ValueError as error:
                raise ValueError(f"{path} is no sound GGUF file: {error}.") from None

    def _read_header(self, header: _Header) -> None:
        if header.take(len(MAGIC)) != MAGIC:
            raise ValueError("it does not begin as one")
        (version,) = header.numbers("I")
        if version not in VERSIONS:
            raise ValueError(f"its version is {version}, and rankkit reads {VERSIONS[0]} and {VERSIONS[1]}")
        tensors, entries = header.numbers("QQ")
        if max(tensors, entries) > MOST:
            raise ValueError(f"it claims {tensors} tensors and {entries} entries")
        for _ in range(entries):
            name = header.text(MAX_NAME)
            self.metadata[name] = header.value(header.numbers("I")[0])
        placed = [header.tensor() for _ in range(tensors)]
        step = self.metadata.get("general.alignment", ALIGNMENT)
        if type(step) is not int or not 0 < step <= 1 << 20 or step & (step - 1):
            raise ValueError("its alignment is no power of two")
        start = -(-header.at // step) * step
        for name, code, shape, offset in placed:
            self._place_tensor(name, code, shape, start + offset)

    def _place_tensor(self, name: str, code: int, shape: tuple[int, ...], at: int) -> None:
        if name in self.info:
            raise ValueError(f"the tensor {name!r} occurs twice")
        kind = TYPES.get(code)
        if kind is None:  # of a type that no adapter has: known by name, never read
            self.info[name] = TensorInfo(f"GGML type {code}", shape)
            return
        count = math.prod(shape)
        if shape and shape[-1] % kind.numbers:
            raise ValueError(f"the tensor {name!r} of shape {shape} does not consist of blocks of {kind.numbers}")
        if at + count // kind.numbers * kind.size > self._stamp.size:
            raise ValueError(f"the tensor {name!r} of shape {shape} ends behind the end of the file: it is truncated")
        self._place[name] = kind, at
        # what is quantised becomes float32 as it is read
        self.info[name] = TensorInfo(kind.name if kind.stored else "F32", shape)

    def read(self, name: str) -> Array:
        """Return a tensor as numpy, bfloat16 and quantised types as float32 (exactly what they stand for).

        Raises
        ------
        ValueError
            If its type is one that is not read, or needs the package `gguf`, or the file has changed.
        """
        if name not in self._place:
            raise ValueError(f"tensor {name!r} {self.info[name].trouble}.")
        (kind, at), shape = self._place[name], self.info[name].shape
        size = math.prod(shape) // kind.numbers * kind.size
        with opened(self._path, self._stamp) as file:
            file.seek(at)
            data = file.read(size)
        if not kind.stored:
            return _dequantised(data, kind, shape)
        raw = np.frombuffer(data, dtype=kind.stored).reshape(shape)
        return np.left_shift(raw, 16, dtype=np.uint32).view(np.float32) if kind.name == "BF16" else raw


def _dequantised(data: bytes, kind: _Type, shape: tuple[int, ...]) -> Array:
    """Return the numbers of a quantised tensor, as the package `gguf` reads its type."""
    try:
        import gguf
    except ImportError:
        raise ValueError(f"its type {kind.name} needs the package gguf; {how_to_install('gguf')}.") from None
    rows = np.frombuffer(data, dtype=np.uint8).reshape(-1, shape[-1] // kind.numbers * kind.size)
    with np.errstate(all="ignore"):  # a damaged block may have any scale
        numbers = gguf.quants.dequantize(rows, gguf.GGMLQuantizationType[kind.name])
    return np.asarray(numbers, dtype=np.float32).reshape(shape)


class _Header:
    """The header's bytes, from the front; nothing is taken that the file does not have."""

    def __init__(self, file: IO[bytes], size: int) -> None:
        self._file, self._left, self.at = file, min(size, MAX_HEADER), 0

    def take(self, count: int) -> bytes:
        """Return the next bytes."""
        if count > self._left:
            raise ValueError("its header ends behind the end of the file, or is endless")
        self._left, self.at = self._left - count, self.at + count
        return self._file.read(count)

    def numbers(self, form: str) -> tuple[Any, ...]:
        """Return the next numbers, of these types in struct's letters."""
        return struct.unpack(f"<{form}", self.take(struct.calcsize(f"<{form}")))

    def text(self, most: int = MAX_HEADER) -> str:
        """Return the next string."""
        (length,) = self.numbers("Q")
        if length > most:
            raise ValueError(f"a name or text of its header claims {length} bytes")
        return self.take(length).decode("utf-8", errors="replace")

    def value(self, code: int, depth: int = DEEP) -> Any:
        """Return the next value of a type; an array is read, but only its length is kept."""
        if code in _NUMBERS:
            return self.numbers(_NUMBERS[code])[0]
        if code == STRING:
            return self.text()
        if code != ARRAY or not depth:
            raise ValueError(f"an entry of its header has the type {code}")
        inner, count = self.numbers("IQ")
        if count > MOST:
            raise ValueError(f"an array of its header claims {count} values")
        if inner in _NUMBERS:
            self.take(count * struct.calcsize(f"<{_NUMBERS[inner]}"))
        else:
            for _ in range(count):
                self.value(inner, depth - 1)
        return f"{count} values"

    def tensor(self) -> tuple[str, int, tuple[int, ...], int]:
        """Return the next tensor's name, type, shape (slowest axis first) and offset."""
        name = self.text(MAX_NAME)
        (axes,) = self.numbers("I")
        if axes > MOST_AXES:
            raise ValueError(f"the tensor {name!r} claims {axes} axes")
        shape = self.numbers(f"{axes}Q")
        code, offset = self.numbers("IQ")
        if math.prod(shape) >= 1 << 62 or offset >= 1 << 62:
            raise ValueError(f"the tensor {name!r} claims the shape {shape}")
        return name, code, shape[::-1], offset
