"""Execution of independent pieces of work, on the cores at hand or on a cluster, with a progress bar."""

from __future__ import annotations

import _thread
import os
import signal
import sys
import threading
import warnings
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from typing import Any, Generic, TypeVar, cast

import numpy as np

from rankkit.checks import integer
from rankkit.extras import how_to_install

__all__ = ["Batches", "cluster", "device_memory", "keep_freed_memory", "run", "track"]

SHARE = 0.7  # of the free memory of a GPU, where the user sets no limit: torch and its kernels need the rest
HOST_MEMORY = 1 << 30  # bytes for torch on the CPU, where the user sets no limit
ALL_CORES = -1  # joblib's word for them
PORTION = 12  # pieces that are given to a backend which returns no result before all are there
KEPT = 31 << 20  # bytes: glibc keeps freed memory up to a threshold that an allocation raises, to 32 MiB at most
LOOK = 1.0  # seconds between two looks at a client of a scheduler
PATIENCE = 10  # seconds that a scheduler has to answer

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
    """Return an iterator over (item, work(item)), in the order in which the results come.

    Every worker computes with one BLAS thread. This makes every result the same bit for bit, whatever n_jobs is and
    wherever it runs. A surrounding joblib.parallel_config(backend=...) says where workers live: "loky" (processes),
    "threading", "dask" or "ray".

    Parameters
    ----------
    work : callable
        Maps an item to its result. It must be picklable where workers are processes.
    items : sequence
    n_jobs : int, optional
        How many workers; None or -1: all cores, or all workers of the cluster.
    processes : bool
        Whether workers are processes where no surrounding configuration says so. Processes take a second to start and
        do not wait for the interpreter's lock.
    progress : bool, optional
        Show a bar with the time left on stderr; None: only where stderr is a terminal.
    label : str
        What the bar is called.

    Yields
    ------
    item, result

    Raises
    ------
    ValueError
        If n_jobs is not an integer of at least 1.
    """
    if n_jobs is not None and n_jobs != ALL_CORES:
        integer("n_jobs", n_jobs, advice="leave it out for all cores")
    with _one_blas_thread():
        results = _finished(_SingleThreaded(work), items, ALL_CORES if n_jobs is None else n_jobs, processes)
        try:
            # not `yield from`, which would close joblib's generator before the warnings are silenced
            for done in track(results, total=len(items), progress=progress, label=label):  # noqa: UP028
                yield done
        finally:
            with warnings.catch_warnings():  # joblib warns of what an interrupted run leaves unused
                warnings.simplefilter("ignore")
                results.close()


def _finished(
    work: Callable[[Item], tuple[Item, Result]], items: Sequence[Item], n_jobs: int, processes: bool
) -> Generator[tuple[Item, Result], None, None]:
    """Return a generator over the results as they come; by portions where a backend gives none before all are there."""
    import joblib  # pyright: ignore[reportMissingTypeStubs]

    library = cast("Any", joblib)  # it has no types
    prefer = "processes" if processes else "threads"
    job = library.delayed(work)
    try:
        parallel = library.Parallel(n_jobs=n_jobs, prefer=prefer, batch_size=1, return_as="generator_unordered")
    except ValueError:  # Ray's backend is one
        portions = [items[start : start + PORTION] for start in range(0, len(items), PORTION)]
        with library.Parallel(n_jobs=n_jobs, prefer=prefer, batch_size=1) as parallel:
            for portion in portions:
                yield from parallel(job(item) for item in portion)
        return
    yield from parallel(job(item) for item in items)


class _SingleThreaded(Generic[Item, Result]):
    """The work, with the BLAS of whichever process it reaches held to one thread."""

    def __init__(self, work: Callable[[Item], Result]) -> None:
        self.work = work

    def __call__(self, item: Item) -> tuple[Item, Result]:
        _prepare(os.getpid())
        return item, self.work(item)


@cache
def _prepare(_process: int) -> None:
    """Hold the BLAS of a process to one thread, once and for all.

    It is not undone: the threads of one process would undo each other's limit. In the calling process this happens
    inside the limit of `run` itself, which is undone.
    """
    _one_blas_thread()
    keep_freed_memory()


def _one_blas_thread() -> Any:
    """Hold the BLAS of this process to one thread; leaving the returned context undoes it."""
    import threadpoolctl  # pyright: ignore[reportMissingTypeStubs]

    library = cast("Any", threadpoolctl)  # it has no types
    return library.threadpool_limits(limits=1, user_api="blas")


def keep_freed_memory() -> None:
    """Keep the pages of large arrays that this process frees for the arrays that come next.

    An allocation that is freed at once without being touched raises the threshold from which glibc gives memory back
    to the system. Getting the pages of a matrix anew takes as long as some of the work on it.
    """
    np.empty(KEPT, dtype=np.uint8)


