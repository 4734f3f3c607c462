"""Plan: what a sweep measures. It is checked once, and cut into chunks that can run anywhere."""

from __future__ import annotations

import hashlib
import math
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from numbers import Integral
from operator import index
from typing import Any, NamedTuple

import numpy as np

from rankkit.checks import finite, integer, tolerance, torch_device
from rankkit.factors import Factors, host
from rankkit.initializers import Initializer
from rankkit.metrics import METRICS, default_rtol
from rankkit.rules import Rule
from rankkit.rules.rule import check_dtype, check_maker

__all__ = ["PROTOCOLS", "Chunk", "Plan", "check_law", "default_omegas", "frequencies", "seed_list"]

# published settings for the arguments that a user leaves out
PROTOCOLS: dict[str, dict[str, Any]] = {
    # AdaSine paper, section A.3.1
    "adasine": {"omegas": range(1, 1001), "seeds": 100, "metrics": ("numerical_rank",)},
}
PARTS = 8  # chunks per seed at least, so that all cores end at about the same time and the progress bar moves
WORK = 3e10  # of Plan.work in one chunk at most: a second or two on one core
SEEDS = 5  # where a user names none
COUNT = 56  # frequencies of the default grid: for d = 512 and r = 2 about four per doubling of c
BEYOND = 4  # times c*, where the default grid ends: well within the saturated part
DIGITS = 3  # of a default frequency, so that it can be typed again
PROBE = (np.array([[0.5, -0.25], [1.0, 0.75], [-0.5, 0.25]]), np.array([[0.5, 1.0], [-1.0, 0.25]]))  # any fixed pair
SEEN = 12  # hexadecimal digits of the digest of what a rule does: 48 bits


class Chunk(NamedTuple):
    """A run of frequencies, omegas[start:stop], for one seed."""

    seed: int
    start: int
    stop: int


@dataclass(frozen=True)
class Plan:
    """The arguments of a sweep, checked before anything is computed.

    Attributes
    ----------
    d, n, r : int
        Rows and columns of the update, and rank of the factors.
    omegas : tuple of float
        Frequencies, >= 0, all different.
    seeds : tuple of int
        Which draws of the factors, >= 0, all different.
    rule : callable
        Maps omega to a Rule.
    initializer : Initializer
        The law of the factors.
    metrics : tuple of str
        Names in `rankkit.metrics.METRICS`.
    rtol : float
        Tolerance of numerical_rank relative to sigma_1.
    dtype : {"float64", "float32"}
        The working precision in which the update is formed.
    device : str or None
        A torch device; None: numpy.
    memory : int or None
        Bytes it may use on the device.
    chunk : int or None
        Frequencies per chunk.

    Raises
    ------
    TypeError
        If rule or initializer is something else.
    ValueError
        If a number or a name is out of its range.
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
        self._check_draws()
        unknown = [name for name in self.metrics if name not in METRICS]
        if unknown or not self.metrics:
            raise ValueError(
                f"metrics must be among {', '.join(METRICS)}; got {', '.join(map(repr, unknown)) or 'none'}."
            )
        tolerance(self.rtol, default=default_rtol((self.d, self.n)))
        check_dtype(self.dtype)
        if self.device is not None:
            torch_device("device", self.device)
        for name, value in (("memory", self.memory), ("chunk", self.chunk)):
            if value is not None:
                integer(name, value, advice="leave it out for a sensible one")
        _check_rule(self.rule, self.omegas)

    def _check_draws(self) -> None:
        """Raise unless the frequencies and the seeds are different numbers in their ranges."""
        if not self.omegas or len(set(self.omegas)) < len(self.omegas):
            twice = [omega for omega in self.omegas if self.omegas.count(omega) > 1]
            got = f"{twice[0]:g} more than once" if twice else "none"
            raise ValueError(
                f"omegas must hold one or more different frequencies, got {got}; leave it out for the default grid."
            )
        for omega in self.omegas:
            finite("every frequency in omegas", omega, least=0, advice="remove it")
        if not self.seeds or min(self.seeds) < 0 or len(set(self.seeds)) < len(self.seeds):
            raise ValueError(f"seeds must be a count >= 1 or different integers >= 0, got {list(self.seeds)}.")

    @property
    def work(self) -> int:
        """What one frequency costs, up to a factor: d n min(d, n)."""
        return self.d * self.n * min(self.d, self.n)

    def chunks(self, done: Mapping[int, set[int]] | None = None) -> list[Chunk]:
        """Return the work that is left, seed by seed.

        Parameters
        ----------
        done : mapping of int to set of int, optional
            Maps a seed to the places in omegas that are finished; None: nothing is.

        Returns
        -------
        list of Chunk
        """
        size = self.chunk or max(1, min(math.ceil(len(self.omegas) / PARTS), int(WORK // self.work)))
        finished = done or {}
        return [
            Chunk(seed, start, min(start + size, stop))
            for seed in self.seeds
            for first, stop in _runs(set(range(len(self.omegas))) - finished.get(seed, set()))
            for start in range(first, stop, size)
        ]

    def factors(self, seed: int) -> Factors:
        """Return the factors of one seed, on the plan's device."""
        drawn = self.initializer(self.d, self.n, self.r, seed=seed)
        return drawn if self.device is None else drawn.to(device=self.device)

    def describe(self) -> dict[str, Any]:
        """Return the arguments as JSON-ready values. Two plans that say the same measure the same."""
        return {
            "d": int(self.d), "n": int(self.n), "r": int(self.r), "omegas": list(self.omegas),
            "seeds": list(self.seeds), "rule": self._rule(), "initializer": repr(self.initializer),
            "metrics": list(self.metrics), "rtol": self.rtol, "dtype": self.dtype, "device": self.device,
        }  # fmt: skip

    def _rule(self) -> str:
        """Return the first rule and a digest of what all rules do to fixed factors, which tells two lambdas apart."""
        probe = Factors(*PROBE)
        made = [self.rule(omega)(probe) for omega in self.omegas]
        values = np.concatenate([np.ravel(host(x.product() if isinstance(x, Factors) else x)) for x in made])
        seen = hashlib.sha256(" ".join(f"{value:.6e}" for value in values).encode()).hexdigest()
        first = re.sub(r" at 0x[0-9a-f]+", "", repr(self.rule(self.omegas[0])))
        return f"{first}, ... {seen[:SEEN]}"


