"""x times the transposed adapted weight, without the update ever being kept.

With S = scale * phi(B A) the layer's output is x (W + S)^T. S has as many entries as W, so that it is formed by blocks
of rows, used, and formed again in the backward pass. Between the passes only x, B and A are kept, as in LoRA. Where W
itself can be added to a block, one product does the work of two.
"""

# torch's and PEFT's own types are partly unknown
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
# pyright: reportUnknownParameterType=false

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, TypeVar

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from rankkit.adapters.curves import Curve

__all__ = ["HALF", "Base", "adapted_product", "block_of", "eager", "exactly", "product_dtype", "update_of", "wide"]

HALF = (torch.float16, torch.bfloat16)
BLOCK = 1 << 19  # entries of the update that are formed at once on a processor, whose cache holds them
BLOCK_ON_A_DEVICE = 1 << 22  # the same on a GPU, where small blocks would wait for their kernels to start


_F = TypeVar("_F", bound=Callable[..., Any])


def eager(function: _F) -> _F:
    """Return the function as torch.compile leaves it alone: blocks that are written in place break its graph once."""
    return torch.compiler.disable(function)  # pyright: ignore[reportReturnType]


@dataclass(frozen=True, eq=False)
class Base:
    """The weight that an update is added to.

    Attributes
    ----------
    weight : callable
        Returns W of shape (m, n), or (n, m) where `transposed`.
    transposed : bool
        Whether the layer keeps its weight as (inputs, outputs), as GPT-2's Conv1D does.
    folded : bool
        Whether W is part of the product, so that the result is the layer's whole output; otherwise it is the
        update's part alone.
    bias : Tensor or None
        Added to a folded product.
    """

    weight: Callable[[], Tensor]
    transposed: bool = False
    folded: bool = True
    bias: Tensor | None = None


def block_of(device: torch.device) -> int:
    """Return how many entries of the update are formed at once on a device."""
    return BLOCK if device.type == "cpu" else BLOCK_ON_A_DEVICE


def wide(dtype: torch.dtype) -> torch.dtype:
    """Return the dtype that the phase of factors of this dtype is formed in: float64 for float64, otherwise float32."""
    return torch.float64 if dtype is torch.float64 else torch.float32


def product_dtype(x: Tensor) -> torch.dtype | None:
    """Return the dtype of a product with x where it is not that of the factors: autocast's, or a GPU's 16 bit.

    The update itself is formed in float32 in any case. Rounding its entries for the product changes the update's part
    of the output by less than the rounding of a 16-bit output does, and a GPU multiplies 16 bit many times faster.
    """
    kind = x.device.type
    if x.dtype != torch.float64 and torch.is_autocast_enabled(kind):
        return torch.get_autocast_dtype(kind)
    return x.dtype if kind != "cpu" and x.dtype in HALF else None


@contextmanager
def exactly(device: torch.device) -> Generator[None, None, None]:
    """Form products of float32 in float32: a phase of 100 radians has no digit to spare, whatever autocast says."""
    set_before = torch.get_float32_matmul_precision()
    with torch.autocast(device.type, enabled=False):
        if set_before == "highest":
            yield
            return
        torch.set_float32_matmul_precision("highest")
        try:
            yield
        finally:
            torch.set_float32_matmul_precision(set_before)


@eager
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
    return _Product.apply(x, B, A, magnitude, samples, curve, float(scale), base, dtype)  # pyright: ignore


def update_of(
    B: Tensor, A: Tensor, curve: Curve, scale: float, *, base: Base | None = None, magnitude: Tensor | None = None
) -> Tensor:
    """Return the whole update (m, n), or the folded weight, in the phase's dtype: for merging and for looking at."""
    blocks = _Blocks(B, A, curve, float(scale), base, magnitude)
    out = torch.empty(B.shape[0], A.shape[1], dtype=blocks.dtype, device=B.device)
    with torch.no_grad(), exactly(B.device):
        for rows in blocks:
            out[rows] = blocks.form(rows)
    return out


