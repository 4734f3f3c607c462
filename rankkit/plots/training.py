"""Ranks over the steps of a training: lines, a heatmap, one module's spectra, learned functions and frequencies."""

# pyright: reportUnknownMemberType=false
# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false
# (matplotlib leaves the types of its keyword arguments open, pandas those of its groups)

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import ListedColormap, Normalize
from matplotlib.ticker import MaxNLocator

from rankkit.plots.style import MISSING, PALETTE, SMALL, STYLE, axes_for, literal, logarithmic, panels_for, words

if TYPE_CHECKING:
    import pandas as pd

__all__ = [
    "learned_frequencies", "learned_functions", "ranks_over_steps", "spectrum_fan", "step_heatmap", "training_overview",
]  # fmt: skip

MOST_NAMES = 32  # modules up to which a heatmap names each of them
MOST_FUNCTIONS = 4  # modules whose functions are drawn unless more are asked for
LIGHT = 0.92  # of the map viridis: its yellow end cannot be seen on white
MEASURED = ("ok", "assumed")  # the statuses of rows with numbers
ONE = 1.0  # stable rank of a single direction


def ranks_over_steps(
    table: pd.DataFrame, metric: str = "stable_rank", *, by: str = "kind", ax: Axes | None = None
) -> Axes:
    """Draw a metric over the steps of a training, one line a module, in the colour of its kind or of its depth.

    A cross on the axis marks a step at which some module is dead.

    Parameters
    ----------
    table : DataFrame
        `Watched.table`.
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
        If by is none of these.
    """
    if by not in ("kind", "layer"):
        raise ValueError(f"by must be 'kind' or 'layer', got {by!r}.")
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
        color = _shade(scale, line["depth"].iloc[0])
        ax.plot(line["step"], line[metric], color=color, linewidth=1.0)
    _colour_bar(ax, scale, "layer")


def _shade(scale: Normalize, value: Any) -> Any:
    """Return the colour of a line at this place of a scale, from dark to light."""
    return plt.get_cmap("viridis")(LIGHT * float(scale(float(value))))


def _colour_bar(ax: Axes, scale: Normalize, label: str) -> None:
    """Show beside the axes what the colours of lines from dark to light mean."""
    colors = plt.get_cmap("viridis")(np.linspace(0, LIGHT, 256))
    bar = ax.figure.colorbar(ScalarMappable(norm=scale, cmap=ListedColormap(colors)), ax=ax, label=label)
    bar.ax.yaxis.set_major_locator(MaxNLocator(integer=True, nbins=6))


def step_heatmap(table: pd.DataFrame, metric: str = "stable_rank", *, ax: Axes | None = None) -> Axes:
    """Draw a metric by module and step. Cells without a value (dead or unsupported) stay grey.

    Parameters
    ----------
    table : DataFrame
        `Watched.table`.
    metric : str
        A column of numbers.
    ax : Axes, optional
        Where to draw; None: a new figure.

    Returns
    -------
    Axes
    """
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
        ax.set_yticks(np.arange(len(grid)) + 0.5, _brief(list(grid.index)), fontsize=SMALL - 2)
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


def _brief(names: Sequence[str]) -> list[str]:
    """Return the paths of modules without the beginning that all of them share."""
    parts = [name.split(".") for name in names]
    shared = 0
    while len(parts) > 1 and all(len(path) > shared + 1 and path[shared] == parts[0][shared] for path in parts):
        shared += 1
    return [literal(".".join(path[shared:])) for path in parts]


def training_overview(table: pd.DataFrame, *, by: str = "kind", axes: Any = None) -> Any:
    """Draw the stable rank over the steps, and by module and step beside it.

    Parameters
    ----------
    table : DataFrame
        `Watched.table`.
    by : {"kind", "layer"}
        What the colours of the lines tell.
    axes : array of Axes, optional
        Where to draw, two of them; None: a new figure.

    Returns
    -------
    array of Axes
    """
    lines, cells = panels_for(axes, 2, (5.6, 3.6))
    ranks_over_steps(table, by=by, ax=lines)
    step_heatmap(table, ax=cells)
    return np.asarray([lines, cells])


