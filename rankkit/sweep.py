"""sweep_frequency: how rank measures of phi_omega(B A) grow with the frequency omega."""

from __future__ import annotations

import csv
import json
import os
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from rankkit import store
from rankkit.initializers import Initializer, KaimingUniform
from rankkit.measurement import SETTING, collect, gather
from rankkit.metrics import default_rtol
from rankkit.plan import PROTOCOLS, Plan, check_law, default_omegas, frequencies, seed_list
from rankkit.rules import Rule, Sine

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Sweep", "sweep_frequency"]


@dataclass(frozen=True, eq=False)
class Sweep:
    """The measured frequency-rank curve.

    Attributes
    ----------
    columns : dict of str to array
        One entry a (seed, omega): d, n, r, omega, c (omega times the bounds or standard deviations of
        both factors' entries), omega_std (omega times the standard deviation of the entries of B A,
        radians), seed, dtype, rtol, one column a metric. numerical_rank is NaN where the values' error
        leaves it open, with numerical_rank_lower and numerical_rank_upper beside it.
    arguments : dict
        What was asked for, as text.
    platform : dict
        Versions and machine it ran on.
    """

    columns: dict[str, Any]
    arguments: dict[str, Any]
    platform: dict[str, str]

    @property
    def metrics(self) -> tuple[str, ...]:
        """The metrics measured."""
        return tuple(self.arguments["metrics"])

    @property
    def table(self) -> pd.DataFrame:
        """One row per (seed, omega)."""
        import pandas as pd

        return pd.DataFrame(self.columns)

    def summary(self) -> pd.DataFrame:
        """Return one row per omega: mean, std, quantiles and count of every metric over the seeds."""
        table = self.table
        setting = dict.fromkeys(("d", "n", "r", "c", "dtype", "rtol"), "first")
        by_omega = table.groupby("omega", sort=True)
        parts = [by_omega.agg(setting), by_omega["omega_std"].mean()]
        for metric in self.metrics:
            values = by_omega[metric]
            part = values.agg(["mean", "std", "count"]).join(values.quantile([0.05, 0.5, 0.95]).unstack())  # type: ignore[arg-type]
            part.columns = [f"{metric}_{what}" for what in ("mean", "std", "count", "q05", "q50", "q95")]
            parts.append(part)
        import pandas as pd

        return pd.concat(parts, axis=1).reset_index()

    def plot(self, axes: Any = None, *, law: pd.DataFrame | None = None) -> Any:
        """Draw each metric's mean and 5-95 % band over the seeds against omega; returns the axes.

        `law` is the table of a `rankkit.predict_curve`, drawn dashed where it has the metric.
        """
        from rankkit.plots import frequency_curves

        return frequency_curves(self.summary(), self.metrics, axes=axes, law=law)

    def save(self, folder: str | os.PathLike[str]) -> Path:
        """Write sweep.csv and sweep.json (version, arguments, platform) into a folder, made if absent."""
        folder = Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        kinds = {name: np.asarray(values).dtype.str for name, values in self.columns.items()}
        about = {"format": 1, "arguments": self.arguments, "platform": self.platform, "columns": kinds}
        text = self.table.to_csv(index=False, lineterminator="\n")
        store.write_atomically(folder / "sweep.csv", lambda file: file.write(text.encode()))
        store.write_atomically(folder / "sweep.json", lambda file: file.write(json.dumps(about, indent=2).encode()))
        return folder

    @classmethod
    def load(cls, folder: str | os.PathLike[str]) -> Sweep:
        """Return the sweep that `save` wrote, every number bit for bit, or what a store holds so far.

        Raises
        ------
        ValueError
            If the folder holds no readable sweep.
        """
        folder = Path(folder)
        if not (folder / "sweep.json").exists() and (folder / store.MANIFEST).exists():
            kept = store.Store.open(folder)
            return cls(gather(kept), kept.arguments, kept.platform)
        try:
            about = json.loads((folder / "sweep.json").read_text())
            with (folder / "sweep.csv").open(newline="") as file:
                header, *rows = csv.reader(file)
            cells = dict(zip(header, zip(*rows, strict=True), strict=True))
            columns = {name: _column(cells[name], kind) for name, kind in about["columns"].items()}
            sweep = cls(columns, about["arguments"], about["platform"])
            missing = [name for name in (*SETTING, *sweep.metrics) if name not in columns]
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise ValueError(
                f"{folder} holds no readable sweep ({error}); point to a folder made by Sweep.save."
            ) from error
        if missing:
            raise ValueError(f"{folder}/sweep.csv lacks the columns {', '.join(missing)}; save the sweep again.")
        return sweep


