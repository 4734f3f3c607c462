"""Fixed functions of the entries of B A for training: their values and slopes, formed in place, block by block.

`rankkit.rules` says what the functions are. What is here is the same to rounding (a test holds every one against its
rule), without a temporary array for each operation.
"""

# torch's and PEFT's own types are partly unknown
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
# pyright: reportUnknownParameterType=false

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, final

import torch
from torch import Tensor

__all__ = ["CURVES", "Curve", "IdentityCurve", "ReluCurve", "SigmoidCurve", "SineCurve", "SinterCurve", "SwishCurve",
           "TanhCurve", "made"]  # fmt: skip


class Curve(ABC):
    """outer * f(inner * z) at the entries z of B A.

    Attributes
    ----------
    inner, outer : float
        The factors within and in front. `inner` is multiplied into B, which is smaller than the product.
    """

    inner: float = 1.0
    outer: float = 1.0
    numbers: ClassVar[tuple[str, ...]] = ()  # what a fixed curve is made of

    def described(self) -> tuple[str, list[float]]:
        """Return the name of a fixed curve and its numbers, from which `made` makes it again."""
        return type(self).__name__, [float(getattr(self, name)) for name in self.numbers]

    @abstractmethod
    def values(self, u: Tensor) -> Tensor:
        """Return f(u), which may take the memory of u."""

    @abstractmethod
    def values_and_slopes(self, u: Tensor, weights: Tensor | None) -> tuple[Tensor, Tensor]:
        """Return f(u) and f'(u), one of which may take the memory of u.

        Parameters
        ----------
        u : Tensor, shape (rows, n)
        weights : Tensor or None
            The loss's gradient by the update at the same entries, for a curve that is itself learned.
        """

    def gradient(self) -> Tensor | None:
        """Return the loss's gradient by the curve's own samples, summed over the blocks; None for a fixed curve."""
        return None


@final
@dataclass(frozen=True)
class SineCurve(Curve):
    """sin(omega z) / gain."""

    inner: float
    outer: float
    numbers: ClassVar[tuple[str, ...]] = ("inner", "outer")

    @classmethod
    def of(cls, omega: float, gain: float) -> SineCurve:
        """Return the curve of a frequency and the gain it is divided by."""
        return cls(float(omega), 1 / gain)

    def values(self, u: Tensor) -> Tensor:
        """Return sin(u)."""
        return u.sin_()

    def values_and_slopes(self, u: Tensor, weights: Tensor | None) -> tuple[Tensor, Tensor]:
        """Return sin(u) and cos(u)."""
        slopes = u.cos()
        return u.sin_(), slopes


@final
@dataclass(frozen=True)
class SinterCurve(Curve):
    """LoRAN's Sinter: z + amplitude z sin(omega z)."""

    amplitude: float
    omega: float
    numbers: ClassVar[tuple[str, ...]] = ("amplitude", "omega")

    def values(self, u: Tensor) -> Tensor:
        """Return u (1 + a sin(omega u))."""
        return u.mul_((u * self.omega).sin_().mul_(self.amplitude).add_(1))

    def values_and_slopes(self, u: Tensor, weights: Tensor | None) -> tuple[Tensor, Tensor]:
        """Return u (1 + a sin(omega u)) and 1 + a (sin(omega u) + omega u cos(omega u))."""
        phase = u * self.omega
        slopes = phase.cos().mul_(phase)
        wave = phase.sin_()
        slopes.add_(wave).mul_(self.amplitude).add_(1)
        return u.mul_(wave.mul_(self.amplitude).add_(1)), slopes


@final
@dataclass(frozen=True)
class SwishCurve(Curve):
    """z sigmoid(beta z)."""

    beta: float
    numbers: ClassVar[tuple[str, ...]] = ("beta",)

    def values(self, u: Tensor) -> Tensor:
        """Return u sigmoid(beta u)."""
        return u.mul_((u * self.beta).sigmoid_())

    def values_and_slopes(self, u: Tensor, weights: Tensor | None) -> tuple[Tensor, Tensor]:
        """Return u s and s (1 + beta u (1 - s)) with s = sigmoid(beta u)."""
        s = (u * self.beta).sigmoid_()
        slopes = (1 - s).mul_(u).mul_(self.beta).add_(1).mul_(s)
        return u.mul_(s), slopes


@final
@dataclass(frozen=True)
class TanhCurve(Curve):
    """tanh z."""

    def values(self, u: Tensor) -> Tensor:
        """Return tanh u."""
        return u.tanh_()

    def values_and_slopes(self, u: Tensor, weights: Tensor | None) -> tuple[Tensor, Tensor]:
        """Return tanh u and 1 - tanh(u)^2."""
        u.tanh_()
        return u, (u * u).neg_().add_(1)


@final
@dataclass(frozen=True)
class SigmoidCurve(Curve):
    """1 / (1 + exp(-z)): 0.5, not 0, at z = 0."""

    def values(self, u: Tensor) -> Tensor:
        """Return sigmoid u."""
        return u.sigmoid_()

    def values_and_slopes(self, u: Tensor, weights: Tensor | None) -> tuple[Tensor, Tensor]:
        """Return s = sigmoid u and s (1 - s)."""
        u.sigmoid_()
        return u, (1 - u).mul_(u)


@final
@dataclass(frozen=True)
class ReluCurve(Curve):
    """max(z, 0), with slope 0 at z = 0."""

    def values(self, u: Tensor) -> Tensor:
        """Return max(u, 0)."""
        return u.clamp_(min=0)

    def values_and_slopes(self, u: Tensor, weights: Tensor | None) -> tuple[Tensor, Tensor]:
        """Return max(u, 0) and whether u > 0."""
        slopes = (u > 0).to(u.dtype)
        return u.clamp_(min=0), slopes


@final
@dataclass(frozen=True)
class IdentityCurve(Curve):
    """z itself: plain LoRA by the same route."""

    def values(self, u: Tensor) -> Tensor:
        """Return u."""
        return u

    def values_and_slopes(self, u: Tensor, weights: Tensor | None) -> tuple[Tensor, Tensor]:
        """Return u and ones."""
        return u, torch.ones_like(u)


CURVES: dict[str, Any] = {
    "sinter": SinterCurve,
    "swish": SwishCurve,
    "tanh": TanhCurve,
    "relu": ReluCurve,
    "sigmoid": SigmoidCurve,
    "identity": IdentityCurve,
}


def made(name: str, numbers: Sequence[float]) -> Curve:
    """Return the fixed curve of a name and numbers that `Curve.described` gave."""
    kinds: dict[str, Any] = {kind.__name__: kind for kind in (SineCurve, *CURVES.values())}
    return kinds[name](*numbers)
