"""A vision transformer: patches, blocks of attention and MLP, the mean over the patches, and a linear head."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from experiments.layers import Layers

__all__ = ["VisionTransformer"]

CLASSES = 10
STD = 0.02  # of the positions at the start, as in the vision transformer's own code


class VisionTransformer(nn.Module):
    """From images (k, side, side) to logits (k, 10).

    Parameters
    ----------
    layers : Layers
        What the two layers of every MLP are; attention, patches and head are full, as in the sine-LoRA paper.
    side, patch : int
        Pixels a side, of an image and of a patch.
    width, blocks, heads : int
    times : int
        Width of the MLP over that of the model.
    """

    def __init__(
        self, layers: Layers, *, side: int, patch: int, width: int, blocks: int, heads: int, times: int = 4
    ) -> None:
        super().__init__()
        self._patch = patch
        self.embed = nn.Linear(patch * patch, width)
        self.positions = nn.Parameter(STD * torch.randn((side // patch) ** 2, width))
        self.blocks = nn.ModuleList([Block(layers, width, heads, times) for _ in range(blocks)])
        self.norm, self.head = nn.LayerNorm(width), nn.Linear(width, CLASSES)

    def forward(self, x: Tensor) -> Tensor:
        """Return the logits."""
        p = self._patch
        patches = x.unfold(1, p, p).unfold(2, p, p).flatten(1, 2).flatten(2)
        x = self.embed(patches) + self.positions
        for block in self.blocks:
            x = block(x)
        return self.head(self.norm(x).mean(1))

    def compressed(self) -> list[str]:
        """Return the paths of the MLPs' layers."""
        return [f"blocks.{i}.{name}" for i in range(len(self.blocks)) for name in ("fc1", "fc2")]


class Block(nn.Module):
    """Attention and an MLP, each behind a norm and beside a residual connection."""

    def __init__(self, layers: Layers, width: int, heads: int, times: int) -> None:
        super().__init__()
        self.heads = heads
        self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.qkv, self.out = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.fc1, self.fc2 = layers(width, times * width), layers(times * width, width)

    def forward(self, x: Tensor) -> Tensor:
        """Return the block's output."""
        x = x + self._attention(self.norm1(x))
        return x + self.fc2(nn.functional.gelu(self.fc1(self.norm2(x))))

    def _attention(self, x: Tensor) -> Tensor:
        parts: Any = self.qkv(x).unflatten(-1, (3, self.heads, -1)).permute(2, 0, 3, 1, 4)
        mixed = nn.functional.scaled_dot_product_attention(*parts)
        return self.out(mixed.transpose(1, 2).flatten(2))
