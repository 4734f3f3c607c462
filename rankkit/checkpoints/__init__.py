"""Checkpoints: adapter files become layers, one module in memory at a time."""

from __future__ import annotations

from rankkit.checkpoints.layers import Adapter, Layer, Skipped
from rankkit.checkpoints.open import open_adapter, open_tensors, read_config, tensor_file
from rankkit.checkpoints.readers import READERS

__all__ = ["READERS", "Adapter", "Layer", "Skipped", "open_adapter", "open_tensors", "read_config", "tensor_file"]
