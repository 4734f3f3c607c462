"""Proofs by computation: an instance of rationals, and a ball around its margin that lies on one side of zero.

A certificate holds the instance, not the proof: whoever doubts it computes the margin again.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from textwrap import shorten
from typing import Any

import numpy as np

from rankkit.checks import integer
from rankkit.claims.arithmetic import Balls
from rankkit.claims.claim import Claim
from rankkit.claims.deadline import NEVER, Deadline, TimeIsUp
from rankkit.claims.domain import Instance
from rankkit.claims.margins import BITS, sign
from rankkit.report.inline import WIDTH, html_summary, text_summary

__all__ = ["Certificate", "certificates_in", "certify", "in_words"]
_RATIONAL = re.compile(r"-?\d+(/\d+)?")


@dataclass(frozen=True, repr=False)
class Certificate:
    """A proof that one instance of a claim's domain violates it.

    Attributes
    ----------
    claim : str
        The claim's id.
    instance : mapping
        Variable -> integer or rational, or a list of lists of them, as text.
    bits : int
        The precision at which the ball lies below zero, at most 2048.
    margin : str
        The ball, as flint prints it.

    Raises
    ------
    ValueError
        If a field does not hold what it should.

    Examples
    --------
    >>> from rankkit.claims import Claim, Domain, Real, check
    >>> wrong = Claim("mine", "x >= 1", domain=Domain(x=Real(0, 2)), margin=lambda v, a: v.x - 1)
    >>> certificate = check(wrong).certificate
    >>> certificate.instance, certificate.margin, certificate.recheck(wrong)
    ({'x': '0'}, '-1.00000000000000000', True)
    """

    claim: str
    instance: Mapping[str, Any]
    bits: int
    margin: str

    def __post_init__(self) -> None:
        integer("a certificate's bits", self.bits, least=2, advice=f"rankkit writes {BITS[0]} to {BITS[-1]}")
        if self.bits > BITS[-1]:
            raise ValueError(f"a certificate's bits must be at most {BITS[-1]}, got {self.bits}.")
        kinds: dict[str, Any] = {"claim": str, "instance": Mapping, "margin": str}
        for name, kind in kinds.items():
            if not isinstance(value := getattr(self, name), kind):
                raise ValueError(f"a certificate's {name} must be a {kind.__name__}, got {value!r}.")

    def __repr__(self) -> str:
        return text_summary(*self._shown())

    def _repr_html_(self) -> str:
        return html_summary(*self._shown())

    def _shown(self) -> tuple[str, list[str]]:
        """Return the title and the lines that show the certificate."""
        lines = [shorten(f"instance: {in_words(self.instance)}", WIDTH), f"margin: {self.margin}, at {self.bits} bits"]
        return f"A certificate that {self.claim} fails.", [*lines, "recheck(claim) computes the margin again."]

    def to_json(self) -> str:
        """Return the certificate as JSON, from which `Certificate.from_json` makes it again."""
        return json.dumps(self.__dict__, indent=1)

    @classmethod
    def from_json(cls, text: str) -> Certificate:
        """Return the certificate that a text holds.

        Parameters
        ----------
        text : str
            JSON, as `to_json` writes it.

        Raises
        ------
        ValueError
            If the text holds no certificate.
        """
        try:
            return cls(**json.loads(text))
        except (ValueError, TypeError) as error:
            raise ValueError(f"this is no certificate: {error}") from None

    def recheck(self, claim: Claim) -> bool:
        """Return whether the certificate proves that the claim fails; everything is computed anew.

        It does where the instance is in the claim's domain, its margin is certainly negative, and the margin that the
        certificate states is negative and contains it. The margin is computed with twice the certificate's precision.

        Parameters
        ----------
        claim : Claim
            The claim that the certificate is of.

        Raises
        ------
        ValueError
            If the certificate is of another claim, or its instance or its margin is malformed.
        """
        if claim.id != self.claim or claim.domain is None:
            raise ValueError(f"this certificate is of {self.claim}, not of {claim.id}.")
        try:
            instance = {name: _exact(value) for name, value in self.instance.items()}
        except (ValueError, TypeError, ZeroDivisionError) as error:
            raise ValueError(f"the certificate of {self.claim} has a malformed instance: {error}.") from None
        with Balls.at(2 * self.bits) as balls:
            stated = balls.read(f"the margin in the certificate of {self.claim}", self.margin)
            if instance.keys() != claim.domain.spaces.keys() or not claim.domain.contains(instance):
                return False
            # so much narrower than the stated ball that only a wrong one does not contain it
            found = sign(claim, instance, (2 * self.bits,))
            return bool(found.sign < 0 and stated < 0 and stated.contains(found.margin))


def certificates_in(text: str) -> list[Certificate]:
    """Return the certificates that a JSON text holds.

    Parameters
    ----------
    text : str
        A list of certificates, as `rankkit verify --certificates` writes it, or a single one.

    Raises
    ------
    ValueError
        If the text is no JSON, holds no certificate at all, or something else than certificates.
    """
    try:
        records: list[Any] = json.loads(text if text.lstrip().startswith("[") else f"[{text}]")
    except ValueError as error:
        raise ValueError(f"a file of certificates must hold JSON: {error}.") from None
    found = [Certificate.from_json(json.dumps(record)) for record in records]
    if not found:
        raise ValueError("the file holds no certificates; `rankkit verify --certificates FILE` writes them.")
    return found


def certify(claim: Claim, instance: Instance, *, deadline: Deadline = NEVER) -> Certificate | None:
    """Return the certificate that an instance violates a claim.

    Parameters
    ----------
    claim : Claim
        With a domain and a margin.
    instance : dict
        Variable -> integer, rational or matrix of rationals, inside the claim's domain.
    deadline : Deadline
        At which the attempt is given up.

    Returns
    -------
    Certificate or None
        None where no precision tells that the margin is negative.

    Raises
    ------
    ImportError
        If python-flint is missing.

    Examples
    --------
    >>> from fractions import Fraction
    >>> from rankkit.claims import Domain, Real
    >>> claim = Claim("mine", "x >= 1", domain=Domain(x=Real(0, 2)), margin=lambda v, a: v.x - 1)
    >>> certify(claim, {"x": Fraction(1, 2)}).margin, certify(claim, {"x": Fraction(1)})
    ('-0.500000000000000000', None)
    """
    try:
        found = sign(claim.until(deadline), instance)
    except TimeIsUp:
        return None
    if found.sign >= 0:
        return None
    with Balls.at(found.bits):
        words = str(found.margin)
    return Certificate(claim.id, {name: _text(value) for name, value in instance.items()}, found.bits, words)


def in_words(instance: Mapping[str, Any]) -> str:
    """Return an instance, as a certificate holds it, on one line: ``x = 1/2, A = [[1, 0]]``.

    Parameters
    ----------
    instance : mapping
        Variable -> text, or lists of texts.
    """
    return ", ".join(f"{name} = {value}".replace("'", "") for name, value in instance.items())


def _text(value: Any) -> Any:
    if isinstance(value, np.ndarray):
        return [[str(x) for x in row] for row in value]
    return value if isinstance(value, int) else str(value)


def _exact(value: Any) -> Any:
    """Return what `_text` wrote: an integer, a rational, or a matrix of rationals."""
    if isinstance(value, int):
        return value
    if isinstance(value, str):
        return _exact_number(value)
    return np.array([[_exact_number(x) for x in row] for row in value], dtype=object)


def _exact_number(text: object) -> Fraction:
    """Return a rational; a power such as 1e999999999, which Fraction would write out, is refused."""
    if not _RATIONAL.fullmatch(str(text)):
        raise ValueError(f"expected an integer or a rational such as 1/2, got {text!r}")
    return Fraction(str(text))
