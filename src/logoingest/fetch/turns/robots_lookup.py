"""Who may ask what: robots.txt of each origin, asked for once, while its URLs wait without a slot."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator

from logoingest.fetch.http.client import Failure, Reply
from logoingest.fetch.rules.breaker import DOWN, Breaker, Origin
from logoingest.fetch.rules.policy import FetchFault, plan_retry
from logoingest.fetch.rules.robots import (
    ALLOW_ALL,
    MAX_ROBOTS_REDIRECTS,
    ROBOTS_TTL_S,
    RobotsCache,
    RobotsGroup,
    explain_unread,
    make_robots_target,
    read_robots,
)
from logoingest.fetch.rules.settings import FetchSettings
from logoingest.fetch.rules.targets import Target
from logoingest.fetch.turns.pursuit import Batch, FetchRequest, Pursuit, RobotsRequest
from logoingest.fetch.turns.schedule import Schedule
from logoingest.fetch.turns.waiting_room import WaitingRoom


class RobotsLookup:
    """Rules by origin, and the requests for those that are not known yet. Requests go through the schedule like pictures."""

    def __init__(
        self,
        settings: FetchSettings,
        schedule: Schedule[FetchRequest],
        breaker: Breaker,
        waiting_room: WaitingRoom,
        *,
        enqueue: Callable[[Pursuit], None],
        rng: random.Random,
    ) -> None:
        self._settings = settings
        self._schedule = schedule
        self._breaker = breaker
        self._waiting_room = waiting_room
        self._enqueue = enqueue
        self._rng = rng
        self._known = RobotsCache()
        self._asking: dict[Origin, RobotsRequest] = {}

    def find_rules(self, pursuit: Pursuit) -> RobotsGroup | FetchFault | None:
        """What is known of the pursuit's origin; None when it has to wait and is enqueued again later."""
        target = pursuit.target
        origin = target.origin
        known = self._known.get(origin, time.monotonic())
        if known is None:
            request = self._asking.get(origin)
            if request is None:
                request = self._asking[origin] = self._send(target, pursuit.probes)
            request.waiting.append(pursuit)
        return known

    def proceed(self, request: RobotsRequest, answer: Reply | Failure, pause_s: float | None) -> None:
        """Follow a redirect, ask again later, or let those who wait for it go on.

        Args:
            request: what was asked for.
            answer: what came.
            pause_s: how long the host asked to be left alone.
        """
        finding = self._read(request, answer)
        if isinstance(finding, Target):
            request.target, request.cookies = finding, answer.cookies if isinstance(answer, Reply) else None
            if request.show_request() in request.seen:  # a circle
                self._publish(request, ALLOW_ALL)
            else:
                self._schedule.push(finding.host, request, first=True)
            return
        if isinstance(finding, FetchFault) and self._breaker.explain(request.origin) is None:
            wait = plan_retry(finding._replace(retry_after_s=pause_s), request.attempts, self._settings, self._rng)
            if wait is not None:
                request.start_over(self._settings)
                self._schedule.push_later(time.monotonic() + wait, request.target.host, request)
                return
        self._publish(request, finding)

    def forget(self, request: RobotsRequest) -> None:
        """It ended without a finding."""
        self._asking.pop(request.origin, None)

    def leave(self, batch: Batch) -> Iterator[Pursuit]:
        """Let a batch's pursuits wait no longer; yields them. Requests that nobody waits for any more are forgotten."""
        for request in list(self._asking.values()):
            yield from (pursuit for pursuit in request.waiting if pursuit.batch is batch)
            request.waiting = [pursuit for pursuit in request.waiting if pursuit.batch is not batch]
            if not request.waiting:
                self.forget(request)

    def _send(self, target: Target, probes: Origin | None) -> RobotsRequest:
        file = make_robots_target(target)
        request = RobotsRequest(file, file, self._settings.total_timeout_s, origin=target.origin, probes=probes)
        self._schedule.push(file.host, request, first=True)
        return request

    def _read(self, request: RobotsRequest, answer: Reply | Failure) -> RobotsGroup | Target | FetchFault:
        if isinstance(answer, Failure):
            return explain_unread(answer.verdict, asked=answer.status is None and request.target.origin == request.origin)
        finding = read_robots(request.target, answer.status, answer.location, answer.body or b"", self._settings)
        return ALLOW_ALL if isinstance(finding, Target) and len(request.seen) > MAX_ROBOTS_REDIRECTS else finding

    def _publish(self, request: RobotsRequest, finding: RobotsGroup | FetchFault) -> None:
        self.forget(request)
        now = time.monotonic()
        is_down = isinstance(finding, FetchFault) and finding.can_heal and finding.reason in DOWN
        if not (is_down and isinstance(finding, FetchFault) and self._breaker.trip(request.origin, finding, now)):
            ttl = ROBOTS_TTL_S if isinstance(finding, RobotsGroup) else self._settings.breaker_pause_s
            self._known.put(request.origin, finding, now + ttl)
        for pursuit in request.waiting:
            self._waiting_room.drop_probe(pursuit)
            self._enqueue(pursuit)
