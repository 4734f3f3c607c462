"""Which law of entries a prediction is for: what an initializer and a frequency mean to one coordinate."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

from rankkit.checks import shown
from rankkit.factors import Array
from rankkit.initializers import Initializer, KaimingUniform, Normal, Uniform, XavierUniform
from rankkit.law.limit.kernels import gaussian_values, prolate_values
from rankkit.law.limit.staircase import CUT, Staircase, gaussian_staircase, staircase

__all__ = ["Entries", "entries_of", "law_of"]

BEYOND = 1000.0  # times the frequency that fills the matrix
_SUPPORTED = (KaimingUniform, XavierUniform, Uniform, Normal)


@dataclass(frozen=True)
class Entries:
    """The law of the entries of factors B (m, r) and A (r, n).

    Attributes
    ----------
    m, n, r : int
    gaussian : bool
        Normal entries; otherwise uniform ones.
    unit : float
        Product of both factors' standard deviations (Gaussian) or bounds (uniform): c = omega * unit.
    """

    m: int
    n: int
    r: int
    gaussian: bool
    unit: float

    def c(self, omega: float) -> float:
        """Return omega * unit, radians."""
        return omega * self.unit

    @property
    def filling(self) -> float:
        """The c at which the staircase of uniform entries fills the matrix: (2 c / pi)^r / 2 = max(m, n)."""
        return (math.pi / 2) * (2 * max(self.m, self.n)) ** (1 / self.r)

    @property
    def std(self) -> float:
        """Standard deviation of the entries of B A."""
        return self.unit * math.sqrt(self.r) / (1 if self.gaussian else 3)


def entries_of(d: int, r: int, n: int | None, initializer: Initializer | None) -> Entries:
    """Return the distribution of the entries of the factors of a (d, n) update.

    Parameters
    ----------
    d, r : int
        Rows of the update and rank of the factors.
    n : int or None
        Columns; None: d.
    initializer : Initializer or None
        None: Kaiming uniform with a = 0.

    Raises
    ------
    TypeError
        If initializer is no law whose spectrum is known.
    """
    m, n = d, d if n is None else n
    initializer = KaimingUniform() if initializer is None else initializer
    if not isinstance(initializer, _SUPPORTED):
        raise TypeError(
            f"initializer must be one of {', '.join(law.__name__ for law in _SUPPORTED)}, got {shown(initializer)}; "
            "for other laws pass drawn or trained factors=, or entries=EntryLaw.of_quantile(...) to predict_rank."
        )
    beta, alpha = initializer.scales(m, n, r)
    return Entries(m, n, r, isinstance(initializer, Normal), beta * alpha)


def law_of(entries: Entries, omega: float) -> Staircase:
    """Return the staircase of sin(omega B A) / sqrt(m n).

    Its frequency stops at BEYOND times the one that fills the matrix: there the entries are independent to one part in
    BEYOND, and the staircase would have billions of steps.
    """
    return _law(entries.gaussian, min(entries.c(omega), BEYOND * entries.filling), entries.r)


@lru_cache(maxsize=256)
def _law(gaussian: bool, c: float, r: int) -> Staircase:
    return gaussian_staircase(c, r) if gaussian else staircase(one_coordinate(gaussian, c), r)


@lru_cache(maxsize=256)
def one_coordinate(gaussian: bool, c: float) -> Array:
    """Return mu_n of one coordinate, down to CUT of the largest product of odd degree."""
    if gaussian:
        return gaussian_values(c, floor=0.1 * CUT * min(1.0, c))
    return prolate_values(c, floor=0.1 * CUT * min(1.0, c / 6))
