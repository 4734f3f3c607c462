"""A claim's margin at one instance: in floats, and its certain sign in balls."""

from __future__ import annotations

import math
from numbers import Rational
from types import SimpleNamespace
from typing import Any, NamedTuple

import numpy as np

from rankkit.claims.arithmetic import Balls, Floats
from rankkit.claims.claim import Claim
from rankkit.claims.domain import Instance

__all__ = ["BITS", "Sign", "ball_margin", "float_margin", "sign", "variables"]

BITS = (64, 128, 256, 512, 1024, 2048)
FLOATS = Floats()
SIGNED = "return a number that is negative where the statement is false"


class Sign(NamedTuple):
    """What balls say of a margin.

    Attributes
    ----------
    sign : int
        -1 or 1 where it is certain, 0 where even the last precision leaves it open.
    bits : int
        The last precision that was tried.
    margin : flint.arb or None
        The ball around the margin; None where none could be computed.
    """

    sign: int
    bits: int
    margin: Any


def variables(instance: Instance, arithmetic: Any) -> SimpleNamespace:
    """Return an instance's variables as attributes, in an arithmetic; integers stay what they are.

    Parameters
    ----------
    instance : dict
        Variable -> value.
    arithmetic : Floats or Balls
        In which rationals and matrices are given.
    """
    return SimpleNamespace(
        **{name: value if isinstance(value, int) else arithmetic.of(value) for name, value in instance.items()}
    )


def float_margin(claim: Claim, instance: Instance) -> float:
    """Return a claim's margin at an instance, in float64.

    Parameters
    ----------
    claim : Claim
        With a margin.
    instance : dict
        Variable -> value.

    Raises
    ------
    ValueError
        If it is NaN: the record is wrong.
    TypeError
        If it is no number, or the margin names what the domain or the arithmetic does not have.
    """
    with np.errstate(all="ignore"):
        value = _returned(claim, instance, FLOATS)
    try:
        value = float(value)
    except (TypeError, ValueError):
        raise TypeError(f"margin returned {value!r}; {SIGNED}.") from None
    if math.isnan(value):
        raise ValueError(f"{claim.id}: its margin is NaN at {instance}.")
    return value


def ball_margin(claim: Claim, instance: Instance, balls: Balls) -> Any:
    """Return a claim's margin at an instance as a ball.

    Parameters
    ----------
    claim : Claim
        With a margin.
    instance : dict
        Variable -> value.
    balls : Balls
        The arithmetic.

    Raises
    ------
    TypeError
        If the margin is a float: what rounding did to it is not known.
    """
    value = _returned(claim, instance, balls)
    if isinstance(value, Rational):  # exact as it is
        return balls.of(value)
    if not hasattr(value, "is_finite") or isinstance(value, float):
        raise TypeError(
            f"margin returned a {type(value).__name__} where every number must be exact or a ball; compute with v and "
            "a alone, for instance a.sin(v.x) in place of math.sin(v.x)."
        )
    return value


def _returned(claim: Claim, instance: Instance, arithmetic: Floats | Balls) -> Any:
    """Return what a claim's margin returns, once it is found to be no truth value."""
    assert claim.margin is not None
    made = variables(instance, arithmetic)
    try:
        value = claim.margin(made, arithmetic)
    except AttributeError as error:
        if error.obj is made:
            raise TypeError(f"the domain has no variable {error.name}; it has {', '.join(instance)}.") from None
        if error.obj is arithmetic:
            known = ", ".join(name for name in dir(FLOATS) if not name.startswith("_"))
            raise TypeError(f"the arithmetic has no {error.name}; it has {known}.") from None
        raise
    if isinstance(value, (bool, np.bool_)):
        raise TypeError(f"margin returned {'True' if value else 'False'}; {SIGNED}.")
    return value


def sign(claim: Claim, instance: Instance, precisions: tuple[int, ...] = BITS) -> Sign:
    """Return the certain sign of the margin at an instance, at the first precision that tells it.

    Parameters
    ----------
    claim : Claim
        With a margin.
    instance : dict
        Variable -> value.
    precisions : tuple of int
        Bits, in the order in which they are tried.
    """
    bits, margin = 0, None
    for bits in precisions:
        with Balls.at(bits) as balls:
            try:
                margin = ball_margin(claim, instance, balls)
            except (ValueError, ZeroDivisionError):  # eigenvalues not yet told apart, or a ball around zero divides
                continue
            if margin.is_finite() and (margin < 0 or margin > 0):
                return Sign(-1 if margin < 0 else 1, bits, margin)
    return Sign(0, bits, margin)
