"""What one numerical rank costs, route by route, beside the arithmetic that no count of this kind can do without.

Run: python benchmarks/routes.py [--seeds 2] [--step 40] [--rounds 3] [--against TREE]

One thread, one matrix after another, as in a worker of a sweep. The times are processor time of that thread, so that
other work on the machine disturbs them less. For every frequency the command forms sin(omega B A),
counts its singular values, and times the two steps beside dsyrk (the Gram matrix) and dpotrf (one Cholesky
factorisation). `--against` names another checkout of rankkit: the same lines run there too, round by round in turns.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

import rankkit as rk
from rankkit import execution
from rankkit.solvers import lapack

SIZES = ((512, 2), (1024, 4))
ONE_THREAD = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
PARTS = ("forming", "counting", "dsyrk", "dpotrf")
REPEATS = 3  # of each measurement, of which the quickest counts


def seconds(work: Callable[[], Any]) -> float:
    """Return the least of a few measurements, in seconds."""
    taken: list[float] = []
    for _ in range(REPEATS):
        start = time.thread_time()
        work()
        taken.append(time.thread_time() - start)
    return min(taken)


def measured(d: int, r: int, omega: float, seed: int) -> dict[str, Any]:
    """Return the route of one count and the seconds of its parts."""
    rule, factors = rk.rules.Sine(omega), rk.initializers.KaimingUniform()(d, d, r, seed=seed)
    S, error = rule(factors), float(rule.forming_error(factors))
    G = lapack.product(S)
    definite = np.asfortranarray(G + np.trace(G) * np.eye(d))
    return {
        "route": str(rk.count_above(S, forming_error=error).route),
        "forming": seconds(lambda: rule(factors)),
        "counting": seconds(lambda: rk.count_above(S, forming_error=error)),
        "dsyrk": seconds(lambda: lapack.product(S)),
        "dpotrf": seconds(lambda: lapack.cholesky(definite.copy(order="F"), d)),
    }


def one_round(seeds: int, step: int) -> list[dict[str, Any]]:
    """Return the measurements of both sizes at every frequency."""
    execution.keep_freed_memory()  # as a worker does
    return [
        {"d": d, "r": r, "omega": omega} | measured(d, r, omega, seed)
        for d, r in SIZES
        for seed in range(seeds)
        for omega in range(1, 1001, step)
    ]


def in_tree(tree: Path, options: argparse.Namespace) -> list[dict[str, Any]]:
    """Return one round, measured in a fresh process that imports rankkit from a checkout."""
    env = os.environ | ONE_THREAD | {"PYTHONPATH": str(tree.resolve())}
    command = [sys.executable, __file__, "--child", "--seeds", str(options.seeds), "--step", str(options.step)]
    return json.loads(subprocess.run(command, env=env, stdout=subprocess.PIPE, check=True, text=True).stdout)


def table(rows: list[dict[str, Any]], title: str) -> None:
    """Print the mean of every part by size and route, and the count over its floor."""
    print(
        f"\n{title}\n\n| size | route | share, % | " + " | ".join(f"{part}, ms" for part in PARTS) + " | over floor |"
    )
    print("|:--|:--|--:|" + "--:|" * (len(PARTS) + 1))
    for d, r in SIZES:
        groups: dict[str, list[dict[str, Any]]] = defaultdict(list)
        for row in rows:
            if row["d"] == d:
                groups[row["route"]].append(row)
                groups["all"].append(row)
        for route, group in sorted(groups.items(), key=lambda item: len(item[1])):
            mean = {part: 1e3 * statistics.mean(row[part] for row in group) for part in PARTS}
            floor = mean["forming"] + mean["dsyrk"] + mean["dpotrf"]
            ratio = (mean["forming"] + mean["counting"]) / floor
            share = 100 * len(group) / len(groups["all"])
            cells = " | ".join(f"{mean[part]:.2f}" for part in PARTS)
            print(f"| ({d}, {r}) | {route} | {share:.0f} | {cells} | {ratio:.2f} |")


def main() -> None:
    """Print one Markdown table a tree."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=2)
    parser.add_argument("--step", type=int, default=40)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--against", type=Path, metavar="TREE")
    parser.add_argument("--child", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        print(json.dumps(one_round(options.seeds, options.step)))
        return
    trees = {"this tree": Path(rk.__file__).parents[1]}
    if options.against:
        trees[f"{options.against.name}"] = options.against
    print(f"numpy {np.__version__}, load {os.getloadavg()[0]:.1f} before, {options.rounds} rounds")
    rows: dict[str, list[dict[str, Any]]] = {name: [] for name in trees}
    for _ in range(options.rounds):
        for name, tree in trees.items():
            rows[name] += in_tree(tree, options)
    for name, measurements in rows.items():
        table(measurements, name)


if __name__ == "__main__":
    main()
