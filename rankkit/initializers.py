"""Laws to draw Factors from, each a small frozen record called with (m, n, r).

A seed names one pair of factors: B and A come from two streams of their own, drawn in
float64 by numpy, so that seed s gives the same factors in any batch, order, dtype or
device.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, final

import numpy as np

from rankkit.factors import Factors

__all__ = [
    "INITIALIZERS",
    "Initializer",
    "KaimingUniform",
    "Normal",
    "PrescribedSpectrum",
    "Uniform",
    "XavierUniform",
]


def _streams(seed: int) -> tuple[np.random.Generator, np.random.Generator]:
    if isinstance(seed, bool) or not isinstance(seed, (int, np.integer)) or seed < 0:
        raise ValueError(f"seed must be an integer >= 0, got {seed!r}; use for instance seed=0.")
    return tuple(np.random.default_rng(np.random.SeedSequence(int(seed), spawn_key=(k,))) for k in (0, 1))  # type: ignore[return-value]


class Initializer(ABC):
    """A law of factors. Calling it draws; `scales` says how wide its entries are."""

    def __call__(self, m: int, n: int, r: int, *, seed: int | Iterable[int] = 0) -> Factors:
        """Return float64 factors: one pair for an integer seed, a batch (len(seed), ., .) for several.

        Parameters
        ----------
        m, n, r : int
            Rows, columns and rank of the product; at least 1.
        seed : int or iterable of int
            Which draw. The same seed gives the same pair in any batch.
        """
        for name, size in (("m", m), ("n", n), ("r", r)):
            if isinstance(size, bool) or not isinstance(size, (int, np.integer)) or size < 1:
                raise ValueError(f"{name} must be an integer >= 1, got {size!r}; pass the matrix sizes (m, n, r).")
        if isinstance(seed, (int, np.integer)):
            return Factors(*self._draw(int(m), int(n), int(r), *_streams(int(seed))))
        pairs = [self._draw(int(m), int(n), int(r), *_streams(s)) for s in seed]
        if not pairs:
            raise ValueError("seed must name at least one draw, got an empty iterable; pass for instance range(5).")
        return Factors(np.stack([B for B, _ in pairs]), np.stack([A for _, A in pairs]))

    @abstractmethod
    def _draw(self, m: int, n: int, r: int, left: Any, right: Any) -> tuple[np.ndarray, np.ndarray]:
        """Draw B (m, r) from the stream `left` and A (r, n) from `right`."""

    @abstractmethod
    def scales(self, m: int, n: int, r: int) -> tuple[float, float]:
        """Return the widths of B's and A's entries: bounds for uniform laws, else standard deviations."""


class _UniformLaw(Initializer):
    def _draw(self, m: int, n: int, r: int, left: Any, right: Any) -> tuple[np.ndarray, np.ndarray]:
        beta, alpha = self.scales(m, n, r)
        return left.uniform(-beta, beta, (m, r)), right.uniform(-alpha, alpha, (r, n))


@final
@dataclass(frozen=True)
class KaimingUniform(_UniformLaw):
    """Entries uniform within gain * sqrt(3 / fan_in), gain = sqrt(2 / (1 + a^2)) (He et al. 2015).

    fan_in is r for B and n for A. a = 0 gives bounds sqrt(6 / fan_in); a = sqrt(5), LoRA's
    choice, gives 1 / sqrt(fan_in).

    Examples
    --------
    >>> KaimingUniform(a=5**0.5).scales(64, 100, 4)
    (0.5, 0.1)
    """

    a: float = 0.0

    def __post_init__(self) -> None:
        if not math.isfinite(self.a):
            raise ValueError(f"a must be finite, got {self.a!r}; use 0 or sqrt(5).")

    def scales(self, m: int, n: int, r: int) -> tuple[float, float]:
        """Return the bounds (sqrt(6 / ((1 + a^2) r)), sqrt(6 / ((1 + a^2) n)))."""
        spread = 6.0 / (1.0 + self.a**2)
        # a = sqrt(5) squares to 5.000000000000001; the bound LoRA means is 1 / sqrt(fan_in)
        spread = round(spread, 12)
        return math.sqrt(spread / r), math.sqrt(spread / n)


@final
@dataclass(frozen=True)
class XavierUniform(_UniformLaw):
    """Entries uniform within sqrt(6 / (fan_in + fan_out)) (Glorot and Bengio 2010)."""

    def scales(self, m: int, n: int, r: int) -> tuple[float, float]:
        """Return the bounds (sqrt(6 / (m + r)), sqrt(6 / (r + n)))."""
        return math.sqrt(6.0 / (m + r)), math.sqrt(6.0 / (r + n))


@final
@dataclass(frozen=True)
class Uniform(_UniformLaw):
    """Entries uniform on (-1/N, 1/N), the law of the sine-LoRA paper's Theorem 1.

    Parameters
    ----------
    N : float, optional
        None: the number of rows m for both factors.
    """

    N: float | None = None

    def __post_init__(self) -> None:
        if self.N is not None and not (math.isfinite(self.N) and self.N > 0):
            raise ValueError(f"N must be positive and finite, got {self.N!r}; entries are uniform on (-1/N, 1/N).")

    def scales(self, m: int, n: int, r: int) -> tuple[float, float]:
        """Return the bounds (1/N, 1/N)."""
        bound = 1.0 / (m if self.N is None else self.N)
        return bound, bound


@final
@dataclass(frozen=True)
class Normal(Initializer):
    """Entries normal with mean 0 and standard deviations std_B and std_A."""

    std_B: float = 1.0
    std_A: float = 1.0

    def __post_init__(self) -> None:
        for name, std in (("std_B", self.std_B), ("std_A", self.std_A)):
            if not (math.isfinite(std) and std > 0):
                raise ValueError(f"{name} must be positive and finite, got {std!r}; give a standard deviation.")

    def _draw(self, m: int, n: int, r: int, left: Any, right: Any) -> tuple[np.ndarray, np.ndarray]:
        return self.std_B * left.standard_normal((m, r)), self.std_A * right.standard_normal((r, n))

    def scales(self, m: int, n: int, r: int) -> tuple[float, float]:
        """Return the standard deviations (std_B, std_A)."""
        return self.std_B, self.std_A


@final
@dataclass(frozen=True)
class PrescribedSpectrum(Initializer):
    """B A has the given singular values, with random orthonormal singular vectors.

    B = U D^(1/2) Q and A = Q^T D^(1/2) V^T: each factor carries half of the spectrum's decades
    and Q, a random rotation, hides them from the factors' columns.

    Parameters
    ----------
    values : tuple of float
        The r singular values, positive or zero, in any order.
    """

    values: tuple[float, ...]

    def __post_init__(self) -> None:
        values = np.asarray(self.values, dtype=np.float64)
        if values.ndim != 1 or values.size < 1 or not np.all(np.isfinite(values)) or np.any(values < 0):
            raise ValueError(f"values must be one or more finite numbers >= 0, got {self.values!r}.")
        object.__setattr__(self, "values", tuple(float(v) for v in np.sort(values)[::-1]))

    def _draw(self, m: int, n: int, r: int, left: Any, right: Any) -> tuple[np.ndarray, np.ndarray]:
        if r != len(self.values) or r > min(m, n):
            raise ValueError(
                f"r must equal the number of prescribed values and fit in min(m, n), got r={r}, "
                f"{len(self.values)} values and shape ({m}, {n})."
            )
        root = np.sqrt(np.asarray(self.values))
        U, V, Q = _orthonormal(left, m, r), _orthonormal(right, n, r), _orthonormal(right, r, r)
        return (U * root) @ Q, (Q.T * root) @ V.T

    def scales(self, m: int, n: int, r: int) -> tuple[float, float]:
        """Return (nan, nan): the entries follow no one-parameter law."""
        return math.nan, math.nan


def _orthonormal(stream: np.random.Generator, rows: int, columns: int) -> np.ndarray:
    """Draw a matrix with orthonormal columns, uniformly (QR of a Gaussian with R's signs fixed)."""
    Q, R = np.linalg.qr(stream.standard_normal((rows, columns)))
    return Q * np.where(np.diag(R) < 0, -1.0, 1.0)


INITIALIZERS: dict[str, type[Initializer]] = {
    "kaiming_uniform": KaimingUniform,
    "xavier_uniform": XavierUniform,
    "uniform": Uniform,
    "normal": Normal,
    "prescribed_spectrum": PrescribedSpectrum,
}
