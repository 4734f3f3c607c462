"""A paper's tables as pictures: the cells as printed, in the colours of their verdicts."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

from rankkit.files import write_atomically
from rankkit.reported.ledger import Reported
from rankkit.reported.paper import Paper
from rankkit.reported.table import Table

__all__ = ["picture", "pictures"]

RANK = ("INCONSISTENT", "OVERSTATED", "NARROW", "UNCLEAR", "CONSISTENT")  # worst first


def picture(paper: Paper, table: Table) -> Any:
    """Return axes with the table as printed, cells coloured by their worst verdict, recomputed values in brackets.

    Parameters
    ----------
    paper : Paper
        Whose findings colour the cells.
    table : Table
        One of the paper's.

    Returns
    -------
    matplotlib.axes.Axes
        On a figure of their own.

    Examples
    --------
    >>> from rankkit.data import paper_checks
    >>> from rankkit.reported import collect
    >>> (paper,) = collect([paper_checks() / "sine_lora"]).papers
    >>> picture(paper, paper.tables["table8"]).get_title(loc="left")
    'sine_lora, Table 8'
    """
    from rankkit.plots import printed_table  # loads matplotlib

    verdicts: dict[tuple[int, int], str] = {}
    values: dict[tuple[int, int], str] = {}
    names = list(table.rows)
    for finding in sorted((f for f in paper.findings if f.verdict in RANK), key=lambda f: -RANK.index(f.verdict)):
        stem, _, rest = finding.cell.partition("|")
        row, _, column = rest.rpartition("|")
        if stem == table.name:
            at = names.index(row), table.columns.index(column)
            verdicts[at] = finding.verdict
            if finding.recomputed:
                values[at] = finding.recomputed
    rows = [list(cells.values()) for cells in table.rows.values()]
    return printed_table(table.columns, rows, verdicts, values, title=f"{paper.name}, {table.label}")


def pictures(reported: Reported, folder: Path) -> list[Path]:
    """Draw every table with a checked cell into a file of its own, and return the files.

    Parameters
    ----------
    reported : Reported
        The papers.
    folder : Path
        Where the files ``PAPER_TABLE.png`` go; it is made if it is not there.

    Returns
    -------
    list of Path
        In the order of the papers and of their tables.

    Raises
    ------
    OSError
        If a file cannot be written.
    """
    import matplotlib.pyplot as plt

    folder.mkdir(parents=True, exist_ok=True)
    written: list[Path] = []
    for paper in reported.papers:
        checked = {finding.cell.partition("|")[0] for finding in paper.findings}
        for name, table in paper.tables.items():
            if name in checked:
                figure = picture(paper, table).figure
                save = partial(figure.savefig, format="png", dpi=150, metadata={"Software": None})
                written.append(Path(write_atomically(folder / f"{paper.name}_{name}.png", save)))
                plt.close(figure)
    return written
