"""PyTorch's own files (.bin, .pt, .pth, .ckpt), read without ever running what is pickled in them."""

from __future__ import annotations

import pickle
import warnings
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rankkit.checkpoints.tensors import StateDict

__all__ = ["torch_file"]

MAX_INFLATION = 20  # unpacked bytes a packed one, in files worth worrying about: torch does not compress
WORRY = 100_000_000
DEEP = 3  # nested mappings looked into: {"state_dict": {...}}


class _OnHost(StateDict):
    """Tensors of a file, handed out as numpy, so that every kind of file is computed alike."""

    def read(self, name: str) -> Any:
        """Return the tensor as numpy, bfloat16 widened to float32 (exactly)."""
        tensor = super().read(name)
        return (tensor.float() if "bfloat16" in str(tensor.dtype) else tensor).numpy()


def torch_file(path: Path) -> StateDict:
    """Return the tensors of a file written by torch.save: a mapping of names, nested or not, or a bare list.

    Raises
    ------
    ValueError
        If the file holds anything but tensors and plain containers, or is damaged, or inflates.
    """
    import torch

    try:
        packed = _check_size(path)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # on what a damaged file looks like
            try:
                content = torch.load(path, map_location="cpu", weights_only=True, mmap=packed)
            except RuntimeError:  # mmap is refused for some sound files
                content = torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        reason = str(error).splitlines()[0]
        raise ValueError(f"{path} is not read: it holds more than tensors, or is damaged ({reason[:120]}).") from None
    except Exception as error:  # the unpickler of a hostile file may raise anything
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise ValueError(f"{path} is no sound PyTorch file: {reason[:200]}.") from None
    named = _named(content, torch.Tensor)
    if not named:
        raise ValueError(f"{path} holds no tensors but {type(content).__name__}; pass the file with the adapter's.")
    return _OnHost(named, source=str(path))


def _check_size(path: Path) -> bool:
    """Return whether a file is a zip, as newer ones are; raise if its members are far larger than the file."""
    if not zipfile.is_zipfile(path):
        return False
    with zipfile.ZipFile(path) as archive:
        unpacked = sum(member.file_size for member in archive.infolist())
    if unpacked > WORRY and unpacked > MAX_INFLATION * path.stat().st_size:
        raise ValueError(f"its {path.stat().st_size} bytes unpack to {unpacked}, which no adapter does")
    return True


def _named(content: Any, tensor: type, depth: int = DEEP) -> dict[str, Any]:
    """Return a mapping's dense tensors by name, those of nested mappings under their own names, a list's by place."""
    if isinstance(content, (list, tuple)):
        content = {str(place): value for place, value in enumerate(content)}
    if not isinstance(content, Mapping):
        return {}
    named: dict[str, Any] = {}
    for name, value in content.items():
        if isinstance(value, tensor):
            if value.layout is _strided() and not value.is_quantized:  # type: ignore[attr-defined]
                named[str(name)] = value
        elif isinstance(value, Mapping) and depth > 0:
            named |= {inner: found for inner, found in _named(value, tensor, depth - 1).items() if inner not in named}
    return named


def _strided() -> Any:
    import torch

    return torch.strided
