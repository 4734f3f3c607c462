"""Modules of one adapter or of several, by depth and type."""

# pyright: reportUnknownMemberType=false
# (matplotlib and seaborn leave the types of their keyword arguments open)

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import matplotlib.pyplot as plt
import numpy as np
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from rankkit.plots.given import AUDIT, COMPARISON, check_metrics, spectra_from, table_from
from rankkit.plots.matrices import spectra
from rankkit.plots.style import MARKERS, MISSING, PALETTE, SMALL, axes_for, literal, panels_for, styled, words

if TYPE_CHECKING:
    import pandas as pd

    from rankkit.audits.comparison import Comparison
    from rankkit.audits.record import Audit

__all__ = ["audit_overview", "comparison", "depth_profile", "layer_heatmap", "spectra_grid"]

PLACED = ("module", "layer", "status")  # the columns of an audit that say where a module is
GENERIC = {"dense", "linear", "proj", "lin", "fc"}  # names that modules of different types share
MOST_TYPES = 12  # types of modules that are told apart; of more, all are drawn together
FEW_TYPES = 4  # types up to which the legend fits inside the axes
BESIDE = 0.6  # of the distance of two layers, over which the points of all pairs are spread
MEASURED = ("ok", "assumed")  # the statuses of rows with numbers
NAMED = 3  # types of dead modules that a legend names
SMALLEST = 1e-12  # relative to sigma_1: smaller values are not drawn, since a float64 SVD cannot tell them from zero


def _types(table: pd.DataFrame) -> pd.Series:
    """Return the type of each module: the last word of its path, with the word before it where one says too little."""
    path = table["module"].str.replace(r"\.\d+(?=\.|$)", "", regex=True).str.split(".")
    leaf = path.str[-1]
    twice = set(leaf[table.assign(leaf=leaf).duplicated(["layer", "leaf"], keep=False)])
    return leaf.where(~leaf.isin(twice | GENERIC), path.str[-2:].str.join(".")).map(literal, na_action="ignore")


def _by_type(table: pd.DataFrame) -> list[tuple[str, pd.DataFrame]]:
    """Return the rows of each type, by name; all rows together where there are too many types."""
    if table["type"].nunique() > MOST_TYPES:
        return [("all modules", table)]
    return [(str(name), rows) for name, rows in table.groupby("type", sort=True)]


def layer_heatmap(table: pd.DataFrame | Audit, metric: str = "stable_rank", *, ax: Axes | None = None) -> Axes:
    """Draw a metric by layer and type of module. Modules without a value (dead or unsupported) stay grey.

    A dot marks a cell whose modules have the status "assumed". Beside measured modules they are left out.

    Parameters
    ----------
    table : DataFrame or Audit
        `Audit.table`, or the Audit.
    metric : str
        A column of numbers.
    ax : Axes, optional
        Where to draw; None: a new figure.

    Returns
    -------
    Axes
    """
    placed = _placed(table, metric)
    grid, marked = _grid(placed, metric)
    ax = axes_for(ax, (1.8 + 0.24 * max(len(grid.columns), 8), 1.2 + 0.28 * max(len(grid), 3)))
    ax.set_facecolor(MISSING)
    sns.heatmap(grid.astype(float), ax=ax, cmap="viridis", cbar_kws={"label": words(metric)}, linewidths=0.5)
    for row, column in np.argwhere(marked):
        ax.plot(column + 0.5, row + 0.5, ".", color="#D55E00", markersize=4)
    ax.grid(False)
    ax.set(xlabel="layer", ylabel="")
    ax.tick_params(axis="y", rotation=0)
    return ax


def _placed(table: Any, metric: str) -> pd.DataFrame:
    """Return the modules of an audit whose depth is known, with their types, once the metric is found."""
    table = table_from(table, AUDIT, *PLACED)
    check_metrics(table, metric)
    return table.assign(type=_types(table)).dropna(subset=["layer"])


def _grid(placed: pd.DataFrame, metric: str) -> tuple[pd.DataFrame, Any]:
    """Return the means by type and layer, and which of them are of assumed values alone."""

    def means(rows: pd.DataFrame) -> pd.DataFrame:
        grid = rows.pivot_table(index="type", columns="layer", values=metric, aggfunc="mean", dropna=False)
        return grid.reindex(columns=sorted(grid.columns))

    whole, assumed = means(placed), placed["status"] == "assumed"
    if not assumed.any():
        return whole, np.zeros(whole.shape, dtype=bool)
    known = means(placed.assign(**{metric: placed[metric].mask(assumed)})).reindex_like(whole)
    return known.fillna(whole), (known.isna() & whole.notna()).to_numpy()


