"""What becomes of a URL that is dead: its pursuit goes on to the fallbacks, one after the other, and its row says so.

A detour's requests are like all others: each goes through the same checks, robots.txt, pace, breaker and deadlines.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from logoingest.fetch.rules.archive import make_copy_target, read_lookup
from logoingest.fetch.rules.fallbacks import describe_tries, list_replacements, read_ending
from logoingest.fetch.rules.pace import Pace
from logoingest.fetch.rules.policy import FetchFault
from logoingest.fetch.rules.settings import FetchSettings
from logoingest.fetch.rules.targets import Target
from logoingest.fetch.turns.pursuit import Detour, Pursuit
from logoingest.schemas import Outcome, Reason

_LED_AWAY = FetchFault(Reason.REDIRECT_REFUSED, "it led to another host")
_HEADERS_OF_ITS_OWN = {"etag": None, "last_modified": None}  # they say nothing about the URL of the row


class FallbackRouter:
    """Moves pursuits from one address to the next; ``settings.fallbacks`` says which there are."""

    def __init__(self, settings: FetchSettings, pace: Pace) -> None:
        self._settings = settings
        self._pace = pace

    def divert(self, pursuit: Pursuit, row: Mapping[str, Any]) -> bool:
        """Point the pursuit, whose present address ended with ``row``, at its next one; False when it is at its end."""
        ending = read_ending(row)
        if ending is None:
            return False
        detour = pursuit.detour
        if detour is None:
            ending = ending._replace(host=pursuit.target.host)
            alternatives = pursuit.batch.alternatives.get(pursuit.url, ())
            left = list_replacements(pursuit.first, ending, alternatives, self._settings, datetime.now(UTC))
            if not left:
                return False
            detour = pursuit.detour = Detour(pursuit.first, {**row, "bytes": None}, left, left[0])
        else:
            detour.notes.append(f"{detour.current.label}: {ending.detail}")
            if ending.reason is Reason.OPTED_OUT:  # it said so of the picture, not of one address
                detour.left.clear()
        self._close_leg(pursuit, detour)
        return self._enter_next(pursuit, detour)

    def read_answer(self, pursuit: Pursuit, body: bytes | None) -> FetchFault | None:
        """Take the archive's answer: None when the pursuit goes on to the copy it speaks of."""
        detour = pursuit.detour
        assert detour is not None, "whoever asks the archive is on a detour"
        timestamp = read_lookup(body or b"", detour.target)
        copy = timestamp if isinstance(timestamp, FetchFault) else make_copy_target(timestamp, detour.target, self._settings)
        if isinstance(copy, FetchFault):
            return copy
        self._close_leg(pursuit, detour)
        detour.is_asking = False
        self._request(pursuit, detour, copy)
        return None

    def judge_redirect(self, pursuit: Pursuit, following: Target) -> FetchFault | None:
        """Whether a redirect leads away from what was to be asked: the archive's own words only are the archive's."""
        is_away = pursuit.detour is not None and pursuit.detour.is_archived and following.host != pursuit.first.host
        return _LED_AWAY if is_away else None

    def conclude(self, pursuit: Pursuit, row: dict[str, Any]) -> dict[str, Any]:
        """The row of a pursuit at its end: what served its picture, or why its own URL did not and what else was tried."""
        detour = pursuit.detour
        if detour is None:
            return row
        own, attempts = detour.row, detour.attempts + pursuit.attempts
        reason, detail = ("image_reason", "image_detail") if own["outcome"] == Outcome.OK else ("reason", "detail")
        if read_ending(row) is None:
            told = describe_tries([own[detail] or "", *detour.notes])
            found = {"fallback": detour.current.kind, "first_reason": own[reason], "fallback_detail": told, "attempts": attempts}
            return row | _HEADERS_OF_ITS_OWN | found
        told = f"{own[detail]}; fallbacks: {describe_tries(detour.notes)}" if detour.notes else own[detail]
        return own | {"attempts": attempts, "elapsed_ms": row["elapsed_ms"], "fetched_at": row["fetched_at"], detail: told}

    def _close_leg(self, pursuit: Pursuit, detour: Detour) -> None:
        detour.asked |= {url for url, _ in pursuit.seen} | {pursuit.first.url}
        detour.attempts += pursuit.attempts
        pursuit.attempts = 0

    def _enter_next(self, pursuit: Pursuit, detour: Detour) -> bool:
        while detour.left:
            detour.current = candidate = detour.left.popleft()
            if isinstance(candidate.target, FetchFault):
                detour.notes.append(f"{candidate.label}: {candidate.target.detail}")
            elif candidate.target.url not in detour.asked:
                detour.is_asking = detour.is_archived
                self._request(pursuit, detour, candidate.target)
                return True
        return False

    def _request(self, pursuit: Pursuit, detour: Detour, target: Target) -> None:
        pursuit.set_out(target, self._settings)
        if detour.is_archived and self._settings.archive_delay_s:
            delay_s = self._settings.archive_delay_s * self._settings.shares
            self._pace.set_delay(target.host, delay_s, time.monotonic())
