"""What all pictures share: colours, sizes, names, and where to draw."""

# pyright: reportUnknownMemberType=false
# (matplotlib and seaborn leave the types of their keyword arguments open)

from __future__ import annotations

from collections.abc import Generator, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.cm import ScalarMappable
from matplotlib.colors import ListedColormap, Normalize
from matplotlib.lines import Line2D
from matplotlib.ticker import LogLocator, MaxNLocator, NullFormatter

__all__ = [
    "FREQUENCY", "LABELS", "MARKERS", "MISSING", "PALETTE", "QUIET", "STYLE", "axes_for", "brief",
    "colour_bar", "label_lines", "literal", "logarithmic", "marked_height", "panels_for", "shade", "styled", "words",
]  # fmt: skip

# the colours of Okabe and Ito, which every common kind of colour vision tells apart, without the yellow
PALETTE = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00", "#000000")
MARKERS = ("o", "s", "^", "D", "v", "P", "X")
QUIET = "#888888"  # of lines to compare with
MISSING = "#bbbbbb"  # of cells without a value
LIGHT = 0.92  # of the map viridis: its yellow end cannot be seen on white
SMALL = 8  # points: notes inside a picture
LABELS = {"omega": "frequency ω", "c": "c = ω · scale(B) · scale(A)  [rad]", "layer": "layer"}
FREQUENCY = f"{LABELS['omega']}  [rad per unit of BA]"
STYLE: dict[Any, Any] = {
    "font.size": 9, "axes.titlesize": 10, "axes.spines.top": False, "axes.spines.right": False,
    "axes.grid": True, "axes.axisbelow": True, "grid.color": "#e4e4e4", "grid.linewidth": 0.6, "legend.frameon": False,
    "figure.constrained_layout.use": True, "figure.dpi": 150,
}  # fmt: skip


@contextmanager
def styled() -> Generator[None]:
    """Let new figures have the style of all pictures.

    A notebook turns the interactive mode on with its first figure. `rc_context` would turn it off again, and the
    notebook would show no later figure.
    """
    with plt.rc_context(STYLE):
        yield
        interactive = mpl.is_interactive()
    mpl.interactive(interactive)


def axes_for(ax: Axes | None, size: tuple[float, float] = (4.6, 3.3)) -> Axes:
    """Return the axes to draw on: those given, or the axes of a new figure.

    Parameters
    ----------
    ax : Axes or None
    size : tuple of float
        Width and height of a new figure, in inches.

    Returns
    -------
    Axes

    Raises
    ------
    TypeError
        If ax is something else.
    """
    if ax is not None and not isinstance(ax, Axes):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise TypeError(f"ax must be an Axes of matplotlib, got {type(ax).__name__}; leave it out for a new figure.")
    return ax if ax is not None else panels_for(None, 1, size)[0]


def panels_for(axes: Any, count: int, size: tuple[float, float]) -> Sequence[Axes]:
    """Return axes side by side: those given, or the axes of a new figure.

    Parameters
    ----------
    axes : Axes, array of Axes or None
    count : int
        How many panels there are.
    size : tuple of float
        Width and height of one panel, in inches.

    Returns
    -------
    sequence of Axes

    Raises
    ------
    ValueError
        If axes are given that are not so many Axes.
    """
    if axes is None:
        with styled():
            axes = plt.subplots(1, count, figsize=(size[0] * count, size[1]))[1]
    panels: list[Any] = np.asarray(axes, dtype=object).ravel().tolist()
    if len(panels) != count or not all(isinstance(panel, Axes) for panel in panels):
        kinds = ", ".join(sorted({type(panel).__name__ for panel in panels})) or "nothing"
        raise ValueError(
            f"axes must be {count} Axes of matplotlib, got {len(panels)} ({kinds}); leave them out for a new figure."
        )
    return panels


def words(name: str) -> str:
    """Return the name of a column in the words of an axis."""
    return LABELS.get(name, name.replace("_", " "))


def literal(name: str) -> str:
    """Return a name as matplotlib has to be given it, which sets what stands between two dollars as a formula."""
    return name.replace("$", r"\$")


def logarithmic(axis: Axis) -> None:
    """Label a logarithmic axis at 1, 2 and 5 times the powers of ten, in plain numbers."""
    axis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axis.set_major_formatter("{x:g}")
    axis.set_minor_formatter(NullFormatter())


def marked_height(ax: Axes, height: float, name: str) -> None:
    """Draw a dashed horizontal line to compare with, with its name above its left end."""
    ax.axhline(height, color=QUIET, linewidth=0.8, linestyle="--")
    ax.annotate(name, (0.02, height), xycoords=("axes fraction", "data"), va="bottom", fontsize=SMALL)


def shade(scale: Normalize, value: Any) -> Any:
    """Return the colour of a line at this place of a scale, from dark to light."""
    return plt.get_cmap("viridis")(LIGHT * float(scale(float(value))))


def colour_bar(ax: Axes, scale: Normalize, label: str) -> None:
    """Show beside the axes what the colours of lines from dark to light mean."""
    colors = plt.get_cmap("viridis")(np.linspace(0, LIGHT, 256))
    bar = ax.figure.colorbar(ScalarMappable(norm=scale, cmap=ListedColormap(colors)), ax=ax, label=label)
    bar.ax.yaxis.set_major_locator(MaxNLocator(integer=True, nbins=6))


def brief(names: Sequence[str]) -> list[str]:
    """Return the paths of modules without the beginning that all of them share."""
    parts = [name.split(".") for name in names]
    shared = 0
    while len(parts) > 1 and all(len(path) > shared + 1 and path[shared] == parts[0][shared] for path in parts):
        shared += 1
    return [literal(".".join(path[shared:])) for path in parts]


class _End(NamedTuple):
    """The right end of a line: its height as a share of the axes' height."""

    height: float
    line: Line2D


def label_lines(ax: Axes, *, gap: float = 0.055) -> None:
    """Write the name of every labelled line at its right end, in its colour and apart from the other names.

    Parameters
    ----------
    ax : Axes
        Its limits and scales must be final.
    gap : float
        Least distance of two names, as a share of the axes' height.
    """
    named = [line for line in ax.get_lines() if not str(line.get_label()).startswith("_")]
    ends = sorted((_end(ax, line) for line in named if np.size(line.get_xdata())), key=lambda end: end.height)
    for height, end in zip(_apart([end.height for end in ends], gap), ends, strict=True):
        ax.annotate(
            str(end.line.get_label()), (1.0, height), xycoords="axes fraction", xytext=(4, 0), va="center",
            textcoords="offset points", color=end.line.get_color(), fontsize=SMALL, annotation_clip=False,
        )  # fmt: skip


def _end(ax: Axes, line: Line2D) -> _End:
    """Return where the last visible point of a line is, cut to the axes."""
    x, y = np.asarray(line.get_xdata(), dtype=float), np.asarray(line.get_ydata(), dtype=float)
    seen = np.flatnonzero(np.isfinite(x) & np.isfinite(y))
    point = (ax.transData + ax.transAxes.inverted()).transform((x[seen[-1]], y[seen[-1]]))
    return _End(float(np.clip(point[1], 0, 1)), line)


def _apart(heights: Sequence[float], gap: float) -> list[float]:
    """Return ascending heights, moved up until they are a gap apart, and down together where they leave the axes."""
    moved: list[float] = []
    for height in heights:
        moved.append(max(height, moved[-1] + gap) if moved else height)
    over = max(0.0, moved[-1] - 1.0) if moved else 0.0
    return [height - over for height in moved]
