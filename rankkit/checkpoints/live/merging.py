"""The update that an adapter layer applies, from the layer itself: a merged copy less its base, or its answers.

A copy of the one layer is merged in float64, and the merged weight is held against what the unmerged copy answers to
a few inputs: PEFT's merge is not believed unseen. Where a layer cannot be merged, or its merge is something else than
what it applies, `rankkit.checkpoints.live.answers` measures it.
"""

# torch's and PEFT's own types are partly unknown
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from rankkit.checkpoints.forms import EPS, Dense
from rankkit.checkpoints.live.answers import AGREES, ROUNDING, answers
from rankkit.checkpoints.live.copies import undisturbed
from rankkit.checkpoints.live.wrapped import RAISED, Wrapped, inputs_of, ready, said, turned
from rankkit.factors import Array, host

__all__ = ["applied"]

FEW = 32  # roundings of a coarser type in an answer


def applied(wrapped: Wrapped, adapters: Sequence[str], *, transposed: bool, origin: Array | None = None) -> Dense:
    """Return the update that the named adapters make together, as the layer applies them.

    Parameters
    ----------
    wrapped : Wrapped
        The layer; it is not changed.
    adapters : sequence of str
        Those that count as active.
    transposed : bool
        Whether the base layer stores its weight as (n, m).
    origin : array, optional
        The weight that the update is counted from, as stored; None: the base layer's own. They differ where a method
        takes a part out of the base weight when it starts.

    Raises
    ------
    ValueError
        If the layer can neither be merged nor be shown to be linear: the reason, for the row.
    """
    reason = ""
    with undisturbed():
        for double in (True, False):  # some methods compute in float32 whatever they are given
            try:
                return _merged(wrapped, adapters, transposed, origin, double=double)
            except _DisagreesError as found:
                reason = str(found)
                break
            except RAISED as error:
                reason = f"its layer cannot be merged ({said(error)})"
        return answers(wrapped, adapters, transposed, origin, reason)


class _DisagreesError(ValueError):
    """The merged weight answers otherwise than the layer did."""


def _merged(
    wrapped: Wrapped, adapters: Sequence[str], transposed: bool, origin: Array | None, *, double: bool
) -> Dense:
    """Return the merged weight of a copy less its base weight."""
    import torch

    layers = ready(wrapped, adapters, double=double)
    base = layers[0].get_base_layer()
    W = base.weight.detach().clone()
    x = inputs_of(base, W)
    whole, alone = layers[0](x), base(x)
    with _Narrowest() as seen:
        for layer in reversed(layers):
            layer.merge(adapter_names=[name for name in adapters if name in layer._all_available_adapter_names()])
    base = layers[0].get_base_layer()
    after, change = base.weight.detach(), base(x) - whole
    rounding = max(ROUNDING, FEW * torch.finfo(W.dtype).eps)
    allowed = AGREES * torch.linalg.norm(whole - alone) + rounding * torch.linalg.norm(whole)
    if not torch.linalg.norm(change) <= allowed:
        raise _DisagreesError("PEFT's merge of it is not what the layer applies")
    after = after.to(torch.float64)
    started = (W if origin is None else torch.as_tensor(origin, device=W.device)).to(torch.float64)
    moved = host(after - started)
    if not np.all(np.isfinite(moved)):
        return Dense(turned(moved, transposed), 0.0)
    sizes = float(torch.linalg.norm(after) + torch.linalg.norm(started))
    if np.linalg.norm(moved) <= EPS * sizes:  # adding nothing has been rounded
        moved = np.zeros_like(moved)
    return Dense(turned(moved, transposed), max(EPS, torch.finfo(W.dtype).eps, seen.epsilon) * sizes)


class _Narrowest:
    """While it is entered, notes the coarsest floating-point type in which anything is computed."""

    def __init__(self) -> None:
        self.epsilon = 0.0

    def __enter__(self) -> _Narrowest:
        import torch
        from torch.utils._python_dispatch import TorchDispatchMode

        noted = self

        class Watching(TorchDispatchMode):
            def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
                out: Any = func(*args, **(kwargs or {}))
                if isinstance(out, torch.Tensor) and (out.is_floating_point() or out.is_complex()) and out.numel() > 1:
                    noted.epsilon = max(noted.epsilon, torch.finfo(out.dtype).eps)
                return out

        self._mode: Any = Watching()
        self._mode.__enter__()
        return self

    def __exit__(self, *error: Any) -> None:
        self._mode.__exit__(*error)
