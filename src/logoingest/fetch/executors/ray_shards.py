"""Many shards on many machines: one Ray task per shard, the workspace on storage that all of them share.

Ray hands out and watches; what a shard is, and how it is written, is the same function as everywhere. Ray's own retries are off: they
cannot tell a machine that was lost, whose shards are to be fetched elsewhere, from a picture that kills every process it is given to.
"""

from __future__ import annotations

import contextlib
import logging
import time
from collections import deque
from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from logoingest.errors import LogoingestError, OutOfSpaceError, Problem, UsageError
from logoingest.fetch.executors.processes import KEEP_S, describe_kept
from logoingest.fetch.jobs import FetchProgress, Inspect, ShardCounts, ShardJob
from logoingest.fetch.rules.settings import FetchSettings
from logoingest.fetch.shards.finished import count_finished, list_present
from logoingest.fetch.shards.shard import run_job
from logoingest.fetch.turns.fetcher import Fetcher
from logoingest.ray_cluster import DEADLINE_S, ask, count_resource, join_cluster, list_machines
from logoingest.workspace import Workspace, name_begun

logger = logging.getLogger("logoingest")

#: A shard whose process dies this often, on machines that live on, is left out.
MAX_DEATHS = 2
_TICK_S = 1.0
_GO_ON = "see to the cluster and run again: finished shards are kept"

#: What a task sends back: plain values, so that no class of an exception has to travel.
Answer: TypeAlias = "ShardCounts | tuple[type[LogoingestError], tuple[Problem, ...]]"


def run_shards_on_ray(
    jobs: Sequence[ShardJob],
    settings: FetchSettings,
    inspect: Inspect | None,
    on_progress: Callable[[FetchProgress], None] | None = None,
    *,
    address: str = "",
    deadline_s: float = DEADLINE_S,
) -> list[ShardCounts]:
    """Fetch shards as Ray tasks, one CPU each, as many at once as the cluster has CPUs.

    The limits of ``settings`` hold over all tasks together, which is why there are never more of them than ``settings.per_host``.
    A machine that is lost costs its unfinished shards, which are fetched elsewhere. KeyboardInterrupt lets the tasks keep what they
    have and goes on up, with a note of how many URLs are kept; so does a budget that is used up.

    Args:
        jobs: the shards; their workspace must be reachable, under the same name, from every machine.
        settings: limits, proxies, networks; files they name must be there on every machine, too.
        inspect: see ``fetch_urls``; a function that can be imported there.
        on_progress: called when a shard is finished.
        address: of the cluster's head, ``host:port``; "" is what RAY_ADDRESS says, else a cluster of this machine alone.
        deadline_s: how long the cluster may be without an answer, or without any machine that could take a task.

    Returns:
        The counts of every shard, in the order of ``jobs``.

    Raises:
        UsageError: Ray is not installed, there is no cluster at the address, or the workspace is not shared.
        LogoingestError: a shard could not be written, its process died twice, or the cluster is gone; what is finished stays.
    """
    if not jobs:
        return []
    with join_cluster("fetch", address, deadline_s):
        cpus = ask(lambda: count_resource("CPU"), deadline_s)
        wanted = min(max(1, int(cpus)), len(jobs))
        run = _Run(
            deque(jobs),
            settings.divide(wanted),
            inspect,
            on_progress,
            deadline_s,
            begun=_count_begun(jobs),
            present=list_present(jobs),
        )
        try:
            _work_off(run)
        except KeyboardInterrupt as interrupt:
            kept = _stop(run)
            interrupt.add_note(describe_kept(kept, kept))
            raise
        except OutOfSpaceError:
            _stop(run)
            raise
        finally:
            _cancel(run)
    if run.lost:
        raise LogoingestError(run.lost)
    order = {job.shard: index for index, job in enumerate(jobs)}
    return sorted(run.counts, key=lambda counts: order[counts.shard])


def fetch_on_worker(job: ShardJob, settings: FetchSettings, inspect: Inspect | None) -> Answer:
    """What one task does, on whatever machine it is."""
    import asyncio

    async def work() -> ShardCounts:
        with ThreadPoolExecutor(1, thread_name_prefix="inspect") as executor:
            async with Fetcher(settings, inspect, executor=executor) as fetcher:
                return await run_job(job, settings, inspect, fetcher=fetcher)

    try:
        return asyncio.run(work())
    except LogoingestError as error:
        return type(error), tuple(error.problems)


@dataclass
class _Task:
    """A shard under way."""

    job: ShardJob
    slot: int
    machines: frozenset[str]
    """Those alive when it was handed out."""


@dataclass
class _Run:
    """The driver's books."""

    jobs: deque[ShardJob]
    slots: Sequence[FetchSettings]
    """A share of the limits each; a task holds one."""
    inspect: Inspect | None
    on_progress: Callable[[FetchProgress], None] | None
    deadline_s: float
    tasks: dict[Any, _Task] = field(default_factory=dict)
    """By Ray's reference to the answer."""
    deaths: dict[str, int] = field(default_factory=dict)
    counts: list[ShardCounts] = field(default_factory=list)
    progress: FetchProgress = field(default_factory=FetchProgress)
    lost: list[Problem] = field(default_factory=list)
    begun: Mapping[str, int] = field(default_factory=dict)
    """Rows that earlier runs kept of unfinished shards."""
    present: Container[tuple[str, str]] = ()
    """Shards whose file is there before they are fetched (``list_present``)."""


