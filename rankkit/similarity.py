"""Row-wise cosine similarity of an update: whether its rows point the same way."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from rankkit.factors import Array, Factors, float_matrix, host, namespace

__all__ = ["Similarity", "cosine_similarity"]


@dataclass(frozen=True, eq=False)
class Similarity:
    """Cosines between the rows of an update.

    Attributes
    ----------
    values : array, shape (*batch, m, m)
        cos of the angle between rows i and j, in [-1, 1]; NaN where one of them is zero.
    zero_rows : array of bool, shape (*batch, m)
        Rows that are exactly zero and so have no direction.
    """

    values: Any
    zero_rows: Any

    @property
    def mean_absolute(self) -> Any:
        """Mean |cosine| over pairs of different non-zero rows, shape (*batch,): 1 for rank one."""
        m = self.values.shape[-1]
        off = np.where(np.eye(m, dtype=bool), np.nan, np.abs(self.values))
        known = np.isfinite(off)
        pairs = np.sum(known, axis=(-2, -1))
        total = np.sum(np.where(known, off, 0.0), axis=(-2, -1))
        return np.where(pairs > 0, total / np.maximum(pairs, 1), np.nan)[()]

    def plot(self, ax: Any = None) -> Any:
        """Draw the cosine heatmap; returns its axes."""
        from rankkit.plots import cosine_heatmap

        return cosine_heatmap(self.values, ax=ax)


def cosine_similarity(update: Factors | Array) -> Similarity:
    """Return the cosines between the rows of an update, computed in float64.

    Parameters
    ----------
    update : Factors or array, shape (*batch, m, n)
        Factors are never multiplied out: rows of B A have the inner products of rows of B R^T,
        A^T = Q R.

    Examples
    --------
    >>> cosine_similarity(np.array([[1.0, 0.0], [2.0, 0.0], [0.0, -1.0]])).values[0].tolist()
    [1.0, 1.0, 0.0]
    """
    if isinstance(update, Factors):
        xp, wide = update.namespace, update.to(dtype="float64")
        R = xp.linalg.qr(xp.matrix_transpose(wide.A), mode="reduced")[1]
        rows = wide.B @ xp.matrix_transpose(R)
    else:
        float_matrix("update", update)
        xp = namespace(update)
        rows = xp.astype(update, xp.float64)
    peak = xp.max(xp.abs(rows), axis=-1, keepdims=True)
    zero = peak == 0
    rows = rows / xp.where(zero, xp.ones_like(peak), peak)  # lengths of tiny rows must not underflow
    length = xp.linalg.vector_norm(rows, axis=-1, keepdims=True)
    unit = rows / xp.where(zero, xp.ones_like(length), length)
    zero_rows = host(zero[..., 0]).astype(bool)
    values = np.clip(host(unit @ xp.matrix_transpose(unit)), -1.0, 1.0)
    values[zero_rows[..., :, None] | zero_rows[..., None, :]] = np.nan
    return Similarity(values, zero_rows)
