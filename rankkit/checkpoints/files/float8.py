"""Numbers of eight bits with a floating point, as float32, in which every one of them is exact.

With M bits of mantissa and the bias b, the bits s e m mean (-1)^s 2^(e - b) (1 + m / 2^M), and where e is 0 they mean
(-1)^s 2^(1 - b) m / 2^M (Micikevicius et al. 2022, "FP8 formats for deep learning"). Only e5m2 has infinities. The
variants "fnuz" have one NaN, in the place of minus zero, and a bias that is larger by one.
"""

from __future__ import annotations

import functools
from typing import NamedTuple

import numpy as np

from rankkit.factors import Array

__all__ = ["FLOAT8", "float8"]


class _Layout(NamedTuple):
    """How many bits a format has for the exponent and the mantissa, and which codes are no finite numbers."""

    exponent: int
    mantissa: int
    bias: int
    infinite: bool = False  # the largest exponent means infinity and NaN, as in IEEE 754
    unsigned_zero: bool = False  # NaN stands in the place of minus zero, and nowhere else


FLOAT8 = {
    "F8_E4M3": _Layout(4, 3, bias=7),
    "F8_E5M2": _Layout(5, 2, bias=15, infinite=True),
    "F8_E4M3FNUZ": _Layout(4, 3, bias=8, unsigned_zero=True),
    "F8_E5M2FNUZ": _Layout(5, 2, bias=16, unsigned_zero=True),
}  # by safetensors' name


def float8(codes: Array, dtype: str) -> Array:
    """Return the numbers that bytes stand for, as float32.

    Parameters
    ----------
    codes : array of uint8
    dtype : str
        One of `FLOAT8`.

    Examples
    --------
    >>> float8(np.array([0x38, 0x7E, 0x01], dtype=np.uint8), "F8_E4M3").tolist()
    [1.0, 448.0, 0.001953125]
    """
    return _table(dtype)[codes]


@functools.cache
def _table(dtype: str) -> Array:
    """Return what each of the 256 codes means."""
    layout, codes = FLOAT8[dtype], np.arange(256)
    scale = 1 << layout.mantissa
    sign, rest = np.where(codes >> 7, -1.0, 1.0), codes & 0x7F
    exponent, fraction = rest >> layout.mantissa, (rest & (scale - 1)) / scale
    values = sign * np.where(
        exponent > 0, np.ldexp(1 + fraction, exponent - layout.bias), np.ldexp(fraction, 1 - layout.bias)
    )
    if layout.unsigned_zero:
        values[0x80] = np.nan
    elif layout.infinite:
        special = exponent == (1 << layout.exponent) - 1
        values[special] = np.where(fraction[special] > 0, np.nan, sign[special] * np.inf)
    else:
        values[rest == 0x7F] = np.nan
    return values.astype(np.float32)
