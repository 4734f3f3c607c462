"""The instance nearest to violating a claim, among those that were looked at."""

from __future__ import annotations

import math
from typing import NamedTuple

from rankkit.claims.claim import Claim
from rankkit.claims.domain import Instance
from rankkit.claims.margins import float_margin

__all__ = ["Found", "Nearest"]


class Found(NamedTuple):
    """The instance nearest to violation, and how it was found.

    Attributes
    ----------
    instance : dict
        Variable -> value.
    margin : float
        Of the instance, in float64.
    looked_at : int
        How many instances were looked at.
    every : bool
        Whether these are all instances that the domain has.
    cut_short : bool
        Whether the time was up before the search had ended.
    """

    instance: Instance
    margin: float
    looked_at: int
    every: bool = False
    cut_short: bool = False


class Nearest:
    """The instance nearest to violation among those looked at so far.

    Parameters
    ----------
    claim : Claim
        Its margin is computed once for every instance that is looked at.
    """

    def __init__(self, claim: Claim) -> None:
        self.claim = claim
        self.instance: Instance | None = None
        self.margin = math.inf
        self.looked_at = 0

    @property
    def violated(self) -> bool:
        """Whether the margin is below zero by more than its error."""
        return self.margin < -self.claim.error

    def look(self, instance: Instance) -> float:
        """Return the instance's margin, and keep the instance if all before it have larger ones.

        Parameters
        ----------
        instance : dict
            Variable -> value.
        """
        margin = float_margin(self.claim, instance)
        self.looked_at += 1
        if self.instance is None or margin < self.margin:
            self.instance, self.margin = instance, margin
        return margin
