"""The spectral law's predictions against measured sweeps, its targets on fresh draws, its bounds on random cases.

Run: python benchmarks/law.py [--seeds 20] [--settings 50] [--first 7] [--only WHAT], WHAT being fresh, rules,
uniform-rules, laws, factors, spectra, curves, targets, other-targets, bounds or seconds; law_entries.py says what laws
and factors are, law_spectra.py what spectra are, and law_targets.py what targets and other-targets are.

`fresh`, `rules`, `uniform-rules` and `targets` draw settings at random, `first` being the seed: uniform and Gaussian
entries from the linear to the saturated regime, and other rules with either. They print misses and how often the stated
error holds.
Predictions see no draw; sweeps use seeds from 1000 on. Bounds are held against float64 singular values with their
error.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from collections.abc import Callable
from functools import partial
from typing import Any

import law_entries
import law_spectra
import law_targets
import numpy as np

import rankkit as rk
from rankkit.metrics import default_rtol

KAIMING = rk.initializers.KaimingUniform()
GAUSSIAN = rk.initializers.Normal(0.3, 0.3)
SETTINGS = [
    ("uniform", KAIMING, 512, 512, 1),
    ("uniform", KAIMING, 512, 512, 2),
    ("uniform", KAIMING, 1024, 1024, 4),
    ("uniform", KAIMING, 384, 768, 3),
    ("Gaussian", GAUSSIAN, 512, 512, 2),
    ("Gaussian", GAUSSIAN, 512, 512, 4),
]
SIZES = ((512, 512, 1), (512, 512, 2), (512, 512, 3), (1024, 1024, 4))
LARGE = ((512, 384, 2), (1024, 1024, 2), (1024, 768, 2), (1024, 768, 3), (2048, 1024, 2), (2048, 2048, 2))
CURVES: list[tuple[str, Any, tuple[int, int, int], Any]] = [
    *(("uniform", KAIMING, size, None) for size in SIZES),
    *(("Gaussian", GAUSSIAN, size, None) for size in (*SIZES, *LARGE)),
    *(("Gaussian, tanh", GAUSSIAN, size, partial(rk.rules.Activation, "tanh")) for size in (SIZES[1], SIZES[3])),
    *(("Gaussian, Sinter", GAUSSIAN, size, partial(rk.rules.Sinter, 0.5)) for size in (SIZES[1], SIZES[3])),
]


def sweep(
    d: int, n: int, r: int, law: Any, omegas: list[float], seeds: int, metrics: list[str], rtol: float | None
) -> Any:
    """Return measured means by omega."""
    table = rk.sweep_frequency(
        d, r, n=n, omegas=omegas, seeds=range(1000, 1000 + seeds), initializer=law, metrics=metrics, rtol=rtol,
        n_jobs=1, progress=False,
    ).table  # fmt: skip
    return table.groupby("omega")[metrics].mean()


def curves(points: int, seeds: int) -> None:
    """Print how far predictions are from measured means, over frequencies."""
    print("| entries, (d, n, r) | measure | median | largest | at omega: predicted, measured |\n|:--|:--|--:|--:|:--|")
    for name, law, d, n, r in SETTINGS:
        omegas = np.geomspace(1, 1000, points).round(3).tolist()
        full = min(d, n)
        for label, rtol in (("1e-1", 1e-1), ("1e-2", 1e-2), ("1e-3", 1e-3), ("default", default_rtol((d, n)))):
            measured = sweep(d, n, r, law, omegas, seeds, ["numerical_rank"], rtol)["numerical_rank"].to_numpy()
            found = rk.predict_curve(omegas, d=d, n=n, r=r, initializer=law, measures=["numerical_rank"], rtol=rtol)
            predicted = found.columns["numerical_rank"]
            off = 100 * np.abs(predicted - measured) / full
            worst = int(np.argmax(off))
            print(
                f"| {name}, ({d}, {n}, {r}) | rank at {label}, % of d | {np.median(off):.2f} | {off[worst]:.2f} | "
                f"{omegas[worst]:g}: {predicted[worst]:.1f}, {measured[worst]:.1f} |", flush=True,
            )  # fmt: skip
        measured = sweep(d, n, r, law, omegas, seeds, ["stable_rank"], None)["stable_rank"].to_numpy()
        found = rk.predict_curve(omegas, d=d, n=n, r=r, initializer=law, measures=["stable_rank"])
        predicted = found.columns["stable_rank"]
        off = 100 * np.abs(predicted / measured - 1)
        worst = int(np.argmax(off))
        print(
            f"| {name}, ({d}, {n}, {r}) | stable rank, relative % | {np.median(off):.2f} | {off[worst]:.2f} | "
            f"{omegas[worst]:g}: {predicted[worst]:.1f}, {measured[worst]:.1f} |", flush=True,
        )  # fmt: skip


def setting(rng: np.random.Generator, *, gaussian: bool) -> tuple[int, int, int]:
    """Return random sizes (d, n, r)."""
    ranks = [1, 2, 3, 4, 6, 8, 12, 16] if gaussian else [1, 2, 3, 4, 6, 8]
    return int(rng.integers(150, 320)), int(rng.integers(150, 320)), int(rng.choice(ranks))


def fresh(settings: int, seeds: int, first: int) -> None:
    """Print misses on random settings, how often the stated error holds them, and what draws scatter by themselves."""
    rng = np.random.default_rng(first)
    rows: dict[str, list[tuple[float, bool, float, float]]] = {}
    draws = sorted({1, 4, seeds} - set(range(seeds + 1, 5)))
    for at in range(settings):
        gaussian = rng.random() < 0.4
        name, law = (
            ("Gaussian", rk.initializers.Normal(1.0, 1.0)) if gaussian else ("uniform", rk.initializers.Uniform(1.0))
        )
        d, n, r = setting(rng, gaussian=gaussian)
        std = r**0.5 / (1 if gaussian else 3)  # of B A
        omega = float(np.exp(rng.uniform(np.log(0.15), np.log(12)))) / std
        drawn = [drawn_values(rk.rules.Sine(omega), law, d, n, r, 100_000 * first + 100 * at + k) for k in range(seeds)]
        about = {"d": d, "n": n, "r": r, "initializer": law}
        found: list[tuple[str, int | None, rk.law.Prediction, Callable[[Any], float]]] = [
            (f"{name}: rank, % of d", min(d, n), rk.predict_rank(omega, rtol=rtol, **about), partial(count, rtol=rtol))
            for rtol in (1e-1, 1e-2, 1e-3, default_rtol((d, n)))
        ]
        found.append((f"{name}: stable rank, relative %", None, rk.predict_stable_rank(omega, **about), stable_rank))
        for title, whole, predicted, measure in found:
            measured = [measure(values) for values in drawn]
            share = 100 / (whole or predicted.value)
            for k in draws:
                off, error = abs(predicted.value - float(np.mean(measured[:k]))), predicted.error_of(k)
                row = share * off, off <= error, share * error, share * float(np.std(measured, ddof=1)) / k**0.5
                rows.setdefault(f"{title}, draws {k}", []).append(row)
    print(
        "\n| entries, measure, draws | values | median | 90 % within | 95 % within | largest | held, % "
        "| mean error stated | exact: 95 % within | exact: largest |\n|:--|--:|--:|--:|--:|--:|--:|--:|--:|--:|"
    )
    for title in sorted(rows):
        off, held, error, scatter = np.array(rows[title], dtype=float).T
        exact = np.abs(np.random.default_rng(0).standard_normal((400, off.size)) * scatter)  # misses of an exact law
        print(
            f"| {title} | {off.size} | {np.median(off):.2f} | {np.quantile(off, 0.9):.2f} | "
            f"{np.quantile(off, 0.95):.2f} | {off.max():.2f} | {100 * held.mean():.1f} | {error.mean():.2f} | "
            f"{np.median(np.quantile(exact, 0.95, axis=1)):.2f} | {np.median(exact.max(axis=1)):.2f} |", flush=True,
        )  # fmt: skip


def count(values: Any, *, rtol: float) -> float:
    """Return how many singular values exceed rtol times the largest."""
    return float(np.sum(values > rtol * values[0]))


def stable_rank(values: Any) -> float:
    """Return ||S||_F^2 / sigma_1^2."""
    return float(np.sum(values**2) / values[0] ** 2)


def rules(count: int, seeds: int, first: int, *, gaussian: bool) -> None:
    """Print misses for other rules at 1e-2 and 1e-4 on random settings."""
    rng, law = (
        np.random.default_rng(first),
        rk.initializers.Normal(1.0, 1.0) if gaussian else rk.initializers.Uniform(1.0),
    )
    made: dict[str, Any] = {
        name: (lambda omega, name=name: rk.rules.Activation(name, omega=omega))
        for name in ("tanh", "sigmoid", "relu", "gelu")
    }
    made["sinter"] = lambda omega: rk.rules.Sinter(amplitude=0.5, omega=2 * omega)
    made["Gaussian"] = lambda omega: rk.rules.Elementwise(lambda x: np.exp(-((omega * x) ** 2)), lipschitz=omega)
    made["sinc"] = lambda omega: rk.rules.Elementwise(lambda x: np.sinc(omega * x), lipschitz=2 * omega)
    for name, rule in made.items():
        rows: list[tuple[float, bool]] = []
        for at in range(count):
            d, n, r = setting(rng, gaussian=gaussian)
            omega = float(np.exp(rng.uniform(np.log(0.3), np.log(3)))) / r**0.5 * (1 if gaussian else 3)
            drawn = [drawn_values(rule(omega), law, d, n, r, 100_000 * first + 100 * at + k) for k in range(seeds)]
            for rtol in (1e-2, 1e-4):
                measured = float(np.mean([np.sum(values > rtol * values[0]) for values in drawn]))
                try:
                    found = rk.predict_rank(omega, d=d, n=n, r=r, rtol=rtol, initializer=law, rule=rule)
                except ValueError as unavailable:
                    print(
                        f"{name}, {d} x {n}, r = {r}, omega = {omega:.3f}: {unavailable}", file=sys.stderr, flush=True
                    )
                    continue
                off = abs(found.value - measured)
                rows.append((100 * off / min(d, n), off <= found.error_of(seeds)))
        summary(f"{name}: rank at 1e-2 and 1e-4, % of d", rows)


def drawn_values(rule: Any, law: Any, d: int, n: int, r: int, seed: int) -> Any:
    """Return the singular values of one draw."""
    return np.linalg.svd(rule(law(d, n, r, seed=seed)), compute_uv=False)


def summary(title: str, rows: list[tuple[float, bool]]) -> None:
    """Print one line on misses and on how often the stated error held."""
    off, held = np.array([miss for miss, _ in rows]), np.mean([held for _, held in rows])
    print(
        f"| {title} | {off.size} | {np.median(off):.2f} | {np.quantile(off, 0.9):.2f} | {np.quantile(off, 0.95):.2f} | "
        f"{off.max():.2f} | {100 * held:.1f} |", flush=True,
    )  # fmt: skip


def bounds(cases: int) -> None:
    """Print how often rank_bounds is violated, thresholds within 1e-12 of a singular value among the cases."""
    rng = np.random.default_rng(5)
    violated, tried, closed, tight = 0, 0, 0, 0
    for seed in range(cases):
        m, n, r = (int(size) for size in (rng.integers(2, 64), rng.integers(2, 64), rng.integers(1, 5)))
        factors = (KAIMING if seed % 2 else GAUSSIAN)(m, n, r, seed=seed)
        omega = float(10 ** rng.uniform(-3, 3))
        rule = rk.rules.Sine(omega) if seed % 3 else rk.rules.Sinter(float(rng.normal()), omega)
        update = rule(factors)
        values = np.linalg.svd(update, compute_uv=False)
        eps = float(values[rng.integers(values.size)] * (1 + rng.choice([-1e-12, 1e-12, -0.3, 0.3])))
        if eps <= 0:
            continue
        found = rk.rank_bounds(factors, rule, eps)
        count = rk.count_above(update, atol=eps, forming_error=rule.forming_error(factors))
        violated += found.lower > count.upper or found.upper < count.lower
        tried += 1
        closed += found.upper < min(m, n)
        tight += found.upper - found.lower <= 2
    print(
        f"\nrank_bounds: {violated} of {tried} cases violated; upper below min(m, n) in {closed}, within 2 in {tight}"
    )


def seconds() -> None:
    """Print what a curve of 100 frequencies costs, three times, caches cold: processor time of this process."""
    from rankkit.law import equations
    from rankkit.law.limit import entries

    print("\n| entries, (d, n, r) | seconds of processor time for 100 frequencies, median (range) |\n|:--|--:|")
    for name, law, (d, n, r), rule in CURVES:
        make = None if rule is None else lambda omega, rule=rule: rule(omega=omega)
        taken: list[float] = []
        for _ in range(3):
            for cached in (entries._law, entries.one_coordinate, equations._uniform_problem):
                cached.cache_clear()
            start = time.process_time()
            rk.predict_curve(np.geomspace(1, 1000, 100), d=d, n=n, r=r, initializer=law, rule=make)
            taken.append(time.process_time() - start)
        spread = f"{min(taken):.2f} to {max(taken):.2f}"
        print(f"| {name}, ({d}, {n}, {r}) | {statistics.median(taken):.2f} ({spread}) |", flush=True)


def main() -> None:
    """Measure what was asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--points", type=int, default=24)
    parser.add_argument("--settings", type=int, default=50)
    parser.add_argument("--first", type=int, default=7, help="seed of `fresh`, `rules` and `targets`")
    parser.add_argument("--cases", type=int, default=10000)
    parser.add_argument("--adapters", help="folder of `factors`; without it, the packaged adapter")
    parser.add_argument(
        "--only",
        choices=(
            "fresh",
            "rules",
            "uniform-rules",
            "laws",
            "factors",
            "spectra",
            "curves",
            "targets",
            "other-targets",
            "bounds",
            "seconds",
        ),
    )
    options = parser.parse_args()
    if options.only in (None, "seconds"):
        seconds()
    if options.only in (None, "fresh"):
        fresh(options.settings, options.seeds, options.first)
    if options.only in (None, "rules"):
        rules(max(1, options.settings // 7), options.seeds, options.first, gaussian=True)
    if options.only in (None, "uniform-rules"):
        rules(max(1, options.settings // 7), options.seeds, options.first, gaussian=False)
    if options.only in (None, "laws"):
        law_entries.laws(options.settings, options.seeds, options.first)
    if options.only in (None, "factors"):
        law_entries.factors(options.adapters)
    if options.only in (None, "spectra"):
        law_spectra.spectra(options.settings, options.seeds, options.first)
    if options.only in (None, "bounds"):
        bounds(options.cases)
    if options.only in (None, "targets"):
        law_targets.targets(options.settings, options.first)
    if options.only == "other-targets":
        law_targets.other_targets(options.settings, options.first)
    if options.only in (None, "curves"):
        curves(options.points, options.seeds)


if __name__ == "__main__":
    main()
