"""What every answer says about its host, apart from the URL: is it asked too much, does it want to be left alone, is it there at all?"""

from __future__ import annotations

import time

from logoingest.fetch.http.client import Failure, Reply
from logoingest.fetch.rules.breaker import DOWN, Breaker, Origin
from logoingest.fetch.rules.pace import Pace
from logoingest.fetch.rules.policy import HOPELESS, LEFT_ALONE, STRAINED_REASONS, STRAINED_STATUSES, FetchFault
from logoingest.fetch.rules.settings import FetchSettings
from logoingest.fetch.turns.outcomes import read_pause
from logoingest.fetch.turns.pursuit import FetchRequest, Pursuit
from logoingest.fetch.turns.schedule import Schedule
from logoingest.fetch.turns.waiting_room import WaitingRoom


class HostLimits:
    """Tells ``pace`` and ``breaker`` what they go by; what is queued for an origin that is given up goes to the waiting room."""

    def __init__(
        self, settings: FetchSettings, schedule: Schedule[FetchRequest], pace: Pace, breaker: Breaker, waiting_room: WaitingRoom
    ) -> None:
        self._settings = settings
        self._schedule = schedule
        self._pace = pace
        self._breaker = breaker
        self._waiting_room = waiting_room

    def learn(self, host: str, request: FetchRequest, answer: Reply | Failure, began: float) -> None:
        """Take note of an answer, or of its failing to come, to a request that ``began`` then."""
        now = time.monotonic()
        origin = request.target.origin
        is_probe, request.probes = request.probes == origin, None
        reason = answer.verdict.reason if isinstance(answer, Failure) else None
        is_hopeless = False
        if answer.status in STRAINED_STATUSES or reason in STRAINED_REASONS:
            is_hopeless = self._pace.note_strain(host, began, now)
        elif answer.status is not None:
            self._pace.note_answer(host, now)
        if isinstance(answer, Failure) and reason in DOWN:
            self._note_failure(origin, answer.verdict, now, is_probe=is_probe)
        elif self._breaker.note_answer(origin, now, is_probe=is_probe):
            self._waiting_room.call_up(origin)
        pause_s = read_pause(answer)
        if pause_s and pause_s <= self._settings.max_backoff_s:
            self._pace.pause(host, now + pause_s, now)
        elif pause_s:
            self._leave_alone(origin, LEFT_ALONE, now + pause_s)
        elif is_hopeless:
            self._leave_alone(origin, HOPELESS, now)

    def _note_failure(self, origin: Origin, verdict: FetchFault, now: float, *, is_probe: bool) -> None:
        was_open = self._breaker.explain(origin) is not None
        self._breaker.note_failure(origin, verdict, now, is_probe=is_probe)
        if not was_open and self._breaker.explain(origin) is not None:
            self._give_up(origin)
        if is_probe:
            self._waiting_room.review_all()

    def _give_up(self, origin: Origin) -> None:
        """Its circuit has opened: what is queued for it goes to the waiting room."""
        _, host, _ = origin
        self._pace.forgive(host)
        for request in self._schedule.drain(host, lambda request: isinstance(request, Pursuit) and request.target.origin == origin):
            if isinstance(request, Pursuit):
                self._waiting_room.add(request)

    def _leave_alone(self, origin: Origin, verdict: FetchFault, until: float) -> None:
        if self._breaker.trip(origin, verdict, until):
            self._give_up(origin)
