"""leading_spectrum: sin(omega B A) at a million rows, through non-uniform Fourier transforms, nothing formed.

sin(omega b . a) is the imaginary part of exp(i omega b . a): the product of the matrix with a vector is a transform of
type 3 (Barnett, Magland and af Klinteberg 2019) in r dimensions, for r <= 3.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from rankkit.factors import Factors, host

__all__ = ["LargeSpectrum", "leading_spectrum"]

TOLERANCE = 1e-12  # of a transform
CAUTION = 10.0  # a transform may be off by its tolerance times sum |v_j| an entry, and a little more


@dataclass(frozen=True, eq=False)
class LargeSpectrum:
    """The leading singular values of one sin(omega B A) / gain.

    Attributes
    ----------
    values : float array, shape (top,)
        Descending.
    errors : float array, shape (top,)
        A singular value of the matrix lies within this of each: the residual of its pair, and what the transform is
        known to be off by.
        That none is missed between them is what Lanczos' method finds, not a proof.
    frobenius_norm : float
    stable_rank : float
    """

    values: Any
    errors: Any
    frobenius_norm: float
    stable_rank: float


def leading_spectrum(
    factors: Factors, omega: float, *, top: int = 20, gain: float | None = None, seed: int = 0
) -> LargeSpectrum:
    """Return the leading singular values and the stable rank of sin(omega B A) / gain, in O((m + n) top) memory.

    Parameters
    ----------
    factors : Factors
        One pair, B (m, r) and A (r, n), r <= 3.
    omega : float
        Frequency, > 0.
    top : int
        How many values, at least 1 and below min(m, n).
    gain : float, optional
        Divisor of the sine; None: sqrt(m).
    seed : int
        Of the start vector.

    Raises
    ------
    ValueError
        If r > 3, or an argument is out of range.
    ImportError
        Without finufft (extra `nufft`).
    """
    B, A = (np.ascontiguousarray(np.asarray(host(x), dtype=np.float64)) for x in (factors.B, factors.A))
    if B.ndim != 2:
        raise ValueError(f"factors must be one pair, got a batch of shape {B.shape[:-2]}; take one of it.")
    (m, r), n = B.shape, A.shape[1]
    if r > 3:
        raise ValueError(
            f"leading_spectrum needs r <= 3, got r = {r}; use spectrum_of, or predict_spectrum for the law."
        )
    if not (math.isfinite(omega) and omega > 0):
        raise ValueError(f"omega must be a finite number > 0, got {omega!r}; for instance 100.")
    if not 1 <= top < min(m, n):
        raise ValueError(f"top must be at least 1 and below min(m, n) = {min(m, n)}, got {top!r}.")
    divisor = math.sqrt(m) if gain is None else float(gain)
    transform = _Transform(omega * B, A.T)
    from scipy.sparse.linalg import LinearOperator, svds

    operator = LinearOperator((m, n), matvec=transform.forward, rmatvec=transform.back, dtype=np.float64)  # type: ignore[call-arg]
    start = np.random.default_rng(seed).standard_normal(min(m, n))
    U, sigma, Vt = svds(operator, k=top, v0=start, tol=1e-10)
    order = np.argsort(-sigma)
    U, sigma, Vt = U[:, order], sigma[order], Vt[order]
    residual = [
        max(np.linalg.norm(transform.forward(v) - s * u), np.linalg.norm(transform.back(u) - s * v))
        for u, s, v in zip(U.T, sigma, Vt, strict=True)
    ]
    squared = m * n / 2 - float(np.sum(_Transform(2 * omega * B, A.T).apply(np.ones(n)).real)) / 2
    errors = np.array(residual) + CAUTION * TOLERANCE * math.sqrt(m * n)
    return LargeSpectrum(
        sigma / divisor, errors / divisor, math.sqrt(squared) / divisor, squared / float(sigma[0]) ** 2
    )


class _Transform:
    """v -> sum_j v_j exp(i s_k . x_j) for rows s (m, r) and x (n, r)."""

    def __init__(self, s: Any, x: Any) -> None:
        try:
            import finufft
        except ImportError:
            raise ImportError("leading_spectrum needs finufft; pip install 'rankkit[nufft]'.") from None
        function = (finufft.nufft1d3, finufft.nufft2d3, finufft.nufft3d3)[s.shape[1] - 1]
        self.s, self.x = ([np.ascontiguousarray(axis) for axis in points.T] for points in (s, x))
        self._call = partial(function, eps=TOLERANCE, isign=1)

    def apply(self, v: Any) -> Any:
        return self._call(*self.x, np.asarray(v, dtype=np.complex128).ravel(), *self.s)

    def forward(self, v: Any) -> Any:
        return self.apply(v).imag

    def back(self, u: Any) -> Any:
        return self._call(*self.s, np.asarray(u, dtype=np.complex128).ravel(), *self.x).imag
