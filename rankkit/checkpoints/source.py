"""Find what a user points to (a folder, a file, a state dict, a live model) and hand it to its reader."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeGuard

from rankkit.checkpoints.files.gguf import GgufFile
from rankkit.checkpoints.files.npz import NpzFile
from rankkit.checkpoints.files.safetensors import SafetensorsFile
from rankkit.checkpoints.files.shards import Shards
from rankkit.checkpoints.files.tensors import StateDict, Tensors, legible
from rankkit.checkpoints.files.torch_pickle import torch_file
from rankkit.checkpoints.folders import ITSELF, adapters_under
from rankkit.checkpoints.layer import Adapter
from rankkit.checkpoints.live import stored
from rankkit.checkpoints.live.model import of_model
from rankkit.checkpoints.live.stored import Weights
from rankkit.checkpoints.missing import reason_for_file, reason_for_folder
from rankkit.checkpoints.module_names import replicated
from rankkit.checkpoints.places import Unpacked, found, unpacked
from rankkit.checkpoints.readers import table
from rankkit.checkpoints.settings import BESIDE, FILE, says_scale, settled, yaml_fields
from rankkit.checkpoints.untrusted import is_mapping

__all__ = ["is_model", "model_config", "open_adapter", "open_tensors", "read_config", "tensor_file"]

CONFIG = "adapter_config.json"
MODEL_CONFIG = "config.json"
ZIP = ".zip"
INDEX = ".index.json"  # of a checkpoint in several files, behind what these end with
MAX_CONFIG = 10_000_000  # bytes; real ones take a few thousand
MAX_NAMES = 12  # adapters that a message names
MAX_MESSAGE = 2000  # characters of an error, whose words may be a file's
# what folders call their adapter, or their model, best first
STEMS = ("adapter_model", "adapters", "pytorch_lora_weights", "pytorch_adapter", "model", "pytorch_model", "lit_model")
# files of trainers that end like tensors' and hold none of an adapter
OTHERS = re.compile(
    r"(training_args|optimizer|scheduler|scaler|recipe_state|rng_state\w*|random_states\w*)\.(bin|pt|pth)"
)
SHARD = re.compile(r"-\d{5}-of-(?!00001)\d{5}\.")  # in the name of one of several files that make a checkpoint

FILES: dict[str, Callable[[Path], Tensors]] = {
    ".safetensors": SafetensorsFile,
    f".safetensors{INDEX}": lambda path: Shards(path, _load_json(path), SafetensorsFile, ".safetensors"),
    f".bin{INDEX}": lambda path: Shards(path, _load_json(path), torch_file, ".bin"),
    ".npz": NpzFile,
    ".bin": torch_file,
    ".pth.lora": torch_file,  # LitGPT's
    ".pt": torch_file,
    ".pth": torch_file,
    ".ckpt": torch_file,
    ".gguf": GgufFile,
}  # where a folder has two of one name, the first counts, as PEFT has it


def open_adapter(
    source: Any, *, config: Mapping[str, Any] | None = None, family: str | None = None,
    adapter: str | Sequence[str] | None = None, each: bool = False, base: Weights | None = None,
    inputs: Any = None,
) -> Adapter:  # fmt: skip
    """Return the layers of an adapter.

    Parameters
    ----------
    source : path, str, mapping or live PEFT model
        A folder, a tensor file (with adapter_config.json beside it, if there is one), a zip of these, a name on the
        Hugging Face Hub ("org/name", "hf://org/name"), a state dict, or a model in memory that has PEFT's layers.
    config : mapping, optional
        The adapter's configuration, where it is not beside the file or in the model.
    family : str, optional
        Which of `rankkit.checkpoints.READERS` to read it as; None: what its keys, shapes and configuration tell.
    adapter : str or sequence of str, optional
        Of a live model: which of its adapters, or the sum of which; None: the active ones.
    each : bool
        Of a live model: also each of these adapters alone.
    base : Weights, optional
        The model it was trained on, for the methods of PEFT's whose update takes it.
    inputs : mapping, tuple or tensor, optional
        Of a live model: what it is called with, for layers that are not linear in their input.

    Raises
    ------
    ValueError
        If there is nothing to read, or it is damaged, or of a family or method that is unsupported.
    TypeError
        If the source is of no such kind.
    """
    try:
        if is_model(source):
            return of_model(source, adapter=adapter, each=each, inputs=inputs, config=config, family=family)
        return _opened(source, config, family, base)
    except ValueError as error:
        below = adapters_under(source) if _is_path(source) else {}
        if below and ITSELF not in below:
            raise ValueError(
                f"{os.fspath(source)} holds no adapter of its own, but its subfolders do: {_list(below)}, newest last; "
                "name one of them, or measure them all with --all (each=True)."
            ) from None
        raise ValueError(legible(str(error), MAX_MESSAGE)) from None


def open_tensors(source: Any) -> Tensors:
    """Return the tensors of a model: of a folder, a file, the index of its shards, a state dict, or one in memory.

    Raises
    ------
    TypeError
        If the source is of no such kind.
    ValueError
        If there is nothing to read, or it is damaged.
    """
    if is_model(source):
        return StateDict(source.state_dict())
    if is_mapping(source):
        return StateDict(source)
    if not _is_path(source):
        raise TypeError(
            f"a model must be a path, a state dict or a model in memory, got {type(source).__name__}; pass for "
            "instance the folder that save_pretrained wrote."
        )
    try:
        return _in_place(source, None)[0]
    except ValueError as error:
        raise ValueError(legible(str(error), MAX_MESSAGE)) from None


def _opened(source: Any, config: Mapping[str, Any] | None, family: str | None, base: Weights | None) -> Adapter:
    if _is_path(source):
        tensors, file = _in_place(source, _pick)
        config = (read_config(file) or _foreign(file)) if config is None else config
        adapter = _read(tensors, config, family, base)
        return replace(adapter, beside=tuple(name for name in adapters_under(source) if name != ITSELF))
    if is_mapping(source):
        return _read(StateDict(source), config, family, base)
    raise TypeError(
        f"source must be a path, a state dict or a live PEFT model, got {type(source).__name__}; "
        "pass the folder that save_pretrained wrote."
    )


def _list(names: Collection[str]) -> str:
    """Return names for a message, the last of them where there are many."""
    shown = list(names)[-MAX_NAMES:]
    return ", ".join([*(["..."] if len(shown) < len(names) else []), *shown])


def is_model(source: object) -> bool:
    """Return whether a source is a model in memory."""
    return hasattr(source, "named_modules") and hasattr(source, "state_dict")


def _in_place(source: str | os.PathLike[str], fetch: Callable[[list[str]], str] | None) -> tuple[Tensors, Path]:
    """Return the tensors that a path or a name on the Hub means, and the file that they are in."""
    place = found(source, fetch)
    if place.suffix != ZIP or not place.is_file():
        file = tensor_file(place)
        return FILES[_kind(file.name)](file), file
    if reason := reason_for_file(place):
        raise ValueError(f"{place} is {reason}.")
    folder = unpacked(place, _pick)
    file = tensor_file(folder)
    return Unpacked(FILES[_kind(file.name)](file), str(source), folder), file


def _is_path(source: object) -> TypeGuard[str | os.PathLike[str]]:
    return isinstance(source, (str, os.PathLike))


def _read(tensors: Tensors, config: Mapping[str, Any] | None, family: str | None, base: Weights | None) -> Adapter:
    if config is not None and family is None and stored.takes_peft(config, base, tensors.info):
        return stored.of_file(tensors, config, base)
    config = settled(config)
    adapter = table.read(tensors, config, family)
    if ranges := (config or {}).get("layer_replication"):
        copies = [replace(layer, copied=replicated(layer.name, ranges)) for layer in adapter.layers]
        adapter = replace(adapter, layers=tuple(copies))
    return replace(adapter, use_rslora=bool(config and config.get("use_rslora")))


def _kind(name: str) -> str:
    """Return the ending of a file's name that FILES knows, or ""."""
    return next((ending for ending in FILES if name.endswith(ending)), "")


