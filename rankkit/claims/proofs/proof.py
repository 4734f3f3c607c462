"""A proof that a claim holds on the whole of its domain: what was decided, where, and which program checked it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

__all__ = ["Attempt", "Proof"]


@dataclass(frozen=True)
class Proof:
    """A proof that no instance of a claim's domain violates it.

    Attributes
    ----------
    claim : str
        The claim's id.
    kind : str
        "theorem", "enumeration", "squares", "identity", "algebra", "cover" or "induction": the engine, and what a
        recheck does again.
    statement : str
        What was decided, as it was decided.
    domain : str
        For which values of the variables.
    checker : str
        The program that accepted it, with its version.
    seconds : float
        What the proof took.
    file : str
        The file that holds a theorem's proof; empty where the proof is a computation that a recheck makes again.
    facts : tuple of str
        The constants and the known facts on functions that the proof takes as given.
    digest : str
        Of the questions that the checker was asked, or of the file: a recheck compares it.
    evidence : mapping
        What a recheck needs so that it need not search: the squares, or the levels of facts of the questions.
    questions : tuple of str
        In SMT-LIB, those of a proof by algebra; they are stored as a file, not in the record.

    Examples
    --------
    >>> Proof("mine", "enumeration", "margin >= 0", "k in 1..3", "python", 0.1).in_words
    'enumeration, k in 1..3 (python)'
    """

    claim: str
    kind: str
    statement: str
    domain: str
    checker: str
    seconds: float
    file: str = ""
    facts: tuple[str, ...] = ()
    digest: str = ""
    evidence: Mapping[str, Any] = field(default_factory=dict[str, Any])
    questions: tuple[str, ...] = field(default=(), compare=False)

    @property
    def in_words(self) -> str:
        """The engine, the domain and the checker, on one line."""
        return f"{self.kind}, {self.domain} ({self.checker})"

    @property
    def record(self) -> dict[str, Any]:
        """The proof as JSON-ready values, without its questions."""
        fields = {name: value for name, value in self.__dict__.items() if name != "questions"}
        return {**fields, "facts": list(self.facts), "evidence": dict(self.evidence)}

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> Proof:
        """Return the proof that `record` gave.

        Parameters
        ----------
        record : mapping
            Field -> value.

        Raises
        ------
        ValueError
            If the record holds no proof.
        """
        try:
            fields: dict[str, Any] = {**record}
            for name in ("facts", "questions"):
                fields[name] = tuple(record.get(name, ()))
            return cls(**fields)
        except TypeError as error:
            raise ValueError(f"this is no proof: {error}") from None


@dataclass(frozen=True)
class Attempt:
    """What the engines made of a claim: a proof, or the reason of each for having none.

    Attributes
    ----------
    proof : Proof or None
        The first proof that was found.
    reasons : mapping
        Engine -> what it could not do, for instance "not a polynomial" or "timeout at 2 s".
    """

    proof: Proof | None
    reasons: Mapping[str, str]

    @property
    def in_words(self) -> str:
        """The reasons on one line."""
        return "; ".join(f"{engine}: {reason}" for engine, reason in self.reasons.items())
