"""A one-dimensional function as piecewise polynomials, with a bound on what that costs.

A learned phi is a sum of N terms; evaluating it at every entry of a large matrix costs N passes.
Between two points its graph is smooth, so a table of polynomials gives the same values in one
pass. Smooth functions are interpolated at Chebyshev points on equal cells, fine enough for the
function's bandwidth; a spline is already piecewise polynomial, and its table is exact.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from array_api_compat import device

from rankkit.factors import Array, namespace

__all__ = ["BLOCK", "DEGREE", "Interpolant", "cell_count", "chebyshev", "in_blocks", "piecewise"]

DEGREE = 6
BLOCK = 1 << 16  # entries evaluated together: the temporaries stay in cache


@dataclass(frozen=True, eq=False)
class Interpolant:
    """Polynomials on adjoining cells.

    Attributes
    ----------
    breaks : array, shape (cells + 1,)
        Ascending ends of the cells.
    coefficients : array, shape (degree + 1, cells)
        Of the powers of t in [-1, 1] across each cell, constant first.
    uniform : bool
        Whether the cells are equally wide.
    truncation : float
        Bound on |polynomial - function| in exact arithmetic.
    """

    breaks: Any
    coefficients: Any
    uniform: bool
    truncation: float

    def __call__(self, x: Array) -> Array:
        """Return the values at x, which must lie within the breaks."""
        xp, at = namespace(x), device(x)
        table = xp.asarray(self.coefficients, device=at)
        cells = self.breaks.shape[0] - 1
        if self.uniform:
            first, step = float(self.breaks[0]), float(self.breaks[-1] - self.breaks[0]) / cells
            position = (x - first) * (1 / step)
            cell = xp.clip(xp.astype(position, xp.int64), 0, cells - 1)
            t = position - xp.astype(cell, xp.float64)
            t *= 2
            t -= 1
        else:
            breaks = xp.asarray(self.breaks, device=at)
            cell = xp.clip(xp.searchsorted(breaks, x, side="right") - 1, 0, cells - 1)
            left, right = xp.take(breaks, cell), xp.take(breaks, cell + 1)
            t = (2 * x - left - right) / (right - left)
        value = xp.take(table[-1], cell)
        for power in range(table.shape[0] - 2, -1, -1):
            value *= t
            value += xp.take(table[power], cell)
        return value


def cell_count(width: float, derivative: Callable[[int], float], tolerance: float) -> int:
    """Return how many equal cells over `width` bring the interpolation error below tolerance.

    On a cell of width h the polynomial through DEGREE + 1 Chebyshev points is off by at most
    2 (h / 4)^q / q! max |phi^(q)| with q = DEGREE + 1 (Trefethen 2013, chapter 4).
    """
    q = DEGREE + 1
    bound = 2 * derivative(q) / math.factorial(q)
    return 1 if bound == 0 else max(1, math.ceil(width / 4 * (bound / tolerance) ** (1 / q)))


def chebyshev(
    phi: Callable[[Any], Any], low: float, high: float, derivative: Callable[[int], float], cells: int
) -> Interpolant:
    """Return a table of phi over [low, high] on `cells` equal cells; its truncation is stated with it.

    Parameters
    ----------
    phi : callable
        The function, exact to rounding, on numpy arrays.
    derivative : callable
        Maps q to a bound on |phi^(q)|.
    """
    q = DEGREE + 1
    breaks = np.linspace(low, high, cells + 1)
    nodes = np.cos((2 * np.arange(q) + 1) * np.pi / (2 * q))
    step = (high - low) / cells
    values = phi(breaks[:-1, None] + step * (nodes + 1) / 2)
    # through the nodes by discrete Chebyshev transform, then to powers of t
    transform = np.cos(np.outer(np.arange(q), np.arccos(nodes))) * 2 / q
    transform[0] /= 2
    powers = np.array(
        [np.pad(np.polynomial.chebyshev.cheb2poly(row), (0, DEGREE - k)) for k, row in enumerate(_units(q))]
    )
    truncation = 2 * (step / 4) ** q / math.factorial(q) * derivative(q)
    return Interpolant(breaks, (values @ transform.T @ powers).T, True, truncation)


def piecewise(phi: Callable[[Any], Any], knots: Any, low: float, high: float) -> Interpolant:
    """Return the table of a cubic spline with these knots: exact, through four points a cell."""
    inside = knots[(knots > low) & (knots < high)]
    breaks = np.unique(np.concatenate([[low], inside, [high]]))
    nodes = np.array([-1.0, -1 / 3, 1 / 3, 1.0]) * (1 - 1e-9)  # a shade inside, clear of the neighbouring cell
    left, right = breaks[:-1, None], breaks[1:, None]
    values = phi((left + right) / 2 + (right - left) / 2 * nodes)
    return Interpolant(breaks, np.linalg.solve(np.vander(nodes, increasing=True), values.T), False, 0.0)


def _units(q: int) -> list[Any]:
    """Return the coefficient vectors of the Chebyshev polynomials T_0 ... T_(q-1), each as short as it can be."""
    return [np.eye(q)[k][: k + 1] for k in range(q)]


def in_blocks(function: Callable[[Array], Array], x: Array, *, terms: int = 1) -> Array:
    """Return function(x) evaluated in float64, a block of entries at a time, where each entry takes `terms` numbers."""
    xp = namespace(x)
    flat = xp.reshape(x, (-1,))
    out = xp.empty_like(flat)
    size = BLOCK if terms == 1 else max(1, BLOCK // 2 // terms)
    for start in range(0, flat.shape[0], size):
        part = slice(start, start + size)
        out[part] = xp.astype(function(xp.astype(flat[part], xp.float64)), x.dtype)
    return xp.reshape(out, x.shape)
