"""The update by blocks of rows: formed, used and formed again, without ever being kept.

With S = scale * phi(B A) the adapted weight W + S has as many entries as W. The forward and the backward pass form it
block by block; where W itself can be added to a block, one product with x does the work of two.
"""

# torch's and PEFT's own types are partly unknown
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
# pyright: reportUnknownParameterType=false

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import torch
from torch import Tensor

from rankkit.adapters.curves import Curve

__all__ = [
    "HALF", "Base", "Gradients", "exactly", "gradients", "multiplied", "row_lengths", "rows_at_once",
    "update_of", "wide",
]  # fmt: skip

HALF = (torch.float16, torch.bfloat16)
BLOCK = 1 << 19  # entries of the update that are formed at once on a processor, whose cache holds them
ON_A_DEVICE = (1 << 20, 1 << 22)  # least and most on a GPU, where small blocks would wait for their kernels to start
BUFFERS = 3  # blocks that the backward pass holds at once
EVEN = 64  # rows of a block on a GPU are a multiple of it, which its products want


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


def rows_at_once(m: int, n: int, device: torch.device, inputs: int | None = None) -> int:
    """Return how many rows of an m x n update are formed at once on a device.

    A step may take as much memory for its blocks as LoRA takes for a second gradient by its inputs, of which there are
    `inputs` numbers; None: no inputs are at hand.
    """
    if device.type == "cpu":
        return max(1, BLOCK // n)
    least, most = ON_A_DEVICE
    entries = most if inputs is None else min(most, max(least, inputs // BUFFERS))
    return max(EVEN, entries // n // EVEN * EVEN) if m > EVEN else m


def wide(dtype: torch.dtype) -> torch.dtype:
    """Return the dtype that the phase of factors of this dtype is formed in: float64 for float64, otherwise float32."""
    return torch.float64 if dtype is torch.float64 else torch.float32


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


def row_lengths(B: Tensor, A: Tensor, curve: Curve, scale: float, base: Base) -> Tensor:
    """Return the lengths of the rows of W + S, shape (m,), in the phase's dtype; not to be differentiated."""
    blocks = _Blocks(B, A, curve, float(scale), replace(base, folded=True), None)
    with torch.no_grad(), exactly(B.device):
        return torch.cat([torch.linalg.vector_norm(blocks.form(rows), dim=1) for rows in blocks])


class _Blocks:
    """The update's blocks of rows, formed one after the other in the same memory."""

    def __init__(
        self, B: Tensor, A: Tensor, curve: Curve, scale: float, base: Base | None, magnitude: Any,
        inputs: int | None = None,
    ) -> None:  # fmt: skip
        self.dtype = wide(B.dtype)
        self.curve, self.base, self.factor = curve, base, scale * curve.outer
        self.B, self.A = B.detach().to(self.dtype) * curve.inner, A.detach().to(self.dtype)
        self.magnitude = None if magnitude is None else magnitude.detach().to(self.dtype)
        # a folded plain update needs W block by block; DoRA needs it for the lengths of the rows in any case
        self.weight = None if base is None or not (base.folded or magnitude is not None) else base.weight().detach()
        self.step = rows_at_once(B.shape[0], A.shape[1], B.device, inputs)
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


def multiplied(
    x: Tensor, B: Tensor, A: Tensor, magnitude: Tensor | None, curve: Curve, scale: float, base: Base | None,
    dtype: torch.dtype,
) -> Tensor:  # fmt: skip
    """Return x E^T of shape (..., m) in a dtype, where E is the update, or the adapted weight."""
    blocks = _Blocks(B, A, curve, scale, base, magnitude, x.numel())
    flat = x.reshape(-1, x.shape[-1]).to(dtype)
    y = torch.empty(flat.shape[0], B.shape[0], dtype=dtype, device=x.device)
    with exactly(x.device):
        for rows in blocks:
            torch.mm(flat, blocks.form(rows).to(dtype).T, out=y[:, rows])
    if base is not None and base.folded and base.bias is not None:
        y += base.bias
    return y.view(*x.shape[:-1], B.shape[0])


class Gradients(NamedTuple):
    """The loss's gradients by x, B, A, DoRA's magnitude and the samples of a learned curve; None where not wanted."""

    x: Tensor | None
    B: Tensor | None
    A: Tensor | None
    magnitude: Tensor | None
    samples: Tensor | None


def gradients(
    grad: Tensor, x: Tensor, B: Tensor, A: Tensor, magnitude: Tensor | None, curve: Curve, scale: float,
    base: Base | None, dtype: torch.dtype, wanted: Sequence[bool],
) -> Gradients:  # fmt: skip
    """Return the gradients of `multiplied`; the norm of an adapted row counts as a constant, as DoRA's paper has it.

    `wanted` says of which of the five; B and A come together.
    """
    blocks = _Blocks(B, A, curve, scale, base, magnitude)
    flat, g = x.reshape(-1, x.shape[-1]).to(dtype), grad.reshape(-1, grad.shape[-1]).to(dtype)
    dx = torch.zeros_like(flat) if wanted[0] else None
    learned, sampled = any(wanted[1:]), wanted[4]
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
            weights = outer.to(blocks.dtype) if sampled else None
            values, slopes = curve.values_and_slopes(u, weights)
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
    by_sample = curve.gradient() if sampled else None
    return Gradients(
        None if dx is None else dx.to(x.dtype).view_as(x),
        dB.mul_(blocks.factor * curve.inner).to(B.dtype) if learned else None,
        dA.mul_(blocks.factor).to(A.dtype) if learned else None,
        None if lengths_of is None or magnitude is None else lengths_of.to(magnitude.dtype),
        None if by_sample is None else by_sample * blocks.factor,
    )
