"""probe_frequencies: the frequency-rank curve of a trained adapter, module by module."""

from __future__ import annotations

import math
import statistics
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from rankkit import execution
from rankkit.audits.batches import decomposed_together
from rankkit.audits.row import regime
from rankkit.audits.update import SQUARABLE, Applied, Opened, decomposed, opened, prepare
from rankkit.checkpoints import Layer, Skipped, open_adapter
from rankkit.checkpoints.layer import MEASURED
from rankkit.checkpoints.module_names import by_depth, kind_of
from rankkit.checks import finite, torch_device
from rankkit.columns import Tabled, frame, gathered
from rankkit.factors import Factors, host
from rankkit.metrics import frobenius_norm, spectral_norm, stable_rank
from rankkit.report.inline import counted, html_summary, noted, source_name, text_summary
from rankkit.report.sketch import Line, sketch
from rankkit.rules import Rule, Sine
from rankkit.uncertainty import ERRORS

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Probe", "probe_frequencies"]

SPREADS = (0.01, 10.0)  # of omega std(B A), in radians: from where a sine is linear to where its values look random
COUNT = 25  # frequencies from the first to the last, eight a decade
SHOWN = ("module", "r", "omega", "omega_std", "regime", "plain_stable_rank", "stable_rank", "status")


@dataclass(frozen=True, eq=False)
class Probe(Tabled):
    """What each module's update would be under a rule, frequency by frequency.

    Attributes
    ----------
    source : str
        The adapter.
    columns : dict of str to list
        One entry for each module and frequency: module, layer, kind, m, n, r, omega, omega_std (omega times the
        standard deviation of B A), regime, spectral_norm, frobenius_norm, stable_rank, stable_rank_error,
        plain_stable_rank (of B A), status, note. `rankkit.columns.COLUMN_TYPES` has their types.
    skipped : tuple of Skipped
        (key, shape, reason) of every tensor that belongs to no module.
    """

    source: str
    columns: dict[str, list[Any]]
    skipped: tuple[Skipped, ...]

    @property
    def table(self) -> pd.DataFrame:
        """One row for each module and frequency."""
        return frame("Probe", self.columns)

    def plot(self, ax: Any = None) -> Any:
        """Draw stable rank against omega std(B A), one line for each module, coloured by kind; returns the axes.

        Parameters
        ----------
        ax : Axes, optional
            Where to draw; None: a new figure.
        """
        from rankkit.plots import probe_curves

        return probe_curves(self.table, ax=ax)

    def __repr__(self) -> str:
        return text_summary(self._title(), self._lines(), self._shown())

    def _repr_html_(self) -> str:
        picture = sketch(self._curves(), across="omega std(B A), radians", up="stable rank", logarithmic=True)
        return html_summary(self._title(), self._lines(), self._shown(), picture=picture)

    def _title(self) -> str:
        rows = Counter(self.columns["module"])
        modules, most = counted(len(rows), "module"), max(rows.values())
        return f"Probe of {source_name(self.source)}: {modules} under {most} frequencies each"

    def _lines(self) -> list[str]:
        regimes = Counter(name for name in self.columns["regime"] if name)
        places = ", ".join(f"{number} {name}" for name, number in regimes.items())
        ranks = [value for value in self.columns["stable_rank"] if value == value]
        found = (
            f"stable rank {min(ranks):.4g} to {max(ranks):.4g}, median {statistics.median(ranks):.4g}" if ranks else ""
        )
        status = self.columns["status"]
        measured = sum(status.count(name) for name in MEASURED)
        return [
            f"{measured} of {len(status)} updates measured{f': {places}' if places else ''}",
            *([found] if found else []),
            '.table has one row for each module and frequency; .plot() draws it; .save("probe.csv") writes it',
        ]

    def _shown(self) -> dict[str, list[Any]]:
        return {name: self.columns[name] for name in noted(SHOWN, self.columns)}

    def _curves(self) -> list[Line]:
        """Return each module's stable rank against omega std(B A), under the name of its kind."""
        rows: dict[str, list[int]] = {}
        for i in np.argsort(self.columns["omega"], kind="stable").tolist():
            rows.setdefault(self.columns["module"][i], []).append(i)
        kind, across, up = (self.columns[name] for name in ("kind", "omega_std", "stable_rank"))
        return [Line(kind[at[0]], tuple(across[i] for i in at), tuple(up[i] for i in at)) for at in rows.values()]


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
    TypeError
        If omegas is no iterable.
    ValueError
        If the source cannot be read, or a frequency is not finite and >= 0.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> state = {"up.lora_A.weight": rng.normal(size=(2, 40)), "up.lora_B.weight": rng.normal(size=(30, 2))}
    >>> probe_frequencies(state, [0.01, 1000.0], config={"lora_alpha": 2}).table["regime"].tolist()
    ['linear', 'saturated']
    """
    asked = None if omegas is None else _frequencies(omegas)
    if device is not None:
        torch_device("device", device)
    execution.keep_freed_memory()
    adapter = open_adapter(source, config=config, family=family)
    layers = {layer.name: layer for layer in adapter.layers}
    tracked = execution.track(by_depth(layers), total=len(layers), progress=progress, label="probe")
    rows = (row for name, depth in tracked for row in _rows(layers[name], depth, asked, rule, device))
    return Probe(adapter.source, gathered(rows), adapter.skipped)


def _frequencies(omegas: Iterable[float]) -> list[float]:
    if not isinstance(omegas, Iterable):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise TypeError(f"omegas must be an iterable of numbers, got {omegas!r}; use for instance [1, 10, 100].")
    asked = [finite("omegas", omega, least=0, advice="each one is in radians per unit of B A") for omega in omegas]
    if not asked:
        raise ValueError("omegas must hold at least one frequency, got none; leave it out for 25 for every module.")
    return asked


def _rows(
    layer: Layer, depth: int | None, omegas: Sequence[float] | None, rule: Callable[[float], Rule], device: str | None
) -> Iterator[dict[str, Any]]:
    """Return an iterator over one module's rows; its tensors are read once for all of them."""
    module = opened(layer)
    for omega in _own_frequencies(module) if omegas is None else omegas:
        applied = _applied(module, rule(omega if math.isfinite(omega) else 1.0), device)
        yield _row(layer, depth, omega, applied)


