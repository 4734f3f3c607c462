"""Find what a user points to (a folder, a file, a state dict, a live model) and hand it to its reader."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeGuard

from rankkit.checkpoints.files.npz import NpzFile
from rankkit.checkpoints.files.safetensors import SafetensorsFile
from rankkit.checkpoints.files.shards import Shards
from rankkit.checkpoints.files.tensors import StateDict, Tensors, legible
from rankkit.checkpoints.files.torch_pickle import torch_file
from rankkit.checkpoints.layer import Adapter
from rankkit.checkpoints.readers import peft, table
from rankkit.checkpoints.settings import BESIDE, FILE, says_scale, settled, yaml_fields
from rankkit.checkpoints.untrusted import is_mapping

__all__ = ["open_adapter", "open_tensors", "read_config", "tensor_file"]

CONFIG = "adapter_config.json"
INDEX = ".safetensors.index.json"
MAX_CONFIG = 10_000_000  # bytes; real ones take a few thousand
MAX_MESSAGE = 2000  # characters of an error, whose words may be a file's
# what folders call their adapter, or their model, best first
STEMS = ("adapter_model", "adapters", "pytorch_lora_weights", "model", "pytorch_model")

FILES: dict[str, Callable[[Path], Tensors]] = {
    ".safetensors": SafetensorsFile,
    INDEX: lambda path: Shards(path, _load_json(path)),
    ".npz": NpzFile,
    ".bin": torch_file,
    ".pt": torch_file,
    ".pth": torch_file,
    ".ckpt": torch_file,
    ".pth.lora": torch_file,  # LitGPT's
}


def open_adapter(source: Any, *, config: Mapping[str, Any] | None = None, family: str | None = None) -> Adapter:
    """Return the layers of an adapter.

    Parameters
    ----------
    source : path, mapping or live PEFT model
        A folder, a tensor file (with adapter_config.json beside it, if there is one), a state dict, or a model that
        carries `peft_config`.
    config : mapping, optional
        The adapter's configuration, where it is not beside the file or in the model.
    family : str, optional
        Which of `rankkit.checkpoints.READERS` to read it as; None: what its keys, shapes and configuration tell.

    Raises
    ------
    ValueError
        If there is nothing to read, or it is damaged, or of a family or method that is unsupported.
    TypeError
        If the source is of no such kind.
    """
    try:
        return _opened(source, config, family)
    except ValueError as error:  # its words may be a file's
        raise ValueError(legible(str(error), MAX_MESSAGE)) from None


def open_tensors(source: str | os.PathLike[str] | Mapping[str, Any]) -> Tensors:
    """Return the tensors of a model: of a folder, a file, the index of its shards, or a state dict.

    Raises
    ------
    ValueError
        If there is nothing to read, or it is damaged.
    """
    if isinstance(source, Mapping):
        return StateDict(source)
    try:
        file = tensor_file(source)
        return FILES[_kind(file)](file)
    except ValueError as error:
        raise ValueError(legible(str(error), MAX_MESSAGE)) from None


def _opened(source: Any, config: Mapping[str, Any] | None, family: str | None) -> Adapter:
    if _is_path(source):
        file = tensor_file(source)
        config = (read_config(file) or _foreign(file)) if config is None else config
        return _read(FILES[_kind(file)](file), config, family)
    if is_mapping(source):
        return _read(StateDict(source), config, family)
    if hasattr(source, "peft_config") and hasattr(source, "state_dict"):
        state, live_config = peft.from_model(source)
        tensors = StateDict(state, source=type(source).__name__)
        return _read(tensors, live_config if config is None else config, family)
    raise TypeError(
        f"source must be a path, a state dict or a live PEFT model, got {type(source).__name__}; "
        "pass the folder that save_pretrained wrote."
    )


def _is_path(source: object) -> TypeGuard[str | os.PathLike[str]]:
    return isinstance(source, (str, os.PathLike))


def _read(tensors: Tensors, config: Mapping[str, Any] | None, family: str | None) -> Adapter:
    config = settled(config)
    return replace(table.read(tensors, config, family), use_rslora=bool(config and config.get("use_rslora")))


def _kind(path: Path) -> str:
    """Return the ending that FILES knows, or ""."""
    return next((ending for ending in FILES if path.name.endswith(ending)), "")


def read_config(source: str | os.PathLike[str]) -> Mapping[str, Any] | None:
    """Return the configuration that lies beside an adapter's tensor file; None where there is none."""
    beside = tensor_file(source).parent / CONFIG
    return _load_json(beside) if beside.is_file() else None


def _foreign(file: Path) -> Mapping[str, Any] | None:
    """Return the first of other trainers' configurations beside a tensor file that tells a scale."""
    for beside in (file.parent / name for name in BESIDE):
        if not beside.is_file():
            continue
        try:
            content = yaml_fields(_text(beside)) if beside.suffix == ".yaml" else _load_json(beside)
        except ValueError:  # it may be about anything
            continue
        if says_scale(told := settled(content) or {}):
            return {**told, FILE: beside.name}
    return None


def tensor_file(source: str | os.PathLike[str]) -> Path:
    """Return the file that holds an adapter's tensors, or the index of those that do.

    Raises
    ------
    ValueError
        If there is none, or more than one.
    """
    path = Path(source)
    if path.is_file():
        if not _kind(path):
            raise ValueError(f"{path} is no tensor file: expected one that ends in {', '.join(FILES)}.")
        return path
    if not path.is_dir():
        raise ValueError(f"{path} does not exist; pass an adapter folder or a tensor file.")
    found = sorted(file for file in path.iterdir() if _kind(file) and file.is_file())
    if indices := [file for file in found if _kind(file) == INDEX]:  # the shards are the index's business
        stems = tuple(f"{file.name.removesuffix(INDEX)}-" for file in indices)
        found = [file for file in found if not file.name.startswith(stems)]
    for stem in STEMS:
        found = [file for file in found if file.name.removesuffix(_kind(file)) == stem] or found
    if len(found) == 1:
        return found[0]
    if found:
        names = ", ".join(file.name for file in found)
        raise ValueError(f"{path} holds several tensor files: {names}; name one of them.")
    raise ValueError(
        f"{path} holds no tensor file ({', '.join(FILES)}); pass the folder that save_pretrained wrote, or a file."
    )


def _text(path: Path) -> str:
    """Return a configuration's text, without the mark that editors on Windows put in front of it."""
    if path.stat().st_size > MAX_CONFIG:
        raise ValueError(f"{path} is larger than {MAX_CONFIG} bytes; that is no adapter configuration.")
    return path.read_text(encoding="utf-8-sig")


def _load_json(path: Path) -> Mapping[str, Any]:
    try:
        content = json.loads(_text(path))
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{path} is not valid JSON: {error}.") from None
    if not is_mapping(content):
        raise ValueError(f"{path} must hold a JSON object, got {type(content).__name__}.")
    return content
