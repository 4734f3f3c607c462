"""Find what a user points to (a folder, a file, a state dict, a live model) and hand it to its reader."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rankkit.checkpoints import peft
from rankkit.checkpoints.layers import Adapter
from rankkit.checkpoints.safetensors import SafetensorsFile
from rankkit.checkpoints.tensors import StateDict

__all__ = ["open_adapter"]

CONFIG = "adapter_config.json"
MAX_CONFIG = 10_000_000  # bytes


def open_adapter(source: Any, *, config: Mapping[str, Any] | None = None) -> Adapter:
    """Return the layers of an adapter.

    Parameters
    ----------
    source : path, mapping or live PEFT model
        A PEFT folder, a .safetensors file (with adapter_config.json beside it, if there is one), a state
        dict, or a model that carries `peft_config`.
    config : mapping, optional
        The adapter's configuration, where it is not beside the file or in the model.

    Raises
    ------
    ValueError
        If there is nothing to read, or it is damaged, or of a family that is not read.
    """
    if isinstance(source, (str, os.PathLike)):
        file = _tensor_file(Path(source))
        beside = file.parent / CONFIG
        if config is None and beside.is_file():
            config = _load_config(beside)
        return peft.read(SafetensorsFile(file), config)
    if isinstance(source, Mapping):
        return peft.read(StateDict(source), config)
    if hasattr(source, "peft_config") and hasattr(source, "state_dict"):
        state, live_config = peft.from_model(source)
        return peft.read(StateDict(state, source=type(source).__name__), live_config if config is None else config)
    raise TypeError(
        f"source must be a path, a state dict or a live PEFT model, got {type(source).__name__}; "
        "pass the folder that save_pretrained wrote."
    )


def _tensor_file(path: Path) -> Path:
    if path.is_file():
        if path.suffix != ".safetensors":
            raise ValueError(f"{path} is not a .safetensors file, and {path.suffix or 'other'} files are not read yet.")
        return path
    if not path.is_dir():
        raise ValueError(f"{path} does not exist; pass an adapter folder or a .safetensors file.")
    if (path / "adapter_model.safetensors").is_file():
        return path / "adapter_model.safetensors"
    found = sorted(file.name for file in path.glob("*.safetensors"))
    if len(found) == 1:
        return path / found[0]
    if found:
        raise ValueError(f"{path} holds several tensor files: {', '.join(found)}; name one of them.")
    raise ValueError(f"{path} holds no .safetensors file; pass the folder that save_pretrained wrote.")


def _load_config(path: Path) -> Mapping[str, Any]:
    if path.stat().st_size > MAX_CONFIG:
        raise ValueError(f"{path} is larger than {MAX_CONFIG} bytes; that is no adapter configuration.")
    try:
        config = json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{path} is not valid JSON: {error}.") from None
    if not isinstance(config, dict):
        raise ValueError(f"{path} must hold a JSON object, got {type(config).__name__}.")
    return config
