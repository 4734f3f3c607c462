"""A learned phi: a sum of N shifted copies of one kernel, evaluated term by term or through a table.

Both ways have a known error. The table of piecewise polynomials (`interpolant`) is chosen where the matrix has more
entries than the table.
"""

from __future__ import annotations

import math
from abc import abstractmethod
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from rankkit.factors import Array, Factors, device_of, host, namespace
from rankkit.rules import interpolant
from rankkit.rules.grids import DEFAULT_COUNT, uniform_grid
from rankkit.rules.rule import UNIT_ROUNDOFF, Pointwise

__all__ = ["UNIT", "Basis", "parameter"]

UNIT = UNIT_ROUNDOFF["float64"]  # phi is evaluated in float64, whatever the working precision
MAX_CELLS = 1 << 22  # largest table: 7 coefficients and an end per cell make 256 MiB

# The error of phi(x) is counted in roundings, each relative to one of three sizes: the height sum |alpha| sup |k|, the
# slope of phi times |x| + |x_i|, and the slope times |x|. The counts are rounded up generously.
KERNEL_ROUNDINGS = 8  # of the height: k by the library and alpha k, beside the N of the sum
ARGUMENT_ROUNDINGS = 6  # of slope (|x| + |x_i|): omega (x - x_i), and the kernel's own factor such as pi
LEBESGUE = 4  # how much a table enlarges the error of its values: interpolation in 7 Chebyshev points has 2.2
TRUNCATION = 8  # of the height: what the table may leave out, which decides how many cells it has
PLACE_ROUNDINGS = 8  # of slope |x|: the cell of x and the place within it
HORNER_ROUNDINGS = 40  # of the height: powers of t and Horner's rule in degree 6; the tests hold it against 30 digits


def parameter(name: str, value: Any, count: int | None) -> Array:
    """Return a learned parameter as a float64 vector of `count` entries; a number stands for equal entries.

    Parameters
    ----------
    name : str
        The argument's name, for the message.
    value : float, sequence of float, array or torch tensor
    count : int or None
        How many entries there must be; None: as many as `value` has.

    Returns
    -------
    array, shape (count,)

    Raises
    ------
    ValueError
        If value is no such vector, or not finite.
    """
    vector = np.asarray(value.detach().cpu() if hasattr(value, "detach") else value, dtype=np.float64)
    vector = np.full(count, vector) if vector.ndim == 0 and count is not None else vector
    if vector.ndim != 1 or vector.size < 1 or (count is not None and vector.size != count):
        expected = "a vector" if count is None else f"a number or a vector of {count}"
        raise ValueError(f"{name} must be {expected}, got shape {vector.shape}; each basis function has one entry.")
    if not np.all(np.isfinite(vector)):
        raise ValueError(f"{name} must be finite, got NaN or infinite entries; look for a diverged run.")
    return vector


@dataclass(frozen=True, eq=False)
class Basis(Pointwise):
    """phi(x) = sum_i alpha_i k(omega_i (x - x_i)) with a kernel k that a subclass names.

    Parameters
    ----------
    alpha : array, shape (N,), optional
        Amplitudes; None: 50 zeros.
    omega : float or array, shape (N,)
        Bandwidths.
    grid : array, shape (N,), optional
        The points x_i; None: uniform on [-3, 3].
    method : {"auto", "exact", "table"}
        "exact": N terms per entry. "table": one polynomial per entry. "auto": the table where the matrix has more
        entries than the table.
    """

    alpha: Any = None
    omega: Any = 1.0
    grid: Any = None
    method: str = "auto"

    highest: ClassVar[float]  # sup |k|
    steepest: ClassVar[float]  # sup |k'|

    def __post_init__(self) -> None:
        alpha = np.zeros(DEFAULT_COUNT) if self.alpha is None else parameter("alpha", self.alpha, None)
        grid = uniform_grid(alpha.size) if self.grid is None else parameter("grid", self.grid, alpha.size)
        object.__setattr__(self, "alpha", alpha)
        object.__setattr__(self, "omega", parameter("omega", self.omega, alpha.size))
        object.__setattr__(self, "grid", grid)
        if self.method not in ("auto", "exact", "table"):
            raise ValueError(f"method must be 'auto', 'exact' or 'table', got {self.method!r}.")

    @staticmethod
    @abstractmethod
    def _kernel(t: Array) -> Array:
        """Return k(t)."""

    @abstractmethod
    def _derivative(self, q: int) -> float:
        """Return an upper bound on |phi^(q)| over the whole line."""

    def exact(self, x: Array) -> Array:
        """Return phi at the entries of x, summed term by term in float64.

        Parameters
        ----------
        x : array

        Returns
        -------
        array
            Of the shape and dtype of x.
        """
        return interpolant.in_blocks(self._sum, x, terms=self.alpha.size)

    def table(self, low: float, high: float) -> interpolant.Interpolant:
        """Return phi as piecewise polynomials over [low, high].

        Parameters
        ----------
        low, high : float
            Ends of the interval, low < high.

        Returns
        -------
        Interpolant

        Raises
        ------
        ValueError
            If the table would need more than 4 million cells.
        """
        cells = self._cells(high - low)
        if cells > MAX_CELLS:
            raise ValueError(f"a table over [{low:g}, {high:g}] would need {cells:.2g} cells; use method='exact'.")
        return interpolant.chebyshev(self._sum, low, high, self._derivative, cells)

    def _sum(self, x: Array) -> Array:
        xp, at = namespace(x), device_of(x)
        alpha, omega, grid = (xp.asarray(v, device=at) for v in (self.alpha, self.omega, self.grid))
        return self._kernel(omega * (x[..., None] - grid)) @ alpha

    def _height(self) -> float:
        """Return sum |alpha_i| sup |k|, an upper bound on |phi|."""
        return float(np.sum(np.abs(self.alpha))) * self.highest

    def _phi(self, x: Array, *, rows: int) -> Array:
        xp = namespace(x)
        low, high = float(host(xp.min(x))), float(host(xp.max(x)))
        if self.method == "exact" or not high > low:
            return self.exact(x)
        if self.method == "auto" and self._cells(high - low) * interpolant.DEGREE > math.prod(x.shape):
            return self.exact(x)
        return interpolant.in_blocks(self.table(low, high), x)

    def _cells(self, width: float) -> int:
        """Return how many cells keep the table's truncation below its share of the error."""
        tolerance = max(TRUNCATION * UNIT * self._height(), np.finfo(float).tiny)
        return interpolant.cell_count(width, self._derivative, tolerance)

    def _reach(self, peak: Any) -> Any:
        """Return an upper bound on |x| + |x_i|."""
        return peak + float(np.max(np.abs(self.grid)))

    def _slope(self, peak: Any, *, rows: int) -> Any:
        return float(np.sum(np.abs(self.alpha * self.omega))) * self.steepest

    def _evaluation_error(self, factors: Factors, u: float) -> Any:
        """Return a bound on evaluating phi by either method and on storing the result, in Frobenius norm."""
        peak, slope = factors.peak(), self._slope(None, rows=factors.m)
        height, reach = self._height(), self._reach(peak)
        summing = UNIT * ((self.alpha.size + KERNEL_ROUNDINGS) * height + ARGUMENT_ROUNDINGS * slope * reach)
        reading = UNIT * (TRUNCATION * height + PLACE_ROUNDINGS * slope * peak + HORNER_ROUNDINGS * height)
        # an entry is such a sum, or is read from a table whose values are such sums
        return ((1 + LEBESGUE) * summing + reading + u * height) * math.sqrt(factors.m * factors.n)
