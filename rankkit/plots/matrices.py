"""What one update looks like: its singular values, the angles between its rows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.ticker import MaxNLocator

from rankkit.plots.style import PALETTE, axes_for, panels_for

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["cosine_heatmap", "matrix_panels", "spectra"]


def spectra(
    values: Mapping[str, Any],
    *,
    normalise: bool = True,
    rtol: float | None = None,
    ax: Axes | None = None,
    labels: bool = True,
) -> Axes:
    """Draw singular values against their index on a log axis, with the tolerance line; return the axes.

    Parameters
    ----------
    values : mapping of str to array (k,)
        Descending singular values. Zeros are not drawn.
    normalise : bool
        Divide by sigma_1.
    rtol : float, optional
        Where to draw the tolerance (relative; only sensible with normalise).
    ax : Axes, optional
        Where to draw; None: a new figure.
    labels : bool
        Name the lines in a legend.
    """
    ax = axes_for(ax)
    for i, (name, sigma) in enumerate(values.items()):
        drawn = np.where(np.asarray(sigma) > 0, sigma, np.nan) / (sigma[0] if normalise else 1.0)
        color = PALETTE[i % len(PALETTE)] if labels else PALETTE[0]
        alpha = 1.0 if labels else min(1.0, 6 / len(values) + 0.08)
        ax.plot(np.arange(1, len(drawn) + 1), drawn, color=color, alpha=alpha, linewidth=1, label=name)
    ax.set(yscale="log", xlabel="index i", ylabel="σᵢ / σ₁" if normalise else "σᵢ")
    ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    if rtol is not None:
        ax.axhline(rtol, color="#888888", linewidth=0.8, linestyle="--")
        ax.annotate(f"tolerance {rtol:.1e}", (0.02, rtol), xycoords=("axes fraction", "data"), va="bottom", fontsize=8)
    if labels and values:
        ax.legend(fontsize=8)
    return ax


def cosine_heatmap(values: Any, *, ax: Axes | None = None, title: str | None = None) -> Axes:
    """Draw the cosines between rows on the fixed range -1..1, zero rows grey; return the axes.

    Parameters
    ----------
    values : array, shape (m, m)
        Cosines; NaN for rows that are zero.
    ax : Axes, optional
        Where to draw; None: a new figure.
    title : str, optional
        Over the matrix.
    """
    ax = axes_for(ax, (4.2, 3.6))
    ax.set_facecolor("#bbbbbb")
    bar = {"label": "cosine similarity", "ticks": [-1, -0.5, 0, 0.5, 1]}
    sns.heatmap(
        values, ax=ax, vmin=-1, vmax=1, cmap="RdBu_r", square=True, rasterized=True, cbar_kws=bar,
        xticklabels=max(1, len(values) // 4), yticklabels=max(1, len(values) // 4),
    )  # fmt: skip
    ax.grid(False)
    ax.set(xlabel="row j", ylabel="row i")
    if title:
        ax.set_title(title)
    return ax


def matrix_panels(
    table: pd.DataFrame, value: str, *, titles: Mapping[str, str], limits: tuple[float, float], cmap: str, label: str,
    columns: str = "column",
) -> Any:  # fmt: skip
    """Draw matrices side by side on one colour scale; return the axes.

    Parameters
    ----------
    table : DataFrame
        panel, row, column and the value, one row an entry.
    value : str
        The column that is drawn.
    titles : mapping
        Panel -> what stands above it, in their order.
    limits : tuple
        Of the colour scale.
    cmap, label : str
        Colour map, and what the colour bar says.
    columns : str
        What the horizontal axis counts.
    """
    panels = panels_for(None, len(titles), (1.75, 2.1))
    norm = Normalize(*limits)
    for panel, (name, title) in zip(panels, titles.items(), strict=True):
        entries = table[table["panel"] == name].pivot(index="row", columns="column", values=value)
        panel.imshow(entries, cmap=cmap, norm=norm)
        panel.set(title=title, xlabel=columns, ylabel="row" if panel is panels[0] else "")
        panel.grid(visible=False)
    panels[0].figure.colorbar(ScalarMappable(norm, cmap), ax=list(panels), label=label, shrink=0.8)
    return panels
