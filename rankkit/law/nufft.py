"""leading_spectrum: sin(omega B A) at a million rows, through non-uniform Fourier transforms, nothing formed.

sin(omega b . a) is the imaginary part of exp(i omega b . a): the product of the matrix with a vector is a transform of
type 3 (Barnett, Magland and af Klinteberg 2019) in r dimensions, for r <= 3.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from rankkit.checks import finite, integer, shown
from rankkit.extras import how_to_install
from rankkit.factors import Array, Factors, host
from rankkit.law.given.measured import one_pair
from rankkit.report.inline import html_summary, text_summary

__all__ = ["LargeSpectrum", "leading_spectrum"]

TOLERANCE = 1e-12  # of a transform
LANCZOS = 1e-10  # of sigma_1, where Lanczos' method stops; the residual tells what it reached
LARGEST = 1e8  # radians: phases are known to 1e-7 of one
ROUNDOFF = 2.0**-53
CAUTION = 10.0  # a transform may be off by its tolerance times sum |v_j| an entry, and a little more


@dataclass(frozen=True, eq=False, repr=False)
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
    stable_rank_error : float
        Large where omega is so small that the sine is lost in the transform's error.
    """

    values: Array
    errors: Array
    frobenius_norm: float
    stable_rank: float
    stable_rank_error: float

    def _said(self) -> tuple[str, list[str], dict[str, Array]]:
        count = len(self.values)
        title = f"LargeSpectrum: the {count} largest singular values of sin(omega B A) / gain"
        lines = [
            f"stable rank = {self.stable_rank:.5g} (known to {self.stable_rank_error:.1e}), "
            f"Frobenius norm = {self.frobenius_norm:.5g}",
            f"every value is known to {max(self.errors):.1e}; see .values and .errors",
        ]
        return title, lines, {"value": self.values, "error": self.errors}

    def __repr__(self) -> str:
        return text_summary(*self._said())

    def _repr_html_(self) -> str:
        return html_summary(*self._said())


def leading_spectrum(
    factors: Factors, omega: float, *, top: int = 20, gain: float | None = None, seed: int = 0
) -> LargeSpectrum:
    """Return the leading singular values and the stable rank of sin(omega B A) / gain, in O((m + n) top) memory.

    Parameters
    ----------
    factors : Factors
        One pair, B (m, r) and A (r, n), r <= 3.
    omega : float
        Frequency, > 0, radians per unit of B A; up to 1e8 over the longest row of B times the longest column of A.
    top : int
        How many values, at least 1 and below min(m, n).
    gain : float, optional
        Divisor of the sine; None: sqrt(m).
    seed : int
        Of the start vector, >= 0.

    Returns
    -------
    LargeSpectrum
        The values with an error each, and the stable rank with its own.

    Raises
    ------
    TypeError
        If factors are not one pair.
    ValueError
        If r > 3, or an argument is out of range.
    ImportError
        Without finufft (extra `nufft`).

    Notes
    -----
    The values are Lanczos' (scipy's svds), with transforms of type 3 (Barnett, Magland and af Klinteberg 2019) in place
    of products; ||S||_F^2 comes from one transform of twice the frequency, sin^2 x = (1 - cos 2 x) / 2.
    """
    factors = one_pair(factors)
    B, A = (np.ascontiguousarray(np.asarray(host(x), dtype=np.float64)) for x in (factors.B, factors.A))
    m, n, r = factors.m, factors.n, factors.r
    if r > 3:
        raise ValueError(
            f"leading_spectrum needs r <= 3, got r = {r}; use spectrum_of, or predict_spectrum for the law."
        )
    omega = finite("omega", omega, least=0, strict=True, advice="for instance 100")
    if integer("top", top, advice="for instance 20") >= min(m, n):
        raise ValueError(f"top must be below min(m, n) = {min(m, n)}, got {shown(top)}; use spectrum_of for all.")
    divisor = math.sqrt(m) if gain is None else finite("gain", gain, least=0, strict=True, advice="leave it out")
    seed = integer("seed", seed, least=0, advice="for instance 0")
    phase = omega * float(host(factors.peak()))
    if not phase <= LARGEST:
        raise ValueError(
            f"omega must be at most {omega * LARGEST / phase:.3g} for these factors, got {omega:.3g}: their phases are "
            "not known beyond; use a smaller one."
        )
    unsure = CAUTION * (TOLERANCE + 2 * (r + 3) * ROUNDOFF * phase)  # of an entry, and of one of twice the frequency
    sigma, errors = _leading(_Transform(omega * B, A.T), top, seed, unsure * math.sqrt(m * n))
    # sin^2 x = (1 - cos 2 x) / 2, which is off by what the transform is
    squared = m * n / 2 - float(np.sum(_Transform(2 * omega * B, A.T).apply(np.ones(n)).real)) / 2
    first = float(sigma[0])
    ratio = min(max(squared / first**2, 1.0), float(min(m, n)))
    off = unsure * m * n / 2 / first**2 + ratio * (1 / max(1 - float(errors[0]) / first, 0.5) ** 2 - 1)
    return LargeSpectrum(sigma / divisor, errors / divisor, math.sqrt(max(squared, 0.0)) / divisor, ratio, off)


