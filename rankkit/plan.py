"""Plan: what a sweep measures, checked once, and cut into chunks that can run anywhere."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from operator import index
from typing import Any, NamedTuple

import numpy as np

from rankkit.factors import Factors, host
from rankkit.initializers import Initializer
from rankkit.metrics import METRICS, default_rtol, numerical_rank_bounds
from rankkit.rules import Rule
from rankkit.rules.base import check_dtype
from rankkit.spectrum import Spectrum, spectrum_of

__all__ = ["Chunk", "Plan", "check_law", "default_omegas", "frequencies", "seed_list"]

CHUNK = 8  # frequencies: a second or less at d = 512, so that the progress bar moves


class Chunk(NamedTuple):
    """A run of frequencies for one seed."""

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
    device: str | None

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
        if not callable(self.rule):
            raise TypeError(f"rule must be a callable omega -> Rule such as rankkit.rules.Sine, got {self.rule!r}.")
        for omega in self.omegas:
            if not isinstance(made := self.rule(omega), Rule):
                raise TypeError(f"rule must map omega to a rankkit.rules.Rule, got {type(made).__name__}.")

    @property
    def chunks(self) -> list[Chunk]:
        """The work, seed by seed."""
        starts = range(0, len(self.omegas), CHUNK)
        return [Chunk(seed, at, min(at + CHUNK, len(self.omegas))) for seed in self.seeds for at in starts]

    def factors(self, seed: int) -> Factors:
        """Return one seed's factors, on the plan's device."""
        drawn = self.initializer(self.d, self.n, self.r, seed=seed)
        return drawn if self.device is None else drawn.to(device=self.device)

    def measure(self, chunk: Chunk) -> dict[str, Any]:
        """Return the columns of one chunk's rows: std (of the entries of B A) and the metrics'."""
        factors = self.factors(chunk.seed)
        std = float(host(factors.entry_std()))
        top = None if any(METRICS[name].needs_tail for name in self.metrics) else 1
        rows: list[dict[str, float]] = []
        for omega in self.omegas[chunk.start : chunk.stop]:
            rule = self.rule(omega)
            error = rule.forming_error(factors, dtype=self.dtype)
            spectrum = spectrum_of(rule(factors, dtype=self.dtype), top=top, forming_error=error)
            rows.append({"std": std, **self._row(spectrum)})
        return {name: np.array([row[name] for row in rows]) for name in rows[0]}

    def _row(self, spectrum: Spectrum) -> dict[str, float]:
        row: dict[str, float] = {}
        for name in self.metrics:
            if name != "numerical_rank":
                row[name] = float(METRICS[name].of(spectrum))
                continue
            lower, upper = (int(bound) for bound in numerical_rank_bounds(spectrum, rtol=self.rtol))
            row |= {name: float(lower) if lower == upper else math.nan}
            row |= {f"{name}_lower": lower, f"{name}_upper": upper}
        return row

    def columns(self, results: Sequence[dict[str, Any]]) -> dict[str, Any]:
        """Join the chunks' results, in the order of `chunks`, with the setting of every row."""
        measured = {name: np.concatenate([result[name] for result in results]) for name in results[0]}
        std = measured.pop("std")
        rows = len(std)
        omega = np.tile(np.asarray(self.omegas, dtype=np.float64), len(self.seeds))
        c = omega * math.prod(self.initializer.scales(self.d, self.n, self.r))
        return {
            "d": np.full(rows, self.d), "n": np.full(rows, self.n), "r": np.full(rows, self.r),
            "omega": omega, "c": c, "omega_std": omega * std, "seed": np.repeat(self.seeds, len(self.omegas)),
            "dtype": np.full(rows, self.dtype, dtype=object), "rtol": np.full(rows, self.rtol), **measured,
        }  # fmt: skip

    def describe(self) -> dict[str, Any]:
        """Return the arguments as JSON-ready values; two plans that say the same measure the same."""
        rule = getattr(self.rule, "__qualname__", None) or repr(self.rule)
        return {
            "d": int(self.d), "n": int(self.n), "r": int(self.r), "omegas": list(self.omegas),
            "seeds": list(self.seeds), "rule": rule, "initializer": repr(self.initializer),
            "metrics": list(self.metrics), "rtol": self.rtol, "dtype": self.dtype, "device": self.device,
        }  # fmt: skip


def check_law(d: int, n: int, r: int, initializer: Initializer) -> None:
    """Raise unless the sizes are positive integers and the initializer is one."""
    for name, size in (("d", d), ("n", n), ("r", r)):
        if isinstance(size, bool) or not isinstance(size, (int, np.integer)) or size < 1:
            raise ValueError(f"{name} must be an integer >= 1, got {size!r}; for instance sweep_frequency(d=512, r=2).")
    if not isinstance(initializer, Initializer):
        raise TypeError(f"initializer must be a rankkit.initializers law, got {initializer!r}; try KaimingUniform().")


def default_omegas(d: int, n: int, r: int, initializer: Initializer) -> tuple[float, ...]:
    """Return 56 frequencies that show the whole curve: staircase, growth and plateau.

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
