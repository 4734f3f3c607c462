"""Shapes of known models, and how many parameters an adapter of them has."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from rankkit.checks import integer

__all__ = ["MODELS", "lora_parameters", "magnitude_parameters", "mlp_parameters", "response_parameters"]

# module -> (outputs, inputs) of one layer, from the models' public configurations
_LLAMA2 = {"q": (4096, 4096), "k": (4096, 4096), "v": (4096, 4096), "o": (4096, 4096),
           "gate": (11008, 4096), "up": (11008, 4096), "down": (4096, 11008)}  # fmt: skip
_LLAMA3 = {"q": (4096, 4096), "k": (1024, 4096), "v": (1024, 4096), "o": (4096, 4096),
           "gate": (14336, 4096), "up": (14336, 4096), "down": (4096, 14336)}  # fmt: skip
_QWEN2 = {"q": (896, 896), "k": (128, 896), "v": (128, 896), "o": (896, 896),
          "gate": (4864, 896), "up": (4864, 896), "down": (896, 4864)}  # fmt: skip
_PHI3 = {"qkv": (9216, 3072), "o": (3072, 3072), "gate_up": (16384, 3072), "down": (3072, 8192)}


def _encoder(width: int, inner: int) -> dict[str, tuple[int, int]]:
    square = dict.fromkeys(("q", "k", "v", "o"), (width, width))
    return square | {"up": (inner, width), "down": (width, inner)}


# model -> how many layers it has, and the shapes of each one's modules
MODELS: dict[str, tuple[int, dict[str, tuple[int, int]]]] = {
    "Llama-2-7B": (32, _LLAMA2),
    "Llama-3-8B": (32, _LLAMA3),
    "Qwen2-0.5B": (24, _QWEN2),
    "Phi-3-mini": (32, _PHI3),
    "RoBERTa-base": (12, _encoder(768, 3072)),
    "RoBERTa-large": (24, _encoder(1024, 4096)),
    "DeBERTa-v3-base": (12, _encoder(768, 3072)),
    "ViT-S": (12, _encoder(384, 1536)),
    "ViT-B": (12, _encoder(768, 3072)),
}


def lora_parameters(model: str, modules: Sequence[str], rank: int) -> int:
    """Return how many parameters LoRA trains: r (m + n), summed over the modules of all layers.

    Parameters
    ----------
    model : str
        One of `MODELS`.
    modules : sequence of str
        Their names in a layer, such as "q" and "v".
    rank : int
        r, at least 1.

    Raises
    ------
    ValueError
        If the model, or one of its modules, is unknown, or the rank is no integer of at least 1.

    References
    ----------
    Hu et al. 2022, LoRA, section 4.2.

    Examples
    --------
    >>> lora_parameters("RoBERTa-base", ["q", "v"], 1)
    36864
    """
    integer("rank", rank)
    return rank * sum(m + n for m, n in _shapes(model, modules))


def magnitude_parameters(model: str, modules: Sequence[str]) -> int:
    """Return how many parameters DoRA has beyond LoRA: one magnitude for each output.

    Parameters
    ----------
    model, modules
        As for `lora_parameters`.

    Raises
    ------
    ValueError
        If the model, or one of its modules, is unknown.

    References
    ----------
    Liu et al. 2024, DoRA, equation 5.

    Examples
    --------
    >>> magnitude_parameters("Llama-3-8B", ["k"])
    32768
    """
    return sum(m for m, _ in _shapes(model, modules))


def response_parameters(model: str, modules: Sequence[str]) -> int:
    """Return how many parameters AdaSine has beyond LoRA: one weight for each input of a module.

    Parameters
    ----------
    model, modules
        As for `lora_parameters`.

    Raises
    ------
    ValueError
        If the model, or one of its modules, is unknown.

    References
    ----------
    The AdaSine paper, equation of W_omega.

    Examples
    --------
    >>> response_parameters("Llama-3-8B", ["q"])
    131072
    """
    return sum(n for _, n in _shapes(model, modules))


def mlp_parameters(widths: Sequence[int], rank: int | None = None) -> int:
    """Return how many weights and biases a fully connected network has, such as a NeRF or an occupancy field.

    Parameters
    ----------
    widths : sequence of int
        Inputs, hidden widths, outputs: (3, 256, 256, 256, 1) has two square layers between.
    rank : int, optional
        The layers between hidden widths are products of this rank, r (m + n); None: full.

    Raises
    ------
    ValueError
        If a width, or the rank, is no integer of at least 1, or there are fewer than two widths.

    Examples
    --------
    >>> mlp_parameters((3, 256, 256, 256, 1)), mlp_parameters((3, 256, 256, 256, 1), rank=1)
    (132865, 2817)
    """
    sizes = [integer("widths", width) for width in widths]
    if len(sizes) < 2:
        raise ValueError(f"widths must hold inputs and outputs, got {widths!r}; for instance (3, 256, 256, 1).")
    r = None if rank is None else integer("rank", rank)
    layers = list(pairwise(sizes))
    ends = (0, len(layers) - 1)
    weights = sum(m * n if r is None or place in ends else r * (m + n) for place, (n, m) in enumerate(layers))
    return weights + sum(m for _, m in layers)


def _shapes(model: str, modules: Sequence[str]) -> list[tuple[int, int]]:
    if model not in MODELS:
        raise ValueError(f"model must be one of {', '.join(MODELS)}, got {model!r}.")
    layers, shapes = MODELS[model]
    if unknown := [name for name in modules if name not in shapes]:
        raise ValueError(f"modules of {model} are {', '.join(shapes)}, got {unknown[0]!r}.")
    return [shapes[name] for name in modules] * layers
