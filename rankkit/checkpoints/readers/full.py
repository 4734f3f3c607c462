"""A full fine-tune: W_tuned - W of every matrix that two checkpoints share, as layers of full rank."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from rankkit.checkpoints.files.tensors import TensorInfo, Tensors
from rankkit.checkpoints.forms import EPS, Dense, Form, Shape, Sizes, whole_sizes
from rankkit.checkpoints.layer import Adapter, Layer, Skipped
from rankkit.checkpoints.matching import Weights
from rankkit.checkpoints.module_names import bare, in_base_model
from rankkit.checkpoints.source import open_tensors
from rankkit.factors import Array, host
from rankkit.rules import Linear

__all__ = ["difference"]


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
    layers: list[Layer] = []
    skipped: list[Skipped] = []
    weights = Weights(old.info)
    for key, info in new.info.items():
        try:
            there = _counterpart(key, info, old, weights)
        except ValueError as reason:
            skipped.append(Skipped(key, info.shape, str(reason)))
        else:
            layers.append(_layer(new, old, key, there))
    if not layers:
        raise ValueError(f"{new.source} and {old.source} share no matrix; are they of one model?")
    return Adapter(f"{new.source} - {old.source}", "full", tuple(layers), tuple(skipped))


def _counterpart(key: str, new: TensorInfo, base: Tensors, weights: Weights) -> str:
    """Return the base's key of the same matrix; raise with the reason where there is no difference to take."""
    if len(new.shape) < 2 or min(new.shape) == 0:
        raise ValueError("no matrix")
    there = key if key in base.info else weights.of(key.removesuffix(".weight"))
    old = base.info[there]
    if old.shape != new.shape:
        raise ValueError(f"of another shape in the base, {old.shape}")
    if new.trouble or old.trouble:
        raise ValueError(new.trouble or f"in the base it {old.trouble}")
    return there


def _layer(new: Tensors, old: Tensors, key: str, there: str) -> Layer:
    info, name = new.info[key], key.removesuffix(".weight")
    sizes = _sizes(info.shape, info.shape)
    assert sizes is not None
    return Layer(
        name=key if name in new.info else in_base_model(bare(name)), m=sizes.m, n=sizes.n, r=sizes.r, dtype=info.dtype,
        rule=Linear(), scale=1.0, form=DIFFERENCE, read=partial(_pair, new, old, key, there),
        keys={"tuned": key, "base": there},
    )  # fmt: skip


def _pair(new: Tensors, old: Tensors, key: str, there: str) -> dict[str, Array]:
    return {"tuned": new.read(key), "base": old.read(there)}


def _sizes(tuned: Shape, base: Shape) -> Sizes | None:
    return whole_sizes(tuned) if tuned == base else None


def _difference(tuned: Array, base: Array) -> Dense:
    one, two = (np.reshape(host(x), (x.shape[0], -1)) for x in (tuned, base))
    moved = one - two
    return Dense(moved, EPS * float(np.linalg.norm(moved)))


DIFFERENCE = Form(("tuned", "base"), _sizes, _difference, expands=False)
