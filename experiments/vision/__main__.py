"""Train small vision transformers whose MLPs are of low rank or sines of it (the sine-LoRA paper's figure 4 in small).

Run: python -m experiments.vision [--plan small]

Needs scikit-learn for its digits, and Debian's package dataset-fashion-mnist for the other images. Two busy cores
took under 40 minutes (plans/small.toml says how that is known).
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from experiments.compared import summarise
from experiments.grid.carry_out import Experiment
from experiments.grid.command import command
from experiments.vision.work import work

__all__ = ["VISION", "main"]

VISION = Experiment("vision", 1, work, ("numpy", "torch", "scikit-learn"), Path(__file__).parent / "plans")


def main(argv: Sequence[str] | None = None) -> int:
    """Do what is missing of a plan, write its tables and return the exit status."""
    description = (__doc__ or "").split("\n")[0]
    return command(
        VISION, description, argv, summarise=lambda progress, out: summarise(progress, out, score="accuracy")
    )


if __name__ == "__main__":
    sys.exit(main())
