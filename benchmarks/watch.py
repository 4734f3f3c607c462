"""What watching a training costs: beside the unwatched training, and one measurement of a large adapter.

Run: python benchmarks/watch.py [--steps 100] [--rounds 5] [--threads 2] [--batch 64] [--encoder FOLDER]

The first table trains LoRA of rank 4 on the 24 modules of the packaged adapter's encoder (all-MiniLM-L6-v2's shapes),
watched every 50 steps into a store, and unwatched. Both take turns, `steps` steps a turn, and the share is the watched
training's time over the unwatched one's in the same round. `measuring` is what the watch itself took, over the time of
its own training: it knows no noise of other programs. The weights are random, unless an encoder is named; the time does
not depend on them. The second table is one measurement of an adapter of rank 16 on the 224 modules of Llama-3-8B's
shapes, on one core, without its base. With one thread all times are the processor's.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import Any

import peft
import torch
from threadpoolctl import threadpool_limits
from torch import nn
from transformers import AutoModel, BertConfig, BertModel

from rankkit.version import __version__
from rankkit.watch import Watch

EVERY = 50
TOKENS = 24  # of a gloss of the packaged adapter's task, in the mean
TARGETS = ["query", "key", "value", "intermediate.dense"]
MINILM = {"hidden_size": 384, "num_hidden_layers": 6, "num_attention_heads": 12, "intermediate_size": 1536}
LLAMA = {
    "q_proj": (4096, 4096), "k_proj": (4096, 1024), "v_proj": (4096, 1024), "o_proj": (4096, 4096),
    "gate_proj": (4096, 14336), "up_proj": (4096, 14336), "down_proj": (14336, 4096),
}  # fmt: skip


def clock() -> float:
    """Return seconds: the processor's where one thread works, which other programs disturb less."""
    return time.process_time() if torch.get_num_threads() == 1 else time.perf_counter()


class Training:
    """A training that can be stopped and continued, watched or not."""

    def __init__(self, encoder: str | None, batch: int, store: Path | None) -> None:
        torch.manual_seed(0)
        base: Any = AutoModel.from_pretrained(encoder) if encoder else BertModel(BertConfig(**MINILM))  # pyright: ignore
        self.model: Any = peft.get_peft_model(base, peft.LoraConfig(r=4, lora_alpha=8, target_modules=TARGETS))
        self.model.train(False)  # as the packaged adapter was trained; dropout would draw from what both have in common
        self.optimizer = torch.optim.AdamW([p for p in self.model.parameters() if p.requires_grad], lr=2e-3)
        self.watch = None if store is None else Watch(self.model, every=EVERY, store=store, budget=None)
        self.batch, self.random, self.n, self.measuring = batch, torch.Generator().manual_seed(0), 0, 0.0
        self.losses: list[float] = []

    def go_on(self, steps: int) -> float:
        """Train so many steps and return the seconds."""
        start = clock()
        for _ in range(steps):
            words = torch.randint(1000, 2000, (self.batch, TOKENS), generator=self.random)
            wanted = torch.randn(self.batch, 384, generator=self.random)
            loss = (self.model(words).last_hidden_state.mean(1) - wanted).square().mean()
            self.optimizer.zero_grad()
            loss.backward()
            self.optimizer.step()
            self.losses.append(float(loss.detach()))
            self.n += 1
            if self.watch is not None:
                before = clock()
                self.watch.step(self.n)
                self.measuring += clock() - before
        return clock() - start


def side_by_side(options: argparse.Namespace) -> None:
    """Print what watching costs a training."""
    with tempfile.TemporaryDirectory() as folder:
        kept = Path(folder) / "ranks"
        plain, watched = (Training(options.encoder, options.batch, store) for store in (None, kept))
        for one in (plain, watched):
            one.go_on(5)  # what is made at the first step is made
        watched.measuring = 0.0
        rounds = [(plain.go_on(options.steps), watched.go_on(options.steps)) for _ in range(options.rounds)]
    assert plain.losses == watched.losses, "the losses differ"
    ratios = [after / before for before, after in rounds]
    whole = sum(after for _, after in rounds)
    print("| modules | r | ms a step | watched / unwatched, median (range) | measuring, share of its training |")
    print("|--:|--:|--:|--:|--:|")
    step = 1e3 * median(before for before, _ in rounds) / options.steps
    spread = f"{median(ratios):.4f} ({min(ratios):.4f} to {max(ratios):.4f})"
    print(f"| 24 | 4 | {step:.0f} | {spread} | {100 * watched.measuring / whole:.2f} % |")
    print(f"\nthe losses of all {len(plain.losses)} steps agree bit for bit\n", flush=True)


def large(rounds: int) -> None:
    """Print what one measurement of a large adapter takes on one core."""
    torch.set_num_threads(1)
    layers: Any = nn.Module()
    layers.layers = nn.ModuleList()
    for _ in range(32):
        block = nn.Module()
        for name, (inputs, outputs) in LLAMA.items():
            block.add_module(name, nn.Linear(inputs, outputs, bias=False, device="meta"))
        layers.layers.append(block)
    config = peft.LoraConfig(r=16, target_modules=list(LLAMA))
    model: Any = peft.get_peft_model(layers, config, low_cpu_mem_usage=True)
    for name, parameter in list(model.named_parameters()):
        if "lora_" in name:
            path, _, leaf = name.rpartition(".")
            setattr(model.get_submodule(path), leaf, nn.Parameter(torch.randn(parameter.shape) * 0.01))
    with tempfile.TemporaryDirectory() as folder:
        watch = Watch(model, every=1, store=folder, budget=None)
        watch.measure(0)
        took: list[float] = []
        with threadpool_limits(1):
            for n in range(1, rounds + 1):
                start = clock()
                watch.measure(n)
                took.append(clock() - start)
    print("| modules | r | seconds a measurement, median (range) |\n|--:|--:|--:|")
    print(f"| {7 * 32} | 16 | {median(took):.2f} ({min(took):.2f} to {max(took):.2f}) |")


def main() -> None:
    """Print both tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=100, help="steps a turn")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--batch", type=int, default=64, help="glosses a step")
    parser.add_argument("--encoder", help="folder of all-MiniLM-L6-v2")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    load = ", ".join(f"{load:.1f}" for load in os.getloadavg())
    print(f"rankkit {__version__}, torch {torch.__version__}, peft {peft.__version__}, load {load}\n")
    side_by_side(options)
    large(options.rounds)


if __name__ == "__main__":
    main()
