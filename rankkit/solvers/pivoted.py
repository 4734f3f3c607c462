"""The inertia of a symmetric matrix from its pivoted factorisation T = P L D L^T P^T, and how far rounding moves it.

D has blocks of order 1 and 2 on its diagonal, which LAPACK's dsytrf chooses as Bunch and Kaufman (1977) do. Every block
of order 2 has one positive and one negative eigenvalue. So T has as many positive eigenvalues as there are such blocks
and positive numbers in D, if none is nearer to zero than what rounding did.

The computed factors are those of a matrix off by at most (q + PIVOT) u P |L| |D| |L|^T P^T to first order, for T of
order q (Higham 2002, theorem 11.3). This is where PIVOT comes from. An entry of T is a sum of at most q products of
L D and L^T. A row l of L solves D l = w. With a block of order 1 it is off by 2 u |d l|. With one of order 2, LAPACK
divides by the entry e beside the diagonal: for x = d1 / e and y = d2 / e, l1 = (y w1 - w2) / (x y - 1) / e. The pivots
are chosen so that |x y| <= 0.4102. Then x y - 1 is off by 3.1 u of itself, and l1 by 9.1 u (|y w1| + |w2|) / |x y - 1|
/ |e|. Times D this is 5.8 times as much of |D| |l|, which is 53 u. The bound on x y is checked for every block.

The Frobenius norm of P |L| |D| |L|^T P^T is at most the sum over the entries of D of their sizes times the lengths of
both columns of L, which do not depend on the order of rows. It is computed afterwards, so that nothing about the growth
of L has to be known in advance.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from rankkit.factors import Array
from rankkit.solvers import lapack

__all__ = ["PIVOT", "Pivoted", "pivoted"]

PIVOT = 64  # roundings of |L| |D| |L|^T beside those of a sum: 53 from a block of order 2, and room
LARGEST = 0.4102  # |d1 d2| / e^2 of such a block: Bunch and Kaufman's constant is ((1 + sqrt(17)) / 8)^2 = 0.41010


class Pivoted(NamedTuple):
    """What a factorisation says of one matrix T.

    Attributes
    ----------
    pivots : numpy array of int, shape (q,)
        The interchanges, as LAPACK notes them; with L and D, which replace T, they solve systems.
    positive : int
        How many eigenvalues of L D L^T are positive.
    size : float
        Bound on the Frobenius norm of |L| |D| |L|^T; NaN or inf where the factorisation proves nothing.
    """

    pivots: Array
    positive: int
    size: float


def pivoted(T: Array) -> Pivoted:
    """Replace a symmetric matrix by its pivoted factorisation, and return what that says.

    Parameters
    ----------
    T : numpy array, float64, shape (q, q)
        In its lower triangle, with zeros above. It may be part of a larger array.

    Returns
    -------
    Pivoted
    """
    pivots = lapack.symmetric_factored(T)
    paired = pivots < 0
    first, second = np.flatnonzero(paired).reshape(-1, 2).T
    diagonal, beside = np.einsum("ii->i", T), np.einsum("ii->i", T[1:, :-1])
    d, e = diagonal.copy(), beside[first]
    # the entries of D give way to those of L while these are measured
    diagonal[...], beside[first] = 1.0, 0.0
    with np.errstate(all="ignore"):  # what overflows or is 0 / 0 proves nothing
        columns = T.T if T.strides[0] == T.itemsize else T
        lengths = np.vecdot(columns, columns)
        diagonal[...], beside[first] = d, e
        balanced = np.all(np.abs(d[first] / e) * np.abs(d[second] / e) <= LARGEST)
        size = np.sum(np.abs(d) * lengths) + 2 * np.sum(np.abs(e) * np.sqrt(lengths[first] * lengths[second]))
    positive = int(np.sum(d[~paired] > 0)) + first.size
    return Pivoted(pivots, positive, float(size) if balanced else np.inf)
