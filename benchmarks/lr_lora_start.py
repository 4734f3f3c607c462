"""LR-LoRA's start, the paper's against `around_identity=True`: what an optimizer makes of each.

Run: python benchmarks/lr_lora_start.py [--steps 1500] [--seeds 3]

A linear layer of 64 x 64 is to learn an update of rank 2 through LR-LoRA of rank 4 with 50 sincs, in full batches. The
paper's start has B = 0, amplitudes 0 and a symmetric grid, so that in exact arithmetic B's gradient is zero for ever.
Each rate is the best of four for that row, by the median of the last losses. Printed are medians over the seeds: the
last loss over the loss without an adapter, the norm of B, the stable rank of the update and its largest |B A|.
"""

from __future__ import annotations

import argparse
from statistics import median
from typing import Any, NamedTuple

import numpy as np
import peft
import torch

import rankkit as rk
from rankkit.adapters import LrLoraConfig

D, RANK, TRUE_RANK, INPUTS = 64, 4, 2, 256
OPTIMIZERS: dict[str, tuple[Any, tuple[float, ...]]] = {
    "SGD": (torch.optim.SGD, (1e-3, 3e-3, 1e-2, 3e-2)),
    "AdamW": (torch.optim.AdamW, (1e-3, 3e-3, 1e-2, 3e-2)),
}
STARTS: dict[str, dict[str, Any]] = {
    "paper's": {}, "around the identity": {"around_identity": True},
    "paper's, B small and random": {"init_lora_weights": False},
}  # fmt: skip


class Outcome(NamedTuple):
    """What a training came to."""

    loss: float
    norm: float
    stable_rank: float
    reach: float


def trained(
    optimizer: Any, rate: float, start: dict[str, Any], dtype: torch.dtype, *, seed: int, steps: int
) -> Outcome:
    """Return the outcome of one training."""
    torch.manual_seed(seed)
    base = torch.nn.Linear(D, D, bias=False, dtype=dtype)
    net = torch.nn.Sequential(base)
    x = torch.randn(INPUTS, D, dtype=dtype)
    left, right = torch.randn(D, TRUE_RANK, dtype=dtype), torch.randn(TRUE_RANK, D, dtype=dtype)
    y = x @ (base.weight.detach() + 0.1 * left @ right).T
    before = float((net(x) - y).detach().pow(2).mean())
    model: Any = peft.get_peft_model(net, LrLoraConfig(r=RANK, target_modules=["0"], lora_dropout=0.0, **start))
    layer = model.base_model.model[0]
    if "init_lora_weights" in start:
        layer.lora_B["default"].weight.data.normal_(0, 1e-2)
    if dtype is torch.float64:
        model.double()
    take = optimizer([p for p in model.parameters() if p.requires_grad], lr=rate)
    loss = np.inf
    for _ in range(steps):
        try:
            error = (model(x) - y).pow(2).mean()
        except ValueError:  # what an adapter says of a training that diverged
            return Outcome(np.inf, np.nan, np.nan, np.nan)
        loss = float(error.detach())
        if not np.isfinite(loss):
            return Outcome(np.inf, np.nan, np.nan, np.nan)
        take.zero_grad()
        error.backward()
        take.step()
    B, A = (factor.detach() for factor in layer.factors("default"))
    stable = float(rk.audit(model, progress=False).table["stable_rank"][0])
    return Outcome(loss / before, float(B.norm()), stable, float((B @ A).abs().max()))


def main() -> None:
    """Print a Markdown table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=1500)
    parser.add_argument("--seeds", type=int, default=3)
    options = parser.parse_args()
    torch.set_num_threads(1)
    print("| optimizer | dtype | start | rate | loss left | norm of B | stable rank | largest B A |")
    print("|:--|:--|:--|--:|--:|--:|--:|--:|")
    for name, (optimizer, rates) in OPTIMIZERS.items():
        for dtype in (torch.float32, torch.float64):
            for start, config in STARTS.items():
                found = {
                    rate: [trained(optimizer, rate, config, dtype, seed=seed, steps=options.steps)
                           for seed in range(options.seeds)] for rate in rates
                }  # fmt: skip
                rate = min(found, key=lambda rate: median(one.loss for one in found[rate]))
                loss, norm, stable, reach = (median(part) for part in zip(*found[rate], strict=True))
                print(f"| {name} | {str(dtype)[6:]} | {start} | {rate:g} | {loss:.3f} | {norm:.2g} | {stable:.2f} "
                      f"| {reach:.2g} |", flush=True)  # fmt: skip


if __name__ == "__main__":
    main()
