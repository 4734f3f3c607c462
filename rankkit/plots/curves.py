"""Curves over the frequency: of random factors, of a law, and of trained factors."""

# pyright: reportUnknownMemberType=false
# (matplotlib and seaborn leave the types of their keyword arguments open)

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import AutoLocator

from rankkit.plots.given import CURVE, PROBE, SWEEP, check_metrics, names_of, table_from
from rankkit.plots.style import (
    FREQUENCY,
    LABELS,
    PALETTE,
    SMALL,
    axes_for,
    logarithmic,
    marked_height,
    panels_for,
    words,
)  # fmt: skip
from rankkit.regime import random_matrix_stable_rank

if TYPE_CHECKING:
    import pandas as pd

    from rankkit.audits.probe import Probe
    from rankkit.law.prediction import Curve
    from rankkit.sweeps.record import Sweep

__all__ = ["frequency_curve", "frequency_curves", "law_curves", "probe_curves", "rank_to_full"]

BAND = ("_mean", "_q05", "_q95")  # the columns of one metric in a summary
DOTTED = 200  # points of a curve up to which each is marked: more would merge into a thick line


def frequency_curve(
    summary: pd.DataFrame | Sweep, metric: str, *, ax: Axes | None = None, color: str = PALETTE[0],
    label: str | None = None,
) -> Axes:  # fmt: skip
    """Draw the mean of a metric against omega with its 5-95 % band over the seeds. The upper axis shows c.

    Parameters
    ----------
    summary : DataFrame or Sweep
        `Sweep.summary()`: omega, c, <metric>_mean, <metric>_q05, <metric>_q95; or the Sweep.
    metric : str
        Which metric.
    ax : Axes, optional
        Where to draw; None: a new figure.
    color : str
        Of the curve and its band.
    label : str, optional
        Name of the curve in a legend.

    Returns
    -------
    Axes
    """
    more = ["rtol"] if metric == "numerical_rank" else []
    summary = table_from(summary, SWEEP, "omega", "c", *more, name="summary", empty=False)
    check_metrics(summary, metric, endings=BAND)
    ax = axes_for(ax)
    drawn = summary[summary["omega"] > 0]
    ax.fill_between(drawn["omega"], drawn[f"{metric}_q05"], drawn[f"{metric}_q95"], color=color, alpha=0.2, linewidth=0)
    marker = "o" if len(drawn) <= DOTTED else ""
    ax.plot(
        drawn["omega"], drawn[f"{metric}_mean"], color=color, marker=marker, markersize=2.5, linewidth=1.2, label=label
    )
    ax.set(xscale="log", yscale="log", xlabel=FREQUENCY, ylabel=words(metric))
    logarithmic(ax.yaxis)
    if metric == "numerical_rank":
        ax.set_ylabel(f"numerical rank  (σ > {float(summary['rtol'].iloc[0]):.1e} · σ₁)")
    if len(drawn):
        _c_axis(ax, drawn)
    return ax


def rank_to_full(summary: pd.DataFrame | Sweep, *, ax: Axes | None = None) -> Axes:
    """Draw mean numerical rank against omega on linear axes, up to the dashed line of full rank.

    Parameters
    ----------
    summary : DataFrame or Sweep
        As for `frequency_curve`, of one size.
    ax : Axes, optional
        Where to draw; None: a new figure.

    Returns
    -------
    Axes
    """
    summary = table_from(summary, SWEEP, "omega", "c", "d", "n", "rtol", name="summary", empty=False)
    check_metrics(summary, "numerical_rank", name="the metric of this picture", endings=BAND)
    ax = frequency_curve(summary, "numerical_rank", ax=axes_for(ax, (4.2, 3.0)))
    full = min(summary["d"].iloc[0], summary["n"].iloc[0])
    ax.set(xscale="linear", yscale="linear")
    ax.yaxis.set_major_locator(AutoLocator())
    marked_height(ax, full, f"full rank {full}")
    ax.margins(y=0.1)
    return ax


def _c_axis(ax: Axes, summary: pd.DataFrame) -> None:
    """Show c = omega * unit on the upper edge, unless it is not defined or is shown already."""
    first = summary.iloc[-1]
    unit = float(first["c"] / first["omega"])
    if not (np.isfinite(unit) and unit > 0) or ax.child_axes:
        return
    upper = ax.secondary_xaxis("top", functions=(partial(np.multiply, unit), partial(np.multiply, 1 / unit)))
    upper.set_xlabel(LABELS["c"], fontsize=ax.xaxis.label.get_fontsize())
    upper.tick_params(labelsize=ax.xaxis.get_ticklabels()[0].get_fontsize())


