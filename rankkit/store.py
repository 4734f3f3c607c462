"""Store: a folder with the finished pieces of one computation, so that a killed run goes on where it stopped."""

from __future__ import annotations

import json
import os
import warnings
import zipfile
import zlib
from collections.abc import Container, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import numpy as np

from rankkit.files import write_atomically, write_npz

__all__ = ["MANIFEST", "Store"]

MANIFEST = "store.json"
FORMAT = 1  # of the manifest
LONG = 4  # entries of a list that a message shows in full


@dataclass(frozen=True)
class Store:
    """A folder with finished pieces of one computation, and a manifest that says which computation it is.

    Attributes
    ----------
    folder : Path
    arguments : dict
        What is computed, as JSON-ready values.
    platform : dict
        The versions and the machine that began it.
    """

    folder: Path
    arguments: dict[str, Any]
    platform: dict[str, str]

    @classmethod
    def begin(
        cls,
        folder: str | os.PathLike[str],
        arguments: Mapping[str, Any],
        platform: Mapping[str, str],
        *,
        follows: Mapping[str, str] | None = None,
    ) -> Store:
        """Return the store of a computation: the one that is in the folder, or a new one.

        Parameters
        ----------
        folder : path
            Made if absent.
        arguments : mapping
            What is computed, as JSON-ready values.
        platform : mapping
            The versions and the machine at hand.
        follows : mapping of str to str, optional
            An argument -> another one from which it is computed. The message leaves the first out where the second
            differs too.

        Returns
        -------
        Store

        Warns
        -----
        UserWarning
            If the store was begun on another platform: numbers may then differ in their last bits.

        Raises
        ------
        ValueError
            If the folder holds the store of another computation. The message says what differs.
        """
        folder = Path(folder)
        if not (folder / MANIFEST).exists():
            folder.mkdir(parents=True, exist_ok=True)
            about = json.dumps({"format": FORMAT, "arguments": arguments, "platform": platform}, indent=1).encode()
            write_atomically(folder / MANIFEST, lambda file: file.write(about))
            return cls(folder, dict(arguments), dict(platform))
        found = cls.open(folder)
        if differences := _differences(found.arguments, json.loads(json.dumps(arguments)), follows):
            raise ValueError(f"{folder} is the store of another computation: {differences}; name another folder.")
        if differences := _differences(found.platform, dict(platform), None):
            warnings.warn(f"{folder} was begun on another platform: {differences}.", stacklevel=2)
        return found

    @classmethod
    def open(cls, folder: str | os.PathLike[str]) -> Store:
        """Return the store that is in a folder.

        Parameters
        ----------
        folder : path

        Returns
        -------
        Store

        Raises
        ------
        ValueError
            If there is none, or its manifest cannot be read or is of another format.
        """
        manifest = Path(folder) / MANIFEST
        try:
            about = json.loads(manifest.read_text())
            store, version = cls(Path(folder), about["arguments"], about["platform"]), about["format"]
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise ValueError(f"{manifest} cannot be read ({error}); name the folder of a store.") from None
        if version != FORMAT:
            raise ValueError(
                f"{manifest} has format {version}, and this rankkit reads format {FORMAT}; use a later rankkit."
            )
        return store

    def write(self, name: str, arrays: Mapping[str, Any]) -> None:
        """Write one finished piece into the folder: whole, or not at all.

        Parameters
        ----------
        name : str
            Of the piece, and of its file.
        arrays : mapping of str to array
        """
        write_atomically(self.folder / f"{name}.npz", lambda file: write_npz(file, arrays))

    def pieces(self, *, skip: Container[str] = ()) -> Iterator[tuple[str, dict[str, Any]]]:
        """Return an iterator over the finished pieces as (name, arrays). A file that cannot be read is left out.

        Parameters
        ----------
        skip : container of str
            Names of pieces that are not wanted.
        """
        for path in sorted(self.folder.glob("*.npz")):
            if path.stem in skip:
                continue
            try:
                with np.load(path, allow_pickle=False) as file:
                    yield path.stem, {name: file[name] for name in file.files}
            except (OSError, ValueError, EOFError, KeyError, zipfile.BadZipFile, zlib.error, NotImplementedError):
                continue


def _differences(found: Mapping[str, Any], wanted: Mapping[str, Any], follows: Mapping[str, str] | None) -> str:
    """Return in words what two records say differently; no text where they agree."""
    differ = [key for key in {**found, **wanted} if found.get(key) != wanted.get(key)]
    keys = [key for key in differ if (follows or {}).get(key) not in differ]
    return ", ".join(f"{key} {_short(found.get(key))} there and {_short(wanted.get(key))} here" for key in keys)


def _short(value: Any) -> str:
    whole, entries = str(value), cast("list[Any]", value)
    if not isinstance(value, list) or len(entries) <= LONG:
        return whole
    return f"[{entries[0]}, {entries[1]}, ..., {entries[-1]}] ({len(entries)} of them)"
