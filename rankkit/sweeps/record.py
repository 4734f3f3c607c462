"""Sweep: the measured frequency-rank curve, as a table, a summary, a picture and files."""

from __future__ import annotations

import csv
import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from rankkit import files
from rankkit.checks import path_of
from rankkit.columns import Tabled, frame
from rankkit.factors import Array
from rankkit.report.cells import printable
from rankkit.report.inline import counted, html_summary, text_summary
from rankkit.report.sketch import Line, sketch
from rankkit.store import MANIFEST, Store
from rankkit.sweeps.measurement import SETTING, gather

if TYPE_CHECKING:
    import pandas as pd

    from rankkit.law.prediction import Curve

__all__ = ["Sweep", "check_folder", "is_table_file"]

FORMAT = 1  # of the folder that `save` writes
QUANTILES = {"q05": 0.05, "q50": 0.5, "q95": 0.95}  # over the seeds, in a summary
# endings of what people keep tables, arrays, texts and pictures in; a folder of such a name would be taken for a file
FILES = frozenset({
    ".arrow", ".bin", ".csv", ".db", ".feather", ".gz", ".h5", ".hdf5", ".htm", ".html", ".jpeg", ".jpg",
    ".json", ".jsonl", ".md", ".npy", ".npz", ".ods", ".parq", ".parquet", ".pdf", ".pickle", ".pkl", ".png",
    ".pt", ".pth", ".safetensors", ".sqlite", ".svg", ".tar", ".tex", ".toml", ".tsv", ".txt", ".xls",
    ".xlsx", ".xml", ".yaml", ".yml", ".zip",
})  # fmt: skip
SHOWN = 5  # frequencies at which a sweep shows its means


