"""A one-dimensional function as piecewise polynomials, with a bound on the error.

A learned phi is a sum of N terms, and evaluating it at every entry of a large matrix costs N passes. Between two
neighbouring points its graph is smooth, so that a table of polynomials gives the same values in one pass. A smooth
function is interpolated at Chebyshev points on equal cells, fine enough for its bandwidth. A spline is piecewise
polynomial already, and its table is exact.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from rankkit.factors import Array, device_of, namespace

__all__ = ["BLOCK", "DEGREE", "Interpolant", "cell_count", "chebyshev", "in_blocks", "piecewise"]

DEGREE = 6  # of the polynomials: seven coefficients per cell; a lower degree needs more cells, a higher one more passes
BLOCK = 1 << 16  # entries evaluated together: the temporary arrays stay in cache
SHRINK = 1 - 1e-9  # keeps the outermost nodes of a spline's cell clear of the neighbouring cell


class _Place(NamedTuple):
    """Where points lie: the index of the cell, and t in [-1, 1] across it."""

    cell: Array
    t: Array


@dataclass(frozen=True, eq=False)
class Interpolant:
    """Polynomials on adjoining cells.

    Attributes
    ----------
    breaks : array, shape (cells + 1,)
        Ends of the cells, ascending.
    coefficients : array, shape (degree + 1, cells)
        Coefficients of the powers of t in [-1, 1] across each cell, constant first.
    uniform : bool
        Whether the cells are equally wide.
    truncation : float
        Upper bound on |polynomial - function| in exact arithmetic.
    """

    breaks: Array
    coefficients: Array
    uniform: bool
    truncation: float

    def __call__(self, x: Array) -> Array:
        """Return the polynomials' values at x.

        Parameters
        ----------
        x : array, float64
            Within the breaks.

        Returns
        -------
        array
            Of the shape of x.
        """
        xp = namespace(x)
        table = xp.asarray(self.coefficients, device=device_of(x))
        cell, t = self._equal_cells(x) if self.uniform else self._any_cells(x)
        value = xp.take(table[-1], cell)
        for power in range(table.shape[0] - 2, -1, -1):
            value *= t
            value += xp.take(table[power], cell)
        return value

    def _equal_cells(self, x: Array) -> _Place:
        """Return the places of x among cells of one width: a division finds them."""
        xp, cells = namespace(x), self.breaks.shape[0] - 1
        first, step = float(self.breaks[0]), float(self.breaks[-1] - self.breaks[0]) / cells
        position = (x - first) * (1 / step)
        cell = xp.clip(xp.astype(position, xp.int64), 0, cells - 1)
        t = position - xp.astype(cell, xp.float64)
        t *= 2
        t -= 1
        return _Place(cell, t)

    def _any_cells(self, x: Array) -> _Place:
        """Return the places of x among cells of any width: a binary search finds them."""
        xp, cells = namespace(x), self.breaks.shape[0] - 1
        breaks = xp.asarray(self.breaks, device=device_of(x))
        cell = xp.clip(xp.searchsorted(breaks, x, side="right") - 1, 0, cells - 1)
        left, right = xp.take(breaks, cell), xp.take(breaks, cell + 1)
        return _Place(cell, (2 * x - left - right) / (right - left))


def cell_count(width: float, derivative: Callable[[int], float], tolerance: float) -> int:
    """Return how many equal cells over `width` bring the interpolation error below a tolerance.

    Parameters
    ----------
    width : float
        Length of the interval.
    derivative : callable
        Maps q to an upper bound on |phi^(q)|.
    tolerance : float
        Largest |polynomial - function|, > 0.

    Returns
    -------
    int

    Notes
    -----
    On a cell of width h the polynomial through DEGREE + 1 Chebyshev points is off by at most
    2 (h / 4)^q / q! max |phi^(q)| with q = DEGREE + 1 (Trefethen 2013, chapter 4).
    """
    q = DEGREE + 1
    bound = 2 * derivative(q) / math.factorial(q)
    return 1 if bound == 0 else max(1, math.ceil(width / 4 * (bound / tolerance) ** (1 / q)))


def chebyshev(
    phi: Callable[[Array], Array], low: float, high: float, derivative: Callable[[int], float], cells: int
) -> Interpolant:
    """Return a table of a smooth phi over [low, high] on equal cells, with a bound on its truncation.

    Parameters
    ----------
    phi : callable
        The function, exact to rounding, on numpy arrays.
    low, high : float
        Ends of the interval, low < high.
    derivative : callable
        Maps q to an upper bound on |phi^(q)|.
    cells : int
        How many cells, for instance from `cell_count`.

    Returns
    -------
    Interpolant
    """
    q = DEGREE + 1
    breaks = np.linspace(low, high, cells + 1)
    nodes: Array = np.cos((2 * np.arange(q) + 1) * np.pi / (2 * q))  # the zeros of the Chebyshev polynomial T_q
    step = (high - low) / cells
    values = phi(breaks[:-1, None] + step * (nodes + 1) / 2)
    series = values @ _to_chebyshev(nodes).T  # coefficients of T_0, ..., T_DEGREE per cell
    truncation = 2 * (step / 4) ** q / math.factorial(q) * derivative(q)
    return Interpolant(breaks, (series @ _chebyshev_powers()).T, True, truncation)


def _to_chebyshev(nodes: Array) -> Array:
    """Return the matrix from values at the nodes to Chebyshev coefficients: a discrete cosine transform."""
    q = DEGREE + 1
    transform = np.cos(np.arange(q)[:, None] * np.arccos(nodes)) * 2 / q
    transform[0] /= 2
    return transform


def _chebyshev_powers() -> Array:
    """Return the coefficients of T_0, ..., T_DEGREE, one per row, in powers of t, constant first."""
    powers = np.zeros((DEGREE + 1, DEGREE + 1))
    for degree, row in enumerate(powers):
        row[: degree + 1] = np.polynomial.chebyshev.cheb2poly([0.0] * degree + [1.0])
    return powers


def piecewise(phi: Callable[[Array], Array], knots: Array, low: float, high: float) -> Interpolant:
    """Return the table of a cubic spline, exact through four points of each cell.

    Parameters
    ----------
    phi : callable
        The spline, on numpy arrays.
    knots : array, shape (count,)
        Ends of its cubic pieces, ascending.
    low, high : float
        Ends of the interval, low < high.

    Returns
    -------
    Interpolant
    """
    inside = knots[(knots > low) & (knots < high)]
    breaks = np.unique(np.concatenate([[low], inside, [high]]))
    nodes = np.array([-1.0, -1 / 3, 1 / 3, 1.0]) * SHRINK
    left, right = breaks[:-1, None], breaks[1:, None]
    values = phi((left + right) / 2 + (right - left) / 2 * nodes)
    return Interpolant(breaks, np.linalg.solve(np.vander(nodes, increasing=True), values.T), False, 0.0)


def in_blocks(function: Callable[[Array], Array], x: Array, *, terms: int = 1) -> Array:
    """Return function(x), evaluated in float64 one block of entries at a time.

    Parameters
    ----------
    function : callable
        Maps a float64 array, shape (entries,), to an array of the same shape.
    x : array
    terms : int
        How many numbers the function holds for each entry.

    Returns
    -------
    array
        Of the shape and dtype of x.
    """
    xp = namespace(x)
    flat = xp.reshape(x, (-1,))
    out = xp.empty_like(flat)
    size = BLOCK if terms == 1 else max(1, BLOCK // 2 // terms)
    for start in range(0, flat.shape[0], size):
        part = slice(start, start + size)
        out[part] = xp.astype(function(xp.astype(flat[part], xp.float64)), x.dtype)
    return xp.reshape(out, x.shape)
