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
    RobotRules,
    RobotsCache,
    explain_unread,
    make_robots_target,
    read_robots,
)
from logoingest.fetch.rules.settings import FetchSettings
from logoingest.fetch.rules.targets import Target
from logoingest.fetch.turns.bench import Bench
from logoingest.fetch.turns.pursuit import Batch, Errand, Pursuit, RobotsErrand
from logoingest.fetch.turns.schedule import Schedule


class RobotsDesk:
    """Rules by origin, and the errands for those that are not known yet. Errands go through the schedule like pictures."""

    def __init__(
        self,
        settings: FetchSettings,
        schedule: Schedule[Errand],
        breaker: Breaker,
        bench: Bench,
        *,
        enqueue: Callable[[Pursuit], None],
        rng: random.Random,
    ) -> None:
        self._settings = settings
        self._schedule = schedule
        self._breaker = breaker
        self._bench = bench
        self._enqueue = enqueue
        self._rng = rng
        self._known = RobotsCache()
        self._asking: dict[Origin, RobotsErrand] = {}

    def find_rules(self, pursuit: Pursuit) -> RobotRules | FetchFault | None:
        """What is known of the pursuit's origin; None when it has to wait and is enqueued again later."""
        target = pursuit.target
        origin = target.origin
        known = self._known.get(origin, time.monotonic())
        if known is None:
            errand = self._asking.get(origin)
            if errand is None:
                errand = self._asking[origin] = self._send(target, pursuit.probes)
            errand.waiting.append(pursuit)
        return known

    def proceed(self, errand: RobotsErrand, answer: Reply | Failure, pause_s: float | None) -> None:
        """Follow a redirect, ask again later, or let those who wait for it go on.

        Args:
            errand: what was asked for.
            answer: what came.
            pause_s: how long the host asked to be left alone.
        """
        finding = self._read(errand, answer)
        if isinstance(finding, Target):
            errand.target, errand.cookies = finding, answer.cookies if isinstance(answer, Reply) else None
            if errand.show_request() in errand.seen:  # a circle
                self._publish(errand, ALLOW_ALL)
            else:
                self._schedule.push(finding.host, errand, first=True)
            return
        if isinstance(finding, FetchFault) and self._breaker.explain(errand.origin) is None:
            wait = plan_retry(finding._replace(retry_after_s=pause_s), errand.attempts, self._settings, self._rng)
            if wait is not None:
                errand.start_over(self._settings)
                self._schedule.push_later(time.monotonic() + wait, errand.target.host, errand)
                return
        self._publish(errand, finding)

    def forget(self, errand: RobotsErrand) -> None:
        """It ended without a finding."""
        self._asking.pop(errand.origin, None)

    def leave(self, batch: Batch) -> Iterator[Pursuit]:
        """Let a batch's pursuits wait no longer; yields them. Errands that nobody waits for any more are forgotten."""
        for errand in list(self._asking.values()):
            yield from (pursuit for pursuit in errand.waiting if pursuit.batch is batch)
            errand.waiting = [pursuit for pursuit in errand.waiting if pursuit.batch is not batch]
            if not errand.waiting:
                self.forget(errand)

    def _send(self, target: Target, probes: Origin | None) -> RobotsErrand:
        file = make_robots_target(target)
        errand = RobotsErrand(file, file, self._settings.total_timeout_s, origin=target.origin, probes=probes)
        self._schedule.push(file.host, errand, first=True)
        return errand

    def _read(self, errand: RobotsErrand, answer: Reply | Failure) -> RobotRules | Target | FetchFault:
        if isinstance(answer, Failure):
            return explain_unread(answer.verdict, asked=answer.status is None and errand.target.origin == errand.origin)
        finding = read_robots(errand.target, answer.status, answer.location, answer.body or b"", self._settings)
        return ALLOW_ALL if isinstance(finding, Target) and len(errand.seen) > MAX_ROBOTS_REDIRECTS else finding

    def _publish(self, errand: RobotsErrand, finding: RobotRules | FetchFault) -> None:
        self.forget(errand)
        now = time.monotonic()
        is_down = isinstance(finding, FetchFault) and finding.can_heal and finding.reason in DOWN
        if not (is_down and isinstance(finding, FetchFault) and self._breaker.trip(errand.origin, finding, now)):
            ttl = ROBOTS_TTL_S if isinstance(finding, RobotRules) else self._settings.breaker_pause_s
            self._known.put(errand.origin, finding, now + ttl)
        for pursuit in errand.waiting:
            self._bench.drop_probe(pursuit)
            self._enqueue(pursuit)
