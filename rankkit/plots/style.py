"""What all pictures share: colours, sizes, where to draw."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes

__all__ = ["LABELS", "MARKERS", "PALETTE", "STYLE", "axes_for", "panels_for", "words"]

# Okabe and Ito's colours, told apart by every common kind of colour vision, without the yellow
PALETTE = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00", "#000000")
MARKERS = ("o", "s", "^", "D", "v", "P", "X")
LABELS = {"omega": "frequency ω", "c": "c = ω · scale(B) · scale(A)  [rad]", "layer": "layer"}
STYLE: dict[Any, Any] = {
    "font.size": 9, "axes.titlesize": 10, "axes.spines.top": False, "axes.spines.right": False,
    "axes.grid": True, "grid.color": "#e4e4e4", "grid.linewidth": 0.6, "legend.frameon": False,
    "figure.constrained_layout.use": True, "figure.dpi": 150,
}  # fmt: skip


def axes_for(ax: Axes | None, size: tuple[float, float] = (4.6, 3.3)) -> Axes:
    """Return the axes to draw on: those given, or a new figure's."""
    if ax is not None:
        return ax
    with plt.rc_context(STYLE):
        return plt.subplots(figsize=size)[1]


def panels_for(axes: Any, count: int, size: tuple[float, float]) -> Sequence[Axes]:
    """Return `count` axes side by side: those given, or a new figure's."""
    if axes is not None:
        return list(np.atleast_1d(axes))
    with plt.rc_context(STYLE):
        return list(np.atleast_1d(plt.subplots(1, count, figsize=(size[0] * count, size[1]))[1]))


def words(name: str) -> str:
    """Return a column's name as an axis says it."""
    return LABELS.get(name, name.replace("_", " "))