def sweep_frequency(
    d: int,
    r: int,
    *,
    n: int | None = None,
    omegas: Iterable[float] | None = None,
    seeds: int | Iterable[int] | None = None,
    rule: Callable[[float], Rule] = Sine,
    initializer: Initializer | None = None,
    metrics: Sequence[str] | None = None,
    rtol: float | None = None,
    dtype: str = "float64",
    protocol: str | None = None,
    store: str | os.PathLike[str] | None = None,
    device: str | None = None,
    memory: int | None = None,
    n_jobs: int | None = None,
    chunk: int | None = None,
    progress: bool | None = None,
) -> Sweep:
    """Return rank measures of rule(omega)(B, A) over frequencies and random factors.

    Parameters
    ----------
    d, r : int
        Rows of the update and rank of the factors.
    n : int, optional
        Columns; None: d.
    omegas : iterable of float, optional
        Frequencies >= 0; None: `default_omegas`, from the linear to the saturated regime.
    seeds : int or iterable of int, optional
        A count (0, 1, ..., seeds - 1) or the seeds themselves; None: 5.
    rule : callable
        Maps omega to a Rule.
    initializer : Initializer, optional
        Law of the factors; None: Kaiming uniform with a = 0.
    metrics : sequence of str, optional
        Names in `rankkit.metrics.METRICS`; None: numerical_rank and stable_rank. These two and the norms need
        no SVD: ranks are counted exactly, the spectral norm is known to 1e-9 of itself.
    rtol : float, optional
        Tolerance of numerical_rank relative to sigma_1; None: max(d, n) * eps(float32).
    dtype : {"float64", "float32"}
        Working precision in which the update is formed. It is decomposed in float64 always.
    protocol : {"adasine"}, optional
        A published setting for omegas, seeds and metrics that are left out. "adasine": omega = 1..1000, 100 seeds,
        numerical rank (AdaSine paper, A.3.1).
    store : path, optional
        Folder in which every finished chunk is kept. The same call goes on where it stopped, and ends with the same
        bits; `Sweep.load` returns what is there so far.
    device : str, optional
        torch device such as "cuda" or "cpu"; None: numpy.
    memory : int, optional
        Bytes that a torch device may use; None: most of what a GPU has free.
    n_jobs : int, optional
        Workers; None: all cores (one for a torch device). A surrounding joblib.parallel_config(backend="loky", "dask"
        or "ray") says where they run. Results do not depend on any of it.
    chunk : int, optional
        Frequencies a chunk; None: a second or two of work.
    progress : bool, optional
        Bar on stderr; None: where stderr is a terminal.

    Raises
    ------
    TypeError, ValueError
        If an argument is not what it should be, or the store belongs to other arguments.

    Examples
    --------
    >>> sweep = sweep_frequency(d=32, r=2, omegas=[0.01, 50.0], seeds=2)
    >>> sweep.table["numerical_rank"].tolist()
    [2.0, 32.0, 2.0, 32.0]
    """
    n = d if n is None else n
    initializer = KaimingUniform() if initializer is None else initializer
    if protocol is not None and protocol not in PROTOCOLS:
        raise ValueError(f"protocol must be one of {', '.join(PROTOCOLS)}, got {protocol!r}; or leave it out.")
    preset = PROTOCOLS[protocol] if protocol else {}
    omegas = preset.get("omegas") if omegas is None else omegas
    seeds = preset.get("seeds") if seeds is None else seeds
    wanted = preset.get("metrics", ("numerical_rank", "stable_rank")) if metrics is None else metrics
    if isinstance(wanted, str):
        raise TypeError(f"metrics must be a sequence of names, got the string {wanted!r}; write [{wanted!r}].")
    check_law(d, n, r, initializer)
    plan = Plan(
        d, n, r,
        omegas=default_omegas(d, n, r, initializer) if omegas is None else frequencies(omegas),
        seeds=seed_list(seeds), rule=rule, initializer=initializer, metrics=tuple(wanted),
        rtol=default_rtol((d, n)) if rtol is None else float(rtol), dtype=dtype, device=device, memory=memory,
        chunk=chunk,
    )  # fmt: skip
    columns = collect(plan, store, platform=_platform(device), n_jobs=n_jobs, progress=progress)
    return Sweep(columns, plan.describe(), _platform(device))


def _column(cells: Sequence[str], kind: str) -> Any:
    """Return a column's cells as an array; an empty cell is NaN. Python's float reads back every bit it wrote."""
    if np.dtype(kind) == object:
        return np.array(cells, dtype=object)
    return np.array([float(cell or "nan") if np.dtype(kind).kind == "f" else int(cell) for cell in cells], dtype=kind)


def _platform(device: str | None) -> dict[str, str]:
    import platform
    from importlib.metadata import version

    about = {"python": platform.python_version(), "machine": platform.machine()}
    about |= {name: version(name) for name in ("rankkit", "numpy", "scipy")}
    return about if device is None else about | {"torch": version("torch")}
