"""The measures that the law predicts of one frequency, all from the same equations."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property, lru_cache, partial

import numpy as np

from rankkit.checks import finite, tolerance
from rankkit.factors import Array
from rankkit.law.equations import equations_of, leverage_of, weyl_of
from rankkit.law.error import Estimate, Parts, count_error, participation_error, ratio_error
from rankkit.law.finite.edge import Largest, largest
from rankkit.law.finite.independent import Independent
from rankkit.law.finite.self_consistent import Counted, Equations, Follower, Path
from rankkit.law.finite.splitting import Leverage
from rankkit.law.limit.entries import Entries, law_of
from rankkit.law.limit.staircase import Staircase
from rankkit.law.quantiles import Counting, quantiles
from rankkit.law.schatten_norms import participation_ratio
from rankkit.metrics import default_rtol
from rankkit.regime import regime_of

__all__ = ["MEASURES", "Cutoff", "Frequency", "participation_of", "plain_stable_rank"]

MEASURES = ("numerical_rank", "stable_rank", "participation_ratio", "effective_rank", "effective_rank_energy")
DEEPEST = 1e-14  # of sigma_1: what float64 can measure of a matrix
LIMIT_C = 1e-4  # radians: sin x = x to 1e-8 of it
# thresholds of sigma_1 between which the values of a spectrum are looked for, and how closely, in their logs; each
# range has its own equations
RANGES = (
    (np.geomspace(1, 1e-3, 25)[1:], 0.04),
    (np.geomspace(1e-3, 1e-7, 13)[1:], 0.1),
    (np.geomspace(1e-7, DEEPEST, 15)[1:], 0.3),
)
DEPTH = 0.99e-7  # of sigma_1: squares of what is smaller are below the rounding errors of an eigenvalue problem
# of min(m, n): where Weyl's law counts more, its count is taken. In 267 settings it counted up to 94 % of min(m, n) too
# few, but in the 62 beyond NEARLY_FULL at most 0.013 %, and nowhere more than 0.009 % too many
NEARLY_FULL = 0.998
MOST_VALUES = 10**7  # of a spectrum that is listed: 80 MB


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


@dataclass(frozen=True, eq=False)
class Frequency:
    """What the law says of S = sin(omega B A) at one frequency; what several measures need is made once.

    Attributes
    ----------
    entries : Entries
    omega : float
    path : Path
        Shared with frequencies nearby; their solutions are where this one's is looked for.
    """

    entries: Entries
    omega: float
    path: Path = field(default_factory=Path, kw_only=True)

    @property
    def name(self) -> str:
        """What is predicted, in words."""
        return "sin(omega B A)"

    @property
    def limit(self) -> int:
        """min(m, n)."""
        return min(self.entries.m, self.entries.n)

    @property
    def c(self) -> float:
        """c, omega times both scales of the entries, radians."""
        return self.entries.c(self.omega)

    def cutoff(self, rtol: float | None, atol: float | None, gain: float | None) -> Cutoff:
        """Return what a user means by tolerances of sin(omega B A) / gain; neither: the default rtol."""
        relative, absolute = tolerance(rtol, atol, default=default_rtol((self.entries.m, self.entries.n)))
        return Cutoff(relative, absolute / self.scale(gain))

    def scale(self, gain: float | None) -> float:
        """Return sqrt(m n) / gain, by which values of S / sqrt(m n) become those of S / gain; None: gain = sqrt(m)."""
        m, n = self.entries.m, self.entries.n
        divisor = math.sqrt(m) if gain is None else finite("gain", gain, least=0, strict=True, advice="leave it out")
        return math.sqrt(m * n) / divisor

    @cached_property
    def staircase(self) -> Staircase:
        """The values that those of S / sqrt(m n) tend to."""
        return law_of(self.entries, self.omega)

    @property
    def energy(self) -> float:
        """E ||S||_F^2 / (m n)."""
        return self.staircase.energy

    @cached_property
    def top(self) -> float:
        """sigma_1 / sqrt(m n)."""
        return self.largest.value

    @cached_property
    def largest(self) -> Largest:
        """sigma_1, and how far it varies between draws."""
        return largest(self.staircase, self.entries.m, self.entries.n, self._leverage, r=self.entries.r)

    @cached_property
    def stable_rank(self) -> float:
        """||S||_F^2 / sigma_1^2, the mean over draws.

        The mean of a ratio is not the ratio of the means: it is larger by the variance of sigma_1^2.
        """
        return min(max(self.energy / self.top**2 * self.largest.lift, 1.0), float(self.limit))

    @property
    def regime(self) -> str:
        """Where on the frequency curve the stable rank is: linear, growing or saturated."""
        return regime_of(self.stable_rank, plain_stable_rank(self.entries), (self.entries.m, self.entries.n))

    @cached_property
    def values(self) -> Array:
        """The singular values of S / sqrt(m n), descending, shape (min(m, n),)."""
        if self.limit > MOST_VALUES:
            raise ValueError(
                f"d and n must not both be above {MOST_VALUES:,} where all singular values are listed, got "
                f"{self.limit:,} of them; predict a numerical or a stable rank, which lists none."
            )
        values = self.top * np.exp(quantiles(self._ranges(), self.limit))
        values[0] = self.top
        return values

    def _ranges(self) -> Iterator[Counting]:
        for thresholds, fine in RANGES:
            counter = self._counter((float(thresholds[-1]) * self.top) ** 2)
            yield Counting(thresholds, fine, partial(self._above, counter=counter))

    def _counter(self, least: float) -> Callable[[float], Counted]:
        """Return what counts the squares above one, of at least `least`, after another."""
        return Follower(self._equations(least)).count

    def _above(self, relative: float, counter: Callable[[float], Counted]) -> float:
        return (self._below(relative) if relative < DEPTH else counter((relative * self.top) ** 2)).value

    def rank(self, cutoff: Cutoff) -> Counted:
        """Return how many singular values exceed the cutoff: at least one where it is below sigma_1."""
        if cutoff.rtol >= 1:  # the default one; what a user gives is below
            raise ValueError(
                f"rtol must be given for this size: the default, max(d, n) * eps(float32), is {cutoff.rtol:.3g}, and "
                "no singular value exceeds the largest."
            )
        relative = cutoff.relative(self.top)
        if relative >= 1:
            return Counted(0.0, 0.0, 0.0)
        found = self._below(relative) if relative < DEPTH else self._solved(relative)
        if not math.isfinite(found.value):
            raise ArithmeticError(
                f"the numerical rank has no prediction at r = {self.entries.r}, whose sums are no floats; predict the "
                "stable rank, or draw factors and count."
            )
        return found._replace(value=max(found.value, 1.0))

    def unlimited(self, cutoff: Cutoff) -> float:
        """Return how many values exceed the cutoff of this matrix as it grows; NaN where some are not known singly."""
        threshold = cutoff.relative(self.top) * self.top
        return self.staircase.above(threshold) if self.staircase.tail < threshold**2 else math.nan

    def _solved(self, relative: float) -> Counted:
        square = (relative * self.top) ** 2
        log = math.log(self.omega)
        many = self._many()
        if many is not None:
            with suppress(ArithmeticError):  # where they have no solution, the others may
                found = self.path.follower(many, log).count(square)
                if found.value > NEARLY_FULL * self.limit:
                    return found
        return self.path.follower(self._equations(square), log).count(square)

    @cached_property
    def _deepest(self) -> tuple[Counted, Counted]:
        """What the equations count above DEPTH, and what those with equal weights do."""
        return self._solved(DEPTH), self._independent.count((DEPTH * self.top) ** 2)

    @property
    def _independent(self) -> Follower:
        size = self.entries
        return Follower(Independent.of(self.staircase, size.m, size.n, size.r))

    def _below(self, relative: float) -> Counted:
        """Return a count below DEPTH: it grows as with equal weights, as much more slowly as it does at DEPTH."""
        here, equal = self._deepest
        slower = min(here.density / equal.density, 1.0) if equal.density > 0 else 1.0
        more = slower * max(self._independent.count((relative * self.top) ** 2).value - equal.value, 0.0)
        value = min(here.value + more, float(self.limit))
        return here._replace(value=value, crossings=here.crossings + value - here.value)

    @property
    def participation_ratio(self) -> float:
        """||S||_F^4 / ||S S^T||_F^2."""
        return participation_ratio(self.entries, self.omega)

    def effective_rank(self, power: int) -> float:
        """Return exp of the entropy of sigma^power / sum sigma^power."""
        p = self.values[self.values > 0] ** power
        p = p / np.sum(p)
        return float(np.exp(-np.sum(p * np.log(p))))

    def check(self, measure: str, cutoff: Cutoff) -> None:
        """Raise a ValueError where a measure is known so badly that its value says nothing."""

    def measure(self, name: str, cutoff: Cutoff) -> float:
        """Return one of MEASURES."""
        if name == "numerical_rank":
            return self.rank(cutoff).value
        if name == "stable_rank":
            return self.stable_rank
        if name == "participation_ratio":
            return self.participation_ratio
        return self.effective_rank(2 if name == "effective_rank_energy" else 1)

    def estimate(self, measure: str, cutoff: Cutoff) -> Estimate:
        """Return numerical_rank, stable_rank or participation_ratio, with its error."""
        if measure == "numerical_rank":
            found = self.rank(cutoff)
            parts = Parts(self.unlimited(cutoff), found.value + found.crossings, found.crossings)
            return Estimate(found.value, count_error(found, self.entries.r, self.limit), parts)
        value = self.measure(measure, cutoff)
        if measure == "stable_rank":
            return Estimate(value, ratio_error(value, self.largest.scatter))
        return Estimate(value, participation_error(value, self.entries))

    def _leverage(self, t: float) -> Leverage | None:
        return leverage_of(self.entries, self.omega, t)

    def _equations(self, least: float) -> Equations:
        return equations_of(self.entries, self.omega, least=least)

    def _many(self) -> Equations | None:
        return weyl_of(self.entries, self.omega)


def participation_of(values: Array) -> float:
    """Return ||S||_F^4 / ||S S^T||_F^2 of a matrix with these singular values, or multiples of them."""
    squares = values**2
    return float(np.sum(squares) ** 2 / np.sum(squares**2))


@lru_cache(maxsize=256)
def plain_stable_rank(entries: Entries) -> float:
    """Return the stable rank predicted of B A, the limit of that of sin(omega B A) as omega falls."""
    return Frequency(entries, LIMIT_C / entries.unit).stable_rank
