"""Comparison: how alike several adapters are, with its table, medians, K x K matrices, pictures and files."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from rankkit import files
from rankkit.audits.grid import GRIDS, Grid, total
from rankkit.audits.record import Audit
from rankkit.checkpoints.assumptions import named, surest
from rankkit.checkpoints.layer import MEASURED
from rankkit.columns import Tabled, frame, gathered, plain, records
from rankkit.report.compared_page import page
from rankkit.report.inline import counted, html_summary, noted, text_summary
from rankkit.report.sketch import medians, sketch

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Comparison"]

NAMED = 3  # modules that the coverage sentence names
MEDIANS = ("cosine", "relative_distance", "norm_ratio", "column_overlap", "row_overlap")
SHOWN = ("module", "first", "second", *MEDIANS, "column_angle", "row_angle", "status")


@dataclass(frozen=True, eq=False)
class Comparison(Tabled):
    """How alike adapters are, one row for each module and pair of adapters, and K x K matrices of all of them.

    Attributes
    ----------
    sources : tuple of str
        What was compared, in the order given.
    columns : dict of str to list
        module, layer, kind, first, second (which adapters, as labels), m, n, r_first, r_second, cosine (of the two
        updates as vectors of entries), relative_distance (||second - first||_F / ||first||_F), norm_ratio
        (||second||_F / ||first||_F), sum_ratio (||first + second||_F / sqrt(||first||_F^2 + ||second||_F^2): 1 where
        the two do not meet), column_overlap and row_overlap (mean squared cosine of the principal angles between the
        column and row spaces: 1 for the same space, about r / m for random ones), column_angle and row_angle (largest
        principal angle, degrees), column_energy_first (the share of the first one's energy that lies in the second
        one's column space), column_energy_second, row_energy_first, row_energy_second, stable_rank_first,
        stable_rank_second, status, note, assumed (what the row rests on that is not known of either update).
        `rankkit.columns.COLUMN_TYPES` has their types.
    unshared : tuple of (str, str)
        (label, module) of every module that not all adapters have.
    labels : tuple of str
        What the adapters are called.
    strengths : tuple of float
        By which their updates were multiplied.
    grids : dict of str to Grid
        The K x K matrices of each module that an adapter has; `rankkit.audits.grid.GRIDS` says what they are.
    sum : Audit or None
        The audit of the sum of all updates at their strengths, with its spectra; None where no strengths were given.
    """

    sources: tuple[str, ...]
    columns: dict[str, list[Any]]
    unshared: tuple[tuple[str, str], ...]
    labels: tuple[str, ...]
    strengths: tuple[float, ...]
    grids: dict[str, Grid]
    sum: Audit | None = None

    @property
    def table(self) -> pd.DataFrame:
        """One row for each module and pair of adapters."""
        return frame("Comparison", self.columns)

    @property
    def coverage(self) -> str:
        """One sentence: how many pairs of modules were compared, and which modules were not."""
        status = self.columns["status"]
        sentence = f"{sum(map(status.count, MEASURED))} of {counted(len(status), 'pair')} of modules compared"
        if assumed := status.count("assumed"):
            sentence += f", {assumed} of them with an unknown {named(self.columns['assumed'])}"
        if self.unshared:
            names = ", ".join(f"{module} ({label})" for label, module in self.unshared[:NAMED])
            more = ", ..." if len(self.unshared) > NAMED else ""
            are = "is" if len(self.unshared) == 1 else "are"
            sentence += f"; {counted(len(self.unshared), 'module')} {are} not in every adapter: {names}{more}"
        if hidden := sum(not grid.is_known for grid in self.grids.values()):
            sentence += f"; the matrices of all adapters leave out {counted(hidden, 'module')} with an unknown update"
        return sentence + "."

    @property
    def total(self) -> Grid | None:
        """The K x K matrices of all modules together, without those where an update is not known; None without any."""
        return total(self.grids.values())

    def matrix(self, measure: str, module: str | None = None) -> pd.DataFrame:
        """Return a K x K matrix with the adapters' labels, the first adapter down and the second across.

        Parameters
        ----------
        measure : {"cosine", "column_energy", "row_energy", "sum_ratio"}
            Which one; `rankkit.audits.grid.GRIDS` says what they are.
        module : str, optional
            Of which module; None: of all together.

        Raises
        ------
        ValueError
            If there is no such measure or module, or an update is not known in every module.
        """
        import pandas as pd

        if measure not in GRIDS:
            raise ValueError(f"measure must be one of {', '.join(GRIDS)}, got {measure!r}; choose one of these.")
        if module is not None and module not in self.grids:
            raise ValueError(f"module must be one that an adapter has, got {module!r}; the keys of .grids are these.")
        grid = self.total if module is None else self.grids[module]
        if grid is None:
            raise ValueError("no module has a known update of every adapter; the notes in .table say why.")
        return pd.DataFrame(getattr(grid, measure), index=list(self.labels), columns=list(self.labels))

    def norm_columns(self) -> dict[str, list[Any]]:
        """Return, for each module and for all, the norm of each update, of their sum, and total_ratio, as plain lists.

        total_ratio is the norm of the sum over the root of the summed squares: 1 where no two updates meet.
        """
        every = {**self.grids, **({"all modules": whole} if (whole := self.total) else {})}
        norms = {
            f"norm of {label}": [float(grid.norms[place]) for grid in every.values()]
            for place, label in enumerate(self.labels)
        }
        sums = {name: [getattr(grid, name) for grid in every.values()] for name in ("sum_norm", "total_ratio")}
        return {"module": list(every), **norms, **sums}

    def record(self) -> dict[str, Any]:
        """Return everything but the sum's spectra as JSON-ready values; NaN becomes None."""
        whole = self.total
        return {
            "format": 1,
            "sources": list(self.sources),
            "labels": list(self.labels),
            "strengths": list(self.strengths),
            "coverage": self.coverage,
            "pairs": records(self.columns),
            "summary": records(self.summary_columns()),
            "matrices": None if whole is None else _matrices(whole),
            "modules": [
                {**row, "matrices": _matrices(grid)}
                for row, grid in zip(records(self.norm_columns()), self.grids.values(), strict=False)
            ],
            "sum": None if self.sum is None else self.sum.record(),
        }

    def summary_columns(self) -> dict[str, list[Any]]:
        """Return `summary`'s columns as plain lists."""
        pairs: dict[tuple[str, str], list[int]] = {}
        labels = zip(self.columns["first"], self.columns["second"], strict=True)
        for i, (first, second) in enumerate(labels):
            pairs.setdefault((first, second), []).append(i)
        return gathered(self._summary_row(first, second, rows) for (first, second), rows in pairs.items())

    def _summary_row(self, first: str, second: str, rows: Sequence[int]) -> dict[str, Any]:
        """Return the medians of one pair of adapters over its rows, as an audit's summary takes them."""
        alive = [i for i in rows if self.columns["status"][i] in MEASURED]
        row: dict[str, Any] = {"first": first, "second": second, "modules": len(alive)}
        row["assumed"] = sum(self.columns["status"][i] == "assumed" for i in rows)
        for name in MEDIANS:
            values = self._values(name, alive)
            row[f"{name}_median"] = float(np.median(values)) if values else math.nan
        return row | {"cosine_min": min(self._values("cosine", alive), default=math.nan)}

    def _values(self, name: str, alive: Sequence[int]) -> list[Any]:
        """Return a column's values that may be averaged: those that rest on nothing unknown, else those that do."""
        return surest(name, [self.columns[name][i] for i in alive], [self.columns["assumed"][i] for i in alive])

    def summary(self) -> pd.DataFrame:
        """Return medians over the modules, one row for each pair of adapters."""
        import pandas as pd

        return pd.DataFrame(self.summary_columns())

    def plot(self, axes: Any = None) -> Any:
        """Draw cosine and the overlap of the spaces against depth, one colour for each pair; returns the two axes.

        Parameters
        ----------
        axes : array of Axes, optional
            Where to draw, two of them; None: a new figure.
        """
        from rankkit.plots import comparison

        return comparison(self.table, axes=axes)

    def heatmap(self, module: str | None = None, axes: Any = None) -> Any:
        """Draw the K x K matrices as heatmaps side by side; returns the axes.

        Parameters
        ----------
        module : str, optional
            Of which module; None: of all together.
        axes : array of Axes, optional
            Where to draw, four of them; None: a new figure.

        Raises
        ------
        ValueError
            As for `matrix`.
        """
        from rankkit.plots import grid_heatmaps

        return grid_heatmaps({name: self.matrix(name, module) for name in GRIDS}, axes=axes)

    def to_html(self) -> str:
        """Return one self-contained page: the K x K matrices, figures, the sum, and a sortable table of the pairs."""
        return page(self)

    def _writers(self) -> files.Writers:
        return {
            ".json": lambda out: out.write(json.dumps(self.record(), indent=2, allow_nan=False).encode()),
            ".html": lambda out: out.write(self.to_html().encode()),
        }

    def __repr__(self) -> str:
        return text_summary(self._title(), self._lines(), self._medians())

    def _repr_html_(self) -> str:
        labels = zip(self.columns["first"], self.columns["second"], strict=True)
        pairs = [f"{first} → {second}" for first, second in labels]
        picture = sketch(
            medians(pairs, self.columns["layer"], self.columns["cosine"]), across="layer", up="median cosine"
        )
        pairs_of_modules = {name: self.columns[name] for name in noted(SHOWN, self.columns)}
        return html_summary(self._title(), self._lines(), pairs_of_modules, picture=picture, summary=self._medians())

    def _title(self) -> str:
        modules = counted(len(set(self.columns["module"])), "module")
        return f"Comparison of {counted(len(self.sources), 'adapter')}: {modules}"

    def _lines(self) -> list[str]:
        return [
            self.coverage,
            '.table has one row for each module and pair; .matrix("cosine") compares all; .plot() and .heatmap() draw; '
            '.save("comparison.csv") writes the table',
        ]

    def _medians(self) -> dict[str, list[Any]]:
        """Return the summary under heads that fit a line."""
        return {
            name.removesuffix("_median").replace("_", " "): values for name, values in self.summary_columns().items()
        }


def _matrices(grid: Grid) -> dict[str, list[list[float | None]]]:
    """Return the matrices of a grid as nested lists, with None for what is not known."""
    return {name: [[plain(float(x)) for x in row] for row in getattr(grid, name)] for name in GRIDS}
