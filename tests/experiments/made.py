"""An experiment whose runs are arithmetic: what a grid does can be seen without training anything."""

import os
import signal
import sys
from pathlib import Path

import numpy as np

from experiments.grid.carry_out import Experiment
from experiments.grid.command import command
from experiments.grid.kept import Yield

PLAN = """
[tune]
score = "validation"
replace = {seed = 100}

[every]
steps = 3

[[runs]]
method = ["plain", "sine"]
rank = [1, 4]
seed = [0, 1]
rate = {tune = [0.1, 0.3, 0.2]}

[[runs]]
method = "frozen"
rank = 1
seed = [0, 1]
rate = 0.0
"""


def measured(settings):
    """Best at a rate of 0.3, or 0.2 for the sine; leaves a mark of every run; may be killed after so many."""
    if log := os.environ.get("MADE_LOG"):
        with Path(log).open("a") as file:
            file.write(f"{settings['method']} {settings['rank']} {settings['seed']} {settings['rate']}\n")
        if len(Path(log).read_text().splitlines()) == int(os.environ.get("MADE_KILL", -1)):
            os.kill(os.getpid(), signal.SIGKILL)
    best = 0.2 if settings["method"] == "sine" else 0.3
    luck = np.random.default_rng(settings["seed"]).normal()
    rows = [{"step": step, "loss": luck / 3**step} for step in range(settings["steps"])]
    return Yield({"validation": -abs(settings["rate"] - best), "accuracy": luck / 7}, {"losses": rows},
                 {"factor": np.full(3, luck)})  # fmt: skip


MADE = Experiment("made", 1, measured, ("numpy",), Path("nowhere"))

if __name__ == "__main__":
    sys.exit(command(MADE, "Made up.", sys.argv[1:]))
