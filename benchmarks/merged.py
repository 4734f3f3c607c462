"""What `rk.audit_merged` takes on a bfloat16 model with Llama-3-8B's shapes, against reading both files twice.

Run `python benchmarks/merged.py` for four of the 32 layers, with `--full` for all of them: 28 GB of files.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

SHAPES = {
    "self_attn.q_proj": (4096, 4096), "self_attn.k_proj": (1024, 4096), "self_attn.v_proj": (1024, 4096),
    "self_attn.o_proj": (4096, 4096), "mlp.gate_proj": (14336, 4096), "mlp.up_proj": (14336, 4096),
    "mlp.down_proj": (4096, 14336),
}  # fmt: skip
LAYERS, RANK, FEW = 32, 16, 4
CHUNK = 1 << 24  # bytes that are read at once

ARGUMENTS = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
ARGUMENTS.add_argument("--full", action="store_true", help="all 32 layers in place of four")
ARGUMENTS.add_argument("--folder", help="where the files are made (default: a temporary folder)")
ARGUMENTS.add_argument("--rounds", type=int, default=3, help="how often each is measured, in turns (default: 3)")
ARGUMENTS.add_argument("--one", choices=("read", "audit"), help=argparse.SUPPRESS)


def make(folder: Path, layers: int) -> None:
    """Write a model, the model after a merge in float32, and the adapter, one layer to a file."""
    import torch
    from safetensors.torch import save_file

    torch.manual_seed(0)
    adapter: dict[str, Any] = {}
    index: dict[str, dict[str, str]] = {"weight_map": {}}
    for name in ("base", "merged", "adapter"):
        (folder / name).mkdir(parents=True)
    for layer in range(layers):
        shard = f"model-{layer:05d}.safetensors"
        base, merged = {}, {}
        for kind, (m, n) in SHAPES.items():
            name = f"model.layers.{layer}.{kind}"
            W = (torch.randn(m, n) * 0.02).bfloat16()
            B, A = torch.randn(m, RANK) * 0.01, torch.randn(RANK, n) * 0.01
            base[f"{name}.weight"], merged[f"{name}.weight"] = W, (W.float() + 2 * B @ A).bfloat16()
            adapter |= {f"base_model.model.{name}.lora_A.weight": A, f"base_model.model.{name}.lora_B.weight": B}
            index["weight_map"][f"{name}.weight"] = shard
        save_file(base, folder / "base" / shard)
        save_file(merged, folder / "merged" / shard)
    for name in ("base", "merged"):
        (folder / name / "model.safetensors.index.json").write_text(json.dumps(index))
    save_file(adapter, folder / "adapter" / "adapter_model.safetensors")
    config = {"peft_type": "LORA", "r": RANK, "lora_alpha": 2 * RANK, "target_modules": ["q_proj"]}
    (folder / "adapter" / "adapter_config.json").write_text(json.dumps(config))


def read_twice(folder: Path) -> None:
    """Read the bytes of both models twice."""
    buffer = bytearray(CHUNK)
    for _ in range(2):
        for file in sorted(folder.glob("[bm]*/*.safetensors")):
            with file.open("rb", buffering=0) as stream:
                while stream.readinto(buffer):
                    pass


def audit(folder: Path) -> None:
    """Check the merge, which is clean."""
    import rankkit as rk

    found = rk.audit_merged(folder / "merged", base=folder / "base", adapter=folder / "adapter", progress=False)
    assert found.exit_status == 0, found.coverage


def measured(folder: Path, what: str) -> dict[str, float]:
    """Return seconds, of the processor as well, and megabytes of one process that does one thing."""
    command = [sys.executable, __file__, "--one", what, "--folder", str(folder)]
    return json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def one(folder: Path, what: str) -> None:
    """Do one thing and print what it took."""
    begin = time.perf_counter()
    (read_twice if what == "read" else audit)(folder)
    seconds = time.perf_counter() - begin
    used = resource.getrusage(resource.RUSAGE_SELF)
    status = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    most = int(status["VmHWM"].split()[0]) / 1024  # of this process alone: ru_maxrss counts what its parent had
    print(json.dumps({"seconds": seconds, "cpu": used.ru_utime + used.ru_stime, "mb": most}))


def main() -> None:
    """Make the files, measure in turns, print a table."""
    options = ARGUMENTS.parse_args()
    if options.one:
        return one(Path(options.folder), options.one)
    layers = LAYERS if options.full else FEW
    with tempfile.TemporaryDirectory(dir=options.folder) as temporary:
        folder = Path(temporary)
        make(folder, layers)
        size = sum(file.stat().st_size for file in folder.glob("[bm]*/*.safetensors")) / 1e9
        rounds = [{what: measured(folder, what) for what in ("read", "audit")} for _ in range(options.rounds)]
    print(f"{layers} of {LAYERS} layers, {size:.1f} GB in two models, rank {RANK}")
    print("| what | seconds, median (range) | CPU seconds | against reading twice | peak MB |\n|:--|--:|--:|--:|--:|")
    for what, label in (("read", "reading both models twice"), ("audit", "rk.audit_merged")):
        seconds = sorted(found[what]["seconds"] for found in rounds)
        ratio = np.median([found[what]["seconds"] / found["read"]["seconds"] for found in rounds])
        cpu = np.median([found[what]["cpu"] for found in rounds])
        most = max(found[what]["mb"] for found in rounds)
        spread = f"{np.median(seconds):.1f} ({seconds[0]:.1f} to {seconds[-1]:.1f})"
        print(f"| {label} | {spread} | {cpu:.1f} | {ratio:.2f} | {most:.0f} |")
    return None


if __name__ == "__main__":
    main()
