"""A learned phi for training: sampled at a few points, evaluated at every entry in one pass, whatever N is.

phi is a sum of N functions. On the interval that the entries of B A can reach it is a polynomial, or a table of cubics,
below float32's rounding. Both are linear in phi's values at a few points, the samples. So the loss's gradient by the
samples is all that the entries contribute to the gradient by amplitudes, bandwidths and grid: it takes moments of the
entries, O(m n), and what remains is ordinary differentiation of phi at the few samples.
"""

# torch's and PEFT's own types are partly unknown
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
# pyright: reportUnknownParameterType=false

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from rankkit.adapters.curves import Curve

__all__ = ["PolynomialCurve", "TableCurve", "sampled"]

POINTS = 32  # Chebyshev points that a polynomial is fitted through
FIRST_CELLS = 64  # of a table whose error says how many it takes
ASYMPTOTIC = 1e-3  # below it an error falls with the cells as its order says
SAFETY = 1.25
GROWTH = 64.0  # how much larger than phi a polynomial's coefficients may be, so that moments keep their digits


class _Effort(NamedTuple):
    """What a precision asks for."""

    tolerance: float  # error, relative to the size of a basis function
    degree: int  # of a polynomial at most: each degree is a pass over the entries
    cells: int  # of a table at most


_EFFORTS = {
    torch.float32: _Effort(2.0**-23, 14, 4096),  # the spacing of float32 at 1
    torch.float64: _Effort(2.0**-50, 24, 65536),
}
_ANGLES = (2 * np.arange(POINTS) + 1) * math.pi / (2 * POINTS)
_TO_CHEBYSHEV = np.cos(np.outer(np.arange(POINTS), _ANGLES)) * np.where(np.arange(POINTS)[:, None], 2, 1) / POINTS


def _powers(degree: int) -> Any:
    """Return the matrix from samples to the coefficients of 1, t, ..., t^degree."""
    rows = np.zeros((degree + 1, degree + 1))
    for k in range(degree + 1):
        rows[: k + 1, k] = np.polynomial.chebyshev.cheb2poly(np.eye(k + 1)[k])
    return rows @ _TO_CHEBYSHEV[: degree + 1]


def _degree(kernels: Any, effort: _Effort) -> int | None:
    """Return the least degree that gives every basis function and its slope, from its samples (32, N); None: none."""
    coefficients = np.abs(_TO_CHEBYSHEV @ kernels)
    weighted = coefficients * np.arange(POINTS)[:, None] ** 2  # |T_k'| <= k^2
    tails = np.cumsum(weighted[::-1], axis=0)[::-1]
    size = max(float(np.max(np.abs(kernels), initial=0)), np.finfo(float).tiny)
    for degree in range(1, effort.degree + 1):
        if float(np.max(tails[degree + 1])) <= effort.tolerance * size:
            grown = np.sum(np.abs(_powers(degree) @ kernels), axis=0)
            return degree if float(np.max(grown)) <= GROWTH * size else None
    return None


def sampled(
    basis: Callable[[Tensor], Tensor], reach: float, dtype: torch.dtype, device: torch.device, *, order: int = 4
) -> tuple[PolynomialCurve | TableCurve, Tensor]:
    """Return (curve, points): how phi is evaluated on [-reach, reach], and where its samples are to be taken.

    Parameters
    ----------
    basis : callable
        Points (k,) in float64 -> the N basis functions there, shape (k, N), without amplitudes.
    reach : float
        The largest |B A| that the factors can have.
    dtype : torch.dtype
        float32 or float64: what the entries are formed in.
    device : torch.device
    order : int
        With which power of the cell's width a cubic's error falls: 4, or 3 for functions whose third derivative jumps.

    Notes
    -----
    The polynomial's degree is the least, up to 14, whose error in every function and slope is below 2^-23. Where there
    is none, a table of cubics has as many cells as its measured error on fewer cells asks for, at most 4096. For
    float64 the limits are 2^-50, 24 and 65536.
    """
    effort = _EFFORTS[dtype]
    reach = max(reach, float(np.finfo(np.float32).tiny)) * (1 + 1e-6)  # entries reach it to rounding
    points = reach * torch.from_numpy(np.cos(_ANGLES)).to(device)
    with torch.no_grad():
        degree = _degree(basis(points).cpu().numpy(), effort)
    if degree is not None:
        return PolynomialCurve(reach, degree), points
    table = TableCurve(reach, FIRST_CELLS, device)
    while table.cells < effort.cells and (error := table.error(basis)) > effort.tolerance:
        wanted = SAFETY * table.cells * (error / effort.tolerance) ** (1 / order)
        table = TableCurve(reach, min(effort.cells, math.ceil(wanted)), device)
        if error < ASYMPTOTIC:
            break
    return table, table.points