def _leading(transform: _Transform, top: int, seed: int, unsure: float) -> tuple[Array, Array]:
    """Return the leading singular values of the sine, descending, and the error of each, (top,).

    The matrix of the transform is within `unsure` of that of the sine.
    """
    from scipy.sparse.linalg import LinearOperator, svds

    m, n = transform.shape
    operator = LinearOperator((m, n), matvec=transform.forward, rmatvec=transform.back, dtype=np.float64)  # type: ignore[call-arg]
    start = np.random.default_rng(seed).standard_normal(min(m, n))
    left, sigma, right = svds(operator, k=top, v0=start, tol=LANCZOS)
    order = np.argsort(-sigma)
    residual = [
        max(np.linalg.norm(transform.forward(v) - s * u), np.linalg.norm(transform.back(u) - s * v))
        for u, s, v in zip(left.T[order], sigma[order], right[order], strict=True)
    ]
    return sigma[order], np.array(residual) + unsure


class _Transform:
    """v -> sum_j v_j exp(i s_k . x_j) for rows s (m, r) and x (n, r)."""

    def __init__(self, s: Array, x: Array) -> None:
        self.shape = (len(s), len(x))
        self._rows, self._columns = ([np.ascontiguousarray(axis) for axis in points.T] for points in (s, x))

    @cached_property
    def _to_rows(self) -> Any:
        return _planned(self._columns, self._rows)

    @cached_property
    def _to_columns(self) -> Any:
        return _planned(self._rows, self._columns)

    def apply(self, v: Array) -> Array:
        return self._to_rows.execute(np.asarray(v, dtype=np.complex128).ravel())

    def forward(self, v: Array) -> Array:
        return self.apply(v).imag

    def back(self, u: Array) -> Array:
        return self._to_columns.execute(np.asarray(u, dtype=np.complex128).ravel()).imag


def _planned(sources: list[Array], targets: list[Array]) -> Any:
    """Return the transform between two sets of points, one array a coordinate: sorting them costs as much as a use."""
    try:
        import finufft  # pyright: ignore[reportMissingTypeStubs]
    except ImportError:
        raise ImportError(f"leading_spectrum needs finufft; {how_to_install('nufft')}.") from None
    make: Callable[..., Any] = vars(finufft)["Plan"]  # the library has no types
    plan = make(3, len(sources), eps=TOLERANCE, isign=1)
    try:
        plan.setpts(*sources, **dict(zip("stu", targets, strict=False)))
    except RuntimeError as error:  # its grid has a point for every turn in every direction
        raise ValueError(
            "omega must be smaller for these factors, whose transform has too many turns to be made "
            f"({str(error).splitlines()[0]}); use spectrum_of, or predict_spectrum for the law."
        ) from None
    return plan
