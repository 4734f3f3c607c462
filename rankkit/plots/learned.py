"""What modules learn besides B and A, over the steps of a training: their functions and their frequencies."""

# pyright: reportUnknownMemberType=false
# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false
# (matplotlib leaves the types of its keyword arguments open, pandas those of its groups)

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import matplotlib.pyplot as plt
from matplotlib.axes import Axes
from matplotlib.colors import Normalize
from matplotlib.ticker import MaxNLocator

from rankkit.plots.given import FREQUENCIES, FUNCTIONS, names_of, table_from
from rankkit.plots.style import PALETTE, SMALL, axes_for, brief, colour_bar, shade, styled

if TYPE_CHECKING:
    import pandas as pd

    from rankkit.watch import Watched

__all__ = ["learned_frequencies", "learned_functions"]

MOST_FUNCTIONS = 4  # modules whose functions are drawn unless more are asked for


def learned_functions(table: pd.DataFrame | Watched, *, modules: Sequence[str] | None = None) -> Any:
    """Draw learned functions phi, one panel a module and one line a step, from dark to light.

    Parameters
    ----------
    table : DataFrame or Watched
        `Watched.learned_columns("phi")`: step, module, x, phi; or the Watched.
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
    table = table_from(table, FUNCTIONS, "step", "module", "x", "phi", empty=False)
    modules = None if modules is None else names_of("modules", modules)
    known = list(dict.fromkeys(table["module"]))
    drawn = [name for name in (known[:MOST_FUNCTIONS] if modules is None else modules) if name in known]
    if not drawn:
        raise ValueError(f"modules must learn a function, got {modules!r}; there are {', '.join(known[:4])}.")
    scale = Normalize(float(table["step"].min()), max(float(table["step"].max()), float(table["step"].min()) + 1))
    with styled():
        axes = plt.subplots(1, len(drawn), figsize=(2.9 * len(drawn) + 0.8, 2.8), squeeze=False)[1][0]
    for ax, name, title in zip(axes, drawn, brief(drawn), strict=True):
        for step, line in table[table["module"] == name].groupby("step", sort=True):
            ax.plot(line["x"], line["phi"], color=shade(scale, step), linewidth=1.0)
        ax.set(xlabel="x, an entry of BA", title=title)
    axes[0].set_ylabel("φ(x), with its scale")
    colour_bar(axes[-1], scale, "step")
    return axes


def learned_frequencies(table: pd.DataFrame | Watched, *, ax: Axes | None = None) -> Axes:
    """Draw the learned frequencies over the steps: for every module the median of its own, and from least to greatest.

    Parameters
    ----------
    table : DataFrame or Watched
        `Watched.learned_columns("omega")`: step, module, index, omega; or the Watched.
    ax : Axes, optional
        Where to draw; None: a new figure.

    Returns
    -------
    Axes
    """
    table = table_from(table, FREQUENCIES, "step", "module", "omega", empty=False)
    ax = axes_for(ax, (4.8, 3.3))
    known = list(dict.fromkeys(table["module"]))
    named, ranged = len(known) <= len(PALETTE), len(known) <= MOST_FUNCTIONS
    scale = Normalize(1, max(len(known), 2))
    for place, (name, title) in enumerate(zip(known, brief(known), strict=True)):
        own = table[table["module"] == name].groupby("step")["omega"]
        color = PALETTE[place] if named else shade(scale, place + 1)
        steps = own.median().index.to_numpy()
        ax.plot(steps, own.median(), color=color, linewidth=1.2, label=title)
        if ranged:
            ax.fill_between(steps, own.min(), own.max(), color=color, alpha=0.15, linewidth=0)
    ax.set(xlabel="step", ylabel="learned frequency ω" + (", median and range" if ranged else ", median"))
    ax.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=6))
    if named:
        ax.legend(fontsize=SMALL)
    else:
        colour_bar(ax, scale, "module, in the order of depth")
    return ax