class Batches:
    """How many pieces of one kind a device takes at once: halved where its memory is too small, and kept halved.

    Parameters
    ----------
    size : int
        How many pieces the first batch has at most, >= 1.

    Attributes
    ----------
    size : int
        How many pieces the next batch has at most.

    Examples
    --------
    >>> batches = Batches(2)
    >>> list(batches.run(sum, [1, 2, 3]))
    [3, 3]
    """

    def __init__(self, size: int) -> None:
        self.size = size

    def run(self, work: Callable[[Sequence[Item]], Result], items: Sequence[Item]) -> Iterator[Result]:
        """Return an iterator over work(batch), where the batches are the items in their order.

        Parameters
        ----------
        work : callable
            A batch of items -> its result. It is called again, with half a batch, where it runs out of memory.
        items : sequence

        Raises
        ------
        RuntimeError
            If the device has no room even for a single item.
        """
        start = 0
        while start < len(items):
            batch = items[start : start + self.size]
            try:
                result = work(batch)
            except RuntimeError as error:
                if len(batch) == 1 or type(error).__name__ != "OutOfMemoryError":  # torch's, without importing it
                    raise
                self.size = len(batch) // 2
                continue  # outside this clause the error is gone, and with it the arrays that its traceback holds
            yield result
            start += len(batch)


@contextmanager
def cluster(scheduler: str | None) -> Generator[None, None, None]:
    """Send the work of every `run` inside this context to a Dask cluster.

    Parameters
    ----------
    scheduler : str or None
        The address of the scheduler, for instance "tcp://10.0.0.1:8786"; None: the work stays on this machine.

    Raises
    ------
    ImportError
        If dask.distributed is not installed.
    ValueError
        If no scheduler answers at the address.
    """
    if scheduler is None:
        yield
        return
    try:
        from distributed import Client
    except ImportError:
        raise ImportError(f"a Dask cluster needs dask.distributed; {how_to_install('cluster')}.") from None
    import joblib  # pyright: ignore[reportMissingTypeStubs]

    try:
        client = Client(scheduler, timeout=PATIENCE)
    except (OSError, ValueError, TimeoutError) as error:
        raise ValueError(
            f"no Dask scheduler answers at {scheduler} ({error}); start one with `dask scheduler`."
        ) from None
    with client, cast("Any", joblib).parallel_config(backend="dask"), _watched(client, scheduler):
        yield


@contextmanager
def _watched(client: Any, scheduler: str) -> Generator[None, None, None]:
    """Raise an OSError in the main thread where the scheduler is lost: joblib would wait for its answers forever."""
    over, lost = threading.Event(), threading.Event()

    def interrupted(signum: int, frame: Any) -> None:
        if lost.is_set():
            signal.default_int_handler(signum, frame)

    def look() -> None:
        while not over.wait(LOOK):
            if client.status == "closed":
                lost.set()
                _thread.interrupt_main()
                return

    # a shell starts what a script puts in the background with SIGINT ignored, and then interrupt_main does nothing
    quiet = signal.getsignal(signal.SIGINT) is signal.SIG_IGN and threading.current_thread() is threading.main_thread()
    if quiet:
        signal.signal(signal.SIGINT, interrupted)
    threading.Thread(target=look, daemon=True).start()
    try:
        yield
    except KeyboardInterrupt as stop:
        if not lost.is_set():
            raise
        raise OSError(": ".join([f"the Dask scheduler at {scheduler} is gone", *map(str, stop.args)])) from None
    finally:
        over.set()
        if quiet:
            signal.signal(signal.SIGINT, signal.SIG_IGN)


def device_memory(device: str) -> int:
    """Return how many bytes work on a torch device such as "cuda" may use where the user sets no limit.

    Most of what a GPU has free; 1 GiB on any other device.
    """
    import torch

    return int(SHARE * torch.cuda.mem_get_info(device)[0]) if torch.device(device).type == "cuda" else HOST_MEMORY


def track(items: Iterable[Item], *, total: int, progress: bool | None, label: str) -> Iterable[Item]:
    """Return items behind a progress bar on stderr, or items themselves where no bar is wanted.

    Parameters
    ----------
    items : iterable
    total : int
        How many items there are.
    progress : bool or None
        Show the bar; None: only where stderr is a terminal.
    label : str
        What the bar is called.

    Returns
    -------
    iterable
    """
    if progress is False or (progress is None and not sys.stderr.isatty()):
        return items
    from tqdm import tqdm

    return tqdm(items, total=total, desc=label, file=sys.stderr, dynamic_ncols=True)