@dataclass(frozen=True, eq=False)
class Sweep(Tabled):
    """The measured frequency-rank curve.

    Attributes
    ----------
    columns : dict of str to array
        One entry per (seed, omega). The columns d, n, r and seed are int64. The columns omega, c (omega times the
        bounds or standard deviations of both factors' entries), omega_std (omega times the standard deviation of the
        entries of B A, in radians), rtol and every metric are float64; dtype is text. numerical_rank is NaN where the
        errors of the values leave it open; the integers numerical_rank_lower and numerical_rank_upper stand beside it.
        `rankkit.columns.COLUMN_TYPES` has the types of the table.
    arguments : dict
        What was asked for, as JSON-ready values.
    platform : dict
        The versions and the machine that measured it.
    """

    columns: dict[str, Any]
    arguments: dict[str, Any]
    platform: dict[str, str]

    @property
    def metrics(self) -> tuple[str, ...]:
        """The metrics that were measured."""
        return tuple(self.arguments["metrics"])

    @property
    def table(self) -> pd.DataFrame:
        """One row per (seed, omega)."""
        return frame("Sweep", self.columns)

    def summary(self) -> pd.DataFrame:
        """Return one row per omega, with every metric's mean, standard deviation, count and quantiles over the seeds.

        Returns
        -------
        DataFrame
            omega, d, n, r, c, dtype, rtol, omega_std (the mean over the seeds), and for each metric the columns
            <metric>_mean, _std, _count, _q05, _q50 and _q95. A value that is NaN is left out.
        """
        import pandas as pd

        by_omega = self.table.groupby("omega", sort=True)
        parts: list[Any] = [by_omega[name].first() for name in ("d", "n", "r", "c", "dtype", "rtol")]
        parts.append(by_omega["omega_std"].mean())
        for metric in self.metrics:
            values = by_omega[metric]
            measures = {"mean": values.mean(), "std": values.std(), "count": values.count()}
            measures |= {name: values.quantile(share) for name, share in QUANTILES.items()}
            parts += [column.rename(f"{metric}_{name}") for name, column in measures.items()]
        return pd.concat(parts, axis=1).reset_index()

    def plot(self, axes: Any = None, *, law: pd.DataFrame | Curve | None = None) -> Any:
        """Draw the mean and the 5-95 % band of each metric over the seeds against omega.

        Parameters
        ----------
        axes : array of Axes, optional
            Where to draw, one for each metric; None: a new figure.
        law : DataFrame or Curve, optional
            The table of a `rankkit.predict_curve`, or what it returns, which is drawn dashed where it has the metric.

        Returns
        -------
        array of Axes
        """
        from rankkit.plots import frequency_curves

        return frequency_curves(self.summary(), self.metrics, axes=axes, law=law)

    def save(self, file: str | os.PathLike[str]) -> Path:
        """Write the sweep into a folder, or its table alone into a file.

        Parameters
        ----------
        file : path
            A folder, which is made if absent and takes sweep.csv and sweep.json (version, arguments, platform):
            `Sweep.load` reads it. It is empty, or holds a sweep already. Or a file whose name ends in .csv or
            .parquet.

        Returns
        -------
        Path
            The folder or the file.

        Raises
        ------
        ImportError
            If the file ends in .parquet and pyarrow is not installed.
        ValueError
            If the folder holds something else than a sweep, or the name is that of a file of another kind.
        """
        folder = path_of("file", file, advice="name a folder, or a file that ends in .csv or .parquet")
        if is_table_file(folder):
            return super().save(file)
        check_folder(folder)
        folder.mkdir(parents=True, exist_ok=True)
        kinds = {name: np.asarray(values).dtype.str for name, values in self.columns.items()}
        about = {"format": FORMAT, "arguments": self.arguments, "platform": self.platform, "columns": kinds}
        files.write_table(folder / "sweep.csv", self.table)
        files.write_atomically(folder / "sweep.json", lambda out: out.write(json.dumps(about, indent=2).encode()))
        return folder

    @classmethod
    def load(cls, folder: str | os.PathLike[str]) -> Sweep:
        """Return the sweep that `save` wrote into a folder, bit for bit, or what a store holds so far.

        Parameters
        ----------
        folder : path
            Made by `save`, or the store of `sweep_frequency`.

        Returns
        -------
        Sweep

        Raises
        ------
        ValueError
            If the folder holds no readable sweep.
        """
        folder = path_of("folder", folder, advice="name one that Sweep.save or a store made")
        if not (folder / "sweep.json").exists() and (folder / MANIFEST).exists():
            kept = Store.open(folder)
            if not _is_sweep(kept):
                raise ValueError(f"{folder} is the store of something else than a sweep; name a sweep's store.")
            return cls(gather(kept), kept.arguments, kept.platform)
        try:
            about = json.loads((folder / "sweep.json").read_text())
            with (folder / "sweep.csv").open(newline="") as file:
                header, *rows = csv.reader(file)
            cells = dict(zip(header, zip(*rows, strict=True), strict=True))
            columns = {name: _column(cells[name], kind) for name, kind in about["columns"].items()}
            sweep = cls(columns, about["arguments"], about["platform"])
            missing = [name for name in (*SETTING, *sweep.metrics) if name not in columns]
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise ValueError(
                f"{folder} holds no readable sweep ({error}); point to a folder made by Sweep.save or by a store."
            ) from error
        if missing:
            raise ValueError(f"{folder}/sweep.csv lacks the columns {', '.join(missing)}; save the sweep again.")
        return sweep

    def __repr__(self) -> str:
        curve = self.summary()
        return text_summary(self._title(), self._lines(), self._means(curve))

    def _repr_html_(self) -> str:
        curve = self.summary()
        ranks = [name for name in self.metrics if "rank" in name] or self.metrics[:1]
        lines = [Line(name, tuple(curve["omega"]), tuple(curve[f"{name}_mean"])) for name in ranks]
        picture = sketch(lines, across="omega, radians per unit of B A", up="mean over the seeds", logarithmic=True)
        return html_summary(self._title(), self._lines(), self._means(curve), picture=picture)

    def _title(self) -> str:
        asked = self.arguments
        seeds, omegas = counted(len(asked["seeds"]), "seed"), len(asked["omegas"])
        at = "1 frequency" if omegas == 1 else f"{omegas:,} frequencies"
        size = printable(f"{asked['d']} x {asked['n']} updates from factors of rank {asked['r']}")
        return f"Sweep of {size}: {at}, {seeds}."

    def _lines(self) -> list[str]:
        asked = self.arguments
        law = printable(
            f"rule {str(asked['rule']).split('(')[0]}, initializer {asked['initializer']}, {asked['dtype']}"
        )
        rows, whole = len(self.columns["omega"]), len(asked["seeds"]) * len(asked["omegas"])
        return [
            f"{law}, rtol {asked['rtol']:.3g}",
            *([f"{rows:,} of {whole:,} rows are measured so far"] if rows < whole else []),
            ".table has every row, .summary() means and bands over the seeds, .plot() draws them",
            '.save("sweep/") writes all of it; below are means over the seeds',
        ]

    def _means(self, curve: pd.DataFrame) -> dict[str, Any]:
        """Return the means of every metric at a few frequencies of a summary, the first and the last among them."""
        at = np.unique(np.linspace(0, len(curve) - 1, SHOWN).round().astype(int))
        names = {"omega": "omega", "c": "c"} | {name: f"{name}_mean" for name in self.metrics}
        return {name: curve[column].iloc[at].tolist() for name, column in names.items()}


def check_folder(folder: Path) -> None:
    """Raise a ValueError where a folder is a file or is called like one, or holds something and no sweep."""
    if folder.suffix.lower() in FILES and not folder.exists():
        raise ValueError(
            f"{folder} is called like a file; name a folder for the whole sweep, or for its table alone call "
            f".save with a name that ends in {' or '.join(files.TABLE_WRITERS)}."
        )
    if wrong := next((place for place in (folder, *folder.parents) if place.is_file()), None):
        raise ValueError(f"{wrong} is a file; name a new or empty folder.")
    there = sorted(entry.name for entry in folder.iterdir()) if folder.is_dir() else []
    ours = "sweep.json" in there or (MANIFEST in there and _is_sweep(Store.open(folder)))
    if there and not ours:
        more = " and more" if len(there) > 1 else ""
        raise ValueError(f"{folder} holds {there[0]}{more}, and no sweep; name a new or empty folder.")


def is_table_file(file: Path) -> bool:
    """Return whether a name is that of a file that takes the table of a sweep."""
    return file.suffix in files.TABLE_WRITERS and not file.is_dir()


def _is_sweep(store: Store) -> bool:
    return {"omegas", "seeds"} <= {*store.arguments}


def _column(cells: Sequence[str], kind: str) -> Array:
    """Return the cells of a column as an array; an empty cell is NaN. Python's float reads back every bit it wrote."""
    if np.dtype(kind) == object:
        return np.array(cells, dtype=object)
    return np.array([float(cell or "nan") if np.dtype(kind).kind == "f" else int(cell) for cell in cells], dtype=kind)
