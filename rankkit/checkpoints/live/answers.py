"""The update that an adapter layer applies, by its response to unit inputs; that it is linear is tried.

A dense layer answers the unit vectors. A convolution answers images of one point, as large as its kernel, so that each
place of the kernel is seen by itself; a larger image then tells whether the layer is a convolution at all.
"""

# torch's and PEFT's own types are partly unknown
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from rankkit.checkpoints.forms import EPS, Dense
from rankkit.checkpoints.live.copies import copied
from rankkit.checkpoints.live.wrapped import RAISED, Wrapped, inputs_of, ready, said
from rankkit.factors import Array, host

__all__ = ["AGREES", "NOT_LINEAR", "ROUNDING", "answers"]

AGREES = 1e-5  # of the answer's change: a merge that PEFT makes in float32 agrees to about 1e-7
ROUNDING = 1e-11  # of the whole answer: what float64 does to it
ROWS = 512  # unit inputs that are answered at once
SIZES = (1.0, 1e-2, 1e2)  # of the inputs at which linearity is tried

NOT_LINEAR = "its layer is not linear in its input, so that there is no one weight update"
NO_CONVOLUTION = "what its layer adds is no convolution of its input, so that there is no one weight update"


def answers(wrapped: Wrapped, adapters: Sequence[str], transposed: bool, origin: Array | None, reason: str) -> Dense:
    """Return the response to unit inputs, of a layer that is linear in its input.

    Parameters
    ----------
    wrapped : Wrapped
        The layer; it is not changed.
    adapters : sequence of str
        Those that count as active.
    transposed : bool
        Whether the base layer stores its weight as (n, m).
    origin : array or None
        The weight that the update is counted from, as stored; None: the base layer's own.
    reason : str
        Why the layer is not merged.

    Raises
    ------
    ValueError
        If it is not linear, or of a kind that has no such response: the reason, for the row.
    """
    import torch

    try:
        (outer, *_) = ready(wrapped, adapters)
        base = outer.get_base_layer()
        W = base.weight.detach()
        if isinstance(base, torch.nn.Embedding) or W.ndim != 2 + len(getattr(base, "kernel_size", ())):
            raise ValueError("it is neither a dense layer nor a convolution")
        respond = _of_dense if W.ndim == 2 else _of_convolution
        delta, apply = respond(wrapped, adapters, outer, transposed)
        silent = torch.zeros_like(inputs_of(base, W))
        constant = outer(silent) - base(silent)
        for size in SIZES:
            x = size * inputs_of(base, W)
            expected, got = apply(x), outer(x) - base(x) - constant[:1]
            rounding = ROUNDING * torch.linalg.norm(base(x))
            if not torch.linalg.norm(got - expected) <= AGREES * torch.linalg.norm(expected) + rounding:
                raise ValueError(NOT_LINEAR if W.ndim == 2 else NO_CONVOLUTION)
    except RAISED as error:
        raise ValueError(f"{reason}, and {said(error)}") from None
    if origin is not None:
        delta = delta + wrapped.matrix(host(W) - origin, transposed=transposed)
    error = EPS * ROWS * float(torch.linalg.norm(W))
    return Dense(host(delta), error, (f"{reason}: measured by its response to unit inputs",))


# a layer's change as a matrix (m, n), and what it makes of an input
_Response = tuple[Any, Callable[[Any], Any]]


def _of_dense(wrapped: Wrapped, adapters: Sequence[str], outer: Any, transposed: bool) -> _Response:
    """Return the response of a dense layer to the unit vectors."""
    import torch

    base = outer.get_base_layer()
    W = base.weight.detach()
    unit = torch.eye(W.shape[0] if transposed else W.shape[1], dtype=W.dtype, device=W.device)
    delta = _responses(outer, unit.split(ROWS)).T
    return delta, lambda x: x @ delta.T


def _of_convolution(wrapped: Wrapped, adapters: Sequence[str], outer: Any, transposed: bool) -> _Response:
    """Return the response of a convolution to images of one point, at every place of its kernel."""
    import torch

    base = outer.get_base_layer()
    W = base.weight.detach()
    alone: Any = ready(wrapped, adapters)[0]
    for module in alone.modules():
        if isinstance(module, (torch.nn.Conv1d, torch.nn.Conv2d, torch.nn.Conv3d)):
            _without_edges(module)
    kernel, channels = W.shape[2:], base.in_channels
    places = torch.eye(channels * math.prod(kernel), dtype=W.dtype, device=W.device)
    wide = [(side - 1) * gap + 1 for side, gap in zip(kernel, base.dilation, strict=True)]
    every = (slice(None), slice(None), *(slice(None, None, gap) for gap in base.dilation))

    def images(rows: Any) -> Any:
        made = rows.new_zeros((rows.shape[0], channels, *wide))
        made[every] = rows.reshape(-1, channels, *kernel)
        return made

    answer = _responses(alone, map(images, places.split(ROWS)))
    whole = answer.reshape(answer.shape[0], -1).T.reshape(-1, channels, *kernel)
    plain = copied(base)
    plain.groups = 1
    own = whole if wrapped.groups > 1 else _of_groups(whole, base.groups)
    return own.reshape(own.shape[0], -1), lambda x: plain._conv_forward(x, whole, None)


def _responses(outer: Any, inputs: Iterable[Any]) -> Any:
    """Return what a layer's adapters add to its answers, less what they add to nothing."""
    import torch

    base, found = outer.get_base_layer(), []
    for x in inputs:
        silent = torch.zeros_like(x[:1])
        found.append(outer(x) - base(x) - (outer(silent) - base(silent)))
    return torch.cat(found)


def _without_edges(convolution: Any) -> None:
    """Make a convolution answer only where its whole kernel lies within the image, at every such place."""
    axes = len(convolution.kernel_size)
    convolution.stride, convolution.padding = (1,) * axes, (0,) * axes
    convolution._reversed_padding_repeated_twice = [0] * (2 * axes)


def _of_groups(whole: Any, groups: int) -> Any:
    """Return what the rows of each group take of their own inputs, as a grouped convolution stores its weight."""
    import torch

    rows, n = whole.shape[0] // groups, whole.shape[1] // groups
    parts = [whole[at * rows : (at + 1) * rows, at * n : (at + 1) * n] for at in range(groups)]
    return torch.cat(parts)
