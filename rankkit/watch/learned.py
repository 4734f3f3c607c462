"""What a module learns besides B and A: its function phi, as samples, and its frequencies."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

import numpy as np

from rankkit.audits.record import Audit
from rankkit.checkpoints import Layer, open_adapter
from rankkit.factors import Array
from rankkit.rules import Elementwise, PolynomialBasis
from rankkit.rules.basis import Basis

__all__ = ["POINTS", "Learned", "learned_functions", "learned_rows"]

POINTS = 121  # samples of phi: enough for a curve of 50 sincs on a picture
REACH = 3.0  # of a basis without a grid: the interval of LR-LoRA's paper (section 3.3)
FIXED = (
    "linear",
    "sine",
    "sinter",
    "activation",
    "adasine",
)  # rules that are no trained function of B A
_COLUMNS = {"phi": ("x", "phi"), "omega": ("index", "omega")}


class Learned(NamedTuple):
    """The learned function of one module.

    Attributes
    ----------
    x, phi : array, shape (k,)
        Entries of B A, and the update's entries there, scale included.
    omega : array, shape (N,)
        The learned frequencies, one for each basis function; empty where the file does not tell them apart.
    """

    x: Array
    phi: Array
    omega: Array

    @property
    def arrays(self) -> tuple[Array, Array, Array]:
        """All three."""
        return self.x, self.phi, self.omega

    @property
    def sizes(self) -> tuple[int, int, int]:
        """How many entries each has."""
        return len(self.x), len(self.phi), len(self.omega)


def learned_functions(source: Any, report: Audit) -> dict[str, Learned]:
    """Return what the modules of an adapter learn besides B and A, by module.

    Parameters
    ----------
    source : path, mapping or live model
        The adapter.
    report : Audit
        Its audit. Where every rule in it is a fixed one, the source is not opened again.
    """
    curved = {m for m, rule in zip(report.columns["module"], report.columns["rule"], strict=True) if rule not in FIXED}
    if not curved:
        return {}
    found = ((layer.name, _learned(layer)) for layer in open_adapter(source).layers if layer.name in curved)
    return {name: one for name, one in found if one is not None}


def learned_rows(measured: Iterable[tuple[int, Mapping[str, Learned]]], what: str) -> dict[str, list[Any]]:
    """Return what modules learn as columns: step and module, and x and phi, or index and omega.

    Parameters
    ----------
    measured : iterable of (int, mapping of str to Learned)
        Step, and what the modules had learned there.
    what : {"phi", "omega"}

    Raises
    ------
    ValueError
        If no module learns it.
    """
    columns: dict[str, list[Any]] = {name: [] for name in ("step", "module", *_COLUMNS[what])}
    for step, modules in measured:
        for module, one in modules.items():
            values = (one.x, one.phi) if what == "phi" else (np.arange(len(one.omega)), one.omega)
            for name, part in zip(_COLUMNS[what], values, strict=True):
                columns[name] += part.tolist()
            columns["step"] += [step] * len(values[0])
            columns["module"] += [module] * len(values[0])
    if not columns["step"]:
        raise ValueError(f"no module of this training learns its {what}; LR-LoRA's modules do.")
    return columns


def _learned(layer: Layer) -> Learned | None:
    rule = layer.rule
    if isinstance(rule, Basis):
        return _sampled(rule.exact, np.asarray(rule.grid), np.asarray(rule.omega))
    if isinstance(rule, PolynomialBasis):
        return _sampled(rule.exact, np.zeros(0), np.asarray(rule.omega))
    if isinstance(rule, Elementwise):  # LR-LoRA around the identity hides its basis in a function
        return _sampled(rule.fn, np.zeros(0), np.zeros(0))
    return None


def _sampled(phi: Callable[[Array], Array], grid: Array, omega: Array) -> Learned:
    low, high = (float(grid.min()), float(grid.max())) if len(grid) > 1 and np.ptp(grid) > 0 else (-REACH, REACH)
    x = np.linspace(low, high, POINTS)
    return Learned(x, np.asarray(phi(x), dtype=np.float64), np.atleast_1d(np.asarray(omega, dtype=np.float64)))
