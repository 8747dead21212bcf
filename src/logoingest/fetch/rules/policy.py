"""The decisions of fetching, apart from all I/O: is it allowed, which reason is it, is it tried again, and when?

Nothing here opens a socket, sleeps or reads a clock, except that a date in Retry-After is compared with the time it is given.
"""

from __future__ import annotations

import random
import re
from collections.abc import Collection, Sequence
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from ipaddress import IPv4Address
from typing import NamedTuple

from logoingest.fetch.rules.addresses import explain_refusal
from logoingest.fetch.rules.settings import FetchSettings
from logoingest.fetch.rules.targets import Target, UrlFault, join_target, parse_target
from logoingest.schemas import Reason

REDIRECTS = frozenset({301, 302, 303, 307, 308})
#: Statuses whose body is what was asked for, as browsers have it: all of 2xx (RFC 9110 §15: one that is unknown counts as 200) but those
#: that have none or say that it is not there yet. 206 where the range is the whole.
DELIVERIES = frozenset(range(200, 300)) - {202, 204, 205}
#: Statuses worth another attempt: the server was busy, restarting, or a middleman lost its origin.
HEALING = frozenset({408, 425, 429}) | (frozenset(range(500, 600)) - {501, 505, 506, 508, 510, 511})
#: Names that mean this machine or its cloud's metadata service; a proxy would resolve them on its own side.
LOCAL_NAMES = frozenset(
    {"localhost", "localhost.localdomain", "ip6-localhost", "ip6-loopback", "metadata.google.internal", "metadata", "instance-data"}
)

#: Directives of X-Robots-Tag that have a colon of their own, before which no robot's name stands.
_VALUED_DIRECTIVES = frozenset({"max-snippet", "max-image-preview", "max-video-preview", "unavailable_after"})
#: Statuses and reasons by which a host says, or shows, that it is asked too much.
STRAINED_STATUSES = frozenset({429, 503})
STRAINED_REASONS = frozenset({Reason.TIMEOUT_CONNECT, Reason.TIMEOUT_READ, Reason.TIMEOUT_TOTAL})


_RANGE = re.compile(r"\s*bytes\s+([0-9]{1,18})-([0-9]{1,18})/([0-9]{1,18})\s*", re.IGNORECASE)


class FetchFault(NamedTuple):
    """Why an attempt failed. ``detail`` is one line without times, ports of this machine or credentials."""

    reason: Reason
    detail: str
    can_heal: bool = False
    """Whether the same request may go better later."""
    retry_after_s: float | None = None
    """How long the server asked to be left alone."""


#: Why an address that is not public is not asked.
NOT_ALLOWED = "which fetch.allowed_networks does not allow"
#: What becomes of the URLs of a host that asked for a longer pause than config grants.
LEFT_ALONE = FetchFault(Reason.HOST_DOWN, "not asked: the host wants to be left alone for longer than fetch.max_backoff_s")
#: … and of one that refuses or times out however slowly it is asked.
HOPELESS = FetchFault(Reason.HOST_DOWN, "not asked: the host is overloaded or refuses us, however slowly it is asked")


def admit_url(url: str, settings: FetchSettings) -> Target | FetchFault:
    """What to request for a URL of the list, or why nothing is requested."""
    target = parse_target(url)
    if isinstance(target, UrlFault):
        return FetchFault(Reason.BAD_URL, target.detail)
    return _judge_target(target, settings) or target


def follow_redirect(target: Target, location: str, settings: FetchSettings) -> Target | FetchFault:
    """Where a redirect leads, or why it is not followed.

    https to http is followed, as browsers do for pictures: no credentials go along, since those stay with their origin.
    """
    following = join_target(target, location)
    if isinstance(following, UrlFault):
        return FetchFault(Reason.REDIRECT_REFUSED, f"redirect: {following.detail}")
    refusal = _judge_target(following, settings)
    return following if refusal is None else refusal._replace(detail=f"redirect to {refusal.detail}")


def judge_hop(request: tuple[str, str], seen: Collection[tuple[str, str]], settings: FetchSettings) -> FetchFault | None:
    """Whether a redirect may be one too many.

    Args:
        request: (URL, Cookie header) of the request to come; with another cookie it is another request.
        seen: those of every request of this attempt, the first included.
        settings: how many redirects are followed.
    """
    if request in seen:
        return FetchFault(Reason.REDIRECT_LOOP, "redirects go in a circle")
    if len(seen) > settings.max_redirects:
        return FetchFault(Reason.REDIRECT_LOOP, f"more than fetch.max_redirects = {settings.max_redirects} redirects")
    return None


def _judge_target(target: Target, settings: FetchSettings) -> FetchFault | None:
    """Literal addresses are judged here; names when they are resolved, at the moment of connecting (see ``client``)."""
    if target.address is not None:
        kind = explain_refusal(target.address, settings.allowed_networks)
        return None if kind is None else FetchFault(Reason.PRIVATE_ADDRESS, f"a {kind} address, {NOT_ALLOWED}")
    name = target.host.removesuffix(".")
    if (name in LOCAL_NAMES or name.endswith(".localhost")) and settings.choose_proxy(target) is not None:
        kind = explain_refusal(IPv4Address("127.0.0.1"), settings.allowed_networks)
        return (
            None if kind is None else FetchFault(Reason.PRIVATE_ADDRESS, f"a name of the local machine or network, {NOT_ALLOWED}")
        )
    return None


