"""Singular values mu_n of exp(i c x y) for one coordinate: prolate for uniform entries, geometric for Gaussian ones.

sum mu_n^2 = 1 for every law of entries, because |exp(i c x y)| = 1. Small mu_n keep their relative accuracy, so that
products of many of them do too.
"""

from __future__ import annotations

import math

import numpy as np

from rankkit.factors import Array

__all__ = ["LARGEST_C", "gaussian_values", "prolate_values"]

LARGEST_C = 1000.0  # beyond it the eigenproblem costs more than the asymptotic formula is off
PARITIES = (0, 1)


def gaussian_values(k: float, *, floor: float) -> Array:
    """Return mu_n = sqrt(1 - q^2) q^n, q = 2 k / (1 + sqrt(1 + 4 k^2)), down to floor * mu_0, shape (count,).

    The kernel exp(i k x y) acts on functions of a standard normal variable. Its square is the Gaussian kernel
    exp(-k^2 (x - x')^2 / 2), whose expansion is Mehler's (Rasmussen and Williams 2006, section 4.3).

    Parameters
    ----------
    k : float
        omega times both standard deviations, > 0, radians.
    floor : float
        The smallest mu_n / mu_0 that is kept; the first two are kept always.
    """
    root = math.sqrt(1 + 4 * k * k)
    q = 2 * k / (1 + root)
    # 1 - q^2 = 2 / (1 + root): no cancellation as q nears one
    count = max(2, math.ceil(math.log(floor) / math.log(q)) + 1)
    return math.sqrt(2 / (1 + root)) * q ** np.arange(count, dtype=np.float64)


def prolate_values(c: float, *, floor: float) -> Array:
    """Return the singular values of exp(i c x y) / 2 on [-1, 1]^2, descending, down to floor * mu_0, shape (count,).

    The eigenfunctions are those of the prolate differential operator, which is tridiagonal in normalised Legendre
    polynomials (Xiao, Rokhlin and Yarvin 2001). Evaluating the integral equation at x = 0 gives mu_n from
    an eigenvector's first coefficient, which for small mu_n is far below rounding of the eigenvector; the three-term
    recurrence, run in the direction in which the coefficients grow, gives it to relative accuracy. Osipov, Rokhlin and
    Xiao (2013) is a book on these functions and their computation.

    Parameters
    ----------
    c : float
        omega times both bounds, > 0, radians. Above LARGEST_C the transition's asymptotic form is used.
    floor : float
        The smallest mu_n / mu_0 that is kept; the first two are kept always.

    Examples
    --------
    >>> mu = prolate_values(1e-3, floor=1e-20)  # one for small c, then c / 3
    >>> [f"{value:.9g}" for value in mu[:2]]
    ['0.999999944', '0.000333333313']
    """
    if c > LARGEST_C:
        return _transition(c, floor)
    decades = -math.log(floor)
    # mu_n falls like (e c / 4 n)^n beyond 2 c / pi, over a width of (2 / pi^2) log c per nat (Landau and Widom 1980)
    wanted = 0.64 * c + 0.25 * decades * (1.0 + math.log1p(c)) + 8
    while True:
        size = int(max(wanted, c) + 30 + 0.5 * math.sqrt(c) + decades / 2)
        parts = [_one_parity(c, parity, (int(wanted) + 1) // 2 + 1, size // 2 + 1) for parity in PARITIES]
        mu = np.empty(2 * parts[0].size)
        mu[0::2], mu[1::2] = parts
        if mu[-1] < floor * mu[0]:
            return mu[: max(2, int(np.argmax(mu < floor * mu[0])))]
        wanted *= 1.4


def _transition(c: float, floor: float) -> Array:
    """Return mu_n for large c: mu_n^2 = (pi / 2 c) / (1 + exp(pi b)).

    Here pi (n + 1/2) = 2 c + b log(8 c) - arg Gamma(1/2 + i b).
    The turning points of the prolate equation, matched by parabolic cylinder functions, as in Slepian's expansions
    (1965); with log c for log(8 c) and without Gamma it is the limit of Landau and Widom (1980). At c = 1000 every mu_n
    down to 4e-14 mu_0 is within 4 %, those on the plateau to 2e-5.
    """
    from scipy.special import loggamma

    deepest = -2 * math.log(floor) / math.pi + 2
    b = np.linspace(-deepest, deepest, 4001)
    place = (2 * c + b * math.log(8 * c) - loggamma(0.5 + 1j * b).imag) / math.pi - 0.5
    n = np.arange(max(0, math.floor(float(place[-1]))), dtype=np.float64)
    at = np.interp(n, place, b)
    mu = math.sqrt(math.pi / (2 * c)) * np.exp(-0.5 * np.logaddexp(0.0, math.pi * at))
    return mu[: int(np.argmax(mu < floor * mu[0])) or None] / math.sqrt(math.fsum(mu**2))


def _one_parity(c: float, parity: int, count: int, size: int) -> Array:
    """Return mu_parity, mu_(parity + 2), ... (count,) from Legendre degrees parity, parity + 2, ... (size of them)."""
    from scipy.linalg import eigh_tridiagonal

    k = parity + 2.0 * np.arange(size)
    diagonal = k * (k + 1) + (2 * k * (k + 1) - 1) / ((2 * k + 3) * (2 * k - 1)) * c * c
    beside = (k + 2) * (k + 1) / ((2 * k + 3) * np.sqrt((2 * k + 1) * (2 * k + 5))) * c * c
    count = min(count, size)
    chi, vectors = eigh_tridiagonal(diagonal, beside[:-1], select="i", select_range=(0, count - 1))
    first = _first_coefficients(chi, vectors, diagonal, beside)
    # p_k(0) for even k, p_k'(0) for odd k, of the normalised polynomials sqrt(k + 1/2) P_k
    ratios = -(k[:-1] + 1) / (k[:-1] + 2) if parity == 0 else -(k[:-1] + 2) / (k[:-1] + 1)
    at_zero = np.sqrt(k + 0.5) * np.cumprod(np.concatenate([[1.0], ratios]))
    here = np.abs(at_zero @ vectors)
    moment = math.sqrt(2.0) if parity == 0 else c * math.sqrt(2 / 3)
    return 0.5 * moment * first / here


def _first_coefficients(chi: Array, vectors: Array, diagonal: Array, beside: Array) -> Array:
    """Return |beta_0| of every eigenvector, to relative accuracy where it is small."""
    size = np.abs(vectors)
    anchor = np.argmax(size > 0.05 * np.max(size, axis=0), axis=0)  # where a column is known to rounding
    log_grown = np.zeros(chi.size)
    before, here = np.zeros(chi.size), np.ones(chi.size)
    for j in range(int(anchor.max())):
        after = ((chi - diagonal[j]) * here - (beside[j - 1] * before if j else 0.0)) / beside[j]
        grows = j < anchor
        scale = np.where(grows, np.abs(after), 1.0)
        before, here = np.where(grows, here / scale, before), np.where(grows, after / scale, here)
        log_grown += np.where(grows, np.log(scale), 0.0)
    return size[anchor, np.arange(chi.size)] * np.exp(-log_grown)
