"""A checkpoint in several files, of safetensors or of torch's, as its index names them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from rankkit.checkpoints.files.tensors import TensorInfo, Tensors
from rankkit.checkpoints.missing import reason_for_file
from rankkit.checkpoints.untrusted import is_mapping
from rankkit.factors import Array

__all__ = ["Shards"]

MOST = 1000  # files an index may name; the largest models come in a few hundred


class Shards:
    """The tensors of all files an index names, each read from its own.

    Parameters
    ----------
    index : Path
        The index file; its shards lie beside it.
    content : mapping
        What it holds: "weight_map", name -> file.
    opened : callable
        Opens one of its files.
    ending : str
        What the names of its files end with.

    Raises
    ------
    ValueError
        If the index is malformed, leaves its folder, or a shard is missing or damaged.
    """

    def __init__(self, index: Path, content: Mapping[str, Any], opened: Callable[[Path], Tensors], ending: str) -> None:
        self.source = str(index)
        placed: object = content.get("weight_map")
        if not is_mapping(placed) or not all(isinstance(name, str) for name in placed.values()):
            raise ValueError(f"{index} has no weight_map of tensors to files; it is no index of shards.")
        names: list[str] = list(dict.fromkeys(placed.values()))
        if len(names) > MOST or any(Path(name).name != name or not name.endswith(ending) for name in names):
            raise ValueError(f"{index} must name at most {MOST} {ending} files beside it; it does not.")
        files: dict[str, Tensors] = {}
        for name in names:
            if not (index.parent / name).is_file():
                raise ValueError(f"{index} names the shard {name}, which is not beside it; copy all shards.")
            if reason := reason_for_file(index.parent / name):
                raise ValueError(f"{index.parent / name} is {reason}.")
            files[name] = opened(index.parent / name)
        self.metadata: dict[str, Any] = {
            name: value for file in files.values() for name, value in file.metadata.items()
        }
        self.info: dict[str, TensorInfo] = {}
        self._file: dict[str, Tensors] = {}
        for tensor, name in placed.items():
            if tensor not in files[name].info:
                raise ValueError(f"{index} says that {name} holds {tensor!r}, but it does not; copy it again.")
            self.info[tensor], self._file[tensor] = files[name].info[tensor], files[name]

    def read(self, name: str) -> Array:
        """Return one tensor, as its own file does."""
        return self._file[name].read(name)

    def read_rows(self, name: str, first: int, end: int) -> Array:
        """Return some rows of one tensor, as `SafetensorsFile.read_rows` does; only where `in_rows`."""
        file: Any = self._file[name]
        return file.read_rows(name, first, end)

    @property
    def in_rows(self) -> bool:
        """Whether rows of a tensor can be read without the others."""
        return all(hasattr(file, "read_rows") for file in self._file.values())
