"""Where URLs wait whose origin is down: until nothing else is left of their batch, and one probe has decided."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

from logoingest.fetch.rules.breaker import Breaker, Origin
from logoingest.fetch.rules.policy import FetchFault
from logoingest.fetch.turns.pursuit import Batch, FetchRequest, Pursuit


class WaitingRoom:
    """The waiting pursuits of all open batches. On the event loop; reviews are calls of their own, so that nothing recurses."""

    def __init__(
        self,
        breaker: Breaker,
        batches: set[Batch],
        *,
        enqueue: Callable[[Pursuit], None],
        settle: Callable[[Pursuit, FetchFault], None],
        pump: Callable[[], None],
    ) -> None:
        self._breaker = breaker
        self._batches = batches
        self._enqueue = enqueue
        self._settle = settle
        self._pump = pump

    def add(self, pursuit: Pursuit) -> None:
        """The origin it is about to ask is down."""
        batch = pursuit.batch
        batch.waiting.setdefault(pursuit.target.origin, []).append(pursuit)
        batch.waiting_count += 1
        self.review_later(batch)

    def call_up(self, origin: Origin) -> None:
        """The origin has answered: everybody who waits for it goes on."""
        for batch in list(self._batches):
            for pursuit in _empty(batch, origin):
                self._enqueue(pursuit)

    def drop_probe(self, request: FetchRequest) -> None:
        """If it is a probe, it will not be answered: another may be sent."""
        if request.probes is not None:
            self._breaker.drop_probe(request.probes)
            request.probes = None
            self.review_all()

    def review_all(self) -> None:
        """A probe has ended: those who waited for it are looked at again."""
        for batch in self._batches:
            self.review_later(batch)

    def review_later(self, batch: Batch) -> None:
        """Look at a batch as soon as nothing else is left of it."""
        if batch.has_only_waiting and not batch.review_due:
            batch.review_due = True
            asyncio.get_running_loop().call_soon(self._review, batch)

    def _review(self, batch: Batch) -> None:
        """Each origin gets one probe, once a batch; without one, or after one that failed, its URLs are failed."""
        batch.review_due = False
        if not batch.has_only_waiting or batch not in self._batches:
            return
        now = time.monotonic()
        for origin in list(batch.waiting):
            if self._breaker.is_probing(origin):
                continue  # for another batch: its outcome decides here, too
            verdict = self._breaker.explain(origin)
            if verdict is not None and origin not in batch.probed and self._breaker.begin_probe(origin, now):
                batch.probed.add(origin)
                self._enqueue(_take_probe(batch, origin))
                continue
            for pursuit in _empty(batch, origin):
                if verdict is None:
                    self._enqueue(pursuit)
                else:
                    self._settle(pursuit, pursuit.verdict or verdict)
        self._pump()


def _take_probe(batch: Batch, origin: Origin) -> Pursuit:
    probe = batch.waiting[origin].pop()
    batch.waiting_count -= 1
    probe.probes = origin
    return probe


def _empty(batch: Batch, origin: Origin) -> list[Pursuit]:
    pursuits = batch.waiting.pop(origin, [])
    batch.waiting_count -= len(pursuits)
    return pursuits
