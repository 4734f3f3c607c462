"""What the runs say: accuracy by method, differences with their correction, and where the trained modules stand."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np

from experiments.grid.carry_out import Progress
from experiments.grid.kept import Outcome
from experiments.grid.statistics import LEVEL, corrected_together, differences, mean_interval
from experiments.text.frequency import SETTING, against_omega, draw
from experiments.text.methods import METHODS
from experiments.text.page import pages
from experiments.text.standing import REFERENCE, Groups, layers, spreads, standing
from rankkit.files import write_atomically, write_table

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["accuracy", "compared", "summarise"]


def summarise(progress: Progress, folder: Path) -> str:
    """Write the tables of every rank and summary.txt, what they say in words; return the words.

    Parameters
    ----------
    progress : Progress
    folder : Path
        Of the tables.
    """
    said, by_rank = [str(progress)], _tables(progress)
    for rank, tables in by_rank.items():
        for name, table in tables.items():
            if len(table):
                write_table(folder / f"{name}_rank{rank}.csv", table)
        said += _words(rank, tables)
    for name, text in pages(by_rank).items():
        write_atomically(folder / f"{name}.md", partial(_write, text=text))
    said += _against_omega(progress, folder)
    text = "\n".join(said)
    write_atomically(folder / "summary.txt", partial(_write, text=f"{text}\n"))
    return text


def _tables(progress: Progress) -> dict[int, dict[str, pd.DataFrame]]:
    """Return rank -> name -> table; p-values are corrected for the comparisons at all ranks together."""
    by_rank = _by_rank(progress)
    count = sum(len(_pairs(_adapters(groups))[1]) for groups in by_rank.values())
    tables = {
        rank: {
            "accuracy": accuracy(groups, progress), "differences": compared(groups, progress, comparisons=count),
            "standing": standing(groups), "spreads": spreads(groups), "layers": layers(groups),
        }
        for rank, groups in by_rank.items()
    }  # fmt: skip
    for name in ("differences", "spreads"):
        together = corrected_together([own[name] for own in tables.values()])
        for own, table in zip(tables.values(), together, strict=True):
            own[name] = table
    return tables


def _against_omega(progress: Progress, folder: Path) -> list[str]:
    """Write the table and the picture of each rank where runs set a frequency; return what they are called."""
    table = against_omega(progress)
    said: list[str] = []
    for rank, rows in table.groupby("rank") if len(table) else ():
        name = f"omega_rank{rank}"
        write_table(folder / f"{name}.csv", rows)
        draw(rows).figure.canvas.print_figure(folder / f"{name}.png", dpi=150)
        said.append(f"rank {rank}: accuracy against omega in {name}.csv and .png")
    return said


def _by_rank(progress: Progress) -> dict[int, dict[str, list[Outcome]]]:
    """Return rank -> method -> its AdamW runs, by seed; other optimizers and frequencies are questions of their own."""
    found: dict[int, dict[str, list[Outcome]]] = {}
    for outcome in progress.runs:
        settings = outcome.run.settings
        if settings["optimizer"] == "adamw" and SETTING not in settings:
            found.setdefault(settings["rank"], {}).setdefault(settings["method"], []).append(outcome)
    return found


def accuracy(groups: Groups, progress: Progress) -> pd.DataFrame:
    """Return one row a method: parameters, the chosen rate and whether it stood at an edge, accuracy with interval.

    The interval is Student's over the seeds, which vary the training set, its order and the start.
    """
    import pandas as pd

    edges = _edges(progress)
    rows: list[dict[str, Any]] = []
    for method, runs in groups.items():
        mean, low, high = mean_interval([run.scores["test"] for run in runs])
        settings = runs[0].run.settings
        rows.append({
            "method": method, "parameters": int(runs[0].scores["adapter_parameters"]), "rate": settings["rate"],
            "rate_at_edge": settings["rate"] in edges.get((settings["rank"], method), ()), "seeds": len(runs),
            "accuracy": mean, "low": low, "high": high, "loss": float(np.mean([run.scores["loss"] for run in runs])),
        })  # fmt: skip
    return pd.DataFrame(rows)


def _edges(progress: Progress) -> dict[tuple[int, str], tuple[float, float]]:
    """Return (rank, method) -> its smallest and largest candidate."""
    found: dict[tuple[int, str], tuple[float, float]] = {}
    for run in progress.plan.runs:
        if run.tuned is not None:
            tried = [candidate.settings["rate"] for candidate in progress.plan.candidates(run)]
            found[run.settings["rank"], run.settings["method"]] = min(tried), max(tried)
    return found


def compared(groups: Groups, progress: Progress, *, comparisons: int | None = None) -> pd.DataFrame:
    """Return the differences in accuracy of every method from LoRA, and of every sine from its linear twin.

    Where a part of a plan is there, they are taken over the first so many seeds, and of the methods that have all of
    these: as many as leave most to estimate the noise from. Each pair has its own noise, because the trainings of some
    methods fail at some seeds. Fewer than two such seeds or methods: no rows.

    Parameters
    ----------
    groups : mapping
        Method -> its runs.
    progress : Progress
    comparisons : int, optional
        As for `experiments.grid.statistics.differences`.
    """
    import pandas as pd

    adapters = _adapters(groups)
    seeds, pairs = _pairs(adapters)
    if not pairs:
        return pd.DataFrame()
    chosen = dict.fromkeys(name for pair in pairs for name in pair)
    scores = {method: [adapters[method][seed].scores["test"] for seed in seeds] for method in chosen}
    answers = {method: np.stack([_hits(progress, adapters[method][seed]) for seed in seeds]) for method in chosen}
    found = differences(scores, pairs, answers=answers, pooled=False, comparisons=comparisons)
    return pd.DataFrame([{**vars(difference), "seeds": len(seeds)} for difference in found])


def _adapters(groups: Groups) -> dict[str, dict[int, Outcome]]:
    """Return method -> seed -> run, of the methods that have an adapter."""
    return {
        method: {run.run.settings["seed"]: run for run in runs} for method, runs in groups.items() if method in METHODS
    }


def _pairs(adapters: Mapping[str, Mapping[int, Outcome]]) -> tuple[list[int], list[tuple[str, str]]]:
    """Return the seeds that are compared, and the pairs of methods: with LoRA, and of a sine with its twin."""
    chosen, seeds = _complete(adapters)
    if len(chosen) < 2 or REFERENCE not in chosen:
        return seeds, []
    twins = [(method, METHODS[method].twin) for method in chosen if METHODS[method].twin in chosen]
    pairs = [(method, REFERENCE) for method in chosen if method != REFERENCE] + twins
    return seeds, list(dict.fromkeys(pairs))


def _complete(runs: Mapping[str, Mapping[int, Any]]) -> tuple[list[str], list[int]]:
    """Return the methods and the seeds, two at least, that make the largest block without a gap."""
    everything = sorted({seed for own in runs.values() for seed in own})
    blocks: list[tuple[list[str], list[int]]] = [([], [])]
    for count in range(2, len(everything) + 1):
        seeds = everything[:count]
        blocks.append(([method for method, own in runs.items() if set(seeds) <= set(own)], seeds))
    return max(blocks, key=lambda block: max(0, len(block[0]) - 1) * len(block[1][1:]))


def _hits(progress: Progress, outcome: Outcome) -> Any:
    count = outcome.run.settings["test_glosses"]
    return np.unpackbits(progress.kept.arrays(outcome.run)["hits"])[:count]


def _words(rank: int, tables: Mapping[str, pd.DataFrame]) -> list[str]:
    """Return what the tables say of one rank."""
    said = [f"rank {rank}, accuracy on the test glosses:"]
    for row in _rows(tables["accuracy"].sort_values("accuracy", ascending=False)):
        edge = " (at the edge of what was tried)" if row["rate_at_edge"] else ""
        interval = f"{row['accuracy']:.4f} ({row['low']:.4f} to {row['high']:.4f})"
        said.append(f"  {row['method']:24s} {interval}, {row['seeds']} seeds, rate {row['rate']:g}{edge}")
    found, wide = tables["differences"], _rows(tables["spreads"])
    said += [
        f"  {row['method']}: stable ranks of its {row['of']} spread by {row['spread']:.2f} over the modules, LoRA's by "
        f"{row['lora_spread']:.2f}; difference {row['difference']:+.2f} ({row['low']:+.2f} to {row['high']:+.2f})"
        for row in wide
        if row["p_holm"] < LEVEL
    ]
    if not len(found):
        return [*said, "  too few seeds in common for differences"]
    compared_ones = {*found["method"], *found["against"]}
    if left := [row["method"] for row in _rows(tables["standing"]) if row["method"] not in compared_ones]:
        said.append(f"  not compared, since they have fewer seeds than the others yet: {', '.join(left)}")
    seen = [row for row in _rows(found) if row["p_holm"] < LEVEL]
    said.append(
        f"  {len(seen)} of {len(found)} differences are not 0 at 5 % after Holm's correction; the design sees "
        f"{100 * found['detectable'].median():.1f} points (median) four times in five, with {found['seeds'].iloc[0]} "
        "seeds."
    )
    for row in _rows(found):
        mean, low, high = (100 * row[name] for name in ("mean", "low", "high"))
        word = ", not 0" if row["p_holm"] < LEVEL else ""
        said.append(f"  {row['method']} - {row['against']}: {mean:+.2f} points ({low:+.2f} to {high:+.2f}){word}")
    return said


def _write(file: BinaryIO, *, text: str) -> None:
    file.write(text.encode())


def _rows(table: pd.DataFrame) -> list[dict[Any, Any]]:
    return table.to_dict("records")
