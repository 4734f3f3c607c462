"""The regimes of the curve of stable rank over the frequency: linear, growing, saturated.

At a small frequency omega, sin(omega B A) is omega B A; at a large one its entries are as good as independent. Between
these limits the stable rank grows. An audit, a prediction and a picture use the same words and the same limits.
"""

from __future__ import annotations

import math

__all__ = ["NEAR", "random_matrix_stable_rank", "regime_of"]

NEAR = 0.1  # within this share of a limit the curve is as good as there


def random_matrix_stable_rank(m: float, n: float) -> float:
    """Return m n / (sqrt m + sqrt n)^2, the stable rank of a large m x n matrix of independent entries.

    Its squared Frobenius norm is m n and its largest singular value sqrt m + sqrt n times the entries' standard
    deviation (Bai and Yin 1993). A sine's stable rank tends to it as the frequency grows.

    Parameters
    ----------
    m, n : float
        Rows and columns.

    Examples
    --------
    >>> round(random_matrix_stable_rank(512, 512), 9)
    128.0
    """
    return m * n / (math.sqrt(m) + math.sqrt(n)) ** 2


def regime_of(stable_rank: float, plain_stable_rank: float, shape: tuple[int, int], *, saturates: bool = True) -> str:
    """Return "linear", "growing" or "saturated": where on the frequency curve an update sits.

    Linear: the stable rank is within 10 % of that of B A, the limit of small frequencies. Saturated: it is at least
    90 % of that of a random matrix, the limit of large ones. Growing: neither. An update that is both is linear.

    Parameters
    ----------
    stable_rank : float
        Of the update phi(B A).
    plain_stable_rank : float
        Of B A.
    shape : tuple of int
        (m, n) of the update.
    saturates : bool
        Whether the rule's values become independent at large frequencies, as a sine's do. Sinter's do not: its linear
        part stays.

    Examples
    --------
    >>> [regime_of(rank, 2.0, (512, 512)) for rank in (2.1, 40.0, 127.0)]
    ['linear', 'growing', 'saturated']
    """
    if abs(stable_rank - plain_stable_rank) <= NEAR * plain_stable_rank:
        return "linear"
    return "saturated" if saturates and stable_rank >= (1 - NEAR) * random_matrix_stable_rank(*shape) else "growing"
