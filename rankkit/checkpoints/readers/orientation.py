"""Rows or columns: which way round a file stores its factors, by the shapes of all its modules together.

B (m, r) and A (r, n) are multiplied as B A; some trainers store them transposed under the same names. Both readings of
a module's two shapes may multiply: a square module of rank 4 could as well be one of 4 x 4 and rank 32. What counts, in
this order: modules of which only one reading multiplies; the rank that the configuration names; a rank above both outer
sizes, which no trainer chooses. The names alone are believed only where nothing speaks against them.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import NamedTuple

from rankkit.checkpoints.assumptions import ORIENTATION
from rankkit.checkpoints.forms import Sizes
from rankkit.checkpoints.layer import Layer

__all__ = ["NOT_BY_NAME", "UNSURE", "Readings", "Turn", "confirmed", "is_doubtful", "turn_of"]

UNSURE = "its shapes do not tell rows from columns: read as its names are meant elsewhere"
NOT_BY_NAME = "stored transposed by the shapes, against what its names mean elsewhere"


class Readings(NamedTuple):
    """What a module would be as its names say, and transposed; None where that does not multiply.

    Attributes
    ----------
    named, turned : Sizes or None
    r : int or None
        The rank that the configuration names for it.
    """

    named: Sizes | None
    turned: Sizes | None
    r: int | None = None

    @property
    def open(self) -> bool:
        """Whether both readings multiply."""
        return self.named is not None and self.turned is not None


class Turn(NamedTuple):
    """How a file's factors are to be read.

    Attributes
    ----------
    turned : bool
        Transposed, against their names.
    sure : bool
        Whether something other than plausible ranks says so.
    """

    turned: bool
    sure: bool


def turn_of(modules: Iterable[Readings]) -> Turn:
    """Return how the factors of a file are to be read.

    Examples
    --------
    >>> square = Readings(Sizes(4, 4, 32), Sizes(32, 32, 4))
    >>> turn_of([square]), turn_of([square._replace(r=4)])
    (Turn(turned=True, sure=False), Turn(turned=True, sure=True))
    >>> turn_of([square, Readings(Sizes(24, 16, 4), None)])
    Turn(turned=False, sure=True)
    """
    found = [module for module in modules if module.named or module.turned]
    for sure, votes in (
        (True, [module.named is None for module in found if not module.open]),
        (True, [vote for module in found if (vote := _by_rank(module)) is not None]),
        (False, [vote for module in found if (vote := _by_size(module)) is not None]),
    ):
        if votes and len(set(votes)) == 1:
            return Turn(votes[0], sure or not votes[0])
    return Turn(False, not any(module.open for module in found))


def is_doubtful(module: Readings, turn: Turn) -> bool:
    """Return whether a module stays open under a turn: both readings multiply, and this one is no better.

    Parameters
    ----------
    module : Readings
    turn : Turn
        Of its file.
    """
    if not module.open:
        return False
    if not turn.sure:
        return True
    taken = module.turned if turn.turned else module.named
    assert taken is not None
    return module.r is None and taken.r > max(taken.m, taken.n)


def confirmed(layer: Layer, m: int, n: int) -> Layer:
    """Return a layer that its shapes left open, settled where only its reading has the shape of its weight.

    Parameters
    ----------
    layer : Layer
    m, n : int
        Rows and columns of the base's weight.
    """
    if (layer.m, layer.n) != (m, n) or layer.r in (m, n):
        return layer
    assumed = tuple(name for name in layer.assumed if name != ORIENTATION)
    return replace(layer, notes=tuple(note for note in layer.notes if note != UNSURE), assumed=assumed)


def _by_rank(module: Readings) -> bool | None:
    """Return whether a module is stored transposed by the configuration's rank; None where that tells nothing."""
    if module.named is None or module.turned is None or module.r is None:
        return None
    fits = [sizes.r == module.r for sizes in (module.named, module.turned)]
    return fits[1] if fits[0] != fits[1] else None


def _by_size(module: Readings) -> bool | None:
    """Return whether a module is stored transposed by which reading has no rank above both of its sizes."""
    if module.named is None or module.turned is None:
        return None
    fits = [sizes.r <= max(sizes.m, sizes.n) for sizes in (module.named, module.turned)]
    return fits[1] if fits[0] != fits[1] else None
