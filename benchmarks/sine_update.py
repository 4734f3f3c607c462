"""A sine update at Llama-3's widest shape: stable rank, and everything else, beside a dense SVD.

Run: python benchmarks/sine_update.py [--m 4096] [--n 14336] [--r 16] [--spreads 0.1,1,3]

sin(omega B A) / sqrt(m) of Gaussian factors, omega chosen so that omega std(B A) is each of the spreads. Timed on one
thread, one after another in one process, forming the update included everywhere: torch's float32 svdvals, the stable
rank alone (Lanczos), and the audit's whole row (Gram matrix). Below each time stands its ratio to the dense SVD's; the
errors are the stated bounds, and what the dense float32 values differ by is printed beside them.
"""

from __future__ import annotations

import argparse
import os
import time

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np
import torch

import rankkit as rk
from rankkit.uncertainty import ERRORS

HEADS = (
    "omega std(BA)", "float32 SVD, s", "stable rank alone, s", "ratio", "whole row, s", "ratio", "stable rank",
    "its relative error: alone, row", "the SVD's differs by", "rank at 1e-3: row, SVD", "effective rank",
)  # fmt: skip


def timed(work):
    """Return (seconds, what it returned)."""
    start = time.perf_counter()
    result = work()
    return time.perf_counter() - start, result


def main() -> None:
    """Print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--m", type=int, default=4096)
    parser.add_argument("--n", type=int, default=14336)
    parser.add_argument("--r", type=int, default=16)
    parser.add_argument("--spreads", default="0.1,1,3")
    options = parser.parse_args()
    torch.set_num_threads(1)
    rng = np.random.default_rng(0)
    B = rng.standard_normal((options.m, options.r)).astype(np.float32)
    A = rng.standard_normal((options.r, options.n)).astype(np.float32)
    factors = rk.Factors(B, A)
    spread = float(factors.entry_std())
    print(f"{options.m} x {options.n}, r = {options.r}, one thread, torch {torch.__version__}, numpy {np.__version__}")
    print(f"| {' | '.join(HEADS)} |\n|{'--:|' * len(HEADS)}")
    for asked in map(float, options.spreads.split(",")):
        rule = rk.rules.Sine(asked / spread)
        formed = rule.forming_error(factors)
        alone, top = timed(lambda rule=rule, e=formed: rk.spectrum_of(rule(factors), top=1, tol=1e-7, forming_error=e))
        row, full = timed(lambda rule=rule, e=formed: rk.spectrum_of(rule(factors), tol=1e-4, forming_error=e))
        dense, values = timed(lambda rule=rule: torch.linalg.svdvals(torch.from_numpy(rule(factors, dtype="float32"))))
        sigma = values.double().numpy()
        stable = float(rk.metrics.stable_rank(top))
        differs = abs(np.sum(sigma**2) / sigma[0] ** 2 / stable - 1)
        errors = [float(ERRORS["stable_rank"](s)) / stable for s in (top, full)]
        rank = rk.metrics.numerical_rank(full, rtol=1e-3)
        bar = float(ERRORS["effective_rank"](full))
        row_of = [
            f"{asked:g}", f"{dense:.1f}", f"{alone:.2f}", f"{dense / alone:.1f}", f"{row:.2f}", f"{dense / row:.1f}",
            f"{stable:.3f}", f"{errors[0]:.0e}, {errors[1]:.0e}", f"{differs:.0e}",
            f"{rank:g}, {np.sum(sigma > 1e-3 * sigma[0])}", f"{rk.metrics.effective_rank(full):.2f} ± {bar:.2g}",
        ]  # fmt: skip
        print(f"| {' | '.join(row_of)} |", flush=True)


if __name__ == "__main__":
    main()
