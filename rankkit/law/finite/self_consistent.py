"""How many singular values exceed a threshold, from weights of rows and columns that solve their own equations.

S / sqrt(m n) samples an operator K at m rows and n columns. A row at b counts with a weight w(b) = 1 / (1 + delta(b)),
where delta is its ridge leverage (the Christoffel function of the operator seen through all weights), a column at a
with v(a) likewise:

    m delta = diag K v K^T (w K v K^T + z)^-1,    F(z) = log det(1 + w K v K^T / z) + m E s(w) + n E s(v),

with s(w) = w - 1 - log w. F is stationary in w and v, and its imaginary part just above -tau^2 is -pi times the count
of values above tau. With w and v constant these are the equations of Silverstein's type for independent features; the
derivation is in docs/explanation/law.md.

A solver needs of the equations what `Equations` lists; the two families are radial.py and products.py.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import NamedTuple, Protocol

import numpy as np

from rankkit.factors import Array
from rankkit.law.finite.crossings import removed

__all__ = ["APART", "Counted", "Equations", "Follower", "Near", "Path", "Potential", "within_sector"]

# their overloads leave the types open
interpolated: Callable[..., Array] = np.interp
solution_of: Callable[..., Array] = np.linalg.solve

APART = 100.0  # between the places of rows and of columns, so that the places of all unknowns rise
SHORT = 0.2  # angle by which z stays short of the negative axis; F is continued over it to first order
ANGLES = (1.0, 1.9, 2.5, math.pi - SHORT)  # of z on the way, the first where the equations contract
# change of log w in the mean, at the end and on the way; F is stationary, so that its error is of second order: twice
# TIGHT changed counts of 512 rows by up to 1.1
TIGHT, LOOSE = 1e-3, 1e-2
# how much further the solution may lie by what earlier steps say of a move: where moves are short and the way is long,
# counts of 512 rows were off by 0.7 % of d without it, and are by 0.1 %
FURTHER = 3.0
FURTHEST_AHEAD = 2.0  # of the last step along a curve, up to which a straight line is trusted
NEAR = ((6, 25),)  # attempts from a solution nearby, before the way from afar
# steps that the acceleration combines, and steps at most; the last for full matrices of few rows, where steps are short
ATTEMPTS = ((6, 60), (2, 100), (0, 400), (0, 4000))
MIXED, MIXED_NEAR = 0.7, 1.0  # of a combined step, and where earlier changes say where it leads
# where no solution is found at a threshold, it is followed from LARGER times its square, or from one DOWN times as far
LARGER, DOWN = 10.0, 6
RIDGE = 1e-12  # relative, of the least-squares problem of the combination
LONGEST = 1.5  # of one step in log w
APART_COUNTS, NEAR_DENSITY = 0.05, 1.5  # of min(m, n) and of the density: by how much two ways to count may differ


class Potential(NamedTuple):
    """F at a solution, -dF / d log z = sum s^2 / (s^2 + z), and what F leaves out of crossings of rows."""

    value: complex
    effective: complex
    crossings: complex = 0j


class Counted(NamedTuple):
    """A count, how it grows per log of the threshold, what crossings took away, and how far it is off otherwise."""

    value: float
    density: float
    crossings: float
    off: float = 0.0


class Near(NamedTuple):
    """Where a solution is looked for.

    Attributes
    ----------
    unknowns : complex array, shape (unknowns,)
    changes : sequence of (2, unknowns) complex arrays
        Of the unknowns in earlier steps, and of the moves that the equations then made: they say where a move leads.
    """

    unknowns: Array
    changes: Sequence[Array] = ()


class Equations(Protocol):
    """The equations of one operator at finite sizes."""

    @property
    def limit(self) -> int:
        """min(m, n), the most that a count can be."""
        ...

    @property
    def mass(self) -> Array:
        """The weight of each unknown in a norm, shape (unknowns,)."""
        ...

    @property
    def places(self) -> Array:
        """Where each unknown lies, rising, so that equations of one kind can take over from others, (unknowns,)."""
        ...

    def start(self, z: complex) -> Array:
        """Return log w and log v, in one array (unknowns,), to start from."""
        ...

    def improve(self, unknowns: Array, z: complex) -> Array:
        """Return the log w and log v that the leverages of the given ones imply."""
        ...

    def inside(self, unknowns: Array, z: complex) -> Array:
        """Return the nearest unknowns at which the solution may lie."""
        ...

    def potential(self, unknowns: Array, z: complex) -> Potential:
        """Return F and its derivative."""
        ...


def within_sector(unknowns: Array, z: complex) -> Array:
    """Return log w with 0 <= arg w <= arg z: delta is a mean of 1 / (t + z) over t >= 0; beyond lie other solutions."""
    return unknowns.real + 1j * np.clip(unknowns.imag, 0.0, float(np.angle(z)))


class Follower:
    """Counts at one threshold after another, each from the solution before where that is near enough.

    Parameters
    ----------
    equations : Equations
    near : Near, optional
        Where the first solution is looked for.
    afar : bool
        Whether a solution that is not nearby is followed from where z is far from the spectrum.
    """

    def __init__(self, equations: Equations, near: Near | None = None, *, afar: bool = True) -> None:
        self.equations, self._afar = equations, afar
        self._near = near

    def at(self, equations: Equations) -> Near | None:
        """Return the last solution as unknowns of other equations of its kind; None if there is none."""
        if self._near is None:
            return None
        here, there = self.equations.places, equations.places
        changes = [np.stack([interpolated(there, here, one) for one in change]) for change in self._near.changes]
        return Near(interpolated(there, here, self._near.unknowns), changes)

    def count(self, square: float) -> Counted:
        """Return the mean number of s^2 > square, and what its error depends on."""
        z = _z(square, ANGLES[-1])
        near = None if self._near is None else _solve(self.equations, self._near, z, TIGHT, NEAR)
        there = None if near is None else self.equations.potential(near.unknowns, z)
        if near is None or there is None or not self._plausible(there):
            if not self._afar:
                raise self._failed(square)
            near = self._approach(square)
            there = self.equations.potential(near.unknowns, z)
        self._near = near
        return self._counted(there)

    def _plausible(self, there: Potential) -> bool:
        """Return whether two ways to count agree, so that a solution that was found from one nearby is no other one.

        Values far from the threshold add to sum s^2 / (s^2 + z) what they add to the count; those near it are the
        density.
        """
        count, density = _read(there.value, there.effective)
        return abs(count - there.effective.real) <= APART_COUNTS * self.equations.limit + NEAR_DENSITY * density

    def _counted(self, there: Potential) -> Counted:
        count, density = _read(there.value, there.effective)
        fewer = removed(there.crossings)
        return Counted(min(max(count - fewer, 0.0), float(self.equations.limit)), density, fewer)

    def _failed(self, square: float) -> ArithmeticError:
        return ArithmeticError(
            f"the predicted spectrum of an update with {self.equations.limit} singular values did not converge at "
            f"{math.sqrt(square):.3g}; change omega or the threshold a little."
        )

    def _approach(self, square: float) -> Near:
        """Return the solution, followed from where z is far from the spectrum, or else from a larger threshold."""
        for steps in range(DOWN + 1):
            near = self._turned(square * LARGER**steps)
            for left in reversed(range(steps)):
                if near is not None:
                    z = _z(square * LARGER**left, ANGLES[-1])
                    near = _solve(self.equations, Near(near.unknowns), z, TIGHT, ATTEMPTS)
            if near is not None:
                return near
        raise self._failed(square)

    def _turned(self, square: float) -> Near | None:
        """Return the solution, followed as z turns towards the negative axis; None if it is lost on the way."""
        near = Near(self.equations.start(_z(square, ANGLES[0])))
        for angle in ANGLES:
            tolerance = TIGHT if angle == ANGLES[-1] else LOOSE
            near = _solve(self.equations, Near(near.unknowns), _z(square, angle), tolerance, ATTEMPTS)
            if near is None:
                return None
        return near


class Path:
    """Solutions along a curve of frequencies: each is looked for where the two before of its kind point to."""

    def __init__(self) -> None:
        self._before: dict[type, list[tuple[float, Follower]]] = {}

    def follower(self, equations: Equations, log_omega: float) -> Follower:
        """Return the follower of one frequency, begun from those before."""
        near, before = None, self._before.get(type(equations), [])
        if before:
            here, last = before[-1]
            near = last.at(equations)
            earlier = before[0][1].at(equations) if len(before) > 1 else None
            if near is not None and earlier is not None:
                ahead = (log_omega - here) / (here - before[0][0])
                if 0 < ahead < FURTHEST_AHEAD:
                    near = near._replace(unknowns=near.unknowns + ahead * (near.unknowns - earlier.unknowns))
        found = Follower(equations, near)
        if not before or before[-1][0] != log_omega:
            self._before[type(equations)] = [*before[-1:], (log_omega, found)]
        return found


def _read(value: complex, effective: complex) -> tuple[float, float]:
    """Return the count that F says, continued over SHORT, and its density."""
    return -(value.imag - SHORT * effective.real) / math.pi, 2 * abs(effective.imag) / math.pi


def _z(square: float, angle: float) -> complex:
    return float(square) * complex(math.cos(angle), math.sin(angle))


def _solve(
    equations: Equations, near: Near, z: complex, tolerance: float, attempts: Sequence[tuple[int, int]]
) -> Near | None:
    """Return the fixed point nearby; None if none of the attempts finds one."""
    for memory, steps in attempts:
        found, reached = _accelerated(equations, near, z, tolerance, memory=memory, steps=steps)
        if reached:
            return found
        near = Near(found.unknowns)
    return None


def _accelerated(
    equations: Equations, near: Near, z: complex, tolerance: float, *, memory: int, steps: int
) -> tuple[Near, bool]:
    """Return the point with the smallest move that was met, and whether that is within the tolerance.

    Anderson's acceleration (Walker and Ni 2011), begun anew where it makes things worse; half plain steps without
    memory.
    """
    root = np.sqrt(equations.mass)
    memory = min(memory, equations.mass.size // 2)
    unknowns, changes = near.unknowns, [*near.changes][-memory:] if memory else []
    mixed = MIXED_NEAR if changes else MIXED
    before: Array | None = None
    best, least, last = unknowns, math.inf, math.inf
    for _ in range(steps):
        move = equations.improve(unknowns, z) - unknowns
        size = float(np.sum(equations.mass * np.abs(move)))
        here = np.stack([unknowns, move])
        if before is not None and memory:
            changes = [*changes, here - before][-memory:]
        if not math.isfinite(size):
            break
        if size > 2 * last:
            changes = []
        step = _combined(move, changes, root, mixed) if changes else move
        if size < tolerance and float(np.sum(equations.mass * np.abs(step))) < FURTHER * tolerance:
            return Near(unknowns + move, changes), True
        if size < least:
            best, least = unknowns, size
        before, last = here, size
        step = step if changes else 0.5 * step
        unknowns = equations.inside(unknowns + step * min(1.0, LONGEST / float(np.max(np.abs(step)))), z)
    return Near(best), False


def _combined(move: Array, changes: Sequence[Array], root: Array, mixed: float) -> Array:
    """Return the step to the combination of earlier points whose moves cancel best."""
    between, of_moves = np.stack(changes, axis=2)
    weighted = root[:, None] * of_moves
    gram = weighted.conj().T @ weighted
    gram += (RIDGE * np.trace(gram).real + np.finfo(np.float64).tiny) * np.eye(len(gram))
    share = solution_of(gram, weighted.conj().T @ (root * move))
    return mixed * move - (between + mixed * of_moves) @ share
