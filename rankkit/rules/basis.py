"""Learned nonlinearities: delta_ij = phi((B A)_ij) with phi(x) = sum_i alpha_i k(omega_i (x - x_i)).

LR-LoRA learns the amplitudes alpha_i and bandwidths omega_i of shifted sincs (LR-LoRA paper, eq. 4);
the other kernels are the ones it is compared with there (appendix, basis comparison).
"""

from __future__ import annotations

import math
from abc import abstractmethod
from dataclasses import dataclass
from typing import Any, ClassVar, final

import numpy as np
from array_api_compat import device

from rankkit.factors import Array, Factors, host, namespace
from rankkit.rules import interpolant
from rankkit.rules.base import Pointwise
from rankkit.rules.grids import uniform_grid

__all__ = [
    "BSplineBasis",
    "FourierBasis",
    "GaussianBasis",
    "PolynomialBasis",
    "SincBasis",
]

UNIT = 2.0**-53
MAX_CELLS = 1 << 22  # a table of 256 MiB


def _parameter(name: str, value: Any, count: int | None) -> Any:
    """Return a parameter as a float64 vector of `count` finite entries; a number stands for equal entries."""
    vector = np.asarray(value.detach().cpu() if hasattr(value, "detach") else value, dtype=np.float64)
    vector = np.full(count, vector) if vector.ndim == 0 and count is not None else vector
    if vector.ndim != 1 or vector.size < 1 or (count is not None and vector.size != count):
        expected = "a vector" if count is None else f"a number or a vector of {count}"
        raise ValueError(f"{name} must be {expected}, got shape {vector.shape}; one entry a basis function.")
    if not np.all(np.isfinite(vector)):
        raise ValueError(f"{name} must be finite, got NaN or infinite entries; look for a diverged run.")
    return vector


@dataclass(frozen=True, eq=False)
class _Basis(Pointwise):
    """A sum of N basis functions, evaluated exactly or through a table with a bounded error.

    `method` is "exact" (N terms an entry), "table" (one polynomial an entry) or "auto": the table where the
    matrix has more entries than the table.
    """

    alpha: Any = None
    omega: Any = 1.0
    grid: Any = None
    method: str = "auto"

    size: ClassVar[float]  # sup |k|
    steepness: ClassVar[float]  # sup |k'|

    def __post_init__(self) -> None:
        alpha = np.zeros(50) if self.alpha is None else _parameter("alpha", self.alpha, None)
        grid = uniform_grid(alpha.size) if self.grid is None else _parameter("grid", self.grid, alpha.size)
        object.__setattr__(self, "alpha", alpha)
        object.__setattr__(self, "omega", _parameter("omega", self.omega, alpha.size))
        object.__setattr__(self, "grid", grid)
        if self.method not in ("auto", "exact", "table"):
            raise ValueError(f"method must be 'auto', 'exact' or 'table', got {self.method!r}.")

    @staticmethod
    @abstractmethod
    def _kernel(t: Array) -> Array:
        """Return k(t)."""

    @abstractmethod
    def _derivative(self, q: int) -> float:
        """Return a bound on |phi^(q)| over the line."""

    def exact(self, x: Array) -> Array:
        """Return phi at the entries of x, term by term in float64, a block of entries at a time."""
        return interpolant.in_blocks(self._sum, x, terms=self.alpha.size)

    def table(self, low: float, high: float) -> interpolant.Interpolant:
        """Return phi's piecewise polynomials over [low, high]."""
        cells = self._cells(high - low)
        if cells > MAX_CELLS:
            raise ValueError(f"a table over [{low:g}, {high:g}] would need {cells:.2g} cells; use method='exact'.")
        return interpolant.chebyshev(self._sum, low, high, self._derivative, cells)

    def _sum(self, x: Array) -> Array:
        xp, at = namespace(x), device(x)
        alpha, omega, grid = (xp.asarray(v, device=at) for v in (self.alpha, self.omega, self.grid))
        return self._kernel(omega * (x[..., None] - grid)) @ alpha

    def _mass(self) -> float:
        return float(np.sum(np.abs(self.alpha)))

    def _phi(self, x: Array, *, rows: int) -> Array:
        xp = namespace(x)
        low, high = float(host(xp.min(x))), float(host(xp.max(x)))
        if self.method == "exact" or not high > low:
            return self.exact(x)
        if self.method == "auto" and self._cells(high - low) * interpolant.DEGREE > math.prod(x.shape):
            return self.exact(x)
        return interpolant.in_blocks(self.table(low, high), x)

    def _cells(self, width: float) -> int:
        tolerance = max(8 * UNIT * self._mass() * self.size, np.finfo(float).tiny)
        return interpolant.cell_count(width, self._derivative, tolerance)

    def _reach(self, peak: Any) -> Any:
        """Return a bound on |x| + |x_i|, whose rounding the slope multiplies."""
        return peak + float(np.max(np.abs(self.grid)))

    def _slope(self, peak: Any, *, rows: int) -> Any:
        return float(np.sum(np.abs(self.alpha * self.omega))) * self.steepness

    def _evaluation_error(self, factors: Factors, u: float) -> Any:
        """Return a bound on evaluating phi: summing N terms, locating x, the table's truncation, storing the result."""
        peak, slope = factors.peak(), self._slope(None, rows=factors.m)
        height, reach = self._mass() * self.size, self._reach(peak)
        summing = UNIT * ((self.alpha.size + 8) * height + 6 * slope * reach)
        # the table is filled by such sums, and reads them with a Lebesgue constant below four
        table = UNIT * (8 * height + 8 * slope * peak + 40 * height)
        return (5 * summing + table + u * height) * math.sqrt(factors.m * factors.n)


