"""The sum of several adapters' updates at given strengths, measured as an audit measures one adapter's."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np

from rankkit.audits.record import Audit
from rankkit.audits.row import row_of
from rankkit.audits.update import FORMED, OPEN, Applied, apply
from rankkit.checkpoints import Layer
from rankkit.checkpoints.forms import Dense, Product, Sizes, formed
from rankkit.checkpoints.layer import measured_layer
from rankkit.columns import gathered
from rankkit.factors import Factors, host

__all__ = ["Addition"]

HIDDEN = "rounding hides the sum: the updates cancel, or one of them is hardly known"


@dataclass(frozen=True)
class Addition:
    """Several adapters, added module by module.

    Attributes
    ----------
    labels : tuple of str
        What the adapters are called.
    strengths : tuple of float
        By which their updates are multiplied.
    """

    labels: tuple[str, ...]
    strengths: tuple[float, ...]

    def audit(self, modules: Mapping[str, Sequence[Layer | None]], depths: Mapping[str, int | None]) -> Audit:
        """Return the audit of the sum: r is the sum of the ranks, and every scale and strength is in the update.

        Parameters
        ----------
        modules : mapping of str to sequence of Layer or None
            For each module one layer of each adapter; None: it leaves the module as it is.
        depths : mapping of str to int or None
            How deep in the network each stands.
        """
        rows: list[dict[str, Any]] = []
        spectra: dict[str, Any] = {}
        for name, layers in modules.items():
            summed = self._summed(name, layers)
            applied = _applied(summed)
            rows.append(row_of(summed, depths[name], applied, None))
            if applied.spectrum is not None:
                spectra[name] = applied.spectrum.values
        source = " + ".join(f"{s:g} x {label}" for s, label in zip(self.strengths, self.labels, strict=True))
        return Audit(source, gathered(rows), spectra, ())

    def _summed(self, name: str, layers: Sequence[Layer | None]) -> Layer:
        """Return a layer whose update is the sum, or one that says why it is not known."""
        held = [
            (label, strength, layer)
            for label, strength, layer in zip(self.labels, self.strengths, layers, strict=True)
            if layer is not None
        ]
        trouble = [
            f"{label}: {'; '.join((layer.status, *layer.notes))}"
            for label, _, layer in held
            if layer.status not in ("ok", "zero")
        ]
        sizes = {(layer.m, layer.n) for _, _, layer in held}
        if len(sizes) > 1:
            trouble.append("adapters of different shapes")
        if trouble:
            return measured_layer(name, None, status="unsupported", notes=tuple(trouble))
        m, n = sizes.pop()
        dtype = ", ".join(dict.fromkeys(layer.dtype for _, _, layer in held))
        live = [(strength, layer) for _, strength, layer in held if layer.status == "ok"]
        notes = tuple(f"{label}: {note}" for label, _, layer in held for note in layer.notes)
        if m is None or n is None or not live:
            return measured_layer(name, None, dtype=dtype, status="zero", notes=notes)
        rank = min(m, n, sum(layer.r or 0 for _, layer in live))
        made: Callable[[], Product] = partial(_product, live, (m, n))
        assumed = dict.fromkeys(unknown for _, layer in live for unknown in layer.assumed)
        summed = measured_layer(name, Sizes(m, n, rank), made, dtype=dtype, notes=notes)
        return replace(summed, assumed=tuple(assumed))


def _applied(layer: Layer) -> Applied:
    """Return what became of the sum in one module; rounding may hide a sum though it hides no part of it."""
    applied = apply(layer)
    if OPEN not in applied.notes:
        return applied
    return applied._replace(notes=tuple(HIDDEN if note == OPEN else note for note in applied.notes))


def _product(live: Sequence[tuple[float, Layer]], shape: tuple[int, int]) -> Product:
    """Return the sum of updates: factors side by side where all have factors, else a matrix.

    Raises
    ------
    ValueError
        If an update cannot be read or made: the reason, for the row.
    """
    products = [(strength, layer, layer.product()) for strength, layer in live]
    if all(isinstance(product, Factors) and layer.rule.linear for _, layer, product in products):
        pairs = [(s * layer.scale, product) for s, layer, product in products if isinstance(product, Factors)]
        B = np.concatenate([scale * host(product.B) for scale, product in pairs], axis=1)
        return Factors(B, np.concatenate([host(product.A) for _, product in pairs], axis=0))
    if math.prod(shape) > FORMED:
        raise ValueError(f"an update of {shape[0]} x {shape[1]} is too large to form")
    matrix, error = np.zeros(shape), 0.0
    for strength, layer, product in products:
        update = formed(product, layer.rule)
        matrix += strength * update.matrix
        error += abs(strength) * update.error
    return Dense(matrix, error)
