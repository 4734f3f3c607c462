"""What every reader yields: layers that carry an update, and the tensors that carry none."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

from rankkit.factors import Array
from rankkit.rules import Rule

__all__ = ["Adapter", "Layer", "Skipped"]


class Skipped(NamedTuple):
    """A tensor that was not analysed: its key, shape, and why."""

    key: str
    shape: tuple[int, ...]
    reason: str


@dataclass(frozen=True, eq=False)
class Layer:
    """One adapter module, known by its header; its tensors are read on demand.

    Attributes
    ----------
    name : str
        Module path in the base model.
    m, n, r : int or None
        Outputs, inputs and rank as stored; None where unknown.
    dtype : str
        Stored dtypes, B's before A's where they differ.
    rule : Rule
        How the factors become the update, scale included.
    scale : float
        The factor in front of B A.
    read : callable
        Returns (B, A), shapes (m, r) and (r, n).
    status : str
        "ok" as far as the header tells, or "unpaired", "unsupported", "zero".
    notes : tuple of str
        What had to be assumed, or why the status is not ok.
    """

    name: str
    m: int | None
    n: int | None
    r: int | None
    dtype: str
    rule: Rule
    scale: float
    read: Callable[[], tuple[Array, Array]]
    status: str = "ok"
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class Adapter:
    """An opened adapter.

    Attributes
    ----------
    source : str
        Where it came from.
    family : str
        Format it was read as.
    layers : tuple of Layer
        Exactly one per adapter module, in the order of the file.
    skipped : tuple of Skipped
        Every other tensor.
    """

    source: str
    family: str
    layers: tuple[Layer, ...]
    skipped: tuple[Skipped, ...]
