"""Sums over all products of values, one of each column, with an odd number of odd factors, with a list and without one.

With f(x) = 1 / (1 + e^-x) and x = log(lambda^2 / z), f(x) is the integral of (pi / sin(pi s)) e^(s x) ds / (2 pi i) on
a line between the poles at 0 and 1 (Mellin's transform). e^(s x) is a product over the columns, so that its sum over
all products of values is a product of sums over the values of one column. For log(1 + e^x) the factor before e^(s x) is
divided by s, and for f^2 it is multiplied by 1 - s, since f - f^2 is the derivative of f.

The trapezoidal rule adds f at x shifted by multiples of the period 2 pi / step, times e^(-Re s period) for each period.
There can be 10^12 products so faint that only their shifted ones count, each for one: so the period grows with the
logarithm of their number. Behind the real axis the line bends to the right, because faint products turn further than
pi.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from rankkit.factors import Array
from rankkit.law.limit.listing import Listed

__all__ = ["OddSums", "apart", "listed_sums", "odd_sums"]

LINE, OTHER_LINE = 0.4, 0.5  # Re s far ahead
FINER, FARTHER = 2.0, 1.5  # of the other line: nodes, and the logarithm of what its ends leave out
# Re s rises by TILT / max(log of the largest product, LEAST_TOP) for each unit behind; at most TILT / (2 LEAST_TOP) at
# the real axis, so that it stays below 1
TILT, LEAST_TOP = 2.0, 5.0
NEGLIGIBLE = 14.0  # -log of what the ends of the line leave out of one product at the threshold
BEHIND = math.pi / 2  # largest phase of a product at the threshold
DEEPER = 24.0  # half the period at least, beyond the log of the largest product
FAINT = 8.0  # -log of the largest product of a value that adds nothing


class OddSums(NamedTuple):
    """Sums over all products x: of log(1 + e^x), f and f^2.

    used and square, arrays (k,) for each column, have f and f^2 times how often each value occurs in a product.
    """

    logs: complex
    share: complex
    shares: complex
    used: list[Array]
    square: list[Array]


def listed_sums(listed: Listed, values: Sequence[Array], scale: complex) -> OddSums:
    """Return the sums over the listed products; as for `odd_sums`, but with even and odd values in one array."""
    x = listed.counts @ np.concatenate(values) + scale
    share: Array = 1 / (1 + np.exp(-x))
    used = listed.many * share
    # log(1 + e^x) on the branch where it is x for large x
    large = x.real > 0
    logs = large * x + np.log1p(np.exp(x * (1 - 2 * large)))
    ends = np.cumsum([one.size for one in values])[:-1]
    sides = [np.split(listed.counts.T @ one, ends) for one in (used, used * share)]
    return OddSums(complex(np.sum(listed.many * logs)), complex(np.sum(used)), complex(np.sum(used * share)), *sides)


def apart(sums: OddSums, others: OddSums, many: Sequence[int]) -> float:
    """Return by how many values two results for the same sums differ, at most."""
    used = max(
        float(np.sum(np.abs(here - there))) / k for here, there, k in zip(sums.used, others.used, many, strict=True)
    )
    by_logs = abs(sums.logs.imag - others.logs.imag) / math.pi
    return max(used, by_logs, abs(sums.share - others.share), abs(sums.shares - others.shares))


def odd_sums(
    values: Sequence[tuple[Array, Array]], many: Sequence[int], scale: complex, *, other: bool = False
) -> OddSums:
    """Return the sums over all products.

    Parameters
    ----------
    values : sequence of (even, odd)
        log of the squared values of each column, complex arrays (k,).
    many : sequence of int
        How many coordinates each column stands for.
    scale : complex
        What is added to the logarithm of each product: that of all scales, less log z.
    other : bool
        On another line, with more nodes and ends farther away. A phase beyond pi makes the integral diverge, so that
        the two lines then differ.
    """
    tops = [max(float(np.max(x.real)) for x in both) for both in values]
    top = sum(k * one for one, k in zip(tops, many, strict=True)) + scale.real
    line, finer, negligible = (OTHER_LINE, FINER, FARTHER * NEGLIGIBLE) if other else (LINE, 1.0, NEGLIGIBLE)
    kept = [[x.real > one - max(top, 0.0) - FAINT for x in both] for one, both in zip(tops, values, strict=True)]
    products = math.fsum(k * math.log(np.sum(both[0]) + np.sum(both[1])) for both, k in zip(kept, many, strict=True))
    half = max(max(top, 0.0) + DEEPER, (products + NEGLIGIBLE) / line / 2)
    step = math.pi / half / finer
    behind, ahead = negligible / (math.pi - BEHIND), negligible / (math.pi - abs(scale.imag))
    t = step * np.arange(-math.ceil(behind / step), math.ceil(ahead / step) + 1)
    bent, tilt = np.sqrt(t**2 + 1), TILT / max(top, LEAST_TOP)
    s = line + tilt / 2 * (bent - t) + 1j * t
    kernel = step / 2 * (1 - 0.5j * tilt * (t / bent - 1)) / np.sin(math.pi * s) * np.exp(s * scale)
    powers = [
        tuple(np.exp(np.multiply.outer(s, x)) * here for x, here in zip(*both, strict=True))
        for both in zip(values, kept, strict=True)
    ]
    sums = [[np.sum(power, axis=1) for power in both] for both in powers]
    with_odd = [even + odd for even, odd in sums], [even - odd for even, odd in sums]
    others = [_others(side, many) for side in with_odd]
    whole = (with_odd[0][0] * others[0][0] - with_odd[1][0] * others[1][0]) / 2
    kinds = np.stack([kernel, kernel * (1 - s)])
    found: list[Array] = []
    for (even, odd), k, plus, minus in zip(powers, many, *others, strict=True):
        sides = [(kinds * (k / 2 * left)) @ power for power, left in ((even, plus - minus), (odd, plus + minus))]
        found.append(np.concatenate(sides, axis=1))
    return OddSums(
        complex(np.sum(kernel / s * whole)), complex(np.sum(kernel * whole)), complex(np.sum(kinds[1] * whole)),
        [both[0] for both in found], [both[1] for both in found],
    )  # fmt: skip


def _others(sums: Sequence[Array], many: Sequence[int]) -> list[Array]:
    """Return the product of all sums but one of each column's."""
    before = [np.ones_like(sums[0])]
    for one, k in zip(sums, many, strict=True):
        before.append(before[-1] * one**k)
    after = np.ones_like(sums[0])
    found: list[Array] = []
    for one, k, first in zip(reversed(sums), reversed(many), reversed(before[:-1]), strict=True):
        found.append(first * one ** (k - 1) * after)
        after = after * one**k
    return found[::-1]
