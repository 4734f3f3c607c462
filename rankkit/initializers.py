"""Laws to draw Factors from. Each law is a small frozen record that is called with (m, n, r).

A seed names one pair of factors. B and A come from two separate streams of random numbers, which numpy draws in
float64. The same seed therefore gives the same factors in any batch and order, for any dtype and device.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple, final

import numpy as np

from rankkit.checks import finite, integer
from rankkit.factors import Array, Factors

__all__ = [
    "INITIALIZERS",
    "Initializer",
    "KaimingUniform",
    "Normal",
    "PrescribedSpectrum",
    "Uniform",
    "XavierUniform",
]

DIGITS = 12  # decimals of a squared bound that are kept: what rounding adds to it stands behind them


class _Streams(NamedTuple):
    """The two sources of random numbers that one seed names: one for B, one for A."""

    B: np.random.Generator
    A: np.random.Generator


def _streams(seed: object) -> _Streams:
    number = integer("seed", seed, least=0, advice="use for instance seed=0")
    return _Streams(*(np.random.default_rng(np.random.SeedSequence(number, spawn_key=(k,))) for k in (0, 1)))


class Initializer(ABC):
    """A law of random factors. A call draws from it; `scales` says how wide its entries are."""

    def __call__(self, m: int, n: int, r: int, *, seed: int | Iterable[int] = 0) -> Factors:
        """Return float64 factors: one pair for an integer seed, a batch of pairs for several seeds.

        Parameters
        ----------
        m, n, r : int
            Number of rows, columns and rank of the product; each at least 1.
        seed : int or iterable of int
            Which pair to draw, >= 0. The same seed gives the same pair in any batch.

        Returns
        -------
        Factors
            With batch shape () for an integer seed and (number of seeds,) otherwise.

        Raises
        ------
        ValueError
            If a size or a seed is not such an integer, or there is no seed.
        """
        m, n, r = (
            integer(name, size, advice="pass the matrix sizes (m, n, r)")
            for name, size in (("m", m), ("n", n), ("r", r))
        )
        if not isinstance(seed, Iterable):
            return Factors(*self._draw(m, n, r, _streams(seed)))
        pairs = [self._draw(m, n, r, _streams(s)) for s in seed]
        if not pairs:
            raise ValueError("seed must name at least one draw, got an empty iterable; pass for instance range(5).")
        return Factors(np.stack([left for left, _ in pairs]), np.stack([right for _, right in pairs]))

    @abstractmethod
    def _draw(self, m: int, n: int, r: int, streams: _Streams) -> tuple[Array, Array]:
        """Return B (m, r) drawn from one stream and A (r, n) from the other."""

    @abstractmethod
    def scales(self, m: int, n: int, r: int) -> tuple[float, float]:
        """Return the widths of the entries of B and of A: bounds for uniform laws, else standard deviations."""


class _UniformLaw(Initializer):
    def _draw(self, m: int, n: int, r: int, streams: _Streams) -> tuple[Array, Array]:
        beta, alpha = self.scales(m, n, r)
        return streams.B.uniform(-beta, beta, (m, r)), streams.A.uniform(-alpha, alpha, (r, n))


@final
@dataclass(frozen=True)
class KaimingUniform(_UniformLaw):
    """Entries uniform within gain * sqrt(3 / fan_in), gain = sqrt(2 / (1 + a^2)) (He et al. 2015).

    fan_in is r for B and n for A. The bounds are sqrt(6 / fan_in) for a = 0 and 1 / sqrt(fan_in) for a = sqrt(5),
    the choice of LoRA.

    Parameters
    ----------
    a : float
        The negative slope that the gain is meant for.

    Examples
    --------
    >>> KaimingUniform(a=5**0.5).scales(64, 100, 4)
    (0.5, 0.1)
    """

    a: float = 0.0

    def __post_init__(self) -> None:
        finite("a", self.a, advice="use 0 or sqrt(5)")

    def scales(self, m: int, n: int, r: int) -> tuple[float, float]:
        """Return the bounds (sqrt(6 / ((1 + a^2) r)), sqrt(6 / ((1 + a^2) n)))."""
        spread = 6.0 / (1.0 + self.a**2)
        # the float sqrt(5) squares to 5.000000000000001, and LoRA means the bound 1 / sqrt(fan_in)
        spread = round(spread, DIGITS)
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
    """Entries uniform on (-1/N, 1/N), the law of Theorem 1 of the sine-LoRA paper.

    Parameters
    ----------
    N : float, optional
        Inverse bound, > 0; None: the number of rows m, for both factors.
    """

    N: float | None = None

    def __post_init__(self) -> None:
        if self.N is not None:
            finite("N", self.N, least=0, strict=True, advice="entries are uniform on (-1/N, 1/N)")

    def scales(self, m: int, n: int, r: int) -> tuple[float, float]:
        """Return the bounds (1/N, 1/N)."""
        bound = 1.0 / (m if self.N is None else self.N)
        return bound, bound


@final
@dataclass(frozen=True)
class Normal(Initializer):
    """Entries normal with mean 0 and standard deviations std_B and std_A.

    Parameters
    ----------
    std_B, std_A : float
        Standard deviations of the entries of B and of A, > 0.
    """

    std_B: float = 1.0
    std_A: float = 1.0

    def __post_init__(self) -> None:
        for name, std in (("std_B", self.std_B), ("std_A", self.std_A)):
            finite(name, std, least=0, strict=True, advice="give a standard deviation")

    def _draw(self, m: int, n: int, r: int, streams: _Streams) -> tuple[Array, Array]:
        return self.std_B * streams.B.standard_normal((m, r)), self.std_A * streams.A.standard_normal((r, n))

    def scales(self, m: int, n: int, r: int) -> tuple[float, float]:
        """Return the standard deviations (std_B, std_A)."""
        return self.std_B, self.std_A


@final
@dataclass(frozen=True)
class PrescribedSpectrum(Initializer):
    """Factors whose product B A has the given singular values and random orthonormal singular vectors.

    B = U D^(1/2) Q and A = Q^T D^(1/2) V^T, where D holds the values. Each factor carries half of the spectrum's
    decades, and the random rotation Q hides them from the columns of the factors.

    Parameters
    ----------
    values : tuple of float
        The r singular values, each >= 0, in any order.
    """

    values: tuple[float, ...]

    def __post_init__(self) -> None:
        values = np.asarray(self.values, dtype=np.float64)
        if values.ndim != 1 or values.size < 1 or not np.all(np.isfinite(values)) or np.any(values < 0):
            raise ValueError(f"values must be one or more finite numbers >= 0, got {self.values!r}.")
        object.__setattr__(self, "values", tuple(float(v) for v in np.sort(values)[::-1]))

    def _draw(self, m: int, n: int, r: int, streams: _Streams) -> tuple[Array, Array]:
        if r != len(self.values) or r > min(m, n):
            raise ValueError(
                f"r must equal the number of prescribed values and fit in min(m, n), got r={r}, "
                f"{len(self.values)} values and shape ({m}, {n})."
            )
        root = np.sqrt(np.asarray(self.values))
        U, V, Q = _orthonormal(streams.B, m, r), _orthonormal(streams.A, n, r), _orthonormal(streams.A, r, r)
        return (U * root) @ Q, (Q.T * root) @ V.T

    def scales(self, m: int, n: int, r: int) -> tuple[float, float]:
        """Return (nan, nan): the entries follow no law with one width."""
        return math.nan, math.nan


def _orthonormal(stream: np.random.Generator, rows: int, columns: int) -> Array:
    """Return a matrix with orthonormal columns, drawn uniformly: Q of a Gaussian matrix, with R's signs fixed."""
    Q, R = np.linalg.qr(stream.standard_normal((rows, columns)))
    return Q * np.where(np.diag(R) < 0, -1.0, 1.0)


INITIALIZERS: dict[str, type[Initializer]] = {
    "kaiming_uniform": KaimingUniform,
    "xavier_uniform": XavierUniform,
    "uniform": Uniform,
    "normal": Normal,
    "prescribed_spectrum": PrescribedSpectrum,
}
