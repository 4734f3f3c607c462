"""The GPU's benchmark on torch's processor: the same lines run and agree, only the figures are another device's."""

import json
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]


def test_the_lines_run_and_the_ranks_agree(tmp_path):
    command = [sys.executable, "benchmarks/gpu.py"]
    env = os.environ | {"OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)}
    out = tmp_path / "gpu.json"
    measure = [*command, "--device", "cpu", "--quick", "-o", str(out)]
    subprocess.run(measure, cwd=ROOT, env=env, check=True, capture_output=True)
    found = json.loads(out.read_text())
    ranks, stable = found["sweeps"]
    assert ranks["same"] == ranks["updates"] == 50
    assert stable["apart"] < 1e-8
    [compared] = [row for row in found["audits"] if "same" in row]
    assert compared["same"]
    assert {"LoRA", "sine", "AdaSine", "LR-LoRA, sinc"} <= {row["adapter"] for row in found["training"]}
    shown = subprocess.run(
        [*command, "--table", str(out)], cwd=ROOT, env=env, check=True, capture_output=True, text=True
    )
    assert "| k_proj, 16 x 128, r = 4 |" in shown.stdout
    assert all(row.count("|") == 8 for row in shown.stdout.splitlines() if row.startswith("| numerical rank"))


def test_the_pages_tables_are_those_of_the_file():
    found = ROOT / "benchmarks" / "gpu.json"
    if not found.exists():
        assert "Nothing was measured on a GPU." in (ROOT / "benchmarks" / "README.md").read_text()
        return
    command = [sys.executable, "benchmarks/gpu.py", "--table", str(found)]
    env = os.environ | {"PYTHONPATH": str(ROOT)}
    shown = subprocess.run(command, cwd=ROOT, env=env, check=True, capture_output=True, text=True).stdout
    assert shown.strip() in (ROOT / "benchmarks" / "README.md").read_text()
