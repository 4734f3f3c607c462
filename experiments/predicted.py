"""Puts what the law predicts now into the committed tables of layers: no training runs again.

Run: python -m experiments.predicted [--write]. It lists where the predictions in cells.csv are not those of now. With
--write it replaces them, there, in cells.md and in the copies of figures/stored. Then the pages and pictures that show
them are made again: python -m experiments.said --write; rankkit figures.
"""

from __future__ import annotations

import argparse
import csv
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from experiments.compared import PREDICTED, law_of_layer, markdown
from experiments.grid.command import RESULTS
from rankkit.files import write_atomically

__all__ = ["COPIES", "SCORES", "main", "now", "replaced"]

COPIES = RESULTS.parents[1] / "figures" / "stored"
SCORES = {"shape": "iou", "vision": "accuracy"}  # experiment -> the score of its tables
SAME = ("data", "rank", "omega", "kind")  # settings that the runs of one row share
Rows = list[dict[str, str]]


def now(folder: Path) -> list[tuple[float, ...] | None]:
    """Return what the law predicts for each row of cells.csv: numbers named by PREDICTED, or None.

    Parameters
    ----------
    folder : Path
        Of one experiment and plan, with cells.csv, runs.csv and layers.csv.
    """
    runs = {_shared(run): run["run"] for run in _rows(folder / "runs.csv")}
    layers = [layer for layer in _rows(folder / "layers.csv") if layer["when"] == "start"]
    return [_predicted(row, runs, layers) for row in _rows(folder / "cells.csv")]


def _predicted(row: Mapping[str, str], runs: Mapping[tuple[str, ...], str], layers: Rows) -> tuple[float, ...] | None:
    if row["kind"] not in ("sine", "frozen"):
        return None
    omega, rank, run = float(row["omega"]), int(row["rank"]), runs[_shared(row)]
    each = [law_of_layer(omega, int(one["m"]), int(one["n"]), rank) for one in layers if one["run"] == run]
    return tuple(np.mean(each, axis=0).tolist())


def replaced(folder: Path) -> float:
    """Replace the predictions of cells.csv by those of now, and return the largest change.

    Parameters
    ----------
    folder : Path
        As for `now`.
    """
    cells = _rows(folder / "cells.csv")
    changes: list[float] = []
    for row, found in zip(cells, now(folder), strict=True):
        if found is not None:
            changes += [abs(value - float(row[name] or "nan")) for name, value in zip(PREDICTED, found, strict=True)]
            row |= {name: "" if np.isnan(value) else repr(value) for name, value in zip(PREDICTED, found, strict=True)}
    lines = [",".join(cells[0]), *(",".join(row.values()) for row in cells)]
    write_atomically(folder / "cells.csv", lambda file: file.write(("\n".join(lines) + "\n").encode()))
    return float(np.nanmax(changes))


def main(argv: Sequence[str] | None = None) -> int:
    """List what has changed, and replace it where that is asked for; return the exit status."""
    import pandas as pd

    parser = argparse.ArgumentParser(prog="python -m experiments.predicted", description=(__doc__ or "").split(":")[0])
    parser.add_argument("--write", action="store_true", help="replace the predictions")
    write: bool = parser.parse_args(argv).write
    for name, score in SCORES.items():
        folder = RESULTS / name / "small"
        for row, found in zip(_rows(folder / "cells.csv"), now(folder), strict=True):
            before = tuple(float(row[column] or "nan") for column in PREDICTED)
            if found is not None and not np.allclose(before, found, rtol=1e-3, equal_nan=True):
                words = ", ".join(f"{key} {row[key]}" for key in SAME if key in row)
                print(f"{name}: {words}: {np.round(before, 2).tolist()} -> {np.round(found, 2).tolist()}")
        if write:
            replaced(folder)
            page = markdown(pd.read_csv(folder / "cells.csv"), score).encode()
            for file, text in ((folder / "cells.md", page), (COPIES / f"{name}_small_cells.csv", _bytes(folder))):
                write_atomically(file, lambda stream, text=text: stream.write(text))
    return 0


def _bytes(folder: Path) -> bytes:
    return (folder / "cells.csv").read_bytes()


def _shared(row: Mapping[str, str]) -> tuple[str, ...]:
    return tuple(str(float(row[key])) if key in ("rank", "omega") else row[key] for key in SAME if key in row)


def _rows(file: Path) -> Rows:
    with file.open(newline="", encoding="utf-8") as stream:
        return list(csv.DictReader(stream))


if __name__ == "__main__":
    sys.exit(main())
