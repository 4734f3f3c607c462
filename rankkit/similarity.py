"""Row-wise cosine similarity of an update: whether its rows point the same way."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from rankkit.factors import Array, Factors, float_matrix, host, namespace
from rankkit.report.inline import counted, html_summary, text_summary
from rankkit.report.picture import inline_png

__all__ = ["Similarity", "cosine_similarity"]

QUICK = 1 << 20  # cosines whose mean is computed when a similarity shows itself: a few milliseconds
DRAWN = 256  # rows that a notebook's small picture can show
SHOWN = 6  # columns of the matrix that stand in a table


@dataclass(frozen=True, eq=False)
class Similarity:
    """Cosines between the rows of an update, or of a batch of updates.

    Attributes
    ----------
    values : array, shape (*batch, m, m)
        Cosine of the angle between rows i and j, in [-1, 1]; NaN where one of them is zero.
    zero_rows : array of bool, shape (*batch, m)
        Rows that are exactly zero and so have no direction.
    """

    values: Array
    zero_rows: Array

    @property
    def mean_absolute(self) -> Array:
        """Mean |cosine| over pairs of different non-zero rows, shape (*batch,); 1 for an update of rank one."""
        m = self.values.shape[-1]
        off = np.where(np.eye(m, dtype=bool), np.nan, np.abs(self.values))
        known = np.isfinite(off)
        pairs = np.sum(known, axis=(-2, -1))
        total = np.sum(np.where(known, off, 0.0), axis=(-2, -1))
        return np.where(pairs > 0, total / np.maximum(pairs, 1), np.nan)[()]

    def plot(self, ax: Any = None) -> Any:
        """Draw the cosines as a heatmap.

        Parameters
        ----------
        ax : Axes, optional
            Where to draw; None: a new figure.

        Returns
        -------
        Axes
        """
        from rankkit.plots import cosine_heatmap

        return cosine_heatmap(self.values, ax=ax)

    def __repr__(self) -> str:
        return text_summary(*self._summary())

    def _repr_html_(self) -> str:
        picture = ""
        if self.values.ndim == 2 and len(self.values) <= DRAWN and not np.all(self.zero_rows):
            picture = inline_png(self.plot(), text="Cosines between the rows of the update.")
        return html_summary(*self._summary(), picture=picture)

    def _summary(self) -> tuple[str, list[str], dict[str, Any]]:
        """Return a title, the lines below it, and for a single update the first columns of the matrix."""
        *batch, m, _ = self.values.shape
        title = f"Cosines between the {counted(m, 'row')} of an update."
        if batch:
            updates = f"{counted(math.prod(batch), 'update')}, batch {tuple(batch)}"
            title = f"Cosines between the {counted(m, 'row')} of each of {updates}."
        zeros = np.sum(self.zero_rows)
        lines = [f"{zeros} row{' is zero and has' if zeros == 1 else 's are zero and have'} no cosine"] if zeros else []
        if self.values.size <= QUICK and (mean := self._mean()):
            lines.insert(0, f"mean |cosine| of different rows {mean}; 1 means that all rows are parallel")
        lines.append(".values has all cosines, .mean_absolute their mean" + ("" if batch else "; .plot() draws them"))
        columns = {} if batch else {"row": range(m), **{f"row {j}": self.values[:, j] for j in range(min(m, SHOWN))}}
        return title, lines, columns

    def _mean(self) -> str:
        """Return the mean |cosine|, or its range over a batch; no text where no two rows have a cosine."""
        mean = self.mean_absolute
        known = mean[np.isfinite(mean)]
        if known.size == 0:
            return ""
        return f"{known.item():.4g}" if mean.ndim == 0 else f"{np.min(known):.4g} to {np.max(known):.4g}"


def cosine_similarity(update: Factors | Array) -> Similarity:
    """Return the cosines between the rows of an update, computed in float64.

    Factors are never multiplied out. With the thin QR A^T = Q R, the rows of B A have the same inner products as the
    rows of B R^T.

    Parameters
    ----------
    update : Factors or array, shape (*batch, m, n)
        What a rule returned, or any matrix of finite real floats.

    Returns
    -------
    Similarity

    Raises
    ------
    TypeError
        If update is not an array of real floats.
    ValueError
        If update has no rows and columns, or is not finite.

    Examples
    --------
    >>> cosine_similarity(np.array([[1.0, 0.0], [2.0, 0.0], [0.0, -1.0]])).values[0].tolist()
    [1.0, 1.0, 0.0]
    """
    rows = _rows(update)
    xp = namespace(rows)
    peak = xp.max(xp.abs(rows), axis=-1, keepdims=True)
    zero = peak == 0
    rows = rows / xp.where(zero, xp.ones_like(peak), peak)  # so that lengths of tiny rows do not underflow
    length = xp.linalg.vector_norm(rows, axis=-1, keepdims=True)
    unit = rows / xp.where(zero, xp.ones_like(length), length)
    zero_rows = host(zero[..., 0]).astype(bool)
    values = np.clip(host(unit @ xp.matrix_transpose(unit)), -1.0, 1.0)
    values[zero_rows[..., :, None] | zero_rows[..., None, :]] = np.nan
    return Similarity(values, zero_rows)


def _rows(update: Factors | Array) -> Array:
    """Return float64 rows with the same inner products as the rows of an update."""
    if not isinstance(update, Factors):
        xp = namespace(float_matrix("update", update))
        return xp.astype(update, xp.float64)
    xp, wide = update.namespace, update.to(dtype="float64")
    R = xp.linalg.qr(xp.matrix_transpose(wide.A), mode="reduced")[1]
    return wide.B @ xp.matrix_transpose(R)
