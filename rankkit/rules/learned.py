"""Learned nonlinearities: delta_ij = phi((B A)_ij) with phi(x) = sum_i alpha_i k(omega_i (x - x_i)).

LR-LoRA learns the amplitudes alpha_i and bandwidths omega_i of shifted sincs (LR-LoRA paper, eq. 4). The other kernels
are those with which the paper compares it (appendix, basis comparison).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, ClassVar, final

import numpy as np

from rankkit.factors import Array, Factors, device_of, namespace
from rankkit.rules import interpolant
from rankkit.rules.basis import UNIT, Basis, parameter
from rankkit.rules.grids import DEFAULT_COUNT
from rankkit.rules.rule import Pointwise

__all__ = [
    "BSplineBasis",
    "FourierBasis",
    "GaussianBasis",
    "PolynomialBasis",
    "SincBasis",
]

TINY_ANGLE = 1e-8  # below it sin(t) / t is 1 to rounding: the next term is t^2 / 6
CRAMER = 1.09  # |H_q(x)| exp(-x^2 / 2) <= 1.0865 sqrt(2^q q!) for the Hermite polynomials (Cramer), rounded up
CUBIC = (1, 3, 3, 1)  # binomial coefficients of (1 + omega x)^3
CUBIC_ROUNDINGS = 16  # of the height: a coefficient, Horner's rule in degree 3, and room, beside the N of a sum


@final
@dataclass(frozen=True, eq=False)
class SincBasis(Basis):
    """LR-LoRA: phi(x) = sum_i alpha_i sinc(omega_i (x - x_i)), sinc(t) = sin(pi t) / (pi t).

    Parameters
    ----------
    alpha : array, shape (N,), optional
        Amplitudes; None: 50 zeros, so that phi = 0, as at the start of LR-LoRA's training.
    omega : float or array, shape (N,)
        Bandwidths. A checkpoint stores their inverse softplus.
    grid : array, shape (N,), optional
        The points x_i; None: uniform on [-3, 3].
    method : {"auto", "exact", "table"}
        How phi is evaluated. "exact": N terms per entry. "table": one polynomial per entry. "auto": the table where
        the matrix has more entries than the table. `forming_error` covers both.

    Raises
    ------
    ValueError
        If a parameter is not a finite vector of N entries, or method is none of these.

    Examples
    --------
    >>> phi = SincBasis(alpha=[2.0], grid=[0.5])
    >>> phi.exact(np.array([0.5, 1.5])).round(12).tolist()
    [2.0, 0.0]
    """

    highest: ClassVar[float] = 1.0
    steepest: ClassVar[float] = math.pi / 2

    @staticmethod
    def _kernel(t: Array) -> Array:
        xp = namespace(t)
        angle = math.pi * t
        small = xp.abs(angle) < TINY_ANGLE
        safe = xp.where(small, xp.ones_like(angle), angle)
        return xp.where(small, xp.ones_like(angle), xp.sin(safe) / safe)

    def _derivative(self, q: int) -> float:
        """Return sum |alpha_i| (pi omega_i)^q / (q + 1): sinc is the mean of exp(i pi s t) over s in [-1, 1]."""
        return float(np.sum(np.abs(self.alpha) * (math.pi * np.abs(self.omega)) ** q)) / (q + 1)


@final
@dataclass(frozen=True, eq=False)
class GaussianBasis(Basis):
    """phi(x) = sum_i alpha_i exp(-(omega_i (x - x_i))^2).

    Parameters
    ----------
    alpha, omega, grid, method
        As for SincBasis.
    """

    highest: ClassVar[float] = 1.0
    steepest: ClassVar[float] = 0.86  # sqrt(2 / e), rounded up

    @staticmethod
    def _kernel(t: Array) -> Array:
        return namespace(t).exp(-(t * t))

    def _derivative(self, q: int) -> float:
        """Return sum |alpha_i| omega_i^q * 1.09 sqrt(2^q q!), by Cramer's bound on Hermite functions."""
        return CRAMER * math.sqrt(2.0**q * math.factorial(q)) * float(np.sum(np.abs(self.alpha * self.omega**q)))


