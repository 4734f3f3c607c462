"""Small trainings: a net of two layers, an adapter of any method, and what a test looks at afterwards.

Run as a program, it trains in processes that it kills: python -m tests.watch.runs STORE LOG KILLS. After each it prints
the steps that the process had told of, and those that are in the store.
"""

import json
import os
import random
import signal
import sys
import time
from pathlib import Path
from typing import Any

import peft
import torch
from torch import nn

from rankkit.watch import Watch

LORA: dict[str, Any] = {"r": 4, "target_modules": ["q_proj", "up_proj"], "lora_dropout": 0.1}


class Net(nn.Module):
    """Blocks whose modules have the names of a transformer's, and dropout, which draws random numbers."""

    layers: Any

    def __init__(self, layers=2, size=12):
        super().__init__()
        self.layers = nn.ModuleList()
        for _ in range(layers):
            block: Any = nn.Module()
            block.q_proj, block.up_proj = nn.Linear(size, size), nn.Linear(size, size)
            self.layers.append(block)

    def forward(self, x, labels=None):
        for block in self.layers:
            x = x + torch.tanh(block.up_proj(torch.tanh(block.q_proj(x))))
        return x


def adapted(config=None, *, seed=0) -> Any:
    """Return a net with an adapter at its start."""
    torch.manual_seed(seed)
    return peft.get_peft_model(Net(), peft.LoraConfig(**LORA) if config is None else config)


def data(seed=1):
    x = torch.randn(64, 12, generator=torch.Generator().manual_seed(seed))
    return x, torch.sin(2 * x.roll(1, 1))


def train(model, steps, *, watch=None, begin=0, rate=1e-2):
    """Train, and return the losses; a watch is told every step."""
    x, y = data()
    optimizer = torch.optim.AdamW([p for p in model.parameters() if p.requires_grad], lr=rate)
    model.train()
    losses = []
    for n in range(begin + 1, begin + steps + 1):
        loss = ((model(x) - y) ** 2).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(float(loss.detach()))
        if watch is not None:
            watch.step(n)
    return losses


def until_killed(store: str, log: str) -> None:
    """Train, and after every measurement write its step into a file of its own."""
    model = adapted()
    watch = Watch(model, every=1, store=store, budget=None)
    begin = max(watch.watched.steps, default=0)
    x, y = data()
    optimizer = torch.optim.AdamW([p for p in model.parameters() if p.requires_grad], lr=1e-2)
    with Path(log).open("a", buffering=1) as file:
        for n in range(begin + 1, begin + 10**6):
            optimizer.zero_grad()
            ((model(x) - y) ** 2).mean().backward()
            optimizer.step()
            if watch.step(n) is not None:
                file.write(f"{n}\n")


def kill(store: str, log: str, times: int) -> None:
    """Begin or resume a training in a process, kill it at a random moment, and print what is left; many times."""
    from rankkit.watch import Watched

    luck, file = random.Random(0), Path(log)
    file.touch()
    for _ in range(times):
        before = file.stat().st_size
        child = os.fork()  # which saves the time of importing torch
        if not child:
            until_killed(store, log)
        while file.stat().st_size == before:
            if os.waitpid(child, os.WNOHANG)[0]:
                raise SystemExit("the training ended before its first measurement; its error stands above")
            time.sleep(0.005)
        time.sleep(luck.uniform(0, 0.1))
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        told = [int(line) for line in file.read_text().splitlines()]
        print(json.dumps([told, Watched.load(store).steps]))


if __name__ == "__main__":
    kill(sys.argv[1], sys.argv[2], int(sys.argv[3]))
