"""The law's limit watched as d grows: leading singular values of sin(omega B A) at c = 7, r = 2, without forming it.

Run: python benchmarks/large.py [--sizes 500,2000,8000,32000,128000,1000000] [--draws 3]
"""

from __future__ import annotations

import argparse
import resource
import time

import numpy as np

import rankkit as rk
from rankkit.law.limit.entries import entries_of, law_of

C, R, TOP = 7.0, 2, 8


def main() -> None:
    """Print, by size, the distance from the limits, the time of a draw, and the memory so far."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", default="500,2000,8000,32000,128000,1000000")
    parser.add_argument("--draws", type=int, default=3)
    options = parser.parse_args()
    print("| d | draws | distance from the limits, rms % | times root d | seconds a draw | MB so far |")
    print("|--:|--:|--:|--:|--:|--:|")
    for d in map(int, options.sizes.split(",")):
        draws = options.draws if d < 10**6 else 1
        entries = entries_of(d, R, None, None)
        law = law_of(entries, C / entries.unit)
        limits = np.repeat(law.values, law.counts.astype(int))[:TOP]
        start, found = time.perf_counter(), []
        for seed in range(draws):
            factors = rk.initializers.KaimingUniform()(d, d, R, seed=seed)
            found.append(rk.leading_spectrum(factors, C / entries.unit, top=TOP, gain=float(d)).values)
        seconds = (time.perf_counter() - start) / draws
        off = float(np.sqrt(np.mean((np.array(found) / limits - 1) ** 2)))
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000
        print(f"| {d:,} | {draws} | {100 * off:.3f} | {off * d**0.5:.2f} | {seconds:.2f} | {peak:.0f} |", flush=True)


if __name__ == "__main__":
    main()
