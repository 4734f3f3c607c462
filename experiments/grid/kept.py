"""What runs have yielded, kept in a folder: one file a run, whole or not at all."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from experiments.grid.plan import Run
from rankkit.files import write_atomically, write_npz

__all__ = ["Kept", "Outcome", "Yield"]

Row = dict[str, Any]


@dataclass(frozen=True)
class Yield:
    """What one run has measured.

    Attributes
    ----------
    scores : dict of str to float
        The run's single numbers.
    tables : dict of str to list of rows
        What is measured many times in a run, such as once a module: dicts of text and numbers.
    arrays : dict of str to array
        What is no table, such as a trained adapter's tensors.
    """

    scores: dict[str, float]
    tables: dict[str, list[Row]] = field(default_factory=dict[str, list[Row]])
    arrays: dict[str, Any] = field(default_factory=dict[str, Any])


@dataclass(frozen=True)
class Outcome:
    """A kept run.

    Attributes
    ----------
    run : Run
    scores, tables
        As the run yielded them, bit for bit.
    about : dict
        What differs from one time to the next: seconds, versions, machine.
    """

    run: Run
    scores: dict[str, float]
    tables: dict[str, list[Row]]
    about: dict[str, Any]


@dataclass(frozen=True)
class Kept:
    """A folder of kept runs. Plans may share it: a run belongs to all plans that list its settings.

    Attributes
    ----------
    folder : Path
        Made by the first run that is kept.
    """

    folder: Path

    def keep(self, run: Run, found: Yield, about: Mapping[str, Any]) -> None:
        """Write one finished run: its arrays first, since the record is what makes it count as done."""
        self.folder.mkdir(parents=True, exist_ok=True)
        if found.arrays:
            write_atomically(self.folder / f"{run.key}.npz", lambda file: write_npz(file, found.arrays))
        record = {
            "experiment": run.experiment, "settings": dict(run.settings), "scores": found.scores,
            "tables": found.tables, "about": dict(about),
        }  # fmt: skip
        text = json.dumps(record, indent=0)  # Python's floats come back bit for bit, NaN among them
        write_atomically(self.folder / f"{run.key}.json", lambda file: file.write(text.encode()))

    def find(self, run: Run) -> Outcome | None:
        """Return what is kept of a run, or None.

        Raises
        ------
        ValueError
            If the run's file is not what `keep` writes.
        """
        file = self.folder / f"{run.key}.json"
        try:
            record = json.loads(file.read_text())
            return Outcome(run, record["scores"], record["tables"], record["about"])
        except FileNotFoundError:
            return None
        except (ValueError, KeyError, TypeError) as error:
            raise ValueError(f"{file} is no record of a run ({error!r}); remove it to do the run anew.") from None

    def found(self, runs: tuple[Run, ...]) -> Iterator[Outcome]:
        """Return an iterator over those runs that are kept, in their order."""
        return (outcome for outcome in map(self.find, runs) if outcome is not None)

    def arrays(self, run: Run) -> dict[str, Any]:
        """Return a kept run's arrays by name; none where it has none."""
        import numpy as np

        file = self.folder / f"{run.key}.npz"
        if not file.exists():
            return {}
        with np.load(file, allow_pickle=False) as held:
            return {name: held[name] for name in held.files}