def read_config(source: str | os.PathLike[str]) -> Mapping[str, Any] | None:
    """Return the configuration that lies beside an adapter's tensor file; None where there is none."""
    beside = tensor_file(source).parent / CONFIG
    return _load_json(beside) if beside.is_file() else None


def model_config(source: Any) -> Mapping[str, Any]:
    """Return the configuration that lies beside a model's tensors; an empty one where none can be read."""
    if not _is_path(source):
        return {}
    try:
        return _load_json(tensor_file(source).parent / MODEL_CONFIG)
    except (ValueError, OSError):
        return {}


def _foreign(file: Path) -> Mapping[str, Any] | None:
    """Return the first of other trainers' configurations beside a tensor file that tells a scale."""
    for beside in (file.parent / name for name in BESIDE):
        if not beside.is_file():
            continue
        try:
            block = beside.suffix == ".yaml"
            content = yaml_fields(_text(beside)) if block else _load_json(beside)
        except ValueError:  # it may be about anything
            continue
        if says_scale(told := settled(content, deep=block) or {}):
            return {**told, FILE: beside.name}
    return None


def tensor_file(source: str | os.PathLike[str]) -> Path:
    """Return the file that holds an adapter's tensors, or the index of those that do.

    Raises
    ------
    ValueError
        If there is none, or more than one.
    """
    path = found(source)
    if path.is_file():
        if reason := reason_for_file(path):
            raise ValueError(f"{path} is {reason}.")
        if not _kind(path.name):
            raise ValueError(f"{path} is no tensor file: expected one that ends in {', '.join(FILES)}.")
        return path
    try:
        file = path / _pick(sorted(file.name for file in path.iterdir() if file.is_file()))
    except ValueError as error:
        reason = reason_for_folder(path)
        raise ValueError(f"{path} is {reason}." if reason else f"{path} holds {error}") from None
    return tensor_file(file)


