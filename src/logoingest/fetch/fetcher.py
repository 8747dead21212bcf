"""The engine: URLs in, one row each out. Hosts take turns, retries wait without a slot, redirects queue at their own host.

A URL under way is a ``_Pursuit``; one request of it at a time is a task. There are never more tasks than
``settings.concurrency``, never more to one host than ``settings.per_host``.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
import random
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime
from types import TracebackType
from typing import Any, Self, TypeAlias

import httpx
import pyarrow as pa

from logoingest.fetch.client import Client, Failure, Reply
from logoingest.fetch.policy import (
    Verdict,
    admit_url,
    finish_verdict,
    follow_redirect,
    judge_hop,
    judge_status,
    parse_retry_after,
    plan_retry,
)
from logoingest.fetch.resolver import Lookup
from logoingest.fetch.schedule import Schedule
from logoingest.fetch.settings import FetchSettings
from logoingest.fetch.targets import Target
from logoingest.schemas import FACT_COLUMNS, DownloadRow, Reason

#: The body → what one decode of it tells, by FACT_COLUMNS.
Inspect: TypeAlias = Callable[[bytes], Mapping[str, Any]]
#: A finished row, as it will stand in the table.
OnOutcome: TypeAlias = Callable[[dict[str, Any]], None]

_ROWS_PER_BATCH = 100


@dataclass(eq=False, slots=True)
class _Batch:
    """The URLs of one call of ``Fetcher.fetch``; ``rows`` fills up in their order."""

    rows: list[dict[str, Any] | None]
    left: int
    on_outcome: OnOutcome | None
    done: asyncio.Future[None]
    held_bytes: int = 0


@dataclass(eq=False, slots=True)
class _Pursuit:
    """One URL under way: what has been tried, and what comes next."""

    batch: _Batch
    index: int
    url: str
    first: Target
    target: Target
    started: float
    budget_s: float
    attempts: int = 0
    status: int | None = None
    final_url: str | None = None
    seen: set[tuple[str, str]] = field(default_factory=set)
    cookies: httpx.Cookies | None = None


async def fetch_urls(
    urls: Iterable[str],
    settings: FetchSettings,
    inspect: Inspect | None,
    on_outcome: OnOutcome | None = None,
    stop: asyncio.Event | None = None,
    *,
    executor: Executor | None = None,
    lookup: Lookup | None = None,
) -> pa.Table:
    """Fetch URLs; the table (``DownloadRow``) has exactly one row per distinct URL, in the order given.

    Args:
        urls: equal strings are one URL.
        settings: limits, proxies, networks.
        inspect: gives FACT_COLUMNS for a body; runs off the event loop, once per body. None leaves them null.
        on_outcome: called with each finished row, on the event loop.
        stop: once set, whatever is not finished becomes a ``cancelled`` row at once.
        executor: where ``inspect`` runs; threads of its own when left out.
        lookup: the name service; the system's when left out.
    """
    async with Fetcher(settings, inspect, executor=executor, lookup=lookup) as fetcher:
        return await fetcher.fetch(urls, on_outcome, stop)


class Fetcher:
    """An async context manager that any number of ``fetch`` calls share: its limits hold over all of them."""

    def __init__(
        self, settings: FetchSettings, inspect: Inspect | None, *, executor: Executor | None = None, lookup: Lookup | None = None
    ) -> None:
        self._settings = settings
        self._inspect = inspect
        self._client = Client(settings, lookup)
        self._own_executor = ThreadPoolExecutor(count_cpus(), thread_name_prefix="inspect") if executor is None else None
        self._executor = executor or self._own_executor
        self._schedule: Schedule[_Pursuit] = Schedule(settings.per_host)
        self._tasks: dict[asyncio.Task[None], _Pursuit] = {}
        self._batches: set[_Batch] = set()
        self._timer: asyncio.TimerHandle | None = None
        self._rng = random.Random()
        self._idle = asyncio.Event()

    async def __aenter__(self) -> Self:
        await self._client.__aenter__()
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        for batch in list(self._batches):
            await self._abandon(batch)
        if self._timer is not None:
            self._timer.cancel()
        await self._client.__aexit__(kind, error, trace)
        if self._own_executor is not None:
            self._own_executor.shutdown(wait=False, cancel_futures=True)

    @property
    def held_bytes(self) -> int:
        """Bytes of bodies whose ``fetch`` is not complete yet."""
        return sum(batch.held_bytes for batch in self._batches)

    async def wait_until_idle(self) -> None:
        """Return once there are free slots and nothing that could use them: time for another ``fetch``.

        Each return stands for one such occasion.
        """
        await self._idle.wait()
        self._idle.clear()

    async def fetch(self, urls: Iterable[str], on_outcome: OnOutcome | None = None, stop: asyncio.Event | None = None) -> pa.Table:
        """See ``fetch_urls``."""
        distinct = list(dict.fromkeys(urls))
        batch = _Batch([None] * len(distinct), len(distinct), on_outcome, asyncio.get_running_loop().create_future())
        self._batches.add(batch)
        try:
            self._admit(distinct, batch)
            self._pump()
            await _wait_for_either(batch.done, stop)
            if not batch.done.done():
                await self._abandon(batch)
                _fill_cancelled(batch, distinct)
            elif distinct:
                batch.done.result()
            return _build_table(batch.rows)
        finally:
            await self._abandon(batch)

    # -- whose turn ----------------------------------------------------------------------------------------------------

    def _admit(self, urls: Sequence[str], batch: _Batch) -> None:
        if not urls:
            batch.done.set_result(None)
        for index, url in enumerate(urls):
            now = time.monotonic()
            target = admit_url(url, self._settings)
            if isinstance(target, Verdict):
                pursuit = _Pursuit(batch, index, url, _NOWHERE, _NOWHERE, now, 0.0)
                self._settle(pursuit, target)
            else:
                pursuit = _Pursuit(batch, index, url, target, target, now, self._settings.total_timeout_s)
                self._schedule.push(target.host, pursuit)

    def _pump(self) -> None:
        """Start whatever may start; called whenever a slot or an item may have come free."""
        while len(self._tasks) < self._settings.concurrency:
            turn = self._schedule.take(time.monotonic())
            if turn is None:
                self._idle.set()
                self._wake_when_due()
                return
            host, pursuit = turn
            task = asyncio.create_task(self._take_turn(host, pursuit))
            self._tasks[task] = pursuit
            task.add_done_callback(self._end_turn)
        self._idle.clear()

    def _wake_when_due(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        due = self._schedule.next_due()
        if due is not None:
            self._timer = asyncio.get_running_loop().call_later(max(0.0, due - time.monotonic()), self._pump)

    def _end_turn(self, task: asyncio.Task[None]) -> None:
        pursuit = self._tasks.pop(task)
        if not task.cancelled() and (error := task.exception()) is not None and not pursuit.batch.done.done():
            pursuit.batch.done.set_exception(error)
        self._pump()

    async def _abandon(self, batch: _Batch) -> None:
        """Drop everything of a batch that is under way."""
        self._batches.discard(batch)
        if batch.left:
            self._schedule.remove(lambda pursuit: pursuit.batch is batch)
            tasks = [task for task, pursuit in self._tasks.items() if pursuit.batch is batch]
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        if not batch.done.done():
            batch.done.cancel()

    # -- one request ---------------------------------------------------------------------------------------------------

    async def _take_turn(self, host: str, pursuit: _Pursuit) -> None:
        try:
            answer = await self._exchange(host, pursuit)
        finally:
            self._schedule.release(host)
        if isinstance(answer, Reply) and answer.body:
            self._pump()  # the host's slot is free while the body is looked at
            loop = asyncio.get_running_loop()
            facts = await loop.run_in_executor(self._executor, examine_body, answer.body, self._inspect)
            self._settle(pursuit, answer, facts)
            return
        self._proceed(pursuit, answer)

    async def _exchange(self, host: str, pursuit: _Pursuit) -> Reply | Failure:
        if not pursuit.seen:
            pursuit.attempts += 1
        pursuit.seen.add(_show_request(pursuit))
        began = time.monotonic()
        deadline = asyncio.timeout(pursuit.budget_s)
        try:
            async with deadline:
                answer = await self._client.exchange(pursuit.target, pursuit.cookies, is_last=not self._schedule.is_waiting(host))
        except TimeoutError:
            if not deadline.expired():
                raise
            detail = f"not complete within {self._settings.total_timeout_s:g} s"
            answer = Failure(Verdict(Reason.TIMEOUT_TOTAL, detail, can_heal=True), None)
        pursuit.budget_s -= time.monotonic() - began
        if answer.status is not None:
            pursuit.status, pursuit.final_url = answer.status, pursuit.target.url
        return answer

    def _proceed(self, pursuit: _Pursuit, answer: Reply | Failure) -> None:
        """Follow a redirect, try again later, or settle."""
        verdict = answer.verdict if isinstance(answer, Failure) else self._judge_reply(pursuit, answer)
        if verdict is None:
            self._schedule.push(pursuit.target.host, pursuit, first=True)
            return
        wait = plan_retry(verdict, pursuit.attempts, self._settings, self._rng)
        if wait is None:
            self._settle(pursuit, verdict)
            return
        pursuit.target, pursuit.cookies = pursuit.first, None
        pursuit.seen.clear()
        pursuit.budget_s = self._settings.total_timeout_s
        self._schedule.push_later(time.monotonic() + wait, pursuit.target.host, pursuit)

    def _judge_reply(self, pursuit: _Pursuit, reply: Reply) -> Verdict | None:
        """None when a redirect leads on; ``pursuit.target`` is then where to."""
        verdict = judge_status(reply.status, has_location=reply.location is not None)
        if verdict is not None:
            return verdict._replace(retry_after_s=parse_retry_after(reply.retry_after, datetime.now(UTC)))
        if reply.status == 200 or reply.location is None:
            return Verdict(Reason.EMPTY, "HTTP 200 with an empty body")
        following = follow_redirect(pursuit.target, reply.location, self._settings)
        if isinstance(following, Verdict):
            return following
        pursuit.target, pursuit.cookies = following, reply.cookies
        return judge_hop(_show_request(pursuit), pursuit.seen, self._settings)

    def _settle(self, pursuit: _Pursuit, answer: Verdict | Reply, facts: Mapping[str, Any] | None = None) -> None:
        batch = pursuit.batch
        row: dict[str, Any] = {
            "url": pursuit.url,
            "final_url": pursuit.final_url,
            "http_status": pursuit.status,
            "attempts": pursuit.attempts,
            "elapsed_ms": round((time.monotonic() - pursuit.started) * 1000, 1),
            "fetched_at": datetime.now(UTC),
        }
        if isinstance(answer, Verdict):
            final = finish_verdict(answer, self._settings)
            row |= {"outcome": "failed", "reason": final.reason.value, "detail": final.detail}
        else:
            row |= {"outcome": "ok", "content_type": answer.content_type, "etag": answer.etag}
            row |= {"last_modified": answer.last_modified, "bytes": answer.body, **(facts or {})}
            batch.held_bytes += len(answer.body or b"")
        batch.rows[pursuit.index] = row
        batch.left -= 1
        if batch.on_outcome is not None:
            batch.on_outcome(row)
        if not batch.left and not batch.done.done():
            batch.done.set_result(None)


_NOWHERE = Target("", "", "", 0, None)


def count_cpus() -> int:
    """CPU cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def examine_body(body: bytes, inspect: Inspect | None) -> dict[str, Any]:
    """sha256, length and FACT_COLUMNS of a body; an ``inspect`` that raises makes it a ``decode_error``."""
    facts: dict[str, Any] = {"sha256": hashlib.sha256(body).hexdigest(), "byte_count": len(body)}
    if inspect is None:
        return facts
    try:
        told = inspect(body)
        return facts | {name: told.get(name) for name in FACT_COLUMNS}
    except Exception as error:  # noqa: BLE001  whatever a stranger's bytes did to a decoder is a fact about the bytes
        detail = f"inspection failed: {type(error).__name__}"
        return facts | {"image_reason": Reason.DECODE_ERROR.value, "image_detail": detail}


