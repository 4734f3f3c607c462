"""Figures as scripts: each computes its data and draws it, and is made again only when what it rests on has changed."""

from __future__ import annotations

import hashlib
import json
import platform
import runpy
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from rankkit import execution
from rankkit.store import write_atomically

__all__ = ["Figure", "figures", "gallery", "make", "tables"]

DOTS = 200  # an inch, of the picture for the eye
NEEDED = ("TITLE", "SHOWS", "COMPARED", "ARGUMENTS", "data", "draw")


@dataclass(frozen=True)
class Figure:
    """One script of a folder: what it computes, how it draws it, and the two sentences that go with it.

    Attributes
    ----------
    name : str
        The script's stem, and that of everything made from it.
    script : Path
    title, shows, compared : str
        What it is, what it shows, and how that compares with what a paper says of it.
    arguments, quick : mapping
        What `data` is called with, and what of it is smaller with --quick.
    data : callable
        (**arguments) -> mapping of column to values.
    draw : callable
        Table -> matplotlib figure; (table, timing) where there is a timing.
    timing : callable, optional
        (**arguments) -> columns of what the clock said; kept beside the data, as it differs from run to run.
    inputs : tuple of Path
        Stored data that it reads.
    """

    name: str
    script: Path
    title: str
    shows: str
    compared: str
    arguments: Mapping[str, Any]
    quick: Mapping[str, Any]
    data: Callable[..., Mapping[str, Any]]
    draw: Callable[..., Any]
    timing: Callable[..., Mapping[str, Any]] | None = None
    inputs: tuple[Path, ...] = field(default=())

    def asked(self, quick: bool) -> dict[str, Any]:
        """Return the arguments of a full or a quick run."""
        return {**self.arguments, **(self.quick if quick else {})}

    def key(self, quick: bool) -> str:
        """Return a digest of all that the data rest on: script, arguments, stored inputs, rankkit's version."""
        from rankkit import __version__

        parts = {
            "script": _digest(self.script.read_bytes()),
            "arguments": self.asked(quick),
            "inputs": {path.name: _digest(path.read_bytes()) for path in self.inputs},
            "rankkit": __version__,
        }
        return _digest(json.dumps(parts, sort_keys=True).encode())


def figures(folder: Path, names: Iterable[str] = ()) -> list[Figure]:
    """Return the figures of a folder's scripts, or those of the names; the scripts are run.

    Raises
    ------
    ValueError
        If there are none, not those asked for, or one lacks a part.
    """
    scripts = {script.stem: script for script in sorted(folder.glob("*.py"))}
    if not scripts:
        raise ValueError(f"{folder} has no figure scripts; run in a checkout of rankkit, or pass --from FOLDER.")
    if missing := [name for name in names if name not in scripts]:
        raise ValueError(f"there is no figure {missing[0]}; there are {', '.join(scripts)}.")
    return [_read(scripts[name]) for name in (names or scripts)]


def _read(script: Path) -> Figure:
    found = runpy.run_path(str(script))
    if missing := [part for part in NEEDED if part not in found]:
        raise ValueError(f"{script.name} is no figure: it lacks {', '.join(missing)}.")
    return Figure(
        script.stem, script, found["TITLE"], found["SHOWS"], found["COMPARED"], found["ARGUMENTS"],
        found.get("QUICK", {}), found["data"], found["draw"], found.get("timing"),
        tuple(script.parent / name for name in found.get("INPUTS", ())),
    )  # fmt: skip


def make(
    wanted: Iterable[Figure], out: Path, *, quick: bool = False, force: bool = False, progress: bool | None = None
) -> dict[str, str]:
    """Make the figures that are not up to date: NAME.csv, .png, .svg and .json.

    Returns figure -> "made", "kept", or "failed: " and why; one that fails does not keep the others from being made.

    Parameters
    ----------
    wanted : iterable of Figure
    out : Path
        Folder; made where it does not exist.
    quick : bool
        Smaller arguments.
    force : bool
        Make all.
    progress : bool, optional
        Bar on stderr; None: where stderr is a terminal.
    """
    out.mkdir(parents=True, exist_ok=True)
    wanted = list(wanted)
    tracked = execution.track(wanted, total=len(wanted), progress=progress, label="figures")
    return {figure.name: _made(figure, out, quick, force) for figure in tracked}


