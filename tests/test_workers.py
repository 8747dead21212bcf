"""Work shared out: the same answers in the same order from threads and from interpreters, and no answer of a worker that died."""

import operator
import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from builders.laws import examples
from logoingest import workers
from logoingest.errors import LogoingestError
from logoingest.workers import Workers, cut_lots


@pytest.mark.parametrize("pictures", [0, workers.MANY])
def test_answers_come_in_order_and_an_error_comes_through(pictures, monkeypatch):
    """By threads and by interpreters alike; those who asked get the error that was raised, and can go on."""
    monkeypatch.setattr(workers, "count_cpus", lambda: 2)
    with Workers(pictures) as staff:
        assert list(staff.map(operator.neg, range(40))) == [-number for number in range(40)]
        with pytest.raises(ZeroDivisionError):
            list(staff.map((1).__floordiv__, [1, 0, 2]))
        assert list(staff.map(len, [b"", b"abc"])) == [0, 3]


def test_many_pictures_go_to_interpreters_of_their_own(monkeypatch):
    """From so many on; fewer stay in this one."""
    monkeypatch.setattr(workers, "count_cpus", lambda: 2)
    for pictures, is_apart in ((workers.MANY - 1, False), (workers.MANY, True)):
        with Workers(pictures) as staff:
            numbers = set(staff.map(operator.call, [os.getpid] * 8))
        assert (os.getpid() not in numbers) == is_apart


def test_a_worker_that_dies_is_told(monkeypatch):
    """What kills a worker is an error of ours, not an answer."""
    monkeypatch.setattr(workers, "count_cpus", lambda: 2)
    with Workers(workers.MANY) as staff, pytest.raises(LogoingestError, match="ended before it had answered"):
        list(staff.map(os._exit, [1]))


@examples(50)
@given(st.lists(st.integers(0, 6 << 20), max_size=200))
def test_lots_hold_all_in_order_and_little_at_once(sizes):
    """At most 64 each, and closed by the one that fills it."""
    lots = list(cut_lots(sizes, lambda size: size))
    assert [size for lot in lots for size in lot] == sizes
    assert all(len(lot) <= 64 and sum(lot[:-1]) < 8 << 20 for lot in lots)
