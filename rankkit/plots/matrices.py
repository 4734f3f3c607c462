"""What one update looks like: its singular values, the angles between its rows, its entries."""

# pyright: reportUnknownMemberType=false
# (matplotlib and seaborn leave the types of their keyword arguments open)

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.ticker import MaxNLocator

from rankkit.plots.given import COMPARISON, SIMILARITY, got, is_mapping, spectra_from
from rankkit.plots.style import MISSING, PALETTE, SMALL, axes_for, literal, marked_height, panels_for

if TYPE_CHECKING:
    import pandas as pd

    from rankkit.audits.comparison import Comparison
    from rankkit.audits.record import Audit

__all__ = ["cosine_heatmap", "grid_heatmaps", "matrix_panels", "spectra"]

CROWD, FAINTEST = 6, 0.08  # lines without names are the fainter the more there are, from six on
TICKS = 4  # labelled rows and columns of a heatmap
ROUNDED = 1e-3  # by how much a cosine may exceed 1: float16 rounds by half of that
WRITTEN = 6  # adapters up to which every cell of a heatmap has its number
NAME = 18  # characters of an adapter's name beside a heatmap
# matrix of adapters -> its title, what its columns are, its colour map, and the ends of the colour scale
GRIDS = {
    "cosine": ("cosine", "second adapter", "RdBu_r", (-1.0, 1.0)),
    "column_energy": ("energy in the column space", "energy of the second adapter", "viridis", (0.0, 1.0)),
    "row_energy": ("energy in the row space", "energy of the second adapter", "viridis", (0.0, 1.0)),
    "sum_ratio": ("norm of the sum", "second adapter", "PuOr_r", (2 - math.sqrt(2), math.sqrt(2))),
}


def spectra(
    values: Mapping[str, Any] | Audit,
    *,
    normalise: bool = True,
    rtol: float | None = None,
    ax: Axes | None = None,
    labels: bool = True,
) -> Axes:
    """Draw singular values against their index on a logarithmic axis, one line per update.

    Parameters
    ----------
    values : mapping of str to array (k,), or Audit
        Maps the name of an update to its singular values, descending; of an Audit, its spectra. Zeros are not drawn.
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
    values = spectra_from(values)
    ax = axes_for(ax)
    for i, (name, sigma) in enumerate(values.items()):
        drawn = np.where(np.asarray(sigma) > 0, sigma, np.nan) / (sigma[0] if normalise else 1.0)
        color = PALETTE[i % len(PALETTE)] if labels else PALETTE[0]
        alpha = 1.0 if labels else min(1.0, CROWD / len(values) + FAINTEST)
        ax.plot(np.arange(1, len(drawn) + 1), drawn, color=color, alpha=alpha, linewidth=1, label=literal(str(name)))
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
    values : array, shape (m, m), or Similarity
        For instance `Similarity.values`, or the Similarity of one update.
    ax : Axes, optional
        Where to draw; None: a new figure.
    title : str, optional
        Over the heatmap.

    Returns
    -------
    Axes
    """
    values = _cosines(values)
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


def _cosines(given: Any) -> Any:
    """Return cosines between rows, of a similarity or as they were given, once they are found to be a square."""
    values = np.asarray(given.values if type(given).__name__ == SIMILARITY.kind else given)
    square = values.ndim == 2 and values.shape[0] == values.shape[1] > 0 and values.dtype.kind in "fiu"
    if not square or np.any(np.abs(values) > 1 + ROUNDED):
        shape = f" of shape {values.shape}" if values.ndim else ""
        raise ValueError(
            f"values must be the cosines between all rows of one update, shape (m, m), got {got(given)}{shape}; pass "
            f"what {SIMILARITY.made} returns."
        )
    return values


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

    Raises
    ------
    ValueError
        If the table lacks a column.
    """
    lacking = {"panel", "row", "column", value} - set(getattr(table, "columns", ()))
    if lacking:
        raise ValueError(
            f"table must have the columns panel, row, column and {value}, got {got(table)} without "
            f"{', '.join(sorted(lacking))}; make one row of each entry."
        )
    panels = panels_for(None, len(titles), (1.75, 2.1))
    norm = Normalize(*limits)
    for panel, (name, title) in zip(panels, titles.items(), strict=True):
        entries = table[table["panel"] == name].pivot(index="row", columns="column", values=value)
        panel.imshow(entries, cmap=cmap, norm=norm)
        panel.set(title=title, xlabel=columns, ylabel="row" if panel is panels[0] else "")
        panel.grid(visible=False)
    panels[0].figure.colorbar(ScalarMappable(norm, cmap), ax=list(panels), label=label, shrink=0.8)
    return panels


def grid_heatmaps(matrices: Mapping[str, pd.DataFrame] | Comparison, *, axes: Any = None) -> Any:
    """Draw K x K matrices of adapters side by side, each on its own fixed scale. What is not known stays grey.

    A row is the first adapter. Its column space and row space are those in which the energy of the others lies.

    Parameters
    ----------
    matrices : mapping of str to DataFrame, shape (K, K), or Comparison
        Some of cosine, column_energy, row_energy and sum_ratio, as `Comparison.matrix` returns them; all of them of
        a Comparison.
    axes : array of Axes, optional
        Where to draw, one for each matrix; None: a new figure.

    Returns
    -------
    array of Axes
    """
    matrices = _matrices(matrices)
    count = max(len(values) for values in matrices.values())
    side = 2.1 + 0.28 * count
    panels = panels_for(axes, len(matrices), (side + 0.5, side))
    for panel, (name, values) in zip(panels, matrices.items(), strict=True):
        title, across, colours, (least, most) = GRIDS[name]
        panel.set_facecolor(MISSING)
        names = [literal(_short(str(label))) for label in values.index]
        sns.heatmap(
            values.to_numpy(), ax=panel, vmin=least, vmax=most, cmap=colours, square=True, linewidths=0.5,
            annot=len(values) <= WRITTEN, fmt=".2f", annot_kws={"fontsize": SMALL},
            xticklabels=names, yticklabels=names if panel is panels[0] else False,
            cbar_kws={"shrink": 0.7},
        )  # fmt: skip
        panel.grid(visible=False)
        panel.set(title=title, xlabel=across, ylabel="first adapter" if panel is panels[0] else "")
        panel.tick_params(axis="x", rotation=60)
        panel.tick_params(axis="y", rotation=0)
    return np.asarray(panels)


def _matrices(given: Any) -> Mapping[str, pd.DataFrame]:
    """Return matrices of adapters, of a comparison or as they were given, once their names are found."""
    if type(given).__name__ == COMPARISON.kind:
        return {name: given.matrix(name) for name in GRIDS}
    names: list[Any] = [*given] if is_mapping(given) else []
    if not names or not set(names) <= set(GRIDS):
        said = ", ".join(map(got, names)) or got(given)
        raise ValueError(
            f"matrices must map some of {', '.join(GRIDS)} to a Comparison.matrix, or be the Comparison, got {said}; "
            f"pass what {COMPARISON.made} returns."
        )
    return given


def _short(name: str) -> str:
    """Return a name that fits beside a heatmap; a longer one loses its middle."""
    return name if len(name) <= NAME else f"{name[: NAME // 2]}…{name[-NAME // 2 + 1 :]}"