async def _wait_for_either(done: asyncio.Future[None], stop: asyncio.Event | None) -> None:
    if stop is None:
        await asyncio.wait([done])
        return
    stopping = asyncio.create_task(stop.wait())
    either: list[asyncio.Future[Any]] = [done, stopping]
    try:
        await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
    finally:
        stopping.cancel()


def _fill_cancelled(batch: _Batch, urls: Sequence[str]) -> None:
    for index, row in enumerate(batch.rows):
        if row is None:
            facts = {"outcome": "failed", "reason": Reason.CANCELLED.value, "detail": "stopped before it was fetched"}
            batch.rows[index] = {"url": urls[index], "attempts": 0, **facts}


def _show_request(pursuit: _Pursuit) -> tuple[str, str]:
    """What tells one request from another: URL and Cookie header."""
    if pursuit.cookies is None:
        return pursuit.target.url, ""
    request = httpx.Request("GET", pursuit.target.url)
    pursuit.cookies.set_cookie_header(request)
    return pursuit.target.url, str(request.headers.get("cookie", ""))


def _build_table(rows: list[dict[str, Any] | None]) -> pa.Table:
    """The rows as a table, in pieces: each piece's dictionaries are let go before the next is made."""
    tables = [DownloadRow.empty_table()]
    for start in range(0, len(rows), _ROWS_PER_BATCH):
        piece = [row for row in rows[start : start + _ROWS_PER_BATCH] if row is not None]
        rows[start : start + _ROWS_PER_BATCH] = [None] * (min(start + _ROWS_PER_BATCH, len(rows)) - start)
        tables.append(DownloadRow.table(piece))
    return pa.concat_tables(tables)
