"""Adapters in training: step time and peak memory of one layer, beside PEFT's LoRA and DoRA and the plain formulas.

Run: python benchmarks/adapters.py [--layers 1536x384x4,4096x4096x16] [--tokens 2048] [--rounds 7] [--threads 1]

One Linear layer in float32 with a trained adapter, an input that needs its gradient, B and phi away from their start.
A step is a forward and a backward pass. The adapters take turns, round by round, and a time is the median of its ratios
to LoRA's in the same round, with the range; with one thread it is the processor's time. Memory is the most that tensors
take beyond what is there before the step, as torch's own profiler counts it. "plain" is the formula as one writes it:
x (W + phi(B A))^T with autograd.
"""

from __future__ import annotations

import argparse
import math
import os
import time
from collections.abc import Callable, Iterator
from statistics import median
from typing import Any

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import peft
import torch
from torch import nn
from torch.profiler import ProfilerActivity, profile

from rankkit import adapters
from rankkit.version import __version__

OMEGA = 200.0


class Net(nn.Module):
    """One layer, under the name that the adapters' targets have."""

    def __init__(self, m: int, n: int) -> None:
        super().__init__()
        self.layer = nn.Linear(n, m)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return the layer's output."""
        return self.layer(x)


class Plain(Net):
    """A layer whose weight is W + phi(B A), as autograd makes it."""

    def __init__(self, m: int, n: int, r: int, phi: Callable[[torch.Tensor], torch.Tensor]) -> None:
        super().__init__(m, n)
        self.layer.requires_grad_(False)
        self.phi = phi
        self.B, self.A = nn.Parameter(torch.randn(m, r) * 0.01), nn.Parameter(torch.randn(r, n) * 0.05)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return x (W + phi(B A))^T."""
        return nn.functional.linear(x, self.layer.weight + self.phi(self.B @ self.A), self.layer.bias)


class PlainSum(nn.Module):
    """LR-LoRA's phi, term by term."""

    def __init__(self, size: int) -> None:
        super().__init__()
        self.alpha, self.width = nn.Parameter(torch.randn(size) * 0.01), nn.Parameter(torch.full((size,), 0.54))
        self.grid = torch.linspace(-3, 3, size)

    def forward(self, z: torch.Tensor) -> torch.Tensor:
        """Return phi(z)."""
        return torch.sinc(nn.functional.softplus(self.width) * (z[..., None] - self.grid)) @ self.alpha


def adapted(m: int, n: int, r: int, config: peft.LoraConfig) -> nn.Module:
    """Return the layer with an adapter that has left its start."""
    model = peft.get_peft_model(Net(m, n), config)
    for name, parameter in model.named_parameters():
        if parameter.requires_grad and "magnitude" not in name:
            spread = {"lora_B": 0.01, "lora_A": 0.05, "amplitude": 0.01}
            parameter.data += torch.randn_like(parameter) * next((s for k, s in spread.items() if k in name), 0.0)
    return model


def candidates(m: int, n: int, r: int, *, plain_sum: bool) -> Iterator[tuple[str, nn.Module]]:
    """Yield what takes turns, LoRA first."""
    common = {"r": r, "target_modules": ["layer"], "lora_dropout": 0.0}
    dropped = {**common, "lora_dropout": 0.05}
    yield "LoRA", adapted(m, n, r, peft.LoraConfig(**common))
    yield "LoRA, dropout", adapted(m, n, r, peft.LoraConfig(**dropped))
    yield "DoRA", adapted(m, n, r, peft.LoraConfig(**common, use_dora=True))
    yield "sine, plain", Plain(m, n, r, lambda z: torch.sin(OMEGA * z) / math.sqrt(m))
    yield "sine", adapted(m, n, r, adapters.SineLoraConfig(omega=OMEGA, **common))
    yield "sine, dropout", adapted(m, n, r, adapters.SineLoraConfig(omega=OMEGA, **dropped))
    yield "sine-DoRA", adapted(m, n, r, adapters.SineDoraConfig(omega=OMEGA, **common))
    yield "LoRAN", adapted(m, n, r, adapters.LoranConfig(**common))
    yield "AdaSine", adapted(m, n, r, adapters.AdaSineLoraConfig(**common))
    if plain_sum:
        yield "LR-LoRA, plain, N = 50", Plain(m, n, r, PlainSum(50))
    yield "LR-LoRA, sinc", adapted(m, n, r, adapters.LrLoraConfig(**common))
    yield "LR-LoRA, B-spline", adapted(m, n, r, adapters.LrLoraConfig(basis="bspline", **common))


def step(model: nn.Module, x: torch.Tensor, grad: torch.Tensor | None) -> None:
    """Run a forward pass, and with a gradient of the output a backward pass."""
    y = model(x)
    if grad is not None:
        y.backward(grad)
        model.zero_grad(set_to_none=True)
        x.grad = None


def seconds(model: nn.Module, x: torch.Tensor, grad: torch.Tensor | None) -> float:
    """Return how long a step takes."""
    # of one thread the processor's time, which other work on the machine disturbs less
    clock = time.process_time if torch.get_num_threads() == 1 else time.perf_counter
    start = clock()
    step(model, x, grad)
    return clock() - start


def peak(model: nn.Module, x: torch.Tensor, grad: torch.Tensor) -> float:
    """Return the MiB that a step takes beyond what is there before it."""
    with profile(activities=[ProfilerActivity.CPU], profile_memory=True) as record:
        step(model, x, grad)
    profiler: Any = record.profiler
    events = [event for event in profiler.kineto_results.events() if event.name() == "[memory]"]
    held = most = 0
    for event in sorted(events, key=lambda event: event.start_ns()):
        held += event.nbytes()
        most = max(most, held)
    return most / 2**20


def main() -> None:
    """Print a table for each layer."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--layers", default="1536x384x4,4096x4096x16")
    parser.add_argument("--tokens", type=int, default=2048)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    torch.manual_seed(0)
    print(
        f"rankkit {__version__}, torch {torch.__version__}, peft {peft.__version__}, {options.threads} threads,",
        end=" ",
    )
    print(f"load {', '.join(f'{load:.1f}' for load in os.getloadavg())}")
    for m, n, r in (map(int, layer.split("x")) for layer in options.layers.split(",")):
        models = dict(candidates(m, n, r, plain_sum=m * n < 1 << 20))
        x, grad = torch.randn(32, options.tokens // 32, n, requires_grad=True), torch.randn(32, options.tokens // 32, m)
        memory = {name: peak(model, x, grad) for name, model in models.items()}  # also what warms them up
        rounds = [{name: (seconds(model, x, None), seconds(model, x, grad)) for name, model in models.items()}
                  for _ in range(options.rounds)]  # fmt: skip
        base = median(taken["LoRA"][1] for taken in rounds)
        print(f"\n{m} x {n}, {options.tokens} tokens, r = {r}; LoRA's step takes {1e3 * base:.0f} ms\n")
        print("| adapter | forward | step, times LoRA's (range) | peak MiB |\n|:--|--:|--:|--:|")
        for name in models:
            forward, whole = ([taken[name][i] / taken["LoRA"][i] for taken in rounds] for i in (0, 1))
            spread = f"{median(whole):.2f} ({min(whole):.2f} to {max(whole):.2f})"
            print(f"| {name} | {median(forward):.2f} | {spread} | {memory[name]:.0f} |", flush=True)


if __name__ == "__main__":
    main()
