"""One row of a table, by the values that it is known by."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from experiments.grid.command import RESULTS
from experiments.grid.tables import read_table

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["every", "idle", "row", "seconds", "table"]

EXPERIMENTS = Path(__file__).parents[1]


@cache
def table(place: str, name: str) -> pd.DataFrame:
    """Return a committed table; it must not be changed.

    Parameters
    ----------
    place : str
        Experiment and plan, such as "text/ranks".
    name : str
        The table's, without an ending.
    """
    return read_table(RESULTS / place, name)


def every(place: str) -> dict[str, Any]:
    """Return the settings that all runs of a plan share."""
    import tomllib

    name, _, plan = place.partition("/")
    return tomllib.loads((EXPERIMENTS / name / "plans" / f"{plan}.toml").read_text(encoding="utf-8"))["every"]


def row(rows: pd.DataFrame, **wanted: Any) -> dict[Any, Any]:
    """Return the one row with these values in the columns named; `_` in a column's name stands for a space too.

    Raises
    ------
    ValueError
        If there is not one such row.
    """
    for name, value in wanted.items():
        column = name if name in rows else name.replace("_", " ")
        rows = rows[rows[column] == value]
    if len(rows) != 1:
        raise ValueError(f"a table must have one row with {wanted}, got {len(rows)}; write what it is about anew.")
    return rows.to_dict("records")[0]


def seconds(place: str) -> pd.DataFrame:
    """Return the seconds of every run and tuning run of a plan, with its settings."""
    import pandas as pd

    runs = pd.concat([table(place, name).assign(of=name) for name in ("runs", "tuning")])
    return runs.merge(table(place, "platform")[["run", "seconds"]], on="run")


def idle(place: str) -> float:
    """Return an estimate of a plan's minutes of workers' time on an idle machine.

    It is the time that the plan takes where every run is as fast as the fastest of its kind: same method or kind of
    layer, same data, and a tuning run or not. The runs themselves shared their machine with other work.
    """
    rows = seconds(place)
    kind = [name for name in ("of", "method", "kind", "data") if name in rows]
    return float(rows.groupby(kind)["seconds"].transform("min").sum()) / 60
