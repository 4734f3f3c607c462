"""Singular values of a Kronecker product: all products of a value of one part and a value of the other."""

from __future__ import annotations

import numpy as np

from rankkit.factors import Factors
from rankkit.products import Kronecker
from rankkit.solvers.factored import factored
from rankkit.solvers.solution import EPS, Solution

__all__ = ["kronecker", "structured"]


def kronecker(product: Kronecker) -> Solution:
    """Return the singular values of a Kronecker product that may be non-zero.

    Relative errors of the parts add to first order. With s the largest values and e the noise floors of the parts, the
    absolute error is at most (s1 + e1)(s2 + e2) - s1 s2.

    Parameters
    ----------
    product : Kronecker

    Returns
    -------
    Solution
    """
    one, two = factored(product.first), factored(product.second)
    values = np.sort(np.outer(one.values, two.values).ravel())[::-1]
    s1, s2 = one.values[0], two.values[0]
    floor = s1 * two.noise_floor + s2 * one.noise_floor + one.noise_floor * two.noise_floor + EPS * s1 * s2
    relative = (1 + one.relative_error) * (1 + two.relative_error) - 1 + EPS
    return Solution(values, np.asarray(floor), np.asarray(relative))


def structured(update: Factors | Kronecker) -> Solution:
    """Return the singular values of an update that is known by its parts, from the parts alone.

    Parameters
    ----------
    update : Factors or Kronecker

    Returns
    -------
    Solution
    """
    return factored(update) if isinstance(update, Factors) else kronecker(update)
