"""The base's weight of one expert: a slice of a parameter of all experts, or single matrices, one under the other."""

from __future__ import annotations

import re
from collections.abc import Callable

import numpy as np

from rankkit.checkpoints.files.tensors import Tensors
from rankkit.factors import Array, host

__all__ = ["expert_weight", "is_expert"]

_NAME = re.compile(r"(?P<experts>.+)\.(?P<parameter>[^.]+)\[(?P<number>\d{1,9})\]")
# a parameter of all experts -> what the matrices of single experts are called that it is made of
PARTS = {
    "gate_up_proj": (("gate_up_proj",), ("gate_proj", "up_proj"), ("w1", "w3")),
    "down_proj": (("down_proj",), ("w2",)),
    "up_proj": (("up_proj",), ("w3",)),
    "gate_proj": (("gate_proj",), ("w1",)),
}


def is_expert(name: str) -> bool:
    """Return whether a module's name is that of one expert of a parameter, as "experts.up_proj[3]"."""
    return _NAME.fullmatch(name) is not None


def expert_weight(name: str, tensors: Tensors, key_of: Callable[[str], str]) -> Array:
    """Return the weight of one expert as the base stores it, as a float64 matrix.

    Parameters
    ----------
    name : str
        The expert's: path of the parameter, and the number in brackets.
    tensors : Tensors
        The base's.
    key_of : callable
        A module's path -> the key of its weight, or ValueError.

    Raises
    ------
    ValueError
        If there is none: the reason, for the row.
    """
    match = _NAME.fullmatch(name)
    assert match is not None
    experts, parameter, number = match["experts"], match["parameter"], int(match["number"])
    try:
        whole = key_of(f"{experts}.{parameter}")
    except ValueError as error:
        for parts in PARTS.get(parameter, ((parameter,),)):
            try:
                keys = [key_of(f"{experts}.{number}.{part}") for part in parts]
            except ValueError:
                continue
            return np.concatenate([_read(tensors, key) for key in keys])
        raise error from None
    shape = tensors.info[whole].shape
    if len(shape) != 3 or number >= shape[0]:
        raise ValueError(f"the base's {whole} has shape {shape}, which holds no expert {number}")
    return _read(tensors, whole, number)


def _read(tensors: Tensors, key: str, number: int | None = None) -> Array:
    if trouble := tensors.info[key].trouble:
        raise ValueError(f"the base's {key} {trouble}")
    stored = tensors.read(key)
    W = np.asarray(host(stored if number is None else stored[number]), dtype=np.float64)
    if W.ndim != 2:
        raise ValueError(f"the base's {key} has shape {stored.shape}, which is no matrix of an expert")
    return W