def _runs(places: set[int]) -> list[tuple[int, int]]:
    """Return the runs of neighbouring integers as (first, one beyond the last)."""
    firsts = sorted(place for place in places if place - 1 not in places)
    lasts = sorted(place for place in places if place + 1 not in places)
    return [(first, last + 1) for first, last in zip(firsts, lasts, strict=True)]


def _check_rule(rule: Callable[[float], object], omegas: Iterable[float]) -> None:
    """Raise unless rule maps every frequency to a Rule."""
    check_maker(rule)
    for omega in omegas:
        if not isinstance(made := rule(omega), Rule):
            raise TypeError(
                f"rule must map omega to a rankkit.rules.Rule, got one that returns {type(made).__name__}; pass for "
                "instance rankkit.rules.Sine, or lambda omega: rankkit.rules.Elementwise(fn, lipschitz=...)."
            )


def check_law(d: object, n: object, r: object, initializer: object) -> None:
    """Raise unless the sizes are positive integers and the initializer is one.

    Parameters
    ----------
    d, n, r : object
        What the user gave for the sizes.
    initializer : object
        What the user gave for the law of the factors.

    Raises
    ------
    TypeError
        If the initializer is something else.
    ValueError
        If a size is something else.
    """
    for name, size in (("d", d), ("n", n), ("r", r)):
        integer(name, size, advice="for instance sweep_frequency(d=512, r=2)")
    if not isinstance(initializer, Initializer):
        raise TypeError(f"initializer must be a rankkit.initializers law, got {initializer!r}; try KaimingUniform().")


def default_omegas(d: int, n: int, r: int, initializer: Initializer) -> tuple[float, ...]:
    """Return 56 frequencies that show the whole curve, from the linear to the saturated part.

    They are evenly spaced in log c. They begin where the cubic term of the sine, about c^2 / 6 of the linear one, is
    lost below the default tolerance. They end at four times c* = (pi / 2) (2 min(d, n))^(1/r), where the count
    (2 c / pi)^r / 2 of prolate eigenvalues near one (Landau and Widom 1980) would fill the matrix.

    Parameters
    ----------
    d, n, r : int
        Rows and columns of the update, and rank of the factors.
    initializer : Initializer
        The law of the factors.

    Returns
    -------
    tuple of float
        Ascending.
    """
    unit = math.prod(initializer.scales(d, n, r))
    if math.isnan(unit):
        # a law without widths: the product of bounds that uniform entries with this std(B A) would have, since
        # std(B A) = sqrt(r) (beta / sqrt(3)) (alpha / sqrt(3))
        unit = 3 * float(initializer(d, n, r, seed=0).entry_std()) / math.sqrt(r)
    full: float = (math.pi / 2) * (2 * min(d, n)) ** (1 / r)
    grid = np.geomspace(math.sqrt(default_rtol((d, n))), BEYOND * full, COUNT) / (unit if unit > 0 else 1.0)
    return tuple(float(f"{omega:.{DIGITS}g}") for omega in grid.tolist())


def frequencies(values: Iterable[float]) -> tuple[float, ...]:
    """Return the numbers of an iterable, which may be an array, as Python floats.

    Parameters
    ----------
    values : iterable of float

    Returns
    -------
    tuple of float

    Raises
    ------
    TypeError
        If values is something else.
    """
    try:
        return tuple(np.ravel(np.asarray([*values], dtype=np.float64)).tolist())
    except (TypeError, ValueError):
        raise TypeError(
            f"omegas must be an iterable of numbers, got {values!r}; use for instance [1, 10, 100]."
        ) from None


def seed_list(seeds: int | Iterable[int] | None) -> tuple[int, ...]:
    """Return the seeds that a count or an iterable of integers names.

    Parameters
    ----------
    seeds : int or iterable of int, optional
        A count stands for 0, 1, ..., seeds - 1; None: five.

    Returns
    -------
    tuple of int

    Raises
    ------
    TypeError
        If seeds is something else.
    """
    try:
        if seeds is None or isinstance(seeds, (int, Integral)):
            return tuple(range(SEEDS if seeds is None else int(seeds)))
        return tuple(index(seed) for seed in seeds)
    except TypeError:
        raise TypeError(
            f"seeds must be a count or an iterable of integers, got {seeds!r}; use for instance 5."
        ) from None
