"""Functions of one coordinate in which plane waves of many frequencies are small matrices.

The singular functions of all plane waves together, each weighed by the size of its part in phi, serve every law of
entries; polynomials would need many more for laws with tails.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from rankkit.factors import Array
from rankkit.law.limit.columns import NODES, NODES_PER_C, Column
from rankkit.law.limit.coordinate import legendre_nodes
from rankkit.law.limit.entry_laws import EntryLaw
from rankkit.law.waves.plane_waves import PlaneWaves

__all__ = [
    "Coordinate",
    "alone",
    "coordinate",
    "farthest_sum",
    "loudness",
    "mean_of",
    "mean_wave",
    "nodes_for",
]

# their overloads leave the types open
interpolated: Callable[..., Array] = np.interp
svd_of: Callable[..., tuple[Array, Array, Array]] = np.linalg.svd

COARSE = 2  # times as many places of the other side as functions, from which a basis is made
KEPT = 64  # waves of which a basis is made one by one
MOST_NODES, ENERGY_MET = 1200, 1e-8  # of phi itself between two coordinates, and how well its energy is to be met
BEYOND, TRIED = (
    1e-13,
    48,
)  # the share of entries of B A that may lie beyond the plane waves, and exponents that are tried
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
    alike = column.rows is column.columns
    coarse = min(COARSE * count + NODES, nodes)
    few = _fewer(waves)
    functions: list[tuple[Array, Array]] = []
    for kernel in (np.cos, np.sin):
        here = _basis(column, few, x, p, kernel, count, coarse)
        there = here if alike else _basis(column.transposed, few, y, q, kernel, count, coarse)
        size = min(here.shape[1], there.shape[1])
        here = here[:, :size]
        functions.append((here, here if alike else there[:, :size]))
    (even, even_there), (odd, odd_there) = functions
    return Coordinate(p, q, (even, odd), (even_there, odd_there), _between(column, waves, x, y, p, q, functions))


def _between(
    column: Column, waves: PlaneWaves, x: Array, y: Array, p: Array, q: Array, functions: Sequence[tuple[Array, Array]]
) -> tuple[Array, Array]:
    """Return the waves between functions: each is the one before times the slowest, as their frequencies are even."""
    slowest = np.exp(1j * (waves.frequencies[1] - waves.frequencies[0]) * column.scale * np.outer(x, y))
    wave = np.ones_like(slowest)
    sides = [((here * p[:, None]).T, there * q[:, None]) for here, there in functions]
    even, odd = (np.empty((waves.frequencies.size, here.shape[1], here.shape[1])) for here, _ in functions)
    for k in range(waves.frequencies.size):
        (left, right), (left_odd, right_odd) = sides
        even[k], odd[k] = left @ (wave.real @ right), left_odd @ (wave.imag @ right_odd)
        wave *= slowest
    return even, odd


def alone(column: Column, phi: Callable[[Array], Array], count: int) -> Coordinate | None:
    """Return the only coordinate of a column, with phi itself for the only wave; None where it turns too fast."""
    nodes, before = NODES + count, math.inf
    while True:
        (x, p), (y, q) = _nodes(column, nodes)
        products: Array = column.scale * np.outer(x, y)
        above, below = (np.asarray(phi(t), dtype=np.float64) for t in (products, -products))
        energy = float(p @ (above**2 + below**2) @ q) / 2
        if abs(energy - before) <= ENERGY_MET * energy:
            break
        if nodes >= MOST_NODES:
            return None
        nodes, before = min(2 * nodes, MOST_NODES), energy
    weight, alike = np.sqrt(np.outer(p, q)), column.rows is column.columns
    rows: list[Array] = []
    columns: list[Array] = []
    values: list[Array] = []
    for part in ((above + below) / 2, (above - below) / 2):
        if alike:
            found, left = np.linalg.eigh(weight * (part + part.T) / 2)
            right = left = left[:, np.argsort(-np.abs(found), kind="stable")[:count]]
            found = found[np.argsort(-np.abs(found), kind="stable")[:count]]
        else:
            left, found, right = (one[..., :count] for one in _svd(weight * part))
        here = left / np.sqrt(p)[:, None]
        rows.append(here)
        columns.append(here if alike else right / np.sqrt(q)[:, None])
        values.append(np.diag(found)[None])
    return Coordinate(p, q, (rows[0], rows[1]), (columns[0], columns[1]), (values[0], values[1]))


def _svd(matrix: Array) -> tuple[Array, Array, Array]:
    left, values, right = svd_of(matrix)
    return left, values, right.T


def farthest_sum(columns: Sequence[Column]) -> float:
    """Return what |b . a| exceeds with a probability of at most BEYOND, by Chernoff's bound."""
    most = sum(one.many * farthest_product(one) for one in columns)
    found = most
    for steep in (np.geomspace(1.0, -2 * math.log(BEYOND), TRIED) / most * len(columns)).tolist():
        logs = sum(one.many * _log_mean_exp(one, steep) for one in columns)
        found = min(found, (math.log(2 / BEYOND) + logs) / steep)
    return found


def _log_mean_exp(column: Column, steep: float) -> float:
    """Return log E cosh(steep s x y)."""
    (x, p), (y, q) = _nodes(column, NODES + COARSE * NODES)
    exponents = steep * column.scale * np.outer(x, y)
    most = float(np.max(exponents))
    return most + math.log(float(p @ ((np.exp(exponents - most) + np.exp(-exponents - most)) / 2) @ q))


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


def mean_of(column: Column, function: Callable[[Array], Array], nodes: int = MEAN_NODES) -> float:
    """Return the mean of an even function of s x y."""
    (x, p), (y, q) = _nodes(column, nodes)
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


def _fewer(waves: PlaneWaves) -> PlaneWaves:
    """Return waves that stand for all: the slowest ones, and beyond them one for each group that grows like them."""
    if waves.frequencies.size <= KEPT:
        return waves
    count = waves.frequencies.size
    further = [int(KEPT * (count / KEPT) ** (2 * k / KEPT)) for k in range(KEPT // 2)]
    starts = np.unique(np.array([*range(KEPT), *further]))
    middles = (starts + np.append(starts[1:], count) - 1) // 2
    sizes: Array = np.add.reduceat(waves.sizes, starts)
    return PlaneWaves(waves.frequencies[middles], sizes, np.zeros_like(sizes))


def _basis(column: Column, waves: PlaneWaves, x: Array, p: Array, kernel: np.ufunc, count: int, coarse: int) -> Array:
    """Return the leading singular functions at x of all waves together, seen from coarse places of the columns."""
    _, (y, q) = _nodes(column, coarse)
    weights = np.sqrt(waves.sizes[:, None] * q)
    seen = kernel(column.scale * waves.frequencies[:, None, None] * np.outer(x, y)) * weights[:, None, :]
    flat = np.sqrt(p)[:, None] * np.moveaxis(seen, 1, 0).reshape(x.size, -1)
    values, vectors = np.linalg.eigh(flat @ flat.T)
    kept = values[::-1][:count] > FINEST * values[-1]
    return vectors[:, ::-1][:, :count][:, kept] / np.sqrt(p)[:, None]
