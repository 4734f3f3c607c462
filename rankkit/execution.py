"""Run independent chunks of work, in order, on the cores at hand, with a progress bar."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Sequence
from typing import TypeVar

__all__ = ["run", "track"]

Item = TypeVar("Item")
Result = TypeVar("Result")


def run(
    work: Callable[[Item], Result],
    items: Sequence[Item],
    *,
    n_jobs: int | None = None,
    progress: bool | None = None,
    label: str = "",
) -> list[Result]:
    """Return [work(item) for item in items], computed with one BLAS thread a worker.

    One thread a worker makes every result the same bit for bit, whatever n_jobs. Workers are threads
    (LAPACK releases the interpreter); a surrounding joblib.parallel_config(backend=...) takes precedence.

    Parameters
    ----------
    n_jobs : int, optional
        Workers; None: all cores.
    progress : bool, optional
        Show a bar on stderr; None: only where stderr is a terminal.
    """
    from joblib import Parallel, delayed
    from threadpoolctl import threadpool_limits

    with threadpool_limits(limits=1, user_api="blas"):
        parallel = Parallel(n_jobs=-1 if n_jobs is None else n_jobs, prefer="threads", return_as="generator")
        results = parallel(delayed(work)(item) for item in items)
        return list(track(results, total=len(items), progress=progress, label=label))  # type: ignore[arg-type]


def track(items: Iterable[Item], *, total: int, progress: bool | None, label: str) -> Iterable[Item]:
    """Return items behind a progress bar on stderr, or as they are where none is wanted."""
    if progress is False or (progress is None and not sys.stderr.isatty()):
        return items
    from tqdm import tqdm

    return tqdm(items, total=total, desc=label, file=sys.stderr, dynamic_ncols=True)