def _pick(names: list[str]) -> str:
    """Return the name of a folder's file, of all of them, that holds the adapter's tensors.

    Raises
    ------
    ValueError
        If there is none, or more than one: the end of a sentence about the folder.
    """
    fits = [name for name in names if _kind(name) and not OTHERS.fullmatch(name)]
    if indices := [name for name in fits if _kind(name).endswith(INDEX)]:  # the shards are the index's business
        stems = tuple(f"{_stem(name)}-" for name in indices)
        fits = [name for name in fits if not name.startswith(stems)]
    for stem in STEMS:
        fits = [name for name in fits if _stem(name) == stem] or fits
    if fits and not indices and all(map(SHARD.search, fits)):
        raise ValueError(f"shards, {fits[0]} and others, without the index that says what is in which; copy it, too.")
    if len(set(map(_stem, fits))) == 1:
        return min(fits, key=lambda name: list(FILES).index(_kind(name)))
    if fits:
        raise ValueError(f"several tensor files: {', '.join(fits)}; name one of them.")
    raise ValueError(f"no tensor file ({', '.join(FILES)}); pass the folder that save_pretrained wrote, or a file.")


def _stem(name: str) -> str:
    return name.removesuffix(_kind(name))


def _text(path: Path) -> str:
    """Return a configuration's text, in the encoding that the mark tells which programs on Windows put before it."""
    if path.stat().st_size > MAX_CONFIG:
        raise ValueError(f"{path} is larger than {MAX_CONFIG} bytes; that is no adapter configuration.")
    written = path.read_bytes()
    return written.decode(json.detect_encoding(written))


def _load_json(path: Path) -> Mapping[str, Any]:
    if reason := reason_for_file(path):
        raise ValueError(f"{path} is {reason}.")
    try:
        content = json.loads(_text(path))
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{path} is not valid JSON: {error}.") from None
    if not is_mapping(content):
        raise ValueError(f"{path} must hold a JSON object, got {type(content).__name__}.")
    return content
