"""A table as printed, each cell in the colour of its verdict, with the recomputed value below."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from matplotlib.axes import Axes
from matplotlib.transforms import Bbox

from rankkit.plots.style import axes_for

__all__ = ["printed_table"]

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
    """Draw a table with its cells coloured by verdict.

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
    ax = axes_for(ax)
    ax.set_axis_off()
    text = [
        [f"{cell}\n({recomputed[i, j]})" if recomputed.get((i, j)) else cell for j, cell in enumerate(row)]
        for i, row in enumerate(rows)
    ]
    colours = [[_COLOURS[verdicts.get((i, j), "")] for j in range(len(header))] for i in range(len(rows))]
    drawn = ax.table(text, cellColours=colours, colLabels=list(header), loc="upper center", cellLoc="center",
                     bbox=Bbox.unit())  # fmt: skip
    drawn.auto_set_font_size(False)
    drawn.set_fontsize(8)
    drawn.auto_set_column_width(list(range(len(header))))
    words = [word for word in _COLOURS if word in set(verdicts.values())]
    ax.set_title("   ".join([title, *(f"{word.lower()}: {_NAMES[word]}" for word in words)]), fontsize=9, loc="left")
    return ax


_NAMES = {"INCONSISTENT": "orange", "UNCLEAR": "yellow", "CONSISTENT": "blue"}
