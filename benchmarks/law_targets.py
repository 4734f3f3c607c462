"""How far fresh draws are from targets of frequency_for_rank; `python benchmarks/law.py` runs it.

`--only targets` draws settings of the sine at random, uniform or Gaussian entries; `--only other-targets` those of
other rules and of other entries. Both print how many of ten fresh draws reach the target at the two ends of
`Target.draws`.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np
from law_entries import QUANTILES

import rankkit as rk
from rankkit.law import EntryLaw

KAIMING = rk.initializers.KaimingUniform()
GAUSSIAN = rk.initializers.Normal(0.3, 0.3)
MEASURES = ("stable_rank", "numerical_rank", "participation_ratio")
DRAWS = 10
RULES: dict[str, Callable[[float], Any]] = {
    "tanh": lambda omega: rk.rules.Activation("tanh", omega=omega),
    "GELU": lambda omega: rk.rules.Activation("gelu", omega=omega),
    "Sinter": lambda omega: rk.rules.Sinter(amplitude=0.5, omega=omega),
    "sinc": lambda omega: rk.rules.Elementwise(lambda x: np.sinc(omega * x / np.pi), lipschitz=omega),
}
ENTRIES = (("uniform", "uniform"), ("Laplace", "Laplace"), ("Laplace", "uniform"), ("normal", "uniform"))


class _Rows:
    """Misses, and draws that reach the target at both ends, by what was asked for."""

    def __init__(self) -> None:
        self.off: dict[str, list[float]] = {}
        self.sides: tuple[dict[str, list[float]], dict[str, list[float]]] = ({}, {})

    def add(self, label: str, target: float, found: Any, measured: Callable[[float], Any]) -> None:
        """Add one target; `measured` gives the measure of fresh draws at omega."""
        self.off.setdefault(label, []).append(100 * abs(float(np.mean(measured(found.value))) / target - 1))
        assert found.draws is not None
        for side, omega in zip(self.sides, found.draws, strict=True):
            if 0 < omega < np.inf:
                side.setdefault(label, []).append(float(np.mean(measured(omega) >= target)))

    def show(self) -> None:
        """Print a table."""
        print(
            "\n| target | settings | median miss, % | 90 % of them within, % | largest, % | draws that reach it at the "
            "lower omega, % | at the upper omega, % |\n|:--|--:|--:|--:|--:|--:|--:|"
        )
        for label, misses in sorted(self.off.items()):
            reached = [100 * float(np.mean(side.get(label, [np.nan]))) for side in self.sides]
            print(
                f"| {label} | {len(misses)} | {np.median(misses):.1f} | {np.quantile(misses, 0.9):.1f} | "
                f"{max(misses):.1f} | {reached[0]:.1f} | {reached[1]:.1f} |"
            )


def targets(settings: int, first: int) -> None:
    """Print misses for the sine."""
    rng = np.random.default_rng(first)
    rows = _Rows()
    for at in range(settings):
        d, n, r = int(rng.integers(128, 400)), int(rng.integers(128, 400)), int(rng.integers(1, 9))
        law = KAIMING if rng.random() < 0.7 else GAUSSIAN
        for name in MEASURES:
            rtol = float(10 ** rng.uniform(-4, -1))
            how: dict[str, Any] = {"rtol": rtol} if name == "numerical_rank" else {}
            share = rng.uniform(0.03, 0.2 if name == "stable_rank" else 0.4)
            target = max(share * min(d, n), r + 2.0)
            found = rk.frequency_for_rank(target, d=d, n=n, r=r, measure=name, initializer=law, **how)
            start = 100_000 * first + 100 * at

            def measured(
                omega: float,
                name: str = name,
                how: Any = how,
                size: Any = (d, n, r),
                law: Any = law,
                start: int = start,
            ) -> Any:
                drawn = (rk.rules.Sine(omega)(law(*size, seed=start + k)) for k in range(DRAWS))
                return np.array([float(getattr(rk.metrics, name)(rk.spectrum_of(one), **how)) for one in drawn])

            rows.add(f"{name}, between two steps" if found.steps else name, target, found, measured)
    rows.show()


def other_targets(settings: int, first: int) -> None:
    """Print misses for other rules with uniform, Laplace and mixed entries, and for the sine with these entries."""
    rng = np.random.default_rng(first)
    rows, taken = _Rows(), []
    names = [*RULES, "sine"]
    for at in range(settings):
        d, n, r = int(rng.integers(150, 320)), int(rng.integers(150, 320)), int(rng.integers(1, 7))
        rule, laws = names[at % len(names)], ENTRIES[int(rng.integers(len(ENTRIES)))]
        make = rk.rules.Sine if rule == "sine" else RULES[rule]
        rows_law, columns_law = (EntryLaw.of_quantile(QUANTILES[law], law) for law in laws)
        entries = (rows_law, columns_law)
        name = MEASURES[at % 2]  # the stable rank or the numerical rank
        how: dict[str, Any] = {"rtol": float(10 ** rng.uniform(-3, -1))} if name == "numerical_rank" else {}
        scale = r**0.5 * entries[0].std * entries[1].std
        somewhere = (
            float(np.exp(rng.uniform(np.log(0.5), np.log(3)))) / scale
        )  # whose rank is the target: it is reached
        predict = rk.predict_stable_rank if name == "stable_rank" else rk.predict_rank
        target = predict(somewhere, d=d, n=n, r=r, rule=make, entries=entries, **how).value
        about = f"{name}, {rule}, {' and '.join(laws)}, {d} x {n}, r = {r}, target {target:.1f} {how}"
        start = time.process_time()
        try:
            found = rk.frequency_for_rank(target, d=d, n=n, r=r, measure=name, rule=make, entries=entries, **how)
        except ValueError as unavailable:
            print(f"{about}: {unavailable}", file=sys.stderr, flush=True)
            taken.append(time.process_time() - start)
            continue
        taken.append(time.process_time() - start)
        seeds = rng.integers(2**31, size=DRAWS)

        def measured(
            omega: float, name: str = name, how: Any = how, size: Any = (d, n, r), laws: Any = laws, make: Any = make,
            seeds: Any = seeds,
        ) -> Any:  # fmt: skip
            drawn = (make(omega)(_factors(size, laws, int(seed))) for seed in seeds)
            return np.array([float(getattr(rk.metrics, name)(rk.spectrum_of(one), **how)) for one in drawn])

        rows.add(f"{name}, {'sine' if rule == 'sine' else 'other rules'}", target, found, measured)
        print(f"{about}: omega = {found.value:.4g}, {taken[-1]:.1f} s", file=sys.stderr, flush=True)
    rows.show()
    print(f"\nseconds of processor time: median {np.median(taken):.1f}, largest {max(taken):.1f}")


def _factors(size: tuple[int, int, int], laws: tuple[str, str], seed: int) -> rk.Factors:
    d, n, r = size
    rng = np.random.default_rng(seed)
    return rk.Factors(QUANTILES[laws[0]](rng.random((d, r))), QUANTILES[laws[1]](rng.random((r, n))))
