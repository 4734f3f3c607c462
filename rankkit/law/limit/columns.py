"""Coordinates of different laws: the values of each, the products of them that sin(omega B A) has, and their staircase.

Coordinate k of b . a contributes exp(i omega s_k x y), x and y of the laws of one column of B and of one row of A. It
has its own even and odd values, and the sine has the products with an odd number of odd factors.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

from rankkit.factors import Array
from rankkit.law.limit.coordinate import Coordinate, Seen, seen_through
from rankkit.law.limit.entry_laws import EntryLaw
from rankkit.law.limit.listing import MOST_LISTED, Listed, multisets
from rankkit.law.limit.staircase import BIN, CUT, NOISE, Staircase, assembled, binned, noise

__all__ = ["Column", "OneColumn", "above", "columns_staircase", "energy_of", "listed_columns", "one_column"]

# their overloads leave the types open
svd_of: Callable[..., tuple[Array, Array, Array]] = np.linalg.svd
product_of: Callable[..., Array] = np.prod

NODES, NODES_PER_C = 24, 0.8  # of one law; per radian of c_far
FINEST = 1e-15  # relative size of a value that float64 tells from zero
HEAD = 4000  # products of a staircase that are listed one by one


@dataclass(frozen=True)
class Column:
    """One column of B with the row of A that it meets, or several that are alike.

    Attributes
    ----------
    rows, columns : EntryLaw
        Laws of the entries of B and of A.
    scale : float
        s in exp(i omega s x y).
    many : int
        How many coordinates have these laws.
    """

    rows: EntryLaw
    columns: EntryLaw
    scale: float
    many: int

    def far(self, omega: float) -> float:
        """Return the phase of two entries that one of a thousand exceeds, radians."""
        return omega * self.scale * self.rows.far * self.columns.far

    @property
    def transposed(self) -> Column:
        """The column of A^T and B^T."""
        return Column(self.columns, self.rows, self.scale, self.many)


@dataclass(frozen=True, eq=False)
class OneColumn(Coordinate):
    """cos(c x y) and sin(c x y) as sum_k mu_k U_k(x) V_k(y), x and y of different laws.

    Attributes
    ----------
    q : float array, shape (nodes,)
        Probabilities of the nodes of |y|; `x` are places of the nodes of |x| in probability, `p` their probabilities.
    """

    q: Array

    def leading(self, wanted: Array) -> OneColumn:
        """Return it with the values at which `wanted` (k,) is true, and at least the largest of each parity."""
        return OneColumn(self.x, self.p, super().leading(wanted).parts, self.q)

    def weighted(self, w: Array, v: Array) -> Seen:
        """Return the operator with weights w of x and v of y (nodes,)."""
        return seen_through(self.parts, self.p, self.q, w, v)


@lru_cache(maxsize=64)
def one_column(column: Column, omega: float) -> OneColumn:
    """Return the operator of exp(i omega s x y)."""
    count = int(NODES + NODES_PER_C * column.far(omega))
    (x, p), (y, q) = column.rows.nodes(count), column.columns.nodes(count)
    phase = omega * column.scale * np.outer(x, y)
    root, other = np.sqrt(p), np.sqrt(q)
    parts: list[tuple[Array, Array, Array]] = []
    for kernel in (np.cos, np.sin):
        U, mu, V = svd_of(root[:, None] * kernel(phase) * other)
        kept = max(1, int(np.sum(mu > FINEST * mu[0])))
        parts.append((U[:, :kept] / root[:, None], mu[:kept], V[:kept].T / other[:, None]))
    return OneColumn(np.cumsum(p) - p / 2, p, parts, q)


def listed_columns(problems: Sequence[OneColumn], many: Sequence[int], depth: float, most: int = MOST_LISTED) -> Listed:
    """Return the products within `depth` of the largest with an odd number of odd factors.

    Parameters
    ----------
    problems : sequence of OneColumn
    many : sequence of int
        How many coordinates each stands for.
    depth : float
        In log. Less where more than `most` would be listed: `Listed.whole` is then false.
    most : int
    """
    logs = [np.log(problem.values) for problem in problems]
    whole = reach = depth + _first_odd(problems, many)
    while (found := _within(logs, many, reach, most)) is None:
        reach *= 0.8
    counts, orders = found
    odd = counts @ np.concatenate([problem.parity for problem in problems]) % 2 == 1
    return Listed(counts[odd], orders[odd], reach == whole)


def above(problems: Sequence[OneColumn], many: Sequence[int], depth: float) -> list[OneColumn]:
    """Return the problems with the values that products within `depth` of the largest may need, in log."""
    reach = depth + _first_odd(problems, many)
    return [problem.leading(problem.values >= np.max(problem.values) * math.exp(-reach)) for problem in problems]


def columns_staircase(problems: Sequence[OneColumn], many: Sequence[int]) -> Staircase:
    """Return the staircase of all products."""
    energy = energy_of(problems, many)
    scale = math.fsum(k * math.log(np.max(problem.values)) for problem, k in zip(problems, many, strict=True))
    first = _first_odd(problems, many)
    if 2 * (scale - first) < math.log(NOISE * energy):
        return noise(energy)
    depths = [np.log(np.max(problem.values) / problem.values) for problem in problems]
    parities = [problem.parity for problem in problems]
    sides = [(depth[parity == 0], depth[parity == 1]) for depth, parity in zip(depths, parities, strict=True)]
    bins = binned(sides, many, int((first - math.log(CUT)) / BIN) + 2)
    over = int(np.searchsorted(np.cumsum(bins), HEAD * math.factorial(min(max(many), 4))))
    head = listed_columns(problems, many, min(-math.log(CUT), max(over * BIN - first, BIN)), HEAD)
    drop = scale - head.counts @ np.concatenate([np.log(problem.values) for problem in problems])
    order = np.argsort(drop, kind="stable")
    return assembled((drop[order], head.many[order]), bins, scale, energy)


def _first_odd(problems: Sequence[OneColumn], many: Sequence[int]) -> float:
    """Return -log of the largest product with an odd number of odd factors, from the largest of all products."""
    costs: list[float] = []
    odd = 0
    for problem, k in zip(problems, many, strict=True):
        tops = [float(np.max(problem.values[problem.parity == parity])) for parity in (0, 1)]
        odd += k * (tops[1] > tops[0])  # entries of two sizes alone can have a sine above the cosine
        costs.append(abs(math.log(tops[0] / tops[1])))
    return 0.0 if odd % 2 else min(costs)


def energy_of(problems: Sequence[OneColumn], many: Sequence[int]) -> float:
    """Return the sum of squares of all products, (prod (e + o) - prod (e - o)) / 2, e and o a coordinate's sums."""
    whole, shares = 0.0, np.zeros(0)
    for problem, k in zip(problems, many, strict=True):
        even, odd = (float(np.sum(problem.values[problem.parity == parity] ** 2)) for parity in (0, 1))
        whole += k * math.log(even + odd)
        shares = np.append(shares, np.full(k, 2 * odd / (even + odd)))
    # without cancellation where the sine is small
    left = -np.expm1(np.sum(np.log1p(-shares))) if np.all(shares < 1) else 1 - np.prod(1 - shares)
    return math.exp(whole) * float(left) / 2


