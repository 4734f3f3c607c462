"""Adapters whose factors begin as a part of the base weight: PiSSA (arXiv 2404.02948) and OLoRA (arXiv 2406.01775).

PEFT takes that part off the base when it makes or loads such an adapter, so that the model begins where it was. The
weight in use is then W - s B_0 A_0 + s B A, and the update of the base that everybody else has is

    s B A - s B_0 A_0,

with s B_0 A_0 the r leading singular triples of W (PiSSA), or s times the first r columns of Q times the first r rows
of R, W = Q R (OLoRA). CorDA and LoRA-GA begin with factors of data or gradients, which no weight tells.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np

from rankkit.checkpoints.assumptions import START
from rankkit.checkpoints.forms import LORA, Dense, formed
from rankkit.checkpoints.layer import Layer
from rankkit.factors import Array
from rankkit.rules import Linear

__all__ = ["trained"]

EPS32 = 2.0**-23  # PEFT decomposes the weight in float32
PISSA, OLORA = "pissa", "olora"


def trained(layer: Layer, W: Array) -> Layer:
    """Return the layer with the update of the base weight: s B A less the part of the base that B A began as.

    Parameters
    ----------
    layer : Layer
        One with a `start`.
    W : array, shape (m, n)
        The base's weight in float64.

    Raises
    ------
    ValueError
        If the weight does not tell how it began: the reason, for the row.
    """
    exact = layer.start in (PISSA, OLORA)
    if (
        not (exact or layer.start.startswith(PISSA))
        or layer.form is not LORA
        or not layer.rule.linear
        or layer.magnitude
    ):
        raise ValueError(f"the base weight does not tell the factors that {layer.start} begins with")
    if layer.start == OLORA and layer.transposed:
        raise ValueError("OLoRA decomposes a transposed weight as it is stored, which is not supported")
    form = layer.form._replace(combine=partial(_moved, layer, W))
    told = "the update of the base is measured: B A less what it began as, which the base weight tells"
    if not exact:
        told += f"; {layer.start} finds that only nearly, with a random start"
    assumed = tuple(name for name in layer.assumed if name != START or not exact)
    return replace(layer, form=form, rule=Linear(), start="", notes=(*layer.notes, told), assumed=assumed)


def _moved(layer: Layer, W: Array, *parts: Array) -> Dense:
    """Return the update, with what the rounding of the decomposition in float32 may have done to what it began as."""
    now = formed(layer.product(dict(zip(layer.form.parts, parts, strict=True))), layer.rule)
    begin, error = (_orthonormal if layer.start == OLORA else _principal)(W, layer.r or 0, layer.scale)
    return Dense(now.matrix - begin, now.error + error)


def _principal(W: Array, r: int, scale: float) -> tuple[Array, float]:
    """Return the r leading singular triples, and an error: a direction turns by rounding over the gap."""
    U, sigma, Vt = np.linalg.svd(W, full_matrices=False)
    gap = sigma[r - 1] - (sigma[r] if r < sigma.size else 0.0)
    turned = min(EPS32 * sigma[0] / gap if gap > 0 else 1.0, 1.0)
    return (U[:, :r] * sigma[:r]) @ Vt[:r], float(np.sqrt(2) * turned * sigma[r - 1] + EPS32 * sigma[0])


def _orthonormal(W: Array, r: int, scale: float) -> tuple[Array, float]:
    """Return s times the first r columns of Q times the first r rows of R, and an error by the columns' condition."""
    Q, R = np.linalg.qr(W)
    begin: Any = scale * (Q[:, :r] @ R[:r])
    condition = float(np.linalg.cond(R[:r, :r]))
    return begin, abs(scale) * EPS32 * condition * float(np.linalg.norm(W, 2))
