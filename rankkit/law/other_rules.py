"""Staircases of other rules at small scale: which power of the scale each singular value of phi(omega B A) follows.

phi(x) = sum_p a_p x^p, and (b . a)^p is a form of rank C(r + p - 1, p) in monomials of degree p: at small omega the
singular values come in blocks, the p-th of that size and of order omega^p, wherever a_p is not zero. A polynomial
stops at its degree, which caps its rank at every omega.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from rankkit.law.bounds import polynomial_cap

__all__ = ["TAYLOR", "rank_cap", "staircase_exponents"]


def _sine(p: int) -> float:
    return 0.0 if p % 2 == 0 else (-1.0) ** (p // 2) / math.factorial(p)


# name -> a_p; Sinter is x + amplitude x sin(omega x), its orders those of x and of x sin x
TAYLOR: dict[str, Callable[[int], float]] = {
    "linear": lambda p: 1.0 if p == 1 else 0.0,
    "sine": _sine,
    "cosine": lambda p: 0.0 if p % 2 else (-1.0) ** (p // 2) / math.factorial(p),
    "sinc": lambda p: _sine(p + 1),
    "gaussian": lambda p: 0.0 if p % 2 else (-1.0) ** (p // 2) / math.factorial(p // 2),
    "sinter": lambda p: 1.0 if p == 1 else _sine(p - 1) if p > 1 else 0.0,
}


def staircase_exponents(taylor: str | Iterable[float] | Callable[[int], float], r: int, *, count: int) -> Any:
    """Return the powers of omega that the leading singular values of phi(omega B A) follow as omega falls, (count,).

    Parameters
    ----------
    taylor : str, iterable of float or callable
        A name in TAYLOR, phi's Taylor coefficients a_0, a_1, ..., or a function p -> a_p.
    r : int
        Rank of the factors, with enough rows and columns that monomials up to the last degree are independent.
    count : int
        How many; a polynomial's last ones are infinite: those values are exactly zero.

    Examples
    --------
    >>> staircase_exponents("sine", 2, count=8).tolist()  # 2 of order omega, 4 of omega^3, then omega^5
    [1.0, 1.0, 3.0, 3.0, 3.0, 3.0, 5.0, 5.0]
    """
    if isinstance(taylor, str) and taylor not in TAYLOR:
        raise ValueError(f"taylor must be one of {', '.join(TAYLOR)} or coefficients, got {taylor!r}.")
    for name, value in (("r", r), ("count", count)):
        if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or value < 1:
            raise ValueError(f"{name} must be an integer >= 1, got {value!r}; for instance 2.")
    exponents: list[float] = []
    if isinstance(taylor, str):
        taylor = TAYLOR[taylor]
    limit = 400 if callable(taylor) else None
    known = None if callable(taylor) else [float(a) for a in taylor]
    p = 0
    while len(exponents) < count and p < (len(known) if known is not None else limit or 0):
        coefficient = known[p] if known is not None else taylor(p) if callable(taylor) else 0.0
        if coefficient != 0:
            exponents += [float(p)] * min(math.comb(r + p - 1, p), count)
        p += 1
    return np.array((exponents + [math.inf] * count)[:count])


def rank_cap(coefficients: Iterable[float], r: int) -> int:
    """Return the most rank that sum_p a_p (b . a)^p can have, at any size and frequency.

    Examples
    --------
    >>> rank_cap([0, 1, 0, 1], 4)  # x + x^3: 4 + 20
    24
    """
    return polynomial_cap(r, [p for p, a in enumerate(coefficients) if a != 0])
