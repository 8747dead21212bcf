"""The engine: URLs in, one row each out. Hosts take turns, retries wait without a slot, redirects queue at their own host.

A URL under way is a ``Pursuit``; one request of it at a time is a task. There are never more tasks than
``settings.concurrency``, never more to one host than ``settings.per_host``. The decisions are others': ``exchanges`` (what an answer
means), ``pace`` (how fast), ``robots`` (whether at all), ``breaker`` (whether anybody is there).

    admit → enqueue ─ origin down ─────────→ waiting until nothing else is left of the batch; then one probe decides
                    ├ robots.txt unknown ──→ waits, without a slot, for the one request that asks for it
                    ├ refused by robots.txt → settled
                    └ schedule → request → settled, or redirect → enqueue, or later again

A URL that is settled as dead is enqueued once more for each of its fallbacks (``fallback_router``), if any are wanted.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from types import TracebackType
from typing import Any, Self

import pyarrow as pa

from logoingest.fetch.http.client import Client, Failure, Reply
from logoingest.fetch.http.resolver import Lookup
from logoingest.fetch.jobs import Inspect
from logoingest.fetch.rules.breaker import Breaker
from logoingest.fetch.rules.pace import Pace
from logoingest.fetch.rules.policy import FetchFault, admit_url, plan_retry
from logoingest.fetch.rules.revalidation import Validators
from logoingest.fetch.rules.settings import FetchSettings
from logoingest.fetch.turns.exchanges import judge_reply, send_request
from logoingest.fetch.turns.fallback_router import FallbackRouter
from logoingest.fetch.turns.host_limits import HostLimits
from logoingest.fetch.turns.local_reading import LocalFiles
from logoingest.fetch.turns.outcomes import compose_outcome, examine_body, hand_over, read_pause, wait_for_either
from logoingest.fetch.turns.pursuit import NOWHERE, Batch, Exchange, FetchRequest, OnOutcome, Pursuit, RobotsRequest, TakeRow
from logoingest.fetch.turns.robots_lookup import RobotsLookup
from logoingest.fetch.turns.rows import build_table
from logoingest.fetch.turns.schedule import Schedule
from logoingest.fetch.turns.waiting_room import WaitingRoom
from logoingest.files.local import is_file_url
from logoingest.workers import count_cpus


async def fetch_urls(
    urls: Iterable[str],
    settings: FetchSettings,
    inspect: Inspect | None,
    on_outcome: OnOutcome | None = None,
    stop: asyncio.Event | None = None,
    *,
    executor: Executor | None = None,
    lookup: Lookup | None = None,
    alternatives: Mapping[str, Sequence[str]] | None = None,
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
        alternatives: URL → other URLs of the same picture, for the fallback of that name.
    """
    async with Fetcher(settings, inspect, executor=executor, lookup=lookup) as fetcher:
        return await fetcher.fetch(urls, on_outcome, stop, alternatives)


