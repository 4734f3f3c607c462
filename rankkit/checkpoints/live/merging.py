"""The update that an adapter layer applies, from the layer itself: a merged copy less its base, or its answers.

A copy of the one layer is merged in float64, and the merged weight is held against what the unmerged copy answers to
a few inputs: PEFT's merge is not believed unseen. Where a layer cannot be merged, or its merge is something else than
what it applies, the update is its response to the unit vectors, if it is linear in its input, which is tried.
"""

# torch's and PEFT's own types are partly unknown
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from rankkit.checkpoints.forms import EPS, Dense
from rankkit.checkpoints.live.copies import copied, undisturbed
from rankkit.factors import Array, host

__all__ = ["NOT_LINEAR", "Wrapped", "applied", "turned"]

AGREES = 1e-5  # of the answer's change: a merge that PEFT makes in float32 agrees to about 1e-7
ROUNDING = 1e-11  # of the whole answer: what float64 does to it
FEW = 32  # roundings of a coarser type in an answer
PROBES = 3  # inputs at which two answers are compared
ROWS = 512  # unit vectors that are answered at once
SIZES = (1.0, 1e-2, 1e2)  # of the inputs at which linearity is tried
SEED = 20260701  # of the inputs that are tried

NOT_LINEAR = "its layer is not linear in its input, so that there is no one weight update"


class Wrapped(NamedTuple):
    """The adapter layers around one base layer.

    Attributes
    ----------
    path : str
        Of the outermost, in the model.
    layers : tuple of modules
        Outermost first; more than one where methods are mixed.
    """

    path: str
    layers: tuple[Any, ...]

    @property
    def innermost(self) -> Any:
        """The base layer that all of them adapt."""
        return self.layers[0].get_base_layer()


def turned(weight: Array, transposed: bool) -> Array:
    """Return a weight, or its change, as a matrix (m, n): kernel axes are columns; one stored as (n, m) is turned."""
    flat = np.reshape(weight, (weight.shape[0], -1))
    return flat.T if transposed else flat


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
            except _ANY as error:
                reason = f"its layer cannot be merged ({_said(error)})"
        return _answers(wrapped, adapters, transposed, origin, reason)


# what PEFT's layers raise where they cannot do something
_ANY = (NotImplementedError, ValueError, TypeError, RuntimeError, AttributeError, KeyError, AssertionError)


class _DisagreesError(ValueError):
    """The merged weight answers otherwise than the layer did."""


def _merged(
    wrapped: Wrapped, adapters: Sequence[str], transposed: bool, origin: Array | None, *, double: bool
) -> Dense:
    """Return the merged weight of a copy less its base weight."""
    import torch

    layers = _ready(wrapped, adapters, double=double)
    base = layers[0].get_base_layer()
    W = base.weight.detach().clone()
    x = _inputs(base, W)
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


def _answers(wrapped: Wrapped, adapters: Sequence[str], transposed: bool, origin: Array | None, reason: str) -> Dense:
    """Return the response to the unit vectors, of a layer that is linear in its input."""
    import torch

    try:
        (outer, *_) = _ready(wrapped, adapters)
        base = outer.get_base_layer()
        W = base.weight.detach()
        if W.ndim != 2 or isinstance(base, torch.nn.Embedding):
            raise ValueError("it is no dense layer")
        n = W.shape[0] if transposed else W.shape[1]

        def part(x: Any) -> Any:
            return outer(x) - base(x)

        unit = torch.eye(n, dtype=W.dtype, device=W.device)
        constant = part(torch.zeros_like(unit[:1]))
        delta = torch.cat([part(rows) - constant for rows in unit.split(ROWS)]).T
        for size in SIZES:
            x = size * _inputs(base, W)
            expected, got = x @ delta.T, part(x) - constant
            rounding = ROUNDING * torch.linalg.norm(base(x))
            if not torch.linalg.norm(got - expected) <= AGREES * torch.linalg.norm(expected) + rounding:
                raise ValueError(NOT_LINEAR)
    except _ANY as error:
        raise ValueError(f"{reason}, and {_said(error)}") from None
    if origin is not None:
        delta = delta + turned(host(W) - origin, transposed)
    error = EPS * ROWS * float(torch.linalg.norm(W))
    return Dense(host(delta), error, (f"{reason}: measured by its response to the unit vectors",))


def _ready(wrapped: Wrapped, adapters: Sequence[str], *, double: bool = True) -> list[Any]:
    """Return a copy of the layers, unmerged, with these adapters active."""
    layer = copied(wrapped.layers[0], double=double)
    layers = [layer]
    while len(layers) < len(wrapped.layers):
        layers.append(layers[-1].base_layer)
    for one in layers:
        if one.merged:
            one.unmerge()
        one._disable_adapters = False
        one.set_adapter([*adapters])
    return layers


def _inputs(base: Any, W: Any) -> Any:
    """Return inputs for a base layer that do not depend on any random state."""
    import torch

    generator = torch.Generator().manual_seed(SEED)
    if isinstance(base, torch.nn.Embedding):
        return torch.randint(base.num_embeddings, (PROBES,), generator=generator).to(W.device)
    if W.ndim == 2:
        n = getattr(base, "in_features", None) or (W.shape[0] if hasattr(base, "nf") else W.shape[1])
        shape: tuple[int, ...] = (PROBES, n)
    else:
        kernel = [(side - 1) * gap + PROBES for side, gap in zip(W.shape[2:], base.dilation, strict=True)]
        shape = (1, base.in_channels, *kernel)
    return torch.randn(shape, generator=generator, dtype=W.dtype).to(W.device)


def _said(error: Exception) -> str:
    """Return an error as part of a sentence."""
    return " ".join(str(error).split()).rstrip(".") or type(error).__name__


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
