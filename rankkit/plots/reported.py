"""A table as printed, each cell in the colour of its verdict, with the recomputed value below."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from matplotlib.axes import Axes
from matplotlib.transforms import Bbox

from rankkit.plots.style import axes_for

__all__ = ["printed_table"]

LETTER, LINE = 0.075, 0.155  # inches of a letter and of a line at 8 points

# light enough for black text; distinct to colour-blind readers
_COLOURS = {"INCONSISTENT": "#f4a582", "UNCLEAR": "#fee9a8", "CONSISTENT": "#c7e3f2", "": "white"}


def printed_table(
    header: Sequence[str],
    rows: Sequence[Sequence[str]],
    verdicts: Mapping[tuple[int, int], str],
    recomputed: Mapping[tuple[int, int], str],
    *,
    title: str = "",
    ax: Axes | None = None,
) -> Axes:
    """Draw a table with its cells coloured by verdict; return the axes.

    Parameters
    ----------
    header, rows : sequence of str
        As printed.
    verdicts : mapping
        (row, column) -> CONSISTENT, INCONSISTENT or UNCLEAR; white where nothing was checked.
    recomputed : mapping
        (row, column) -> what stands below the printed value.
    title : str
        Over the table.
    ax : Axes, optional
        To draw on.
    """
    text = [
        [f"{cell}\n({recomputed[i, j]})" if recomputed.get((i, j)) else cell for j, cell in enumerate(row)]
        for i, row in enumerate(rows)
    ]
    lines = [list(header), *text]
    widths = [max(len(part) for row in lines for part in row[j].split("\n")) + 1.5 for j in range(len(header))]
    ax = axes_for(ax, (LETTER * sum(widths), LINE * (1.5 + 2 * len(rows)) + 0.5))
    ax.set_axis_off()
    colours = [[_COLOURS[verdicts.get((i, j), "")] for j in range(len(header))] for i in range(len(rows))]
    drawn = ax.table(
        text, cellColours=colours, colLabels=lines[0], loc="upper center", cellLoc="center",
        colWidths=[width / sum(widths) for width in widths], bbox=Bbox.unit(),
    )  # fmt: skip
    drawn.auto_set_font_size(False)
    drawn.set_fontsize(8)
    for cell in drawn.get_celld().values():
        cell.set(linewidth=0.4, edgecolor="#888888")
    words = [word for word in _COLOURS if word in set(verdicts.values())]
    ax.set_title(title, fontsize=9, loc="left", pad=16)
    legend = ", ".join(f"{_NAMES[word]}: {word.lower()}" for word in words)
    ax.annotate(legend, (0, 1), xycoords="axes fraction", xytext=(0, 4), textcoords="offset points", fontsize=7)
    return ax


_NAMES = {"INCONSISTENT": "orange", "UNCLEAR": "yellow", "CONSISTENT": "blue"}
