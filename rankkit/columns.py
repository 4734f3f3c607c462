"""Columns of results: how rows become columns, what type each has, and the table and files they make."""

from __future__ import annotations

import math
import os
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rankkit import files
from rankkit.checks import path_of

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["COLUMN_TYPES", "Tabled", "frame", "gathered", "plain", "records"]

TEXT = "str"  # pandas' own type for text: str from pandas 3 on, object before
NUMBER = "float64"  # NaN where a value is not known
INTEGER = "int64"
INTEGER_OR_NONE = "Int64"  # pandas' integer with gaps: pd.NA where there is none

_MODULE = {"module": TEXT, "layer": INTEGER_OR_NONE, "kind": TEXT, "m": INTEGER_OR_NONE, "n": INTEGER_OR_NONE}
_METRICS = dict.fromkeys(
    (
        "spectral_norm", "frobenius_norm", "nuclear_norm", "stable_rank", "numerical_rank", "effective_rank",
        "effective_rank_energy", "participation_ratio", "energy_rank_90", "energy_rank_95", "energy_rank_99",
        "condition_number",
    ),
    NUMBER,
)  # fmt: skip

# result -> column -> type; a result may lack columns that were not asked for, and has no other ones
COLUMN_TYPES: dict[str, dict[str, str]] = {
    "Audit": {
        **_MODULE, "adapter": TEXT,
        "r": INTEGER_OR_NONE, "dtype": TEXT, "scale": NUMBER, "rule": TEXT, "omega_std": NUMBER,
        "spectral_norm": NUMBER, "frobenius_norm": NUMBER, "stable_rank": NUMBER, "numerical_rank": NUMBER,
        "rtol": NUMBER, "effective_rank": NUMBER, "effective_rank_energy": NUMBER, "participation_ratio": NUMBER,
        "energy_rank_90": NUMBER, "energy_rank_95": NUMBER, "energy_rank_99": NUMBER, "utilization": NUMBER,
        "status": TEXT, "note": TEXT, "assumed": TEXT, "regime": TEXT, "plain_stable_rank": NUMBER,
        "numerical_rank_lower": NUMBER, "numerical_rank_upper": NUMBER, "spectral_norm_error": NUMBER,
        "stable_rank_error": NUMBER, "effective_rank_error": NUMBER, "effective_rank_energy_error": NUMBER,
        "weight_spectral_norm": NUMBER, "weight_frobenius_norm": NUMBER, "relative_spectral": NUMBER,
        "relative_frobenius": NUMBER, "intruders": NUMBER, "base_note": TEXT,
    },
    "Comparison": {
        **_MODULE, "first": TEXT, "second": TEXT, "r_first": INTEGER_OR_NONE, "r_second": INTEGER_OR_NONE,
        "cosine": NUMBER, "relative_distance": NUMBER, "norm_ratio": NUMBER, "sum_ratio": NUMBER,
        "column_overlap": NUMBER, "row_overlap": NUMBER, "column_angle": NUMBER, "row_angle": NUMBER,
        "column_energy_first": NUMBER, "column_energy_second": NUMBER, "row_energy_first": NUMBER,
        "row_energy_second": NUMBER, "stable_rank_first": NUMBER, "stable_rank_second": NUMBER, "status": TEXT,
        "note": TEXT, "assumed": TEXT,
    },
    "Merged": {
        **_MODULE, "dtype": TEXT, "verdict": TEXT, "strength": NUMBER, "strength_lower": NUMBER,
        "strength_upper": NUMBER, "unexplained": NUMBER, "arithmetic": TEXT, "note": TEXT,
    },
    "Probe": {
        **_MODULE, "r": INTEGER_OR_NONE, "omega": NUMBER, "omega_std": NUMBER, "regime": TEXT,
        "spectral_norm": NUMBER, "frobenius_norm": NUMBER, "stable_rank": NUMBER, "stable_rank_error": NUMBER,
        "plain_stable_rank": NUMBER, "status": TEXT, "note": TEXT,
    },
    "Ranks": {
        "module": TEXT, "r": INTEGER_OR_NONE, "rank": INTEGER_OR_NONE, "kept_energy": NUMBER,
        "frobenius_error": NUMBER, "spectral_error": NUMBER, "frobenius_norm": NUMBER,
        "scale": NUMBER, "parameters": INTEGER_OR_NONE,
        "note": TEXT, "written_error": NUMBER,
    },
    "Sweep": {
        "d": INTEGER, "n": INTEGER, "r": INTEGER, "omega": NUMBER, "c": NUMBER, "omega_std": NUMBER, "seed": INTEGER,
        "dtype": TEXT, "rtol": NUMBER, **_METRICS, "numerical_rank_lower": INTEGER, "numerical_rank_upper": INTEGER,
    },
    "Curve": {
        "omega": NUMBER, "c": NUMBER, "omega_std": NUMBER, "regime": TEXT,
        **{name: _METRICS[name] for name in (
            "numerical_rank", "stable_rank", "participation_ratio", "effective_rank", "effective_rank_energy",
        )},
    },
}  # fmt: skip
_AGAINST_BASE = (  # columns that need the base model, which a training is not compared with
    "weight_spectral_norm", "weight_frobenius_norm", "relative_spectral", "relative_frobenius", "intruders",
    "base_note",
)  # fmt: skip
COLUMN_TYPES["Watched"] = {"step": INTEGER} | {
    name: kind for name, kind in COLUMN_TYPES["Audit"].items() if name not in (*_AGAINST_BASE, "adapter")
}


