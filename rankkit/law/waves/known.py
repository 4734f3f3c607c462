"""Which singular values of phi are known one by one, and what is known of the others: their energy."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np

from rankkit.factors import Array
from rankkit.law.limit.columns import Column
from rankkit.law.limit.staircase import Staircase
from rankkit.law.waves.bases import (
    Coordinate,
    alone,
    coordinate,
    farthest_sum,
    loudness,
    mean_of,
    mean_wave,
    nodes_for,
)
from rankkit.law.waves.operator import Operator, operator
from rankkit.law.waves.plane_waves import PlaneWaves, plane_waves

__all__ = ["Known", "Values"]

MOST_COSINES, TOGETHER = 4e7, 64  # of all waves at all nodes; by how many waves their number grows
SILENT = 0.02  # of the smallest value that counts: what the waves that are left out may add to a value
# functions of one pattern, at first and at most, and the degree at first; each time MORE times the degree
FIRST_FUNCTIONS, MOST_FUNCTIONS, FIRST_DEGREE, MOST_DEGREE, MORE = 170, 1100, 41, 301, 1.4
# of a pattern and of one sign of each pair, where that allows more; with more pairs there are too many sectors
MOST_IN_SECTOR, MOST_PAIRS = 400, 3
BESIDE = 2.0  # times what the waves that are left out may add: no more functions help below
NEEDED = 0.1  # of the smallest value that counts: down to there values are to be known one by one
STEP, STEPS = 0.25, 40  # in log lambda, of the unknown values that are told apart
# powers of 1 / lambda by which the count of unknown values may grow; 2 is white noise
FASTEST, SLOWEST = 0.1, 1.9
APART = 0.5  # how far the power of the values below may be from that of the last that are known
PLAUSIBLE = 2.0  # times the energy of a count that goes on to grow as it does
NEARBY = 4.0  # times the last value that is known: from there on its power is measured
ENERGY_KNOWN = 1e-13  # how far the mean of phi^2 is to be known
ITSELF = PlaneWaves(np.zeros(1), np.ones(1), np.ones(1))  # in place of waves where phi itself is one


@dataclass(frozen=True, eq=False)
class Known:
    """What is known of the singular values of phi.

    Attributes
    ----------
    operator : Operator
    left_out : float
        What the waves that are left out may add to a value.
    missing : float
        sum lambda^2 of what the values of the operator above that do not have.
    """

    operator: Operator
    left_out: float
    missing: float

    @property
    def trusted(self) -> float:
        """Values from here on are known one by one. Smaller ones are bounds from below, as those of submatrices are."""
        return max(self.operator.trusted, self.left_out)

    @property
    def values(self) -> tuple[Array, Array]:
        """The operator's values, descending, and how often each occurs."""
        values, many = self.operator.staircase
        kept = values >= self.left_out
        return values[kept], many[kept]

    @property
    def power(self) -> float:
        """The power of 1 / lambda by which the count grows where values end to be known."""
        values, many = self.operator.staircase
        here, above = (float(np.sum(many[values >= times * self.trusted])) for times in (1.0, NEARBY))
        if above == 0 or here <= above:
            return (FASTEST + SLOWEST) / 2
        return min(max(math.log(here / above) / math.log(NEARBY), FASTEST), SLOWEST)

    @property
    def powers(self) -> tuple[float, float]:
        """Powers on either side of this one, between which that of the values below is taken to lie."""
        return max(self.power - APART, FASTEST), min(self.power + APART, SLOWEST)

    @property
    def going_on(self) -> float:
        """The energy of smaller values whose count goes on to grow by that power."""
        values, many = self.operator.staircase
        return float(np.sum(many[values >= self.trusted])) * self.trusted**2 * self.power / (2 - self.power)

    def tail(self, power: float | None = None) -> tuple[Array, Array]:
        """Return values that have the missing energy, all smaller than the trusted ones, and how many there are.

        Their count grows by a power law, that of the last known values for None.
        """
        power = self.power if power is None else power
        edges = self.trusted * np.exp(-STEP * np.arange(STEPS + 1))
        # of N = C lambda^-power the energy between two edges is that of lambda^(2 - power)
        energies = self.missing * -np.diff((edges / self.trusted) ** (2 - power))
        middles = np.sqrt(edges[:-1] * edges[1:])
        return middles, energies / middles**2

    def staircase(self) -> Staircase:
        """Return all values: the operator's, and the tail."""
        return self._joined(*self.values, self.power)

    def others(self) -> list[Staircase]:
        """Return other staircases that the same knowledge allows.

        The missing energy is that of a tail with another power, or of errors in the values that are bounds.
        """
        values, many = self.values
        bound = values < self.trusted
        held = float(np.sum((many * values**2)[bound]))
        lifted = values * np.where(bound, math.sqrt(1 + self.missing / held) if held > 0 else 1.0, 1.0)
        tails = [self._joined(values, many, power) for power in self.powers]
        return [*tails, replace(self, missing=0.0)._joined(lifted, many, self.power)]

    def _joined(self, values: Array, many: Array, power: float) -> Staircase:
        further, more = self.tail(power)
        energy = float(np.sum(many * values**2)) + self.missing
        rest = self.missing - float(np.sum(more * further**2))
        together = np.concatenate([values, further])
        order = np.argsort(-together, kind="stable")
        listed = int(np.sum(values >= self.trusted))
        return Staircase(together[order], np.concatenate([many, more])[order], listed, energy, rest)


