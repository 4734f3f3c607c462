"""Plan: what a sweep measures, checked once, and cut into chunks that can run anywhere."""

from __future__ import annotations

import hashlib
import math
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from operator import index
from typing import Any, NamedTuple

import numpy as np

from rankkit.factors import Factors, host
from rankkit.initializers import Initializer
from rankkit.metrics import METRICS, default_rtol
from rankkit.rules import Rule
from rankkit.rules.base import check_dtype

__all__ = ["PROTOCOLS", "Chunk", "Plan", "check_law", "default_omegas", "frequencies", "seed_list"]

# published settings: what the arguments are that a user leaves out
PROTOCOLS: dict[str, dict[str, Any]] = {
    # AdaSine paper, section A.3.1
    "adasine": {"omegas": range(1, 1001), "seeds": 100, "metrics": ("numerical_rank",)},
}
PARTS = 8  # chunks a seed at least, so that cores end together and the progress bar moves
WORK = 3e10  # m n min(m, n) times frequencies in a chunk at most: a second or two on one core


class Chunk(NamedTuple):
    """A run of frequencies, omegas[start:stop], for one seed."""

    seed: int
    start: int
    stop: int


@dataclass(frozen=True)
class Plan:
    """The arguments of a sweep; `rankkit.sweep_frequency` says what they mean.

    Raises
    ------
    TypeError, ValueError
        If an argument is not what it should be, before anything is computed.
    """

    d: int
    n: int
    r: int
    omegas: tuple[float, ...]
    seeds: tuple[int, ...]
    rule: Callable[[float], Rule]
    initializer: Initializer
    metrics: tuple[str, ...]
    rtol: float
    dtype: str
    device: str | None = None
    memory: int | None = None
    chunk: int | None = None

    def __post_init__(self) -> None:
        check_law(self.d, self.n, self.r, self.initializer)
        if not self.omegas or len(set(self.omegas)) < len(self.omegas):
            raise ValueError("omegas must hold one or more different frequencies; leave it out for the default grid.")
        bad = [omega for omega in self.omegas if not (math.isfinite(omega) and omega >= 0)]
        if bad:
            raise ValueError(f"omegas must be finite and >= 0, got {bad[0]!r}; remove it.")
        if not self.seeds or min(self.seeds) < 0 or len(set(self.seeds)) < len(self.seeds):
            raise ValueError(f"seeds must be a count >= 1 or different integers >= 0, got {list(self.seeds)}.")
        unknown = [name for name in self.metrics if name not in METRICS]
        if unknown or not self.metrics:
            raise ValueError(
                f"metrics must be among {', '.join(METRICS)}; got {', '.join(map(repr, unknown)) or 'none'}."
            )
        if not (math.isfinite(self.rtol) and self.rtol >= 0):
            raise ValueError(f"rtol must be finite and >= 0, got {self.rtol!r}; None means max(d, n) * eps(float32).")
        check_dtype(self.dtype)
        for name, value in (("memory", self.memory), ("chunk", self.chunk)):
            if value is not None and (isinstance(value, bool) or not isinstance(value, (int, np.integer)) or value < 1):
                raise ValueError(f"{name} must be an integer >= 1, got {value!r}; leave it out for a sensible one.")
        if not callable(self.rule):
            raise TypeError(f"rule must be a callable omega -> Rule such as rankkit.rules.Sine, got {self.rule!r}.")
        for omega in self.omegas:
            if not isinstance(made := self.rule(omega), Rule):
                raise TypeError(f"rule must map omega to a rankkit.rules.Rule, got {type(made).__name__}.")

    @property
    def work(self) -> int:
        """What one frequency costs, up to a factor: m n min(m, n)."""
        return self.d * self.n * min(self.d, self.n)

    def chunks(self, done: Mapping[int, set[int]] | None = None) -> list[Chunk]:
        """Return the work seed by seed, without the places in omegas that are done for a seed."""
        size = self.chunk or max(1, min(math.ceil(len(self.omegas) / PARTS), int(WORK // self.work)))
        chunks = []
        for seed in self.seeds:
            open_ = np.array(sorted(set(range(len(self.omegas))) - (done or {}).get(seed, set())), dtype=np.int64)
            for run in np.split(open_, np.flatnonzero(np.diff(open_) > 1) + 1):
                chunks += [Chunk(seed, int(part[0]), int(part[-1]) + 1) for part in _cut(run, size)]
        return chunks

    def factors(self, seed: int) -> Factors:
        """Return one seed's factors, on the plan's device."""
        drawn = self.initializer(self.d, self.n, self.r, seed=seed)
        return drawn if self.device is None else drawn.to(device=self.device)

    def describe(self) -> dict[str, Any]:
        """Return the arguments as JSON-ready values; two plans that say the same measure the same."""
        return {
            "d": int(self.d), "n": int(self.n), "r": int(self.r), "omegas": list(self.omegas),
            "seeds": list(self.seeds), "rule": self._rule(), "initializer": repr(self.initializer),
            "metrics": list(self.metrics), "rtol": self.rtol, "dtype": self.dtype, "device": self.device,
        }  # fmt: skip

    def _rule(self) -> str:
        """Return the first rule and a digest of what all do to fixed factors, which tells two lambdas apart."""
        probe = Factors(np.array([[0.5, -0.25], [1.0, 0.75], [-0.5, 0.25]]), np.array([[0.5, 1.0], [-1.0, 0.25]]))
        made = [self.rule(omega)(probe) for omega in self.omegas]
        values = np.concatenate([np.ravel(host(x.product() if isinstance(x, Factors) else x)) for x in made])
        seen = hashlib.sha256(" ".join(f"{value:.6e}" for value in values).encode()).hexdigest()
        first = re.sub(r" at 0x[0-9a-f]+", "", repr(self.rule(self.omegas[0])))
        return f"{first}, ... {seen[:12]}"


def _cut(run: Any, size: int) -> list[Any]:
    return [run[at : at + size] for at in range(0, len(run), size)]


def check_law(d: int, n: int, r: int, initializer: Initializer) -> None:
    """Raise unless the sizes are positive integers and the initializer is one."""
    for name, size in (("d", d), ("n", n), ("r", r)):
        if isinstance(size, bool) or not isinstance(size, (int, np.integer)) or size < 1:
            raise ValueError(f"{name} must be an integer >= 1, got {size!r}; for instance sweep_frequency(d=512, r=2).")
    if not isinstance(initializer, Initializer):
        raise TypeError(f"initializer must be a rankkit.initializers law, got {initializer!r}; try KaimingUniform().")


def default_omegas(d: int, n: int, r: int, initializer: Initializer) -> tuple[float, ...]:
    """Return 56 frequencies that show the whole curve, from the linear to the saturated regime.

    Evenly spaced in log c. They begin where the sine's cubic term, about c^2 / 6 of the linear one, is lost below the
    default tolerance, and end at four times c* = (pi / 2) (2 min(d, n))^(1/r), where the count (2 c / pi)^r / 2 of
    prolate eigenvalues near one (Landau and Widom 1980) would fill the matrix.
    """
    unit = math.prod(initializer.scales(d, n, r))
    if math.isnan(unit):  # no one-parameter law: what uniform entries with this std(BA) would have
        unit = 3 * float(initializer(d, n, r, seed=0).entry_std()) / math.sqrt(r)
    full = (math.pi / 2) * (2 * min(d, n)) ** (1 / r)
    grid = np.geomspace(math.sqrt(default_rtol((d, n))), 4 * full, 56) / (unit if unit > 0 else 1.0)
    return tuple(float(f"{omega:.3g}") for omega in grid)


def frequencies(values: Iterable[float]) -> tuple[float, ...]:
    """Return any iterable of numbers, arrays included, as plain floats."""
    try:
        return tuple(float(value) for value in np.ravel(np.asarray([*values], dtype=np.float64)))
    except (TypeError, ValueError):
        raise TypeError(
            f"omegas must be an iterable of numbers, got {values!r}; use for instance [1, 10, 100]."
        ) from None


def seed_list(seeds: int | Iterable[int] | None) -> tuple[int, ...]:
    """Return the seeds that a count or an iterable of integers names; None means five."""
    try:
        return tuple(range(5 if seeds is None else index(seeds)))  # type: ignore[arg-type]
    except TypeError:
        pass
    try:
        return tuple(index(seed) for seed in seeds)  # type: ignore[union-attr]
    except TypeError:
        raise TypeError(
            f"seeds must be a count or an iterable of integers, got {seeds!r}; use for instance 5."
        ) from None
