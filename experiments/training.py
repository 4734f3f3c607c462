"""What trains the small models of experiments/shape and experiments/vision: one thread, one seed, Adam."""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from rankkit.execution import keep_freed_memory

__all__ = ["fit", "parameters", "seeded"]


@contextmanager
def seeded(seed: int) -> Generator[None]:
    """Give torch one thread, deterministic algorithms and a seed; afterwards all is as it was.

    Parameters
    ----------
    seed : int
    """
    threads, strict = torch.get_num_threads(), torch.are_deterministic_algorithms_enabled()
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)
    try:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            yield
    finally:
        torch.set_num_threads(threads)
        torch.use_deterministic_algorithms(strict)


def fit(model: nn.Module, loss_of: Callable[[int], Tensor], *, steps: int, rate: float) -> float:
    """Train with Adam and a learning rate that falls linearly to zero, and return the last loss.

    Parameters
    ----------
    model : nn.Module
        Changed in place.
    loss_of : callable
        Number of the step, from 0 -> loss.
    steps : int
    rate : float
        Learning rate of the first step, of all parameters.
    """
    keep_freed_memory()  # every step has arrays of the same sizes
    optimizer = torch.optim.Adam([p for p in model.parameters() if p.requires_grad], lr=rate)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: 1 - step / steps)
    last = float("nan")
    for step in range(steps):
        loss = loss_of(step)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
        last = float(loss.detach())
    return last


def parameters(model: nn.Module) -> int:
    """Return how many numbers the model has, trained or not."""
    return sum(parameter.numel() for parameter in model.parameters())
