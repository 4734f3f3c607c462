"""Staircases of other rules at small scale: which power of the scale each singular value of phi(omega B A) follows.

phi(x) = sum_p a_p x^p, and (b . a)^p is a form of rank C(r + p - 1, p) in monomials of degree p: at small omega the
singular values come in blocks, the p-th of that size and of order omega^p, wherever a_p is not zero. A polynomial
stops at its degree, which caps its rank at every omega.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from itertools import count as every

import numpy as np

from rankkit.checks import finite, integer, shown
from rankkit.factors import Array

__all__ = ["POWERS", "staircase_exponents"]

# name -> whether the power x^p stands in phi's Taylor series; Sinter is x + amplitude x sin(omega x)
POWERS: dict[str, Callable[[int], bool]] = {
    "linear": lambda p: p == 1,
    "sine": lambda p: p % 2 == 1,
    "cosine": lambda p: p % 2 == 0,
    "sinc": lambda p: p % 2 == 0,
    "gaussian": lambda p: p % 2 == 0,
    "sinter": lambda p: p == 1 or (p > 0 and p % 2 == 0),
}
GAP = 400  # zero coefficients in a row after which a function p -> a_p is taken for a polynomial's


def staircase_exponents(taylor: str | Iterable[float] | Callable[[int], float], r: int, *, count: int) -> Array:
    """Return the powers of omega that the leading singular values of phi(omega B A) follow as omega falls, (count,).

    It says of any smooth phi what `predict_spectrum` says of the sine: how many singular values come with each power,
    so how small they are at a small scale, and where a polynomial's rank ends.

    Parameters
    ----------
    taylor : str, iterable of float or callable
        A name in POWERS, phi's Taylor coefficients a_0, a_1, ..., or a function p -> a_p.
    r : int
        Rank of the factors, with enough rows and columns that monomials up to the last degree are independent.
    count : int
        How many; a polynomial's last ones are infinite: those values are exactly zero.

    Returns
    -------
    float64 array, shape (count,)

    Raises
    ------
    TypeError
        If taylor is no name, no function and nothing that holds coefficients.
    ValueError
        If the name is unknown, a coefficient is no finite number, or r or count is not a positive integer.

    Examples
    --------
    >>> staircase_exponents("sine", 2, count=8).tolist()  # 2 of order omega, 4 of omega^3, then omega^5
    [1.0, 1.0, 3.0, 3.0, 3.0, 3.0, 5.0, 5.0]
    >>> staircase_exponents([0, 1, 0, 1], 1, count=4).tolist()  # x + x^3 has rank 2 at every omega
    [1.0, 3.0, inf, inf]
    """
    if isinstance(taylor, str) and taylor not in POWERS:
        raise ValueError(f"taylor must be one of {', '.join(POWERS)} or coefficients, got {shown(taylor)}; choose one.")
    if not callable(taylor) and (isinstance(taylor, bytes) or not np.iterable(taylor)):
        raise TypeError(
            f'taylor must be a name, coefficients or a function p -> a_p, got {shown(taylor)}; for instance "sine" or '
            "[0, 1, 0, 1]."
        )
    r, count = (integer(name, value, advice="for instance 2") for name, value in (("r", r), ("count", count)))
    exponents: list[float] = []
    for p in _degrees(POWERS[taylor] if isinstance(taylor, str) else taylor):
        exponents += [float(p)] * min(math.comb(r + p - 1, p), count - len(exponents))
        if len(exponents) == count:
            break
    return np.array(exponents + [math.inf] * (count - len(exponents)))


def _degrees(taylor: Iterable[float] | Callable[[int], float]) -> Iterable[int]:
    """Return an iterator over the degrees whose coefficient is not zero."""
    if not callable(taylor):
        yield from (p for p, coefficient in enumerate(taylor) if _coefficient(p, coefficient) != 0)
        return
    last = 0
    for p in every():
        if _coefficient(p, taylor(p)) != 0:
            last = p
            yield p
        elif p - last > GAP:
            return


def _coefficient(p: int, value: object) -> float:
    number = float(value) if isinstance(value, bool) else value
    return finite(f"the coefficient of x^{p} in taylor", number, advice="every one is a number")
