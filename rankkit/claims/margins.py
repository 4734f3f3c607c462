"""A claim's margin at one instance: in floats, and its certain sign in balls."""

from __future__ import annotations

import math
from types import SimpleNamespace
from typing import Any, NamedTuple

import numpy as np

from rankkit.claims.arithmetic import Balls, Floats
from rankkit.claims.claim import Claim
from rankkit.claims.domain import Instance

__all__ = ["BITS", "Sign", "float_margin", "sign", "variables"]

BITS = (64, 128, 256, 512, 1024, 2048)
FLOATS = Floats()


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
    """
    assert claim.margin is not None
    with np.errstate(all="ignore"):
        value = float(claim.margin(variables(instance, FLOATS), FLOATS))
    if math.isnan(value):
        raise ValueError(f"{claim.id}: its margin is NaN at {instance}.")
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
    assert claim.margin is not None
    bits, margin = 0, None
    for bits in precisions:
        with Balls.at(bits) as balls:
            try:
                margin = claim.margin(variables(instance, balls), balls)
            except (ValueError, ZeroDivisionError):  # eigenvalues not yet told apart, or a ball around zero divides
                continue
            if margin.is_finite() and (margin < 0 or margin > 0):
                return Sign(-1 if margin < 0 else 1, bits, margin)
    return Sign(0, bits, margin)
