"""AdaSine's omega(x) on two kinds of text, before and after the training: the paper's figure 12 in small.

Run: python -m experiments.text.two_texts [--plan ranks] [--kept FOLDER]. It takes the plan's kept AdaSine runs, makes
each adapter again at its start and as it was trained, and reads two kinds of text with it: glosses, which it was
trained on, and WordNet's example sentences, which it has never seen. It writes two_texts.csv (a histogram of omega for
each run and text) and two_texts_means.csv beside the plan's tables.
"""

from __future__ import annotations

import argparse
import copy
import random
import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from experiments.grid.carry_out import Progress, progress_of
from experiments.grid.command import RESULTS
from experiments.grid.kept import Kept, Outcome, Row
from experiments.text.experiment import TEXT
from experiments.text.glosses import SPLIT_SEED, WORDNET, Glosses, Task, padded, task, tokenised
from experiments.text.measures import omega_by_module
from experiments.text.methods import OMEGA0, adapted
from rankkit.files import write_table

__all__ = ["at_start", "examples", "main", "measured", "trained_again"]

ABOUT = "AdaSine's frequencies on two kinds of text, before and after the training."
RANK = 4
TEXTS = 400  # of each kind
PARTS = 40  # of the interval from 0 to omega0, in the histogram
QUOTED = re.compile(r'"([^"]+)"')


def examples(folder: Path, tokens: int) -> Glosses:
    """Return WordNet's example sentences of at most so many tokens, in a random order; their labels are 0.

    Parameters
    ----------
    folder : Path
        Of WordNet's database.
    tokens : int
    """
    lines = [
        line for part in ("noun", "verb", "adj", "adv")
        for line in (folder / f"data.{part}").read_text(encoding="utf-8").splitlines() if not line.startswith(" ")
    ]  # fmt: skip
    sentences = [sentence for line in lines for sentence in QUOTED.findall(line.partition(" | ")[2])]
    short = [ids for ids in tokenised(sentences) if len(ids) <= tokens]
    random.Random(SPLIT_SEED).shuffle(short)
    return padded([(ids, 0) for ids in short], tokens)


def at_start(data: Task, outcome: Outcome) -> Any:
    """Return the encoder with a run's adapter as it was before the first step."""
    import torch

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(outcome.run.settings["seed"])
        return adapted(copy.deepcopy(data.encoder), outcome.run.settings).train(False)


def trained_again(data: Task, outcome: Outcome, kept: Kept) -> Any:
    """Return the encoder with a run's adapter after the last step, from the tensors that were kept."""
    import torch
    from peft import set_peft_model_state_dict

    model = at_start(data, outcome)
    arrays = {name.removeprefix("adapter/"): value for name, value in kept.arrays(outcome.run).items()
              if name.startswith("adapter/")}  # fmt: skip
    set_peft_model_state_dict(model, {name: torch.from_numpy(value) for name, value in arrays.items()})
    return model


def measured(model: Any, texts: dict[str, Glosses], about: Row) -> tuple[list[Row], list[Row]]:
    """Return the rows of the histogram and of the means of one adapter: all modules and tokens together."""
    histogram: list[Row] = []
    means: list[Row] = []
    for name, glosses in texts.items():
        omega = np.concatenate(list(omega_by_module(model, glosses).values()))
        counts, edges = np.histogram(omega, PARTS, (0.0, OMEGA0))
        shares = counts / len(omega)
        histogram += [
            {**about, "text": name, "omega": float(edge), "share": float(share)}
            for edge, share in zip(edges[:-1], shares, strict=True)
        ]
        means.append({**about, "text": name, "mean": float(omega.mean()), "std": float(omega.std())})
    return histogram, means


def main(argv: Sequence[str] | None = None) -> int:
    """Measure, write both tables, and return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m experiments.text.two_texts", description=ABOUT)
    parser.add_argument("--plan", default="ranks", metavar="PLAN", help="the plan whose runs are taken (ranks)")
    parser.add_argument("--kept", type=Path, default=Path("out/experiments/text"), metavar="FOLDER",
                        help="where its runs are kept (out/experiments/text)")  # fmt: skip
    parser.add_argument("--out", type=Path, metavar="FOLDER", help="where tables go (experiments/results/text/PLAN)")
    options = parser.parse_args(argv)
    plan = TEXT.plan(options.plan)
    runs = _adasine(progress_of(plan, Kept(options.kept)))
    if not runs:
        print(
            f"{options.kept} has no AdaSine runs of this plan; run python -m experiments.text first.", file=sys.stderr
        )
        return 1
    settings = runs[0].run.settings
    data = task(settings["task"], settings["tokens"])
    texts = {"glosses": data.test, "examples": examples(WORDNET, settings["tokens"])}
    texts = {name: glosses.taken(slice(TEXTS)) for name, glosses in texts.items()}
    tables: tuple[list[Row], list[Row]] = ([], [])
    for outcome in runs:
        seed, steps = (outcome.run.settings[name] for name in ("seed", "steps"))
        for step, model in ((0, at_start(data, outcome)), (steps, trained_again(data, outcome, Kept(options.kept)))):
            for table, rows in zip(tables, measured(model, texts, {"seed": seed, "step": step}), strict=True):
                table += rows
    _write(tables, options.out or RESULTS / "text" / plan.name)
    return 0


def _adasine(progress: Progress) -> list[Outcome]:
    chosen = {"method": "adasine", "rank": RANK, "optimizer": "adamw"}
    return [run for run in progress.runs if chosen.items() <= dict(run.run.settings).items()]


def _write(tables: tuple[list[Row], list[Row]], folder: Path) -> None:
    import pandas as pd

    for name, rows in zip(("two_texts", "two_texts_means"), tables, strict=True):
        write_table(folder / f"{name}.csv", pd.DataFrame(rows))


if __name__ == "__main__":
    sys.exit(main())
