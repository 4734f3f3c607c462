"""What the law says of phi(B A) with independent columns of any laws, for any elementwise rule."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from rankkit.factors import Array
from rankkit.law.any_phi import elementwise, is_sine, phi_at
from rankkit.law.equations import FEW
from rankkit.law.error import Error, Estimate
from rankkit.law.finite.independent import Independent, filled_at
from rankkit.law.finite.mixed import Mixed
from rankkit.law.finite.self_consistent import Equations, Follower, Path
from rankkit.law.finite.splitting import Leverage
from rankkit.law.limit.staircase import Staircase
from rankkit.law.measures import LIMIT_C, Cutoff, Frequency
from rankkit.law.product_law import FILLED, ColumnsFrequency, ProductLaw
from rankkit.law.ranges import check_phi
from rankkit.law.waves.equations import AtPoints, Tail
from rankkit.law.waves.known import Known, Values
from rankkit.law.waves.points import FEW_UP_TO, Part, Points, at_points, spread
from rankkit.regime import regime_of
from rankkit.rules import Rule
from rankkit.rules.rule import Pointwise

__all__ = ["RuleLaw", "RuleOfColumns"]

NEAR_TOP = 0.01  # of lambda_1: values below add to sigma_1 and to the energy by their energy alone
FLOOR = 1e-3  # of y: squares below it only add up
UNHEARD = 0.02  # of lambda_1: what waves that are left out may add to it
SURELY = 0.25  # of that as a share of the loudest wave, which is larger: then the prediction is there
NEGLIGIBLE = 1e-3  # of the square of the threshold: an energy that changes no count
# of values that are bounds from below, and times the range between possible staircases: how far a count may be off;
# chosen on 28 settings with uniform entries (means of six draws, ReLU, Gaussian, Sinter, tanh, r = 3 to 8)
BOUND, POSSIBLE = 0.06, 2.5
UNKNOWN = 0.1  # of min(m, n): a count that unknown values may move by more is no prediction
# places, in two standard deviations of B A, at which a multiple of another phi is one, and how closely; far ones are
# where a rule turns most
MULTIPLES, MULTIPLES_AT, MULTIPLE = 7.0, 998, 1e-12
TRIES, ENDS = 12, 40  # frequencies at which a target is looked for first, and at which the end of the law is


@dataclass(frozen=True, eq=False)
class RuleLaw(ProductLaw):
    """The law of rule(B, A) of factors whose columns are independent.

    Attributes
    ----------
    rule : callable
        omega -> Rule.
    """

    rule: Callable[[float], Rule]
    _seen: list[tuple[Array, Values]] = field(default_factory=list[tuple[Array, Values]], init=False)

    @property
    def of_sine(self) -> bool:
        """False: another rule is predicted."""
        return False

    @property
    def tries(self) -> int:
        """Frequencies at which a target is looked for first."""
        return TRIES

    @property
    def ends(self) -> bool:
        """Whether larger frequencies than those of `span` have no prediction, though they change something."""
        return self.span[1] < self._filled

    @property
    def span(self) -> tuple[float, float]:
        """The frequencies between which a target is looked for, up to where the prediction ends or nothing changes."""
        return LIMIT_C / self.entries.unit, self._furthest

    @cached_property
    def _furthest(self) -> float:
        least = LIMIT_C / self.entries.unit
        omegas = np.geomspace(least, self._filled, ENDS).tolist()
        if self._fits(omegas[-1]):
            return omegas[-1]
        low, high = 0, ENDS - 1  # the last one is known not to fit
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (middle, high) if self._fits(omegas[middle]) else (low, middle)
        return omegas[low]

    @property
    def _filled(self) -> float:
        return FILLED * self.entries.filling / self.entries.unit

    def _fits(self, omega: float) -> bool:
        """Return whether the plane waves of phi are few enough."""
        found = self.frequency(omega)
        try:
            return not isinstance(found, RuleOfColumns) or found.fits
        except ValueError:  # phi turns faster than its samples
            return False

    @cached_property
    def plain(self) -> float:
        """The stable rank of B A."""
        return ProductLaw(self.m, self.n, self.columns, self.about).plain

    def frequency(self, omega: float, path: Path | None = None) -> ColumnsFrequency:
        """Return what the law says of one frequency."""
        made = elementwise(self.rule, omega)
        if is_sine(made, omega):
            return ProductLaw(self.m, self.n, self.columns, self.about).frequency(omega, path)
        check_phi(made, self.std)
        values, times = self._values(made)
        return RuleOfColumns(self.entries, omega, self, made, values, times, path=path or Path())

    def _values(self, made: Pointwise) -> tuple[Values, float]:
        """Return the singular values of phi, or of an earlier phi that this is a multiple of, and the multiple."""
        t = 2 * self.std * np.linspace(-MULTIPLES, MULTIPLES, MULTIPLES_AT)
        here = phi_at(made, self.m, t)
        for there, values in self._seen:
            times = float(here @ there) / float(there @ there)
            if times > 0 and np.max(np.abs(here - times * there)) <= MULTIPLE * np.max(np.abs(here)):
                return values, times
        tall = self.m >= self.n
        columns = [one if tall else one.transposed for one in self.columns]
        values = Values(lambda t: phi_at(made, self.m, t), columns)
        if np.all(np.isfinite(here)) and np.any(here):
            self._seen[:] = [(here, values)]
        return values, 1.0


@dataclass(frozen=True, eq=False)
class RuleOfColumns(ColumnsFrequency):
    """What the law says of rule(B, A) with independent columns; `omega` is the one that the rule was made with.

    Attributes
    ----------
    rule : Rule
        Applies phi to every entry of B A.
    values_of_phi : Values
        The singular values of phi(b . a) over `times`, rows being the longer side.
    times : float
        A multiple, which no relative threshold sees.
    """

    rule: Pointwise
    values_of_phi: Values
    times: float

    @property
    def name(self) -> str:
        """The rule's name, its argument and the entries."""
        return f"{self.rule.label}(B A) of {self.law.about}"

    def scale(self, gain: float | None) -> float:
        """Return by which the values of this law become those of S; a rule has no gain."""
        return self.times * math.sqrt(self.entries.m * self.entries.n)

    @property
    def regime(self) -> str:
        """Where on the frequency curve the stable rank is; a rule that does not oscillate has no plateau."""
        shape = (self.law.m, self.law.n)
        return regime_of(self.stable_rank, self.law.plain, shape, saturates=self.rule.oscillates)

    @cached_property
    def staircase(self) -> Staircase:
        """The values that those of S / sqrt(m n) tend to; those that are not known fall by a power law."""
        return self._near_top.staircase()

    def check(self, measure: str, cutoff: Cutoff) -> None:
        """Raise a ValueError where values that are not known may move a count by more than UNKNOWN of the matrix."""
        if measure == "numerical_rank" and self._unknown(cutoff) > UNKNOWN * self.limit:
            raise ValueError(
                f"a numerical rank at {cutoff.relative(self.top):.2g} of sigma_1 is unavailable for {self.name}: it "
                "depends on values that are not known one by one. Raise the tolerance, or draw factors and count."
            )

    def estimate(self, measure: str, cutoff: Cutoff) -> Estimate:
        """Return numerical_rank, stable_rank or participation_ratio, with its error."""
        found = Frequency.estimate(self, measure, cutoff)
        scatter = found.error.scatter * self.wider
        if measure != "numerical_rank":
            moved = 2 * self._near_top.operator.moved * found.value  # they hold the square of sigma_1
            return Estimate(found.value, Error(math.hypot(found.error.own, moved), scatter))
        own = math.hypot(found.error.own, self._unknown(cutoff), self._uneven(cutoff, found.value))
        return found._replace(error=Error(own, scatter))

    def unlimited(self, cutoff: Cutoff) -> float:
        """Return how many values exceed the cutoff of this matrix as it grows; NaN where some are not known singly."""
        threshold = cutoff.relative(self.top) * self.top
        known = self.values_of_phi.down_to(threshold)
        return known.staircase().above(threshold) if known.trusted <= threshold else math.nan

    @property
    def fits(self) -> bool:
        """Whether the plane waves of phi are few enough, without their operator."""
        return self.values_of_phi.left_out <= SURELY * UNHEARD

    @cached_property
    def _near_top(self) -> Known:
        first = self.values_of_phi.down_to(math.sqrt(NEAR_TOP * self.values_of_phi.energy))
        found = self.values_of_phi.down_to(NEAR_TOP * first.operator.top)
        if found.left_out > UNHEARD * found.operator.top:
            raise ValueError(
                f"{self.name} has no prediction here: its far entries need more plane waves than fit; draw factors and "
                "measure them."
            )
        return found

    @cached_property
    def _points_near_top(self) -> tuple[Points, list[Part]]:
        operator = self._near_top.operator
        return at_points(operator, NEAR_TOP * operator.top)

    def _unknown(self, cutoff: Cutoff) -> float:
        """Return how far a count may be off because values are not known one by one."""
        relative = cutoff.relative(self.top)
        square = (relative * self.top) ** 2
        known = self.values_of_phi.down_to(math.sqrt(square))
        if relative >= 1 or known.missing < NEGLIGIBLE * square:
            return 0.0
        counts = [self._of_equal_rows(law, square) for law in (known.staircase(), *known.others())]
        surely = float(np.sum(known.values[1][known.values[0] >= known.trusted]))
        bounds = max(counts[0] - surely, 0.0) if known.trusted > math.sqrt(square) else 0.0
        return math.hypot(BOUND * bounds, POSSIBLE * (max(counts) - min(counts)))

    def _uneven(self, cutoff: Cutoff, count: float) -> float:
        """Return how far a count may be off because functions of many coordinates differ too much between the rows.

        Their points have few of all orders, and the degree ends before the functions have the terms that even them out.
        Both make counts too small, and a law whose rows are all alike has the largest: draws lie between.
        """
        threshold = cutoff.relative(self.top) * self.top
        if self.law.r <= FEW_UP_TO or threshold >= self.top:
            return 0.0
        known = self.values_of_phi.down_to(threshold)
        return abs(self._of_equal_rows(known.staircase(), threshold**2) - count)

    def _of_equal_rows(self, law: Staircase, square: float) -> float:
        size = self.entries
        return Follower(Independent.of(law, size.m, size.n, size.r)).count(square).value

    def _leverage(self, t: float) -> Leverage | None:
        if t <= self.staircase.values[0] ** 2:
            return None
        places, parts = self._points_near_top
        sides: list[Leverage] = []
        for rows in (True, False):
            leverages, squares = np.zeros(places.mass.size), 0.0
            for part in parts:
                g = part.x**2 / (t - part.x**2)
                leverages += part.many * part.averaged((part.U if rows else part.V) ** 2 @ g)
                squares += part.many * float(np.sum(g**2))
            total = float(places.mass @ leverages)
            variance = float(places.mass @ (leverages - total) ** 2)
            sides.append(Leverage(total, squares, variance))
        m, n = max(self.law.m, self.law.n), self.limit
        return sides[0].with_columns(sides[1], m, n)

    def _both(self, least: float) -> tuple[Equations, Mixed | None]:
        """Return the equations; what the list of values leaves out is in them."""
        m, n = max(self.law.m, self.law.n), self.limit
        known = self.values_of_phi.down_to(math.sqrt(least))
        law = known.staircase()
        floor = FLOOR * max(least, filled_at(law, n))
        if law.listed == 0 or law.values[0] ** 2 < FEW * floor:
            return Independent.of(law, m, n, self.law.r), None
        places, parts = at_points(known.operator, max(math.sqrt(floor), known.left_out))
        values, many = known.values
        rest = float(np.sum((many * values**2)[values**2 <= floor]))
        further, more = known.tail()
        rows, columns = spread(places, parts)
        tail = Tail(further**2, more, rest + law.tail, rows, columns)
        return AtPoints(m, n, self.law.r, places, parts, tail), None
