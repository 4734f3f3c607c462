"""What one update looks like: its singular values, the angles between its rows, its entries."""

# pyright: reportUnknownMemberType=false
# (matplotlib and seaborn leave the types of their keyword arguments open)

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.ticker import MaxNLocator

from rankkit.plots.style import MISSING, PALETTE, SMALL, axes_for, marked_height, panels_for

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["cosine_heatmap", "matrix_panels", "spectra"]

CROWD, FAINTEST = 6, 0.08  # lines without names are the fainter the more there are, from six on
TICKS = 4  # labelled rows and columns of a heatmap


def spectra(
    values: Mapping[str, Any],
    *,
    normalise: bool = True,
    rtol: float | None = None,
    ax: Axes | None = None,
    labels: bool = True,
) -> Axes:
    """Draw singular values against their index on a logarithmic axis, one line per update.

    Parameters
    ----------
    values : mapping of str to array (k,)
        Maps the name of an update to its singular values, descending. Zeros are not drawn.
    normalise : bool
        Divide by sigma_1.
    rtol : float, optional
        A tolerance relative to sigma_1, drawn as a dashed line; it makes sense with normalise only.
    ax : Axes, optional
        Where to draw; None: a new figure.
    labels : bool
        Name the lines in a legend and give each its own colour.

    Returns
    -------
    Axes
    """
    ax = axes_for(ax)
    for i, (name, sigma) in enumerate(values.items()):
        drawn = np.where(np.asarray(sigma) > 0, sigma, np.nan) / (sigma[0] if normalise else 1.0)
        color = PALETTE[i % len(PALETTE)] if labels else PALETTE[0]
        alpha = 1.0 if labels else min(1.0, CROWD / len(values) + FAINTEST)
        ax.plot(np.arange(1, len(drawn) + 1), drawn, color=color, alpha=alpha, linewidth=1, label=name)
    ax.set(yscale="log", xlabel="index i", ylabel="σᵢ / σ₁" if normalise else "σᵢ")
    ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    if rtol is not None:
        marked_height(ax, rtol, f"tolerance {rtol:.1e}")
    if labels and values:
        ax.legend(fontsize=SMALL)
    return ax


def cosine_heatmap(values: Any, *, ax: Axes | None = None, title: str | None = None) -> Axes:
    """Draw cosines between rows as a heatmap on the fixed range from -1 to 1. Rows that are zero stay grey.

    Parameters
    ----------
    values : array, shape (m, m)
        For instance `Similarity.values`.
    ax : Axes, optional
        Where to draw; None: a new figure.
    title : str, optional
        Over the heatmap.

    Returns
    -------
    Axes
    """
    ax = axes_for(ax, (4.2, 3.6))
    ax.set_facecolor(MISSING)
    bar = {"label": "cosine similarity", "ticks": [-1, -0.5, 0, 0.5, 1]}
    sns.heatmap(
        values, ax=ax, vmin=-1, vmax=1, cmap="RdBu_r", square=True, rasterized=True, cbar_kws=bar,
        xticklabels=max(1, len(values) // TICKS), yticklabels=max(1, len(values) // TICKS),
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
    """Draw matrices side by side on one colour scale.

    Parameters
    ----------
    table : DataFrame
        The columns panel, row, column and the value; one row per entry of a matrix.
    value : str
        The column that is drawn.
    titles : mapping of str to str
        Maps a panel to its title, in their order from left to right.
    limits : tuple of float
        Ends of the colour scale.
    cmap : str
        Name of the colour map.
    label : str
        What the colour bar says.
    columns : str
        What the horizontal axis counts.

    Returns
    -------
    sequence of Axes
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