def spectrum_fan(values: Mapping[int, Any], *, ax: Axes | None = None) -> Axes:
    """Draw the singular values of one module, one line a step, from dark to light.

    Parameters
    ----------
    values : mapping of int to array (k,)
        Step -> singular values, descending, as `Watched.spectra(module)` has them.
    ax : Axes, optional
        Where to draw; None: a new figure.

    Returns
    -------
    Axes
    """
    ax = axes_for(ax, (4.8, 3.3))
    steps = sorted(values)
    scale = Normalize(steps[0], max(steps[-1], steps[0] + 1))
    for step in steps:
        sigma = np.asarray(values[step])
        sigma = np.where(sigma > 0, sigma, np.nan)
        marker = "o" if len(sigma) <= MOST_NAMES else ""
        ax.plot(np.arange(1, len(sigma) + 1), sigma, color=_shade(scale, step),
                linewidth=1.0, marker=marker, markersize=2.5)  # fmt: skip
    ax.set(yscale="log", xlabel="index of the singular value", ylabel="singular value")
    logarithmic(ax.yaxis)
    ax.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=8))
    _colour_bar(ax, scale, "step")
    return ax


def learned_functions(table: pd.DataFrame, *, modules: Sequence[str] | None = None) -> Any:
    """Draw learned functions phi, one panel a module and one line a step, from dark to light.

    Parameters
    ----------
    table : DataFrame
        `Watched.learned_columns("phi")`: step, module, x, phi.
    modules : sequence of str, optional
        Which; None: the first four.

    Returns
    -------
    array of Axes

    Raises
    ------
    ValueError
        If none of the modules learns a function.
    """
    known = list(dict.fromkeys(table["module"]))
    drawn = [name for name in (known[:MOST_FUNCTIONS] if modules is None else modules) if name in known]
    if not drawn:
        raise ValueError(f"modules must learn a function, got {modules!r}; there are {', '.join(known[:4])}.")
    scale = Normalize(float(table["step"].min()), max(float(table["step"].max()), float(table["step"].min()) + 1))
    with plt.rc_context(STYLE):
        axes = plt.subplots(1, len(drawn), figsize=(2.9 * len(drawn) + 0.8, 2.8), squeeze=False)[1][0]
    for ax, name, title in zip(axes, drawn, _brief(drawn), strict=True):
        for step, line in table[table["module"] == name].groupby("step", sort=True):
            ax.plot(line["x"], line["phi"], color=_shade(scale, step), linewidth=1.0)
        ax.set(xlabel="x, an entry of BA", title=title)
    axes[0].set_ylabel("φ(x), with its scale")
    _colour_bar(axes[-1], scale, "step")
    return axes


def learned_frequencies(table: pd.DataFrame, *, ax: Axes | None = None) -> Axes:
    """Draw the learned frequencies over the steps: for every module the median of its own, and from least to greatest.

    Parameters
    ----------
    table : DataFrame
        `Watched.learned_columns("omega")`: step, module, index, omega.
    ax : Axes, optional
        Where to draw; None: a new figure.

    Returns
    -------
    Axes
    """
    ax = axes_for(ax, (4.8, 3.3))
    known = list(dict.fromkeys(table["module"]))
    named, ranged = len(known) <= len(PALETTE), len(known) <= MOST_FUNCTIONS
    scale = Normalize(1, max(len(known), 2))
    for place, (name, title) in enumerate(zip(known, _brief(known), strict=True)):
        own = table[table["module"] == name].groupby("step")["omega"]
        color = PALETTE[place] if named else _shade(scale, place + 1)
        steps = own.median().index.to_numpy()
        ax.plot(steps, own.median(), color=color, linewidth=1.2, label=title)
        if ranged:
            ax.fill_between(steps, own.min(), own.max(), color=color, alpha=0.15, linewidth=0)
    ax.set(xlabel="step", ylabel="learned frequency ω" + (", median and range" if ranged else ", median"))
    ax.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=6))
    if named:
        ax.legend(fontsize=SMALL)
    else:
        _colour_bar(ax, scale, "module, in the order of depth")
    return ax
