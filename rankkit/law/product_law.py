"""ProductLaw: rows and columns whose entries are independent, each of a law of its own; correlated Gaussian ones too.

b . a keeps its value where B becomes B M and A becomes M^-1 A. With Gaussian rows of covariance C_B and columns of
covariance C_A there is an M that makes both covariances diagonal and equal, so that a correlated pair is a pair of
independent columns whose frequencies are those of the roots of the eigenvalues of C_B C_A.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from rankkit.factors import Array
from rankkit.law.equations import FEW, SMALL
from rankkit.law.error import Error, Estimate
from rankkit.law.finite.independent import Independent, filled_at
from rankkit.law.finite.mixed import Counter, Mixed
from rankkit.law.finite.self_consistent import Counted, Equations, Path
from rankkit.law.finite.splitting import Leverage, columns_leverage
from rankkit.law.limit.columns import Column, OneColumn, above, columns_staircase, energy_of, listed_columns, one_column
from rankkit.law.limit.entries import Entries
from rankkit.law.limit.entry_laws import EntryLaw
from rankkit.law.limit.staircase import Staircase, noise
from rankkit.law.measures import DEPTH, LIMIT_C, Cutoff, Frequency, participation_of
from rankkit.regime import regime_of

__all__ = ["FILLED", "ColumnsFrequency", "ProductLaw"]

# power of the relative threshold at which a count is lower by about what weights that are products may miss, and how
# much wider than for uniform and Gaussian entries the own error of other measures is; from 100 settings of seven laws
SHALLOWER, WIDER = 0.9, 1.5
HEAVIEST = 8.0  # largest `EntryLaw.tail` with a numerical rank: Laplace's is 6.1, that of Student's t, 5 degrees, 6.2
# beyond a normal tail draws differ more: by 1.5 to 2.3 times for Laplace entries, whose tail is 1.84 times as heavy
# (16 draws of 4 settings)
NORMAL_TAIL, APART = 3.31, 1.5
FARTHEST_C = 600.0  # phase of far entries up to which one column's values are computed
OVERFULL = 10.0  # times as many values as rows: the entries are as good as independent
FILLED = 40.0  # times the frequency that fills the matrix: nothing changes any more
TRIES = 16
BESIDE = 1e-6  # of a frequency: more than rounding moves it
ENERGY = 0.5  # mean of sin^2 over all phases


@dataclass(frozen=True, eq=False)
class ProductLaw:
    """The law of factors whose columns are independent.

    Attributes
    ----------
    m, n : int
    columns : sequence of Column
    about : str
        What the entries are, in words.
    """

    m: int
    n: int
    columns: Sequence[Column]
    about: str

    @property
    def r(self) -> int:
        """Number of coordinates."""
        return sum(column.many for column in self.columns)

    @property
    def laws(self) -> list[EntryLaw]:
        """The laws of all columns, of B and of A."""
        return [law for one in self.columns for law in (one.rows, one.columns)]

    @cached_property
    def std(self) -> float:
        """Standard deviation of the entries of B A."""
        return math.sqrt(sum(one.many * (one.scale * one.rows.std * one.columns.std) ** 2 for one in self.columns))

    @property
    def entries(self) -> Entries:
        """Sizes, and uniform entries that give B A the same standard deviation."""
        return Entries(self.m, self.n, self.r, False, 3 * self.std / math.sqrt(self.r))

    @property
    def of_sine(self) -> bool:
        """True: no other rule is predicted of such entries."""
        return True

    @property
    def tries(self) -> int:
        """Frequencies at which a target is looked for first."""
        return TRIES

    @property
    def _farthest(self) -> float:
        """The omega up to which the values of every column are computed."""
        return FARTHEST_C / max(one.far(1.0) for one in self.columns)

    @property
    def ends(self) -> bool:
        """Whether larger frequencies than those of `span` have no prediction, though they change something."""
        return not self.frequency(self._farthest * (1 + BESIDE)).overfull

    @property
    def span(self) -> tuple[float, float]:
        """The frequencies between which a target is looked for, up to where the prediction ends or nothing changes."""
        least, turned = LIMIT_C / self.entries.unit, self._farthest
        if self.ends:
            return least, turned * (1 - BESIDE)
        return least, FILLED * max(self.entries.filling / self.entries.unit, turned)

    @cached_property
    def plain(self) -> float:
        """The stable rank of B A, the limit of that of the sine as omega falls."""
        return self.frequency(LIMIT_C / self.std).stable_rank

    def frequency(self, omega: float, path: Path | None = None) -> ColumnsFrequency:
        """Return what the law says of one frequency."""
        return ColumnsFrequency(self.entries, omega, self, path=path or Path())


@dataclass(frozen=True, eq=False)
class ColumnsFrequency(Frequency):
    """What the law says of sin(omega B A) with independent columns.

    Attributes
    ----------
    law : ProductLaw
    """

    law: ProductLaw

    @property
    def name(self) -> str:
        """What is predicted, in words."""
        return f"sin(omega B A) of {self.law.about}"

    @property
    def c(self) -> float:
        """NaN: no one number describes these entries."""
        return math.nan

    @cached_property
    def problems(self) -> list[OneColumn]:
        """The values of each column, rows being the longer side."""
        tall = self.law.m >= self.law.n
        columns = [one if tall else one.transposed for one in self.law.columns]
        far = max(one.far(self.omega) for one in columns)
        if far > FARTHEST_C:
            raise ValueError(
                f"omega must be at most {self.omega * FARTHEST_C / far:.4g} for these entries, got {self.omega:.4g}: "
                "the values of a column that turns faster have no prediction here; draw factors and measure them."
            )
        return [one_column(one, self.omega) for one in columns]

    @property
    def overfull(self) -> bool:
        """Whether a column turns too fast to be computed and all together have far more values than the matrix."""
        if max(one.far(self.omega) for one in self.law.columns) <= FARTHEST_C or self._few_values:
            return False
        turns = [self.omega * one.scale * one.rows.std * one.columns.std for one in self.law.columns]
        modes = sum(one.many * math.log(max(c, 1.0)) for c, one in zip(turns, self.law.columns, strict=True))
        return modes > math.log(OVERFULL * max(self.law.m, self.law.n))

    @property
    def many(self) -> list[int]:
        """How many coordinates each column stands for."""
        return [one.many for one in self.law.columns]

    @cached_property
    def staircase(self) -> Staircase:
        """The values that those of S / sqrt(m n) tend to."""
        if self.overfull:
            return noise(ENERGY)
        return columns_staircase(self.problems, self.many)

    @property
    def participation_ratio(self) -> float:
        """||S||_F^4 / ||S S^T||_F^2, from the predicted values."""
        return participation_of(self.values)

    @property
    def regime(self) -> str:
        """Where on the frequency curve the stable rank is: linear, growing or saturated."""
        return regime_of(self.stable_rank, self.law.plain, (self.law.m, self.law.n))

    @property
    def worst_tail(self) -> float:
        """The heaviest `EntryLaw.tail`."""
        return max(law.tail for law in self.law.laws)

    @property
    def wider(self) -> float:
        """How many times as much draws differ as those with normal tails."""
        return max(self.worst_tail / NORMAL_TAIL, 1.0) ** APART

    @property
    def _few_values(self) -> bool:
        """Whether rows are equal by chance, so that no frequency makes all entries independent."""
        return any(law.few_values for law in self.law.laws)

    def _check_values(self) -> None:
        if self._few_values:
            raise ValueError(
                "a numerical rank is unavailable for entries that take some values often: rows that are equal by "
                "chance have no prediction here; predict the stable rank, or draw factors and count."
            )

    def _check_tails(self) -> None:
        worst = self.worst_tail
        if worst > HEAVIEST:
            raise ValueError(
                f"a numerical rank is unavailable for entries of which one in a thousand is {worst:.2g} times as large "
                f"as most; up to {HEAVIEST:g} times the law holds. Predict the stable rank, or draw factors and count."
            )

    def estimate(self, measure: str, cutoff: Cutoff) -> Estimate:
        """Return numerical_rank or stable_rank, with its error."""
        found = super().estimate(measure, cutoff)
        scatter = found.error.scatter * self.wider
        if measure != "numerical_rank":
            return Estimate(found.value, Error(WIDER * found.error.own, scatter))
        moved = self.moved(found.value, cutoff, SHALLOWER)
        return found._replace(error=Error(math.hypot(found.error.own, moved), scatter))

    def moved(self, count: float, cutoff: Cutoff, power: float) -> float:
        """Return how many values fewer exceed a power of the relative threshold."""
        relative = cutoff.relative(self.top)
        return max(count - self.rank(Cutoff(relative**power, 0.0)).value, 0.0) if relative < 1 else 0.0

    def _leverage(self, t: float) -> Leverage | None:
        if self.overfull:
            return None
        by_row = [(one.p, [(U, mu) for U, mu, _ in one.parts]) for one in self.problems]
        by_column = [(one.q, [(V, mu) for _, mu, V in one.parts]) for one in self.problems]
        rows, columns = (columns_leverage(side, self.many, t) for side in (by_row, by_column))
        m, n = max(self.law.m, self.law.n), self.limit
        return None if rows is None or columns is None else rows.with_columns(columns, m, n)

    def _solved(self, relative: float) -> Counted:
        square = (relative * self.top) ** 2
        self._check_values()
        self._check_tails()
        return self.counter(square, self.path).count(square)

    def _below(self, relative: float) -> Counted:
        """Return a count below DEPTH, with as many values in each factor as at DEPTH; all these may be missed.

        With equal weights far more values fill the matrix than rows far out can see.
        """
        here = self._deepest[0]
        value = min(here.value + here.density * math.log(DEPTH / relative), float(self.limit))
        more = value - here.value
        return here._replace(value=value, crossings=here.crossings + more, off=math.hypot(here.off, more))

    def _counter(self, least: float) -> Callable[[float], Counted]:
        """Return what counts the squares above one, of at least `least`, after another."""
        self._check_values()
        self._check_tails()
        return self.counter(least, Path()).count

    def counter(self, least: float, path: Path) -> Counter:
        """Return what counts, whatever the laws are; `least` is the smallest s^2 that is asked for."""
        equations, whole = self._both(least)
        return Counter(path.follower(equations, math.log(self.omega)), whole)

    def _both(self, least: float) -> tuple[Equations, Mixed | None]:
        """Return the equations, and where their list of products is cut short those without a list."""
        m, n = max(self.law.m, self.law.n), self.limit
        law = self.staircase
        filled = filled_at(law, n)
        if law.listed == 0 or law.values[0] ** 2 < FEW * SMALL * max(least, filled):
            return Independent.of(law, m, n, self.law.r), None
        depth = 0.5 * math.log(law.values[0] ** 2 / (SMALL * least))
        seen = listed_columns(self.problems, self.many, depth)
        # values that no product needs cost time and accuracy
        needed = np.asarray(seen.counts.sum(axis=0)).ravel() > 0
        ends = np.cumsum([problem.values.size for problem in self.problems])[:-1]
        parts = zip(self.problems, np.split(needed, ends), strict=True)
        problems = [problem.leading(wanted) for problem, wanted in parts]
        listed = listed_columns(problems, self.many, depth)
        logs: Array = np.concatenate([np.log(problem.values) for problem in problems])
        held = float(np.sum(listed.many * np.exp(2 * (listed.counts @ logs))))
        cut = Mixed(m, n, problems, self.many, listed, max(law.energy - held, 0.0))
        if listed.whole:
            return cut, None
        problems = above(self.problems, self.many, depth)
        return cut, Mixed(m, n, problems, self.many, None, max(law.energy - energy_of(problems, self.many), 0.0))
