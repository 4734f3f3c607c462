"""PyTorch's own files (.bin, .pt, .pth, .ckpt), read without ever running what is pickled in them."""

from __future__ import annotations

import io
import pickle
import pickletools
import re
import warnings
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import IO, Any, TypeGuard

from rankkit.checkpoints.files.tensors import DAMAGED, StateDict, TensorInfo
from rankkit.checkpoints.missing import DCP, is_sharded_state
from rankkit.checkpoints.untrusted import LARGEST, is_mapping

__all__ = ["torch_file"]

MAX_INFLATION = 20  # unpacked bytes a packed one: torch does not compress
WORRY = 100_000_000  # bytes below which that does not matter
LONGEST = 160  # characters of another library's message
LAST = 1000  # bytes: a pickle that comes this near to MAX_PICKLE was cut off there
ZIPPED = b"PK\x03\x04"
LEGACY_PICKLES = 5  # of files from before torch 1.6: mark, version, system, content, names of the storages
MAX_PICKLE = 5_000_000  # bytes; ten thousand tensors take a third of it
MOST_WORDS = 1000  # entries of a mapping that is looked at for a scale
DEEP = 3  # nested mappings looked into: {"state_dict": {...}}

_CALLS = ("STACK_GLOBAL", "INST", "OBJ", "EXT1", "EXT2", "EXT4")  # other ways to name something; torch writes none
_STORED = re.compile(
    r"collections (OrderedDict|defaultdict|Counter)|_codecs encode|(builtins|__builtin__) (set|complex)"
    r"|torch (\w+Storage|Size|device|dtype|b?float\d*\w*|half|double|long|int|short|bool|u?int\d+|complex\d+)"
    r"|torch\.(cuda|storage) \w*Storage|torch\.serialization _get_layout|torch\.nn\.parameter Parameter"
    r"|torch\._tensor _rebuild_from_type_v2"
    r"|torch\._utils _rebuild_(tensor|tensor_v2|tensor_v3|sparse_tensor|parameter|parameter_with_state)"
)
# a number that belongs to a module's factors, and what the parts of a module are called without its path
_NUMBER = re.compile(r".+\.(?:(?:lora_|network_)?(?:alpha|rank)|(?:lora_)?scaling|lora_scale)")
_PART = re.compile(r"(?:lora_|base_)?(?:[abAB]|up|down|in|out|alpha|weight|bias)(?:\.\w+)?")


def torch_file(path: Path) -> StateDict:
    """Return the tensors of a file written by torch.save: a mapping of names, nested or not, or a bare list.

    Parameters
    ----------
    path : Path

    Raises
    ------
    ValueError
        If the file holds anything but tensors and plain containers, or is damaged, or inflates.
    """
    import torch

    try:
        with path.open("rb") as file:
            zipped = file.read(4) == ZIPPED  # as torch tells
            file.seek(0)
            for pickled in _zipped_pickles(path) if zipped else [file] * LEGACY_PICKLES:
                _check(pickled)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # on what a damaged file looks like
            try:
                content = torch.load(path, map_location="cpu", weights_only=True, mmap=zipped)
            except RuntimeError:  # mmap is refused for some sound files
                content = torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        advice = "save its state_dict alone with torch.save where you trust it, and pass that file"
        raise ValueError(
            f"{path} is refused: it holds more than tensors, or is damaged ({_line(error)}); {advice}."
        ) from None
    except Exception as error:  # the unpickler of a hostile file may raise anything
        raise ValueError(f"{path} is no sound PyTorch file: {_line(error)}.") from None
    named = _named(content, torch.Tensor)
    if not named and not content and isinstance(content, (Mapping, list, tuple)):
        raise ValueError(f"{path} is empty: its state dict holds nothing; save the trained adapter again.")
    if not named:
        raise ValueError(f"{path} holds no tensors but {type(content).__name__}; pass the file with the adapter's.")
    tensors = StateDict(named, source=str(path))
    tensors.metadata = _words(content)
    damaged = {name: TensorInfo(DAMAGED, tuple(t.shape)) for name, t in named.items() if not _is_stored(t)}
    tensors.info |= damaged
    return tensors


