"""What may be tried in place of a dead URL, and in which order. Pure decisions; ``fallback_router`` carries them out.

A dead link is one that nobody serves any more. Whoever said no is not got round: not the robots.txt, not the opt-out header, not the
401 or 403.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from logoingest.fetch.rules.archive import make_lookup
from logoingest.fetch.rules.policy import HOPELESS, LEFT_ALONE, STRAINED_STATUSES, FetchFault, admit_url
from logoingest.fetch.rules.settings import FetchSettings
from logoingest.fetch.rules.targets import Target
from logoingest.schemas import Outcome, Reason
from logoingest.wording import cut_text

HTTPS, ALTERNATIVE, ARCHIVE = "https", "alternative", "archive"

#: The other URLs of one URL that are tried at most.
MAX_ALTERNATIVES = 8

#: Ways to be dead.
DEAD = frozenset(
    {
        Reason.DNS,
        Reason.CONNECT,
        Reason.TLS,
        Reason.PROTOCOL,
        Reason.TIMEOUT_CONNECT,
        Reason.TIMEOUT_READ,
        Reason.TIMEOUT_TOTAL,
        Reason.HTTP_4XX,
        Reason.HTTP_5XX,
        Reason.REDIRECT_LOOP,
        Reason.REDIRECT_REFUSED,
        Reason.EMPTY,
        Reason.HOST_DOWN,
        Reason.FILE_MISSING,
        Reason.NOT_IMAGE,
        Reason.TRUNCATED,
        Reason.DECODE_ERROR,
        Reason.HASH_MISMATCH,
    }
)
#: Statuses that are a no: not without leave, without payment, at all, by law, in this network.
REFUSALS = frozenset({401, 402, 403, 407, 451, 511})

_MAX_NOTE = 100
_MAX_NOTES = 600


class Ending(NamedTuple):
    """How an address turned out to be of no use."""

    reason: Reason
    detail: str
    status: int | None
    host: str = ""
    """Who was asked last."""

    @property
    def is_busy(self) -> bool:
        """Whether its host asked for less; then it is not asked for the same in another way."""
        return self.status in STRAINED_STATUSES or self.detail in {LEFT_ALONE.detail, HOPELESS.detail}


class Replacement(NamedTuple):
    """What is tried next: its kind, its name for people, and the first request, or why there is none."""

    kind: str
    label: str
    target: Target | FetchFault


def read_ending(row: Mapping[str, Any]) -> Ending | None:
    """How a row of ``downloads`` ended; None if it holds a usable picture."""
    if row["outcome"] == Outcome.OK:
        reason, detail = row.get("image_reason"), row.get("image_detail")
    else:
        reason, detail = row["reason"], row["detail"]
    return None if reason is None else Ending(Reason(reason), detail or "", row.get("http_status"))


def may_fall_back(kind: str, ending: Ending) -> bool:
    """Whether a fallback of this kind may heal a URL that ended so."""
    if ending.reason is Reason.BAD_URL:  # nothing to ask for under it, and nobody who said no
        return kind == ALTERNATIVE
    is_refusal = ending.reason in {Reason.HTTP_4XX, Reason.HTTP_5XX} and ending.status in REFUSALS
    return ending.reason in DEAD and not is_refusal


def list_replacements(
    own: Target, ending: Ending, alternatives: Sequence[str], settings: FetchSettings, now: datetime
) -> deque[Replacement]:
    """What is tried for a URL, in the order of ``settings.fallbacks``.

    Args:
        own: what the URL itself asks for; without a host if it is no URL.
        ending: how that ended. Nothing more is asked of a host that is busy.
        alternatives: the source row's other URLs; the first ``MAX_ALTERNATIVES`` count.
        settings: the fallbacks wanted.
        now: today, UTC.
    """
    found = deque[Replacement]()
    for kind in settings.fallbacks:
        if may_fall_back(kind, ending):
            found.extend(_make_candidates(kind, own, alternatives, settings, now))
    if not ending.is_busy:
        return found
    return deque(item for item in found if isinstance(item.target, FetchFault) or item.target.host != ending.host)


def _make_candidates(
    kind: str, own: Target, alternatives: Sequence[str], settings: FetchSettings, now: datetime
) -> Iterator[Replacement]:
    if kind == HTTPS and own.scheme == "http":
        yield Replacement(kind, kind, make_https(own, settings))
    elif kind == ALTERNATIVE:
        for number, url in enumerate(alternatives[:MAX_ALTERNATIVES], 1):
            yield Replacement(kind, f"alternative {number}", admit_url(url, settings))
    elif kind == ARCHIVE and own.scheme:  # it knows no files of ours
        yield Replacement(kind, kind, make_lookup(own, settings, now))


def make_https(target: Target, settings: FetchSettings) -> Target | FetchFault:
    """The same over TLS: port 443 in place of 80, any other port as it is. Credentials go along: it is their own host."""
    found = admit_url("https" + target.url.removeprefix("http"), settings)
    return found if isinstance(found, FetchFault) else found._replace(authorization=target.authorization)


def merge_alternatives(lists: Iterable[Sequence[str]], url: str) -> tuple[str, ...]:
    """The other URLs that the source rows of one URL name, whatever the order of the rows, ``MAX_ALTERNATIVES`` at most.

    First the rows' first ones, then their second ones; within those by text.
    """
    places: dict[str, int] = {}
    for others in lists:
        for place, other in enumerate(others):
            if other and other != url:
                places[other] = min(place, places.get(other, place))
    return tuple(sorted(places, key=lambda other: (places[other], other))[:MAX_ALTERNATIVES])


def describe_tries(notes: Sequence[str]) -> str:
    """``notes`` as one bounded line."""
    line = "; ".join(cut_text(note, _MAX_NOTE) for note in notes)
    return cut_text(line, _MAX_NOTES)
