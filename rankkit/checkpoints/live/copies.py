"""One layer of a live model as a float64 copy, so that whatever is done to it leaves the model as it was."""

# torch's and PEFT's own types are partly unknown
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false

from __future__ import annotations

import copy
import random
from collections import OrderedDict
from collections.abc import Generator
from contextlib import contextmanager
from itertools import chain
from typing import Any

import numpy as np

__all__ = ["copied", "undisturbed"]

# what other libraries put on a module itself, such as Accelerate, and what would drag the whole model into a copy
_ON_THE_MODULE = ("forward", "_hf_hook", "_old_forward")


class _Absent:
    """Stands in a copy for what must not be copied."""


@contextmanager
def undisturbed() -> Generator[None]:
    """Return a context without gradients, after which every random generator is where it was."""
    import torch

    ours, numpys = random.getstate(), np.random.get_state()  # noqa: NPY002  # whoever uses it finds it as it was
    devices = range(torch.cuda.device_count()) if torch.cuda.is_initialized() else ()
    with torch.random.fork_rng(devices=devices), torch.no_grad():
        try:
            yield
        finally:
            random.setstate(ours)
            np.random.set_state(numpys)  # noqa: NPY002


def copied(layer: Any, *, double: bool = True) -> Any:
    """Return a copy of a layer in float64 and evaluation mode, without its hooks.

    Parameters
    ----------
    layer : torch.nn.Module
        It is not changed.
    double : bool
        False: in float32, for the code of a method that cannot compute in float64.

    Raises
    ------
    ValueError
        If its tensors are not in memory.
    """
    memo: dict[int, Any] = {}  # what the copy has in the place of an object of the layer's
    absent = _Absent()
    for module in layer.modules():
        kept = vars(module)
        memo |= {id(value): OrderedDict() for key, value in kept.items() if "_hooks" in key and isinstance(value, dict)}
        memo |= {id(kept[key]): absent for key in _ON_THE_MODULE if key in kept}
        memo |= _beside(kept, double)
    for tensor in chain(layer.parameters(), layer.buffers()):
        memo[id(tensor)] = _wide(tensor, double)
    made = copy.deepcopy(layer, memo)
    for module in made.modules():
        for key in [key for key, value in vars(module).items() if isinstance(value, _Absent)]:
            delattr(module, key)
    return made.eval()


def _beside(kept: dict[str, Any], double: bool) -> dict[int, Any]:
    """Return copies of the tensors and generators that a module keeps as plain attributes, or in plain mappings."""
    import torch

    found: dict[int, Any] = {}
    values = [value for value in kept.values() if not isinstance(value, dict)]
    for value in chain(values, *(value.values() for value in kept.values() if isinstance(value, dict))):
        if isinstance(value, torch.Tensor):
            found[id(value)] = _wide(value, double)
        elif isinstance(value, torch.Generator):
            found[id(value)] = torch.Generator(value.device).set_state(value.get_state())
    return found


def _wide(tensor: Any, double: bool) -> Any:
    """Return a tensor's copy in the widest type of its kind, or the second widest, where float64 exists."""
    import torch

    if tensor.device.type == "meta":
        raise ValueError("its tensors are offloaded, not in memory; load the model without offloading")
    values = tensor.detach().to("cpu") if tensor.device.type == "mps" else tensor.detach()
    real, pairs = (torch.float64, torch.complex128) if double else (torch.float32, torch.complex64)
    plain = values.is_floating_point() or values.is_complex()
    values = values.to(pairs if values.is_complex() else real, copy=True) if plain else values.clone()
    if not isinstance(tensor, torch.nn.Parameter):
        return values
    return torch.nn.Parameter(values, requires_grad=tensor.requires_grad and plain)