class _Blocks:
    """The update's blocks of rows, formed one after the other in the same memory."""

    def __init__(self, B: Tensor, A: Tensor, curve: Curve, scale: float, base: Base | None, magnitude: Any) -> None:
        self.dtype = wide(B.dtype)
        self.curve, self.base, self.factor = curve, base, scale * curve.outer
        self.B, self.A = B.detach().to(self.dtype) * curve.inner, A.detach().to(self.dtype)
        self.magnitude = None if magnitude is None else magnitude.detach().to(self.dtype)
        # a folded plain update needs W block by block; DoRA needs it for the lengths of the rows in any case
        self.weight = None if base is None or not (base.folded or magnitude is not None) else base.weight().detach()
        self.step = max(1, block_of(B.device) // A.shape[1])
        self.room = torch.empty(0, dtype=self.dtype, device=B.device)

    def __iter__(self) -> Iterator[slice]:
        m = self.B.shape[0]
        return (slice(start, min(start + self.step, m)) for start in range(0, m, self.step))

    def phase(self, rows: slice) -> Tensor:
        """Return inner * (B A) at these rows, in memory that the next call takes again."""
        shape = (rows.stop - rows.start, self.A.shape[1])
        if self.room.shape != shape:
            self.room = torch.empty(shape, dtype=self.dtype, device=self.A.device)
        return torch.mm(self.B[rows], self.A, out=self.room)

    def rows_of_weight(self, rows: slice) -> Tensor:
        """Return W's rows."""
        assert self.weight is not None
        assert self.base is not None
        return self.weight[:, rows].T if self.base.transposed else self.weight[rows]

    def form(self, rows: slice) -> Tensor:
        """Return these rows of E."""
        return self.finished(self.curve.values(self.phase(rows)), rows)[0]

    def finished(self, values: Tensor, rows: slice) -> tuple[Tensor, Tensor | None, Tensor | None]:
        """Return rows of E from phi's values, with W + S and its rows' lengths where a magnitude is there."""
        if self.weight is None:
            return values.mul_(self.factor), None, None
        W = self.rows_of_weight(rows)
        added = torch.add(W, values, alpha=self.factor, out=values)
        if self.magnitude is None:
            return added, None, None
        lengths = torch.linalg.vector_norm(added, dim=1)
        turned = added * (self.magnitude[rows] / lengths)[:, None]
        if self.base is not None and not self.base.folded:
            turned -= W
        return turned, added, lengths


class _Product(torch.autograd.Function):
    """The product and its gradients; the norm of an adapted row counts as a constant, as DoRA's paper has it."""

    @staticmethod
    def forward(
        ctx: Any, x: Tensor, B: Tensor, A: Tensor, magnitude: Tensor | None, samples: Tensor | None, curve: Curve,
        scale: float, base: Base | None, dtype: torch.dtype,
    ) -> Tensor:  # fmt: skip
        ctx.save_for_backward(x, B, A, magnitude)
        ctx.curve, ctx.scale, ctx.base, ctx.dtype = curve, scale, base, dtype
        ctx.samples = None if samples is None else (samples.dtype, samples.shape)
        blocks = _Blocks(B, A, curve, scale, base, magnitude)
        flat = x.reshape(-1, x.shape[-1]).to(dtype)
        y = torch.empty(flat.shape[0], B.shape[0], dtype=dtype, device=x.device)
        with exactly(x.device):
            for rows in blocks:
                torch.mm(flat, blocks.form(rows).to(dtype).T, out=y[:, rows])
        if base is not None and base.folded and base.bias is not None:
            y += base.bias
        return y.view(*x.shape[:-1], B.shape[0])

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Any, ...]:  # pyright: ignore
        x, B, A, magnitude = ctx.saved_tensors
        blocks = _Blocks(B, A, ctx.curve, ctx.scale, ctx.base, magnitude)
        dtype, kind = ctx.dtype, blocks.dtype
        flat, g = x.reshape(-1, x.shape[-1]).to(dtype), grad.reshape(-1, grad.shape[-1]).to(dtype)
        dx = torch.zeros_like(flat) if ctx.needs_input_grad[0] else None
        learned = any(ctx.needs_input_grad[1:5])
        dB, dA = torch.empty_like(blocks.B), torch.zeros_like(blocks.A)
        lengths_of = None if magnitude is None else torch.empty_like(blocks.B[:, 0])
        room = torch.empty(0, dtype=dtype, device=x.device)
        with exactly(x.device):
            for rows in blocks:
                part = g[:, rows]
                if not learned:
                    if dx is not None:
                        dx.addmm_(part, blocks.form(rows).to(dtype))
                    continue
                if room.shape[0] != part.shape[1]:
                    room = torch.empty(part.shape[1], flat.shape[1], dtype=dtype, device=x.device)
                outer, u = torch.mm(part.T, flat, out=room), blocks.phase(rows)
                weights = outer.to(kind) if ctx.needs_input_grad[4] else None
                values, slopes = ctx.curve.values_and_slopes(u, weights)
                E, added, lengths = blocks.finished(values, rows)
                if dx is not None:
                    dx.addmm_(part, E.to(dtype))
                if lengths_of is not None and added is not None and lengths is not None:
                    lengths_of[rows] = (outer * added).sum(1) / lengths
                    outer = outer * (blocks.magnitude[rows] / lengths)[:, None]  # pyright: ignore
                slopes.mul_(outer)
                torch.mm(slopes, blocks.A.T, out=dB[rows])
                dA.addmm_(blocks.B[rows].T, slopes)
                del weights, values, slopes, E, added, lengths  # before the next block makes its own
        inner = blocks.factor * ctx.curve.inner
        dsamples = ctx.curve.gradient() if ctx.needs_input_grad[4] else None
        return (
            None if dx is None else dx.to(x.dtype).view_as(x),
            dB.mul_(inner).to(B.dtype) if learned else None,
            dA.mul_(blocks.factor).to(A.dtype) if learned else None,
            None if lengths_of is None or magnitude is None else lengths_of.to(magnitude.dtype),
            None if dsamples is None else (dsamples * blocks.factor).to(ctx.samples[0]).view(ctx.samples[1]),
            None, None, None, None,
        )  # fmt: skip