class Fetcher:
    """An async context manager that any number of ``fetch`` calls share: its limits hold over all of them."""

    def __init__(
        self,
        settings: FetchSettings,
        inspect: Inspect | None,
        *,
        executor: Executor | None = None,
        lookup: Lookup | None = None,
        inline_bytes: int = 0,
    ) -> None:
        """See ``fetch_urls``; bodies of up to ``inline_bytes`` are inspected on the event loop itself.

        Where there is a process a core anyway, handing them to a thread would only add waiting for the interpreter's lock.
        """
        self._settings = settings
        self._inline_bytes = inline_bytes
        self._inspect = inspect
        self._client = Client(settings, lookup)
        self._own_executor = ThreadPoolExecutor(count_cpus(), thread_name_prefix="inspect") if executor is None else None
        self._executor = executor or self._own_executor
        self._pace = Pace(settings.per_host, host_rate=settings.per_host_rate, burst=settings.per_host_burst, rate=settings.rate)
        self._schedule: Schedule[FetchRequest] = Schedule(self._pace)
        self._breaker = Breaker(settings.breaker_failures, settings.breaker_pause_s)
        self._rng = random.Random()
        self._batches: set[Batch] = set()
        self._waiting_room = WaitingRoom(self._breaker, self._batches, enqueue=self._enqueue, settle=self._settle, pump=self._pump)
        self._robots = RobotsLookup(
            settings, self._schedule, self._breaker, self._waiting_room, enqueue=self._enqueue, rng=self._rng
        )
        self._hosts = HostLimits(settings, self._schedule, self._pace, self._breaker, self._waiting_room)
        self._fallbacks = FallbackRouter(settings, self._pace) if settings.fallbacks else None
        self._files = LocalFiles(settings, self._executor, may_start=self._may_read, finish=self._finish_file)
        self._tasks: dict[asyncio.Task[None], Exchange] = {}
        self._timer: asyncio.TimerHandle | None = None
        self._idle = asyncio.Event()
        self.may_start: Callable[[], bool] = lambda: True
        """While it says no, nothing new is started; whoever sets it calls ``resume`` when that changes."""

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

    async def wait_until_idle(self) -> None:
        """Return once there are free slots and nothing that could use them: time for another ``fetch``.

        Each return stands for one such occasion.
        """
        await self._idle.wait()
        self._idle.clear()

    async def fetch(
        self,
        urls: Iterable[str],
        on_outcome: OnOutcome | None = None,
        stop: asyncio.Event | None = None,
        alternatives: Mapping[str, Sequence[str]] | None = None,
    ) -> pa.Table:
        """See ``fetch_urls``."""
        distinct = list(dict.fromkeys(urls))
        rows: list[dict[str, Any] | None] = [None] * len(distinct)
        await self.fetch_into(distinct, rows.__setitem__, on_outcome, stop, alternatives)
        return build_table(distinct, rows)

    async def fetch_into(
        self,
        urls: Sequence[str],
        take_row: TakeRow,
        on_outcome: OnOutcome | None = None,
        stop: asyncio.Event | None = None,
        alternatives: Mapping[str, Sequence[str]] | None = None,
        *,
        validators: Mapping[str, Validators] | None = None,
        expected: Mapping[str, Sequence[str]] | None = None,
    ) -> bool:
        """Fetch distinct URLs, handing each row over once it is finished; False when it was stopped before the last.

        Bytes must have the hashes ``expected`` of their URL (``sha256:…``, ``md5:…``), else it is a ``hash_mismatch``.
        With ``validators`` (by URL) a picture that is as they say is not sent again: its row has the status 304 and no bytes.

        Raises:
            what ``take_row`` raises; the rest is then given up.
        """
        done = asyncio.get_running_loop().create_future()
        batch = Batch(take_row, len(urls), on_outcome, done, alternatives or {}, expected or {}, validators or {})
        self._batches.add(batch)
        try:
            self._admit(urls, batch)
            self._pump()
            await wait_for_either(batch.done, stop)
            if not batch.done.done():
                return False
            batch.done.result()
            return True
        finally:
            await self._abandon(batch)

    def resume(self) -> None:
        """Look again whether ``may_start`` grants more; to be called on the event loop."""
        self._files.resume()
        self._pump()

    # -- whose turn ----------------------------------------------------------------------------------------------------

    def _admit(self, urls: Sequence[str], batch: Batch) -> None:
        if not urls:
            batch.done.set_result(None)
        for index, url in enumerate(urls):
            if self._settings.local_roots and is_file_url(url):
                known = batch.validators.get(url)
                self._files.begin(Pursuit(NOWHERE, NOWHERE, 0.0, batch=batch, index=index, url=url, validators=known))
                continue
            target = admit_url(url, self._settings)
            if isinstance(target, FetchFault):
                self._settle(Pursuit(NOWHERE, NOWHERE, 0.0, batch=batch, index=index, url=url), target)
            else:
                budget_s = self._settings.total_timeout_s
                known = batch.validators.get(url)
                pursuit = Pursuit(target, target, budget_s, batch=batch, index=index, url=url, validators=known)
                self._enqueue(pursuit)

    def _enqueue(self, pursuit: Pursuit, *, first: bool = False) -> None:
        """Queue the pursuit's next request, unless its origin is down or robots.txt is unknown or against it."""
        if self._is_pointless(pursuit):
            self._waiting_room.add(pursuit)
            return
        target = pursuit.target
        if self._settings.robots == "obey":
            rules = self._robots.find_rules(pursuit)
            if rules is None:
                return
            verdict = rules if isinstance(rules, FetchFault) else rules.judge(target)
            if verdict is not None:
                self._settle(pursuit, verdict)
                return
            if not isinstance(rules, FetchFault) and rules.crawl_delay_s and self._settings.max_crawl_delay_s:
                delay_s = min(rules.crawl_delay_s, self._settings.max_crawl_delay_s) * self._settings.shares
                self._pace.set_delay(target.host, delay_s, time.monotonic())
        self._schedule.push(target.host, pursuit, first=first)

    def _is_pointless(self, pursuit: Pursuit) -> bool:
        """Whether the origin it is about to ask is down, unless it is to find out."""
        origin = pursuit.target.origin
        return pursuit.probes != origin and self._breaker.explain(origin) is not None

    def _pump(self) -> None:
        """Start whatever may start; called whenever a slot or an item may have come free."""
        while len(self._tasks) < self._settings.concurrency and self.may_start():
            taken = self._schedule.take(time.monotonic())
            if taken is None:
                if not self._schedule.is_held_back():
                    self._idle.set()
                self._wake_when_due()
                return
            host, request = taken
            if isinstance(request, Pursuit) and self._is_pointless(request):
                self._schedule.release(host)
                self._waiting_room.add(request)  # its wait for a retry ended after the others had given up
                continue
            turn = Exchange(host, request)
            task = asyncio.create_task(self._take_turn(turn))
            self._tasks[task] = turn
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
        turn = self._tasks.pop(task)
        request = turn.request
        self._free_slot(turn)  # it may have been cancelled before it began
        if not task.cancelled() and (error := task.exception()) is not None:
            if isinstance(request, RobotsRequest):
                self._robots.forget(request)
            for batch in request.list_batches():
                if not batch.done.done():
                    batch.done.set_exception(error)
        self._pump()

    def _free_slot(self, turn: Exchange) -> None:
        if turn.holds_slot:
            turn.holds_slot = False
            self._schedule.release(turn.host)

    async def _abandon(self, batch: Batch) -> None:
        """Drop everything of a batch that is under way, and what was asked for it alone."""
        self._batches.discard(batch)
        if batch.left:
            left: list[FetchRequest] = list(self._robots.leave(batch))
            left += self._schedule.remove(lambda request: self._is_orphan(request, batch))
            tasks = {task: turn.request for task, turn in self._tasks.items() if self._is_orphan(turn.request, batch)}
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            for request in (*left, *tasks.values()):
                self._waiting_room.drop_probe(request)
            await self._files.leave(batch)
        if not batch.done.done():
            batch.done.cancel()

    def _is_orphan(self, request: FetchRequest, batch: Batch) -> bool:
        """Whether it is the batch's alone, or nobody's any more."""
        return all(other is batch for other in request.list_batches())

    # -- one request ---------------------------------------------------------------------------------------------------

    async def _take_turn(self, turn: Exchange) -> None:
        host, request = turn.host, turn.request
        began = time.monotonic()
        try:
            is_last = isinstance(request, Pursuit) and not self._schedule.is_waiting(host)
            answer = await send_request(self._client, request, self._settings, is_last=is_last)
        finally:
            self._free_slot(turn)
        self._hosts.learn(host, request, answer, began)
        if isinstance(request, RobotsRequest):
            self._robots.proceed(request, answer, read_pause(answer))
        elif isinstance(request, Pursuit):
            if isinstance(answer, Reply) and answer.body and not request.is_asking:
                self._pump()  # the host's slot is free while the body is looked at
                self._settle(request, answer, await self._examine(request, answer.body))
            elif isinstance(answer, Reply) and request.is_unchanged(answer.status, answer.etag):
                self._settle(request, answer)
            else:
                self._proceed(request, answer)

    def _may_read(self) -> bool:
        return self.may_start()

    async def _finish_file(self, pursuit: Pursuit, found: bytes | FetchFault) -> None:
        if isinstance(found, FetchFault):
            self._settle(pursuit, found)
        else:
            reply = Reply(200, None, None, None, None, None, found, None)
            self._settle(pursuit, reply, await self._examine(pursuit, found))
        self._pump()

    async def _examine(self, pursuit: Pursuit, body: bytes) -> dict[str, Any] | FetchFault:
        expected = pursuit.batch.expected.get(pursuit.url, ())
        known = None if pursuit.validators is None else pursuit.validators.sha256
        if len(body) <= self._inline_bytes:
            return examine_body(body, self._inspect, known, expected)
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._executor, examine_body, body, self._inspect, known, expected)

    def _proceed(self, pursuit: Pursuit, answer: Reply | Failure) -> None:
        """Follow a redirect, try again later, or settle."""
        verdict = answer.verdict if isinstance(answer, Failure) else judge_reply(pursuit, answer, self._settings, self._fallbacks)
        if verdict is None:
            self._enqueue(pursuit, first=True)
            return
        wait = plan_retry(verdict, pursuit.attempts, self._settings, self._rng)
        if wait is None:
            self._settle(pursuit, verdict)
            return
        pursuit.start_over(self._settings)
        pursuit.verdict = verdict
        if self._is_pointless(pursuit):
            self._waiting_room.add(pursuit)
        else:
            self._schedule.push_later(time.monotonic() + wait, pursuit.target.host, pursuit)

    def _settle(self, pursuit: Pursuit, answer: FetchFault | Reply, facts: Mapping[str, Any] | FetchFault | None = None) -> None:
        """The end of a URL, or of one of the addresses it may be found under; then the next one is asked."""
        batch = pursuit.batch
        if pursuit.probes is not None:  # it never came to ask: let another one
            batch.probed.discard(pursuit.probes)
            self._waiting_room.drop_probe(pursuit)
        row = compose_outcome(pursuit, answer, facts, self._settings)
        if self._fallbacks is not None:
            if self._fallbacks.divert(pursuit, row):
                self._enqueue(pursuit)
                return
            row = self._fallbacks.conclude(pursuit, row)
        if hand_over(pursuit, row) and batch.left and batch.waiting_count:
            self._waiting_room.review_later(batch)
