"""The command line that every experiment has."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from experiments.grid.carry_out import Experiment, Progress, carry_out, progress_of
from experiments.grid.kept import Kept
from experiments.grid.tables import write_tables
from rankkit.execution import cluster

__all__ = ["command"]

RESULTS = Path(__file__).parent.parent / "results"


def command(
    experiment: Experiment,
    description: str,
    argv: Sequence[str] | None,
    *,
    summarise: Callable[[Progress, Path], str] | None = None,
) -> int:
    """Do what is missing of a plan, write its tables and its summary, and return the exit status.

    Parameters
    ----------
    experiment : Experiment
    description : str
        The first line of --help.
    argv : sequence of str, optional
        None: the process's.
    summarise : callable, optional
        (progress, folder) -> text that is shown; it may write files of its own into the folder.
    """
    options = _parser(experiment, description).parse_args(argv)
    kept = Kept(options.kept or Path("out") / "experiments" / experiment.name)
    out = options.out or RESULTS / experiment.name / Path(options.plan).stem
    try:
        plan = experiment.plan(options.plan)
        if options.only_tables:
            progress = progress_of(plan, kept)
        else:
            with cluster(options.scheduler):
                progress = carry_out(experiment, plan, kept, n_jobs=options.jobs)
    except (ValueError, ImportError) as error:
        print(error, file=sys.stderr)
        return 1
    write_tables(progress, out, large=experiment.large)
    if summarise is not None and progress.runs:
        print(summarise(progress, out))
    print(f"{progress}; tables in {out}", file=sys.stderr)
    return 0


def _parser(experiment: Experiment, description: str) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog=f"python -m experiments.{experiment.name}", description=description)
    parser.add_argument("--plan", default="small", metavar="PLAN", help="smoke, small, whole, or a TOML file (small)")
    parser.add_argument("--out", type=Path, metavar="FOLDER", help="where tables go (experiments/results/NAME/PLAN)")
    parser.add_argument("--kept", type=Path, metavar="FOLDER", help="where finished runs are kept (out/experiments)")
    parser.add_argument("--jobs", type=int, metavar="N", help="worker processes (one a core)")
    parser.add_argument("--scheduler", metavar="ADDRESS", help="a Dask scheduler that takes the work")
    parser.add_argument("--only-tables", action="store_true", help="write the tables of what is there, and do nothing")
    return parser
