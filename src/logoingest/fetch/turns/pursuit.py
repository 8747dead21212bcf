"""What is under way: a batch of URLs, the pursuit of one of them, its detour, the request for a robots.txt.

State only; ``fetcher`` and ``fallback_router`` move it.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeAlias

from logoingest.fetch.http.cookies import write_cookies
from logoingest.fetch.rules.breaker import Origin
from logoingest.fetch.rules.fallbacks import ARCHIVE, Replacement
from logoingest.fetch.rules.policy import FetchFault
from logoingest.fetch.rules.revalidation import Validators, is_confirmed, make_conditions
from logoingest.fetch.rules.settings import FetchSettings
from logoingest.fetch.rules.targets import Target

if TYPE_CHECKING:
    import httpx

#: A finished row, as it will stand in the table.
OnOutcome: TypeAlias = Callable[[dict[str, Any]], None]
#: Takes a URL's place in the list and its finished row, which is its own from then on.
TakeRow: TypeAlias = Callable[[int, dict[str, Any]], None]

NOWHERE = Target("", "", "", 0, None)


@dataclass(eq=False, slots=True)
class Batch:
    """The URLs of one call of ``Fetcher.fetch_into``."""

    take_row: TakeRow
    left: int
    on_outcome: OnOutcome | None
    done: asyncio.Future[None]
    alternatives: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """URL → the other URLs its source rows give."""
    expected: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """URL → the hashes that its bytes must have, whoever serves them."""
    validators: Mapping[str, Validators] = field(default_factory=dict)
    """URL → what its picture is known by, where it is there already and is asked for again."""
    waiting: dict[Origin, list[Pursuit]] = field(default_factory=dict)
    """Those whose origin is down; they wait for everything else."""
    waiting_count: int = 0
    probed: set[Origin] = field(default_factory=set)
    """Origins that were down and had their second chance."""
    review_due: bool = False

    @property
    def has_only_waiting(self) -> bool:
        """Whether all that is left waits for origins that are down."""
        return 0 < self.left == self.waiting_count


@dataclass(eq=False, slots=True)
class FetchRequest:
    """Something to be got with as many requests as redirects and retries ask for: what has been tried, and what comes next."""

    first: Target
    target: Target
    budget_s: float
    took_s: float = 0.0
    """Spent in its requests so far, all attempts and redirects together."""
    attempts: int = 0
    status: int | None = None
    final_url: str | None = None
    seen: set[tuple[str, str]] = field(default_factory=set)
    cookies: httpx.Cookies | None = None
    probes: Origin | None = None
    """The origin whose circuit is open and whose one probe this is."""

    @property
    def is_asking(self) -> bool:
        """Whether what it requests is a text about pictures and no picture."""
        return True

    @property
    def is_archived(self) -> bool:
        """Whether an archive is asked."""
        return False

    def list_conditions(self) -> dict[str, str]:
        """The headers that make its next request conditional."""
        return {}

    def list_batches(self) -> list[Batch]:
        """For whom it is."""
        return []

    def show_request(self) -> tuple[str, str]:
        """What tells one request from another: URL and Cookie header."""
        return self.target.url, write_cookies(self.cookies, self.target)

    def start_over(self, settings: FetchSettings) -> None:
        """Another attempt, from the first URL on."""
        self.target, self.cookies = self.first, None
        self.seen.clear()
        self.budget_s = settings.total_timeout_s


@dataclass(eq=False, slots=True)
class Detour:
    """The way a pursuit goes once its own URL has turned out to be dead."""

    target: Target
    """What the URL itself asked for."""
    row: dict[str, Any]
    """How that ended, as a row without its bytes: too many could wait here."""
    left: deque[Replacement]
    current: Replacement
    notes: list[str] = field(default_factory=list)
    """What was tried and how it ended, for people."""
    attempts: int = 0
    """Requests made for what is over."""
    asked: set[str] = field(default_factory=set)
    """URLs that were asked for: nobody is asked for the same twice."""
    is_asking: bool = False
    """What is requested now is the archive's look-up, not a picture."""

    @property
    def is_archived(self) -> bool:
        """Whether the archive is asked."""
        return self.current.kind == ARCHIVE


@dataclass(eq=False, slots=True, kw_only=True)
class Pursuit(FetchRequest):
    """One URL of a batch."""

    batch: Batch
    index: int
    url: str
    verdict: FetchFault | None = None
    """How its last attempt ended, if it waits for another."""
    validators: Validators | None = None
    """What its picture, which is there, is known by."""
    detour: Detour | None = None

    @property
    def is_asking(self) -> bool:
        """Whether it requests an archive's answer about its picture."""
        return self.detour is not None and self.detour.is_asking

    @property
    def is_archived(self) -> bool:
        """Whether an archive is asked."""
        return self.detour is not None and self.detour.is_archived

    def list_conditions(self) -> dict[str, str]:
        """See ``FetchRequest``."""
        return make_conditions(self.validators, self.target.url)

    def is_unchanged(self, status: int, etag: str | None) -> bool:
        """Whether an answer to its conditions says that its picture is as it was."""
        return (
            status == 304 and self.validators is not None and bool(self.list_conditions()) and is_confirmed(self.validators, etag)
        )

    def set_out(self, target: Target, settings: FetchSettings) -> None:
        """Ask for something else from now on, as if nothing had been asked for before."""
        self.first, self.attempts, self.verdict = target, 0, None
        self.status = self.final_url = None
        self.start_over(settings)

    def list_batches(self) -> list[Batch]:
        """The one it belongs to."""
        return [self.batch]


@dataclass(eq=False, slots=True, kw_only=True)
class RobotsRequest(FetchRequest):
    """One origin's robots.txt, and the URLs that wait for it."""

    origin: Origin
    waiting: list[Pursuit] = field(default_factory=list)

    def list_batches(self) -> list[Batch]:
        """Those of the URLs that wait."""
        return [pursuit.batch for pursuit in self.waiting]


@dataclass(eq=False, slots=True)
class Exchange:
    """One HTTP request and its answer. The request it is of may have its next one before this one has come to its end."""

    host: str
    request: FetchRequest
    holds_slot: bool = True
