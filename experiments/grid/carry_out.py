"""Carries out a plan: the tuning runs, then the runs at the chosen settings; what is kept is not done again."""

from __future__ import annotations

import platform
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

from experiments.grid.kept import Kept, Outcome, Yield
from experiments.grid.plan import Plan, Run, unique
from rankkit import execution
from rankkit.version import __version__

__all__ = ["Experiment", "Progress", "carry_out", "progress_of"]

ADVICE = "run the command again to go on"


@dataclass(frozen=True)
class Experiment:
    """What one experiment is.

    Attributes
    ----------
    name : str
    version : int
        Raised when the same settings mean another computation; it is part of every run's key.
    work : callable
        Settings -> Yield. A module's function, since worker processes import it. It must give the same bits for the
        same settings, and use one thread.
    libraries : tuple of str
        Distributions whose versions are kept with every run.
    plans : Path
        Folder of the plans smoke.toml, small.toml and whole.toml.
    large : tuple of str
        The tables that are compressed where they are written.
    """

    name: str
    version: int
    work: Callable[[Mapping[str, Any]], Yield]
    libraries: tuple[str, ...]
    plans: Path
    large: tuple[str, ...] = ()

    @property
    def label(self) -> str:
        """The experiment in a run's key."""
        return f"{self.name} {self.version}"

    def plan(self, name: str) -> Plan:
        """Return the plan of this name, or of this TOML file."""
        file = Path(name) if name.endswith(".toml") else self.plans / f"{name}.toml"
        return Plan.read(file, experiment=self.label)


@dataclass(frozen=True)
class Progress:
    """How far a plan has come.

    Attributes
    ----------
    plan : Plan
    tuning, runs : tuple of Outcome
        What is kept of the tuning runs, and of the runs they are for.
    missing : tuple of Run
        What is not there yet; a run that waits for its tuning says so by its candidates.
    kept : Kept
        Where the runs' arrays are.
    """

    plan: Plan
    tuning: tuple[Outcome, ...]
    runs: tuple[Outcome, ...]
    missing: tuple[Run, ...]
    kept: Kept

    def __str__(self) -> str:
        done, tuned = len(self.runs), len(self.tuning)
        text = f"plan {self.plan.name}: {done} of {len(self.plan.runs)} runs"
        if total := len(self.plan.tuning()):
            text += f" and {tuned} of {total} tuning runs"
        return f"{text} are there" + (f"; {ADVICE}" if self.missing else "")


def carry_out(
    experiment: Experiment, plan: Plan, kept: Kept, *, n_jobs: int | None = None, progress: bool | None = None
) -> Progress:
    """Do what is missing of a plan and return how far it has come, which is the whole of it.

    Every run is written by the process that did it, as soon as it is done: a kill at any moment costs the runs that
    were under way.

    Parameters
    ----------
    experiment : Experiment
    plan : Plan
    kept : Kept
    n_jobs, progress
        As for `rankkit.execution.run`. A surrounding joblib.parallel_config or `execution.cluster` moves the work.
    """
    _do(experiment, plan.tuning(), kept, n_jobs, progress, "tuning runs")
    resolved = [plan.resolved(run, _scores(plan, kept)) for run in plan.runs]
    _do(experiment, tuple(run for run in resolved if run is not None), kept, n_jobs, progress, "runs")
    return progress_of(plan, kept)


def progress_of(plan: Plan, kept: Kept) -> Progress:
    """Return how far a plan has come, without doing anything."""
    tuning = plan.tuning()
    scores = _scores(plan, kept)
    runs = unique(plan.resolved(run, scores) or run for run in plan.runs)
    tuned, done = tuple(kept.found(tuning)), tuple(kept.found(runs))
    there = {outcome.run.key for outcome in (*tuned, *done)}
    return Progress(plan, tuned, done, tuple(run for run in (*tuning, *runs) if run.key not in there), kept)


def _scores(plan: Plan, kept: Kept) -> dict[str, dict[str, float]]:
    return {outcome.run.key: outcome.scores for outcome in kept.found(plan.tuning())}


def _do(
    experiment: Experiment, runs: tuple[Run, ...], kept: Kept, n_jobs: int | None, progress: bool | None, label: str
) -> None:
    there = {outcome.run.key for outcome in kept.found(runs)}
    missing = [run for run in runs if run.key not in there]
    if missing:
        work = _Work(experiment, kept)
        # no pool for a single worker: it would take seconds to start
        alone = n_jobs == 1 or len(missing) == 1
        for _ in execution.run(
            work, missing, n_jobs=1 if alone else n_jobs, processes=not alone, progress=progress, label=label
        ):
            pass


@dataclass(frozen=True)
class _Work:
    """Does one run and keeps it."""

    experiment: Experiment
    kept: Kept

    def __call__(self, run: Run) -> None:
        start = time.perf_counter()
        found = self.experiment.work(run.settings)
        about = {"seconds": round(time.perf_counter() - start, 3)} | _platform(self.experiment.libraries)
        self.kept.keep(run, found, about)


def _platform(libraries: tuple[str, ...]) -> dict[str, str]:
    return {
        "python": platform.python_version(), "machine": platform.machine(), "rankkit": __version__,
        **{name: version(name) for name in libraries},
    }  # fmt: skip