def frequency_curves(
    summary: pd.DataFrame | Sweep, metrics: Sequence[str], *, axes: Any = None, law: pd.DataFrame | Curve | None = None
) -> Any:
    """Draw one panel per metric, side by side, each with the prediction of a law as a dashed line.

    Parameters
    ----------
    summary : DataFrame or Sweep
        As for `frequency_curve`, of one size.
    metrics : sequence of str
        Which metrics.
    axes : array of Axes, optional
        Where to draw, one for each metric; None: a new figure.
    law : DataFrame or Curve, optional
        The table of a `rankkit.predict_curve`, or what it returns; a metric that it lacks has no dashed line.

    Returns
    -------
    array of Axes
    """
    summary = table_from(summary, SWEEP, "omega", "c", "d", "n", "r", "rtol", name="summary", empty=False)
    metrics = names_of("metrics", metrics)
    check_metrics(summary, *metrics, name="a metric", endings=(*BAND, "_count"))
    law = None if law is None else table_from(law, CURVE, "omega", name="law")
    panels = panels_for(axes, len(metrics), (4.4, 3.5))
    for panel, metric in zip(panels, metrics, strict=True):
        frequency_curve(summary, metric, ax=panel, label=None if law is None else "measured")
        if law is not None and metric in law:
            panel.plot(law["omega"], law[metric], color="black", linestyle="--", linewidth=1.0, label="law")
            panel.legend(frameon=False, fontsize=SMALL, loc="lower right")
    first = summary.iloc[0]
    full = min(first["d"], first["n"])
    for panel, metric in zip(panels, metrics, strict=True):
        if metric == "numerical_rank":
            marked_height(panel, full, f"full rank {full:g}")
            panel.margins(y=0.08)
    seeds = int(summary[f"{metrics[0]}_count"].max())
    setting = f"{first['d']:g} × {first['n']:g}, r = {first['r']:g}"
    panels[0].figure.suptitle(f"{setting}: mean and 5–95 % band, {seeds} seed{'s' if seeds > 1 else ''}", fontsize=10)
    return np.asarray(panels)


def law_curves(table: pd.DataFrame | Curve, measures: Sequence[str], *, axes: Any = None) -> Any:
    """Draw one panel per predicted measure against omega.

    Parameters
    ----------
    table : DataFrame or Curve
        The table of a `rankkit.predict_curve`: omega, and one column per measure; or what it returns.
    measures : sequence of str
        Which columns.
    axes : array of Axes, optional
        Where to draw, one for each measure; None: a new figure.

    Returns
    -------
    array of Axes
    """
    table, measures = table_from(table, CURVE, "omega"), names_of("measures", measures)
    check_metrics(table, *measures, name="a measure")
    panels = panels_for(axes, len(measures), (4.4, 3.5))
    for panel, measure in zip(panels, measures, strict=True):
        panel.plot(table["omega"], table[measure], color=PALETTE[0], linewidth=1.2)
        panel.set(xscale="log", yscale="log", xlabel=FREQUENCY, ylabel=words(measure))
        logarithmic(panel.yaxis)
    return np.asarray(panels)


def probe_curves(table: pd.DataFrame | Probe, *, ax: Axes | None = None) -> Axes:
    """Draw the stable rank against omega std(B A), one line per module, in the colour of its kind.

    Dotted lines show the stable rank of random matrices of the modules' sizes.

    Parameters
    ----------
    table : DataFrame or Probe
        `Probe.table`, or the Probe.
    ax : Axes, optional
        Where to draw; None: a new figure.

    Returns
    -------
    Axes
    """
    table = table_from(table, PROBE, "module", "kind", "m", "n", "omega_std", "stable_rank", "status")
    ax = axes_for(ax, (5.2, 3.6))
    drawn = table[(table["omega_std"] > 0) & table["status"].isin(["ok", "assumed"])]
    for color, (kind, members) in zip(PALETTE, drawn.groupby("kind"), strict=False):
        curves = [curve for _, curve in members.groupby("module", sort=False)]
        for curve in curves:
            ax.plot(curve["omega_std"], curve["stable_rank"], color=color, linewidth=0.9, alpha=0.7)
        ax.plot([], [], color=color, label=f"{kind} ({len(curves)})")
    sizes = drawn[["m", "n"]].drop_duplicates().astype(float)
    for m, n in sizes.itertuples(index=False):
        limit = random_matrix_stable_rank(m, n)
        ax.axhline(limit, color="#888888", linewidth=0.7, linestyle=":")
        ax.annotate(f"random {m:g} × {n:g}", (0.5, limit), xycoords=("axes fraction", "data"), va="bottom", ha="right",
                    fontsize=7, color="#555555")  # fmt: skip
    ax.margins(y=0.08)
    ax.set(xscale="log", yscale="log", xlabel="ω · std(BA)  [rad]", ylabel="stable rank")
    logarithmic(ax.yaxis)
    ax.legend(title="modules", loc="upper left")
    return ax
