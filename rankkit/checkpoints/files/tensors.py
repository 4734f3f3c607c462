"""Named tensors behind one small interface, whether a file or a state dict holds them."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple, Protocol

from array_api_compat import is_numpy_array, is_torch_array

from rankkit.checkpoints.files.float8 import FLOAT8
from rankkit.factors import Array, host

__all__ = [
    "DAMAGED",
    "DTYPE_NAMES",
    "FLOATS",
    "INTEGERS",
    "Some",
    "StateDict",
    "TensorInfo",
    "Tensors",
    "few_of",
    "legible",
    "scalar",
]

DTYPE_NAMES = {
    "float64": "F64", "float32": "F32", "float16": "F16", "bfloat16": "BF16", "bool": "BOOL",
    "float8_e4m3fn": "F8_E4M3", "float8_e5m2": "F8_E5M2",
    "float8_e4m3fnuz": "F8_E4M3FNUZ", "float8_e5m2fnuz": "F8_E5M2FNUZ",
    "int64": "I64", "int32": "I32", "int16": "I16", "int8": "I8",
    "uint64": "U64", "uint32": "U32", "uint16": "U16", "uint8": "U8",
}  # fmt: skip
FEW = 3  # keys in a message
DAMAGED = "DAMAGED"  # stands for the dtype of a tensor that cannot be read though its file can
OFFLOADED = "OFFLOADED"  # stands for that of a tensor of a model in memory whose numbers lie elsewhere
FLOATS = ("F64", "F32", "F16", "BF16", *FLOAT8)  # the dtypes that hold an update's numbers; all are exact in float64
INTEGERS = ("I64", "I32", "I16", "I8", "U64", "U32", "U16", "U8")  # those that may hold a single number such as alpha


class TensorInfo(NamedTuple):
    """What a header says of a tensor.

    Attributes
    ----------
    dtype : str
        In safetensors' spelling, such as "BF16"; `DAMAGED` where the tensor cannot be read though its file can,
        `OFFLOADED` where a model does not have its numbers in memory.
    shape : tuple of int
    """

    dtype: str
    shape: tuple[int, ...]

    @property
    def trouble(self) -> str:
        """Why the tensor cannot be part of an update, as the end of a sentence about it; "" where it can."""
        if self.dtype == DAMAGED:
            return "is damaged, or not stored number by number"
        if self.dtype == OFFLOADED:
            return "is offloaded, not in memory; load the model without offloading"
        if self.dtype in INTEGERS:
            return f"has dtype {self.dtype}: integers are no factors; if it is quantised, save it in 16 or 32 bits"
        return "" if self.dtype in FLOATS else f"has dtype {self.dtype}, which is none of {', '.join(FLOATS)}"


class Tensors(Protocol):
    """Tensors by name: headers at once, contents one by one."""

    @property
    def source(self) -> str:
        """Where they came from."""
        ...

    @property
    def info(self) -> Mapping[str, TensorInfo]:
        """Every tensor's header, in stored order."""
        ...

    @property
    def metadata(self) -> Mapping[str, Any]:
        """What else the file's header says, by name: a stranger's words, which nothing has checked."""
        ...

    def read(self, name: str) -> Array:
        """Return one tensor as a float array with its values exact."""
        ...


def legible(text: str, most: int = 300) -> str:
    """Return text from a stranger's file as it may stand on a terminal: one line, no control codes, not endless."""
    if len(text) <= most and text.isprintable():
        return text
    printable = "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text[: most + 1])
    return printable if len(text) <= most else f"{printable[: most - 3]}..."


def few_of(tensors: Tensors) -> str:
    """Return how many tensors there are and what the first few are called, for messages."""
    count = len(tensors.info)
    return f"{count} tensor{'' if count == 1 else 's'} such as {', '.join(list(tensors.info)[:FEW]) or 'nothing'}"


def scalar(tensors: Tensors, name: str) -> float:
    """Return a stored number such as a module's alpha.

    Raises
    ------
    ValueError
        If it is not one finite number.
    """
    info = tensors.info[name]
    if math.prod(info.shape) != 1:
        raise ValueError(f"{name} must hold one number, got shape {info.shape}; the file is damaged.")
    holds = info.dtype in FLOATS or info.dtype in INTEGERS
    value = float(host(tensors.read(name)).reshape(())) if holds else math.nan
    if not math.isfinite(value):
        raise ValueError(f"{name} must hold one finite number, got {value} ({info.dtype}); the file is damaged.")
    return value


class StateDict:
    """Tensors from a mapping of names to numpy arrays or torch tensors.

    Parameters
    ----------
    state : mapping of str to array
    source : str
        What messages call it.

    Raises
    ------
    TypeError
        If a name is not a string, or a value neither a numpy array nor a torch tensor.
    """

    def __init__(self, state: Mapping[Any, Any], source: str = "state dict") -> None:
        for name, tensor in state.items():
            if not isinstance(name, str) or not (is_numpy_array(tensor) or is_torch_array(tensor)):
                raise TypeError(
                    f"a state dict must map names to numpy arrays or torch tensors, got {type(name).__name__} -> "
                    f"{type(tensor).__name__}; pass model.state_dict() or its adapter part."
                )
        self.source = source
        self.metadata: Mapping[str, Any] = {}
        self.state: Mapping[str, Any] = state
        self.info = {name: TensorInfo(_dtype_name(t), tuple(t.shape)) for name, t in state.items()}

    def read(self, name: str) -> Array:
        """Return the tensor, detached from any graph; one of eight bits as float32 (exactly).

        A torch tensor of the processor comes as a numpy array, whose QR is quicker; one of a device stays there.
        """
        tensor, small = self.state[name], self.info[name].dtype in FLOAT8
        if not is_torch_array(tensor):
            return tensor.astype("float32") if small else tensor
        values: Any = tensor.detach()
        if small or self.info[name].dtype == "BF16":  # numpy has no such types
            values = values.float()
        plain = values.device.type == "cpu" and not (values.is_sparse or values.is_quantized)
        return values.numpy() if plain else values


def _dtype_name(tensor: Any) -> str:
    if is_torch_array(tensor) and tensor.device.type == "meta":
        return OFFLOADED
    name = str(tensor.dtype).removeprefix("torch.")
    return DTYPE_NAMES.get(name, name.upper())


class Some:
    """Some of the tensors of a source.

    Parameters
    ----------
    whole : Tensors
        All of them.
    names : iterable of str
        Which of them, by name.
    """

    def __init__(self, whole: Tensors, names: Iterable[str]) -> None:
        self._whole = whole
        self.source = whole.source
        self.metadata = whole.metadata
        self.info = {name: whole.info[name] for name in names}

    def read(self, name: str) -> Array:
        """Return one tensor, as the whole source reads it."""
        return self._whole.read(name)
