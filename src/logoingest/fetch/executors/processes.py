"""Many shards on this machine: one lane per process; the parent hands shards out, adds progress up and stops the lanes.

A process that dies costs nobody but its shard: what it had open is fetched again, each shard in a process of its own, so that the
one that kills it is known by name. That one is left out, and the run ends with its name.

Lanes are fresh interpreters (``workers``). Ctrl-C goes to the parent alone, which then stops them.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import subprocess
import threading
import time
from collections import deque
from collections.abc import Callable, Container, Sequence
from dataclasses import dataclass, field
from multiprocessing.connection import Connection, wait
from typing import Any

import pyarrow as pa

from logoingest.errors import LogoingestError, Problem
from logoingest.fetch.jobs import FetchProgress, Inspect, ShardCounts, ShardJob
from logoingest.fetch.rules.settings import FetchSettings
from logoingest.fetch.shards.finished import count_finished, list_present
from logoingest.heap import trim_heap
from logoingest.workers import count_cpus, start_interpreter

logger = logging.getLogger("logoingest")

#: How long a lane that has nothing more to do may take to end.
GRACE_S = 3.0
#: How long lanes that are stopped may take to write what has come; whoever is in a hurry interrupts once more.
KEEP_S = 30.0
#: How long a lane that has work waits for others to get their first; one that takes longer to start is not waited for.
START_S = 30.0
_TICK_S = 0.2


def run_shards(
    jobs: Sequence[ShardJob],
    settings: FetchSettings,
    inspect: Inspect | None,
    on_progress: Callable[[FetchProgress], None] | None = None,
    stop: threading.Event | None = None,
) -> list[ShardCounts]:
    """Fetch shards with ``settings.processes`` processes (0: one per CPU core), never more than there are jobs.

    The limits of ``settings`` hold over all processes together, which is why there are never more of them than
    ``settings.per_host``. May be called from any thread, and inside a running event loop. ``inspect`` must be importable by
    another process (a module's function, or a ``functools.partial`` of one).

    Args:
        jobs: the shards; handed out in this order.
        settings: limits, proxies, networks.
        inspect: see ``fetch_urls``.
        on_progress: called in the calling thread, a few times a second at most.
        stop: once set, nothing more is asked for; lanes end as soon as they have written what has come of unfinished shards.

    Returns:
        The counts of every finished shard, in the order of ``jobs``. KeyboardInterrupt stops the lanes and goes on up, with a note
        of how many URLs are kept.

    Raises:
        LogoingestError: a shard could not be written, or its process died twice; everything else is finished then and stays.
    """
    if not jobs:
        return []
    pa.default_memory_pool().release_unused()  # what earlier stages, in this thread, have let go of, before others need it
    trim_heap()
    wanted = min(settings.processes or count_cpus(), len(jobs))
    divided = settings.divide(wanted)
    threads = max(1, count_cpus() // len(divided))
    run = _Run(deque(jobs), on_progress, stop or threading.Event(), present=list_present(jobs))
    try:
        if len(divided) == 1:
            _run_aside(run, lambda: _run_here(run, divided[0], inspect, threads))
        else:
            _run_aside(run, lambda: _run_processes(run, divided, inspect, threads))
    except KeyboardInterrupt as interrupt:
        interrupt.add_note(describe_kept(run.kept, run.progress.urls))
        raise
    order = {job.shard: index for index, job in enumerate(jobs)}
    return sorted(run.counts, key=lambda counts: order[counts.shard])


@dataclass
class _Run:
    """The parent's books."""

    jobs: deque[ShardJob]
    """Still to be handed out."""
    on_progress: Callable[[FetchProgress], None] | None
    stop: threading.Event
    """The caller's: once set, nothing more is asked for."""
    halt: threading.Event = field(default_factory=threading.Event)
    """Ours: set with the caller's, and when the calling thread is interrupted."""
    present: Container[tuple[str, str]] = ()
    """Shards whose file is there before they are fetched (``list_present``)."""
    suspects: deque[ShardJob] = field(default_factory=deque)
    """Shards whose process died once."""
    counts: list[ShardCounts] = field(default_factory=list)
    kept: int = 0
    """URLs fetched in this run that are on disk, in whole shards or in such as were begun."""
    progress: FetchProgress = field(default_factory=FetchProgress)
    shown: FetchProgress | None = None

    def book(self, news: FetchProgress | ShardCounts) -> None:
        """Add what a lane reports."""
        if isinstance(news, FetchProgress):
            self.progress = self.progress.add(news)
            return
        self.kept += news.kept
        if news.finished:
            self.counts.append(news)
            self.progress = self.progress.add(FetchProgress(shards=1))

    def show(self) -> None:
        """Tell the caller, if there is anything new."""
        progress = self.progress
        if self.on_progress is not None and progress != self.shown:
            self.shown = progress
            self.on_progress(progress)


def describe_kept(kept: int, done: int) -> str:
    """What is kept of the URLs that were done when a run was stopped."""
    if not done:
        return "this run had fetched nothing yet"
    if kept >= done:
        return f"all {done:,} URLs of this run are there"
    return f"{kept:,} of the {done:,} URLs of this run are there"


def _run_aside(run: _Run, work: Callable[[], None]) -> None:
    """Work in a thread of its own: the caller's may have an event loop running, and is where Ctrl-C and SIGTERM raise.

    So no interrupt ever falls between what a lane says and the books, or into the middle of a message.
    """
    failure: list[BaseException] = []
    ended = threading.Event()

    def work_out() -> None:
        try:
            work()
        except BaseException as error:  # noqa: BLE001  raised again in the caller's thread
            failure.append(error)
        finally:
            ended.set()

    threading.Thread(target=work_out, name="fetch", daemon=True).start()
    try:  # not join: interrupted by a signal, Python 3.11's takes the thread for ended from then on
        while not ended.wait(_TICK_S):
            if run.stop.is_set():
                run.halt.set()
            run.show()
    finally:
        run.halt.set()
        ended.wait(KEEP_S + GRACE_S)
    run.show()
    if failure:
        raise failure[0]


# -- one lane in this process ------------------------------------------------------------------------------------------


def _run_here(run: _Run, settings: FetchSettings, inspect: Inspect | None, threads: int) -> None:
    async def next_job() -> ShardJob | None:
        return run.jobs.popleft() if run.jobs else None

    async def main() -> None:
        from logoingest.fetch.executors.lane import serve_lane

        stop = asyncio.Event()
        watch = asyncio.create_task(_watch_event(run.halt, stop))
        try:
            await serve_lane(next_job, run.book, settings, inspect, stop, threads=threads)
        finally:
            watch.cancel()

    asyncio.run(main())


async def _watch_event(event: threading.Event, stop: asyncio.Event) -> None:
    while not event.is_set():  # noqa: ASYNC110  this event belongs to threads
        await asyncio.sleep(_TICK_S / 2)
    stop.set()


# -- lanes in processes of their own -----------------------------------------------------------------------------------


@dataclass
class _Lane:
    """A child process and the pipe to it."""

    process: subprocess.Popen[bytes]
    pipe: Connection[Any, Any]
    settings: FetchSettings
    jobs: dict[str, ShardJob] = field(default_factory=dict)
    """Shards it was given and has not finished, by name."""
    started: float = field(default_factory=time.monotonic)
    has_asked: bool = False
    is_asking: bool = False
    """It asked for a shard and has no answer yet."""
    is_trial: bool = False
    """It was given a suspect, and gets nothing else."""


def _run_processes(run: _Run, divided: Sequence[FetchSettings], inspect: Inspect | None, threads: int) -> None:
    lanes: list[_Lane] = []
    lost: list[Problem] = []
    try:
        lanes += [_start_lane(settings, inspect, threads) for settings in divided]
        open_lanes = {lane.pipe: lane for lane in lanes}
        while open_lanes and not run.halt.is_set():
            for pipe in wait(list(open_lanes), timeout=_TICK_S):
                lane = open_lanes[pipe]  # type: ignore[index]
                try:
                    _hear(run, lane, lane.pipe.recv())
                except (EOFError, ConnectionError):
                    del open_lanes[lane.pipe]
                    lanes.remove(lane)
                    problem = _bury(run, lane)
                    lost += [] if problem is None else [problem]
                    if (run.jobs or run.suspects) and (problem is None or lane.is_trial):
                        heir = _start_lane(lane.settings, inspect, threads)
                        lanes.append(heir)
                        open_lanes[heir.pipe] = heir
            _answer_lanes(run, lanes)
    finally:
        _stop_lanes(run, lanes)
    if lost:
        raise LogoingestError(lost)


#: Bodies come and go in several threads: with one heap for all of them a process stays some 25 MB smaller, and is no slower.
_LEAN = {"ARROW_DEFAULT_MEMORY_POOL": "system", "MALLOC_ARENA_MAX": "1"}


#: pyarrow would load pandas for the first list it converts, httpx its command line with rich and pygments: 50 MB, half a second; and
#: its own file systems for object stores, which are reached by fsspec here: 3 MB.
_LANE = """
import sys
from logoingest.imports.lean import refuse_imports
refuse_imports("pandas", "httpx._main", *("pyarrow._" + name for name in ("s3fs", "gcsfs", "azurefs", "hdfs")))
from logoingest.fetch.executors.lane import main
main(int(sys.argv[1]))
"""


def _start_lane(settings: FetchSettings, inspect: Inspect | None, threads: int) -> _Lane:
    process, ours = start_interpreter(_LANE, _LEAN)
    lane = _Lane(process, ours, settings)
    with contextlib.suppress(OSError):  # it is found dead soon enough
        ours.send((settings, inspect, threads))
    return lane


def _hear(run: _Run, lane: _Lane, message: Any) -> None:
    match message:
        case FetchProgress() | ShardCounts():
            if isinstance(message, ShardCounts) and message.finished:
                lane.jobs.pop(message.shard, None)
            run.book(message)
        case "next":
            lane.has_asked = lane.is_asking = True
        case (type() as kind, problems):
            raise kind(problems)
        case str() as trouble:
            raise LogoingestError(Problem("a fetch process", trouble))


def _answer_lanes(run: _Run, lanes: Sequence[_Lane]) -> None:
    """Hand out what was asked for; nobody gets a second shard before everybody had the chance of a first.

    A lane asks for more while its first shard waits for robots.txt: the one that starts first would take them all.
    """
    latest = time.monotonic() - START_S
    starting = any(not lane.has_asked and lane.started > latest for lane in lanes)
    for lane in lanes:
        if lane.is_asking and not (starting and lane.jobs):
            lane.is_asking = False
            job = _choose_job(run, lane)
            if job is not None:
                lane.jobs[job.shard] = job
            with contextlib.suppress(OSError):  # it has died: its pipe says so next
                lane.pipe.send(job)


def _choose_job(run: _Run, lane: _Lane) -> ShardJob | None:
    """The next shard; suspects come last, each in a process that has nothing else open."""
    if lane.is_trial:
        return None
    if run.jobs:
        return run.jobs.popleft()
    if run.suspects and not lane.jobs:
        lane.is_trial = True
        return run.suspects.popleft()
    return None


def _bury(run: _Run, lane: _Lane) -> Problem | None:
    """A lane's pipe has closed: in order, unless shards are missing; those become suspects, or are given up if they were."""
    try:
        code = lane.process.wait(GRACE_S)
    except subprocess.TimeoutExpired:
        lane.process.kill()
        code = lane.process.wait()
    lane.pipe.close()
    for job in list(lane.jobs.values()):
        if (counts := count_finished(job, run.present)) is not None:
            lane.jobs.pop(job.shard)
            run.book(counts)
    if not lane.jobs and code == 0:
        return None
    cause = f"killed by signal {-code}" if code < 0 else f"ended with exit code {code}"
    if not lane.jobs:
        return Problem("a fetch process", f"was {cause}" if code < 0 else cause, "run again: finished shards are kept")
    names = ", ".join(sorted(lane.jobs))
    if lane.is_trial:
        what = f"its process was {cause}, twice" if code < 0 else f"its process {cause}, twice"
        return Problem(
            names, what, "it is left out: one of its pictures may crash the decoder. All else is kept; run again to try it"
        )
    run.suspects += lane.jobs.values()
    logger.warning("a fetch process was %s; fetching again what it had open: %s", cause, names)
    return None


def _stop_lanes(run: _Run, lanes: Sequence[_Lane]) -> None:
    for lane in lanes:
        if lane.process.poll() is None:
            with contextlib.suppress(OSError):
                lane.pipe.send("stop")
    deadline = time.monotonic() + KEEP_S
    for lane in lanes:
        _hear_out(run, lane, deadline)
        try:
            lane.process.wait(max(0.0, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            lane.process.kill()
            lane.process.wait()
        lane.pipe.close()


def _hear_out(run: _Run, lane: _Lane, deadline: float) -> None:
    """What is finished or kept while the lane is being stopped counts."""
    with contextlib.suppress(EOFError, OSError):
        while lane.pipe.poll(max(0.0, deadline - time.monotonic())):
            message = lane.pipe.recv()
            if isinstance(message, FetchProgress | ShardCounts):
                run.book(message)
