"""The equations for coordinates of different laws: weights are products over the columns, each with its own law.

They are those of products.py with one problem a column: w(b) = a prod_k w_k(b_k), likewise v, and F of
self_consistent.py is stationary among such weights. It is exact for r = 1; for more columns the error is of second
order in what the true weights have beyond a product.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

from rankkit.factors import Array
from rankkit.law.finite.crossings import crossing_term, dimensions, nodes_at, places
from rankkit.law.finite.odd_products import OddSums, apart, listed_sums, odd_sums
from rankkit.law.finite.self_consistent import APART, Counted, Follower, Near, Potential, within_sector
from rankkit.law.limit.columns import OneColumn, energy_of
from rankkit.law.limit.coordinate import Seen
from rankkit.law.limit.listing import Listed

__all__ = ["Counter", "Mixed"]

TURNED = 2.2  # phase in the middle of those of values: faint ones turn far beyond the negative axis, and never back
SHORT = 0.1  # phase that the largest product of a value stays short of -pi
FULL = 0.5  # values that are missing where a count is taken as complete
# times the mean share of a mode: where the median over rows exceeds it, the sum of squared shares is near a zero, and
# g, which is divided by powers of it, near a pole
POLE = 10.0
DIFFER = 2e-3  # of min(m, n), by which the sums of two integrals may differ


@dataclass(frozen=True, eq=False)
class Mixed:
    """The equations of sin(omega B A) / sqrt(m n); the unknowns: all log w_k and log v_k at the nodes, log a, log b.

    Attributes
    ----------
    m, n : int
    problems : sequence of OneColumn
    many : sequence of int
        How many coordinates each problem stands for.
    listed : Listed or None
        The products that count; None: all products, whose sums are integrals.
    rest : float
        sum lambda^2 of the products that are in no sum: so small that they only add up.
    """

    m: int
    n: int
    problems: Sequence[OneColumn]
    many: Sequence[int]
    listed: Listed | None
    rest: float

    @property
    def r(self) -> int:
        """The number of coordinates."""
        return sum(self.many)

    @property
    def limit(self) -> int:
        """min(m, n)."""
        return min(self.m, self.n)

    def inside(self, unknowns: Array, z: complex) -> Array:
        """Return the nearest unknowns with scales, and weights of one column times them, where weights are.

        Both are means of weights: over all columns, and over the others, whose own have mean one.
        """
        scales = within_sector(unknowns[-2:], z)
        sides = np.repeat(scales, (self.mass.size - 2) // 2)
        return np.concatenate([within_sector(unknowns[:-2] + sides, z) - sides, scales])

    @cached_property
    def mass(self) -> Array:
        """The probabilities of the nodes, shared between the columns, and one for each scale, a quarter of all that."""
        shares = [k / self.r for k in self.many]
        rows = [share * problem.p for share, problem in zip(shares, self.problems, strict=True)]
        columns = [share * problem.q for share, problem in zip(shares, self.problems, strict=True)]
        return np.concatenate([*rows, *columns, np.ones(2)]) / 4

    @cached_property
    def places(self) -> Array:
        """The nodes of rows, column by column, those of columns, and the two scales."""
        sides = [np.cumsum(problem.p) for problem in self.problems], [np.cumsum(problem.q) for problem in self.problems]
        nodes = [at for side in sides for at in side]
        ends = [np.zeros(1), np.zeros(1)]
        return np.concatenate([APART * k + at for k, at in enumerate([*nodes, *ends])])

    def start(self, z: complex) -> Array:
        """Return log w = log v = 0, where all values are far below z."""
        return np.zeros(self.mass.size, dtype=np.complex128)

    def improve(self, unknowns: Array, z: complex) -> Array:
        """Return the weights that the leverages of the given ones imply."""
        logs, seen, scales = self._seen(unknowns)
        sums = self._sums(seen, unknowns, z)
        rest: Any = self.rest * scales[0] * scales[1] / z
        total: Any = sums.share + rest
        found: list[Array] = []
        for side, size in enumerate((self.m, self.n)):
            for log, one, parts, problem, k in zip(logs[side], sums.used, seen, self.problems, self.many, strict=True):
                weight, density = np.exp(log), parts.columns if side else parts.rows
                new = log - np.log(scales[side] * weight + (density @ one / k + rest * weight) / size)
                found.append(new - np.log(np.sum((problem.q if side else problem.p) * np.exp(new))))
        ends = [log - np.log(scale + total / size) for log, scale, size in zip(unknowns[-2:], scales, (self.m, self.n))]
        return np.concatenate([*found, ends])

    def potential(self, unknowns: Array, z: complex) -> Potential:
        """Return F, sum s^2 / (s^2 + z) and the term of crossings; ArithmeticError where two integrals differ."""
        logs, seen, scales = self._seen(unknowns)
        sums = self._sums(seen, unknowns, z)
        if self.listed is None:
            off = apart(sums, self._sums(seen, unknowns, z, other=True), self.many)
            if not off < DIFFER * self.limit:
                raise ArithmeticError(
                    "the sums over products did not converge; change omega or the threshold a little."
                )
        rest: Any = self.rest * scales[0] * scales[1] / z
        value: Any = sums.logs + rest
        crossings = 0j
        for side, (size, log_scale) in enumerate(zip((self.m, self.n), unknowns[-2:], strict=True)):
            mass = [problem.q if side else problem.p for problem in self.problems]
            means = sum(k * np.sum(p * log) for k, p, log in zip(self.many, mass, logs[side], strict=True))
            value += size * (np.exp(log_scale) - 1 - log_scale - means)
            crossings += self._crossed(side, seen, logs[side], log_scale, sums)
        return Potential(complex(value), complex(sums.share + rest), complex(crossings))

    def _seen(self, unknowns: Array) -> tuple[tuple[list[Array], list[Array]], list[Seen], Array]:
        """Return log w and log v of each column, the columns seen through them, and both scales."""
        nodes = [problem.p.size for problem in self.problems]
        logs = np.split(unknowns[:-2], np.cumsum([*nodes, *nodes])[:-1])
        rows, columns = logs[: len(nodes)], logs[len(nodes) :]
        seen = [
            problem.weighted(np.exp(w), np.exp(v)) for problem, w, v in zip(self.problems, rows, columns, strict=True)
        ]
        return (rows, columns), seen, np.exp(unknowns[-2:])

    def _sums(self, seen: Sequence[Seen], unknowns: Array, z: complex, *, other: bool = False) -> OddSums:
        """Return the sums over the products, seen through the weights; by the other of two integrals if asked."""
        scale = complex(np.sum(unknowns[-2:]) - np.log(z))
        if self.listed is not None:
            return listed_sums(self.listed, [np.log(parts.squares) for parts in seen], scale)
        turned = max(TURNED, SHORT - scale.imag)
        values: list[tuple[Array, Array]] = []
        for parts, problem in zip(seen, self.problems, strict=True):
            even = problem.parts[0][1].size
            logs: Array = np.log(parts.squares * np.exp(-1j * turned)) + 1j * turned
            values.append((logs[:even], logs[even:]))
        return odd_sums(values, self.many, scale, other=other)

    def _crossed(
        self, side: int, seen: Sequence[Seen], logs: Sequence[Array], log_scale: complex, sums: OddSums
    ) -> complex:
        """Return the term of crossings of rows (or columns), at rows that stand for all.

        A row sees g = sum share^2 D / sum share D with D the products' densities there, and sum share D = size U. The
        sum over products is taken as the product of sums over the values of each column.
        """
        size = self.n if side else self.m
        points = np.split(places(self.r), np.cumsum(self.many)[:-1], axis=1)
        total = sums.shares
        log_weight, seen_here, dimension = np.full(len(points[0]), log_scale), np.ones(len(points[0])), 0.0
        for problem, part, log, at, one, square, k in zip(
            self.problems, seen, logs, points, sums.used, sums.square, self.many, strict=True
        ):
            p, density = (problem.q, part.columns) if side else (problem.p, part.rows)
            node = nodes_at(at, p)
            log_weight = log_weight + np.sum(log[node], axis=1)
            seen_here = seen_here * np.prod((density @ (square / (k * total)))[node], axis=1)
            shares = np.split(np.abs(one) / np.sum(np.abs(one)), [problem.parts[0][1].size])
            functions = [V if side else U for U, _, V in problem.parts]
            dimension += k * dimensions(list(zip(functions, shares, strict=True)), p)
        missing = 1 - np.exp(log_weight)
        everywhere = np.full(len(missing), 1 / len(missing))
        share, mean = total * seen_here / (size * missing), total / sums.share
        if not float(np.median(np.abs(share))) < POLE * abs(mean):
            share = np.full(len(missing), mean)
        return crossing_term(size, everywhere, share, missing, dimension)


@dataclass(frozen=True, eq=False)
class Counter:
    """Counts by a list of products, and without one where it is cut short.

    Attributes
    ----------
    follower : Follower
        Of the equations with the list.
    whole : Mixed or None
        The equations without a list; None where the list is complete.
    """

    follower: Follower
    whole: Mixed | None

    @property
    def limit(self) -> int:
        """The most that a count can be."""
        return self.follower.equations.limit

    def count(self, square: float) -> Counted:
        """Return the mean number of s^2 > square.

        A list that is cut short takes the other products as white noise, which can count too many. Without the noise
        it counts too few. Where there is nothing better, the count may be off by the difference.
        """
        found, near = self.follower.count(square), self._near
        full = found.value > self.limit - FULL
        if self.whole is None or (full and self._mostly_noise):
            return found
        if full:
            # only from nearby: a list alone that fills the matrix is the slowest to be followed from afar
            least, alone = self._least(square, afar=False)
            if least > self.limit - FULL:
                return found
            near = alone or near
        try:
            return Follower(self.whole, near).count(square)
        except ArithmeticError:
            return found._replace(off=max(found.value - self._least(square, afar=True)[0], 0.0))

    @property
    def _mostly_noise(self) -> bool:
        """Whether most of the energy is in products that are not listed: the entries are as good as independent."""
        assert self.whole is not None
        assert isinstance(self.follower.equations, Mixed)
        energy = energy_of(self.whole.problems, self.whole.many) + self.whole.rest
        return self.follower.equations.rest > energy / 2

    def _least(self, square: float, *, afar: bool) -> tuple[float, Near | None]:
        """Return the count of the listed products alone and its solution; zero and none where it is not found."""
        equations = self.follower.equations
        assert isinstance(equations, Mixed)
        alone = Follower(replace(equations, rest=0.0), self._near, afar=afar)
        try:
            return alone.count(square).value, alone.at(equations)
        except ArithmeticError:
            return 0.0, None

    @property
    def _near(self) -> Near | None:
        """The last solution with the list: the weights are at the same nodes."""
        return self.follower.at(self.follower.equations)