class Tabled(ABC):
    """A result that has a table, and can be written to a file as one."""

    @property
    @abstractmethod
    def table(self) -> pd.DataFrame:
        """The result's rows, with the types of `COLUMN_TYPES`."""

    def save(self, file: str | os.PathLike[str]) -> Path:
        """Write the result to a file, as the ending of its name tells.

        Parameters
        ----------
        file : path
            The file to make or replace; its folder must exist. .csv or .parquet: the table. A comparison also takes
            .json (`record`) and .html (`to_html`), an audit these, .md (`to_markdown`) and .npz (the spectra), and what
            was watched .html.

        Returns
        -------
        Path
            The file that was written.

        Raises
        ------
        ValueError
            If the name ends otherwise, or the folder does not exist.
        ImportError
            If it ends in .parquet and pyarrow is not installed.
        """
        suffix, writers = path_of("file", file, advice="name a file, for instance table.csv").suffix, self._writers()
        if suffix in writers:
            return files.write_atomically(file, writers[suffix])
        if writers and suffix not in files.TABLE_WRITERS:
            endings = ", ".join([*files.TABLE_WRITERS, *writers])
            raise ValueError(f"file must end in {endings}, got {str(file)!r}; choose one of these.")
        return files.write_table(file, self.table)

    def _writers(self) -> files.Writers:
        """Return what writes the result to files of other endings than a table's."""
        return {}

    def to_parquet(self, file: str | os.PathLike[str]) -> Path:
        """Write the table to a Parquet file, which keeps the types of its columns.

        Parameters
        ----------
        file : path
            The file to make or replace, whatever its name ends in; its folder must exist.

        Returns
        -------
        Path
            The file that was written.

        Raises
        ------
        ValueError
            If the folder does not exist.
        ImportError
            If pyarrow, the extra `parquet`, is not installed.
        """
        return files.write_parquet(file, self.table)


def frame(result: str, columns: Mapping[str, Any]) -> pd.DataFrame:
    """Return a result's columns as a DataFrame with the documented types.

    Parameters
    ----------
    result : str
        A name in `COLUMN_TYPES`, for instance "Audit".
    columns : mapping of str to sequence
        The columns, all of one length, in the order in which they are to stand.

    Raises
    ------
    KeyError
        If a column has no documented type.

    Examples
    --------
    >>> frame("Probe", {"module": ["q"], "layer": [None], "omega": [1]}).dtypes.astype(str).tolist()[1:]
    ['Int64', 'float64']
    """
    import pandas as pd

    types: dict[str, Any] = dict(COLUMN_TYPES[result])
    return pd.DataFrame({name: pd.Series(values, dtype=types[name]) for name, values in columns.items()})


def gathered(rows: Iterable[Mapping[str, Any]]) -> dict[str, list[Any]]:
    """Return rows that all have the same names as columns.

    Parameters
    ----------
    rows : iterable of mapping of str to value
        The rows, in their order.

    Examples
    --------
    >>> gathered([{"module": "q", "r": 4}, {"module": "k", "r": 8}])
    {'module': ['q', 'k'], 'r': [4, 8]}
    """
    columns: dict[str, list[Any]] = {}
    for row in rows:
        for name, value in row.items():
            columns.setdefault(name, []).append(value)
    return columns


def records(columns: Mapping[str, Sequence[Any]]) -> list[dict[str, Any]]:
    """Return columns as one mapping for each row, with None for what JSON has no number for.

    Parameters
    ----------
    columns : mapping of str to sequence
        All of one length.

    Examples
    --------
    >>> records({"module": ["q"], "stable_rank": [math.nan]})
    [{'module': 'q', 'stable_rank': None}]
    """
    rows = zip(*columns.values(), strict=True)
    return [{name: plain(value) for name, value in zip(columns, row, strict=True)} for row in rows]


def plain(value: Any) -> Any:
    """Return a value as JSON can hold it: None for a float that is not finite."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return value
