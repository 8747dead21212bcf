"""Visits: who is in, since a one-time link or a password let them in, until they have been away for long."""

from __future__ import annotations

import hmac
import secrets
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from logoingest.web.access.rates import RateLimit

AWAY_S = 12 * 3600.0
"""A visit without a request for so long is over."""

_MOST = 200
_PER_S, _BURST = 200.0, 600.0


@dataclass
class Visit:
    """Somebody who is in."""

    by: str
    """Their name, which stands beside what they decide."""
    is_named: bool
    """By a password: the name is not theirs to change."""
    key: str = field(default_factory=lambda: secrets.token_urlsafe(32))
    """The cookie's value."""
    csrf: str = field(default_factory=lambda: secrets.token_urlsafe(32))
    """What their pages send along with what they change."""
    seen_at: float = 0.0
    rate: RateLimit = field(default_factory=lambda: RateLimit(_PER_S, _BURST))

    def is_own(self, csrf: str) -> bool:
        """Whether a request comes from one of their pages."""
        return hmac.compare_digest(self.csrf.encode(), csrf.encode("utf-8", "surrogatepass"))


class Visits:
    """All visits of a server, and the one link that starts the next."""

    def __init__(self, announce: Callable[[str], None], clock: Callable[[], float] = time.monotonic) -> None:
        """``announce`` is told the token of each new link."""
        self._announce, self._clock, self._lock = announce, clock, threading.Lock()
        self._visits: dict[str, Visit] = {}
        self._token: str | None = None

    def offer_link(self) -> None:
        """Make a link that lets one browser in; an earlier one is of no use any more."""
        with self._lock:
            self._token = secrets.token_urlsafe(32)
        self._announce(self._token)

    def use_link(self, token: str, by: str) -> Visit | None:
        """The visit that the link starts; None where it is wrong, or used. The next link is announced."""
        with self._lock:
            is_right = self._token is not None and hmac.compare_digest(self._token.encode(), token.encode("utf-8", "surrogatepass"))
            if is_right:
                self._token = None
        if not is_right:
            return None
        self.offer_link()
        return self.start(by, is_named=False)

    def start(self, by: str, *, is_named: bool) -> Visit:
        """A visit of somebody who is known."""
        visit = Visit(by, is_named, seen_at=self._clock())
        with self._lock:
            self._visits[visit.key] = visit
            for key in sorted(self._visits, key=lambda key: self._visits[key].seen_at)[:-_MOST]:
                del self._visits[key]
        return visit

    def find(self, key: str) -> Visit | None:
        """The visit of a cookie; None where there is none, or it is over."""
        with self._lock:
            visit = self._visits.get(key)
            if visit is None:
                return None
            if self._clock() - visit.seen_at > AWAY_S:
                del self._visits[key]
                return None
            visit.seen_at = self._clock()
            return visit

    def end(self, visit: Visit) -> None:
        """Let somebody out."""
        with self._lock:
            self._visits.pop(visit.key, None)
