"""Checkpoints: adapter files become layers, one module in memory at a time."""

from __future__ import annotations

from rankkit.checkpoints.layer import Adapter, Layer, Skipped
from rankkit.checkpoints.live.seam import check_adapted
from rankkit.checkpoints.readers.table import READERS
from rankkit.checkpoints.source import is_model, model_config, open_adapter, open_tensors, read_config, tensor_file

__all__ = [
    "READERS", "Adapter", "Layer", "Skipped", "check_adapted", "is_model", "model_config", "open_adapter",
    "open_tensors", "read_config", "tensor_file",
]  # fmt: skip
