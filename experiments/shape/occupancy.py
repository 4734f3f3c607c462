"""Which points of a grid are inside a closed mesh, and how well another answer agrees."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from experiments.shape.mesh import Mesh

__all__ = ["grid_points", "iou", "occupancy"]

MARGIN = 0.05  # of the half cube: free space around the mesh's longest side


def grid_points(count: int) -> NDArray[np.float32]:
    """Return the centres (count^3, 3) of the cells of a grid over [-1, 1]^3, z fastest."""
    axis = (2 * np.arange(count) + 1) / count - 1
    return np.stack(np.meshgrid(axis, axis, axis, indexing="ij"), -1).reshape(-1, 3).astype(np.float32)


def occupancy(mesh: Mesh, count: int) -> NDArray[np.bool_]:
    """Return which cells (count, count, count) have their centre inside a closed mesh.

    The mesh is moved and scaled so that its longest side fills the cube [-1, 1]^3 but for a margin. A centre is inside
    if a line from it along z passes the surface an odd number of times.

    Parameters
    ----------
    mesh : Mesh
        Closed.
    count : int
        Cells a side.

    Raises
    ------
    ValueError
        If the mesh is not closed.
    """
    if (odd := mesh.neighbours() % 2 == 1).any():
        raise ValueError(f"mesh must be closed, got {odd.sum()} edges with an odd number of triangles; close it first.")
    low, high = mesh.vertices.min(0), mesh.vertices.max(0)
    vertices = (mesh.vertices - (low + high) / 2) * (2 * (1 - MARGIN) / (high - low).max())
    cells = (vertices + 1) * count / 2 - 0.5  # in units in which cell centres are whole numbers
    column, height = _crossings(cells[mesh.faces], count)
    assert not (np.bincount(column) % 2).any()
    # a crossing lies below the centres from ceil(height) on, and flips all of them
    flips = np.zeros((count * count, count + 1), dtype=np.int64)
    np.add.at(flips, (column, np.clip(np.ceil(height), 0, count).astype(np.int64)), 1)
    return (flips.cumsum(1)[:, :count] % 2 == 1).reshape(count, count, count)


def _crossings(triangles: NDArray[np.float64], count: int) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Return where the lines along z through cell centres cross triangles (f, 3, 3): number of the line, and height."""
    first = np.clip(np.ceil(triangles[:, :, :2].min(1)), 0, count).astype(np.int64)
    last = np.clip(np.floor(triangles[:, :, :2].max(1)), -1, count - 1).astype(np.int64)
    spans = np.maximum(last - first + 1, 0)
    lines = spans[:, 0] * spans[:, 1]
    of = np.repeat(np.arange(len(triangles)), lines)
    within = np.arange(len(of)) - np.repeat(lines.cumsum() - lines, lines)
    x, y = first[of, 0] + within // spans[of, 1], first[of, 1] + within % spans[of, 1]
    a, b, c = (triangles[of, i] for i in range(3))
    areas, signs = (
        np.stack(parts, -1) for parts in zip(*(_side(*ends, x, y) for ends in ((b, c), (c, a), (a, b))), strict=True)
    )
    inside = abs(signs.sum(1)) == 3
    share = areas[inside] / areas[inside].sum(1, keepdims=True)
    height = np.einsum("ij,ij->i", share, triangles[of[inside], :, 2])
    return (x * count + y)[inside], height


def _side(
    p: NDArray[np.float64], q: NDArray[np.float64], x: NDArray[np.int64], y: NDArray[np.int64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return twice the signed area of the triangle p, q, (x, y), and on which side of p q the point is: -1, 0 or 1.

    Both triangles at an edge must come to the same answer, so it is taken from the smaller end to the larger. A point
    on the edge counts as if it were moved by (e, e^2) with a tiny e > 0, so that 0 stands for an edge along z alone.
    """
    swap = (p[:, 0] > q[:, 0]) | ((p[:, 0] == q[:, 0]) & (p[:, 1] > q[:, 1]))
    p, q = np.where(swap[:, None], q, p), np.where(swap[:, None], p, q)
    dx, dy = q[:, 0] - p[:, 0], q[:, 1] - p[:, 1]
    area = dx * (y - p[:, 1]) - dy * (x - p[:, 0])
    side = np.where(area != 0, np.sign(area), np.where(dy != 0, -np.sign(dy), np.sign(dx)))
    back = np.where(swap, -1.0, 1.0)
    return back * area, back * side


def iou(a: NDArray[np.bool_], b: NDArray[np.bool_]) -> float:
    """Return how many cells are in both over how many are in either; 1 where both are empty."""
    either = int((a | b).sum())
    return int((a & b).sum()) / either if either else 1.0