def _count_begun(jobs: Iterable[ShardJob]) -> dict[str, int]:
    """Rows that are kept of unfinished shards, by shard."""
    found: dict[str, int] = {}
    by_workspace: dict[str, set[str]] = {}
    for job in jobs:
        by_workspace.setdefault(job.workspace_url, set()).add(job.shard)
    for url, shards in by_workspace.items():
        workspace = Workspace(url)
        wanted = shards.intersection(workspace.begun_shards())
        found |= {shard: workspace.count_shard_rows(name_begun(shard)) or 0 for shard in wanted}
    return found


def _work_off(run: _Run) -> None:
    import ray

    remote = ray.remote(num_cpus=1, max_retries=0)(fetch_on_worker)
    free = deque(range(len(run.slots)))
    seen_alive = time.monotonic()
    while run.jobs or run.tasks:
        machines = ask(list_machines, run.deadline_s)
        seen_alive = time.monotonic() if machines else seen_alive
        if time.monotonic() - seen_alive > run.deadline_s:
            raise LogoingestError(Problem("ray", f"has had no machine for {run.deadline_s:g} s", _GO_ON))
        while run.jobs and free:
            job, slot = run.jobs.popleft(), free.popleft()
            reference = remote.remote(job, run.slots[slot], run.inspect)
            run.tasks[reference] = _Task(job, slot, machines)
        references = list(run.tasks)
        done, _ = ask(lambda: ray.wait(references, num_returns=1, timeout=_TICK_S), run.deadline_s)  # noqa: B023  asked at once
        for reference in done:
            task = run.tasks.pop(reference)
            free.append(task.slot)
            _book(run, task, ask(lambda: _fetch_answer(reference), run.deadline_s))  # noqa: B023


def _fetch_answer(reference: Any) -> Answer | Exception:
    import ray

    try:
        answer: Answer = ray.get(reference)
    except ray.exceptions.RayTaskError as error:
        raise LogoingestError(Problem("a fetch task", f"{type(error.cause).__name__}: {error.cause}")) from error
    except ray.exceptions.RayError as error:
        lost: Exception = error
        return lost
    return answer


def _book(run: _Run, task: _Task, answer: Answer | Exception) -> None:
    shard = task.job.shard
    match answer:
        case ShardCounts():
            rows = Workspace(task.job.workspace_url).count_shard_rows(shard)
            if rows != answer.urls:
                where = f"{task.job.workspace_url}/downloads/{shard}"
                hint = "put dataset.workspace on storage that every machine reaches under the same name, e.g. s3://"
                raise UsageError(Problem(where, "was written on another machine and cannot be seen from here", hint))
            _count(run, answer)
        case (kind, problems):
            raise kind(problems)
        case Exception():
            _requeue(run, task, answer)


def _count(run: _Run, counts: ShardCounts) -> None:
    run.counts.append(counts)
    run.progress = run.progress.add(FetchProgress(counts.fetched, counts.ok, counts.failed, counts.byte_count, 1))
    if run.on_progress is not None:
        run.on_progress(run.progress)


def _requeue(run: _Run, task: _Task, error: Exception) -> None:
    """The task's process is gone: with its machine, or by itself."""
    shard = task.job.shard
    if (counts := count_finished(task.job, run.present)) is not None:
        _count(run, counts)
        return
    if task.machines <= ask(list_machines, run.deadline_s):
        run.deaths[shard] = run.deaths.get(shard, 0) + 1
    if run.deaths.get(shard, 0) < MAX_DEATHS:
        logger.warning("%s was lost (%s): fetching it again", shard, type(error).__name__)
        run.jobs.append(task.job)
        return
    what = f"its process died {MAX_DEATHS} times ({type(error).__name__})"
    hint = "it is left out: one of its pictures may crash the decoder. All else is kept; run again to try it"
    run.lost.append(Problem(shard, what, hint))


def _stop(run: _Run) -> int:
    """Interrupt the tasks as Ctrl-C would, and let them write what they have; how many URLs this run has fetched that are there."""
    import ray

    jobs = [task.job for task in run.tasks.values()]
    with contextlib.suppress(LogoingestError):
        _cancel(run, force=False)
        ask(lambda: ray.wait(list(run.tasks), num_returns=len(run.tasks), timeout=KEEP_S), KEEP_S + 3.0)
    return run.progress.urls + sum(rows - run.begun.get(shard, 0) for shard, rows in _count_begun(jobs).items())


def _cancel(run: _Run, *, force: bool = True) -> None:
    import ray

    def cancel() -> None:
        for reference in run.tasks:
            ray.cancel(reference, force=force)

    with contextlib.suppress(LogoingestError):
        ask(cancel, 3.0)
