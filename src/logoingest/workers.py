"""Work on many pictures, shared out: by threads where there are few, by interpreters of their own where there are many.

Threads take turns in everything but the decoders' own loops, so that two of them do small pictures no sooner than one, and at more cost.
An interpreter takes half a second to start. It is a fresh one, told what to do through a pipe: ``multiprocessing.Process`` would run
the caller's main module again, which breaks every script without an ``if __name__ == "__main__"``.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from multiprocessing.connection import Connection, Pipe
from types import TracebackType
from typing import Any, Self, TypeVar

from logoingest.errors import LogoingestError, Problem

#: From so many pictures on interpreters are started, where nothing else is said.
MANY = 20_000
#: Lots that wait for each worker, and the pictures and bytes of each: what is read ahead stays small.
_WAITING = 2
_LOT, _LOT_BYTES = 64, 8 << 20
_WORKER = """
import sys
from logoingest.workers import answer_parent
answer_parent(int(sys.argv[1]))
"""
#: Each has one core, and BLAS none beside it; one heap, as pictures come and go.
_LEAN = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", "MALLOC_ARENA_MAX": "1"}

Item = TypeVar("Item")
Found = TypeVar("Found")


def count_cpus() -> int:
    """CPU cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def start_interpreter(text: str, environ: Mapping[str, str]) -> tuple[subprocess.Popen[bytes], Connection[Any, Any]]:
    """A fresh interpreter that runs ``text``, and our end of a pipe; ``sys.argv[1]`` is the number of its own end.

    It finds the modules that are found here, and gets no Ctrl-C: that goes to this process alone, which closes the pipe.
    ``environ`` is what it has beside our own environment, which comes first.
    """
    ours, theirs = Pipe()
    path = os.pathsep.join(entry or os.getcwd() for entry in sys.path)
    with theirs:
        process = subprocess.Popen(  # noqa: S603  our own interpreter, our own text
            [sys.executable, "-P", "-c", text, str(theirs.fileno())],
            pass_fds=[theirs.fileno()],
            stdin=subprocess.DEVNULL,
            env={**environ, **os.environ, "PYTHONPATH": path},
            start_new_session=True,
        )
    return process, ours


def cut_lots(items: Iterable[Item], measure: Callable[[Item], int]) -> Iterator[list[Item]]:
    """Items in lots that are worth a worker's while: 64, fewer where they are large (``measure``: bytes)."""
    lot: list[Item] = []
    held = 0
    for item in items:
        lot.append(item)
        held += measure(item)
        if len(lot) >= _LOT or held >= _LOT_BYTES:
            yield lot
            lot, held = [], 0
    if lot:
        yield lot


class Workers:
    """Some workers, as many as there are cores, or this thread alone where that is one; leaving the ``with`` ends them."""

    def __init__(
        self, pictures: int, *, many: int = MANY, count: int | None = None, environ: Mapping[str, str] | None = None
    ) -> None:
        """Start none yet.

        Args:
            pictures: how many there are to be looked at in all.
            many: from so many on interpreters are started.
            count: how many workers; one for each core when left out.
            environ: what interpreters have beside our own environment.
        """
        self._count, self._environ = count or count_cpus(), {**_LEAN, **(environ or {})}
        self._is_apart = pictures >= many and self._count > 1
        self._threads = ThreadPoolExecutor(self._count, thread_name_prefix="pictures")
        self._own = threading.local()
        self._started: list[tuple[subprocess.Popen[bytes], Connection[Any, Any]]] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None) -> None:
        self._threads.shutdown(cancel_futures=True)
        for process, pipe in self._started:
            pipe.close()
            process.wait()

    def map(self, function: Callable[[Item], Found], items: Iterable[Item]) -> Iterator[Found]:
        """``function`` of each item, in order, a few items ahead.

        Args:
            function: of a module, or a ``functools.partial`` of one; what it takes and gives must be picklable.
            items: read in the calling thread.

        Raises:
            LogoingestError: a worker died.
        """
        if self._count == 1:
            yield from (function(item) for item in items)
            return
        do = self._ask if self._is_apart else _call
        waiting: deque[Future[Found]] = deque()
        for item in items:
            waiting.append(self._threads.submit(do, function, item))
            if len(waiting) > _WAITING * self._count:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()

    def _ask(self, function: Callable[[Item], Found], item: Item) -> Found:
        """What this thread's own worker says."""
        try:
            pipe = self._own.pipe
        except AttributeError:
            pipe = self._own.pipe = self._start()
        try:
            pipe.send((function, item))
            found, error = pipe.recv()
        except (EOFError, OSError) as lost:
            raise LogoingestError(
                Problem("a worker process", "ended before it had answered", "is memory short? run it again")
            ) from lost
        if error is not None:
            raise error
        return found  # type: ignore[no-any-return]

    def _start(self) -> Connection[Any, Any]:
        self._started.append(start_interpreter(_WORKER, self._environ))
        return self._started[-1][1]


def _call(function: Callable[[Item], Found], item: Item) -> Found:
    return function(item)


def answer_parent(descriptor: int) -> None:
    """What a worker's process runs; ``descriptor`` is its end of the pipe. It ends when that closes."""
    pipe: Connection[Any, Any] = Connection(descriptor)
    with contextlib.suppress(EOFError, OSError):
        while True:
            function, item = pipe.recv()
            pipe.send(_answer(function, item))


def _answer(function: Callable[[Item], Found], item: Item) -> tuple[Found | None, Exception | None]:
    try:
        return function(item), None
    except Exception as error:  # noqa: BLE001  it goes on in the parent
        return None, error
