"""The audit of a live model: through the layer's own merge, in SVDs of its weight, and against the audit of a file.

Run: python benchmarks/live.py [--rounds 3] [--device cuda]

The first table has one layer of d x d with an adapter of a method that rankkit knows no factors of, so that the update
is the merged weight less the base's. Its time is stated in SVDs (values alone) of a matrix of that size, taken in the
same rounds. The second has the seven modules of one layer of Llama-3-8B with LoRA of rank 16, live and from the folder
that PEFT saves. Times are the processor's, of one thread, and the least of the rounds; on a GPU they are the clock's.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import peft
import torch
from torch import nn

import rankkit as rk

METHODS: dict[str, Callable[[], Any]] = {
    "HRA": lambda: peft.HRAConfig(r=8, target_modules=["0"]),
    "OFT": lambda: peft.OFTConfig(r=0, oft_block_size=32, target_modules=["0"]),
    "FourierFT": lambda: peft.FourierFTConfig(n_frequency=1000, target_modules=["0"]),
}
LLAMA = {"q_proj": (4096, 4096), "k_proj": (1024, 4096), "v_proj": (1024, 4096), "o_proj": (4096, 4096),
         "gate_proj": (14336, 4096), "up_proj": (14336, 4096), "down_proj": (4096, 14336)}  # fmt: skip


def least(works: dict[str, Callable[[], Any]], rounds: int, device: str) -> dict[str, float]:
    """Return the least seconds of each work, after one turn to warm up; they take turns."""
    clock = time.process_time if device == "cpu" else time.perf_counter
    taken: dict[str, list[float]] = {name: [] for name in works}
    for _ in range(rounds + 1):
        for name, work in works.items():
            start = clock()
            work()
            if device != "cpu":
                torch.cuda.synchronize()
            taken[name].append(clock() - start)
    return {name: min(times[1:]) for name, times in taken.items()}


def moved(model: Any) -> Any:
    """Return the model after its adapter has left its start."""
    for parameter in model.parameters():
        if parameter.requires_grad:
            parameter.data += 0.01 * torch.randn_like(parameter)
    return model


def main() -> None:
    """Print both tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--device", default="cpu")
    options = parser.parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(0)
    print("| method | d | audit, s | one SVD, s | SVDs |\n|:--|--:|--:|--:|--:|")
    for d in (512, 1024):
        W = np.random.default_rng(0).standard_normal((d, d))
        for name, config in METHODS.items():
            net = nn.Sequential(nn.Linear(d, d, bias=False))
            model = moved(peft.get_peft_model(net, config()).to(options.device))
            works: dict[str, Callable[[], Any]] = {
                "audit": lambda model=model: rk.audit(model, progress=False),
                "svd": lambda W=W: np.linalg.svd(W, compute_uv=False),
            }
            taken = least(works, options.rounds, options.device)
            ratio = taken["audit"] / taken["svd"]
            print(f"| {name} | {d} | {taken['audit']:.3f} | {taken['svd']:.3f} | {ratio:.2f} |", flush=True)
    net = nn.ModuleDict({name: nn.Linear(n, m, bias=False) for name, (m, n) in LLAMA.items()})
    model = moved(peft.get_peft_model(net, peft.LoraConfig(r=16, target_modules=list(LLAMA))).to(options.device))  # pyright: ignore[reportArgumentType]
    with tempfile.TemporaryDirectory() as folder:
        model.save_pretrained(folder)
        works = {
            "live": lambda: rk.audit(model, progress=False), "file": lambda: rk.audit(folder, progress=False),
        }  # fmt: skip
        taken = least(works, options.rounds, options.device)
    ratio = taken["live"] / taken["file"]
    print(f"\nseven modules, r = 16: live {taken['live']:.3f} s, file {taken['file']:.3f} s, ratio {ratio:.2f}")


if __name__ == "__main__":
    main()
