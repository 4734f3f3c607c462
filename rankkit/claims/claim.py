"""A statement as a record: what it says, where, of what, and how far an instance is from violating it."""

from __future__ import annotations

import csv
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from textwrap import shorten
from typing import Any

from rankkit.claims.deadline import Deadline
from rankkit.claims.domain import Domain, Instance
from rankkit.claims.spaces import Integer
from rankkit.report.inline import WIDTH, html_summary, text_summary

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
    "trained",
)


@dataclass(frozen=True)
class Measured:
    """What a measurement says of a claim that only a measurement can decide.

    Parameters
    ----------
    value : float
        The value that was measured.
    low, high : float
        The interval that the value is known to lie in, or the range of the draws.
    how : str
        How it was measured, in a few words.

    Raises
    ------
    ValueError
        If the value does not lie within the interval.

    Examples
    --------
    >>> Measured(0.5, 0.4, 0.6, "mean and range of 10 draws").how
    'mean and range of 10 draws'
    """

    value: float
    low: float
    high: float
    how: str

    def __post_init__(self) -> None:
        if not self.low <= self.value <= self.high:
            raise ValueError(
                f"a measured value must lie within low and high, got {self.value} in [{self.low}, {self.high}]."
            )

    @classmethod
    def read(cls, file: Path, name: str) -> Measured:
        """Return a measurement that took long and was written down.

        Parameters
        ----------
        file : Path
            A CSV file with the columns id, value, low, high and how.
        name : str
            The id of its row.

        Raises
        ------
        ValueError
            If the file has not exactly one row with the id.
        """
        with file.open(newline="", encoding="utf-8") as lines:
            found = [row for row in csv.DictReader(lines) if row["id"] == name]
        if len(found) != 1:
            raise ValueError(f"{file.name} must have one row with the id {name}, got {len(found)}; correct it.")
        return cls(float(found[0]["value"]), float(found[0]["low"]), float(found[0]["high"]), found[0]["how"])


@dataclass(frozen=True, eq=False, repr=False)
class Claim:
    """One statement as a record: what it says, where, of which instances, and how it is decided.

    A claim has a domain and a margin, or a measurement, or the reason for which it is ill posed: one of the three.

    Parameters
    ----------
    id : str
        The name under which the claim stands in a ledger.
    statement : str
        What it says, in our words and as a formula.
    paper, location : str
        Where the statement is from, and its place there.
    kind : str
        "lemma", "theorem", "proof step", ...; "trained" is what a training of ours measured of a statement on trained
        adapters.
    reading : str
        How the statement is taken, and what is not claimed.
    domain : Domain, optional
        The instances inside the printed hypotheses.
    margin : callable, optional
        (variables, arithmetic) -> signed distance from violation: negative where an instance violates the statement.
        Variables are attributes of the first argument, in the arithmetic of the second (`Floats` or `Balls`).
    bite : callable, optional
        The same for whether a bound says anything there: positive where it does. A statement that holds and can
        nowhere bite is VACUOUS.
    measure : callable, optional
        () -> Measured, for what only a measurement can tell.
    error : float
        What the float margin may be off by. Nearer to zero than that, balls decide.
    under : str
        A hypothesis beyond the printed ones, where the statement needs it.
    ill_posed : str
        Why it cannot be decided, where it cannot.
    argument : str
        Why it holds, or fails: the second leg, beside the computation.
    finding : str
        For the few that matter most: what is printed, what is so, and the smallest example, in words for everybody.
    tries : tuple of dict
        Instances to look at first, found by other means, for instance by a longer search. They are not made simpler.
    theorem : str
        FILE.NAME of a theorem in proofs/rocq that implies the statement for every size.
    induction : str
        An integer variable whose upper bound is that of the search alone: the statement is claimed for every larger
        value too, and proved by induction.
    corrects : str
        The id of the printed statement that this one is the nearest true form of.

    Raises
    ------
    ValueError
        If the kind is unknown, not exactly one of the three ways to decide the claim is given, or `induction` names
        no integer variable.

    Examples
    --------
    >>> from rankkit.claims import Domain, Real
    >>> Claim("mine", "sin x <= x", domain=Domain(x=Real(0, 2)), margin=lambda v, a: v.x - a.sin(v.x))
    Claim mine, prose.
      sin x <= x
      decided by a margin on a domain of 1 variable
      check(claim) searches for violations and proves what it finds.
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
    finding: str = ""
    tries: tuple[Instance, ...] = ()
    theorem: str = ""
    induction: str = ""
    corrects: str = ""

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ValueError(f"{self.id}: kind must be one of {', '.join(KINDS)}, got {self.kind!r}.")
        ways = [bool(self.margin), bool(self.measure), bool(self.ill_posed)]
        if sum(ways) != 1 or bool(self.margin) != bool(self.domain):
            raise ValueError(f"{self.id}: give domain and margin, or measure, or ill_posed; one of the three.")
        spaces = {} if self.domain is None else self.domain.spaces
        if self.induction and not isinstance(spaces.get(self.induction), Integer):
            raise ValueError(f"{self.id}: induction must name an Integer of the domain, got {self.induction!r}.")

    def __repr__(self) -> str:
        return text_summary(*self._shown())

    def _repr_html_(self) -> str:
        return html_summary(*self._shown())

    def _shown(self) -> tuple[str, list[str]]:
        """Return the title and the lines that show the claim."""
        place = ", ".join(part for part in (self.kind, self.paper, self.location) if part)
        if self.domain is not None:
            count = len(self.domain.spaces)
            how = f"decided by a margin on a domain of {count} variable{'s' if count > 1 else ''}"
        else:
            how = "decided by a measurement" if self.measure else f"ill posed: {self.ill_posed}"
        reading = [f"read as: {self.reading}"] if self.reading else []
        lines = [shorten(line, WIDTH) for line in (self.statement, *reading, how)]
        return f"Claim {self.id}, {place}.", [*lines, "check(claim) searches for violations and proves what it finds."]

    def until(self, deadline: Deadline) -> Claim:
        """Return the claim whose condition, margin and bite raise `TimeIsUp` once the deadline has passed.

        Whatever is made of it, a search or a proof, therefore ends at most one evaluation after the deadline.

        Parameters
        ----------
        deadline : Deadline
            From which on nothing is evaluated.
        """
        return replace(
            self,
            domain=self.domain and self.domain.until(deadline),
            margin=self.margin and deadline.guard(self.margin),
            bite=self.bite and deadline.guard(self.bite),
        )