@final
@dataclass(frozen=True, eq=False)
class SincBasis(_Basis):
    """LR-LoRA: phi(x) = sum_i alpha_i sinc(omega_i (x - x_i)), sinc(t) = sin(pi t) / (pi t).

    Parameters
    ----------
    alpha : array, shape (N,), optional
        Amplitudes; None: 50 zeros, where LR-LoRA's training starts (phi = 0).
    omega : float or array, shape (N,)
        Bandwidths (a checkpoint stores their inverse softplus).
    grid : array, shape (N,), optional
        The x_i; None: uniform on [-3, 3].
    method : {"auto", "exact", "table"}
        How phi is evaluated; both errors are in `forming_error`.

    Examples
    --------
    >>> phi = SincBasis(alpha=[2.0], grid=[0.5])
    >>> phi.exact(np.array([0.5, 1.5])).round(12).tolist()
    [2.0, 0.0]
    """

    size: ClassVar[float] = 1.0
    steepness: ClassVar[float] = math.pi / 2

    @staticmethod
    def _kernel(t: Array) -> Array:
        xp = namespace(t)
        angle = math.pi * t
        small = xp.abs(angle) < 1e-8
        safe = xp.where(small, xp.ones_like(angle), angle)
        return xp.where(small, xp.ones_like(angle), xp.sin(safe) / safe)

    def _derivative(self, q: int) -> float:
        """Return sum |alpha_i| (pi omega_i)^q / (q + 1): sinc is the mean of exp(i pi s t) over s in [-1, 1]."""
        return float(np.sum(np.abs(self.alpha) * (math.pi * np.abs(self.omega)) ** q)) / (q + 1)


@final
@dataclass(frozen=True, eq=False)
class GaussianBasis(_Basis):
    """phi(x) = sum_i alpha_i exp(-(omega_i (x - x_i))^2); parameters as for SincBasis."""

    size: ClassVar[float] = 1.0
    steepness: ClassVar[float] = 0.86  # sqrt(2 / e), rounded up

    @staticmethod
    def _kernel(t: Array) -> Array:
        return namespace(t).exp(-(t * t))

    def _derivative(self, q: int) -> float:
        """Return sum |alpha_i| omega_i^q * 1.09 sqrt(2^q q!), by Cramer's bound on Hermite functions."""
        return 1.09 * math.sqrt(2.0**q * math.factorial(q)) * float(np.sum(np.abs(self.alpha * self.omega**q)))