@final
@dataclass(frozen=True, eq=False)
class BSplineBasis(Basis):
    """phi(x) = sum_i alpha_i B3(omega_i (x - x_i)), where B3 is the centred cubic B-spline on [-2, 2].

    Parameters
    ----------
    alpha, omega, grid, method
        As for SincBasis.
    """

    highest: ClassVar[float] = 2 / 3
    steepest: ClassVar[float] = 2 / 3

    @staticmethod
    def _kernel(t: Array) -> Array:
        xp = namespace(t)
        far = xp.clip(2 - xp.abs(t), 0, None)
        near = xp.clip(1 - xp.abs(t), 0, None)
        return (far**3 - 4 * near**3) / 6

    def _derivative(self, q: int) -> float:
        return 0.0 if self._height() == 0 else math.inf  # a spline has kinks: `table` uses its own pieces instead

    def _knots(self) -> Array:
        """Return the ends of all cubic pieces, ascending: five per basis function."""
        moving = self.omega != 0
        return np.unique((self.grid[moving] + np.arange(-2, 3)[:, None] / self.omega[moving]).ravel())

    def _cells(self, width: float) -> int:
        return 5 * self.alpha.size

    def table(self, low: float, high: float) -> interpolant.Interpolant:
        """Return the cubic pieces of phi itself over [low, high], with low < high."""
        return interpolant.piecewise(self._sum, self._knots(), low, high)


@final
@dataclass(frozen=True, eq=False)
class FourierBasis(Basis):
    """phi(x) = sum_i alpha_i cos(omega_i x + phase_i).

    Parameters
    ----------
    alpha, omega, method
        As for SincBasis.
    grid : None
        A Fourier basis has phases and no grid.
    phase : float or array, shape (N,)
        In radians.
    """

    phase: Any = 0.0

    highest: ClassVar[float] = 1.0
    steepest: ClassVar[float] = 1.0

    def __post_init__(self) -> None:
        if self.grid is not None:
            raise ValueError("grid must be left out: a Fourier basis has phases, not grid points.")
        super().__post_init__()
        object.__setattr__(self, "grid", np.zeros(self.alpha.size))
        object.__setattr__(self, "phase", parameter("phase", self.phase, self.alpha.size))

    @staticmethod
    def _kernel(t: Array) -> Array:
        return namespace(t).cos(t)

    def _sum(self, x: Array) -> Array:
        xp, at = namespace(x), device_of(x)
        alpha, omega, phase = (xp.asarray(v, device=at) for v in (self.alpha, self.omega, self.phase))
        return self._kernel(omega * x[..., None] + phase) @ alpha

    def _derivative(self, q: int) -> float:
        return float(np.sum(np.abs(self.alpha * self.omega**q)))

    def _reach(self, peak: Any) -> Any:
        return peak + float(np.max(np.abs(self.phase / np.where(self.omega == 0, 1.0, self.omega))))


@final
@dataclass(frozen=True, eq=False)
class PolynomialBasis(Pointwise):
    """phi(x) = sum_i alpha_i (1 + omega_i x)^3, which is one cubic polynomial and is evaluated as such.

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
        alpha = np.zeros(DEFAULT_COUNT) if self.alpha is None else parameter("alpha", self.alpha, None)
        object.__setattr__(self, "alpha", alpha)
        object.__setattr__(self, "omega", parameter("omega", self.omega, alpha.size))

    @property
    def coefficients(self) -> Array:
        """Coefficients of 1, x, x^2 and x^3, shape (4,)."""
        return np.array([c * np.sum(self.alpha * self.omega**k) for k, c in enumerate(CUBIC)])

    def exact(self, x: Array) -> Array:
        """Return phi at the entries of x by Horner's rule, in float64, in the shape and dtype of x."""
        c0, c1, c2, c3 = (float(c) for c in self.coefficients)
        return interpolant.in_blocks(lambda t: ((c3 * t + c2) * t + c1) * t + c0, x)

    def _phi(self, x: Array, *, rows: int) -> Array:
        return self.exact(x)

    def _slope(self, peak: Any, *, rows: int) -> Any:
        return sum(3 * abs(a * w) * (1 + abs(w) * peak) ** 2 for a, w in zip(self.alpha, self.omega, strict=True))

    def _evaluation_error(self, factors: Factors, u: float) -> Any:
        """Return a bound on summing the coefficients, on Horner's rule and on storing the result."""
        peak = factors.peak()
        height = sum(abs(a) * (1 + abs(w) * peak) ** 3 for a, w in zip(self.alpha, self.omega, strict=True))
        return (UNIT * (self.alpha.size + CUBIC_ROUNDINGS) + u) * height * math.sqrt(factors.m * factors.n)
