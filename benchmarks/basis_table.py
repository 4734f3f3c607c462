"""A learned phi at every entry of a 4096 x 4096 update: the table against the sum over 50 basis functions.

Run: python benchmarks/basis_table.py [--size 4096] [--rounds 3]
"""

from __future__ import annotations

import argparse
import os
import statistics
import time
from collections.abc import Callable
from functools import partial
from typing import Any

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np

import rankkit as rk
from rankkit.rules import BSplineBasis, FourierBasis, GaussianBasis, SincBasis
from rankkit.rules.interpolant import in_blocks


def seconds(evaluate: Callable[[], Any]) -> float:
    """Return how long one evaluation takes."""
    start = time.perf_counter()
    evaluate()
    return time.perf_counter() - start


def read_table(phi: Any, x: Any) -> Any:
    """Build the table and read it at every entry of x, as the rule does."""
    return in_blocks(phi.table(float(x.min()), float(x.max())), x)


def main() -> None:
    """Print a Markdown table of medians over interleaved rounds."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size", type=int, default=4096)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    alpha = np.random.default_rng(0).standard_normal(50)
    factors = rk.initializers.Normal()(options.size, options.size, 2, seed=0)
    x = factors.product()
    print("| basis, N = 50 | sum [s] | table [s] | ratio (range) | largest difference | bound on it, Frobenius |")
    print("|:--|--:|--:|--:|--:|--:|")
    for kind in (SincBasis, GaussianBasis, BSplineBasis, FourierBasis):
        phi = kind(alpha=alpha)
        table = partial(read_table, phi, x)
        rounds = [(seconds(partial(phi.exact, x)), seconds(table)) for _ in range(options.rounds)]
        ratios = sorted(slow / fast for slow, fast in rounds)
        slow, fast = (statistics.median(column) for column in zip(*rounds, strict=True))
        off = float(np.max(np.abs(table() - phi.exact(x))))
        cells = f"{slow:.2f} | {fast:.2f} | {statistics.median(ratios):.1f} ({ratios[0]:.1f} to {ratios[-1]:.1f})"
        print(f"| {kind.__name__} | {cells} | {off:.1e} | {float(phi.forming_error(factors)):.1e} |")


if __name__ == "__main__":
    main()
