"""What all pictures share: colours, sizes, where to draw."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes

__all__ = ["LABELS", "MARKERS", "PALETTE", "STYLE", "axes_for", "label_lines", "panels_for", "words"]

# Okabe and Ito's colours, told apart by every common kind of colour vision, without the yellow
PALETTE = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00", "#000000")
MARKERS = ("o", "s", "^", "D", "v", "P", "X")
LABELS = {"omega": "frequency ω", "c": "c = ω · scale(B) · scale(A)  [rad]", "layer": "layer"}
STYLE: dict[Any, Any] = {
    "font.size": 9, "axes.titlesize": 10, "axes.spines.top": False, "axes.spines.right": False,
    "axes.grid": True, "axes.axisbelow": True, "grid.color": "#e4e4e4", "grid.linewidth": 0.6, "legend.frameon": False,
    "figure.constrained_layout.use": True, "figure.dpi": 150,
}  # fmt: skip


def axes_for(ax: Axes | None, size: tuple[float, float] = (4.6, 3.3)) -> Axes:
    """Return the axes to draw on: those given, or a new figure's."""
    if ax is not None:
        return ax
    with plt.rc_context(STYLE):
        return plt.subplots(figsize=size)[1]


def panels_for(axes: Any, count: int, size: tuple[float, float]) -> Sequence[Axes]:
    """Return axes side by side: those given, or a new figure's.

    Parameters
    ----------
    axes : sequence of Axes, optional
    count : int
        How many there are to be.
    size : tuple of float
        Width and height of one, in inches.
    """
    if axes is not None:
        return list(np.atleast_1d(axes))
    with plt.rc_context(STYLE):
        return list(np.atleast_1d(plt.subplots(1, count, figsize=(size[0] * count, size[1]))[1]))


def words(name: str) -> str:
    """Return a column's name as an axis says it."""
    return LABELS.get(name, name.replace("_", " "))


def label_lines(ax: Axes, *, gap: float = 0.055) -> None:
    """Write every labelled line's name at its right end, in its colour, names apart from each other.

    Parameters
    ----------
    ax : Axes
        Limits and scales must be final.
    gap : float
        Least distance of two names, as a share of the axes' height.
    """
    to_axes = ax.transData + ax.transAxes.inverted()
    ends = []
    for line in ax.get_lines():
        if not str(line.get_label()).startswith("_") and len(np.atleast_1d(line.get_xdata())):
            x, y = np.asarray(line.get_xdata(), dtype=float), np.asarray(line.get_ydata(), dtype=float)
            seen = np.isfinite(x) & np.isfinite(y)
            ends.append((float(np.clip(to_axes.transform((x[seen][-1], y[seen][-1]))[1], 0, 1)), line))
    ends.sort(key=lambda end: end[0])
    heights = [height for height, _ in ends]
    for i in range(1, len(heights)):
        heights[i] = max(heights[i], heights[i - 1] + gap)
    over = max(0.0, heights[-1] - 1.0) if heights else 0.0
    for height, (_, line) in zip(heights, ends, strict=True):
        ax.annotate(
            str(line.get_label()), (1.0, height - over), xycoords="axes fraction", xytext=(4, 0), va="center",
            textcoords="offset points", color=line.get_color(), fontsize=8, annotation_clip=False,
        )  # fmt: skip
