"""A statement as a record: what it says, where, of what, and how far an instance is from violating it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from rankkit.claims.deadline import Deadline
from rankkit.claims.domain import Domain

__all__ = ["Claim", "Measured"]

KINDS = (
    "definition",
    "lemma",
    "proposition",
    "theorem",
    "proof step",
    "remark",
    "limit",
    "complexity",
    "gradient",
    "prose",
)


@dataclass(frozen=True)
class Measured:
    """What a measurement says: a value within [low, high], and how it was made."""

    value: float
    low: float
    high: float
    how: str


@dataclass(frozen=True, eq=False)
class Claim:
    """One statement.

    Parameters
    ----------
    id, paper, location : str
        Its name, where it is from, and its place there.
    statement : str
        What it says, in our words and as a formula.
    kind : str
        "lemma", "theorem", "proof step", ...
    reading : str
        How the statement is taken, and what is not claimed.
    domain : Domain, optional
        The instances inside the printed hypotheses.
    margin : callable, optional
        (variables, arithmetic) -> signed distance from violation: negative where an instance violates the statement.
        Variables are attributes of the first argument, in the arithmetic of the second (`arithmetic.Floats`, `.Balls`).
    bite : callable, optional
        The same for whether a bound says anything there: positive where it does. A statement that holds and can
        nowhere bite is VACUOUS.
    measure : callable, optional
        () -> Measured, for what only a measurement can tell.
    error : float
        What the float margin may be off by, relative to max(1, |margin|); nearer to zero, balls decide.
    under : str
        A hypothesis beyond the printed ones, where the statement needs it.
    ill_posed : str
        Why it cannot be decided, where it cannot.
    argument : str
        Why it holds, or fails: the second leg, beside the computation.
    corrects : str
        The id of the printed statement that this one is the nearest true form of.
    """

    id: str
    statement: str
    paper: str = ""
    location: str = ""
    kind: str = "prose"
    reading: str = ""
    domain: Domain | None = None
    margin: Callable[[Any, Any], Any] | None = None
    bite: Callable[[Any, Any], Any] | None = None
    measure: Callable[[], Measured] | None = None
    error: float = 1e-9
    under: str = ""
    ill_posed: str = ""
    argument: str = ""
    corrects: str = ""

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ValueError(f"{self.id}: kind must be one of {', '.join(KINDS)}, got {self.kind!r}.")
        ways = [bool(self.margin), bool(self.measure), bool(self.ill_posed)]
        if sum(ways) != 1 or bool(self.margin) != bool(self.domain):
            raise ValueError(f"{self.id}: give domain and margin, or measure, or ill_posed; one of the three.")

    def until(self, deadline: Deadline) -> Claim:
        """Return the claim whose condition, margin and bite raise `TimeIsUp` once the deadline has passed.

        Whatever is made of it, a search or a proof, therefore ends at most one evaluation after the deadline.
        """
        return replace(
            self,
            domain=self.domain and self.domain.until(deadline),
            margin=self.margin and deadline.guard(self.margin),
            bite=self.bite and deadline.guard(self.bite),
        )