@final
@dataclass(frozen=True, eq=False)
class BSplineBasis(_Basis):
    """phi(x) = sum_i alpha_i B3(omega_i (x - x_i)), B3 the centred cubic B-spline on [-2, 2]; as for SincBasis."""

    size: ClassVar[float] = 2 / 3
    steepness: ClassVar[float] = 2 / 3

    @staticmethod
    def _kernel(t: Array) -> Array:
        xp = namespace(t)
        far = xp.clip(2 - xp.abs(t), 0, None)
        near = xp.clip(1 - xp.abs(t), 0, None)
        return (far**3 - 4 * near**3) / 6

    def _derivative(self, q: int) -> float:
        return 0.0 if self._mass() == 0 else math.inf  # kinks: see table

    def _knots(self) -> Any:
        moving = self.omega != 0
        return np.unique((self.grid[moving] + np.arange(-2, 3)[:, None] / self.omega[moving]).ravel())

    def _cells(self, width: float) -> int:
        return 5 * self.alpha.size

    def table(self, low: float, high: float) -> interpolant.Interpolant:
        """Return phi's own cubic pieces over [low, high]."""
        return interpolant.piecewise(self._sum, self._knots(), low, high)


@final
@dataclass(frozen=True, eq=False)
class FourierBasis(_Basis):
    """phi(x) = sum_i alpha_i cos(omega_i x + phase_i).

    Parameters
    ----------
    alpha, omega, method
        As for SincBasis.
    phase : float or array, shape (N,)
        In radians. A Fourier basis has no grid.
    """

    phase: Any = 0.0

    size: ClassVar[float] = 1.0
    steepness: ClassVar[float] = 1.0

    def __post_init__(self) -> None:
        if self.grid is not None:
            raise ValueError("grid must be left out: a Fourier basis has phases, not grid points.")
        super().__post_init__()
        object.__setattr__(self, "grid", np.zeros(self.alpha.size))
        object.__setattr__(self, "phase", _parameter("phase", self.phase, self.alpha.size))

    @staticmethod
    def _kernel(t: Array) -> Array:
        return namespace(t).cos(t)

    def _sum(self, x: Array) -> Array:
        xp, at = namespace(x), device(x)
        alpha, omega, phase = (xp.asarray(v, device=at) for v in (self.alpha, self.omega, self.phase))
        return self._kernel(omega * x[..., None] + phase) @ alpha

    def _derivative(self, q: int) -> float:
        return float(np.sum(np.abs(self.alpha * self.omega**q)))

    def _reach(self, peak: Any) -> Any:
        return peak + float(np.max(np.abs(self.phase / np.where(self.omega == 0, 1.0, self.omega))))


@final
@dataclass(frozen=True, eq=False)
class PolynomialBasis(Pointwise):
    """phi(x) = sum_i alpha_i (1 + omega_i x)^3: whatever N, one cubic polynomial, evaluated as such.

    Parameters
    ----------
    alpha, omega : float or array, shape (N,)
        As for SincBasis.

    Examples
    --------
    >>> PolynomialBasis(alpha=[1.0, 1.0], omega=[1.0, -1.0]).coefficients.tolist()
    [2.0, 0.0, 6.0, 0.0]
    """

    alpha: Any = None
    omega: Any = 1.0

    def __post_init__(self) -> None:
        alpha = np.zeros(50) if self.alpha is None else _parameter("alpha", self.alpha, None)
        object.__setattr__(self, "alpha", alpha)
        object.__setattr__(self, "omega", _parameter("omega", self.omega, alpha.size))

    @property
    def coefficients(self) -> Any:
        """Coefficients of 1, x, x^2, x^3."""
        return np.array([c * np.sum(self.alpha * self.omega**k) for k, c in enumerate((1, 3, 3, 1))])

    def exact(self, x: Array) -> Array:
        """Return phi at the entries of x by Horner's rule, in float64."""
        c0, c1, c2, c3 = (float(c) for c in self.coefficients)
        return interpolant.in_blocks(lambda t: ((c3 * t + c2) * t + c1) * t + c0, x)

    def _phi(self, x: Array, *, rows: int) -> Array:
        return self.exact(x)

    def _slope(self, peak: Any, *, rows: int) -> Any:
        return sum(3 * abs(a * w) * (1 + abs(w) * peak) ** 2 for a, w in zip(self.alpha, self.omega, strict=True))

    def _evaluation_error(self, factors: Factors, u: float) -> Any:
        """Return a bound on summing the coefficients, Horner's rule and storing the result."""
        peak = factors.peak()
        height = sum(abs(a) * (1 + abs(w) * peak) ** 3 for a, w in zip(self.alpha, self.omega, strict=True))
        return (UNIT * (self.alpha.size + 16) + u) * height * math.sqrt(factors.m * factors.n)
