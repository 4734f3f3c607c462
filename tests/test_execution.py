"""Batches: a size that was found too large is halved once, and the half is remembered."""

import signal
import threading
import time
from types import SimpleNamespace

import pytest

from rankkit import execution
from rankkit.execution import Batches, run


class OutOfMemoryError(RuntimeError):
    """As torch names its own."""


def holding(most, sizes):
    """Return work that has room for so many pieces, and notes the size of every batch it is given."""

    def work(batch):
        sizes.append(len(batch))
        if len(batch) > most:
            raise OutOfMemoryError
        return sum(batch)

    return work


def test_every_item_is_done_once_and_the_half_is_remembered():
    sizes: list[int] = []
    batches = Batches(6)
    assert sum(batches.run(holding(3, sizes), range(20))) == sum(range(20))
    assert sizes == [6, 3, 3, 3, 3, 3, 3, 2]
    assert batches.size == 3
    sizes.clear()
    assert sum(batches.run(holding(3, sizes), range(6))) == 15
    assert sizes == [3, 3]


def test_a_small_rest_that_does_not_fit_is_halved_from_its_own_size():
    sizes: list[int] = []
    assert sum(Batches(100).run(holding(2, sizes), range(5))) == 10
    assert sizes == [5, 2, 2, 1]


def test_what_does_not_fit_alone_and_other_errors_are_raised():
    with pytest.raises(OutOfMemoryError):
        list(Batches(4).run(holding(0, []), range(4)))

    def broken(batch):
        raise RuntimeError("something else")

    with pytest.raises(RuntimeError, match="something else"):
        list(Batches(4).run(broken, range(4)))


def threads(_item):
    """Return how many threads the BLAS at hand would use."""
    import threadpoolctl

    return max(
        (pool["num_threads"] for pool in threadpoolctl.threadpool_info() if pool["user_api"] == "blas"), default=1
    )


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_every_worker_computes_with_one_blas_thread(n_jobs):
    """Sums of several threads come in another order, so that results would depend on the machine's cores."""
    import threadpoolctl

    with threadpoolctl.threadpool_limits(limits=2, user_api="blas"):
        if threads(None) < 2:
            pytest.skip("the BLAS here has one thread only")
        assert [found for _, found in run(threads, range(3), n_jobs=n_jobs, progress=False)] == [1, 1, 1]
        assert threads(None) == 2  # and afterwards the caller has its own threads again


def test_work_that_reaches_another_process_limits_the_blas_there():
    """A process of a cluster is not inside `run`: the work itself sets the limit."""
    import threadpoolctl

    with threadpoolctl.threadpool_limits(limits=2, user_api="blas"):
        if threads(None) < 2:
            pytest.skip("the BLAS here has one thread only")
        execution._prepare.cache_clear()
        assert execution._SingleThreaded(threads)(0) == (0, 1)


@pytest.fixture(params=[signal.default_int_handler, signal.SIG_IGN], ids=["in the foreground", "in the background"])
def started(request):
    """How the process answers SIGINT: a shell starts what a script puts in the background with it ignored."""
    before = signal.signal(signal.SIGINT, request.param)
    yield
    assert signal.getsignal(signal.SIGINT) is request.param
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("started")
def test_a_scheduler_that_is_lost_ends_the_wait_in_one_sentence(monkeypatch):
    """joblib would wait forever for what it sent there; Ctrl-C stays Ctrl-C."""
    monkeypatch.setattr(execution, "LOOK", 0.01)
    client = SimpleNamespace(status="running")
    timer = threading.Timer(0.05, lambda: setattr(client, "status", "closed"))

    def wait():
        timer.start()
        with execution._watched(client, "tcp://x"):
            for _ in range(500):  # as joblib does
                time.sleep(0.01)

    with pytest.raises(OSError, match="the Dask scheduler at tcp://x is gone"):
        wait()
    with pytest.raises(KeyboardInterrupt), execution._watched(SimpleNamespace(status="running"), "tcp://x"):
        raise KeyboardInterrupt
