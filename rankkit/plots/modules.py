"""Modules of an adapter by depth and type, one adapter or several."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import matplotlib.pyplot as plt
import numpy as np
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from rankkit.plots.matrices import spectra
from rankkit.plots.style import MARKERS, PALETTE, STYLE, axes_for, panels_for, words

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["audit_overview", "comparison", "depth_profile", "layer_heatmap", "spectra_grid"]

_GENERIC = {"dense", "linear", "proj", "lin", "fc"}  # names that many layers share


def _types(table: pd.DataFrame) -> pd.Series:
    """Return each module's type: the last word of its path, with the one before where that says too little."""
    path = table["module"].str.replace(r"\.\d+(?=\.|$)", "", regex=True).str.split(".")
    leaf = path.str[-1]
    twice = set(leaf[table.assign(leaf=leaf).duplicated(["layer", "leaf"], keep=False)])
    return leaf.where(~leaf.isin(twice | _GENERIC), path.str[-2:].str.join("."))


def layer_heatmap(table: pd.DataFrame, metric: str = "stable_rank", *, ax: Axes | None = None) -> Axes:
    """Draw a metric by layer and module type, grey where a module has none; return the axes.

    Parameters
    ----------
    table : DataFrame
        `Audit.table`.
    metric : str
        A numeric column.
    ax : Axes, optional
        Where to draw; None: a new figure.
    """
    grid = table.assign(type=_types(table)).dropna(subset=["layer"])
    grid = grid.pivot_table(index="type", columns="layer", values=metric, aggfunc="mean", dropna=False)
    grid = grid.reindex(columns=sorted(grid.columns))
    ax = axes_for(ax, (1.8 + 0.24 * max(len(grid.columns), 8), 1.2 + 0.28 * max(len(grid), 3)))
    ax.set_facecolor("#bbbbbb")
    sns.heatmap(grid.astype(float), ax=ax, cmap="viridis", cbar_kws={"label": words(metric)}, linewidths=0.5)
    ax.grid(False)
    ax.set(xlabel="layer", ylabel="")
    ax.tick_params(axis="y", rotation=0)
    return ax


