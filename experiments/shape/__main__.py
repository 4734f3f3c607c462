"""Learn a mesh's occupancy with networks of low rank and sines of low rank (the sine-LoRA paper's table 13 in small).

Run: python -m experiments.shape [--plan small]

Needs the package pymeshfix for its mesh (pip install --no-deps pymeshfix). Two busy cores took an hour
(plans/small.toml says how that is known).
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from experiments.compared import summarise
from experiments.grid.carry_out import Experiment
from experiments.grid.command import command
from experiments.shape.work import work

__all__ = ["SHAPE", "main"]

SHAPE = Experiment("shape", 1, work, ("numpy", "torch", "pymeshfix"), Path(__file__).parent / "plans")


def main(argv: Sequence[str] | None = None) -> int:
    """Do what is missing of a plan, write its tables and return the exit status."""
    description = (__doc__ or "").split("\n")[0]
    return command(SHAPE, description, argv, summarise=lambda progress, out: summarise(progress, out, score="iou"))


if __name__ == "__main__":
    sys.exit(main())
