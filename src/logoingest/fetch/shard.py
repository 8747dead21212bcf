"""One shard: the unit of work, of resume, of retry and of distribution. Its file has one row per URL, or is not there."""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field

import pyarrow as pa
import pyarrow.compute as pc

from logoingest.errors import Problem, WorkspaceError
from logoingest.fetch.fetcher import Fetcher, Inspect, OnOutcome
from logoingest.fetch.settings import FetchSettings
from logoingest.schemas import DownloadRow, Reason
from logoingest.workspace import Workspace


@dataclass(frozen=True, slots=True)
class ShardJob:
    """What one shard needs: plain values, so that any executor can carry it elsewhere."""

    workspace_url: str
    shard: str
    urls: Sequence[str] | pa.Array | pa.ChunkedArray
    """Every URL of the shard, in the shard's order."""
    only: Collection[str] | None = None
    """Fetch just these and keep the shard's other rows; None fetches all."""


@dataclass(frozen=True, slots=True)
class ShardCounts:
    """What a shard holds after a run of it."""

    shard: str
    urls: int
    ok: int
    failed: int
    byte_count: int
    """Bytes of the bodies it holds."""
    fetched: int
    """URLs requested in this run; the others were kept."""
    reasons: dict[str, int] = field(default_factory=dict)
    """Failed rows by Reason."""
    finished: bool = True
    """False when it was stopped: nothing was written, and the counts are of nothing."""


async def run_shard(
    workspace_url: str,
    shard: str,
    urls: Sequence[str] | pa.Array | pa.ChunkedArray,
    settings: FetchSettings,
    inspect: Inspect | None,
    *,
    only: Collection[str] | None = None,
    on_outcome: OnOutcome | None = None,
    stop: asyncio.Event | None = None,
    fetcher: Fetcher | None = None,
) -> ShardCounts:
    """Fetch a shard's URLs and write ``downloads/<shard>`` in one step; rows in the order of ``urls``.

    Args:
        workspace_url: folder or fsspec URL of the workspace.
        shard: the shard's file name.
        urls: its distinct URLs.
        settings: limits, proxies, networks.
        inspect: see ``fetch_urls``.
        only: refetch just these; the rows of the others are taken over unchanged from the shard as it is.
        on_outcome: called with each row fetched.
        stop: once set, the shard is abandoned and its file left as it was (``finished`` is then False).
        fetcher: an open engine to share; one of its own when left out.

    Raises:
        WorkspaceError: the shard cannot be read or written.
    """
    workspace = Workspace(workspace_url)
    distinct = list(dict.fromkeys(urls.to_pylist() if isinstance(urls, pa.Array | pa.ChunkedArray) else urls))
    held = frozenset[str]() if only is None else await asyncio.to_thread(_list_held, workspace, shard, frozenset(only))
    wanted = [url for url in distinct if url not in held]
    if fetcher is None:
        async with Fetcher(settings, inspect) as own:
            table = await own.fetch(wanted, on_outcome, stop)
    else:
        table = await fetcher.fetch(wanted, on_outcome, stop)
    if pc.any(pc.equal(table.column("reason"), Reason.CANCELLED.value)).as_py():
        return ShardCounts(shard, len(distinct), 0, 0, 0, 0, finished=False)
    table = await asyncio.to_thread(_write, workspace, shard, distinct, held, table)
    return count_shard(shard, table, fetched=len(wanted))


def count_shard(shard: str, table: pa.Table, *, fetched: int = 0) -> ShardCounts:
    """The counts of a shard's table (columns outcome, reason, byte_count)."""
    ok = pc.sum(pc.equal(table.column("outcome"), "ok")).as_py() or 0
    reasons = Counter(reason for reason in table.column("reason").to_pylist() if reason is not None)
    byte_count = pc.sum(table.column("byte_count")).as_py() or 0
    return ShardCounts(shard, len(table), ok, len(table) - ok, byte_count, fetched, dict(sorted(reasons.items())))


def choose_retries(table: pa.Table, reasons: Iterable[Reason | str] = ()) -> list[str]:
    """The failed URLs of a shard's table (columns url, outcome, reason); with ``reasons``, only those."""
    mask = pc.not_equal(table.column("outcome"), "ok")
    names = pa.array(sorted({str(reason) for reason in reasons}), pa.string())
    if len(names):
        mask = pc.and_(mask, pc.is_in(table.column("reason"), value_set=names))
    found: list[str] = table.column("url").filter(mask).to_pylist()
    return found


def _list_held(workspace: Workspace, shard: str, only: frozenset[str]) -> frozenset[str]:
    return frozenset(workspace.read_shard(shard, ["url"]).column("url").to_pylist()) - only


def _write(workspace: Workspace, shard: str, urls: Sequence[str], held: frozenset[str], fetched: pa.Table) -> pa.Table:
    """Write the shard, with its earlier rows of the ``held`` URLs, and return it."""
    if workspace.is_local:  # what an earlier process left when it was killed while writing this shard
        for leftover in workspace.local_path("downloads").glob(f".{shard}.*.tmp"):
            with contextlib.suppress(FileNotFoundError):
                leftover.unlink()
    table = _merge(urls, _read_rows(workspace, shard, held), fetched) if held else fetched
    workspace.write_shard(shard, table)
    return table


def _read_rows(workspace: Workspace, shard: str, held: frozenset[str]) -> pa.Table:
    table = workspace.read_shard(shard)
    schema = DownloadRow.arrow_schema()
    if table.schema.names != schema.names:
        path = workspace.path(f"downloads/{shard}")
        raise WorkspaceError(Problem(path, "was written by another version of logoingest", "remove it and run fetch again"))
    return table.cast(schema).filter(pc.is_in(table.column("url"), value_set=pa.array(sorted(held), pa.string())))


def _merge(urls: Sequence[str], kept: pa.Table, fetched: pa.Table) -> pa.Table:
    rows = pa.concat_tables([kept, fetched])
    place = {url: index for index, url in enumerate(rows.column("url").to_pylist())}
    return rows.take(pa.array([place[url] for url in urls], pa.int64()))
