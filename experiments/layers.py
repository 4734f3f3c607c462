"""Low-rank layers trained from scratch: sin(omega B A) / g of the sine-LoRA paper, and what it is held against.

All kinds of one layer draw the same B and A, the draws of `SineLowRankLinear`, and change their size:

==============  ==========================  =======================================================================
kind            weight                      start of the factors
==============  ==========================  =======================================================================
full            W                           torch's default of nn.Linear
sine            sin(omega B A) / g          Kaiming's uniform law with a = 0: bounds sqrt(6 / r) and sqrt(6 / n)
frozen          the sine's                  the sine's, and B and A are not trained
low rank        B A                         two nn.Linear in a row: bounds sqrt(1 / r) and sqrt(1 / n)
matched         B A                         the sine's times one number, so that the weight has the sine's norm
twin            (omega / g) B A             the sine's: the two weights agree while omega B A is small
matched twin    (omega / g) B A             the twin's times one number, so that the weight has the sine's norm
==============  ==========================  =======================================================================

The biases of all but `full` begin at 0.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

import rankkit as rk
from rankkit.adapters import SineLowRankLinear

__all__ = ["KINDS", "Layers", "LowRankLinear", "layer", "look"]

KINDS = ("full", "low rank", "matched", "sine", "frozen", "twin", "matched twin")
TORCH = 1 / math.sqrt(6)  # bound of nn.Linear's weight, sqrt(1 / fan_in), over the sine's, sqrt(6 / fan_in)


class LowRankLinear(nn.Module):
    """A linear layer with the weight scale * B A.

    Parameters
    ----------
    B, A : Tensor
        (m, r) and (r, n), the start of the factors.
    scale : float
    """

    def __init__(self, B: Tensor, A: Tensor, scale: float = 1.0) -> None:
        super().__init__()
        self.B, self.A, self.scale = nn.Parameter(B.clone()), nn.Parameter(A.clone()), scale
        self.bias = nn.Parameter(torch.zeros(len(B)))

    @property
    def weight(self) -> Tensor:
        """The whole weight (m, n), formed now."""
        return self.scale * self.B @ self.A

    def forward(self, x: Tensor) -> Tensor:
        """Return the layer's output."""
        return nn.functional.linear(x @ self.A.T, self.scale * self.B, self.bias)


@dataclass(frozen=True)
class Layers:
    """Which layers a model is built of, in place of nn.Linear.

    Attributes
    ----------
    kind : str
        One of KINDS.
    rank : int
        Of the factors; no meaning for the kind full.
    omega : float
        Frequency in radians per unit of B A. For the kind matched it says whose norm is matched; no meaning for full
        and low rank.
    """

    kind: str
    rank: int
    omega: float

    def __call__(self, n: int, m: int) -> nn.Module:
        """Return a layer from n inputs to m outputs, drawn from torch's generator."""
        return layer(self.kind, n, m, rank=self.rank, omega=self.omega)


def layer(kind: str, n: int, m: int, *, rank: int, omega: float) -> nn.Module:
    """Return a layer of one kind, drawn from torch's generator.

    Parameters
    ----------
    kind : str
        One of KINDS.
    n, m : int
        Inputs and outputs.
    rank, omega
        As for `Layers`.

    Raises
    ------
    ValueError
        If there is no such kind.
    """
    if kind not in KINDS:
        raise ValueError(f"kind must be one of {', '.join(KINDS)}, got {kind!r}; correct the plan.")
    if kind == "full":
        return nn.Linear(n, m)
    if kind == "low rank":
        drawn = SineLowRankLinear(n, m, rank, 1.0)  # the frequency is no part of the draws
        return LowRankLinear(TORCH * drawn.B.detach(), TORCH * drawn.A.detach())
    sine = SineLowRankLinear(n, m, rank, omega)
    if kind == "sine":
        return sine
    if kind == "frozen":
        sine.B.requires_grad_(False)
        sine.A.requires_grad_(False)
        return sine
    B, A = sine.B.detach(), sine.A.detach()
    scale = omega / sine.gain if "twin" in kind else 1.0
    times = 1.0
    if "matched" in kind:
        times = math.sqrt(float(sine.weight.norm() / (scale * (B @ A).norm())))
    return LowRankLinear(times * B, times * A, scale)


def look(model: nn.Module, names: Iterable[str], when: str) -> list[dict[str, Any]]:
    """Return one row a layer: the size and the ranks of its weight, and the phase of a sine.

    Parameters
    ----------
    model : nn.Module
    names : iterable of str
        Paths of layers that `layer` made.
    when : str
        The row's column `when`.
    """
    return [{"module": name, "when": when, **_measures(model.get_submodule(name))} for name in names]


def _measures(module: Any) -> dict[str, float]:
    spectrum, rms = _spectrum(module)
    return {
        "m": spectrum.shape[0], "n": spectrum.shape[1],
        "rms_phase": rms,
        "frobenius_norm": float(rk.metrics.frobenius_norm(spectrum)),
        "stable_rank": float(rk.metrics.stable_rank(spectrum)),
        "numerical_rank": float(rk.metrics.numerical_rank(spectrum)),
    }  # fmt: skip


def _spectrum(module: Any) -> tuple[rk.Spectrum, float]:
    """Return the spectrum of a layer's weight and the root mean square of its phases; NaN where it has none."""
    if isinstance(module, nn.Linear):
        return rk.spectrum_of(module.weight.detach().double().numpy()), math.nan
    factors = rk.Factors(module.B.detach().numpy(), module.A.detach().numpy())
    if isinstance(module, LowRankLinear):
        return rk.spectrum_of(rk.rules.Linear(module.scale)(factors)), math.nan
    rule = rk.rules.Sine(module.omega, gain=module.gain)
    phase = module.omega * module.B.detach().double() @ module.A.detach().double()
    spectrum = rk.spectrum_of(rule(factors), forming_error=rule.forming_error(factors))
    return spectrum, float(phase.square().mean().sqrt())
