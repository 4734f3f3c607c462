"""A stored sweep, killed again and again at random moments, held against the same sweep undisturbed, bit for bit.

Run: python benchmarks/soak.py [--kills 40] [--seed 0]

Each life of the run gets SIGKILL after a random time, and between lives a random finished piece is now and then
deleted, cut short or overwritten. Printed is how many lives it took; the exit status is 1 if a single bit differs.
"""

from __future__ import annotations

import argparse
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd

import rankkit as rk

D, R, SEEDS, LAST = 192, 2, 12, 900


def life(store: Path) -> list[str]:
    """Return the command that goes on with the sweep in a store."""
    command = f"-m rankkit sweep --d {D} --r {R} --omegas 1:{LAST}:150 --seeds {SEEDS} --no-progress -o".split()
    return [sys.executable, *command, str(store.parent / "table.csv"), "--store", str(store)]


def harm(store: Path, rng: np.random.Generator) -> None:
    """Damage one finished piece, if there is one."""
    pieces = sorted(store.glob("*.npz"))
    if not pieces:
        return
    piece = pieces[rng.integers(len(pieces))]
    data = bytearray(piece.read_bytes())
    kind = rng.integers(3)
    if kind == 0:
        piece.unlink()
    elif kind == 1:
        piece.write_bytes(data[: rng.integers(len(data))])
    else:
        at = int(rng.integers(len(data)))
        data[at : at + 16] = rng.bytes(16)
        piece.write_bytes(data)


def main() -> int:
    """Kill, harm, go on; then compare."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=40)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    rng, lives = np.random.default_rng(options.seed), 0
    with tempfile.TemporaryDirectory() as folder:
        store = Path(folder, "store")
        while True:
            process = subprocess.Popen(life(store), stderr=subprocess.DEVNULL)
            lives += 1
            try:
                process.wait(timeout=rng.uniform(0.3, 4.0) if lives <= options.kills else None)
            except subprocess.TimeoutExpired:
                process.send_signal(signal.SIGKILL)
                process.wait()
            if process.returncode == 0 and lives > options.kills:
                break
            if rng.random() < 0.5:
                harm(store, rng)
        resumed = rk.Sweep.load(store).table
    undisturbed = rk.sweep_frequency(D, R, omegas=np.linspace(1, LAST, 150), seeds=SEEDS, progress=False).table
    same = resumed.equals(undisturbed)
    print(f"{lives} lives, {len(undisturbed)} rows: {'the same bits' if same else 'DIFFERENT'}")
    if not same:
        pd.testing.assert_frame_equal(resumed, undisturbed, check_exact=True)
    return int(not same)


if __name__ == "__main__":
    raise SystemExit(main())