def judge_status(status: int, *, has_location: bool = False, relayed: bool = False) -> FetchFault | None:
    """What a status means on its own; None for one that brings what was asked for and for a redirect that can be followed.

    ``relayed``: a proxy handed it on, so that 407 is the proxy's own.
    """
    if status in DELIVERIES or (status in REDIRECTS and has_location):
        return None
    detail = f"HTTP {status}"
    if status == 202:
        return FetchFault(Reason.PROTOCOL, f"{detail}, it is not ready yet", can_heal=True)
    if status in (204, 205):
        return FetchFault(Reason.EMPTY, f"{detail}, no content")
    if status == 407 and relayed:
        return FetchFault(Reason.PROXY, "the proxy asks for a user and password (407)")
    if 400 <= status < 500:
        return FetchFault(Reason.HTTP_4XX, detail, can_heal=status in HEALING)
    if 500 <= status < 600:
        return FetchFault(Reason.HTTP_5XX, detail, can_heal=status in HEALING)
    if status in REDIRECTS:
        return FetchFault(Reason.PROTOCOL, f"{detail} without a Location")
    return FetchFault(Reason.PROTOCOL, f"{detail} is no answer to a plain GET")


def judge_range(content_range: str | None) -> FetchFault | None:
    """Whether a 206 brings the whole: ``bytes 0-(n-1)/n`` (RFC 9110 §14.4)."""
    match = _RANGE.fullmatch(content_range or "")
    if match is not None and int(match[1]) == 0 and int(match[2]) + 1 == int(match[3]):
        return None
    return FetchFault(Reason.PROTOCOL, "HTTP 206 brings only a part, which was not asked for")


def judge_opt_out(robots_tags: Sequence[str], tdm_reservation: str | None, settings: FetchSettings) -> FetchFault | None:
    """Whether the answer's headers say that its picture is not to be used for such a purpose.

    Args:
        robots_tags: values of X-Robots-Tag, one a header line. Directives may be meant for one robot only
            (``otherbot: noindex, nofollow``); a robot's name holds until the next one. ``none`` means noindex, too.
        tdm_reservation: value of TDM-Reservation (W3C TDM Reservation Protocol, §6.1): 1 reserves the right of text and data
            mining.
        settings: which directives count, and the names we go by.
    """
    for line in robots_tags:
        name = ""
        for part in line.lower().split(","):
            before, colon, after = part.partition(":")
            if colon and before.strip() not in _VALUED_DIRECTIVES:
                name, part = before.strip(), after  # noqa: PLW2901
            directive = part.strip()
            counts = directive in settings.opt_out_headers or (directive == "none" and "noindex" in settings.opt_out_headers)
            if counts and (not name or name == "*" or name in settings.product_tokens):
                return FetchFault(Reason.OPTED_OUT, f"X-Robots-Tag: {directive}")
    if tdm_reservation is not None and tdm_reservation.strip() == "1" and "tdm-reservation" in settings.opt_out_headers:
        return FetchFault(Reason.OPTED_OUT, "TDM-Reservation: 1")
    return None


def parse_retry_after(text: str | None, now: datetime) -> float | None:
    """Seconds from ``now`` that a Retry-After header (RFC 9110 §10.2.3: seconds or a date) asks for, ≥ 0; None if it says nothing."""
    if not text:
        return None
    text = text.strip()
    if text.isascii() and text.isdigit():
        return float(text[:9])
    try:
        due = parsedate_to_datetime(text)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    if due.tzinfo is None:
        due = due.replace(tzinfo=UTC)
    return max(0.0, (due - now).total_seconds())


def plan_retry(verdict: FetchFault, attempts: int, settings: FetchSettings, rng: random.Random) -> float | None:
    """Seconds to wait before the next attempt; None when there is none.

    Exponential backoff with full jitter (Brooker, "Exponential Backoff And Jitter"): anywhere between 0 and
    ``backoff_s`` · 2^(attempts-1), at most ``max_backoff_s``, and never sooner than the server asked for.
    """
    if not verdict.can_heal or attempts >= settings.max_attempts or asks_too_long(verdict, settings):
        return None
    ceiling = min(settings.max_backoff_s, settings.backoff_s * 2.0 ** (attempts - 1))
    return max(rng.uniform(0.0, ceiling), verdict.retry_after_s or 0.0)


def asks_too_long(verdict: FetchFault, settings: FetchSettings) -> bool:
    """Whether the server asked for a longer pause than config grants."""
    return verdict.retry_after_s is not None and verdict.retry_after_s > settings.max_backoff_s


def finish_verdict(verdict: FetchFault, settings: FetchSettings) -> FetchFault:
    """The verdict as the table keeps it: a pause that was not granted is part of the story."""
    if verdict.can_heal and asks_too_long(verdict, settings):
        return verdict._replace(detail=f"{verdict.detail}; asked to wait longer than fetch.max_backoff_s")
    return verdict
