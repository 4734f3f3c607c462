"""A full fine-tune: W_tuned - W of every matrix that two checkpoints share, as layers of full rank."""

from __future__ import annotations

import math
from functools import partial
from typing import Any

import numpy as np

from rankkit.checkpoints.files.tensors import FLOATS, Tensors
from rankkit.checkpoints.forms import Dense, Form
from rankkit.checkpoints.layer import Adapter, Layer, Skipped
from rankkit.checkpoints.source import open_tensors
from rankkit.factors import host
from rankkit.rules import Linear

__all__ = ["difference"]

EPS = 2.0**-52


def difference(tuned: Any, base: Any) -> Adapter:
    """Return W_tuned - W of every matrix that two checkpoints share, as layers of full rank.

    Parameters
    ----------
    tuned, base : path or mapping
        Each a model's folder, a tensor file, the index of its shards, or a state dict.

    Raises
    ------
    ValueError
        If they share no matrix.
    """
    new, old = open_tensors(tuned), open_tensors(base)
    layers, skipped = [], []
    for key, (dtype, shape) in new.info.items():
        other = old.info.get(key)
        reason = (
            "no matrix" if len(shape) < 2 or min(shape) == 0
            else "not in the base" if other is None
            else f"of another shape in the base, {other.shape}" if other.shape != shape
            else f"dtype {dtype} or {other.dtype} is not read" if {dtype, other.dtype} - set(FLOATS)
            else ""
        )  # fmt: skip
        if reason:
            skipped.append(Skipped(key, shape, reason))
            continue
        m, n, name = shape[0], math.prod(shape[1:]), key.removesuffix(".weight")  # type: ignore[misc]
        layers.append(
            Layer(
                key if name in new.info else name, m=m, n=n, r=min(m, n), dtype=dtype, rule=Linear(), scale=1.0,
                form=DIFFERENCE, read=partial(_pair, new, old, key),
            )
        )  # fmt: skip
    if not layers:
        raise ValueError(f"{new.source} and {old.source} share no matrix; are they of one model?")
    return Adapter(f"{new.source} - {old.source}", "full", tuple(layers), tuple(skipped))


def _pair(new: Tensors, old: Tensors, key: str) -> dict[str, Any]:
    return {"tuned": new.read(key), "base": old.read(key)}


def _sizes(tuned: tuple[int, ...], base: tuple[int, ...]) -> tuple[int, int, int] | None:
    rows, columns = tuned[0], math.prod(tuned[1:])
    return (rows, columns, min(rows, columns)) if tuned == base else None


def _difference(tuned: Any, base: Any) -> Dense:
    one, two = (np.asarray(host(x), dtype=np.float64).reshape(x.shape[0], -1) for x in (tuned, base))
    moved = one - two
    return Dense(moved, EPS * float(np.linalg.norm(moved)))


DIFFERENCE = Form(("tuned", "base"), _sizes, _difference, expands=False)