def depth_profile(table: pd.DataFrame | Audit, metric: str = "stable_rank", *, ax: Axes | None = None) -> Axes:
    """Draw a metric against depth, one line per type of module. A cross on the axis marks a dead module.

    Modules with the status "assumed" are hollow marks beside the lines, which are of measured modules alone.

    Parameters
    ----------
    table : DataFrame or Audit
        `Audit.table`, or the Audit.
    metric : str
        A column of numbers.
    ax : Axes, optional
        Where to draw; None: a new figure.

    Returns
    -------
    Axes
    """
    placed = _placed(table, metric)
    ax = axes_for(ax)
    alive, dead = placed[placed["status"].isin(MEASURED)], placed[placed["status"] == "zero"]
    groups = _by_type(alive)
    for i, (name, rows) in enumerate(groups):
        color, marker = PALETTE[i % len(PALETTE)], MARKERS[(i + i // len(PALETTE)) % len(MARKERS)]
        for status, members in rows.groupby("status", sort=False):
            profile, known = members.groupby("layer")[metric].mean(), status == "ok"
            ax.plot(
                profile.index.astype(float), profile, color=color, marker=marker, markersize=3.5,
                linewidth=1.1 if known else 0, markerfacecolor=color if known else "none",
                label=name if known else f"{name} (assumed)",
            )  # fmt: skip
    if len(dead):
        types = sorted(dead["type"].unique())
        label = "dead: " + ", ".join(types[:NAMED]) + (", ..." if len(types) > NAMED else "")
        ax.plot(
            dead["layer"].astype(float), np.zeros(len(dead)), "x", color="#000000", markersize=5, clip_on=False,
            transform=ax.get_xaxis_transform(), label=label,
        )  # fmt: skip
    ax.set(xlabel="layer", ylabel=words(metric))
    ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    if len(groups) > FEW_TYPES:
        ax.legend(fontsize=SMALL, loc="upper center", bbox_to_anchor=(0.5, -0.18), ncols=4)
    elif len(placed):
        ax.legend(fontsize=SMALL)
    return ax


def audit_overview(
    table: pd.DataFrame | Audit, values: Mapping[str, Any] | Audit | None = None, *, axes: Any = None
) -> Any:
    """Draw the stable rank against depth by type of module, and the normalised spectra of all modules beside it.

    Parameters
    ----------
    table : DataFrame or Audit
        `Audit.table`, or the Audit.
    values : mapping of str to array (k,), or Audit
        `Audit.spectra`, or the Audit; None: of the Audit that is given in place of a table.
    axes : array of Axes, optional
        Where to draw, two of them; None: a new figure.

    Returns
    -------
    array of Axes
    """
    values = spectra_from(table if values is None else values)
    table = table_from(table, AUDIT, *PLACED, "rtol", "stable_rank")
    profile, lines = panels_for(axes, 2, (4.8, 3.5))
    depth_profile(table, "stable_rank", ax=profile)
    known = table.loc[table["status"].isin(MEASURED), "rtol"]
    spectra(values, rtol=float(known.max()) if len(known) else None, ax=lines, labels=False)
    profile.set_title("stable rank by depth")
    lines.set_title(f"normalised spectra of {len(values)} module{'s' * (len(values) != 1)}")
    return np.asarray([profile, lines])


def spectra_grid(
    table: pd.DataFrame | Audit, values: Mapping[str, Any] | Audit | None = None, *, points: int = 60
) -> Any:
    """Draw the normalised spectra of all modules: one panel per type, and one line per layer, dark to light with depth.

    Parameters
    ----------
    table : DataFrame or Audit
        `Audit.table`, or the Audit.
    values : mapping of str to array (k,), or Audit
        `Audit.spectra`, or the Audit; None: of the Audit that is given in place of a table.
    points : int
        How many values of a longer spectrum are drawn, evenly spaced on a logarithmic axis of their index.

    Returns
    -------
    array of Axes, shape (rows, columns)

    Raises
    ------
    ValueError
        If no module of the table has a spectrum.
    """
    values = spectra_from(table if values is None else values)
    table = table_from(table, AUDIT, *PLACED)
    placed = table.assign(type=_types(table))
    if "adapter" in table:  # of several adapters the spectra are kept as module[adapter]
        placed["module"] = placed["module"] + "[" + placed["adapter"] + "]"
    placed = placed[placed["module"].isin(list(values))]
    groups = _by_type(placed)
    if not len(placed):
        raise ValueError("values must have the singular values of a module of the table, got none; pass Audit.spectra.")
    columns = min(len(groups), 4)
    rows = -(-len(groups) // columns)
    with styled():
        axes = plt.subplots(rows, columns, figsize=(2.6 * columns + 0.5, 2 * rows + 0.4), sharey=True, squeeze=False)[1]
    deepest = max(float(placed["layer"].max()) if placed["layer"].notna().any() else 1.0, 1.0)
    for ax, (name, members) in zip(axes.flat, groups, strict=False):
        depths = members["layer"].fillna(0).astype(float) / deepest
        for module, depth in zip(members["module"], depths, strict=True):
            _spectrum_line(ax, np.asarray(values[module]), depth, points)
        ax.set(yscale="log", title=name)
        ax.title.set_fontsize(9)
        ax.xaxis.set_major_locator(MaxNLocator(4, integer=True))
    for ax in axes.flat[len(groups) :]:
        ax.set_visible(False)
    for ax in axes[:, 0]:
        ax.set_ylabel("σᵢ / σ₁")
    for ax in axes.flat[max(len(groups) - columns, 0) : len(groups)]:
        ax.set_xlabel("index i")
    return axes


def _spectrum_line(ax: Axes, sigma: Any, depth: float, points: int) -> None:
    """Draw one normalised spectrum in the colour of a depth between 0 and 1."""
    drawn = sigma[sigma > SMALLEST * sigma[0]] / sigma[0]
    index = np.unique(np.geomspace(1, len(drawn), points).astype(int))
    ax.plot(index, drawn[index - 1], color=plt.get_cmap("viridis")(0.9 * depth), linewidth=0.8)


def comparison(table: pd.DataFrame | Comparison, *, axes: Any = None) -> Any:
    """Draw the cosine of updates and the overlap of their column spaces against depth, one colour per pair of adapters.

    Parameters
    ----------
    table : DataFrame or Comparison
        `Comparison.table`, or the Comparison.
    axes : array of Axes, optional
        Where to draw, two of them; None: a new figure.

    Returns
    -------
    array of Axes
    """
    table = table_from(table, COMPARISON, "layer", "status", "first", "second", "cosine", "column_overlap")
    panels = panels_for(axes, 2, (4.4, 3.3))
    drawn = table[table["status"].isin(MEASURED) & table["layer"].notna()]
    pairs = [
        (literal(str(first)), literal(str(second)), rows)
        for (first, second), rows in drawn.groupby(["first", "second"], sort=False)
    ]
    for i, (first, second, members) in enumerate(pairs):
        color, marker = PALETTE[i % len(PALETTE)], MARKERS[i % len(MARKERS)]
        aside = BESIDE * ((i + 0.5) / len(pairs) - 0.5)  # the points of a layer stand side by side, around its place
        depth = members["layer"].astype(float) + aside
        for panel, name in zip(panels, ("cosine", "column_overlap"), strict=True):
            panel.plot(depth, members[name], marker, color=color, markersize=3, alpha=0.7)
            median = members.groupby("layer")[name].median()
            panel.plot(median.index.astype(float), median, color=color, linewidth=1, label=f"{first} → {second}")
    for panel, label in zip(panels, ("cosine of the updates", "overlap of the column spaces"), strict=True):
        panel.set(xlabel="layer", ylabel=label)
        panel.set_ylim(min(0, panel.get_ylim()[0]), 1.03)
        panel.xaxis.set_major_locator(MaxNLocator(integer=True))
    if 1 < len(pairs) <= len(PALETTE):
        panels[1].legend(fontsize=7)
    title = " → ".join([pairs[0][0], *(second for _, second, _ in pairs)][:4]) if pairs else ""
    panels[0].figure.suptitle(title, fontsize=10)
    return np.asarray(panels)
