"""A second description of every format: what its trainer writes for a module, and the update that it applies.

Each writer takes a generator, the sizes m, n and r of a module and its path, and returns a `Written`. The updates are put
together by numpy alone, from what the trainers' own code does.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np

__all__ = ["KERNEL", "PEFT", "Rng", "Writer", "Written", "drawn_alpha", "factors"]

KERNEL = (3, 2)  # of convolutions
PEFT = "base_model.model."  # what PEFT puts in front of every path


class Written(NamedTuple):
    """A file of one module.

    Attributes
    ----------
    state : mapping of str to array
        Its tensors.
    updates : mapping of str to array
        What a row is called -> its update, scale included.
    r : int
        The most rank that it can have.
    scale : float
        The factor in front.
    config : dict or None
    beside : tuple of str
        Keys of tensors without which the file is another sound one.
    """

    state: dict[str, np.ndarray]
    updates: Mapping[str, np.ndarray]
    r: int
    scale: float
    config: dict[str, Any] | None = None
    beside: tuple[str, ...] = ()


Rng = np.random.Generator
Writer = Callable[[Rng, int, int, int, str], Written]


def factors(rng: Rng, m: int, n: int, r: int) -> tuple[np.ndarray, np.ndarray]:
    """Return B (m, r) and A (r, n)."""
    return rng.standard_normal((m, r)), rng.standard_normal((r, n))


def drawn_alpha(rng: Rng) -> float:
    """Return an alpha from 1 to 8, so that no scale is known beforehand."""
    return float(rng.integers(1, 9))
