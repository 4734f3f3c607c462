"""Run independent pieces of work on the cores at hand or on a cluster, with a progress bar."""

from __future__ import annotations

import os
import sys
import warnings
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from typing import Generic, TypeVar

import numpy as np

__all__ = ["cluster", "device_memory", "keep_freed_memory", "run", "track"]

SHARE = 0.7  # of a GPU's free memory, where no cap is given
HOST_MEMORY = 1 << 30  # bytes, for torch on the CPU

Item = TypeVar("Item")
Result = TypeVar("Result")


def run(
    work: Callable[[Item], Result],
    items: Sequence[Item],
    *,
    n_jobs: int | None = None,
    processes: bool = False,
    progress: bool | None = None,
    label: str = "",
) -> Iterator[tuple[Item, Result]]:
    """Return an iterator over (item, work(item)), in the order they finish, each computed with one BLAS thread.

    One thread a worker makes every result the same bit for bit, whatever n_jobs and wherever it runs. A surrounding
    joblib.parallel_config(backend=...) says where workers live: "loky" (processes), "threading", "dask" or "ray".

    Parameters
    ----------
    n_jobs : int, optional
        Workers; None: all cores, or all the cluster has.
    processes : bool
        Where nothing else is said, use processes: a second to start, and no waiting for the interpreter's lock.
    progress : bool, optional
        Show a bar with the time left on stderr; None: only where stderr is a terminal.
    """
    from threadpoolctl import threadpool_limits

    with threadpool_limits(limits=1, user_api="blas"):
        results = _finished(_SingleThreaded(work), items, -1 if n_jobs is None else n_jobs, processes)
        try:
            # not `yield from`, which would close joblib's generator before the warnings are silenced
            for done in track(results, total=len(items), progress=progress, label=label):  # noqa: UP028
                yield done
        finally:
            with warnings.catch_warnings():  # joblib's, on what an interrupted run leaves unused
                warnings.simplefilter("ignore")
                results.close()


def _finished(
    work: Callable[[Item], tuple[Item, Result]], items: Sequence[Item], n_jobs: int, processes: bool
) -> Generator[tuple[Item, Result], None, None]:
    """Return a generator over the results as they come; by the dozen where joblib's backend gives none before all."""
    from joblib import Parallel, delayed

    prefer = "processes" if processes else "threads"
    try:
        parallel = Parallel(n_jobs=n_jobs, prefer=prefer, batch_size=1, return_as="generator_unordered")
    except ValueError:  # Ray's
        dozens = [items[at : at + 12] for at in range(0, len(items), 12)]
        with Parallel(n_jobs=n_jobs, prefer=prefer, batch_size=1) as parallel:
            for dozen in dozens:
                yield from parallel(delayed(work)(item) for item in dozen)  # type: ignore[misc]
        return
    yield from parallel(delayed(work)(item) for item in items)  # type: ignore[misc]


class _SingleThreaded(Generic[Item, Result]):
    """The work, with the BLAS of whichever process it reaches held to one thread."""

    def __init__(self, work: Callable[[Item], Result]) -> None:
        self.work = work

    def __call__(self, item: Item) -> tuple[Item, Result]:
        _prepare(os.getpid())
        return item, self.work(item)


@cache
def _prepare(_process: int) -> None:
    """Hold a process's BLAS to one thread, once and for all: the threads of one process would undo each other's limit.

    In the calling process this comes inside `run`'s own limit, which is undone.
    """
    from threadpoolctl import threadpool_limits

    threadpool_limits(limits=1, user_api="blas")
    keep_freed_memory()


def keep_freed_memory() -> None:
    """Return nothing; from here on the process keeps the pages of large arrays it frees for the next ones.

    An allocation never touched and freed at once raises glibc's threshold for giving memory back to the system.
    Faulting a matrix's pages in anew takes as long as some of the work on it.
    """
    np.empty(31 << 20, dtype=np.uint8)


@contextmanager
def cluster(scheduler: str | None) -> Iterator[None]:
    """Send what `run` runs inside this context to a Dask cluster; None: leave it here.

    Raises
    ------
    ImportError, ValueError
        If dask.distributed is not installed, or no scheduler answers at the address.
    """
    if scheduler is None:
        yield
        return
    try:
        from distributed import Client
    except ImportError:
        raise ImportError("a Dask cluster needs dask.distributed; install rankkit[cluster].") from None
    import joblib

    try:
        client = Client(scheduler, timeout=10)
    except (OSError, ValueError, TimeoutError) as error:
        raise ValueError(
            f"no Dask scheduler answers at {scheduler} ({error}); start one with `dask scheduler`."
        ) from None
    with client, joblib.parallel_config(backend="dask"):
        yield


def device_memory(device: str) -> int:
    """Return how many bytes work on a torch device may take, where nobody says."""
    import torch

    if torch.device(device).type != "cuda":
        return HOST_MEMORY
    return int(SHARE * torch.cuda.mem_get_info(device)[0])


def track(items: Iterable[Item], *, total: int, progress: bool | None, label: str) -> Iterable[Item]:
    """Return items behind a progress bar on stderr, or as they are where none is wanted."""
    if progress is False or (progress is None and not sys.stderr.isatty()):
        return items
    from tqdm import tqdm

    return tqdm(items, total=total, desc=label, file=sys.stderr, dynamic_ncols=True)
