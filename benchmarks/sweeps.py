"""Ranks and stable ranks of sin(omega B A) by rankkit's sweep, against the loop anyone would write.

Run: python benchmarks/sweeps.py [--seeds 4] [--step 40] [--rounds 3] [--only NAME]

The loop forms sin(omega B A) in torch and asks torch for its rank (float32, as the papers' matrices are) or its
singular values (float64), with torch's default threads; the sweep runs in processes, as long sweeps do by default,
already started. The two take turns. Every rank is also held against the integer from numpy's float64 SVD.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import torch

import rankkit as rk
from rankkit.metrics import default_rtol


def factors(d: int, r: int, seed: int, dtype: torch.dtype) -> tuple[Any, Any]:
    """Return the sweep's factors as torch tensors."""
    drawn = rk.initializers.KaimingUniform()(d, d, r, seed=seed)
    return torch.as_tensor(drawn.B).to(dtype), torch.as_tensor(drawn.A).to(dtype)


def rank_loop(d: int, r: int, omegas: range, seeds: int) -> None:
    """Compute ranks the obvious way."""
    for seed in range(seeds):
        B, A = factors(d, r, seed, torch.float32)
        for omega in omegas:
            torch.linalg.matrix_rank(torch.sin(omega * (B @ A)))


def stable_rank_loop(d: int, r: int, omegas: range, seeds: int) -> None:
    """Compute stable ranks the obvious way."""
    for seed in range(seeds):
        B, A = factors(d, r, seed, torch.float64)
        for omega in omegas:
            sigma = torch.linalg.svdvals(torch.sin(omega * (B @ A)))
            _ = torch.sum(sigma**2) / sigma[0] ** 2


def sweep(metric: str, n_jobs: int | None = None) -> Callable[..., rk.Sweep]:
    """Return the sweep of one metric as a function of the loops' arguments."""

    def run(d: int, r: int, omegas: range, seeds: int) -> rk.Sweep:
        with joblib.parallel_config(backend="loky"):
            return rk.sweep_frequency(d, r, omegas=omegas, seeds=seeds, metrics=[metric], n_jobs=n_jobs, progress=False)

    return run


def peak() -> float:
    """Return this process's largest resident memory in MB, which getrusage would begin at the parent's."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) / 1024


def differences(d: int, r: int, omegas: range, seeds: int) -> tuple[int, int]:
    """Return (ranks compared, ranks that differ from float64 SVD's or are left open)."""
    table = rk.sweep_frequency(d, r, omegas=omegas, seeds=seeds, metrics=["numerical_rank"], progress=False).table
    wrong = 0
    for seed, omega, rank in zip(table["seed"], table["omega"], table["numerical_rank"], strict=True):
        drawn = rk.initializers.KaimingUniform()(d, d, r, seed=seed)
        sigma = np.linalg.svd(np.sin(omega * (drawn.B @ drawn.A)), compute_uv=False)
        wrong += rank != np.sum(sigma > default_rtol((d, d)) * sigma[0])
    return len(table), wrong


def side_by_side(one: Callable[..., Any], other: Callable[..., Any], *arguments: Any, rounds: int) -> list[list[float]]:
    """Return the seconds of both, taking turns, after one turn each to warm up."""
    seconds: list[list[float]] = [[], []]
    for _ in range(rounds + 1):
        for run, taken in zip((one, other), seconds, strict=True):
            start = time.perf_counter()
            run(*arguments)
            taken.append(time.perf_counter() - start)
    return [taken[1:] for taken in seconds]


CASES = {
    "rank-512": ("numerical rank, (512, 2)", 512, 2, rank_loop, sweep("numerical_rank")),
    "rank-1024": ("numerical rank, (1024, 4)", 1024, 4, rank_loop, sweep("numerical_rank")),
    "stable-1024": ("stable rank, (1024, 4)", 1024, 4, stable_rank_loop, sweep("stable_rank")),
    "workers": ("rank, (512, 2): 1 process against 2", 512, 2, sweep("numerical_rank", 1), sweep("numerical_rank", 2)),
}


def main() -> None:
    """Print a Markdown table of means over the rounds and of the ratio's range."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=4)
    parser.add_argument("--step", type=int, default=40)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", choices=CASES)
    parser.add_argument("--no-check", action="store_true", help="skip the comparison with float64 SVD")
    options = parser.parse_args()
    omegas = range(1, 1001, options.step)
    counts = f"{len(omegas)} frequencies, {options.seeds} seeds, {options.rounds} rounds"
    print(f"{torch.get_num_threads()} torch threads, {counts}\n")
    print("| work | before, ms each | rankkit, ms each | ratio (range) |\n|:--|--:|--:|--:|")
    for name, (title, d, r, before, after) in CASES.items():
        if options.only not in (None, name):
            continue
        slow, quick = side_by_side(before, after, d, r, omegas, options.seeds, rounds=options.rounds)
        ratios = [a / b for a, b in zip(slow, quick, strict=True)]
        each = [1e3 * statistics.mean(taken) / len(omegas) / options.seeds for taken in (slow, quick)]
        spread = f"{min(ratios):.2f} to {max(ratios):.2f}"
        print(f"| {title} | {each[0]:.2f} | {each[1]:.2f} | {sum(slow) / sum(quick):.2f} ({spread}) |", flush=True)
    with joblib.parallel_config(backend="loky"):
        workers = joblib.Parallel(n_jobs=2)(joblib.delayed(peak)() for _ in range(8))
    print(f"\nlargest resident memory of a worker: {max(workers):.0f} MB")
    if not options.no_check:
        for d, r in ((512, 2), (1024, 4)):
            total, wrong = differences(d, r, omegas, options.seeds)
            print(f"({d}, {r}): {wrong} of {total} ranks differ from float64 SVD's")


if __name__ == "__main__":
    main()
