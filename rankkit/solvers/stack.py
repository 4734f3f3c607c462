"""Stack: matrices whose singular values are counted together, and what several routes need of them, computed once."""

from __future__ import annotations

from functools import cached_property

import numpy as np

from rankkit.factors import Array
from rankkit.solvers.gram import Gram, gram
from rankkit.solvers.solution import energy
from rankkit.solvers.tolerance import Threshold
from rankkit.solvers.top import ROUGH_STEPS, ROUGHLY, lanczos_low, proved_top, row_sum_top, sharp_bounds

__all__ = ["Stack"]


class Stack:
    """Matrices S, shape (batch, m, n), their thresholds, and what more than one route needs.

    Attributes
    ----------
    p : int
        min(m, n).
    definite : numpy array of int, shape (batch,)
        So many leading rows of G - tau^2 I are positive definite, as far as is known.
    """

    def __init__(self, S: Array, threshold: Threshold, known: Gram | None = None) -> None:
        self.S, self.threshold = S, threshold
        self.p = int(min(S.shape[-2:]))
        self.definite = np.zeros(S.shape[0], dtype=np.int64)
        self._gram = known

    @cached_property
    def energy(self) -> Array:
        """||S||_F^2, shape (batch,)."""
        return energy(self.S)

    @cached_property
    def low(self) -> Array:
        """A lower bound on sigma_1, shape (batch,), mostly within a thousandth of it."""
        return lanczos_low(self.gram)

    @cached_property
    def crude(self) -> Array:
        """An upper bound on sigma_1, shape (batch,), two or three times as large."""
        return row_sum_top(self.gram)

    @cached_property
    def rough_low(self) -> Array:
        """A lower bound on sigma_1, shape (batch,), mostly within two hundredths of it and for a third of the cost."""
        return lanczos_low(self.gram, ROUGH_STEPS)

    @cached_property
    def rough_high(self) -> Array:
        """An upper bound on sigma_1, shape (batch,), mostly within three hundredths of it."""
        return proved_top(self.gram, self.rough_low, self.crude, ROUGHLY)

    @cached_property
    def high(self) -> Array:
        """An upper bound on sigma_1, shape (batch,), mostly within a few thousandths of it."""
        return proved_top(self.gram, self.low, self.crude)

    @cached_property
    def sharp(self) -> tuple[Array, Array]:
        """Bounds on sigma_1, each of shape (batch,), mostly a millionth apart."""
        return sharp_bounds(self.gram, self.low, self.high)

    @property
    def gram(self) -> Gram:
        """The Gram matrices, formed once and handed on to every part of the stack."""
        if self._gram is None:
            self._gram = gram(self.S, self.energy)
        return self._gram

    def at(self, which: Array) -> Stack:
        """Return a part of the stack; itself where the part is all of it."""
        if which.size == self.S.shape[0]:
            return self
        known = None if self._gram is None else self._gram.at(which)
        part = Stack(self.S[which, ...], self.threshold.at(which), known)
        part.definite = self.definite[which]
        return part
