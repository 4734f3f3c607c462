"""Adapters in training: step time and peak memory of one layer, beside PEFT's LoRA and DoRA and the plain formulas.

Run: python benchmarks/adapters.py [--layers 1536x384x4,4096x4096x16] [--tokens 2048] [--rounds 7] [--threads 1]
     [--device cuda] [--dtype bfloat16]

One Linear layer with a trained adapter, an input that needs its gradient, B and phi away from their start. A step is a
forward and a backward pass. The adapters take turns, round by round, and a time is the median of its ratios to LoRA's
in the same round, with the range; on one thread of a processor it is the processor's time. Memory is the most that
tensors take beyond what is there before the step: as torch's profiler counts it on a processor, as its allocator does
on a GPU. "plain" is the formula as one writes it: x (W + phi(B A))^T with autograd. --dtype is that of the base and of
the input; factors are float32.
"""

from __future__ import annotations

import argparse
import math
import os
import time
from collections.abc import Callable, Iterator
from statistics import median
from typing import Any, NamedTuple

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


class Measured(NamedTuple):
    """What one adapter takes.

    Attributes
    ----------
    forward, step : list of float
        Times of a forward pass and of a whole step, over LoRA's in the same round.
    seconds : float
        Median time of a step.
    memory : float
        Peak MiB of a step.
    """

    forward: list[float]
    step: list[float]
    seconds: float
    memory: float


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
        self.grid = nn.Parameter(torch.linspace(-3, 3, size), requires_grad=False)

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
    if x.device.type != "cpu":
        return seconds_on_a_device(model, x, grad)
    # of one thread the processor's time, which other work on the machine disturbs less
    clock = time.process_time if torch.get_num_threads() == 1 else time.perf_counter
    start = clock()
    step(model, x, grad)
    return clock() - start


def seconds_on_a_device(model: nn.Module, x: torch.Tensor, grad: torch.Tensor | None, *, steps: int = 10) -> float:
    """Return the mean time of a step among several that follow one another, as in a training."""
    torch.cuda.synchronize()
    start = time.perf_counter()
    for _ in range(steps):
        step(model, x, grad)
    torch.cuda.synchronize()
    return (time.perf_counter() - start) / steps


def peak(model: nn.Module, x: torch.Tensor, grad: torch.Tensor) -> float:
    """Return the MiB that a step takes beyond what is there before it."""
    if x.device.type != "cpu":
        step(model, x, grad)  # the libraries' own work space stays out of it
        torch.cuda.reset_peak_memory_stats()
        held = torch.cuda.memory_allocated()
        step(model, x, grad)
        return (torch.cuda.max_memory_allocated() - held) / 2**20
    with profile(activities=[ProfilerActivity.CPU], profile_memory=True) as record:
        step(model, x, grad)
    profiler: Any = record.profiler
    events = [event for event in profiler.kineto_results.events() if event.name() == "[memory]"]
    held = most = 0
    for event in sorted(events, key=lambda event: event.start_ns()):
        held += event.nbytes()
        most = max(most, held)
    return most / 2**20


def measured(
    m: int, n: int, r: int, *, tokens: int, rounds: int, device: str = "cpu", dtype: torch.dtype = torch.float32
) -> dict[str, Measured]:
    """Return what every adapter of an m x n layer takes, LoRA first."""
    torch.manual_seed(0)
    models = dict(candidates(m, n, r, plain_sum=m * n < 1 << 20))
    for model in models.values():
        for name, parameter in model.to(device).named_parameters():
            if not parameter.requires_grad and "lora" not in name:
                parameter.data = parameter.data.to(dtype)
    x = torch.randn(32, tokens // 32, n, device=device, dtype=dtype, requires_grad=True)
    grad = torch.randn(32, tokens // 32, m, device=device, dtype=dtype)
    if dtype is not torch.float32:  # the plain formulas are written for one dtype
        models = {name: model for name, model in models.items() if "plain" not in name}
    memory = {name: peak(model, x, grad) for name, model in models.items()}  # also what warms them up
    taken = [{name: (seconds(model, x, None), seconds(model, x, grad)) for name, model in models.items()}
             for _ in range(rounds)]  # fmt: skip
    return {name: Measured(
        [turn[name][0] / turn["LoRA"][0] for turn in taken], [turn[name][1] / turn["LoRA"][1] for turn in taken],
        median(turn[name][1] for turn in taken), memory[name],
    ) for name in models}  # fmt: skip


def main() -> None:
    """Print a table for each layer."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--layers", default="1536x384x4,4096x4096x16")
    parser.add_argument("--tokens", type=int, default=2048)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--dtype", choices=["float32", "bfloat16"], default="float32")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    print(
        f"rankkit {__version__}, torch {torch.__version__}, peft {peft.__version__}, {options.threads} threads,",
        end=" ",
    )
    print(f"load {', '.join(f'{load:.1f}' for load in os.getloadavg())}")
    for m, n, r in (map(int, layer.split("x")) for layer in options.layers.split(",")):
        found = measured(m, n, r, tokens=options.tokens, rounds=options.rounds, device=options.device,
                         dtype=getattr(torch, options.dtype))  # fmt: skip
        base = 1e3 * found["LoRA"].seconds
        print(f"\n{m} x {n}, {options.tokens} tokens, r = {r}; LoRA's step takes {base:.1f} ms\n")
        print("| adapter | forward | step, times LoRA's (range) | peak MiB |\n|:--|--:|--:|--:|")
        for name, one in found.items():
            spread = f"{median(one.step):.2f} ({min(one.step):.2f} to {max(one.step):.2f})"
            print(f"| {name} | {median(one.forward):.2f} | {spread} | {one.memory:.0f} |", flush=True)


if __name__ == "__main__":
    main()
