"""Exact expectations of ||S||_F^2 and ||S S^T||_F^2 for S = sin(omega B A), and the participation ratio they give.

S S^T sums S_ij S_i'j S_ij' S_i'j' over two rows and two columns. Distinct rows and columns give sum lambda^4 over the
staircase; equal ones give moments of one entry, or of one row seen by two columns. All are powers of
one-coordinate numbers, elementary for Gaussian entries, sine integrals for uniform ones.
"""

from __future__ import annotations

import math

from rankkit.law.limit.entries import Entries, one_coordinate
from rankkit.law.limit.staircase import odd_power_sum

__all__ = ["mean_energy", "mean_fourth", "participation_ratio"]

LINEAR = 1e-4  # standard deviation of omega B A below which sin x = x to 1e-8, and cancellation would cost more


def mean_energy(entries: Entries, omega: float) -> float:
    """Return E sin(omega b . a)^2 = E ||S||_F^2 / (m n)."""
    return odd_power_sum(one_coordinate(entries.gaussian, entries.c(omega)), entries.r, 2)


def mean_fourth(entries: Entries, omega: float) -> float:
    """Return E ||S S^T||_F^2 / (m n)^2, exact at every m and n.

    With mn(m - 1)(n - 1) pairs of distinct rows and columns, mn(n - 1) and mn(m - 1) pairs that share a row or a
    column, and mn single entries.
    """
    m, n, r, c = entries.m, entries.n, entries.r, entries.c(omega)
    apart = odd_power_sum(one_coordinate(entries.gaussian, c), r, 4)
    if omega * entries.std < LINEAR:
        shared, single = _linear(entries, omega)
    else:
        once, twice = _one_minus_mean_cosine(entries, 2 * c), _one_minus_mean_cosine(entries, 4 * c)
        # 8 sin^4 = 3 - 4 cos 2x + cos 4x; 4 (E_a sin^2)^2 = 1 - 2 phi + phi^2 with phi(b) = E_a cos(2 omega b . a)
        single = (4 * once - twice) / 8
        shared = (2 * once - _one_minus_mean_square(entries, 2 * c)) / 4
    return (single + (m + n - 2) * shared + (m - 1) * (n - 1) * apart) / (m * n)


def participation_ratio(entries: Entries, omega: float) -> float:
    """Return (E ||S||_F^2)^2 / E ||S S^T||_F^2, what the participation ratio concentrates on."""
    return mean_energy(entries, omega) ** 2 / mean_fourth(entries, omega)


def _linear(entries: Entries, omega: float) -> tuple[float, float]:
    """Return E_b (E_a x^2)^2 and E x^4 of x = omega b . a."""
    r, c = entries.r, entries.c(omega)
    second, fourth = (1.0, 3.0) if entries.gaussian else (1 / 3, 1 / 5)
    shared = r * fourth * second**2 + r * (r - 1) * second**4
    single = r * fourth**2 + 3 * r * (r - 1) * second**4
    return shared * c**4, single * c**4


def _one_minus_mean_cosine(entries: Entries, theta: float) -> float:
    """Return 1 - E cos(theta b . a) for entries of scale one."""
    if entries.gaussian:
        return -math.expm1(-0.5 * entries.r * math.log1p(theta * theta))
    return -math.expm1(entries.r * _log_mean_sinc(theta))


def _one_minus_mean_square(entries: Entries, theta: float) -> float:
    """Return 1 - E_b (E_a cos(theta b . a))^2."""
    if entries.gaussian:
        return -math.expm1(-0.5 * entries.r * math.log1p(2 * theta * theta))
    return -math.expm1(entries.r * _log_mean_square_sinc(theta))


def _log_mean_sinc(theta: float) -> float:
    """Return log of int_0^1 sin(theta x) / (theta x) dx = Si(theta) / theta; it may be of either sign of deviation."""
    if theta < 0.5:
        terms = ((-1) ** k * theta ** (2 * k) / ((2 * k + 1) * math.factorial(2 * k + 1)) for k in range(1, 9))
        return math.log1p(math.fsum(terms))
    from scipy.special import sici

    return math.log(float(sici(theta)[0]) / theta)


def _log_mean_square_sinc(theta: float) -> float:
    """Return log of int_0^1 (sin(theta x) / (theta x))^2 dx = (Si(2 theta) - sin(theta)^2 / theta) / theta."""
    if theta < 0.5:
        # sin^2 = (1 - cos 2x) / 2, integrated term by term
        terms = (
            (-1) ** k * 2 ** (2 * k + 1) * theta ** (2 * k) / (math.factorial(2 * k + 2) * (2 * k + 1))
            for k in range(1, 12)
        )
        return math.log1p(math.fsum(terms))
    from scipy.special import sici

    return math.log((float(sici(2 * theta)[0]) - math.sin(theta) ** 2 / theta) / theta)
