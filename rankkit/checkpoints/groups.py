"""Factors in groups: a fused projection, a grouped convolution, or factors that are stored as several tensors each."""

from __future__ import annotations

import math

from rankkit.checkpoints.forms import Form, Shape, Sizes, flat
from rankkit.factors import Array, Factors, namespace

__all__ = ["MOST_GROUPS", "merged_form", "stacked_form"]

MOST_GROUPS = 16  # of a fused projection: three, for query, key and value, is what there is


def merged_form(enabled: tuple[bool, ...], heights: tuple[int, ...] = ()) -> Form:
    """Return the form of a fused projection with an update for each of its enabled groups: B_g A_g under one another.

    Of G enabled groups A holds the A_g one under the other, (G r, n), and B the B_g, (rows of all of them, r). The
    update has the rows of every group, zero for those that are not enabled: a block B with one column of blocks per
    group, times A. A grouped convolution has one group of B and A for each of its own, all enabled.

    Parameters
    ----------
    enabled : tuple of bool
        One entry per group of the projection, at least one of them True.
    heights : tuple of int
        How many rows each group has; (): all alike.
    """
    groups = sum(enabled)

    def rows_of(stacked: int) -> tuple[int, ...]:
        return heights or (stacked // groups,) * len(enabled)

    def sizes(B: Shape, A: Shape) -> Sizes | None:
        flat = B[:2] if len(B) >= 2 and math.prod(B[2:]) == 1 else None
        if not flat or len(A) < 2 or A[0] != groups * flat[1]:
            return None
        rows = rows_of(flat[0])
        fits = sum(height for height, on in zip(rows, enabled, strict=True) if on) == flat[0]
        return Sizes(sum(rows), math.prod(A[1:]), A[0]) if fits else None

    def combine(B: Array, A: Array) -> Factors:
        xp, stacked = namespace(B), flat(B)
        rows, r = rows_of(stacked.shape[0]), stacked.shape[1]
        blocks = xp.zeros((sum(rows), A.shape[0]), dtype=stacked.dtype)
        begin = taken = column = 0  # of the update's rows, of B's, of the blocks' columns
        for height, on in zip(rows, enabled, strict=True):
            if on:
                blocks[begin : begin + height, column : column + r] = stacked[taken : taken + height, :]
                taken, column = taken + height, column + r
            begin += height
        return Factors(blocks, flat(A))

    return Form(("B", "A"), sizes, combine)


def stacked_form(above: tuple[str, ...], below: tuple[str, ...]) -> Form:
    """Return the form of a fused projection whose parts are stored one by one: their updates under one another.

    Every part has its own B, and either its own A, or as many of the rows of the one A as its B has columns.

    Parameters
    ----------
    above, below : tuple of str
        The tensors B and A, each in the order of the projection's parts.
    """

    def sizes(*shapes: Shape) -> Sizes | None:
        B, A = shapes[: len(above)], shapes[len(above) :]
        plain = all(len(shape) >= 2 and math.prod(shape[2:]) == 1 for shape in B) and all(len(a) >= 2 for a in A)
        if not plain or len({math.prod(a[1:]) for a in A}) != 1:
            return None
        ranks, rows = [b[1] for b in B], [a[0] for a in A]
        fits = ranks == rows or (len(rows) == 1 and sum(ranks) == rows[0])
        return Sizes(sum(b[0] for b in B), math.prod(A[0][1:]), sum(ranks)) if fits else None

    def combine(*tensors: Array) -> Factors:
        xp, parts = namespace(tensors[0]), list(map(flat, tensors))
        B, A = parts[: len(above)], parts[len(above) :]
        blocks = xp.zeros((sum(b.shape[0] for b in B), sum(b.shape[1] for b in B)), dtype=B[0].dtype)
        row = column = 0
        for b in B:
            blocks[row : row + b.shape[0], column : column + b.shape[1]] = b
            row, column = row + b.shape[0], column + b.shape[1]
        return Factors(blocks, xp.concat(A))

    return Form((*above, *below), sizes, combine)
