"""allocate: ranks under a total number of parameters, so that as much energy as possible is kept."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from rankkit.checks import integer
from rankkit.factors import Array

__all__ = ["ROUNDING", "Allocation", "Unit", "allocate"]

NODES = 20_000  # choices that are tried at most: about a second
ROUNDING = 1e-12  # of all energy: a gain below it is rounding


class Unit(NamedTuple):
    """What gets one rank: a module, or a block of modules.

    Attributes
    ----------
    gains : array, shape (k,)
        Energy that the first, second, ... direction keeps, descending.
    cost : int
        Parameters of one direction.
    """

    gains: Array
    cost: int


class Allocation(NamedTuple):
    """Ranks under a budget.

    Attributes
    ----------
    ranks : list of int
        One for each unit.
    kept : float
        Energy that they keep.
    bound : float
        No choice within the budget keeps more. It is `kept` where the choice was found to be the best.
    """

    ranks: list[int]
    kept: float
    bound: float


@dataclass(frozen=True, eq=False)
class _Class:
    """The directions of all units of one cost, best first.

    The best j of them are the first j, whichever units they are of: a unit's own directions come in their order.
    """

    cost: int
    owners: Array  # (N,) place of the unit
    kept: Array  # (N + 1,) energy of the first j


def allocate(units: Sequence[Unit], budget: int) -> Allocation:
    """Return the ranks, each at least 1, that keep the most energy with at most so many parameters.

    Among units of one cost the greedy choice by squared singular values is the best. Units of different costs make a
    knapsack problem, in which the greedy choice by energy per parameter can miss the best by less than one direction.
    Its continuous form bounds what any choice can keep; with this bound all choices that could be better are tried.

    Parameters
    ----------
    units : sequence of Unit
    budget : int
        Parameters in all.

    Raises
    ------
    ValueError
        If the budget is not even enough for rank 1 everywhere.

    Examples
    --------
    >>> allocate([Unit(np.array([9.0, 4.0]), 10), Unit(np.array([8.0, 1.0]), 10)], 30).ranks
    [2, 1]
    """
    integer("budget", budget, advice="it is a number of parameters")
    least = sum(unit.cost for unit in units)
    if budget < least:
        raise ValueError(f"budget must be at least {least:,} parameters, which is rank 1 everywhere, got {budget:,}.")
    classes = _classes(units)
    first = sum(float(unit.gains[0]) for unit in units)
    search = _Search(classes, sum(float(unit.gains.sum()) for unit in units))
    search.visit(0, budget - least, 0.0, ())
    ranks = np.ones(len(units), dtype=int)
    for one, count in zip(classes, search.chosen, strict=True):
        np.add.at(ranks, one.owners[:count], 1)
    bound = search.best if search.nodes <= NODES else search.relaxed(0, budget - least)
    return Allocation(ranks.tolist(), first + search.best, first + max(bound, search.best))


def _classes(units: Sequence[Unit]) -> list[_Class]:
    """Return the directions beyond the first ones by cost, the dearest first: the last choice fills what is left."""
    made: list[_Class] = []
    for cost in sorted({unit.cost for unit in units}, reverse=True):
        own = [(place, unit.gains[1:]) for place, unit in enumerate(units) if unit.cost == cost]
        owners = np.concatenate([np.full(len(gains), place) for place, gains in own])
        gains = np.concatenate([gains for _, gains in own])
        order = np.argsort(-gains, kind="stable")
        made.append(_Class(cost, owners[order], np.concatenate([[0.0], np.cumsum(gains[order])])))
    return made


class _Search:
    """Tries how many directions of each class to take, best bound first (branch and bound)."""

    def __init__(self, classes: Sequence[_Class], whole: float) -> None:
        self._classes, self._slack = classes, ROUNDING * whole
        self._relaxations = [_relaxation(classes[place:]) for place in range(len(classes))]
        self.best, self.nodes = -1.0, 0
        self.chosen: tuple[int, ...] = ()

    def relaxed(self, place: int, room: Any) -> Any:
        """Return the most energy that the classes from this place on could keep with parts of directions."""
        costs, energies = self._relaxations[place]
        return np.interp(room, costs, energies)  # pyright: ignore[reportUnknownVariableType]

    def visit(self, place: int, room: int, kept: float, chosen: tuple[int, ...]) -> None:
        """Go through the choices for one class, given those for the classes before."""
        self.nodes += 1
        one = self._classes[place]
        most = min(len(one.owners), room // one.cost)
        if place == len(self._classes) - 1:
            if kept + one.kept[most] > self.best:
                self.best, self.chosen = float(kept + one.kept[most]), (*chosen, most)
            return
        counts = np.arange(most + 1)
        bounds = kept + one.kept[counts] + self.relaxed(place + 1, room - counts * one.cost)
        for count in np.argsort(-bounds, kind="stable").tolist():
            if bounds[count] <= self.best + self._slack or (self.best >= 0 and self.nodes > NODES):
                return
            self.visit(place + 1, room - count * one.cost, kept + float(one.kept[count]), (*chosen, count))


def _relaxation(classes: Sequence[_Class]) -> tuple[Array, Array]:
    """Return the corners (parameters, energy) of the most that can be kept, if parts of directions could be taken."""
    costs = np.concatenate([np.full(len(one.owners), one.cost) for one in classes])
    gains = np.concatenate([np.diff(one.kept) for one in classes])
    order = np.argsort(-gains / costs, kind="stable")
    return np.concatenate([[0], np.cumsum(costs[order])]), np.concatenate([[0.0], np.cumsum(gains[order])])