def _made(figure: Figure, out: Path, quick: bool, force: bool) -> str:
    try:
        return "made" if _make(figure, out, quick, force) else "kept"
    except Exception as error:  # a script may raise anything
        return f"failed: {type(error).__name__}: {' '.join(str(error).split())[:200]}"


def _make(figure: Figure, out: Path, quick: bool, force: bool) -> bool:
    """Return whether it had to be made. Data first, the manifest last: what is half made is made again."""
    manifest, key = out / f"{figure.name}.json", figure.key(quick)
    data = out / f"{figure.name}.csv"
    if not force and _up_to_date(manifest, data, key):
        return False
    started = time.perf_counter()
    _write_csv(data, figure.data(**figure.asked(quick)))
    if figure.timing is not None:
        _write_csv(_timing(figure, out), figure.timing(**figure.asked(quick)))
    _draw(figure, tables(figure, out), out)
    about = {
        "key": key, "arguments": figure.asked(quick), "inputs": [path.name for path in figure.inputs],
        "versions": _versions(), "seconds": round(time.perf_counter() - started, 2),
        "data": _digest(data.read_bytes()),
    }  # fmt: skip
    write_atomically(manifest, lambda file: file.write((json.dumps(about, indent=1) + "\n").encode()))
    return True


def tables(figure: Figure, out: Path) -> list[Any]:
    """Return what a figure's `draw` takes, from the files in a folder."""
    import pandas as pd

    files = [out / f"{figure.name}.csv", *([_timing(figure, out)] if figure.timing else [])]
    return [pd.read_csv(file) for file in files]


def _timing(figure: Figure, out: Path) -> Path:
    return out / f"{figure.name}_timing.csv"


def _up_to_date(manifest: Path, data: Path, key: str) -> bool:
    try:
        about = json.loads(manifest.read_text())
        return about["key"] == key and about["data"] == _digest(data.read_bytes())
    except (OSError, ValueError, KeyError):
        return False


def _draw(figure: Figure, given: list[Any], out: Path) -> None:
    import matplotlib as mpl
    import matplotlib.pyplot as plt

    from rankkit.plots.style import STYLE

    with mpl.rc_context({**STYLE, "svg.hashsalt": figure.name}):
        drawn = figure.draw(*given)
        for ending, metadata in (("png", {"Software": None}), ("svg", {"Date": None})):
            save = partial(drawn.savefig, format=ending, dpi=DOTS, metadata=metadata)
            write_atomically(out / f"{figure.name}.{ending}", save)
        plt.close(drawn)


def _write_csv(file: Path, columns: Mapping[str, Any]) -> None:
    import pandas as pd

    text = pd.DataFrame(dict(columns)).to_csv(index=False, float_format="%.8g", lineterminator="\n")
    write_atomically(file, lambda stream: stream.write(text.encode()))


def gallery(shown: Iterable[Figure]) -> str:
    """Return the gallery as Markdown: a thumbnail and two sentences a figure."""
    lines = ["# Figures", "", "Made by `rankkit figures`; data, picture (.png, .svg) and manifest share a name.", ""]
    for figure in shown:
        name = figure.name
        lines += [
            f"## {figure.title}", "",
            f'<a href="{name}.svg"><img src="{name}.png" width="420" alt="{figure.title}"></a>', "",
            f"{figure.shows} {figure.compared} ([data]({name}.csv), [script]({name}.py))", "",
        ]  # fmt: skip
    return "\n".join(lines)


def _versions() -> dict[str, str]:
    from rankkit import __version__

    return {"rankkit": __version__, "numpy": np.__version__, "python": platform.python_version()}


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