def _zipped_pickles(path: Path) -> Iterator[IO[bytes]]:
    """Return an iterator over the pickles in a zip; raise if its members are far larger than the file."""
    with zipfile.ZipFile(path) as archive:
        members = archive.infolist()
        unpacked = sum(member.file_size for member in members)
        if unpacked > WORRY and unpacked > MAX_INFLATION * path.stat().st_size:
            raise ValueError(f"its {path.stat().st_size} bytes unpack to {unpacked}, which no adapter does")
        if len({member.filename for member in members}) < len(members):
            raise ValueError("two of its members have one name")
        for member in members:
            if member.filename.endswith(".pkl"):
                with archive.open(member) as file:
                    yield file


def _check(file: IO[bytes]) -> None:
    """Read one pickle without running it; raise if it refers to anything that stored tensors do not need.

    torch's safe unpickler runs nothing, but makes a bytearray or an unstored tensor of any size that it is asked for.
    """
    data = io.BytesIO(file.read(MAX_PICKLE)) if isinstance(file, zipfile.ZipExtFile) else file
    begin = data.tell()
    for operation, argument, at in pickletools.genops(data):
        if (at or 0) - begin >= MAX_PICKLE - LAST:
            raise ValueError(f"it has more than {MAX_PICKLE} bytes of structure, which no adapter has")
        if operation.name in _CALLS or (operation.name == "GLOBAL" and not _STORED.fullmatch(str(argument))):
            if is_sharded_state(str(argument)):
                raise ValueError(f"it holds {DCP}")
            raise pickle.UnpicklingError(f"it refers to {str(argument)!r}, which no stored tensor needs")


def _line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0][:LONGEST].rstrip(". ")


def _named(content: Any, tensor: type, depth: int = DEEP) -> dict[str, Any]:
    """Return a mapping's dense tensors by name, those of nested mappings under their own names, a list's by place.

    Of several tensors with one name, such as an adapter's and its running mean's, the later ones get the name of their
    mapping in front of theirs; so do those whose own name is that of a part of a module. A plain number counts as a
    tensor where its name says that it belongs to a module's factors.
    """
    import torch

    held = content if is_mapping(content) else dict(enumerate(content)) if _is_sequence(content) else {}
    named: dict[str, Any] = {}
    for name, value in held.items():
        if isinstance(value, tensor):
            named[str(name)] = value
        elif type(value) in (int, float) and _NUMBER.fullmatch(str(name)) and abs(value) < LARGEST:
            named[str(name)] = torch.tensor(float(value), dtype=torch.float64)
        elif is_mapping(value) and depth > 0:
            for inner, found in _named(value, tensor, depth - 1).items():
                named[f"{name}.{inner}" if inner in named or _PART.fullmatch(inner) else inner] = found
    return named


def _words(content: Any) -> dict[str, Any]:
    """Return what a file holds beside its tensors: numbers, text, and mappings that are not too large."""
    held: dict[Any, Any] = dict(content) if is_mapping(content) else {}
    plain = {str(name): value for name, value in held.items() if isinstance(value, (str, int, float))}
    return plain | {str(k): v for k, v in held.items() if is_mapping(v) and len(v) <= MOST_WORDS}


def _is_sequence(value: object) -> TypeGuard[list[Any] | tuple[Any, ...]]:
    return isinstance(value, (list, tuple))


def _is_stored(tensor: Any) -> bool:
    """Return whether every number of a tensor is in the file: strides and sparse layouts can claim any size."""
    import torch

    dense = tensor.layout is torch.strided and not tensor.is_quantized
    return dense and tensor.numel() * tensor.element_size() <= tensor.untyped_storage().nbytes()
