"""The experiment as the grid knows it."""

from __future__ import annotations

from pathlib import Path

from experiments.grid.carry_out import Experiment
from experiments.text.training import trained

__all__ = ["TEXT"]

TEXT = Experiment(
    "text", 1, trained, ("torch", "transformers", "peft", "numpy"), Path(__file__).parent / "plans",
    large=("trajectory", "phi"),
)  # fmt: skip
