"""Pieces of a search shared out, their results in order; each worker uses one processor, or BLAS would wait more than work."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from functools import cache
from typing import TypeVar

from threadpoolctl import ThreadpoolController

from logoingest.heap import KEEPING
from logoingest.workers import Workers, count_cpus

Found = TypeVar("Found")
#: So few pictures are searched sooner than libraries are looked for; so many are worth the second of work and the 90 MB that each interpreter takes.
_FEW, _MANY = 32, 5_000


@contextlib.contextmanager
def share_search(pictures: int) -> Iterator[Workers]:
    """Workers for a search among so many pictures: interpreters, or this thread alone. What is found doesn't depend on them.

    Threads would take turns in its many small steps, so that two of them are no sooner through than one, at more cost.
    """
    count = count_cpus() if pictures >= _MANY else 1
    with _limit_libraries(pictures > _FEW), Workers(pictures, many=_MANY, count=count, environ=KEEPING) as workers:
        yield workers


def map_in_order(search: Callable[[int], Found], count: int) -> Iterator[Found]:
    """``search`` of 0, 1, 2 … in threads, in order and never far ahead."""
    threads = max(1, min(count_cpus(), count))
    with _limit_libraries(threads > 1), Workers(0, count=threads) as workers:
        yield from workers.map(search, range(count))


def _limit_libraries(wanted: bool) -> contextlib.AbstractContextManager[object]:
    return _find_libraries().limit(limits=1, user_api="blas") if wanted else contextlib.nullcontext()


@cache
def _find_libraries() -> ThreadpoolController:
    """The libraries with threads of their own that are loaded; looking for them takes as long as a small search."""
    return ThreadpoolController()
