"""What `import rankkit` adds to numpy's own import.

Run: python benchmarks/imports.py [--rounds 9]
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys

CODE = (
    "from time import perf_counter as now; a = now(); import numpy; b = now(); import rankkit; c = now();"
    "print(b - a, c - b)"
)


def main() -> None:
    """Print the medians over fresh processes."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=9)
    rounds = parser.parse_args().rounds
    runs = [
        subprocess.run([sys.executable, "-c", CODE], capture_output=True, text=True, check=True) for _ in range(rounds)
    ]
    numpy, ours = (sorted(1e3 * float(run.stdout.split()[i]) for run in runs) for i in (0, 1))
    print("| import | milliseconds, median (range) |\n|:--|--:|")
    for name, times in (("numpy", numpy), ("rankkit, after numpy", ours)):
        print(f"| {name} | {statistics.median(times):.0f} ({times[0]:.0f} to {times[-1]:.0f}) |")


if __name__ == "__main__":
    main()
