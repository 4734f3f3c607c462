"""Products of one-coordinate values as a list: how often each value occurs in each product."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from rankkit.factors import Array

__all__ = ["MOST_LISTED", "Listed", "listed_products", "multisets"]

MOST_LISTED = 20_000


@dataclass(frozen=True, eq=False)
class Listed:
    """Products of one-coordinate values with an odd number of odd ones.

    Attributes
    ----------
    counts : float array, shape (products, k), dense or sparse
        How often each value occurs in each product.
    many : float array, shape (products,)
        How many orders each has.
    whole : bool
        False where products as large as the smallest that was asked for are missing, because there are too many.
    """

    counts: Array
    many: Array
    whole: bool = True


def listed_products(logs: Array, parity: Array, r: int, depth: float) -> Listed:
    """Return the products within `depth` of the largest with an odd total index.

    Parameters
    ----------
    logs : float array, shape (k,)
        log of one coordinate's values.
    parity : int array, shape (k,)
        0 for even values, 1 for odd ones.
    r : int
    depth : float
        In log, below the largest product of odd total index. Less where more than MOST_LISTED would be listed.
    """
    order = np.argsort(-logs, kind="stable")
    drop = logs[order[0]] - logs[order]
    reach = depth + float(np.min(drop[parity[order] == 1]))
    while (found := multisets(drop, r, reach)) is None:
        reach *= 0.8
    odd = found @ parity[order[: found.shape[1]]] % 2 == 1
    counts = np.zeros((int(np.sum(odd)), logs.size))
    counts[:, order[: found.shape[1]]] = found[odd]
    log_factorial = np.array([math.lgamma(k + 1) for k in range(r + 1)])
    many = np.exp(log_factorial[r] - np.sum(log_factorial[found[odd]], axis=1))
    return Listed(counts, np.round(many))


def multisets(drop: Array, r: int, reach: float) -> Array | None:
    """Return how often each value occurs in each multiset of r whose drops add up to at most `reach`, (sets, k).

    `drop` ascends from zero. Sets of one more value other than the first come from those before, by a value that is no
    rarer than their last one.
    """
    drop = drop[: np.searchsorted(drop, reach, side="right")]
    level, total = np.zeros((1, drop.size), dtype=np.int64), np.zeros(1)
    last = np.full(1, drop.size - 1)
    levels = [level]
    for _ in range(r):
        often = np.minimum(np.searchsorted(drop, reach - total, side="right") - 1, last)
        if (found := sum(map(len, levels)) + int(np.sum(often))) == sum(map(len, levels)):
            break
        if found > 2 * MOST_LISTED:
            return None
        origin = np.repeat(np.arange(often.size), often)
        last = 1 + np.arange(origin.size) - np.repeat(np.cumsum(often) - often, often)
        level, total = level[origin], total[origin] + drop[last]
        level[np.arange(last.size), last] += 1
        levels.append(level)
    counts = np.concatenate(levels)
    counts[:, 0] = r - np.sum(counts, axis=1)
    return counts
