"""A layer that is not linear in its input, at an input: the Jacobian of what its adapters add.

The mean over the tokens that reached the layer is the update there, and its spread says how far that is from being one
update. The gradient is held against two answers beside the input.
"""

# torch's and PEFT's own types are partly unknown
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

import numpy as np

from rankkit.checkpoints.forms import EPS, Dense
from rankkit.checkpoints.live import seam
from rankkit.checkpoints.live.copies import copied, undisturbed
from rankkit.checkpoints.live.wrapped import Wrapped
from rankkit.factors import host

__all__ = ["Reached", "at_input", "reaching"]

SEED = 20260702  # of the direction in which a derivative is tried
STEP, COARSE_STEP = 1e-6, 1e-3  # along it, in float64 and in coarser types
AGREES = 1e-3  # of a difference quotient: the square of the step times a curvature, and rounding


class Reached(NamedTuple):
    """What reached a layer: its input, and what else it was called with."""

    x: Any
    rest: tuple[Any, ...]
    named: Mapping[str, Any]


def reaching(model: Any, inputs: Any) -> dict[int, Reached]:
    """Return id of an adapter layer -> what reaches it when the model is called with these inputs.

    Parameters
    ----------
    model : torch.nn.Module
        It is called once in evaluation mode and without gradients; it is not changed.
    inputs : mapping, tuple or tensor
        What the model is called with: by name, in order, or as its one argument.

    Raises
    ------
    ValueError
        If the model cannot be called with them.
    """
    reached: dict[int, Reached] = {}

    def noting(layer: Any, forward: Callable[..., Any]) -> Callable[..., Any]:
        def noted(*args: Any, **named: Any) -> Any:
            if args and getattr(args[0], "is_floating_point", bool)():
                reached[id(layer)] = Reached(args[0].detach().clone(), args[1:], dict(named))
            return forward(*args, **named)

        return noted

    # X-LoRA's hooks add to what a layer is called with, so that its forward is the place to look
    layers = [layer for _, layer in seam.tuner_layers(model)]
    replaced = [vars(layer).get("forward") for layer in layers]
    with undisturbed(), _evaluated(model):
        for layer in layers:
            layer.forward = noting(layer, layer.forward)
        try:
            if isinstance(inputs, Mapping):
                model(**inputs)
            elif isinstance(inputs, (tuple, list)):
                model(*inputs)
            else:
                model(inputs)
        except Exception as error:  # whatever a model of somebody's raises
            raise ValueError(f"the model cannot be called with inputs: {type(error).__name__}: {error}.") from None
        finally:
            for layer, forward in zip(layers, replaced, strict=True):
                del layer.forward
                if forward is not None:
                    layer.forward = forward
    return reached


@contextmanager
def _evaluated(model: Any) -> Generator[None]:
    """Return a context in which a model is in evaluation mode; every module is put back into its own afterwards."""
    modes = [(module, module.training) for module in model.modules()]
    model.eval()
    try:
        yield
    finally:
        for module, training in modes:
            module.training = training


def at_input(wrapped: Wrapped, adapters: Sequence[str], reached: Reached) -> Dense:
    """Return the Jacobian of what the adapters add to a layer's answer, as the mean over the tokens that reached it.

    Parameters
    ----------
    wrapped : Wrapped
        The layer; it is not changed.
    adapters : sequence of str
        Those that count as active.
    reached : Reached
        What the layer was called with.

    Raises
    ------
    ValueError
        If the layer has no derivative that can be computed: the reason, for the row.
    """
    with undisturbed():
        try:
            return _jacobian(wrapped, adapters, reached)
        except (ValueError, TypeError, RuntimeError, NotImplementedError, AttributeError) as error:
            said = " ".join(str(error).split()).rstrip(".") or type(error).__name__
            raise ValueError(f"its derivative at the input cannot be computed ({said})") from None


def _jacobian(wrapped: Wrapped, adapters: Sequence[str], reached: Reached) -> Dense:
    import torch

    outer, x = _callable(wrapped, adapters, reached.x)
    named = {name: _in(x.dtype, value) for name, value in reached.named.items()}
    rest = tuple(_in(x.dtype, value) for value in reached.rest)

    def part(at: Any) -> Any:
        return outer(at, *rest, **named) - outer.get_base_layer()(at)

    tokens = x.numel() // x.shape[-1]
    with torch.enable_grad():
        at = x.detach().requires_grad_(True)
        answer = part(at)
        answer = answer.reshape(-1, answer.shape[-1]).sum(0)
        slopes = [torch.autograd.grad(one, at, retain_graph=True)[0].reshape(tokens, -1) for one in answer]
    mean = torch.stack([slope.mean(0) for slope in slopes])
    energy = sum(float(torch.sum(slope**2)) for slope in slopes) / tokens
    _check(part, x, mean * tokens)
    size = float(torch.linalg.norm(mean))
    spread = np.sqrt(max(energy - size**2, 0.0)) / size if size > 0 else 0.0
    said = (
        f"the Jacobian at the input, mean over {tokens} tokens; between tokens it differs by {spread:.2g} of its norm"
    )
    rounding = max(EPS, float(torch.finfo(x.dtype).eps)) * x.shape[-1]
    return Dense(host(mean), rounding * float(np.sqrt(energy)), (said,))


def _check(part: Callable[[Any], Any], x: Any, slope: Any) -> None:
    """Raise a ValueError where a derivative is not what two answers beside the input tell: not all code has one."""
    import torch

    generator = torch.Generator().manual_seed(SEED)
    along = torch.randn(x.shape[-1], generator=generator, dtype=x.dtype).to(x.device)
    step = STEP if x.dtype == torch.float64 else COARSE_STEP
    moved = (part(x + step * along) - part(x - step * along)) / (2 * step)
    moved, told = moved.reshape(-1, moved.shape[-1]).sum(0), slope @ along
    if not torch.linalg.norm(moved - told) <= AGREES * torch.linalg.norm(moved) + step:
        raise ValueError("its code's gradient is not the slope of its answers")


def _callable(wrapped: Wrapped, adapters: Sequence[str], x: Any) -> tuple[Any, Any]:
    """Return the layer to call, as a float64 copy where it can be copied, and the input in its type."""
    import torch

    layer, *others = wrapped.layers
    if others:
        raise ValueError("methods are mixed on it")
    if seam.routed(layer):  # its answer takes the whole model's router, which is not copied
        return layer, x
    made = copied(layer)
    made._disable_adapters = False
    made.set_adapter([*adapters])
    return made, x.to(made.get_base_layer().weight.device, torch.float64)


def _in(dtype: Any, value: Any) -> Any:
    """Return what else a layer is called with, its numbers in this type."""
    import torch

    return value.to(dtype) if isinstance(value, torch.Tensor) and value.is_floating_point() else value
