"""One lane: an event loop that fetches shard after shard and looks at its own pictures, here or in a process of its own.

A lane asks for a shard when it has nothing left to start, so that the slow last URLs of one shard overlap with the next. In a
process of its own it hears and reports through a pipe, and ends at once when that closes: its parent is gone. Told to stop, by its
parent or by a signal, it asks for nothing more and keeps what has come.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import os
import signal
import threading
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from multiprocessing.connection import Connection
from typing import Any, TypeAlias

from logoingest.errors import LogoingestError
from logoingest.fetch.jobs import FetchProgress, Inspect, ShardCounts, ShardJob
from logoingest.fetch.rules.settings import FetchSettings
from logoingest.fetch.shards.shard import Writing, open_writing, run_job
from logoingest.fetch.turns.fetcher import Fetcher
from logoingest.heap import trim_heap
from logoingest.schemas import Outcome

#: Bodies up to this size are inspected on the event loop of a lane that has one core: a few milliseconds each.
INLINE_BYTES = 512_000
#: Shards one lane has open at most.
MAX_OPEN_SHARDS = 16
_TICK_S = 0.2


NextJob: TypeAlias = Callable[[], Awaitable[ShardJob | None]]
Emit: TypeAlias = Callable[[FetchProgress | ShardCounts], None]


async def serve_lane(
    next_job: NextJob, emit: Emit, settings: FetchSettings, inspect: Inspect | None, stop: asyncio.Event, *, threads: int
) -> None:
    """Fetch shards until there are no more: a new one is opened whenever slots are free and nothing waits for them."""
    reporter = _Reporter(emit)
    with ThreadPoolExecutor(threads, thread_name_prefix="inspect") as executor:
        inline_bytes = INLINE_BYTES if threads == 1 else 0
        async with Fetcher(settings, inspect, executor=executor, inline_bytes=inline_bytes) as fetcher:
            with open_writing(fetcher) as writing:
                await _serve(next_job, fetcher, reporter, settings, inspect, stop=stop, writing=writing)
        reporter.flush()


async def _serve(
    next_job: NextJob,
    fetcher: Fetcher,
    reporter: _Reporter,
    settings: FetchSettings,
    inspect: Inspect | None,
    *,
    stop: asyncio.Event,
    writing: Writing,
) -> None:
    shards: set[asyncio.Task[ShardCounts]] = set()
    more = True
    try:
        while more or shards:
            if more and await _is_time_to_open(shards, fetcher, writing):
                job = None if stop.is_set() else await next_job()
                more = job is not None and not stop.is_set()
                if job is not None and more:
                    work = run_job(job, settings, inspect, on_outcome=reporter.count, stop=stop, fetcher=fetcher, writing=writing)
                    shards.add(asyncio.create_task(work))
                    await asyncio.sleep(0)
            elif not more and shards:
                await asyncio.wait(shards, return_when=asyncio.FIRST_COMPLETED)
            for task in [task for task in shards if task.done()]:
                shards.remove(task)
                reporter.finish(task.result())
                trim_heap()
    finally:
        for task in shards:
            task.cancel()
        await asyncio.gather(*shards, return_exceptions=True)


async def _is_time_to_open(shards: set[asyncio.Task[ShardCounts]], fetcher: Fetcher, writing: Writing) -> bool:
    """Wait until another shard may be opened (True) or one of the open ones is finished (False)."""
    if not shards:
        return True
    if len(shards) >= MAX_OPEN_SHARDS or writing.budget.is_over:
        await asyncio.wait(shards, return_when=asyncio.FIRST_COMPLETED)
        return False
    idle = asyncio.create_task(fetcher.wait_until_idle())
    waits: list[asyncio.Future[Any]] = [*shards, idle]
    try:
        await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        return idle.done()
    finally:
        idle.cancel()


class _Reporter:
    """Adds outcomes up between reports, so that a pipe is not written to for every URL."""

    def __init__(self, emit: Emit) -> None:
        self._emit = emit
        self._sum = FetchProgress()
        self._timer: asyncio.TimerHandle | None = None

    def count(self, row: dict[str, Any]) -> None:
        """Take note of a finished row."""
        ok = row["outcome"] == Outcome.OK
        self._sum = self._sum.add(FetchProgress(1, int(ok), int(not ok), row.get("byte_count") or 0))
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(_TICK_S, self.flush)

    def finish(self, counts: ShardCounts) -> None:
        """Report a shard."""
        self.flush()
        self._emit(counts)

    def flush(self) -> None:
        """Report what has been counted."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._sum.urls:
            self._emit(self._sum)
            self._sum = FetchProgress()


def main(descriptor: int) -> None:
    """What a lane's process runs; ``descriptor`` is its end of the pipe."""
    _allow_many_files()
    gc.freeze()  # what was imported stays: no need to look at it again and again
    gc.set_threshold(50_000, 20, 100)
    pipe: Connection[Any, Any] = Connection(descriptor)
    try:
        settings, inspect, threads = pipe.recv()
    except EOFError:
        return
    except Exception as error:  # noqa: BLE001  whatever unpickling runs into
        pipe.send(f"cannot be told what to do ({type(error).__name__}: {error}); inspect must be a function of a module")
        return
    try:
        asyncio.run(_serve_pipe(pipe, settings, inspect, threads))
    except LogoingestError as error:
        pipe.send((type(error), tuple(error.problems)))
    except Exception as error:
        pipe.send(f"{type(error).__name__}: {error}")
        raise


def _allow_many_files() -> None:
    """Connections kept alive to thousands of hosts need more descriptors than the usual 1,024; the process is our own."""
    import resource

    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    with contextlib.suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


async def _serve_pipe(pipe: Connection[Any, Any], settings: FetchSettings, inspect: Inspect | None, threads: int) -> None:
    loop = asyncio.get_running_loop()
    stop = asyncio.Event()
    jobs: asyncio.Queue[ShardJob | None] = asyncio.Queue()

    def listen() -> None:
        while True:
            try:
                message = pipe.recv()
            except (EOFError, OSError):
                os._exit(1)  # the parent is gone: so is whoever wanted the rest
            with contextlib.suppress(RuntimeError):  # the loop is closed: a shard could not be written, and the parent knows
                if message == "stop":
                    loop.call_soon_threadsafe(end)
                else:
                    loop.call_soon_threadsafe(jobs.put_nowait, message)

    def end() -> None:  # a supervisor may signal every process of a run
        stop.set()
        jobs.put_nowait(None)

    threading.Thread(target=listen, name="parent", daemon=True).start()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, end)

    async def next_job() -> ShardJob | None:
        pipe.send("next")
        return await jobs.get()

    await serve_lane(next_job, pipe.send, settings, inspect, stop, threads=threads)
