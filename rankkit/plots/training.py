"""Ranks over the steps of a training: lines, a heatmap, and one module's spectra."""

# pyright: reportUnknownMemberType=false
# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false
# (matplotlib leaves the types of its keyword arguments open, pandas those of its groups)

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import Normalize
from matplotlib.ticker import MaxNLocator

from rankkit.plots.given import WATCHED, check_metrics, spectra_from, table_from
from rankkit.plots.style import (
    MISSING,
    PALETTE,
    SMALL,
    axes_for,
    brief,
    colour_bar,
    logarithmic,
    panels_for,
    shade,
    words,
)

if TYPE_CHECKING:
    import pandas as pd

    from rankkit.watch import Watched

__all__ = ["ranks_over_steps", "spectrum_fan", "step_heatmap", "training_overview"]

MOST_NAMES = 32  # modules up to which a heatmap names each of them
MEASURED = ("ok", "assumed")  # the statuses of rows with numbers
PLACED = ("step", "module", "status")  # the columns of a training that say where a number belongs
ONE = 1.0  # stable rank of a single direction


def ranks_over_steps(
    table: pd.DataFrame | Watched, metric: str = "stable_rank", *, by: str = "kind", ax: Axes | None = None
) -> Axes:
    """Draw a metric over the steps of a training, one line a module, in the colour of its kind or of its depth.

    A cross on the axis marks a step at which some module is dead.

    Parameters
    ----------
    table : DataFrame or Watched
        `Watched.table`, or the Watched.
    metric : str
        A column of numbers.
    by : {"kind", "layer"}
        What the colours tell.
    ax : Axes, optional
        Where to draw; None: a new figure.

    Returns
    -------
    Axes

    Raises
    ------
    ValueError
        If by is none of these, or the table lacks a column.
    """
    _check_colours(by)
    table = table_from(table, WATCHED, *PLACED, by)
    check_metrics(table, metric)
    ax = axes_for(ax, (4.8, 3.5))
    alive, dead = table[table["status"].isin(MEASURED)], table[table["status"] == "zero"]
    if by == "kind":
        _lines_by_kind(ax, alive, metric)
    else:
        _lines_by_depth(ax, alive, metric)
    if len(dead):
        at = np.sort(dead["step"].unique())
        ax.plot(at, np.zeros(len(at)), "x", color="#000000", markersize=5, clip_on=False,
                transform=ax.get_xaxis_transform(), label="some module is dead")  # fmt: skip
    if metric == "stable_rank":
        ax.set_ylim(bottom=min(ONE - 0.05, ax.get_ylim()[0]))
    ax.set(xlabel="step", ylabel=words(metric))
    ax.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=6))
    if ax.get_legend_handles_labels()[0]:
        ax.legend(fontsize=SMALL)
    return ax


def _check_colours(by: str) -> None:
    if by not in ("kind", "layer"):
        raise ValueError(f"by must be 'kind' or 'layer', got {by!r}; leave it out for the colours of the kinds.")


def _lines_by_kind(ax: Axes, alive: pd.DataFrame, metric: str) -> None:
    """Draw the modules' lines, with the median of each kind on top as a thick one."""
    for color, (kind, members) in zip(PALETTE, alive.groupby("kind", sort=True), strict=False):
        for _, line in members.groupby("module", sort=False):
            ax.plot(line["step"], line[metric], color=color, linewidth=0.7, alpha=0.4)
        median = members.groupby("step")[metric].median()
        ax.plot(median.index.to_numpy(), median.to_numpy(), color=color, linewidth=2.0, label=f"{kind}, median")


def _lines_by_depth(ax: Axes, alive: pd.DataFrame, metric: str) -> None:
    """Draw the modules' lines, dark to light with depth."""
    depth = alive["layer"].astype(float).fillna(0.0)
    scale = Normalize(float(depth.min()) if len(depth) else 0.0, max(float(depth.max()) if len(depth) else 0.0, 1.0))
    for _, line in alive.assign(depth=depth).groupby("module", sort=False):
        color = shade(scale, line["depth"].iloc[0])
        ax.plot(line["step"], line[metric], color=color, linewidth=1.0)
    colour_bar(ax, scale, "layer")


