"""Two adapters with Llama-3-8B's shapes compared, and one's HTML page: seconds after imports, bytes, and first paint.

Run: python benchmarks/compare.py [--rounds 5]

One BLAS thread, one process. Headless Chromium, where there is one, opens the page and says when it first paints.
Floors: 3 s to compare, 3 MB and 1 s for the page of 224 modules; the exit status is 1 if one is missed.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

os.environ["OPENBLAS_NUM_THREADS"] = "1"

import scipy.linalg.lapack  # noqa: F401 - its import is not what is measured
import torch

import rankkit as rk

sys.path.insert(0, str(Path(__file__).parent))
from audit_llama import MODELS, make_adapter

PAINT = """<script>addEventListener('load', () => setTimeout(() => { document.title =
'paint ' + performance.getEntriesByType('paint').map(e => e.startTime).join(' ') }, 200))</script>"""


def first_paint(page: str, folder: Path) -> float:
    """Return the seconds from navigation to first paint; NaN without a browser."""
    if shutil.which("chromium") is None:
        return float("nan")
    file = folder / "page.html"
    file.write_text(page.replace("<head>", f"<head>{PAINT}").replace("default-src 'none'", "default-src 'self'"))
    command = ["chromium", "--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={folder / 'profile'}",
               "--virtual-time-budget=3000", "--dump-dom", file.as_uri()]  # fmt: skip
    shown = subprocess.run(command, capture_output=True, text=True, timeout=120).stdout
    found = re.search(r"<title>paint ([\d.]+)", shown)
    return float(found[1]) / 1000 if found else float("nan")


def main() -> int:
    """Print what was measured."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as name:
        folders = [Path(name) / which for which in ("a", "b")]
        for folder in folders:
            folder.mkdir()
            make_adapter(MODELS["8b"], folder)
        taken, coverage = [], ""
        for _ in range(options.rounds):
            start = time.perf_counter()
            coverage = rk.compare(*folders, progress=False).coverage
            taken.append(time.perf_counter() - start)
        page = rk.audit(folders[0], progress=False).to_html()
        paint = first_paint(page, Path(name))
    seconds, size = statistics.median(taken), len(page.encode())
    print(f"compare: {seconds:.2f} s ({min(taken):.2f} to {max(taken):.2f}); {coverage}")
    print(f"page: {size / 1e6:.2f} MB, first paint after {paint:.2f} s")
    return int(seconds > 3 or size > 3e6 or paint > 1)


if __name__ == "__main__":
    raise SystemExit(main())
