"""Shapes of known models, and how many parameters an adapter of them has."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

__all__ = ["MODELS", "lora_parameters", "magnitude_parameters", "mlp_parameters", "response_parameters"]

# module -> (outputs, inputs) of one layer; "layers": how many. From the models' public configurations.
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
    """Return r (m + n), summed over the modules of all layers (Hu et al. 2022, section 4.2)."""
    return rank * sum(m + n for m, n in _shapes(model, modules))


def magnitude_parameters(model: str, modules: Sequence[str]) -> int:
    """Return DoRA's extra parameters: one magnitude per output (Liu et al. 2024, equation 5)."""
    return sum(m for m, _ in _shapes(model, modules))


def response_parameters(model: str, modules: Sequence[str]) -> int:
    """Return AdaSine's extra parameters: one weight per input and module (AdaSine, equation of W_omega)."""
    return sum(n for _, n in _shapes(model, modules))


def mlp_parameters(widths: Sequence[int], rank: int | None = None) -> int:
    """Return the weights and biases of a fully connected network, as a NeRF or an occupancy field is.

    Parameters
    ----------
    widths : sequence of int
        Inputs, hidden widths, outputs: (3, 256, 256, 256, 1) has two square layers between.
    rank : int, optional
        The layers between hidden widths are products of this rank, r (m + n); None: full.

    Examples
    --------
    >>> mlp_parameters((3, 256, 256, 256, 1)), mlp_parameters((3, 256, 256, 256, 1), rank=1)
    (132865, 2817)
    """
    layers = list(pairwise(widths))
    inner = layers[1:-1]
    weights = sum(m * n if rank is None or (n, m) not in inner else rank * (m + n) for n, m in layers)
    return weights + sum(m for _, m in layers)


def _shapes(model: str, modules: Sequence[str]) -> list[tuple[int, int]]:
    if model not in MODELS:
        raise ValueError(f"model must be one of {', '.join(MODELS)}, got {model!r}.")
    layers, shapes = MODELS[model]
    if unknown := [name for name in modules if name not in shapes]:
        raise ValueError(f"modules of {model} are {', '.join(shapes)}, got {unknown[0]!r}.")
    return [shapes[name] for name in modules] * layers
