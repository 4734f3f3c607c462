"""Gradient ascent on a claim's violation: its margin on torch tensors, followed downhill within the domain."""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import numpy as np

from rankkit.claims.claim import Claim
from rankkit.claims.domain import Domain, Instance
from rankkit.claims.spaces import Integer

__all__ = ["ascend"]

STEPS = 120
SHARE = 0.1  # of a variable's range, the first step; halved whenever a step does not help


class Tensors:
    """The arithmetic of a margin in torch's float64, for its gradient; ranks and counts have none."""

    pi = math.pi

    def __init__(self) -> None:
        import torch

        self.torch: Any = torch
        for name in ("sin", "cos", "exp", "sinc", "square"):
            setattr(self, name, getattr(torch, name))
        self.absolute, self.least, self.most = torch.abs, torch.minimum, torch.maximum

    def of(self, value: Any) -> Any:
        """Return a rational, or an array of them, as a float64 tensor."""
        return self.torch.tensor(np.asarray(value, dtype=np.float64))

    def sqrt(self, x: Any) -> Any:
        """Return the root of x >= 0; its slope at 0 is taken as finite."""
        return self.torch.sqrt(self.torch.clamp(x, min=1e-300))

    def singular_values(self, X: Any) -> Any:
        """Return the singular values, descending."""
        return self.torch.linalg.svdvals(X)

    def spectral_norm(self, X: Any) -> Any:
        """Return sigma_1."""
        return self.singular_values(X)[0]


def ascend(claim: Claim, start: Instance) -> Iterator[Instance]:
    """Yield instances of ever smaller margin; none where torch or a gradient is missing.

    The search takes steps of steepest descent of the margin, in units of each variable's range, projected back into
    it. A step is halved where it does not help and doubled where it does. Integers stay what they are.

    Parameters
    ----------
    claim : Claim
        With a domain and a margin.
    start : dict
        The instance to begin with.

    Yields
    ------
    dict
        An instance whose margin is below that of the one before it.
    """
    domain = claim.domain
    assert domain is not None
    assert claim.margin is not None
    moving = [name for name, space in domain.spaces.items() if not isinstance(space, Integer)]
    try:
        arithmetic: Any = Tensors()
        here, share = start, SHARE
        least, slope = _slope(claim, here, moving, arithmetic)
        for _ in range(STEPS if moving else 0):
            there = _stepped(domain, here, slope, share)
            if there is None:
                share /= 2
                continue
            margin, next_slope = _slope(claim, there, moving, arithmetic)
            if margin < least:
                here, least, slope, share = there, margin, next_slope, min(2 * share, SHARE)
                yield here
            else:
                share /= 2
            if share < 1e-9:
                return
    except (ImportError, AttributeError, TypeError, RuntimeError, ValueError):
        return  # a margin that counts, or is not made of an arithmetic's functions, has no gradient


def _slope(claim: Claim, instance: Instance, moving: list[str], arithmetic: Any) -> tuple[float, dict[str, Any]]:
    """Return the margin and its gradient by every variable that moves."""
    variables = SimpleNamespace(
        **{name: value if isinstance(value, int) else arithmetic.of(value) for name, value in instance.items()}
    )
    for name in moving:
        getattr(variables, name).requires_grad_()
    assert claim.margin is not None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a margin may compare tensors as floats, which torch warns of
        margin = claim.margin(variables, arithmetic)
    margin.backward()
    found = {name: getattr(variables, name).grad for name in moving}
    return float(margin.detach()), {
        name: np.nan_to_num(grad.numpy()) for name, grad in found.items() if grad is not None
    }


def _stepped(domain: Domain, instance: Instance, slope: dict[str, Any], share: float) -> Instance | None:
    """Return the instance a step downhill, in the domain; None where it does not move or leaves it."""
    steepest = max((float(np.abs(grad).max()) for grad in slope.values()), default=0.0)
    if not math.isfinite(steepest) or steepest == 0:
        return None
    changed = dict(instance)
    for name, grad in slope.items():
        changed[name] = domain.spaces[name].moved(instance[name], -share * grad / steepest)
    return changed if domain.contains(changed) and _differs(changed, instance) else None


def _differs(one: Instance, other: Instance) -> bool:
    return any(np.any(np.asarray(one[name]) != np.asarray(other[name])) for name in one)
