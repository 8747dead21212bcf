"""Numbered pieces of work done in threads, their results in order."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from functools import cache
from typing import TypeVar

from threadpoolctl import ThreadpoolController

Found = TypeVar("Found")
_WAITING = 4


def map_in_order(search: Callable[[int], Found], count: int) -> Iterator[Found]:
    """``search`` of 0, 1, 2 … in threads, in order and never far ahead; each uses one processor, or BLAS would wait more than work."""
    workers = min(os.cpu_count() or 1, count)
    if workers <= 1:
        yield from map(search, range(count))
        return
    with _find_libraries().limit(limits=1, user_api="blas"), ThreadPoolExecutor(workers) as pool:
        waiting: deque[Future[Found]] = deque()
        for number in range(count):
            waiting.append(pool.submit(search, number))
            if len(waiting) >= _WAITING * workers:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()


@cache
def _find_libraries() -> ThreadpoolController:
    """The libraries with threads of their own that are loaded; looking for them takes as long as a small search."""
    return ThreadpoolController()
