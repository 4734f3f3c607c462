"""Bounds on the rank of sin(omega B A) that are proved: every number a ball, every inequality certain."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any

import numpy as np

from rankkit.checks import finite, integer
from rankkit.claims.arithmetic import Balls

__all__ = ["certified_rank_bounds"]

BITS = 128


def certified_rank_bounds(
    B: Any, A: Any, omega: float | Fraction, eps: float | Fraction, *, bits: int = BITS
) -> tuple[int, int]:
    """Return two integers between which the number of singular values of sin(omega B A) above eps certainly lies.

    They are computed in ball arithmetic from the exact values of what is given (a float is a rational), so that no
    rounding can make them wrong. For large matrices and other rules `rankkit.rank_bounds` does the same in floats.

    Parameters
    ----------
    B, A : array, shapes (m, r) and (r, n)
        Floats, integers or Fractions. A few hundred rows take seconds.
    omega : float or Fraction
        Frequency.
    eps : float or Fraction
        Absolute threshold, above 0.
    bits : int
        Precision of the balls. More bits can make the bounds tighter; certain they are with any.

    Returns
    -------
    lower, upper : int
        Both ends are possible counts.

    Raises
    ------
    ValueError
        If the shapes do not fit, an entry is not finite, or eps is not above 0.
    ImportError
        If python-flint is missing.

    Notes
    -----
    Lower: (||S||_F^2 - q eps^2)^2 / ||S S^T||_F^2, q = min(m, n) (Cauchy and Schwarz). Upper: the smallest
    sum_(q<K) C(r + 2 q, 2 q + 1) for which 2 sqrt(m n) sum_(q>=K) |J_(2q+1)(T)| <= eps, T = omega max|B A| (Jacobi and
    Anger, Weyl).

    Examples
    --------
    >>> certified_rank_bounds([[1.0], [0.5]], [[1.0, 2.0]], 0.125, 0.01)
    (1, 1)
    """
    left, right = _exact(B, "B"), _exact(A, "A")
    if left.ndim != 2 or right.ndim != 2 or left.shape[1] != right.shape[0] or not left.size or not right.size:
        raise ValueError(f"B must be (m, r) and A (r, n), got {left.shape} and {right.shape}.")
    finite("omega", omega)
    finite("eps", eps, least=0, strict=True, advice="for instance 1e-3")
    w, threshold = Fraction(omega), Fraction(eps)
    m, r, n = left.shape[0], left.shape[1], right.shape[1]
    with Balls.at(integer("bits", bits, least=2, advice=f"for instance {BITS}")) as balls:
        Z = balls.of(w) * (balls.of(left) @ balls.of(right))
        small = balls.of(threshold)
        return _lower(balls.sin(Z), small, min(m, n)), min(_upper(Z, small, r, balls), m, n)


def _exact(values: Any, name: str) -> Any:
    """Return an array of Fractions."""
    try:
        return np.frompyfunc(Fraction, 1, 1)(np.asarray(values, dtype=object))
    except (ValueError, OverflowError, TypeError):
        raise ValueError(f"{name} must hold finite numbers, got {values!r}.") from None


def _lower(S: Any, eps: Any, q: int) -> int:
    """Return the least integer that the count cannot be below."""
    above = (S * S).sum() - q * eps * eps
    if not above > 0:
        return 0
    gram = S @ S.T if S.shape[0] <= S.shape[1] else S.T @ S
    return math.ceil(Fraction(*_rational((above * above / (gram * gram).sum()).lower())))


def _upper(Z: Any, eps: Any, r: int, balls: Balls) -> int:
    """Return the rank of the shortest odd polynomial that misses the sine by surely no more than eps."""
    T = max((abs(z).upper() for z in Z.ravel()), key=float)
    size = 2 * balls.sqrt(balls.of(Z.size))
    terms, rank = 0, 0
    while not size * _tail(T, terms, balls) <= eps:
        rank += math.comb(r + 2 * terms, 2 * terms + 1)
        terms += 1
        if rank >= min(Z.shape):
            break
    return rank


def _tail(T: Any, K: int, balls: Balls) -> Any:
    """Return an upper bound on sum_(q >= K) |J_(2q+1)(T)|: terms up to T, then (T/2)^k / k! in a geometric series."""
    last = K + max(0, math.ceil(float(T) / 2) + 1 - K)
    total = sum((abs(T.bessel_j(2 * q + 1)) for q in range(K, last)), balls.of(0))
    k = 2 * last + 1
    term = (T / 2) ** k / balls.of(math.factorial(k))
    ratio = T * T / 4 / ((k + 1) * (k + 2))
    return total + term / (1 - ratio)


def _rational(ball: Any) -> tuple[int, int]:
    """Return numerator and denominator of a ball of radius zero."""
    mantissa, exponent = ball.man_exp()
    mantissa, exponent = int(mantissa), int(exponent)
    return (mantissa << exponent, 1) if exponent >= 0 else (mantissa, 1 << -exponent)
