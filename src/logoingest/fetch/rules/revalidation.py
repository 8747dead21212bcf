"""Asking again for a picture that is there: under which conditions, and what the answer means for its row. Pure decisions.

Nothing is lost by asking: the bytes that are there stay, unless the same URL now gives others that are a usable picture.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Collection, Mapping
from email.utils import parsedate_to_datetime
from enum import StrEnum
from typing import Any, NamedTuple

from logoingest.fetch.jobs import Inspect
from logoingest.fetch.rules.policy import HEALING
from logoingest.schemas import Outcome, Reason

#: Columns of a row that asking again goes by.
KNOWN_COLUMNS = ("url", "final_url", "sha256", "etag", "last_modified")

_ETAG = re.compile(r'(W/)?("[\x21\x23-\x7e]*")')  # RFC 9110 §8.8.3, ASCII only
_MAX_ETAG = 1000
#: Statuses that ask for credentials: whether the picture is there remains open.
_ASKS_WHO = frozenset({401, 407})
#: What a host serves in the place of a picture that is gone.
_STANDS_IN = frozenset({Reason.NOT_IMAGE, Reason.PLACEHOLDER})
_HAS_NO_FALLBACK = {"fallback": None, "first_reason": None, "fallback_detail": None}


class RefreshResult(StrEnum):
    """What asking again found: column ``refreshed`` of ``downloads``."""

    CHANGED = "changed"
    """Other bytes, and they are a usable picture: they have replaced the old ones."""
    UNCHANGED = "unchanged"
    """The server said so (304), or sent the very same bytes."""
    GONE = "gone"
    """The host has it no longer, or gives it no longer: for good, as far as it says. The bytes are kept."""
    FAILED = "failed"
    """No answer that tells: it may be there. The bytes are kept."""


class Validators(NamedTuple):
    """What a server said its picture is known by, to be named to it again (RFC 9110 §8.8)."""

    url: str
    """The request they came in answer to: after redirects, as it went out. Nobody else is told them."""
    etag: str | None
    last_modified: str | None
    sha256: str | None = None
    """Of the bytes; for our own use."""


def choose_validators(row: Mapping[str, Any]) -> Validators:
    """The validators of a row of ``downloads``, those that could be sent.

    What is no entity tag, or no date, as RFC 9110 has them is left out: a server may take it for anything.
    """
    etag, date = row["etag"], row["last_modified"]
    etag = etag.strip() if etag and len(etag) <= _MAX_ETAG and _ETAG.fullmatch(etag.strip()) else None
    date = date.strip() if date and _is_date(date) else None
    return Validators(row["final_url"] or "", etag, date, row["sha256"])


def _is_date(text: str) -> bool:
    if not (text.isascii() and text.isprintable() and len(text) <= 64):
        return False
    try:
        parsedate_to_datetime(text)
    except (ValueError, TypeError, IndexError, OverflowError):
        return False
    return True


def make_conditions(validators: Validators | None, url: str) -> dict[str, str]:
    """The headers that make a request for ``url`` conditional (RFC 9110 §13.1.2 and 13.1.3); none for any other URL.

    Both are sent where both are known, weak tags as they came: a server that knows If-None-Match ignores the other.
    """
    if validators is None or validators.url != url:
        return {}
    pairs = (("if-none-match", validators.etag), ("if-modified-since", validators.last_modified))
    return {name: value for name, value in pairs if value is not None}


def is_confirmed(validators: Validators, etag: str | None) -> bool:
    """Whether a 304 that carries ``etag`` can be about the picture that was asked about: by weak comparison (§8.8.3.2).

    One that names another tag contradicts itself; then the picture itself must be asked for.
    """
    if validators.etag is None or etag is None:
        return True
    ours, theirs = (_ETAG.fullmatch(text.strip()) for text in (validators.etag, etag))
    return theirs is None or (ours is not None and ours[2] == theirs[2])


def mark_placeholders(inspect: Inspect, known: Collection[str], body: bytes) -> dict[str, Any]:
    """What ``inspect`` tells of a body; one of the ``known`` placeholders (sha256 or pixel_hash) is no usable picture."""
    facts = dict(inspect(body))
    if facts.get("pixel_hash") in known or hashlib.sha256(body).hexdigest() in known:
        facts |= {"image_reason": Reason.PLACEHOLDER.value, "image_detail": "a placeholder stands in its place"}
    return facts


def judge_answer(sha256: str | None, row: Mapping[str, Any]) -> RefreshResult:
    """What an answer means.

    Args:
        sha256: of the bytes that are there.
        row: how the URL ended now; a 304 has the outcome ok, that status, and no bytes.
    """
    if row["outcome"] == Outcome.OK:
        if row["http_status"] == 304 or row["sha256"] == sha256:
            return RefreshResult.UNCHANGED
        if row.get("image_reason") is None:
            return RefreshResult.CHANGED
        return RefreshResult.GONE if row["image_reason"] in _STANDS_IN else RefreshResult.FAILED
    if row["reason"] == Reason.HTTP_4XX:
        return RefreshResult.FAILED if row["http_status"] in HEALING | _ASKS_WHO else RefreshResult.GONE
    return RefreshResult.GONE if row["reason"] in {Reason.OPTED_OUT, Reason.HASH_MISMATCH} else RefreshResult.FAILED


def replace_row(known: Mapping[str, Any], row: Mapping[str, Any]) -> dict[str, Any]:
    """The new row of a picture that has changed."""
    return {
        **row,
        "refreshed": RefreshResult.CHANGED.value,
        "checked_at": row["fetched_at"],
        "previous_sha256": known["sha256"],
    }


def list_changes(known: Mapping[str, Any], row: Mapping[str, Any], finding: RefreshResult) -> dict[str, Any]:
    """The columns that change in the row of a picture whose bytes stay.

    Args:
        known: ``KNOWN_COLUMNS`` of the row that is there.
        row: how the URL ended now.
        finding: anything but changed.
    """
    changes: dict[str, Any] = {"refreshed": finding.value, "checked_at": row["fetched_at"], "detail": None}
    if finding is not RefreshResult.UNCHANGED:
        why = row["image_detail"] if row["outcome"] == Outcome.OK else row["detail"]
        return changes | {"detail": f"when asked again: {why or row.get('image_reason') or row.get('reason')}"}
    if row["http_status"] == 304:  # says only what is new (RFC 9111 §3.2)
        return changes | {name: row[name] or known[name] for name in ("etag", "last_modified")}
    return changes | _HAS_NO_FALLBACK | {name: row[name] for name in ("final_url", "etag", "last_modified", "content_type")}
