"""Batches: a size that was found too large is halved once, and the half is remembered."""

import pytest

from rankkit.execution import Batches


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