def step_heatmap(table: pd.DataFrame | Watched, metric: str = "stable_rank", *, ax: Axes | None = None) -> Axes:
    """Draw a metric by module and step. Cells without a value (dead or unsupported) stay grey.

    Parameters
    ----------
    table : DataFrame or Watched
        `Watched.table`, or the Watched.
    metric : str
        A column of numbers.
    ax : Axes, optional
        Where to draw; None: a new figure.

    Returns
    -------
    Axes
    """
    table = table_from(table, WATCHED, *PLACED, empty=False)
    check_metrics(table, metric)
    shown = table.assign(value=table[metric].where(table["status"].isin(MEASURED)))
    grid = shown.pivot_table(index="module", columns="step", values="value", aggfunc="first", dropna=False, sort=False)
    grid = grid.reindex(index=list(dict.fromkeys(table["module"])), columns=sorted(table["step"].unique()))
    few = len(grid) <= MOST_NAMES
    ax = axes_for(ax, (6.0, 0.9 + (0.17 * max(len(grid), 8) if few else 4.0)))
    ax.set_facecolor(MISSING)
    steps = np.asarray(grid.columns, dtype=float)
    edges = _edges(steps)
    mesh = ax.pcolormesh(
        edges, np.arange(len(grid) + 1), np.ma.masked_invalid(grid.to_numpy(dtype=float)), cmap="viridis"
    )
    ax.figure.colorbar(mesh, ax=ax, label=words(metric))
    ax.grid(False)
    ax.invert_yaxis()
    if few:
        ax.set_yticks(np.arange(len(grid)) + 0.5, brief(list(grid.index)), fontsize=SMALL - 2)
    else:
        ax.set_ylabel("module, in the order of depth")
    ax.set(xlabel="step")
    ax.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=6))
    return ax


def _edges(steps: Any) -> Any:
    """Return the ends of the cells around steps: half way between neighbours."""
    if len(steps) == 1:
        return np.array([steps[0] - 0.5, steps[0] + 0.5])
    middles = (steps[1:] + steps[:-1]) / 2
    return np.concatenate([[2 * steps[0] - middles[0]], middles, [2 * steps[-1] - middles[-1]]])


def training_overview(table: pd.DataFrame | Watched, *, by: str = "kind", axes: Any = None) -> Any:
    """Draw the stable rank over the steps, and by module and step beside it.

    Parameters
    ----------
    table : DataFrame or Watched
        `Watched.table`, or the Watched.
    by : {"kind", "layer"}
        What the colours of the lines tell.
    axes : array of Axes, optional
        Where to draw, two of them; None: a new figure.

    Returns
    -------
    array of Axes
    """
    _check_colours(by)
    table = table_from(table, WATCHED, *PLACED, "stable_rank", by, empty=False)
    lines, cells = panels_for(axes, 2, (5.6, 3.6))
    ranks_over_steps(table, by=by, ax=lines)
    step_heatmap(table, ax=cells)
    return np.asarray([lines, cells])


def spectrum_fan(values: Mapping[int, Any], *, ax: Axes | None = None) -> Axes:
    """Draw the singular values of one module, one line a step, from dark to light.

    Parameters
    ----------
    values : mapping of int to array (k,)
        Maps a step to singular values, descending, as `Watched.spectra(module)` does; at least one.
    ax : Axes, optional
        Where to draw; None: a new figure.

    Returns
    -------
    Axes

    Raises
    ------
    ValueError
        If there is no step.
    """
    values = spectra_from(values, of="Watched.spectra(module)")
    steps = sorted(values)
    if not steps:
        raise ValueError("values must have the singular values of a step, got none; pass Watched.spectra(module).")
    ax = axes_for(ax, (4.8, 3.3))
    scale = Normalize(steps[0], max(steps[-1], steps[0] + 1))
    for step in steps:
        sigma = np.asarray(values[step])
        sigma = np.where(sigma > 0, sigma, np.nan)
        marker = "o" if len(sigma) <= MOST_NAMES else ""
        ax.plot(np.arange(1, len(sigma) + 1), sigma, color=shade(scale, step),
                linewidth=1.0, marker=marker, markersize=2.5)  # fmt: skip
    ax.set(yscale="log", xlabel="index of the singular value", ylabel="singular value")
    logarithmic(ax.yaxis)
    ax.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=8))
    colour_bar(ax, scale, "step")
    return ax