def _within(logs: Sequence[Array], many: Sequence[int], reach: float, most: int) -> tuple[Any, Array] | None:
    """Return all products within `reach` of the largest, in log, and their orders; None if too many."""
    from scipy.sparse import csr_array, hstack

    tables: list[Any] = []
    picks: list[Array] = []
    total = np.zeros(1)
    for log, k in zip(logs, many, strict=True):
        order = np.argsort(-log, kind="stable")
        drop = log[order[0]] - log[order]
        table = multisets(drop, k, reach)
        if table is None:
            return None
        falls = table @ drop[: table.shape[1]]
        rising = np.argsort(falls, kind="stable")
        often = np.searchsorted(falls[rising], reach - total, side="right")
        if int(np.sum(often)) > 2 * most:
            return None
        origin = np.repeat(np.arange(often.size), often)
        which = rising[np.arange(origin.size) - np.repeat(np.cumsum(often) - often, often)]
        total = total[origin] + falls[which]
        picks = [*(pick[origin] for pick in picks), which]
        whole = np.zeros((len(table), log.size))
        whole[:, order[: table.shape[1]]] = table
        tables.append(whole)
    orders = [_orders(table, k)[pick] for table, pick, k in zip(tables, picks, many, strict=True)]
    counts: Any = hstack([csr_array(table)[pick] for table, pick in zip(tables, picks, strict=True)])
    return csr_array(counts), product_of(np.stack(orders), axis=0)


def _orders(table: Array, k: int) -> Array:
    """Return how many orders each row of k values has, which the table (rows, values) counts."""
    factorials = np.array([math.factorial(often) for often in range(k + 1)], dtype=np.float64)
    return factorials[k] / product_of(factorials[table.astype(np.int64)], axis=1)
