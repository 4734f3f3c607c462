"""How far a stored number may be from the one that was rounded to it: half the gap to its neighbours."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from rankkit.factors import Array

__all__ = ["PRECISIONS", "half_gaps", "narrower", "rounded", "unit_roundoff"]


class _Precision(NamedTuple):
    """A binary format: bits of the significand, and the exponent of the least normal number."""

    bits: int
    least: int


PRECISIONS = {
    "F64": _Precision(53, -1022), "F32": _Precision(24, -126), "F16": _Precision(11, -14), "BF16": _Precision(8, -126),
}  # fmt: skip
# a working dtype -> the integer that holds its bits, and the bits of its exponent
_EXPONENT = {
    np.dtype(np.float32): (np.dtype(np.uint32), np.uint32(0x7F800000)),
    np.dtype(np.float64): (np.dtype(np.uint64), np.uint64(0x7FF0000000000000)),
}


def unit_roundoff(dtype: str) -> float:
    """Return the largest relative error of rounding a normal number to the nearest in a format of `PRECISIONS`."""
    return 2.0 ** -PRECISIONS[dtype].bits


def half_gaps(V: Array, dtype: str, times: float = 1.0, *, out: Array | None = None) -> Array:
    """Return half the gap between each number and its neighbours in a format, which bounds the error of rounding to it.

    At a power of two, where the gap below is half the gap above, it is the larger one's half.

    Parameters
    ----------
    V : array of float32 or float64
        Numbers that the format holds.
    dtype : str
        One of `PRECISIONS`.
    times : float
        A factor in front of them.
    out : array, optional
        Where to put them, V itself for instance; None: a new array.

    Examples
    --------
    >>> half_gaps(np.array([1.0, 3.0, 0.0]), "BF16")[:2].tolist()
    [0.00390625, 0.0078125]
    """
    bits, least = PRECISIONS[dtype]
    integer, mask = _EXPONENT[V.dtype]
    powers = np.bitwise_and(V.view(integer), mask, out=None if out is None else out.view(integer)).view(V.dtype)
    if np.min(powers, initial=math.inf) < 2.0**least:  # rare, and many times dearer than to look
        np.maximum(powers, V.dtype.type(2.0**least), out=powers)
    powers *= V.dtype.type(times * 2.0**-bits)
    return powers


def rounded(x: Array, dtype: str) -> Array:
    """Return numbers rounded to the nearest in a format, ties to even, in the dtype in which they came.

    Parameters
    ----------
    x : array of float32 or float64
    dtype : str
        One of `PRECISIONS`.

    Examples
    --------
    >>> rounded(np.array([1.001, 3.02]), "BF16").tolist()
    [1.0, 3.015625]
    """
    if dtype == "BF16":
        step = 2 * half_gaps(np.ascontiguousarray(x), dtype)
        return np.rint(x / step) * step
    return x.astype({"F64": np.float64, "F32": np.float32, "F16": np.float16}[dtype]).astype(x.dtype)


def narrower(dtype: str) -> list[str]:
    """Return the formats with a shorter significand, the longest of them first."""
    return [name for name in PRECISIONS if PRECISIONS[name].bits < PRECISIONS[dtype].bits]
