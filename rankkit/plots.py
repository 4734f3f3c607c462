"""Pictures: every function takes a table or an array and returns axes; none computes, shows or saves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

import matplotlib.pyplot as plt
import numpy as np
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.ticker import LogLocator, MaxNLocator, NullFormatter

if TYPE_CHECKING:
    import pandas as pd

__all__ = [
    "PALETTE",
    "audit_overview",
    "cosine_heatmap",
    "depth_profile",
    "frequency_curve",
    "frequency_curves",
    "layer_heatmap",
    "probe_curves",
    "spectra",
]

# Okabe and Ito's colours, told apart by every common kind of colour vision, without the yellow
PALETTE = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00", "#000000")
MARKERS = ("o", "s", "^", "D", "v", "P", "X")
LABELS = {"omega": "frequency ω", "c": "c = ω · scale(B) · scale(A)  [rad]", "layer": "layer"}
STYLE: dict[Any, Any] = {
    "font.size": 9, "axes.titlesize": 10, "axes.spines.top": False, "axes.spines.right": False,
    "axes.grid": True, "grid.color": "#e4e4e4", "grid.linewidth": 0.6, "legend.frameon": False,
    "figure.constrained_layout.use": True, "figure.dpi": 150,
}  # fmt: skip


def _axes(ax: Axes | None, size: tuple[float, float] = (4.6, 3.3)) -> Axes:
    if ax is not None:
        return ax
    with plt.rc_context(STYLE):
        return plt.subplots(figsize=size)[1]


def _panels(axes: Any, count: int, size: tuple[float, float]) -> Sequence[Axes]:
    if axes is not None:
        return list(np.atleast_1d(axes))
    with plt.rc_context(STYLE):
        return list(np.atleast_1d(plt.subplots(1, count, figsize=(size[0] * count, size[1]))[1]))


def _words(name: str) -> str:
    return LABELS.get(name, name.replace("_", " "))


def frequency_curve(
    summary: pd.DataFrame, metric: str, *, ax: Axes | None = None, color: str = PALETTE[0], label: str | None = None
) -> Axes:
    """Draw a metric's mean against omega with its 5-95 % band over the seeds; c stands on the upper axis.

    Parameters
    ----------
    summary : DataFrame
        `Sweep.summary()`: omega, c, <metric>_mean, <metric>_q05, <metric>_q95.
    metric : str
        Which one.
    ax : Axes, optional
        Where to draw; None: a new figure.
    color, label : str, optional
        Of this curve.
    """
    ax = _axes(ax)
    drawn = summary[summary["omega"] > 0]
    ax.fill_between(drawn["omega"], drawn[f"{metric}_q05"], drawn[f"{metric}_q95"], color=color, alpha=0.2, linewidth=0)
    marker = "o" if len(drawn) <= 200 else ""  # a thousand dots would be a tube
    ax.plot(
        drawn["omega"], drawn[f"{metric}_mean"], color=color, marker=marker, markersize=2.5, linewidth=1.2, label=label
    )
    ax.set(xscale="log", yscale="log", xlabel=f"{LABELS['omega']}  [rad per unit of BA]", ylabel=_words(metric))
    ax.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    ax.yaxis.set_major_formatter("{x:g}")
    ax.yaxis.set_minor_formatter(NullFormatter())
    if metric == "numerical_rank":
        ax.set_ylabel(f"numerical rank  (σ > {float(summary['rtol'].iloc[0]):.1e} · σ₁)")
    if len(drawn):
        _c_axis(ax, drawn)
    return ax


def _c_axis(ax: Axes, summary: pd.DataFrame) -> None:
    """Put c = omega * unit on the upper edge, where it is defined and not there yet."""
    first = summary.iloc[-1]
    unit = float(first["c"] / first["omega"])
    if not (np.isfinite(unit) and unit > 0) or ax.child_axes:
        return
    upper = ax.secondary_xaxis("top", functions=(partial(np.multiply, unit), partial(np.multiply, 1 / unit)))
    upper.set_xlabel(LABELS["c"], fontsize=ax.xaxis.label.get_fontsize())
    upper.tick_params(labelsize=ax.xaxis.get_ticklabels()[0].get_fontsize())


def frequency_curves(summary: pd.DataFrame, metrics: Sequence[str], *, axes: Any = None) -> Any:
    """Draw one panel a metric, side by side; returns the array of axes."""
    panels = _panels(axes, len(metrics), (4.4, 3.5))
    for panel, metric in zip(panels, metrics, strict=True):
        frequency_curve(summary, metric, ax=panel)
    first = summary.iloc[0]
    full = min(first["d"], first["n"])
    for panel, metric in zip(panels, metrics, strict=True):
        if metric == "numerical_rank":
            panel.axhline(full, color="#888888", linewidth=0.8, linestyle="--")
            panel.annotate(
                f"full rank {full:g}", (0.02, full), xycoords=("axes fraction", "data"), va="bottom", fontsize=8
            )
            panel.margins(y=0.08)
    seeds = int(summary[f"{metrics[0]}_count"].max())
    setting = f"{first['d']:g} × {first['n']:g}, r = {first['r']:g}"
    panels[0].figure.suptitle(f"{setting}: mean and 5–95 % band, {seeds} seed{'s' if seeds > 1 else ''}", fontsize=10)
    return np.asarray(panels)


def probe_curves(table: pd.DataFrame, *, ax: Axes | None = None) -> Axes:
    """Draw stable rank against omega std(B A), one line a module, coloured by kind; dotted: a random matrix's.

    Parameters
    ----------
    table : DataFrame
        `Probe.table`.
    ax : Axes, optional
        Where to draw; None: a new figure.
    """
    ax = _axes(ax, (5.2, 3.6))
    drawn = table[(table["omega_std"] > 0) & (table["status"] == "ok")]
    for color, (kind, members) in zip(PALETTE, drawn.groupby("kind"), strict=False):
        curves = [curve for _, curve in members.groupby("module", sort=False)]
        for curve in curves:
            ax.plot(curve["omega_std"], curve["stable_rank"], color=color, linewidth=0.9, alpha=0.7)
        ax.plot([], [], color=color, label=f"{kind} ({len(curves)})")
    sizes = drawn[["m", "n"]].drop_duplicates().astype(float)
    for m, n in sizes.itertuples(index=False):
        limit = m * n / (np.sqrt(m) + np.sqrt(n)) ** 2
        ax.axhline(limit, color="#888888", linewidth=0.7, linestyle=":")
        ax.annotate(f"random {m:g} × {n:g}", (0.5, limit), xycoords=("axes fraction", "data"), va="bottom", ha="right",
                    fontsize=7, color="#555555")  # fmt: skip
    ax.margins(y=0.08)
    ax.set(xscale="log", yscale="log", xlabel="ω · std(BA)  [rad]", ylabel="stable rank")
    ax.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    ax.yaxis.set_major_formatter("{x:g}")
    ax.yaxis.set_minor_formatter(NullFormatter())
    ax.legend(title="modules", loc="upper left")
    return ax


def spectra(
    values: Mapping[str, Any],
    *,
    normalise: bool = True,
    rtol: float | None = None,
    ax: Axes | None = None,
    labels: bool = True,
) -> Axes:
    """Draw singular values against their index on a log axis, one line a name, with the tolerance line.

    Parameters
    ----------
    values : mapping of str to array (k,)
        Descending singular values. Zeros are not drawn.
    normalise : bool
        Divide by sigma_1.
    rtol : float, optional
        Where to draw the tolerance (relative; only sensible with normalise).
    labels : bool
        Name the lines in a legend.
    """
    ax = _axes(ax)
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
    """Draw cosines between rows, (m, m), on the fixed range -1..1; zero rows stay grey."""
    ax = _axes(ax, (4.2, 3.6))
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


_GENERIC = {"dense", "linear", "proj", "lin", "fc"}  # names that many layers share


def _types(table: pd.DataFrame) -> pd.Series:
    """Return each module's type: the last word of its path, with the one before where that says too little."""
    path = table["module"].str.replace(r"\.\d+(?=\.|$)", "", regex=True).str.split(".")
    leaf = path.str[-1]
    twice = set(leaf[table.assign(leaf=leaf).duplicated(["layer", "leaf"], keep=False)])
    return leaf.where(~leaf.isin(twice | _GENERIC), path.str[-2:].str.join("."))