def _own_frequencies(module: Opened) -> list[float]:
    """Return frequencies from the linear to the saturated end of a module's curve; NaN alone where it has no curve."""
    if isinstance(prepare(module, Sine(1.0)), Applied):
        return [math.nan]
    product = module.product
    assert isinstance(product, Factors)  # `prepare` refuses any other product under a sine
    with np.errstate(over="ignore", invalid="ignore"):
        spread = float(host(product.entry_std()))
    if not 1 / SQUARABLE < spread < SQUARABLE:
        return [math.nan]
    grid: list[float] = (np.geomspace(*SPREADS, COUNT) / spread).tolist()
    return grid


def _applied(module: Opened, rule: Rule, device: str | None) -> Applied:
    """Return what the module would be under a rule: its leading value and energy, which is all that a row needs."""
    ready = prepare(module, rule)
    if isinstance(ready, Applied):
        return ready
    if device is None or rule.linear:
        return decomposed(ready, top=1)
    return decomposed_together([ready], device=device, top=1)[0][1]


def _row(layer: Layer, depth: int | None, omega: float, applied: Applied) -> dict[str, Any]:
    spectrum, plain = applied.spectrum, applied.plain
    row: dict[str, Any] = {
        "module": layer.name, "layer": depth, "kind": kind_of(layer.name), "m": layer.m, "n": layer.n, "r": layer.r,
        "omega": omega, "omega_std": applied.omega_std, "regime": regime(applied),
    }  # fmt: skip
    for metric in (spectral_norm, frobenius_norm, stable_rank):
        row[metric.__name__] = float(metric(spectrum)) if spectrum else math.nan
    row["stable_rank_error"] = float(ERRORS["stable_rank"](spectrum)) if spectrum else math.nan
    row["plain_stable_rank"] = float(stable_rank(plain)) if plain else math.nan
    return row | {"status": applied.status, "note": "; ".join(applied.notes)}
