"""How fast the singular values of phi(B A) fall: a power of their index where phi has a kink, geometrically in a strip.

A derivative that jumps on the surfaces b . a = const makes phi(b . a) a Fourier integral operator between q dimensions
of order -(q + 1) / 2 - s, where s numbers the derivative: the Radon transform is the case s = -1. Weyl's law gives k
values above k^-p, p = 1/2 + (1/2 + s) / q. Away from zero q = r. At zero phi is homogeneous to leading order: lengths
factor out, and the directions have q = r - 1 dimensions.
"""

from __future__ import annotations

import math

import numpy as np

from rankkit.checks import finite, integer, shown

__all__ = ["decay_power", "strip_rate"]

LARGEST = 10**12
RATIOS = 1e-150, 1e150  # of width to reach, whose square is a float


def decay_power(derivative: int, r: int, *, at_zero: bool = True) -> float:
    """Return p, where the k-th singular value of phi(B A) falls like k^-p in a large matrix.

    The frequency does not matter for p. It matters for the first values alone, and for those only if phi has a scale.

    Parameters
    ----------
    derivative : int
        The first derivative of phi that jumps, >= 0: 0 for the sign, 1 for ReLU, 3 for a cubic spline.
    r : int
        Rank of the factors, whose entries have a density.
    at_zero : bool
        Whether it jumps at zero, as in ReLU, or elsewhere. At zero and r = 1 the values fall faster than any power,
        and p is infinite: ReLU of a matrix of rank 1 has at most rank 2.
        If phi has jumps of both kinds, the smaller p holds.

    Returns
    -------
    float

    Raises
    ------
    TypeError
        If at_zero is no bool.
    ValueError
        If r is not a positive integer, or derivative is negative.

    Notes
    -----
    At zero and with normal entries this is proved: the coefficients of spherical harmonics of degree l fall like
    l^-(r / 2 + s), and there are about l^(r - 1) of them up to degree l (Bach 2017). In the other cases
    it is derived (see the module).

    Examples
    --------
    >>> [decay_power(1, 2), decay_power(0, 2), decay_power(1, 4)]  # ReLU, sign; ReLU between more coordinates
    [2.0, 1.0, 1.0]
    """
    order = integer("derivative", derivative, least=0, most=LARGEST, advice="for instance 1 for ReLU")
    if not isinstance(at_zero, (bool, np.bool_)):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise TypeError(f"at_zero must be True or False, got {shown(at_zero)}; leave it out for a jump at zero.")
    dimensions = integer("r", r, most=LARGEST, advice="for instance 2") - bool(at_zero)
    return 0.5 + (0.5 + order) / dimensions if dimensions else math.inf


def strip_rate(width: float, reach: float) -> float:
    """Return how much log sigma_k falls from each singular value of phi(B A) to the next, for r = 1.

    The entries are bounded and have a density. phi is odd or even, analytic where |Im x| < width, and has its poles on
    the imaginary axis, as tanh has (width pi / 2). A sigmoid (width pi) is such a function and a constant.

    Parameters
    ----------
    width : float
        Half the width of the strip, > 0.
    reach : float
        The largest |B A|, times omega where phi(omega B A) is meant, > 0, in the units of `width`.

    Returns
    -------
    float
        Natural logarithm, of one value over the next.

    Raises
    ------
    ValueError
        If an argument is not a finite number > 0, or one is more than 1e150 times the other.

    Notes
    -----
    With X = x^2 on [0, 1] the kernel is a sum of 1 / (X + s), s >= (width / reach)^2. Rational functions that are
    small on the one interval and large on the other bound its singular values (Beckermann and Townsend 2017, theorem
    2.1), with the rate pi K(sqrt(1 - q^2)) / K(q), q = 1 / sqrt(1 + (width / reach)^2). That this bound is reached is
    observed. There is no such formula for r > 1.

    Examples
    --------
    >>> f"{strip_rate(math.pi / 2, 6.0):.3f}"  # tanh(6 x y), x and y between -1 and 1
    '1.799'
    """
    from scipy.special import ellipkm1

    advice = "for instance pi / 2 and 6 for tanh(6 x y)"
    h, most = (finite(name, x, least=0, strict=True, advice=advice) for name, x in (("width", width), ("reach", reach)))
    if not RATIOS[0] <= (h := h / most) <= RATIOS[1]:
        raise ValueError(f"width over reach must lie between {RATIOS[0]:g} and {RATIOS[1]:g}, got {h:.3g}; {advice}.")
    q = 1 / math.hypot(1, h)
    return math.pi * float(ellipkm1(q**2) / ellipkm1((h * q) ** 2))  # ellipkm1(p) is K at q^2 = 1 - p
