"""Predicted singular values against those of draws; `python benchmarks/law.py --only spectra` runs it."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np

import rankkit as rk

DEPTHS = (1.0, 1e-1, 1e-2, 1e-3, 1e-5, 1e-7)  # of sigma_1


def spectra(settings: int, seeds: int, first: int) -> None:
    """Print how far predicted values are from geometric means over draws, by their size, on random settings."""
    rng = np.random.default_rng(first)
    rows: dict[str, list[float]] = {}
    for at in range(settings):
        gaussian = rng.random() < 0.5
        law: Any = rk.initializers.Normal(1.0, 1.0) if gaussian else rk.initializers.Uniform(1.0)
        d, n = (int(rng.integers(150, 320)) for _ in range(2))
        r = int(rng.choice([1, 2, 3, 4, 6, 8]))
        std = r**0.5 / (1 if gaussian else 3)  # of B A
        omega = float(np.exp(rng.uniform(np.log(0.15), np.log(12)))) / std
        drawn = [
            np.linalg.svd(rk.rules.Sine(omega)(law(d, n, r, seed=100_000 * first + 100 * at + k)), compute_uv=False)
            for k in range(seeds)
        ]
        logs = np.mean(np.log(drawn), axis=0)
        off = np.log(np.maximum(rk.law.predict_spectrum(omega, d=d, n=n, r=r, initializer=law), 1e-300)) - logs
        for high, low in pairwise(DEPTHS):
            here = (logs <= logs[0] + np.log(high)) & (logs > logs[0] + np.log(low))
            title = f"{'Gaussian' if gaussian else 'uniform'}, {high:g} to {low:g} of the largest"
            rows.setdefault(title, []).extend(np.abs(np.expm1(off[here])).tolist())
    print("\n| singular values | values | median, % | 90 % within | 95 % within | largest |\n|:--|--:|--:|--:|--:|--:|")
    for title in sorted(rows, key=lambda title: title.split(",")[0]):
        found = 100 * np.array(rows[title])
        print(
            f"| {title} | {found.size} | {np.median(found):.1f} | {np.quantile(found, 0.9):.1f} | "
            f"{np.quantile(found, 0.95):.1f} | {found.max():.1f} |", flush=True,
        )  # fmt: skip
