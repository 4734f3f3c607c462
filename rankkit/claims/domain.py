"""The instances that a claim speaks of: described once, and then drawn, tried at their corners and made simpler."""

from __future__ import annotations

import copy
import itertools
import math
from collections.abc import Callable, Iterator
from contextlib import suppress
from textwrap import shorten
from typing import Any

import numpy as np

from rankkit.claims.deadline import NEVER, Deadline, TimeIsUp
from rankkit.claims.spaces import Integer, Space
from rankkit.report.inline import WIDTH, html_summary, text_summary

__all__ = ["Domain", "Instance"]

Instance = dict[str, Any]  # name -> int, Fraction or array of Fractions
CORNERS = 300  # of a domain; of more of them, about as many are taken
PER_VARIABLE = 12  # corners
FEW = 2000  # instances that are all looked at
SHARE = 0.25  # of the time that is left, for the corners
SHOWN = 10  # variables in a summary


class Domain:
    """Named variables, each drawn given those before it, and a condition that they must meet together.

    Parameters
    ----------
    where : callable, optional
        Instance -> bool, on rationals: the printed hypotheses. It is given by its place, not by its name.
    **spaces : Integer, Real or Matrix
        The variables, in the order in which they are drawn.

    Raises
    ------
    TypeError
        If a variable is no Integer, Real or Matrix.
    ValueError
        If there is no variable, or one needs another that does not stand before it.

    Examples
    --------
    >>> from rankkit.claims import Integer, Matrix
    >>> square = Domain(d=Integer(1, 3), A=Matrix("d", "d"))
    >>> square
    A domain of 2 variables.
      d: Integer(low=1, high=3)
      A: Matrix(rows='d', columns='d', entries=Real(low=-2.0, high=2.0, log=False, signed=False, [...]
    >>> square.draw(np.random.default_rng(0))["A"].shape[0] in (1, 2, 3)
    True
    """

    TRIES = 200  # draws, of which one should meet the condition

    def __init__(self, where: Callable[[Instance], bool] | None = None, /, **spaces: Space) -> None:
        if not spaces:
            raise ValueError("a domain needs at least one variable, as in Domain(omega=Real(0, 10)).")
        for place, (name, space) in enumerate(spaces.items()):
            if not isinstance(space, Space):  # pyright: ignore[reportUnnecessaryIsInstance]
                raise TypeError(
                    f"{name} must be Integer, Real or Matrix, got {space!r}; a condition comes first, without a name."
                )
            if missing := [needed for needed in space.named if needed not in list(spaces)[:place]]:
                raise ValueError(f"{name} needs the variable {missing[0]}, which must stand before it in the domain.")
        self.where, self.spaces = where, spaces
        self._deadline = NEVER

    def __repr__(self) -> str:
        return text_summary(*self._shown())

    def _repr_html_(self) -> str:
        return html_summary(*self._shown())

    def _shown(self) -> tuple[str, list[str]]:
        """Return the title and the lines that show the domain."""
        count = len(self.spaces)
        title = f"A domain of {count} variable{'s' if count > 1 else ''}{', under a condition' if self.where else ''}."
        lines = [shorten(f"{name}: {space}", WIDTH) for name, space in self.spaces.items()]
        more = len(lines) - SHOWN
        return title, lines if more <= 0 else [*lines[:SHOWN], f"... {more} more"]

    def until(self, deadline: Deadline) -> Domain:
        """Return the domain whose condition raises `TimeIsUp` once the deadline has passed.

        Parameters
        ----------
        deadline : Deadline
            From which on no instance is asked whether it meets the condition.
        """
        timed = copy.copy(self)
        timed._deadline = deadline
        return timed

    def draw(self, rng: np.random.Generator) -> Instance:
        """Return a random instance.

        Parameters
        ----------
        rng : numpy.random.Generator
            Where the randomness comes from.

        Returns
        -------
        dict
            Variable -> integer, rational, or matrix of rationals.

        Raises
        ------
        ValueError
            If none of many tries meets the condition: the domain may be empty.
        """
        for _ in range(self.TRIES):
            made: Instance = {}
            for name, space in self.spaces.items():
                made[name] = space.draw(rng, made)
            if self.holds(made):
                return made
        raise ValueError(f"none of {self.TRIES} draws meets the domain's condition; is it empty?")

    def every(self) -> list[Instance] | None:
        """Return all instances where the variables are integers and there are at most 2000; None for other domains."""
        sides = [space for space in self.spaces.values() if isinstance(space, Integer)]
        if len(sides) < len(self.spaces) or math.prod(space.high - space.low + 1 for space in sides) > FEW:
            return None
        ranges = (range(space.low, space.high + 1) for space in sides)
        made = (dict(zip(self.spaces, values, strict=True)) for values in itertools.product(*ranges))
        return [instance for instance in made if self.holds(instance)]

    def corners(self) -> Iterator[Instance]:
        """Return an iterator over the instances whose variables all stand at corners.

        Of many corners some 300 are taken, evenly spaced. Under a deadline, those found in a quarter of the time that
        is left have to do.
        """
        timed = self.until(self._deadline.share(SHARE))
        free = not any(space.named for space in self.spaces.values())
        if self.where is None and free:  # every combination is an instance, so that only those taken are made
            return timed._spaced([self._ends(name, {}) for name in self.spaces])
        found = list[Instance]()
        with suppress(TimeIsUp):
            known: dict[Any, list[Any]] = {}
            for made in self._corners({}, list(self.spaces), known):
                if timed.holds(made):
                    found.append(made)
        step = max(1, len(found) // CORNERS)
        return iter(found[::step])

    def _spaced(self, ends: list[list[Any]]) -> Iterator[Instance]:
        """Yield some 300 combinations of corners, evenly spaced in their order, until the deadline."""
        total = math.prod(map(len, ends))
        with suppress(TimeIsUp):
            for place in range(0, total, max(1, total // CORNERS)):
                self._deadline.check()
                values: list[Any] = []
                for corners in reversed(ends):
                    place, chosen = divmod(place, len(corners))
                    values.append(corners[chosen])
                yield dict(zip(self.spaces, reversed(values), strict=True))

    def _ends(self, name: str, made: Instance) -> list[Any]:
        return list(itertools.islice(self.spaces[name].corners(made), PER_VARIABLE))

    def _corners(self, made: Instance, names: list[str], known: dict[Any, list[Any]]) -> Iterator[Instance]:
        if not names:
            yield made
            return
        name = names[0]
        key = (name, *(made[size] for size in self.spaces[name].named))
        if key not in known:
            known[key] = self._ends(name, made)
        for value in known[key]:
            yield from self._corners({**made, name: value}, names[1:], known)

    def simpler(self, instance: Instance) -> Iterator[Instance]:
        """Return an iterator over instances of the domain with one variable made simpler.

        Parameters
        ----------
        instance : dict
            Variable -> value.
        """
        for name, space in self.spaces.items():
            for value in space.simpler(instance[name]):
                changed = {**instance, name: value}
                if self.holds(changed):
                    yield changed

    def contains(self, instance: Instance) -> bool:
        """Return whether an instance has this domain's variables, each of its space, and meets the hypotheses.

        Parameters
        ----------
        instance : dict
            Variable -> value; anything else is not of the domain.
        """
        if instance.keys() != self.spaces.keys():
            return False
        return all(space.contains(instance[name], instance) for name, space in self.spaces.items()) and self.holds(
            instance
        )

    def holds(self, instance: Instance) -> bool:
        """Return whether an instance meets the printed hypotheses.

        Parameters
        ----------
        instance : dict
            With a value of its space for every variable.

        Raises
        ------
        TimeIsUp
            After the deadline of `until`.
        TypeError
            If the condition takes the instance for something else than a dict.
        """
        self._deadline.check()
        try:
            return self.where is None or bool(self.where(instance))
        except AttributeError as error:
            name = next(iter(instance))
            raise TypeError(f"the domain's condition takes a dict, as in i['{name}']: {error}.") from error
