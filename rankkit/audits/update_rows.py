"""An update by blocks of rows, so that a product of two factors is never formed as a whole."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from rankkit.checkpoints import Layer
from rankkit.checkpoints.forms import Product, formed
from rankkit.factors import Array, Factors, host
from rankkit.rules import Linear

__all__ = ["MOST", "UpdateRows", "is_thin", "update_rows"]

U32 = 2.0**-24  # unit roundoff of float32, in which merging tools form updates
ROUNDINGS = 8  # of an entry beside the r of its scalar product: casts, the scale, the sum
FORMED = 64  # roundings of an entry of an update that is no product of two factors
MOST = 1 << 28  # entries: 2 GB of float64, the largest update that is formed at all


class UpdateRows(NamedTuple):
    """An update D (m, n), scale included.

    Attributes
    ----------
    read : callable
        (first, end) -> these rows of D, an array of their own.
    turned : callable
        (first, end) -> these rows of the transpose of D.
    error : float
        What float32 arithmetic may do to an entry, in the tool that merged and here together.
    peak : float
        No entry of D is larger.
    """

    read: Callable[[int, int], Array]
    turned: Callable[[int, int], Array]
    error: float
    peak: float


def is_thin(layer: Layer, product: Product | None) -> bool:
    """Return whether a module's update is a product of two factors."""
    return isinstance(product, Factors) and isinstance(layer.rule, Linear)


def update_rows(layer: Layer, product: Product, dtype: Any = np.float64) -> UpdateRows:
    """Return a module's update by rows.

    Parameters
    ----------
    layer : Layer
        The module, whose rule makes the update.
    product : Product
        What its rule acts on.
    dtype : numpy's float32 or float64
        In which a product of two factors is multiplied; every other update is float64.

    Raises
    ------
    ValueError
        If the update is no product of two factors, and too large to form.
    """
    made: Any = layer.rule(product) if isinstance(product, Factors) and is_thin(layer, product) else None
    if isinstance(made, Factors):
        B, A = (np.ascontiguousarray(host(x), dtype=dtype) for x in (made.B, made.A))
        peak = float(host(made.peak()))
        error = 2 * (made.r + ROUNDINGS) * U32 * peak
        return UpdateRows(partial(_rows_of_product, B, A), partial(_rows_of_product, A.T, B.T), error, peak)
    if (layer.m or 0) * (layer.n or 0) > MOST:
        raise ValueError(f"an update of {layer.m} x {layer.n} is too large to form")
    dense = formed(product, layer.rule)
    D = np.asarray(dense.matrix, dtype=np.float64)
    peak = float(np.max(np.abs(D), initial=0.0))
    return UpdateRows(partial(_rows_of, D), partial(_rows_of, D.T), FORMED * U32 * peak, peak)


def _rows_of_product(B: Array, A: Array, first: int, end: int) -> Array:
    return B[first:end] @ A


def _rows_of(D: Array, first: int, end: int) -> Array:
    return D[first:end].copy()
