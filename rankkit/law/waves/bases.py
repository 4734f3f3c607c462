"""Functions of one coordinate in which plane waves of many frequencies are small matrices.

The singular functions of all plane waves together, each weighed by the size of its part in phi, serve every law of
entries; polynomials would need many more for laws with tails.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from rankkit.factors import Array
from rankkit.law.columns import NODES, NODES_PER_C, Column
from rankkit.law.coordinate import legendre_nodes
from rankkit.law.entry_laws import EntryLaw
from rankkit.law.waves.plane_waves import PlaneWaves

__all__ = [
    "Coordinate",
    "coordinate",
    "farthest_product",
    "loudness",
    "mean_of",
    "mean_wave",
    "nodes_for",
]

interpolated: Callable[..., Array] = np.interp  # its overloads leave the type open

COARSE = 2  # times as many places of the other side as functions, from which a basis is made
FINEST = 1e-14  # relative importance of a function that rounding leaves
MEAN_NODES = 600  # of a mean over one coordinate
OUTSIDE = 1e-7  # share of the entries that are taken as no larger than the largest of all others
KNOWN_C = 100.0  # phase of far entries up to which the largest value is computed; beyond it falls like a root


@dataclass(frozen=True, eq=False)
class Coordinate:
    """One coordinate: functions of |x| of the rows and |y| of the columns, and the waves between them.

    Attributes
    ----------
    p, q : float arrays, shape (nodes,)
        Probabilities of the nodes of |x| and of |y|.
    rows, columns : (float array, float array), shapes (nodes, at most count)
        Even and odd functions, orthonormal under p and q.
    waves : (float array, float array), shapes (waves, functions, functions)
        cos(omega_k s x y) between the even functions, sin(omega_k s x y) between the odd ones.
    """

    p: Array
    q: Array
    rows: tuple[Array, Array]
    columns: tuple[Array, Array]
    waves: tuple[Array, Array]

    @cached_property
    def symmetric(self) -> bool:
        """Whether rows and columns have the same functions."""
        return self.rows[0] is self.columns[0]

    def leading(self, count: int) -> Coordinate:
        """Return it with up to `count` functions of each parity."""
        rows = self.rows[0][:, :count], self.rows[1][:, :count]
        columns = rows if self.symmetric else (self.columns[0][:, :count], self.columns[1][:, :count])
        even, odd = self.waves
        return Coordinate(self.p, self.q, rows, columns, (even[:, :count, :count], odd[:, :count, :count]))

    def functions(self, side: int, parity: int, at: Array) -> Array:
        """Return functions of rows (0) or columns (1) at quantiles of |x|, by cubic splines, (*at.shape, functions)."""
        from scipy.interpolate import CubicSpline

        functions = (self.columns if side else self.rows)[parity]
        nodes, _ = legendre_nodes(len(functions))  # in the cube root of the upper tail, as those of the law
        return CubicSpline(nodes, functions)(1 - 2 * np.cbrt(1 - at))


def nodes_for(column: Column, frequencies: Array) -> Array:
    """Return how many nodes serve each frequency."""
    return NODES + NODES_PER_C * column.far(1.0) * frequencies


def coordinate(column: Column, waves: PlaneWaves, count: int) -> Coordinate:
    """Return one coordinate of a column, with up to `count` functions of each parity."""
    nodes = max(int(nodes_for(column, waves.frequencies)[-1]), count + NODES // 2)
    (x, p), (y, q) = _nodes(column, nodes)
    products = column.scale * np.outer(x, y)
    alike = column.rows is column.columns
    coarse = min(COARSE * count + NODES, nodes)
    pairs: list[tuple[Array, Array, Array]] = []
    for kernel in (np.cos, np.sin):
        here = _basis(column, waves, x, p, kernel, count, coarse)
        there = here if alike else _basis(column.transposed, waves, y, q, kernel, count, coarse)
        size = min(here.shape[1], there.shape[1])
        here = here[:, :size]
        there = here if alike else there[:, :size]
        left, right = (here * p[:, None]).T, there * q[:, None]
        pairs.append((here, there, np.stack([left @ kernel(omega * products) @ right for omega in waves.frequencies])))
    (even, even_there, even_waves), (odd, odd_there, odd_waves) = pairs
    return Coordinate(p, q, (even, odd), (even_there, odd_there), (even_waves, odd_waves))


def farthest_product(column: Column) -> float:
    """Return the largest |s x y| of the nodes."""
    return column.scale * _largest(column.rows) * _largest(column.columns)


def loudness(column: Column, frequencies: Array) -> Array:
    """Return the largest singular value of exp(i omega s x y) at each frequency, shape (frequencies,)."""
    at = np.geomspace(0.1, KNOWN_C, 16) / column.far(1.0)
    (x, p), (y, q) = _nodes(column, int(nodes_for(column, at)[-1]))
    weight = np.sqrt(np.outer(p, q))
    values = [np.linalg.norm(weight * np.cos(omega * column.scale * np.outer(x, y)), 2) for omega in at]
    logs = interpolated(np.log(np.maximum(frequencies, at[0])), np.log(at), np.log(values))
    return np.exp(logs) * np.minimum(1.0, np.sqrt(at[-1] / np.maximum(frequencies, at[-1])))


def mean_of(column: Column, function: Callable[[Array], Array]) -> float:
    """Return the mean of an even function of s x y."""
    (x, p), (y, q) = _nodes(column, MEAN_NODES)
    return float(p @ function(column.scale * np.outer(x, y)) @ q)


def mean_wave(column: Column, frequencies: Array) -> Array:
    """Return E cos(omega s x y) at each frequency, shape (frequencies,)."""
    (x, p), (y, q) = _nodes(column, int(nodes_for(column, frequencies)[-1]))
    products = column.scale * np.outer(x, y).ravel()
    weights = np.outer(p, q).ravel()
    return np.array([np.cos(omega * products) @ weights for omega in frequencies.tolist()])


def _nodes(column: Column, count: int) -> tuple[tuple[Array, Array], tuple[Array, Array]]:
    """Return nodes and probabilities of |x| and of |y|."""
    (x, p), (y, q) = column.rows.nodes(count), column.columns.nodes(count)
    return (np.minimum(x, _largest(column.rows)), p), (np.minimum(y, _largest(column.columns)), q)


def _largest(law: EntryLaw) -> float:
    return float(law.size(np.array([1 - OUTSIDE]))[0])


def _basis(column: Column, waves: PlaneWaves, x: Array, p: Array, kernel: np.ufunc, count: int, coarse: int) -> Array:
    """Return the leading singular functions at x of all waves together, seen from coarse places of the columns."""
    _, (y, q) = _nodes(column, coarse)
    weights = np.sqrt(waves.sizes[:, None] * q)
    seen = kernel(column.scale * waves.frequencies[:, None, None] * np.outer(x, y)) * weights[:, None, :]
    flat = np.sqrt(p)[:, None] * np.moveaxis(seen, 1, 0).reshape(x.size, -1)
    values, vectors = np.linalg.eigh(flat @ flat.T)
    kept = values[::-1][:count] > FINEST * values[-1]
    return vectors[:, ::-1][:, :count][:, kept] / np.sqrt(p)[:, None]
