"""probe_frequencies: the frequency-rank curve of a trained adapter, module by module."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from rankkit import execution, store
from rankkit.applied import Applied, apply, regime
from rankkit.checkpoints import Layer, Skipped, open_adapter
from rankkit.checkpoints.naming import by_depth, kind_of
from rankkit.metrics import frobenius_norm, spectral_norm, stable_rank
from rankkit.rules import Rule, Sine
from rankkit.uncertainty import ERRORS

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Probe", "probe_frequencies"]


@dataclass(frozen=True, eq=False)
class Probe:
    """What each module's update would be under a rule, frequency by frequency.

    Attributes
    ----------
    source : str
        The adapter.
    columns : dict of str to list
        One entry a module and frequency: module, layer, kind, m, n, r, omega, omega_std (omega times the standard
        deviation of B A), regime, spectral_norm, frobenius_norm, stable_rank, stable_rank_error, plain_stable_rank
        (of B A), status, note.
    skipped : tuple of Skipped
        (key, shape, reason) of every tensor that belongs to no module.
    """

    source: str
    columns: dict[str, list[Any]]
    skipped: tuple[Skipped, ...]

    @property
    def table(self) -> pd.DataFrame:
        """One row a module and frequency."""
        import pandas as pd

        return pd.DataFrame(self.columns).astype(dict.fromkeys(("layer", "m", "n", "r"), "Int64"))

    def plot(self, ax: Any = None) -> Any:
        """Draw stable rank against omega std(B A), one line a module, coloured by kind; returns the axes."""
        from rankkit.plots import probe_curves

        return probe_curves(self.table, ax=ax)

    def save(self, file: str | os.PathLike[str]) -> Path:
        """Write the table to a .csv file."""
        return store.write_csv(file, self.table)


def probe_frequencies(
    source: Any,
    omegas: Iterable[float] | None = None,
    *,
    rule: Callable[[float], Rule] = Sine,
    config: Mapping[str, Any] | None = None,
    family: str | None = None,
    device: str | None = None,
    progress: bool | None = None,
) -> Probe:
    """Return what a trained adapter's updates would be under rule(omega), for every omega and module.

    Parameters
    ----------
    source, config, family, device, progress
        As for `audit`.
    omegas : iterable of float, optional
        Frequencies, >= 0; None: 25 for every module, so that omega std(B A) runs from 0.01 to 10.
    rule : callable
        omega -> Rule; every module's own rule and scale are set aside.

    Raises
    ------
    ValueError
        If the source cannot be read, or a frequency is not finite and >= 0.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> state = {"up.lora_A.weight": rng.normal(size=(2, 40)), "up.lora_B.weight": rng.normal(size=(30, 2))}
    >>> probe_frequencies(state, [0.01, 1000.0], config={"lora_alpha": 2}).table["regime"].tolist()
    ['linear', 'saturated']
    """
    asked = None if omegas is None else [float(omega) for omega in omegas]
    if asked is not None and not (asked and all(0 <= omega < math.inf for omega in asked)):
        raise ValueError(f"omegas must be finite frequencies >= 0, at least one, got {asked!r}.")
    execution.keep_freed_memory()
    adapter = open_adapter(source, config=config, family=family)
    columns: dict[str, list[Any]] = {}
    layers = {layer.name: layer for layer in adapter.layers}
    for name, depth in execution.track(by_depth(layers), total=len(layers), progress=progress, label="probe"):
        for row in _curve(layers[name], depth, asked, rule, device):
            for column, value in row.items():
                columns.setdefault(column, []).append(value)
    return Probe(adapter.source, columns, adapter.skipped)


def _on(device: str, layer: Layer, rule: Rule) -> Applied:
    from rankkit.batches import apply_in_batches

    return next(iter(apply_in_batches([layer], rule, device=device, top=1)))[1]


def _curve(
    layer: Layer, depth: int | None, omegas: list[float] | None, rule: Callable[[float], Rule], device: str | None
) -> Iterable[dict[str, Any]]:
    """Return an iterator over one module's rows."""
    spread = math.nan if omegas is not None else apply(layer, Sine(1.0), top=1).omega_std
    grid = (np.geomspace(0.01, 10, 25) / spread).tolist() if spread > 0 else [math.nan]
    for omega in grid if omegas is None else omegas:
        made = rule(omega if math.isfinite(omega) else 1.0)
        applied = apply(layer, made, top=1) if device is None else _on(device, layer, made)
        spectrum = applied.spectrum
        row: dict[str, Any] = {
            "module": layer.name, "layer": depth, "kind": kind_of(layer.name), "m": layer.m, "n": layer.n, "r": layer.r,
            "omega": omega, "omega_std": applied.omega_std, "regime": regime(applied),
        }  # fmt: skip
        for metric in (spectral_norm, frobenius_norm, stable_rank):
            row[metric.__name__] = float(metric(spectrum)) if spectrum else math.nan
        row["stable_rank_error"] = float(ERRORS["stable_rank"](spectrum)) if spectrum else math.nan
        row["plain_stable_rank"] = float(stable_rank(applied.plain)) if applied.plain else math.nan
        yield row | {"status": applied.status, "note": "; ".join(applied.notes)}
