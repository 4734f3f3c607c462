"""The gallery: figures are made, made again only when their scripts or inputs have changed, and shown on one page."""

from __future__ import annotations

import json
import platform
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from rankkit import execution
from rankkit.files import write_atomically
from rankkit.report.figure import Figure, digest, figures
from rankkit.version import __version__

__all__ = ["TERMS", "Figure", "figures", "gallery", "make", "tables"]

DOTS = 200  # per inch, of the .png
REASON = 200  # characters of an error that are shown
TERMS = (
    "B is a matrix with d rows and r columns, A is a matrix with r rows and n columns, and omega is the frequency of "
    "sin(omega B A), in radians per unit of B A. The sine, and any other function phi, is applied to every entry. "
    '"Kaiming factors" are random matrices B and A whose entries are uniformly distributed between -sqrt(6 / r) and '
    "sqrt(6 / r) in B, and between -sqrt(6 / n) and sqrt(6 / n) in A. The singular values of a matrix are called "
    "sigma, and the largest is sigma_1. A numerical rank counts the singular values above a multiple of sigma_1, which "
    "is max(d, n) times 2^-23 unless the text names another one. In the figures of the Sine-LoRA paper, U and V^T "
    "stand for B and A, and k stands for r."
)
HEAD = (
    "`rankkit figures` makes these figures. The files of one figure share its name: its script (.py), its data "
    "(.csv), its picture (.png and .svg), and its manifest (.json). The manifest records the arguments, the stored "
    "inputs, the versions of rankkit, numpy and Python, the time in seconds, and a digest of the data.",
    TERMS,
)


@dataclass(frozen=True)
class _Files:
    """What is made from one figure: all files have the figure's name."""

    folder: Path
    name: str

    def of(self, ending: str) -> Path:
        """Return the file with an ending, for instance ".csv"."""
        return self.folder / f"{self.name}{ending}"

    @property
    def data(self) -> Path:
        """What the script computed."""
        return self.of(".csv")

    @property
    def timing(self) -> Path:
        """What the clock said."""
        return self.of("_timing.csv")

    @property
    def manifest(self) -> Path:
        """What the data were made from; it is written last."""
        return self.of(".json")

    def hold(self, key: str) -> bool:
        """Return whether the files are whole and were made from what this key stands for."""
        try:
            about = json.loads(self.manifest.read_text())
            return about["key"] == key and about["data"] == digest(self.data.read_bytes())
        except (OSError, ValueError, KeyError):
            return False


def make(
    wanted: Iterable[Figure], out: Path, *, quick: bool = False, force: bool = False, progress: bool | None = None
) -> dict[str, str]:
    """Make the figures that are not up to date: NAME.csv, .png, .svg and .json.

    Parameters
    ----------
    wanted : iterable of Figure
        What to make.
    out : Path
        The folder for the files; it is made where it does not exist.
    quick : bool
        Use the smaller arguments.
    force : bool
        Make also what is up to date.
    progress : bool, optional
        Bar on stderr; None: where stderr is a terminal.

    Returns
    -------
    dict of str to str
        Figure -> "made", "kept", or "failed: " and the reason. A figure that fails does not keep the others from being
        made.
    """
    out.mkdir(parents=True, exist_ok=True)
    wanted = list(wanted)
    tracked = execution.track(wanted, total=len(wanted), progress=progress, label="figures")
    return {figure.name: _outcome(figure, out, quick, force) for figure in tracked}


def _outcome(figure: Figure, out: Path, quick: bool, force: bool) -> str:
    files = _Files(out, figure.name)
    try:
        key = figure.key(quick)
        if not force and files.hold(key):
            return "kept"
        _make(figure, files, quick, key)
    except Exception as error:  # a script may raise anything
        return f"failed: {type(error).__name__}: {' '.join(str(error).split())[:REASON]}"
    return "made"


def _make(figure: Figure, files: _Files, quick: bool, key: str) -> None:
    """Write a figure's files: the data first and the manifest last, so that what is half made is made again."""
    started, arguments = time.perf_counter(), figure.asked(quick)
    _write_csv(files.data, figure.data(**arguments))
    if figure.timing is not None:
        _write_csv(files.timing, figure.timing(**arguments))
    _draw(figure, files)
    about = {
        "key": key, "arguments": arguments, "inputs": [path.name for path in figure.inputs],
        "versions": _versions(), "seconds": round(time.perf_counter() - started, 2),
        "data": digest(files.data.read_bytes()),
    }  # fmt: skip
    write_atomically(files.manifest, lambda file: file.write((json.dumps(about, indent=1) + "\n").encode()))


def tables(figure: Figure, out: Path) -> list[Any]:
    """Return what a figure's `draw` takes, from the files in a folder.

    Parameters
    ----------
    figure : Figure
        One that has been made.
    out : Path
        The folder of its files.
    """
    import pandas as pd

    files = _Files(out, figure.name)
    return [pd.read_csv(file) for file in (files.data, *([files.timing] if figure.timing else []))]


def _draw(figure: Figure, files: _Files) -> None:
    import matplotlib as mpl
    import matplotlib.pyplot as plt

    from rankkit.plots.style import STYLE

    settings: dict[Any, Any] = {**STYLE, "svg.hashsalt": figure.name}
    with mpl.rc_context(settings):  # pyright: ignore[reportUnknownMemberType]
        drawn = figure.draw(*tables(figure, files.folder))
        for ending, metadata in (("png", {"Software": None}), ("svg", {"Date": None})):
            save = partial(drawn.savefig, format=ending, dpi=DOTS, metadata=metadata)
            write_atomically(files.of(f".{ending}"), save)
        plt.close(drawn)


def _write_csv(file: Path, columns: Mapping[str, Any]) -> None:
    import pandas as pd

    text = pd.DataFrame(dict(columns)).to_csv(index=False, float_format="%.8g", lineterminator="\n")
    write_atomically(file, lambda stream: stream.write(text.encode()))


def gallery(shown: Iterable[Figure]) -> str:
    """Return the gallery as Markdown: a thumbnail and two sentences for each figure.

    Parameters
    ----------
    shown : iterable of Figure
        The figures, in the order in which they stand.
    """
    lines = [
        "# Figures",
        "",
        *(paragraph for text in HEAD for paragraph in (text, "")),
    ]
    for figure in shown:
        name = figure.name
        lines += [
            f"## {figure.title}", "",
            f'<a href="{name}.svg"><img src="{name}.png" width="420" alt="{figure.title}"></a>', "",
            f"{figure.shows} {figure.compared} ([data]({name}.csv), [script]({name}.py))", "",
        ]  # fmt: skip
    return "\n".join(lines)


def _versions() -> dict[str, str]:
    return {"rankkit": __version__, "numpy": np.__version__, "python": platform.python_version()}
