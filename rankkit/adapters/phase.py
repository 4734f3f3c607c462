"""How far into the sine the training has come: the phases omega B A of a live model, module by module."""

# torch's and PEFT's own types are partly unknown
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
# pyright: reportUnknownParameterType=false

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import NamedTuple

import torch
from torch import Tensor, nn

from rankkit.adapters.blocks import rows_at_once, update_of
from rankkit.adapters.curves import Curve, SineCurve
from rankkit.adapters.layer import NonlinearLayer
from rankkit.adapters.low_rank import SineLowRankLinear
from rankkit.factors import Factors
from rankkit.metrics import stable_rank
from rankkit.regime import regime_of
from rankkit.spectrum import spectrum_of

__all__ = ["Phase", "phases", "rms_phase"]

TOL = 1e-4  # of the largest singular value: the regime's limits are at ten per cent


class Phase(NamedTuple):
    """The phases of one module.

    Attributes
    ----------
    module, adapter : str
        Its path, and the adapter's name; "" for a layer without a base.
    rms, largest : float
        Root mean square and largest size of omega B A, in radians.
    regime : str
        Where the update sits on the frequency curve: linear, growing or saturated, as `rankkit.audit` says it; "zero"
        while B A is zero, "" where it was not measured.
    """

    module: str
    adapter: str
    rms: float
    largest: float
    regime: str


def phases(model: nn.Module, *, regime: bool = True) -> list[Phase]:
    """Return the phases of every module that has a frequency, of all its adapters.

    While the phases are small the sine is a straight line, which the loss does not tell.

    Parameters
    ----------
    model : nn.Module
        With adapters of `rankkit.adapters`, or with layers of `SineLowRankLinear`.
    regime : bool
        Whether to measure the regime, which forms each update once and takes its largest singular value. False: the
        phases alone, which cost one product B A.

    Raises
    ------
    TypeError
        If it is no model in memory.
    ValueError
        If it has none of either.

    Examples
    --------
    >>> from rankkit.adapters import SineLowRankLinear
    >>> [phase] = phases(nn.Sequential(SineLowRankLinear(64, 64, rank=2, omega=1e-3)))
    >>> phase.module, phase.regime
    ('0', 'linear')
    """
    if not isinstance(model, nn.Module):  # pyright: ignore[reportUnnecessaryIsInstance]
        got = type(model).__name__
        raise TypeError(f"model must be a torch module, got {got}; audit a saved adapter with rankkit.audit.")
    found = [_phase(*entry, regime=regime) for entry in _sines(model)]
    if not found:
        raise ValueError(
            "model has no adapter with a frequency: expected sine-LoRA, sine-DoRA, Sinter or a sine layer."
        )
    return found


@torch.no_grad()
def rms_phase(omega: float, B: Tensor, A: Tensor) -> float:
    """Return the root mean square of omega B A, without forming it; NaN without a frequency."""
    left, right = B.double(), A.double()
    square = float(torch.sum((left.T @ left) * (right @ right.T))) / (B.shape[0] * A.shape[1])
    return omega * math.sqrt(max(square, 0.0))


def _sines(model: nn.Module) -> Iterator[tuple[str, str, float, Tensor, Tensor, Curve]]:
    for name, module in model.named_modules():
        if isinstance(module, SineLowRankLinear):
            yield name, "", module.omega, module.B, module.A, module.curve
        elif isinstance(module, NonlinearLayer):
            for adapter in module.lora_A:
                if math.isfinite(omega := module.frequency(adapter)):
                    B, A = module.factors(adapter)
                    yield name, adapter, omega, B, A, module.curve(adapter, B, A)[0]


@torch.no_grad()
def _phase(module: str, adapter: str, omega: float, B: Tensor, A: Tensor, curve: Curve, *, regime: bool) -> Phase:
    left, right = B.double(), A.double()
    m, n = B.shape[0], A.shape[1]
    step = rows_at_once(m, n, B.device)
    largest = omega * max(float((left[i : i + step] @ right).abs().max()) for i in range(0, m, step))
    word = ("zero" if not largest > 0 else _regime(left, right, curve)) if regime else ""
    return Phase(module, adapter, rms_phase(omega, B, A), largest, word)


def _regime(B: Tensor, A: Tensor, curve: Curve) -> str:
    """Return the regime's word."""
    update = spectrum_of(update_of(B, A, curve, 1.0), top=1, tol=TOL)
    plain = spectrum_of(Factors(B, A))
    reached, linear = float(stable_rank(update)), float(stable_rank(plain))
    return regime_of(reached, linear, (B.shape[0], A.shape[1]), saturates=isinstance(curve, SineCurve))
