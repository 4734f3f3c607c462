"""The kept runs of a plan as CSV files: the same bytes from the same runs.

runs.csv has one row a run: its key, its settings, its scores. tuning.csv has the same of the tuning runs. Every table
that runs yield has a file of its own, with the run's key in front. platform.csv holds what differs from one time to the
next (seconds, versions), and progress.json which runs of the plan are missing. Tables that an experiment calls large
are written as .csv.gz.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Collection
from pathlib import Path
from typing import TYPE_CHECKING, Any

from experiments.grid.carry_out import Progress
from experiments.grid.kept import Outcome, Row
from rankkit.files import write_atomically, write_table

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["read_table", "runs_table", "write_tables"]

OWN = ("runs", "tuning", "platform")  # tables that no run may yield


def write_tables(progress: Progress, folder: Path, *, large: Collection[str] = ()) -> tuple[Path, ...]:
    """Write the CSV files of a plan into a folder and return them.

    Parameters
    ----------
    progress : Progress
    folder : Path
        Made if absent.
    large : collection of str
        Names of the tables that are compressed.
    """
    import pandas as pd

    folder.mkdir(parents=True, exist_ok=True)
    tables = {"runs": runs_table(progress.runs), "tuning": runs_table(progress.tuning)}
    names = dict.fromkeys(name for outcome in progress.runs for name in outcome.tables)
    assert not set(names) & set(OWN)
    for name in names:
        tables[name] = pd.DataFrame(_rows(progress.runs, name))
    everything = (*progress.tuning, *progress.runs)
    tables["platform"] = pd.DataFrame([{"run": outcome.run.key, **outcome.about} for outcome in everything])
    written = tuple(_write(folder, name, table, name in large) for name, table in tables.items() if len(table))
    text = json.dumps(
        {
            "plan": progress.plan.name, "runs": len(progress.plan.runs), "done": len(progress.runs),
            "missing": [str(run) for run in progress.missing],
        }, indent=1,
    )  # fmt: skip
    return (*written, write_atomically(folder / "progress.json", lambda file: file.write(f"{text}\n".encode())))


def read_table(folder: Path, name: str) -> pd.DataFrame:
    """Return a table that `write_tables` or a summary wrote into a folder, compressed or not."""
    import pandas as pd

    plain = folder / f"{name}.csv"
    return pd.read_csv(plain if plain.exists() else folder / f"{name}.csv.gz")


def _write(folder: Path, name: str, table: pd.DataFrame, compressed: bool) -> Path:
    """Write a table as .csv, or as .csv.gz without the time of day: the same table gives the same bytes."""
    file = folder / f"{name}.csv"
    if not compressed:
        return write_table(file, table)
    text = table.to_csv(index=False, lineterminator="\n").encode()
    return write_atomically(folder / f"{name}.csv.gz", lambda out: out.write(gzip.compress(text, mtime=0)))


def runs_table(outcomes: tuple[Outcome, ...]) -> pd.DataFrame:
    """Return one row a run: its key, its settings, its scores."""
    import pandas as pd

    return pd.DataFrame([_about(outcome) | outcome.scores for outcome in outcomes])


def _rows(outcomes: tuple[Outcome, ...], name: str) -> list[Row]:
    return [{"run": outcome.run.key, **row} for outcome in outcomes for row in outcome.tables.get(name, ())]


def _about(outcome: Outcome) -> dict[str, Any]:
    return {"run": outcome.run.key, **outcome.run.settings}
