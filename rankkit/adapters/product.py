"""x times the transposed adapted weight, as a function that torch differentiates.

Between the passes only x, B, A and what is as small are kept, as in LoRA. torch.compile takes the product into its
graph as one operator; a learned curve, whose table is made from the factors at hand, breaks the graph once.
"""

# torch's and PEFT's own types are partly unknown
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
# pyright: reportUnknownParameterType=false

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from rankkit.adapters.blocks import HALF, Base, gradients, multiplied
from rankkit.adapters.curves import Curve, made

__all__ = ["adapted_product", "eager", "product_dtype"]

_F = TypeVar("_F", bound=Callable[..., Any])


def eager(function: _F) -> _F:
    """Return the function as torch.compile leaves it alone: what it cannot follow breaks its graph once."""
    return torch.compiler.disable(function)  # pyright: ignore[reportReturnType]


def product_dtype(x: Tensor) -> torch.dtype | None:
    """Return the dtype of a product with x where it is not that of the factors: autocast's, or a GPU's 16 bit.

    The update itself is formed in float32 in any case. Rounding its entries for the product changes the update's part
    of the output by less than the rounding of a 16-bit output does, and a GPU multiplies 16 bit many times faster.
    """
    kind = x.device.type
    if x.dtype != torch.float64 and torch.is_autocast_enabled(kind):
        return torch.get_autocast_dtype(kind)
    return x.dtype if kind != "cpu" and x.dtype in HALF else None


def adapted_product(
    x: Tensor,
    B: Tensor,
    A: Tensor,
    curve: Curve,
    scale: float,
    *,
    base: Base | None = None,
    magnitude: Tensor | None = None,
    samples: Tensor | None = None,
    dtype: torch.dtype | None = None,
) -> Tensor:
    """Return x E^T of shape (..., m), where E is the update, or the adapted weight, formed by blocks of rows.

    Parameters
    ----------
    x : Tensor, shape (..., n)
    B, A : Tensor, shapes (m, r) and (r, n)
    curve : Curve
        phi, by its values and slopes.
    scale : float
        In front of phi.
    base : Base, optional
        The weight; None: the update alone. Needed with a magnitude.
    magnitude : Tensor, shape (m,), optional
        DoRA's length of every row of the adapted weight.
    samples : Tensor, optional
        The samples of a learned curve, to which the gradient by phi goes.
    dtype : torch.dtype, optional
        Of the product with x; None: that of x and B together.
    """
    dtype = torch.promote_types(x.dtype, B.dtype) if dtype is None else dtype
    weight = None if base is None else base.weight()
    if torch.compiler.is_compiling() and samples is None and (weight is None or weight.is_floating_point()):
        transposed, folded, bias = (False, False, None) if base is None else (base.transposed, base.folded, base.bias)
        kind, numbers = curve.described()
        return _operator(x, B, A, magnitude, weight, bias, kind, numbers, float(scale), transposed, folded, dtype)
    return _eagerly(x, B, A, magnitude, samples, curve, float(scale), base, dtype)


@eager
def _eagerly(*arguments: Any) -> Tensor:
    return _Product.apply(*arguments)  # pyright: ignore


class _Product(torch.autograd.Function):
    """The product of any curve and base."""

    @staticmethod
    def forward(
        ctx: Any, x: Tensor, B: Tensor, A: Tensor, magnitude: Tensor | None, samples: Tensor | None, curve: Curve,
        scale: float, base: Base | None, dtype: torch.dtype,
    ) -> Tensor:  # fmt: skip
        ctx.save_for_backward(x, B, A, magnitude)
        ctx.constants = curve, scale, base, dtype
        ctx.samples = None if samples is None else (samples.dtype, samples.shape)
        return multiplied(x, B, A, magnitude, curve, scale, base, dtype)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Any, ...]:  # pyright: ignore
        x, B, A, magnitude = ctx.saved_tensors
        curve, scale, base, dtype = ctx.constants
        found = gradients(grad, x, B, A, magnitude, curve, scale, base, dtype, ctx.needs_input_grad[:5])
        dsamples = None if found.samples is None else found.samples.to(ctx.samples[0]).view(ctx.samples[1])
        return (*found[:4], dsamples, None, None, None, None)


# the same as an operator: of a fixed curve, which is told by its name and numbers, and of a weight that is a tensor
_ARGUMENTS = (
    "Tensor x, Tensor B, Tensor A, Tensor? magnitude, Tensor? weight, Tensor? bias, str curve, float[] numbers, "
    "float scale, bool transposed, bool folded, ScalarType dtype"
)


def _base(weight: Tensor | None, bias: Tensor | None, transposed: bool, folded: bool) -> Base | None:
    return None if weight is None else Base(lambda: weight, transposed, folded, bias)


@torch.library.custom_op("rankkit::adapted_product", mutates_args=(), schema=f"({_ARGUMENTS}) -> Tensor")
def _operator(
    x: Tensor, B: Tensor, A: Tensor, magnitude: Tensor | None, weight: Tensor | None, bias: Tensor | None, curve: str,
    numbers: list[float], scale: float, transposed: bool, folded: bool, dtype: torch.dtype,
) -> Tensor:  # fmt: skip
    base = _base(weight, bias, transposed, folded)
    return multiplied(x, B, A, magnitude, made(curve, numbers), scale, base, dtype)


@torch.library.custom_op(
    "rankkit::adapted_product_gradients", mutates_args=(),
    schema=f"(Tensor grad, {_ARGUMENTS}, bool[] wanted) -> (Tensor, Tensor, Tensor, Tensor)",
)  # fmt: skip
def _gradients(
    grad: Tensor, x: Tensor, B: Tensor, A: Tensor, magnitude: Tensor | None, weight: Tensor | None,
    bias: Tensor | None, curve: str, numbers: list[float], scale: float, transposed: bool, folded: bool,
    dtype: torch.dtype, wanted: list[bool],
) -> tuple[Tensor, Tensor, Tensor, Tensor]:  # fmt: skip
    base = _base(weight, bias, transposed, folded)
    found = gradients(grad, x, B, A, magnitude, made(curve, numbers), scale, base, dtype, [*wanted, False])
    dx, dB, dA, dmagnitude = (grad.new_empty(0) if part is None else part for part in found[:4])
    return dx, dB, dA, dmagnitude


@_operator.register_fake
def _(x: Tensor, B: Tensor, *rest: Any) -> Tensor:
    return x.new_empty((*x.shape[:-1], B.shape[0]), dtype=rest[-1])


@_gradients.register_fake
def _(
    grad: Tensor, x: Tensor, B: Tensor, A: Tensor, magnitude: Tensor | None, *rest: Any
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    learned = any(rest[-1][1:])
    likes = (x if rest[-1][0] else None, *((B, A, magnitude) if learned else (None, None, None)))
    dx, dB, dA, dmagnitude = (grad.new_empty(0) if like is None else torch.empty_like(like) for like in likes)
    return dx, dB, dA, dmagnitude


def _set_up(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
    ctx.save_for_backward(*inputs[:6])
    ctx.constants = inputs[6:]


def _backward(ctx: Any, grad: Tensor) -> tuple[Any, ...]:
    wanted = list(ctx.needs_input_grad[:4])
    found = _gradients(grad, *ctx.saved_tensors, *ctx.constants, wanted)
    given = [part if want else None for part, want in zip(found, wanted, strict=True)]
    return (*given, None, None, *(None for _ in ctx.constants))


_operator.register_autograd(_backward, setup_context=_set_up)
