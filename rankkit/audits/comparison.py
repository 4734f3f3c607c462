"""Comparison: how alike several adapters are, as plain columns, with its table, medians, picture and files."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from rankkit.checkpoints.assumptions import named, surest
from rankkit.checkpoints.layer import MEASURED
from rankkit.columns import Tabled, frame, gathered
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
    """How alike adapters are, one row for each module and pair of adapters.

    Attributes
    ----------
    sources : tuple of str
        What was compared, in the order given.
    columns : dict of str to list
        module, layer, kind, first, second (which adapters, as labels), m, n, r_first, r_second, cosine (of the two
        updates as vectors of entries), relative_distance (||second - first||_F / ||first||_F), norm_ratio
        (||second||_F / ||first||_F), column_overlap and row_overlap (mean squared cosine of the principal angles
        between the column and row spaces: 1 for the same space, about r / m for random ones), column_angle and
        row_angle (largest principal angle, degrees), stable_rank_first, stable_rank_second, status, note, assumed
        (what the row rests on that is not known of either update).
        `rankkit.columns.COLUMN_TYPES` has their types.
    unshared : tuple of (str, str)
        (label, module) of every module that not all adapters have.
    """

    sources: tuple[str, ...]
    columns: dict[str, list[Any]]
    unshared: tuple[tuple[str, str], ...]

    @property
    def table(self) -> pd.DataFrame:
        """One row for each module and pair of adapters."""
        return frame("Comparison", self.columns)

    @property
    def coverage(self) -> str:
        """One sentence: how many pairs of modules were compared, and which modules were not."""
        status = self.columns["status"]
        sentence = f"{sum(map(status.count, MEASURED))} of {len(status)} pairs of modules compared"
        if assumed := status.count("assumed"):
            sentence += f", {assumed} of them with an unknown {named(self.columns['assumed'])}"
        if self.unshared:
            names = ", ".join(f"{module} ({label})" for label, module in self.unshared[:NAMED])
            more = ", ..." if len(self.unshared) > NAMED else ""
            sentence += f"; {len(self.unshared)} modules are not in every adapter: {names}{more}"
        return sentence + "."

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
            ".table has one row for each module and pair; .summary() has these medians; .plot() draws them by depth; "
            '.save("comparison.csv") writes the table',
        ]

    def _medians(self) -> dict[str, list[Any]]:
        """Return the summary under heads that fit a line."""
        return {
            name.removesuffix("_median").replace("_", " "): values for name, values in self.summary_columns().items()
        }
