"""Proofs by computation: an instance of rationals, and a ball around its margin that lies on one side of zero.

A certificate holds the instance, not the proof: whoever doubts it computes the margin again.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from types import SimpleNamespace
from typing import Any

import numpy as np

from rankkit.claims.arithmetic import Balls
from rankkit.claims.claim import Claim
from rankkit.claims.domain import Instance

__all__ = ["Certificate", "certify", "sign"]

BITS = (64, 128, 256, 512, 1024, 2048)


@dataclass(frozen=True)
class Certificate:
    """A proof that one instance of a claim's domain violates it.

    Attributes
    ----------
    claim : str
        The claim's id.
    instance : mapping
        Variable -> integer or rational, or a list of lists of them, as text.
    bits : int
        At this precision the ball lies below zero.
    margin : str
        The ball, as flint prints it.
    """

    claim: str
    instance: Mapping[str, Any]
    bits: int
    margin: str

    def to_json(self) -> str:
        """Return it as JSON, from which `Certificate.from_json` makes it again."""
        return json.dumps(self.__dict__, indent=1)

    @classmethod
    def from_json(cls, text: str) -> Certificate:
        """Return the certificate that a text holds.

        Raises
        ------
        ValueError
            If it is none.
        """
        try:
            return cls(**json.loads(text))
        except (ValueError, TypeError) as error:
            raise ValueError(f"this is no certificate: {error}.") from None

    def recheck(self, claim: Claim) -> bool:
        """Return whether the instance is in the claim's domain and its margin is certainly negative, computed anew.

        Raises
        ------
        ValueError
            If the certificate is of another claim, or its instance is malformed.
        """
        if claim.id != self.claim or claim.domain is None:
            raise ValueError(f"this certificate is of {self.claim}, not of {claim.id}.")
        try:
            instance = {name: _exact(value) for name, value in self.instance.items()}
        except (ValueError, TypeError, ZeroDivisionError) as error:
            raise ValueError(f"the certificate of {self.claim} has a malformed instance: {error}.") from None
        if instance.keys() != claim.domain.spaces.keys() or not claim.domain.contains(instance):
            return False
        return sign(claim, instance, (self.bits,))[0] < 0


def certify(claim: Claim, instance: Instance) -> Certificate | None:
    """Return the certificate that an instance violates a claim; None where no precision tells."""
    negative, bits, margin = sign(claim, instance)
    if negative >= 0:
        return None
    return Certificate(claim.id, {name: _text(value) for name, value in instance.items()}, bits, margin)


def sign(claim: Claim, instance: Instance, precisions: tuple[int, ...] = BITS) -> tuple[int, int, str]:
    """Return (-1, 0 or 1, bits, ball): the margin's certain sign, 0 where even the last precision leaves it open."""
    assert claim.margin is not None
    bits, text = 0, ""
    for bits in precisions:
        with Balls.at(bits) as balls:
            try:
                margin = claim.margin(variables(instance, balls), balls)
            except (ValueError, ZeroDivisionError):  # eigenvalues not yet told apart, or a ball around zero divides
                continue
            text = str(margin)
            if margin.is_finite() and (margin < 0 or margin > 0):
                return (-1 if margin < 0 else 1), bits, text
    return 0, bits, text


def variables(instance: Instance, arithmetic: Any) -> SimpleNamespace:
    """Return an instance's variables as attributes, in an arithmetic; integers stay what they are."""
    return SimpleNamespace(
        **{name: value if isinstance(value, int) else arithmetic.of(value) for name, value in instance.items()}
    )


def _text(value: Any) -> Any:
    if isinstance(value, np.ndarray):
        return [[str(x) for x in row] for row in value]
    return value if isinstance(value, int) else str(value)


def _exact(value: Any) -> Any:
    if isinstance(value, list):
        return np.array([[Fraction(x) for x in row] for row in value], dtype=object)
    return value if isinstance(value, int) else Fraction(value)
