"""What `rk.audit_merged` takes on a bfloat16 model with Llama-3-8B's shapes, against reading both files twice.

Run `python benchmarks/merged.py` for four of the 32 layers, with `--full` for all of them: 28 GB of files. Each is
measured with the files in memory, and with `--cold` also after the system was told to forget them. `--faults` plants
faults in merges of 224 small modules, and counts what is found.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections import Counter
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

# what is measured -> its label
WHAT = {
    "read": "reading both models twice", "one": "rk.audit_merged, n_jobs=1", "two": "rk.audit_merged, n_jobs=2",
}  # fmt: skip

ARGUMENTS = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
ARGUMENTS.add_argument("--full", action="store_true", help="all 32 layers in place of four")
ARGUMENTS.add_argument("--folder", help="where the files are made (default: a temporary folder)")
ARGUMENTS.add_argument("--rounds", type=int, default=3, help="how often each is measured, in turns (default: 3)")
ARGUMENTS.add_argument("--cold", action="store_true", help="also with files that are not in memory")
ARGUMENTS.add_argument("--faults", action="store_true", help="count found faults in place of seconds")
ARGUMENTS.add_argument("--one", choices=tuple(WHAT), help=argparse.SUPPRESS)
ARGUMENTS.add_argument("--forget", action="store_true", help=argparse.SUPPRESS)


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


def files(folder: Path) -> list[Path]:
    """Return the files of both models."""
    return sorted(folder.glob("[bm]*/*.safetensors"))


def forget(folder: Path) -> None:
    """Tell the system that the files are not needed in memory; they must have been written to the disk."""
    for file in files(folder):
        with file.open("rb") as stream:
            os.fsync(stream.fileno())
            os.posix_fadvise(stream.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def read_once(folder: Path) -> None:
    """Read the bytes of both models."""
    buffer = bytearray(CHUNK)
    for file in files(folder):
        with file.open("rb", buffering=0) as stream:
            while stream.readinto(buffer):
                pass


def audit(folder: Path, n_jobs: int) -> None:
    """Check the merge, which is clean."""
    import rankkit as rk

    base, adapter = folder / "base", folder / "adapter"
    found = rk.audit_merged(folder / "merged", base=base, adapter=adapter, n_jobs=n_jobs, progress=False)
    assert found.exit_status == 0, found.coverage


def measured(folder: Path, what: str, *, cold: bool) -> dict[str, float]:
    """Return seconds, of the processor as well, and megabytes of one process that does one thing."""
    command = [sys.executable, __file__, "--one", what, "--folder", str(folder), *(["--forget"] if cold else [])]
    return json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def one(folder: Path, what: str, *, cold: bool) -> None:
    """Do one thing and print what it took."""
    seconds = 0.0
    for _ in range(2 if what == "read" else 1):
        if cold:
            forget(folder)
        begin = time.perf_counter()
        if what == "read":
            read_once(folder)
        else:
            audit(folder, {"one": 1, "two": 2}[what])
        seconds += time.perf_counter() - begin
    used = resource.getrusage(resource.RUSAGE_SELF)
    status = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    most = int(status["VmHWM"].split()[0]) / 1024  # of this process alone: ru_maxrss counts what its parent had
    print(json.dumps({"seconds": seconds, "cpu": used.ru_utime + used.ru_stime, "mb": most}))


def table(folder: Path, rounds: int, *, cold: bool) -> None:
    """Measure in turns and print a table."""
    found = [{what: measured(folder, what, cold=cold) for what in WHAT} for _ in range(rounds)]
    heads = "seconds, median (range) | CPU seconds | against reading twice | CPU against CPU | peak MB"
    print(f"| files {'on the disk' if cold else 'in memory'} | {heads} |\n|:--|--:|--:|--:|--:|--:|")
    for what, label in WHAT.items():
        seconds = sorted(run[what]["seconds"] for run in found)
        ratios = [np.median([run[what][unit] / run["read"][unit] for run in found]) for unit in ("seconds", "cpu")]
        cpu = np.median([run[what]["cpu"] for run in found])
        most = max(run[what]["mb"] for run in found)
        spread = f"{np.median(seconds):.1f} ({seconds[0]:.1f} to {seconds[-1]:.1f})"
        print(f"| {label} | {spread} | {cpu:.1f} | {ratios[0]:.2f} | {ratios[1]:.2f} | {most:.0f} |")
    print()


STRENGTHS = {"0.5": 0.5, "0.99": 0.99, "1.01": 1.01, "2": 2.0, "layer missed": 0.0, "rsLoRA's scale": math.sqrt(8)}
FAULTS = (*STRENGTHS, "transposed", "another adapter")
POOLS = {"strength 0.99 or 1.01": ("0.99", "1.01"), "clean": ("clean",)}
OTHERS = "the six others"
SIDE, SMALL_RANK, MODULES, SHARE = 48, 8, 224, 56  # of the modules of a merge, those that have a fault
HALF_GAP = {"F32": 2.0**-25, "F16": 2.0**-12, "BF16": 2.0**-9}  # of a number, at least; at most twice that


def faults() -> None:
    """Plant each fault in 28 of 224 modules, at three sizes of the update, and print what became of them."""
    print("| dtype | update / half gap | fault | modules | found | one rounding allows 1 | looser rounding | missed |")
    print("|:--|--:|:--|--:|--:|--:|--:|--:|")
    for dtype in HALF_GAP:
        for relative in (100.0, 1.0, 0.01):
            counts: Counter[tuple[str, str]] = Counter()
            for begin in range(0, MODULES, SHARE):
                counts += planted(dtype, relative, begin)
            for pool in (*POOLS, OTHERS):
                ends = [counts[pool, end] for end in ("found", "rounded once", "looser", "missed")]
                print(f"| {dtype} | {relative:g} | {pool} | {sum(ends)} | {' | '.join(map(str, ends))} |")


def planted(dtype: str, relative: float, begin: int) -> Counter[tuple[str, str]]:
    """Make one merge of 224 modules with a fault in 56 of them, audit it, and count what became of each module."""
    import torch

    import rankkit as rk
    from rankkit.audits.rounding import rounded

    draw = np.random.default_rng(begin)
    kind = {"F32": torch.float32, "F16": torch.float16, "BF16": torch.bfloat16}[dtype]
    base: dict[str, Any] = {}
    merged: dict[str, Any] = {}
    adapter: dict[str, Any] = {}
    told: list[str] = []
    size = 0.05 * HALF_GAP[dtype] * relative / math.sqrt(SMALL_RANK)
    for i in range(MODULES):
        name = f"layers.{i}.q_proj"
        told.append(FAULTS[i % len(FAULTS)] if begin <= i < begin + SHARE else "clean")
        W = rounded(draw.normal(size=(SIDE, SIDE)) * 0.05, dtype)
        B = draw.normal(size=(SIDE, SMALL_RANK)).astype("f4")
        A = draw.normal(size=(SMALL_RANK, SIDE)).astype("f4") * np.float32(size)
        D = B.astype("f8") @ A
        other = D.std() * draw.normal(size=D.shape)
        change = {"transposed": D.T, "another adapter": other}.get(told[-1], STRENGTHS.get(told[-1], 1.0) * D)
        for model, X in ((base, W), (merged, rounded(W + change, dtype))):
            model[f"{name}.weight"] = torch.tensor(X).to(kind)
        adapter[f"{name}.lora_A.weight"], adapter[f"{name}.lora_B.weight"] = A, B
    config = {"r": SMALL_RANK, "lora_alpha": SMALL_RANK}
    found = rk.audit_merged(merged, base=base, adapter=adapter, config=config, progress=False)
    names = ("verdict", "strength_lower", "strength_upper", "arithmetic")
    rows = zip(told, *(found.columns[name] for name in names), strict=True)
    return Counter((_pool(fault), _end(fault, *rest)) for fault, *rest in rows)


def _pool(fault: str) -> str:
    return next((pool for pool, members in POOLS.items() if fault in members), OTHERS)


def _end(fault: str, verdict: str, lower: float, upper: float, arithmetic: str) -> str:
    """Return what became of a module; nothing is missed that the interval tells."""
    if fault == "clean":
        return "found" if verdict == "applied" else "missed"
    if verdict not in ("applied", "could not check"):
        return "found"
    if not lower <= STRENGTHS.get(fault, math.nan) <= upper:
        return "missed"
    return "rounded once" if arithmetic == "rounded once" else "looser"


def main() -> None:
    """Make the files, measure in turns, print a table."""
    options = ARGUMENTS.parse_args()
    if options.one:
        return one(Path(options.folder), options.one, cold=options.forget)
    if options.faults:
        return faults()
    layers = LAYERS if options.full else FEW
    with tempfile.TemporaryDirectory(dir=options.folder) as temporary:
        folder = Path(temporary)
        make(folder, layers)
        size = sum(file.stat().st_size for file in files(folder)) / 1e9
        print(f"{layers} of {LAYERS} layers, {size:.1f} GB in two models, rank {RANK}\n")
        for cold in (False, True) if options.cold else (False,):
            table(folder, options.rounds, cold=cold)
    return None


if __name__ == "__main__":
    main()
