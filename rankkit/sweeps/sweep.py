"""sweep_frequency: how rank measures of phi_omega(B A) grow with the frequency omega."""

from __future__ import annotations

import os
import platform
from collections.abc import Callable, Iterable, Sequence
from functools import cache
from importlib.metadata import version
from typing import Any

from rankkit.checks import path_of, tolerance, warn_full_rank
from rankkit.initializers import Initializer, KaimingUniform
from rankkit.metrics import default_rtol
from rankkit.rules import Rule, Sine
from rankkit.sweeps.measurement import collect
from rankkit.sweeps.plan import PROTOCOLS, Plan, check_law, default_omegas, frequencies, seed_list
from rankkit.sweeps.record import Sweep, check_folder
from rankkit.version import __version__

__all__ = ["Sweep", "sweep_frequency"]

DEFAULT_METRICS = ("numerical_rank", "stable_rank")  # where neither the user nor a protocol names them


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
    """Return rank measures of the update rule(omega)(B, A) over frequencies and random factors.

    Parameters
    ----------
    d, r : int
        Number of rows of the update, and rank of the factors.
    n : int, optional
        Number of columns of the update; None: d.
    omegas : iterable of float, optional
        Frequencies, >= 0, in radians per unit of B A; None: 56 frequencies from the linear to the saturated part.
    seeds : int or iterable of int, optional
        A count (0, 1, ..., seeds - 1), or the seeds themselves; None: 5.
    rule : callable
        Makes a Rule from omega, as rules.Sine does, or `lambda omega: Activation("tanh", omega=omega)`. A rule itself,
        which `audit` takes, is refused.
    initializer : Initializer, optional
        The law of the factors; None: Kaiming uniform with a = 0.
    metrics : sequence of str, optional
        Names in `rankkit.metrics.METRICS`; None: numerical_rank and stable_rank. These two and the norms need no SVD:
        ranks are counted exactly, and the spectral norm is known to 1e-6 of itself.
    rtol : float, optional
        Tolerance of numerical_rank relative to sigma_1; None: max(d, n) * eps(float32).
    dtype : {"float64", "float32"}
        The working precision in which the update is formed. It is always decomposed in float64.
    protocol : {"adasine"}, optional
        A published setting for those of omegas, seeds and metrics that are left out. "adasine": omega = 1..1000, 100
        seeds, numerical rank (AdaSine paper, A.3.1).
    store : path, optional
        A folder in which every finished chunk is kept. The same call goes on where it stopped, and ends with the same
        bits. `Sweep.load` returns what is there so far.
    device : str, optional
        A torch device such as "cuda" or "cpu"; None: numpy.
    memory : int, optional
        Bytes it may use on the device; None: most of what a GPU has free.
    n_jobs : int, optional
        How many workers; None: all cores, or one for a torch device. A surrounding
        joblib.parallel_config(backend="loky", "dask" or "ray") says where they run. Results do not depend on it.
    chunk : int, optional
        Frequencies per chunk; None: a second or two of work.
    progress : bool, optional
        Show a bar on stderr; None: only where stderr is a terminal.

    Returns
    -------
    Sweep

    Raises
    ------
    TypeError
        If rule, initializer, omegas, seeds or metrics are of another kind.
    ValueError
        If a number or a name is out of its range, or the store belongs to other arguments or holds other files.

    Examples
    --------
    >>> sweep = sweep_frequency(d=32, r=2, omegas=[0.01, 50.0], seeds=2)
    >>> sweep.table["numerical_rank"].tolist()
    [2.0, 32.0, 2.0, 32.0]
    """
    n = d if n is None else n
    initializer = KaimingUniform() if initializer is None else initializer
    check_law(d, n, r, initializer)
    warn_full_rank(r, d, n)
    preset = _preset(protocol)
    omegas = preset.get("omegas") if omegas is None else omegas
    plan = Plan(
        d, n, r,
        omegas=default_omegas(d, n, r, initializer) if omegas is None else frequencies(omegas),
        seeds=seed_list(preset.get("seeds") if seeds is None else seeds), rule=rule, initializer=initializer,
        metrics=_names(preset.get("metrics", DEFAULT_METRICS) if metrics is None else metrics),
        rtol=_relative(rtol, d, n), dtype=dtype, device=device, memory=memory,
        chunk=chunk,
    )  # fmt: skip
    if store is not None:
        check_folder(path_of("store", store, advice="name a folder"))
    columns = collect(plan, store, platform=_platform(device), n_jobs=n_jobs, progress=progress)
    return Sweep(columns, plan.describe(), _platform(device))


def _relative(rtol: float | None, d: int, n: int) -> float:
    """Return the relative tolerance, which has a default up to a size that no matrix in memory has."""
    usual = default_rtol((d, n))
    if rtol is None and usual >= 1:
        raise ValueError(
            f"d and n must be smaller for the default tolerance, max(d, n) * eps(float32), got {d} x {n}; choose "
            "sizes of matrices that fit in memory."
        )
    return tolerance(rtol, default=usual)[0]


def _preset(protocol: str | None) -> dict[str, Any]:
    """Return the arguments that a published setting names; none without a protocol."""
    if protocol is None:
        return {}
    if protocol not in PROTOCOLS:
        raise ValueError(f"protocol must be one of {', '.join(PROTOCOLS)}, got {protocol!r}; or leave it out.")
    return PROTOCOLS[protocol]


def _names(metrics: Sequence[str]) -> tuple[str, ...]:
    if isinstance(metrics, str):
        raise TypeError(f"metrics must be a sequence of names, got the string {metrics!r}; write [{metrics!r}].")
    if not isinstance(metrics, Iterable):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise TypeError(f"metrics must be a sequence of names, got {metrics!r}; write for instance ['stable_rank'].")
    return tuple(metrics)


def _platform(device: str | None) -> dict[str, str]:
    """Return the versions and the machine that decide the last bits of a result."""
    about = {"python": platform.python_version(), "machine": platform.machine()}
    about |= {"rankkit": __version__} | {name: _version(name) for name in ("numpy", "scipy")}
    return about if device is None else about | {"torch": _version("torch")}


@cache
def _version(package: str) -> str:
    """Return the version of an installed package; reading it takes as long as counting a small matrix's rank."""
    return version(package)
