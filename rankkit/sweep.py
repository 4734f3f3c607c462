"""sweep_frequency: how rank measures of phi_omega(B A) grow with the frequency omega."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from rankkit import execution, store
from rankkit.initializers import Initializer, KaimingUniform
from rankkit.metrics import METRICS, default_rtol, numerical_rank_bounds
from rankkit.rules import Rule, Sine
from rankkit.rules.base import check_dtype
from rankkit.spectrum import Spectrum, spectrum_of

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Sweep", "default_omegas", "sweep_frequency"]

_SETTING = ("d", "n", "r", "omega", "c", "omega_std", "seed", "dtype", "rtol")


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

    def plot(self, axes: Any = None) -> Any:
        """Draw each metric's mean and 5-95 % band over the seeds against omega; returns the axes."""
        from rankkit.plots import frequency_curves

        return frequency_curves(self.summary(), self.metrics, axes=axes)

    def save(self, folder: str | os.PathLike[str]) -> Path:
        """Write sweep.csv and sweep.json (version, arguments, platform) into a folder, made if absent."""
        folder = Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        about = {"format": 1, "arguments": self.arguments, "platform": self.platform}
        text = self.table.to_csv(index=False, lineterminator="\n")
        store.write_atomically(folder / "sweep.csv", lambda file: file.write(text.encode()))
        store.write_atomically(folder / "sweep.json", lambda file: file.write(json.dumps(about, indent=2).encode()))
        return folder

    @classmethod
    def load(cls, folder: str | os.PathLike[str]) -> Sweep:
        """Return the sweep that `save` wrote, every number bit for bit.

        Raises
        ------
        ValueError
            If the folder holds no readable sweep.
        """
        import pandas as pd

        folder = Path(folder)
        try:
            about = json.loads((folder / "sweep.json").read_text())
            table = pd.read_csv(folder / "sweep.csv", float_precision="round_trip", dtype={"dtype": str})
            sweep = cls({name: table[name].to_numpy() for name in table}, about["arguments"], about["platform"])  # type: ignore[misc]
            missing = [name for name in (*_SETTING, *sweep.metrics) if name not in sweep.columns]
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise ValueError(
                f"{folder} holds no readable sweep ({error}); point to a folder made by Sweep.save."
            ) from error
        if missing:
            raise ValueError(f"{folder}/sweep.csv lacks the columns {', '.join(missing)}; save the sweep again.")
        return sweep


def default_omegas(d: int, r: int, *, n: int | None = None, initializer: Initializer | None = None) -> Any:
    """Return 56 frequencies that show the whole curve: staircase, growth and plateau.

    Evenly spaced in log c from 0.02 to four times c* = (pi / 2) (2 min(d, n))^(1/r), where the
    prolate eigenvalue count (2 c / pi)^r / 2 would fill the matrix.
    """
    n = d if n is None else n
    initializer = KaimingUniform() if initializer is None else initializer
    unit = math.prod(initializer.scales(d, n, r))
    if math.isnan(unit):  # no one-parameter law: what uniform entries with this std(BA) would have
        unit = 3 * float(initializer(d, n, r, seed=0).entry_std()) / math.sqrt(r)
    full = (math.pi / 2) * (2 * min(d, n)) ** (1 / r)
    grid = np.geomspace(0.02, 4 * full, 56) / (unit if unit > 0 else 1.0)
    return np.array([float(f"{omega:.3g}") for omega in grid])


