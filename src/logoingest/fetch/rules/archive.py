"""The Internet Archive's two doors: which copy there is of a URL, and its bytes as they were archived. Pure.

The look-up is the Wayback Availability API (https://archive.org/help/wayback_api.php): ``?url=…&timestamp=…`` answers ::

    {"archived_snapshots": {"closest": {"available": true, "url": "http://web.archive.org/web/20130919044612/http://example.com/",
                                        "timestamp": "20130919044612", "status": "200"}}}

or ``{"archived_snapshots": {}}``. Of an answer only the timestamp is used, and only if the copy is of the URL that was asked for:
where to go with it is put together here, from the config. ``id_`` behind the timestamp gives the bytes without the archive's
changes.
"""

from __future__ import annotations

import json
import re
from datetime import datetime
from typing import Any
from urllib.parse import quote, unquote

from logoingest.fetch.rules.addresses import explain_refusal
from logoingest.fetch.rules.policy import LOCAL_NAMES, FetchFault, admit_url
from logoingest.fetch.rules.settings import FetchSettings
from logoingest.fetch.rules.targets import Target, UrlFault, parse_target
from logoingest.schemas import Reason

#: An answer of the look-up is some 300 bytes; a longer one than this is none.
MAX_ANSWER_BYTES = 64_000

_COPY = re.compile(r"/[0-9]{4,14}(?:[a-z]{2}_)?/(.+)", re.DOTALL)
_WWW = re.compile(r"www\d*\.")
_NO_COPY = FetchFault(Reason.HTTP_4XX, "it has no copy")
_NO_ANSWER = FetchFault(Reason.PROTOCOL, "its look-up gave no answer of the kind its API describes")


def make_lookup(target: Target, settings: FetchSettings, now: datetime) -> Target | FetchFault:
    """The question for a copy of ``target``, or why it is not asked.

    The URL is named without its scheme: copies are filed without it, and with ``https://`` the look-up misses some
    (internetarchive/wayback issue 296). A timestamp always goes along; without one it sometimes answers that there is nothing.

    Args:
        target: the dead URL.
        settings: where the archive is, and of when the copy should be; otherwise the newest.
        now: today, UTC.
    """
    copies = parse_target(settings.archive_content_url)
    is_copy = isinstance(copies, Target) and copies.origin == target.origin
    refusal = "the URL is the archive's own" if is_copy else explain_secrecy(target)
    if refusal is not None:
        return FetchFault(Reason.BAD_URL, f"not asked: {refusal}")
    timestamp = settings.archive_date or now.strftime("%Y%m%d")
    name = quote(target.url.partition("://")[2], safe="/:")
    joint = "&" if "?" in settings.archive_url else "?"
    return admit_url(f"{settings.archive_url}{joint}url={name}&timestamp={timestamp}", settings)


def explain_secrecy(target: Target) -> str | None:
    """Why a third party is not told of a URL, which it could not have seen anyway; None for one of the public web."""
    if target.authorization is not None:
        return "the URL holds credentials"
    if target.address is not None:
        is_public = explain_refusal(target.address, ()) is None
    else:
        name = target.host.removesuffix(".")
        is_public = "." in name and name not in LOCAL_NAMES and not name.endswith((".localhost", ".local", ".internal"))
    return None if is_public else "the URL is one of a private network"


def read_lookup(body: bytes, target: Target) -> str | FetchFault:
    """The timestamp (14 digits) of the copy that an answer speaks of, or why there is none to be used.

    Args:
        body: the answer; a stranger's bytes.
        target: what was asked for. A copy of another URL is not used; scheme, ``www.``, letter case and the order of a query do
            not make it another (the archive files them as one), another query does.
    """
    if len(body) > MAX_ANSWER_BYTES:
        return _NO_ANSWER
    try:
        answer = json.loads(body)
    except (ValueError, RecursionError):
        return _NO_ANSWER
    snapshots = answer.get("archived_snapshots") if isinstance(answer, dict) else None
    if not isinstance(snapshots, dict):
        return _NO_ANSWER
    closest = snapshots.get("closest")
    return _judge_copy(closest, target) if isinstance(closest, dict) else _NO_COPY


def _judge_copy(copy: dict[str, Any], target: Target) -> str | FetchFault:
    timestamp, status, url = copy.get("timestamp"), copy.get("status"), copy.get("url")
    if copy.get("available") is not True:
        return _NO_COPY
    if not (isinstance(timestamp, str) and re.fullmatch(r"[0-9]{14}", timestamp) and isinstance(url, str)):
        return _NO_ANSWER
    if str(status) != "200":
        shown = status if isinstance(status, str) and re.fullmatch(r"[0-9]{3}", status) else "unknown"
        return FetchFault(Reason.HTTP_4XX, f"its copy is one of an error (status {shown})")
    match = _COPY.search(url)
    if match is None or _make_key(match[1]) != _make_key(target.url):
        return FetchFault(Reason.HTTP_4XX, "its copy is of another URL")
    return timestamp


def _make_key(url: str) -> tuple[str, int, str, tuple[str, ...]] | None:
    """What the archive files a URL under, near enough; None when it is none."""
    found = parse_target(url if "://" in url.partition("?")[0] else f"http://{url}")
    if isinstance(found, UrlFault):
        return None
    path, _, query = found.url.partition("://")[2].partition("/")[2].partition("?")
    port = 0 if found.port in (80, 443) else found.port
    return _WWW.sub("", found.host, count=1), port, unquote(path).lower().rstrip("/"), tuple(sorted(query.lower().split("&")))


def make_copy_target(timestamp: str, target: Target, settings: FetchSettings) -> Target | FetchFault:
    """Where the bytes of a copy are."""
    return admit_url(f"{settings.archive_content_url.rstrip('/')}/{timestamp}id_/{target.url}", settings)
