"""A table as printed, with every cell in the colour of its verdict and the recomputed value below the printed one."""

# pyright: reportUnknownMemberType=false
# (matplotlib and seaborn leave the types of their keyword arguments open)

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from matplotlib.axes import Axes
from matplotlib.transforms import Bbox

from rankkit.plots.style import QUIET, SMALL, axes_for

__all__ = ["printed_table"]

MARGIN = 1.5  # letters between two columns
LETTER, LINE = 0.075, 0.155  # inches of a letter and of a line at 8 points
TITLE = 1.2  # how much wider a letter of the title is


class _Colour(NamedTuple):
    """A colour that is light enough for black text and differs from the others in every kind of colour vision."""

    code: str
    name: str


_COLOURS = {
    "INCONSISTENT": _Colour("#f4a582", "orange"),
    "OVERSTATED": _Colour("#f7cdb5", "pale orange"),
    "NARROW": _Colour("#dddddd", "grey"),
    "UNCLEAR": _Colour("#fee9a8", "yellow"),
    "CONSISTENT": _Colour("#c7e3f2", "blue"),
}
UNCHECKED = "white"


def printed_table(
    header: Sequence[str],
    rows: Sequence[Sequence[str]],
    verdicts: Mapping[tuple[int, int], str],
    recomputed: Mapping[tuple[int, int], str],
    *,
    title: str = "",
    ax: Axes | None = None,
) -> Axes:
    """Draw a table whose cells have the colours of their verdicts.

    Parameters
    ----------
    header : sequence of str
        The names of the columns, as printed.
    rows : sequence of sequence of str
        The cells, as printed.
    verdicts : mapping
        Maps (row, column) to a verdict on a printed number, such as INCONSISTENT. A cell without a verdict stays white.
    recomputed : mapping
        Maps (row, column) to what stands below the printed value.
    title : str
        Over the table.
    ax : Axes, optional
        Where to draw; None: a new figure.

    Returns
    -------
    Axes

    Raises
    ------
    ValueError
        If a row has another number of cells than the header, or a word is no verdict on a number.
    """
    _check_cells(header, rows, verdicts)
    text = [
        [f"{cell}\n({recomputed[i, j]})" if recomputed.get((i, j)) else cell for j, cell in enumerate(row)]
        for i, row in enumerate(rows)
    ]
    widths = [max(map(_letters, column)) + MARGIN for column in zip(header, *text, strict=True)]
    legend = _legend(verdicts.values())
    width = max(sum(widths), TITLE * len(title), len(legend))
    ax = axes_for(ax, (LETTER * width, LINE * (1.5 + 2 * len(rows)) + 0.5))
    ax.set_axis_off()
    colours = [[_cell_colour(verdicts.get((i, j))) for j in range(len(header))] for i in range(len(rows))]
    drawn = ax.table(
        text, cellColours=colours, colLabels=list(header), loc="upper center", cellLoc="center",
        colWidths=[letters / sum(widths) for letters in widths], bbox=Bbox.unit(),
    )  # fmt: skip
    drawn.auto_set_font_size(False)
    drawn.set_fontsize(SMALL)
    for cell in drawn.get_celld().values():
        cell.set(linewidth=0.4, edgecolor=QUIET)
    ax.set_title(title, fontsize=9, loc="left", pad=16)
    ax.annotate(legend, (0, 1), xycoords="axes fraction", xytext=(0, 4), textcoords="offset points", fontsize=7)
    return ax


def _check_cells(header: Sequence[str], rows: Sequence[Sequence[str]], verdicts: Mapping[tuple[int, int], str]) -> None:
    for i, row in enumerate(rows):
        if len(row) != len(header):
            raise ValueError(
                f"rows must have {len(header)} cells, as the header has, got {len(row)} in row {i}; mend it."
            )
    unknown = sorted(set(map(str, verdicts.values())) - set(_COLOURS))
    if unknown:
        raise ValueError(f"verdicts must be of {', '.join(_COLOURS)}, got {', '.join(unknown)}; leave such cells out.")


def _letters(cell: str) -> int:
    """Return how many letters the longest line of a cell has."""
    return max(map(len, cell.split("\n")))


def _legend(verdicts: Iterable[str]) -> str:
    """Return in words which colour stands for which of the verdicts."""
    seen = set(verdicts)
    return ", ".join(f"{colour.name}: {word.lower()}" for word, colour in _COLOURS.items() if word in seen)


def _cell_colour(verdict: str | None) -> str:
    return _COLOURS[verdict].code if verdict else UNCHECKED