@dataclass(frozen=True, eq=False)
class Values:
    """The singular values of phi(b . a), known as far down as is asked for.

    Attributes
    ----------
    phi : callable
        t -> phi(t), float arrays of one shape.
    columns : sequence of Column
    """

    phi: Callable[[Array], Array]
    columns: Sequence[Column]
    _found: dict[tuple[int, int], Operator] = field(default_factory=dict[tuple[int, int], Operator], init=False)
    _coordinates: dict[int, list[Coordinate]] = field(default_factory=dict[int, list[Coordinate]], init=False)

    @cached_property
    def energy(self) -> float:
        """E phi^2, the mean of the plane waves of phi^2; of one coordinate by quadrature."""
        if sum(one.many for one in self.columns) == 1:
            nodes = {} if self._alone is None else {"nodes": self._alone.p.size}  # those of its values
            return mean_of(self.columns[0], lambda t: (self.phi(t) ** 2 + self.phi(-t) ** 2) / 2, **nodes)
        waves = plane_waves(lambda t: self.phi(t) ** 2, self._reach)
        heard = self._from_each_on(waves)
        few = waves.slowest(min(_first(heard <= ENERGY_KNOWN * heard[0]), self._most_waves))
        means = math.prod(mean_wave(one, few.frequencies) ** one.many for one in self.columns)
        return float(np.sum(few.cosines * means))

    def down_to(self, least: float) -> Known:
        """Return values down to about `least`, or as far down as MOST_FUNCTIONS go."""
        r = sum(one.many for one in self.columns)
        count, left_out = (1, 0.0) if self._alone else self._waves_down_to(least)
        degree, most = min(_degree(r, FIRST_FUNCTIONS), FIRST_DEGREE), self._most_degree
        needed = max(NEEDED * least, BESIDE * left_out)
        while (found := self._operator(count, degree)).trusted > needed and degree < most:
            degree = min(max(int(MORE * degree / 2) * 2 + 1, degree + 2), most)
        values, many = Known(found, left_out, 0.0).values
        known = Known(found, left_out, max(self.energy - float(np.sum(many * values**2)), 0.0))
        if known.missing > found.gained:
            return known
        # what the last degrees have added is more: the rest of the energy is that of errors in values that are known
        return replace(known, missing=min(known.missing, PLAUSIBLE * known.going_on))

    def _waves_down_to(self, least: float) -> tuple[int, float]:
        """Return how many waves are enough, and what those that are left out may add to a value."""
        count = min(-(-_first(self._heard <= SILENT * least) // TOGETHER) * TOGETHER, self._most_waves)
        return count, float(self._heard[count]) if count < self._heard.size else 0.0

    def _kinds(self, count: int) -> list[Coordinate]:
        """Return the coordinates with so many waves, with functions for all degrees."""
        if count not in self._coordinates:
            functions = self._most_degree // 2 + 1
            waves = self._waves.slowest(count)
            self._coordinates[count] = [coordinate(one, waves, functions) for one in self.columns]
        return self._coordinates[count]

    @cached_property
    def _most_degree(self) -> int:
        # patterns of parities have at least so many pairs of coordinates, each of which halves their matrices
        pairs = min(sum((one.many - 1) // 2 for one in self.columns), MOST_PAIRS)
        most = max(MOST_FUNCTIONS, MOST_IN_SECTOR * 2**pairs)
        return min(_degree(sum(one.many for one in self.columns), most), MOST_DEGREE)

    @cached_property
    def _most_waves(self) -> int:
        frequencies = self._waves.frequencies
        nodes = np.max([nodes_for(one, frequencies) for one in self.columns], axis=0)
        return _first(np.arange(1, nodes.size + 1) * nodes**2 > MOST_COSINES)

    @property
    def left_out(self) -> float:
        """How much the waves that cannot be taken may add to a value, as a share of what the loudest one is."""
        if self._alone:
            return 0.0
        most = self._most_waves
        return float(self._heard[most] / np.max(-np.diff(self._heard))) if most < self._heard.size else 0.0

    def _operator(self, count: int, degree: int) -> Operator:
        if (count, degree) not in self._found:
            times = [one.many for one in self.columns]
            one, waves = self._alone, self._waves.slowest(count)
            kinds = [one] if one else self._kinds(count)
            self._found[count, degree] = operator(kinds, times, ITSELF if one else waves, degree)
        return self._found[count, degree]

    @cached_property
    def _alone(self) -> Coordinate | None:
        """The only coordinate, between whose functions phi is known; None for several or a phi that turns fast."""
        if sum(one.many for one in self.columns) > 1:
            return None
        self._waves  # refuses a phi that is none  # noqa: B018
        return alone(self.columns[0], self.phi, self._most_degree // 2 + 1)

    @cached_property
    def _waves(self) -> PlaneWaves:
        return plane_waves(self.phi, self._reach)

    @cached_property
    def _reach(self) -> float:
        return farthest_sum(self.columns)

    @cached_property
    def _heard(self) -> Array:
        return self._from_each_on(self._waves)

    def _from_each_on(self, waves: PlaneWaves) -> Array:
        """Return how much the waves from each one on can add to a value, (waves,)."""
        loud = np.exp(sum(one.many * np.log(loudness(one, waves.frequencies)) for one in self.columns))
        return np.cumsum((waves.sizes * loud)[::-1])[::-1]


def _first(wanted: Array) -> int:
    """Return the first place that is wanted, or how many there are if none is."""
    return int(np.argmax(wanted)) if np.any(wanted) else wanted.size


def _degree(r: int, functions: int) -> int:
    """Return the largest odd degree of which no pattern has more functions, at least 3."""
    steps = 1
    while math.comb(steps + 1 + r, r) <= functions:
        steps += 1
    return 2 * steps + 1