def sweep_frequency(
    d: int,
    r: int,
    *,
    n: int | None = None,
    omegas: Iterable[float] | None = None,
    seeds: int | Iterable[int] | None = None,
    rule: Callable[[float], Rule] = Sine,
    initializer: Initializer | None = None,
    metrics: Sequence[str] = ("numerical_rank", "stable_rank"),
    rtol: float | None = None,
    dtype: str = "float64",
    device: str | None = None,
    n_jobs: int | None = None,
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
        Frequencies >= 0; None: `default_omegas`, staircase to plateau.
    seeds : int or iterable of int, optional
        A count (0, 1, ..., seeds - 1) or the seeds themselves; None: 5.
    rule : callable
        Maps omega to a Rule.
    initializer : Initializer, optional
        Law of the factors; None: Kaiming uniform with a = 0.
    metrics : sequence of str
        Names in `rankkit.metrics.METRICS`.
    rtol : float, optional
        Tolerance of numerical_rank relative to sigma_1; None: max(d, n) * eps(float32).
    dtype : {"float64", "float32"}
        Working precision in which the update is formed. It is decomposed in float64 always.
    device : str, optional
        torch device such as "cuda" or "cpu"; None: numpy.
    n_jobs : int, optional
        Threads; None: all cores. Results do not depend on it.
    progress : bool, optional
        Bar on stderr; None: where stderr is a terminal.

    Examples
    --------
    >>> sweep = sweep_frequency(d=32, r=2, omegas=[0.01, 50.0], seeds=2)
    >>> sweep.table["numerical_rank"].tolist()
    [2.0, 32.0, 2.0, 32.0]
    """
    n = d if n is None else n
    initializer = KaimingUniform() if initializer is None else initializer
    if not isinstance(initializer, Initializer):
        raise TypeError(f"initializer must be a rankkit.initializers law, got {initializer!r}; use KaimingUniform().")
    check_dtype(dtype)
    unknown = [name for name in metrics if name not in METRICS]
    if unknown or not metrics or isinstance(metrics, str):
        wrong = repr(metrics) if isinstance(metrics, str) or not metrics else ", ".join(map(repr, unknown))
        raise ValueError(f"metrics must be a list of {', '.join(METRICS)}; got {wrong}.")
    if rtol is not None and not (math.isfinite(rtol) and rtol >= 0):
        raise ValueError(f"rtol must be finite and >= 0, got {rtol!r}; None means max(d, n) * eps(float32).")
    seed_list = _seed_list(seeds)
    scales = initializer.scales(d, n, r) if _sizes(d, n, r) else ()
    omega_list = _omega_list(default_omegas(d, r, n=n, initializer=initializer) if omegas is None else omegas)
    rules = [rule(omega) for omega in omega_list]
    for made in rules:
        if not isinstance(made, Rule):
            raise TypeError(f"rule must map omega to a rankkit.rules.Rule, got {type(made).__name__}; try rule=Sine.")

    tolerance = default_rtol((d, n)) if rtol is None else float(rtol)
    one = partial(
        _one_seed, sizes=(d, n, r), rules=rules, initializer=initializer, metrics=tuple(metrics), rtol=tolerance,
        dtype=dtype, device=device,
    )  # fmt: skip
    chunks = [(seed, part) for seed in seed_list for part in _parts(len(rules))]
    results = execution.run(one, chunks, n_jobs=n_jobs, progress=progress, label=f"sweep d={d} r={r}")

    rows = len(seed_list) * len(omega_list)
    omega = np.tile(np.asarray(omega_list, dtype=np.float64), len(seed_list))
    std = np.concatenate([result["std"] for result in results])
    columns: dict[str, Any] = {
        "d": np.full(rows, d), "n": np.full(rows, n), "r": np.full(rows, r),
        "omega": omega, "c": omega * math.prod(scales), "omega_std": omega * std,
        "seed": np.repeat(seed_list, len(omega_list)), "dtype": np.full(rows, dtype, dtype=object),
        "rtol": np.full(rows, tolerance),
    }  # fmt: skip
    for name in results[0]:
        if name != "std":
            columns[name] = np.concatenate([result[name] for result in results])
    arguments = {
        "d": d, "r": r, "n": n, "omegas": omega_list, "seeds": seed_list, "rule": _describe(rule),
        "initializer": repr(initializer),
        "metrics": list(metrics), "rtol": tolerance, "dtype": dtype, "device": device,
    }  # fmt: skip
    return Sweep(columns, arguments, _platform(device))


def _sizes(d: int, n: int, r: int) -> bool:
    for name, size in (("d", d), ("n", n), ("r", r)):
        if isinstance(size, bool) or not isinstance(size, (int, np.integer)) or size < 1:
            raise ValueError(f"{name} must be an integer >= 1, got {size!r}; for instance sweep_frequency(d=512, r=2).")
    return True


def _seed_list(seeds: int | Iterable[int] | None) -> list[int]:
    if seeds is None or isinstance(seeds, (int, np.integer)):
        seeds = range(5 if seeds is None else int(seeds))
    listed = [int(seed) for seed in seeds]
    if not listed or min(listed) < 0:
        raise ValueError(f"seeds must be a count >= 1 or integers >= 0, got {listed}; use for instance seeds=5.")
    return listed


def _omega_list(omegas: Iterable[float]) -> list[float]:
    listed = [
        float(omega)
        for omega in np.atleast_1d(np.asarray(omegas if hasattr(omegas, "shape") else list(omegas), dtype=float))
    ]
    if not listed:
        raise ValueError("omegas must hold at least one frequency, got none; leave it out for the default grid.")
    bad = [omega for omega in listed if not (math.isfinite(omega) and omega >= 0)]
    if bad:
        raise ValueError(f"omegas must be finite and >= 0, got {bad[0]!r}; remove it.")
    return listed


def _parts(count: int, size: int = 8) -> list[slice]:
    """Split `count` frequencies into chunks small enough for a smooth progress bar."""
    return [slice(start, min(start + size, count)) for start in range(0, count, size)]


def _one_seed(
    chunk: tuple[int, slice], *, sizes: tuple[int, int, int], rules: Sequence[Rule], initializer: Initializer,
    metrics: tuple[str, ...], rtol: float, dtype: str, device: str | None,
) -> dict[str, Any]:  # fmt: skip
    """Return std(BA) and the metrics' columns for one seed and one run of frequencies."""
    seed, part = chunk
    d, n, r = sizes
    factors = initializer(d, n, r, seed=seed)
    if device is not None:
        factors = factors.to(device=device)
    std = float(factors.entry_std())
    top = None if any(METRICS[name].needs_tail for name in metrics) else 1
    rows: list[dict[str, float]] = []
    for rule in rules[part]:
        error = rule.forming_error(factors, dtype=dtype)
        spectrum = spectrum_of(rule(factors, dtype=dtype), top=top, forming_error=error)
        rows.append({"std": std, **_measure(spectrum, metrics, rtol)})
    return {name: np.array([row[name] for row in rows]) for name in rows[0]}


def _measure(spectrum: Spectrum, metrics: tuple[str, ...], rtol: float) -> dict[str, float]:
    row: dict[str, float] = {}
    for name in metrics:
        if name != "numerical_rank":
            row[name] = float(METRICS[name].of(spectrum))
            continue
        lower, upper = numerical_rank_bounds(spectrum, rtol=rtol)
        row |= {name: float(lower) if lower == upper else math.nan}
        row |= {f"{name}_lower": int(lower), f"{name}_upper": int(upper)}
    return row


def _describe(rule: Callable[[float], Rule]) -> str:
    return getattr(rule, "__qualname__", None) or repr(rule)


def _platform(device: str | None) -> dict[str, str]:
    import platform
    from importlib.metadata import version

    import rankkit

    about = {"rankkit": rankkit.__version__, "python": platform.python_version(), "machine": platform.machine()}
    about |= {name: version(name) for name in ("numpy", "scipy")}
    return about if device is None else about | {"torch": version("torch")}
