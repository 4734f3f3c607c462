"""The measures that the law predicts of one frequency, all from one finite-size equivalent."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import NamedTuple

import numpy as np

from rankkit.checks import finite, tolerance
from rankkit.factors import Array
from rankkit.law.entries import Entries, law_of
from rankkit.law.finite_size import FiniteSize, finite_size
from rankkit.law.fitted import CROWDING, SPREAD
from rankkit.law.schatten_norms import participation_ratio
from rankkit.metrics import default_rtol
from rankkit.regime import regime_of

__all__ = [
    "MEASURES",
    "Cutoff",
    "Frequency",
    "cutoff_of",
    "plain_stable_rank",
    "rank_error",
    "scale_of",
    "stable_rank_error",
]

MEASURES = ("numerical_rank", "stable_rank", "participation_ratio", "effective_rank", "effective_rank_energy")
DEEPEST = 1e-14  # of sigma_1: what float64 can measure of a matrix
GRID = 400  # thresholds from twice sigma_1 down to DEEPEST between which the values are interpolated

# relative, for both laws of entries; the largest misses that were measured (benchmarks/README.md) are 4.3 % on curves
# of uniform entries, 12.4 % on those of Gaussian ones and 13.7 % of a target
STABLE_RANK_ERROR = 0.16


class _RankError(NamedTuple):
    """The largest misses of a predicted count: the smaller of two shares, of the count and of min(m, n)."""

    of_rank: float
    of_size: float


# by whether entries are Gaussian; the largest misses that were measured (benchmarks/README.md) are 7.2 % of min(m, n)
# for uniform entries and 27.8 % for Gaussian ones
RANK_ERROR = {False: _RankError(0.1, 0.08), True: _RankError(1.1, 0.3)}


@dataclass(frozen=True)
class Cutoff:
    """A singular value of sin(omega B A) / sqrt(m n) counts above rtol times the largest, plus atol; one is zero.

    Attributes
    ----------
    rtol, atol : float
    """

    rtol: float
    atol: float

    def relative(self, top: float) -> float:
        """Return the threshold relative to the largest value, at least DEEPEST."""
        relative = self.rtol + self.atol / top
        if relative < DEEPEST:
            raise ValueError(
                f"the threshold must be at least 1e-14 sigma_1, got {relative:.3g} of it, which float64 cannot "
                "measure; raise it."
            )
        return relative


def cutoff_of(entries: Entries, rtol: float | None, atol: float | None, gain: float | None) -> Cutoff:
    """Return what a user means by tolerances of sin(omega B A) / gain; neither: the default rtol."""
    relative, absolute = tolerance(rtol, atol, default=default_rtol((entries.m, entries.n)))
    return Cutoff(relative, absolute / scale_of(entries, gain))


def scale_of(entries: Entries, gain: float | None) -> float:
    """Return sqrt(m n) / gain, by which values of S / sqrt(m n) become those of S / gain; None: gain = sqrt(m)."""
    root = math.sqrt(entries.m)
    divisor = root if gain is None else finite("gain", gain, least=0, strict=True, advice="leave it out for sqrt(d)")
    return math.sqrt(entries.m * entries.n) / divisor


@dataclass(frozen=True, eq=False)
class Frequency:
    """What the law says of S = sin(omega B A) at one frequency; what several measures need is made once.

    Attributes
    ----------
    entries : Entries
    omega : float
    """

    entries: Entries
    omega: float

    @cached_property
    def size(self) -> FiniteSize:
        """The staircase, sampled at m rows and n columns."""
        entries = self.entries
        law = law_of(entries, self.omega)
        return finite_size(law, m=entries.m, n=entries.n, r=entries.r, gaussian=entries.gaussian)

    @cached_property
    def stable_rank(self) -> float:
        """||S||_F^2 / sigma_1^2."""
        return _stable_rank(self.size, law_of(self.entries, self.omega).energy)

    @property
    def regime(self) -> str:
        """Where on the frequency curve the stable rank is: linear, growing or saturated."""
        return regime_of(self.stable_rank, plain_stable_rank(self.entries), (self.entries.m, self.entries.n))

    @cached_property
    def values(self) -> Array:
        """The singular values of S / sqrt(m n), descending, shape (min(m, n),)."""
        count = min(self.size.m, self.size.n)
        top = self.size.top
        grid = top * np.exp(np.linspace(math.log(2.0), math.log(DEEPEST), GRID))
        above = np.maximum.accumulate(self.size.above(grid))
        wanted = np.arange(count) + 0.5
        values = np.exp(np.interp(wanted, above, np.log(grid), right=-np.inf))
        values[0] = top
        return np.minimum(values, top)

    def rank(self, cutoff: Cutoff) -> float:
        """Return how many singular values exceed the cutoff."""
        relative = cutoff.relative(self.size.top)
        # the counts' constants were fitted to thresholds relative to this sigma_1
        return float(self.size.above(relative * self.size.independent_top)) if relative < 1 else 0.0

    def effective_rank(self, power: int) -> float:
        """Return exp of the entropy of sigma^power / sum sigma^power."""
        p = self.values[self.values > 0] ** power
        p = p / np.sum(p)
        return float(np.exp(-np.sum(p * np.log(p))))

    def measure(self, name: str, cutoff: Cutoff) -> float:
        """Return one of MEASURES."""
        if name == "numerical_rank":
            return self.rank(cutoff)
        if name == "stable_rank":
            return self.stable_rank
        if name == "participation_ratio":
            return participation_ratio(self.entries, self.omega)
        return self.effective_rank(2 if name == "effective_rank_energy" else 1)


@lru_cache(maxsize=256)
def plain_stable_rank(entries: Entries) -> float:
    """Return the stable rank predicted of B A, the limit of that of sin(omega B A) as omega falls.

    Of the staircase r equal values are left: its products with one factor mu_1 and otherwise mu_0.
    """
    one, many = np.ones(1), np.full(1, float(entries.r))
    fitted = SPREAD[entries.gaussian], CROWDING[entries.gaussian]
    return _stable_rank(FiniteSize(one, many, 0.0, entries.m, entries.n, entries.r, *fitted), float(entries.r))


def stable_rank_error(value: float) -> float:
    """Return how far measured means were from predicted stable ranks at most: see `Prediction.error`."""
    return STABLE_RANK_ERROR * float(value)


def rank_error(entries: Entries, rank: float) -> float:
    """Return how far measured means were from predicted ranks at most: see `Prediction.error`."""
    share = RANK_ERROR[entries.gaussian]
    return 1.0 + min(share.of_rank * float(rank), share.of_size * min(entries.m, entries.n))


def _stable_rank(size: FiniteSize, energy: float) -> float:
    return min(max(energy / size.top**2, 1.0), float(min(size.m, size.n)))