def layer_heatmap(table: pd.DataFrame, metric: str = "stable_rank", *, ax: Axes | None = None) -> Axes:
    """Draw a metric by layer and module type; modules without one (dead, unread) stay grey.

    Parameters
    ----------
    table : DataFrame
        `Audit.table`.
    metric : str
        A numeric column.
    """
    grid = table.assign(type=_types(table)).dropna(subset=["layer"])
    grid = grid.pivot_table(index="type", columns="layer", values=metric, aggfunc="mean", dropna=False)
    grid = grid.reindex(columns=sorted(grid.columns))
    ax = _axes(ax, (1.8 + 0.24 * max(len(grid.columns), 8), 1.2 + 0.28 * max(len(grid), 3)))
    ax.set_facecolor("#bbbbbb")
    sns.heatmap(grid.astype(float), ax=ax, cmap="viridis", cbar_kws={"label": _words(metric)}, linewidths=0.5)
    ax.grid(False)
    ax.set(xlabel="layer", ylabel="")
    ax.tick_params(axis="y", rotation=0)
    return ax


def depth_profile(table: pd.DataFrame, metric: str = "stable_rank", *, ax: Axes | None = None) -> Axes:
    """Draw a metric against depth, one line a module type; a cross on the axis marks a dead module.

    Parameters
    ----------
    table : DataFrame
        `Audit.table`.
    metric : str
        A numeric column.
    """
    ax = _axes(ax)
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
    ax.set(xlabel="layer", ylabel=_words(metric))
    ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    if len(placed):
        ax.legend(fontsize=8, ncols=2 if len(groups) > 4 else 1)
    return ax


def audit_overview(table: pd.DataFrame, values: Mapping[str, Any], *, axes: Any = None) -> Any:
    """Draw stable rank against depth by module type, and all modules' normalised spectra; returns both axes."""
    profile, lines = _panels(axes, 2, (4.8, 3.5))
    depth_profile(table, "stable_rank", ax=profile)
    known = table.loc[table["status"] == "ok", "rtol"]
    spectra(values, rtol=float(known.max()) if len(known) else None, ax=lines, labels=False)
    profile.set_title("stable rank by depth")
    lines.set_title(f"normalised spectra of {len(values)} modules")
    return np.asarray([profile, lines])