class PolynomialCurve(Curve):
    """phi as one polynomial in t = z / reach."""

    def __init__(self, reach: float, degree: int) -> None:
        self.inner, self.outer = 1 / reach, 1.0
        self.degree, self._matrix = degree, _powers(degree)
        self._moments: list[Any] = [0.0] * (degree + 1)
        self._coefficients = torch.empty(0)

    def take(self, samples: Tensor) -> None:
        """Set phi by its samples."""
        known = samples.detach().double()
        self._coefficients = torch.from_numpy(self._matrix).to(known.device) @ known

    def _horner(self, t: Tensor, coefficients: Tensor) -> Tensor:
        first, *rest = coefficients.to(t.dtype).flip(0).unbind()
        value = torch.full_like(t, 1.0).mul_(first)
        for c in rest:
            torch.addcmul(c, value, t, out=value)
        return value

    def values(self, u: Tensor) -> Tensor:
        """Return phi at u = z / reach."""
        return self._horner(u, self._coefficients)

    def values_and_slopes(self, u: Tensor, weights: Tensor | None) -> tuple[Tensor, Tensor]:
        """Return phi and its derivative by u; the weights' moments are gathered on the way."""
        orders = torch.arange(1, self.degree + 1, dtype=torch.float64, device=u.device)
        slopes = self._horner(u, self._coefficients[1:] * orders)
        values = self._horner(u, self._coefficients)
        if weights is not None:
            power = weights.clone()
            for k in range(self.degree + 1):
                self._moments[k] = self._moments[k] + power.sum().double()  # it stays on its device: nobody waits
                power.mul_(u)
        return values, slopes

    def gradient(self) -> Tensor:
        """Return the loss's gradient by the samples, and begin anew."""
        moments = torch.stack(self._moments)
        self._moments = [0.0] * (self.degree + 1)
        return torch.from_numpy(self._matrix.T).to(moments.device) @ moments


class TableCurve(Curve):
    """phi as cubics on equal cells, each through four samples."""

    def __init__(self, reach: float, cells: int, device: torch.device) -> None:
        self.inner, self.outer = cells / (2 * reach), 1.0
        self.cells = cells
        self.points = reach * torch.linspace(-1, 1, 3 * cells + 1, dtype=torch.float64, device=device)
        nodes = np.arange(4) / 3
        self._fit = torch.from_numpy(np.linalg.inv(np.vander(nodes, increasing=True))).to(device)
        self._table = torch.empty(0)
        self._moments = torch.zeros(4, cells, dtype=torch.float64, device=device)

    def _cubics(self, samples: Tensor) -> Tensor:
        """Return the coefficients (4, cells) of s in [0, 1] across each cell."""
        windows = samples.unfold(0, 4, 3)
        return self._fit.to(samples.dtype) @ windows.T

    def error(self, basis: Callable[[Tensor], Tensor]) -> float:
        """Return the largest error of the basis functions half-way between the samples, relative to their size."""
        with torch.no_grad():
            at = (self.points[1:] + self.points[:-1]) / 2
            known, exact = basis(self.points), basis(at)
            s = torch.tensor([1 / 6, 1 / 2, 5 / 6], dtype=torch.float64, device=at.device)
            powers = s[:, None] ** torch.arange(4, dtype=torch.float64, device=at.device)
            windows = known.unfold(0, 4, 3)  # (cells, N, 4)
            fitted = torch.einsum("sk,kj,cnj->csn", powers, self._fit, windows).reshape(exact.shape)
            return float((fitted - exact).abs().max() / exact.abs().max().clamp_min(1e-300))

    def take(self, samples: Tensor) -> None:
        """Set phi by its samples."""
        self._table = self._cubics(samples.detach().double())

    def _located(self, u: Tensor) -> tuple[Tensor, Tensor]:
        cell = (u + self.cells / 2).floor_().clamp_(0, self.cells - 1)
        return cell.to(torch.int64), u.add_(self.cells / 2).sub_(cell)

    def _at(self, cell: Tensor, s: Tensor, table: Tensor) -> Tensor:
        table = table.to(s.dtype)
        value = table[-1][cell]
        for row in reversed(list(table[:-1])):
            value.mul_(s).add_(row[cell])
        return value

    def values(self, u: Tensor) -> Tensor:
        """Return phi at u = z cells / (2 reach)."""
        return self._at(*self._located(u), self._table)

    def values_and_slopes(self, u: Tensor, weights: Tensor | None) -> tuple[Tensor, Tensor]:
        """Return phi and its derivative by u; the weights are gathered cell by cell on the way."""
        cell, s = self._located(u)
        orders = torch.arange(1, 4, dtype=torch.float64, device=u.device)[:, None]
        values, slopes = self._at(cell, s, self._table), self._at(cell, s, self._table[1:] * orders)
        if weights is not None:
            flat, power = cell.reshape(-1), weights.clone()
            for k in range(4):
                self._moments[k] += torch.bincount(flat, power.reshape(-1).double(), minlength=self.cells)
                power.mul_(s)
        return values, slopes

    def gradient(self) -> Tensor:
        """Return the loss's gradient by the samples, and begin anew."""
        by_window = self._moments.T @ self._fit  # (cells, 4)
        gathered = torch.zeros_like(self.points)
        for j in range(4):
            gathered[j : j + 3 * self.cells : 3] += by_window[:, j]
        self._moments = torch.zeros_like(self._moments)
        return gathered
