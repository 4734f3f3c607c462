"""A file that is opened again and again must be the one whose header was read."""

from __future__ import annotations

import os
from collections.abc import Generator
from contextlib import contextmanager
from io import BufferedReader
from pathlib import Path
from typing import IO, NamedTuple

__all__ = ["Stamp", "check", "opened", "stamp_of"]


class Stamp(NamedTuple):
    """What tells two states of a file apart.

    Attributes
    ----------
    device, inode : int
        Which file it is.
    size : int
        In bytes.
    modified : int
        When, in nanoseconds.
    """

    device: int
    inode: int
    size: int
    modified: int


def stamp_of(path: Path) -> Stamp:
    """Return the stamp of a file."""
    return _stamp(path.stat())


@contextmanager
def opened(path: Path, stamp: Stamp) -> Generator[BufferedReader]:
    """Open a file for reading, as long as it is the one that the stamp was taken of.

    Parameters
    ----------
    path : Path
    stamp : Stamp
        From before its header was read.

    Yields
    ------
    open file

    Raises
    ------
    ValueError
        If it is another file now or has been written to, also in the meantime.
    """
    with path.open("rb") as file:
        check(path, file, stamp)
        yield file
        check(path, file, stamp)


def check(path: Path, file: IO[bytes], stamp: Stamp) -> None:
    """Make sure that an open file is the one that the stamp was taken of, and has not been written to.

    Parameters
    ----------
    path : Path
    file : open file
    stamp : Stamp

    Raises
    ------
    ValueError
        If it is another one now, or has been written to.
    """
    now = _stamp(os.fstat(file.fileno()))
    if now != stamp:
        how = "shrank" if now.size < stamp.size else "changed"
        raise ValueError(f"{path} {how} while it was being read; try again when it is whole.")


def _stamp(about: os.stat_result) -> Stamp:
    return Stamp(about.st_dev, about.st_ino, about.st_size, about.st_mtime_ns)