def depth_profile(table: pd.DataFrame, metric: str = "stable_rank", *, ax: Axes | None = None) -> Axes:
    """Draw a metric against depth, one line per module type, a cross for a dead module; return the axes.

    Parameters
    ----------
    table : DataFrame
        `Audit.table`.
    metric : str
        A numeric column.
    ax : Axes, optional
        Where to draw; None: a new figure.
    """
    ax = axes_for(ax)
    placed = table.assign(type=_types(table)).dropna(subset=["layer"])
    alive, dead = placed[placed["status"] == "ok"], placed[placed["status"] == "zero"]
    groups = [("all modules", alive)] if alive["type"].nunique() > 12 else list(alive.groupby("type", sort=True))
    for i, (name, rows) in enumerate(groups):
        profile = rows.groupby("layer")[metric].mean()
        color, marker = PALETTE[i % len(PALETTE)], MARKERS[(i + i // len(PALETTE)) % len(MARKERS)]
        ax.plot(
            profile.index.astype(float), profile, color=color, marker=marker, markersize=3.5, linewidth=1.1, label=name
        )
    if len(dead):
        types = sorted(dead["type"].unique())
        label = "dead: " + ", ".join(types[:3]) + (", ..." if len(types) > 3 else "")
        ax.plot(
            dead["layer"].astype(float), np.zeros(len(dead)), "x", color="#000000", markersize=5, clip_on=False,
            transform=ax.get_xaxis_transform(), label=label,
        )  # fmt: skip
    ax.set(xlabel="layer", ylabel=words(metric))
    ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    if len(placed):
        many = {"loc": "upper center", "bbox_to_anchor": (0.5, -0.18), "ncols": 4} if len(groups) > 4 else {}
        ax.legend(fontsize=8, **many)
    return ax


def audit_overview(table: pd.DataFrame, values: Mapping[str, Any], *, axes: Any = None) -> Any:
    """Draw stable rank against depth by module type, and all modules' normalised spectra; return both axes.

    Parameters
    ----------
    table : DataFrame
        `Audit.table`.
    values : mapping of str to array (k,)
        `Audit.spectra`.
    axes : array of Axes, optional
        Where to draw, two of them; None: a new figure.
    """
    profile, lines = panels_for(axes, 2, (4.8, 3.5))
    depth_profile(table, "stable_rank", ax=profile)
    known = table.loc[table["status"] == "ok", "rtol"]
    spectra(values, rtol=float(known.max()) if len(known) else None, ax=lines, labels=False)
    profile.set_title("stable rank by depth")
    lines.set_title(f"normalised spectra of {len(values)} modules")
    return np.asarray([profile, lines])


def spectra_grid(table: pd.DataFrame, values: Mapping[str, Any], *, points: int = 60) -> Any:
    """Draw the normalised spectra of all modules, one panel per module type; return the array of axes.

    One line is one layer, from dark to light with depth.

    Parameters
    ----------
    table : DataFrame
        `Audit.table`.
    values : mapping of str to array (k,)
        `Audit.spectra`.
    points : int
        Of a longer spectrum so many values are drawn, evenly spaced on a log axis of their index.
    """
    placed = table.assign(type=_types(table))
    placed = placed[placed["module"].isin(list(values))]
    groups = list(placed.groupby("type", sort=True)) if placed["type"].nunique() <= 12 else [("all modules", placed)]
    columns = min(len(groups), 4)
    rows = -(-len(groups) // columns)
    with plt.rc_context(STYLE):
        axes = plt.subplots(rows, columns, figsize=(2.6 * columns + 0.5, 2 * rows + 0.4), sharey=True, squeeze=False)[1]
    deepest = max(float(placed["layer"].max()) if placed["layer"].notna().any() else 1.0, 1.0)
    for ax, (name, members) in zip(axes.flat, groups, strict=False):
        for module, layer in zip(members["module"], members["layer"].fillna(0).astype(float), strict=True):
            sigma = np.asarray(values[module])
            sigma = sigma[sigma > 1e-12 * sigma[0]] / sigma[0]
            at = np.unique(np.geomspace(1, sigma.size, points).astype(int)) - 1
            ax.plot(at + 1, sigma[at], color=plt.get_cmap("viridis")(0.9 * layer / deepest), linewidth=0.8)
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


def comparison(table: pd.DataFrame, *, axes: Any = None) -> Any:
    """Draw updates' cosines and the overlaps of their column spaces against depth; return both axes.

    Parameters
    ----------
    table : DataFrame
        `Comparison.table`.
    axes : array of Axes, optional
        Where to draw, two of them; None: a new figure.
    """
    panels = panels_for(axes, 2, (4.4, 3.3))
    drawn = table[(table["status"] == "ok") & table["layer"].notna()]
    pairs = list(drawn.groupby(["first", "second"], sort=False))
    for i, ((first, second), members) in enumerate(pairs):
        color, depth = PALETTE[i % len(PALETTE)], members["layer"].astype(float) + 0.6 * (i / len(pairs) - 0.4)
        for panel, name in zip(panels, ("cosine", "column_overlap"), strict=True):
            panel.plot(depth, members[name], MARKERS[i % len(MARKERS)], color=color, markersize=3, alpha=0.7)
            median = members.groupby("layer")[name].median()
            panel.plot(median.index.astype(float), median, color=color, linewidth=1, label=f"{first} → {second}")
    for panel, label in zip(panels, ("cosine of the updates", "overlap of the column spaces"), strict=True):
        panel.set(xlabel="layer", ylabel=label)
        panel.set_ylim(min(0, panel.get_ylim()[0]), 1.03)
        panel.xaxis.set_major_locator(MaxNLocator(integer=True))
    if 1 < len(pairs) <= len(PALETTE):
        panels[1].legend(fontsize=7)
    panels[0].figure.suptitle(
        " → ".join([str(pairs[0][0][0]), *(str(p[0][1]) for p in pairs)][:4]) if pairs else "", fontsize=10
    )
    return np.asarray(panels)
