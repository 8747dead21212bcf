"""One shard: the unit of work, of resume, of retry and of distribution. Its file has one row per URL, or is not there.

Of a shard that is stopped before its end the rows that came are kept beside it (``name_begun``); the next fetch of it takes them over,
asks for the others only, and removes them once the shard is there. A shard that was there already, some of whose URLs were asked again,
is whole at any time: what was not asked any more stays as it was.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeAlias

import pyarrow as pa

from logoingest.errors import LeaseLostError, WorkspaceError
from logoingest.fetch.jobs import Inspect, ShardCounts, ShardJob
from logoingest.fetch.rules.revalidation import (
    KNOWN_COLUMNS,
    RefreshResult,
    choose_validators,
    judge_answer,
    list_changes,
    replace_row,
)
from logoingest.fetch.rules.settings import FetchSettings
from logoingest.fetch.shards.kept_rows import KeptRows
from logoingest.fetch.shards.shard_writer import ByteBudget, ShardWriter
from logoingest.fetch.turns.fetcher import Fetcher
from logoingest.fetch.turns.pursuit import OnOutcome
from logoingest.schemas import Outcome, Reason
from logoingest.workspace import Workspace, name_begun
from logoingest.workspace.lease import join_lease

logger = logging.getLogger("logoingest")

#: URL → KNOWN_COLUMNS of its row.
_Known: TypeAlias = dict[str, dict[str, Any]]
_Opened: TypeAlias = tuple[ShardWriter, KeptRows | None, _Known]

#: Bytes of bodies that one process holds before what waits goes to disk.
MAX_HELD_BYTES = 12_000_000


@dataclass(frozen=True, slots=True)
class Writing:
    """What the shards of one process share to be written: one thread, and a budget of bytes in memory."""

    executor: Executor
    budget: ByteBudget


async def run_shard(
    workspace_url: str,
    shard: str,
    urls: Sequence[str] | pa.Array | pa.ChunkedArray,
    settings: FetchSettings,
    inspect: Inspect | None,
    *,
    only: Collection[str] | None = None,
    refresh: bool = False,
    alternatives: Mapping[str, Sequence[str]] | None = None,
    on_outcome: OnOutcome | None = None,
    stop: asyncio.Event | None = None,
    fetcher: Fetcher | None = None,
    writing: Writing | None = None,
) -> ShardCounts:
    """Fetch a shard's URLs and write ``downloads/<shard>``, which takes its name in one step; rows in the order of ``urls``.

    Args:
        workspace_url: folder or fsspec URL of the workspace.
        shard: the shard's file name.
        urls: its distinct URLs.
        settings: limits, proxies, networks.
        inspect: see ``fetch_urls``.
        only: refetch just these; the rows of the others are taken over unchanged from the shard as it is.
        refresh: those of ``only`` that were fetched well are asked for with conditions; bytes are replaced only by a usable picture.
        alternatives: see ``fetch_urls``.
        on_outcome: called with each row fetched.
        stop: once set, nothing more is asked for, and the rows that came are kept (``finished`` is then False).
        fetcher: an open engine to share; one of its own when left out.
        writing: the thread and the memory to share; of its own when left out.

    Raises:
        WorkspaceError: the shard cannot be read or written.
    """
    job = ShardJob(workspace_url, shard, urls, only, alternatives or {}, refresh=refresh)
    return await run_job(job, settings, inspect, on_outcome=on_outcome, stop=stop, fetcher=fetcher, writing=writing)


async def run_job(
    job: ShardJob,
    settings: FetchSettings,
    inspect: Inspect | None,
    *,
    on_outcome: OnOutcome | None = None,
    stop: asyncio.Event | None = None,
    fetcher: Fetcher | None = None,
    writing: Writing | None = None,
) -> ShardCounts:
    """``run_shard`` of what a job says."""
    async with contextlib.AsyncExitStack() as stack:
        if fetcher is None:
            fetcher = await stack.enter_async_context(Fetcher(settings, inspect))
        if writing is None:
            writing = stack.enter_context(open_writing(fetcher))
        opening = asyncio.ensure_future(asyncio.to_thread(_open, job, writing, settings.min_free_bytes))
        try:
            writer, taken_over, known = await asyncio.shield(opening)
            take_row = partial(_take_refreshed, writer, writer.wanted, known) if job.refresh else writer.put
            validators = {url: choose_validators(row) for url, row in known.items()}
            try:
                complete = await fetcher.fetch_into(
                    writer.wanted, take_row, on_outcome, stop, job.alternatives, validators=validators, expected=job.expected
                )
            except (asyncio.CancelledError, WorkspaceError):
                if writer.is_sound:
                    await _keep_begun(job, writer)
                raise
            if not complete:
                kept = await _keep_begun(job, writer)
                return ShardCounts(job.shard, writer.url_count, 0, 0, 0, 0, finished=False, kept=kept)
            written = await asyncio.wrap_future(writer.finish())
            if job.only is None and taken_over is not None:
                await asyncio.to_thread(writer.workspace.remove, f"downloads/{name_begun(job.shard)}")
        finally:
            await _close(opening)
    return ShardCounts(
        job.shard,
        writer.url_count,
        written.ok,
        written.failed,
        written.byte_count,
        len(writer.wanted),
        written.reasons,
        written.record,
        kept=len(writer.wanted),
    )


async def _keep_begun(job: ShardJob, writer: ShardWriter) -> int:
    """Keep what has come of a shard that is stopped; how many rows of this run that are: none where they cannot be written."""
    try:
        if job.only is None:
            return await asyncio.wrap_future(writer.break_off())
        came = writer.give_up_rest()
        if came:
            await asyncio.wrap_future(writer.finish())
    except LeaseLostError:
        return 0  # it is another's now
    except WorkspaceError as error:
        logger.warning("%s", error)
        return 0
    return came


def _take_refreshed(writer: ShardWriter, wanted: Sequence[str], known: _Known, index: int, row: dict[str, Any]) -> None:
    """Take what asking again for ``wanted[index]`` brought; the bytes of what did not change are read when they are written."""
    before = known.get(wanted[index])
    if before is None:
        writer.put(index, row)
        return
    finding = judge_answer(before["sha256"], row)
    if finding is RefreshResult.CHANGED:
        writer.put(index, replace_row(before, row))
    else:
        writer.change(index, list_changes(before, row, finding))


async def _close(opening: asyncio.Future[_Opened]) -> None:
    """Leave nothing behind, even of a shard that was cancelled while it was being opened."""
    await asyncio.wait([opening])
    if opening.exception() is None:
        writer, kept, _ = opening.result()
        await asyncio.wrap_future(writer.discard())
        if kept is not None:
            kept.close()


@contextlib.contextmanager
def open_writing(fetcher: Fetcher) -> Iterator[Writing]:
    """A thread and a budget for the shards that a fetcher fetches; it starts nothing new while the disk does not keep up."""
    loop = asyncio.get_running_loop()
    budget = ByteBudget(MAX_HELD_BYTES)
    budget.on_room = lambda: _call_soon(loop, fetcher.resume)
    fetcher.may_start = lambda: not budget.is_full
    with ThreadPoolExecutor(1, thread_name_prefix="write") as executor:
        yield Writing(executor, budget)


def _call_soon(loop: asyncio.AbstractEventLoop, callback: Callable[[], None]) -> None:
    with contextlib.suppress(RuntimeError):  # the loop is closed: nobody waits any more
        loop.call_soon_threadsafe(callback)


def _open(job: ShardJob, writing: Writing, min_free_bytes: int) -> _Opened:
    """The writer of a shard, the rows it takes over, and what is known of those that are asked for again."""
    workspace = Workspace(job.workspace_url)
    join_lease(workspace, job.lease)
    with workspace.guard():
        if workspace.is_local:  # what an earlier process left when it was killed while writing this shard
            for leftover in workspace.local_path("downloads").glob(f".{job.shard}.*.tmp"):
                leftover.unlink(missing_ok=True)
    known: _Known = {}
    if job.refresh:
        rows = workspace.read_shard(job.shard, [*KNOWN_COLUMNS, "outcome"]).to_pylist()
        known = {row["url"]: row for row in rows if row["outcome"] == Outcome.OK and row["url"] in (job.only or ())}
    urls = job.urls.to_pylist() if isinstance(job.urls, pa.Array | pa.ChunkedArray) else job.urls
    distinct = list(dict.fromkeys(urls))
    kept = _read_begun(workspace, job.shard, distinct) if job.only is None else KeptRows(workspace, job.shard, frozenset(job.only))
    writer = ShardWriter(
        workspace, job.shard, distinct, executor=writing.executor, budget=writing.budget, kept=kept, min_free_bytes=min_free_bytes
    )
    return writer, kept, known


def _read_begun(workspace: Workspace, shard: str, urls: Iterable[str]) -> KeptRows | None:
    """The rows of a shard whose fetching was stopped; None where there are none, or where they cannot be read."""
    begun = name_begun(shard)
    if not workspace.exists(f"downloads/{begun}"):
        return None
    try:
        return KeptRows(workspace, begun, among=frozenset(urls))
    except WorkspaceError as error:
        logger.warning("%s: %s; fetching its URLs again", error.problems[0].where, error.problems[0].what)
        workspace.remove(f"downloads/{begun}")
        return None


def choose_retries(table: pa.Table, reasons: Iterable[Reason | str] = ()) -> list[str]:
    """The failed URLs of a shard's table (columns url, outcome, reason); with ``reasons``, only those."""
    import pyarrow.compute as pc  # fetch processes do without

    mask = pc.not_equal(table.column("outcome"), Outcome.OK)
    names = pa.array(sorted({str(reason) for reason in reasons}), pa.string())
    if len(names):
        mask = pc.and_(mask, pc.is_in(table.column("reason"), value_set=names))
    found: list[str] = table.column("url").filter(mask).to_pylist()
    return found
