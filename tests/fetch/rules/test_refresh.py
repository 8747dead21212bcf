"""Asking again, decided: what a server is told of what we have, and what its answer means. No network."""

from __future__ import annotations

import datetime as dt
import hashlib
from email.utils import format_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from logoingest.fetch.rules.revalidation import (
    RefreshResult,
    Validators,
    choose_validators,
    is_confirmed,
    judge_answer,
    list_changes,
    make_conditions,
    mark_placeholders,
    replace_row,
)
from logoingest.schemas import Reason

URL = "http://h.test/a.jpg"
DATE = "Thu, 09 Oct 2025 07:30:20 GMT"
NOW = dt.datetime(2026, 1, 2, tzinfo=dt.UTC)


def known(**changes):
    return {"url": URL, "final_url": URL, "sha256": "old", "etag": '"v1"', "last_modified": DATE} | changes


def answer(outcome="ok", status=200, **changes):
    row = {"outcome": outcome, "http_status": status, "reason": None, "detail": None, "sha256": "new", "image_reason": None}
    headers = {"image_detail": None, "final_url": URL, "etag": None, "last_modified": None, "content_type": "image/jpeg"}
    return row | headers | {"fetched_at": NOW, "bytes": b"new"} | changes


def failure(reason, status=None, detail="why"):
    return answer("failed", status, reason=str(reason), detail=detail, sha256=None, bytes=None)


@pytest.mark.parametrize("etag", ['"v1"', 'W/"v1"', '""', '"a,b"', '"%20#~"'])
def test_tags_go_back_as_they_came(etag):
    """Strong or weak, with whatever RFC 9110 §8.8.3 allows between the quotes; both headers where both are known."""
    found = make_conditions(choose_validators(known(etag=etag)), URL)
    assert found == {"if-none-match": etag, "if-modified-since": DATE}


@pytest.mark.parametrize(
    "etag", ["*", "v1", '"a"b"', '"a', 'w/"a"', '"a b"', '"ä"', '"a\r\nX: y"', '"' + "x" * 2000 + '"', "", None]
)
def test_what_is_no_tag_is_not_sent(etag):
    """An asterisk would mean any picture at all; a line end another header."""
    assert make_conditions(choose_validators(known(etag=etag)), URL) == {"if-modified-since": DATE}
    assert make_conditions(choose_validators(known(etag=etag, last_modified=None)), URL) == {}


@pytest.mark.parametrize("date", ["yesterday", "0", "", None, f"{DATE}\r\nX: y", "9" * 500, "Thu, 99 Oct 2025 07:30:20 GMT"])
def test_what_is_no_date_is_not_sent(date):
    """Nor is a date that does not exist."""
    assert make_conditions(choose_validators(known(last_modified=date)), URL) == {"if-none-match": '"v1"'}


def test_conditions_are_for_the_address_that_gave_them():
    """A redirect on the way to it, or another address, is told nothing: equal tags of two addresses mean nothing."""
    validators = choose_validators(known(final_url="http://cdn.test/a.jpg"))
    assert make_conditions(validators, "http://cdn.test/a.jpg")
    assert make_conditions(validators, URL) == {}
    assert make_conditions(None, URL) == {}
    assert make_conditions(choose_validators(known(final_url=None)), URL) == {}


@given(st.text(max_size=30), st.text(max_size=40))
def test_conditions_never_end_their_line(etag, date):
    """Whatever stands in a shard, one header stays one header."""
    for value in make_conditions(choose_validators(known(etag=etag, last_modified=date)), URL).values():
        assert value.isascii()
        assert value.isprintable()


@given(st.integers(0, 4_000_000_000))
def test_every_date_a_server_writes_goes_back(seconds):
    """In the form all of them use (IMF-fixdate)."""
    text = format_datetime(dt.datetime.fromtimestamp(seconds, dt.UTC), usegmt=True)
    assert make_conditions(choose_validators(known(etag=None, last_modified=text)), URL) == {"if-modified-since": text}


@pytest.mark.parametrize(
    ("ours", "theirs", "is_about_it"),
    [
        ('"v1"', '"v1"', True),
        ('W/"v1"', '"v1"', True),
        ('"v1"', 'W/"v1"', True),
        ('"v1"', None, True),
        ('"v1"', "v1", True),  # no tag at all: it says nothing
        ('"v1"', '"v2"', False),
        ('W/"v1"', 'W/"v2"', False),
        (None, '"v2"', True),  # asked by date alone
    ],
)
def test_a_304_is_believed_unless_it_names_another_tag(ours, theirs, is_about_it):
    """By weak comparison, as If-None-Match is defined (RFC 9110 §13.1.2)."""
    assert is_confirmed(Validators(URL, ours, DATE), theirs) is is_about_it


@pytest.mark.parametrize(
    ("row", "finding"),
    [
        (answer(status=304, sha256=None, bytes=None), RefreshResult.UNCHANGED),
        (answer(sha256="old"), RefreshResult.UNCHANGED),
        (answer(sha256="old", image_reason="decode_error"), RefreshResult.UNCHANGED),
        (answer(), RefreshResult.CHANGED),
        (answer(image_reason="not_image"), RefreshResult.GONE),
        (answer(image_reason="placeholder"), RefreshResult.GONE),
        (answer(image_reason="truncated"), RefreshResult.FAILED),
        (answer(image_reason="decode_error"), RefreshResult.FAILED),
        (answer(image_reason="bomb"), RefreshResult.FAILED),
        *[(failure(Reason.HTTP_4XX, status), RefreshResult.GONE) for status in (400, 402, 403, 404, 405, 410, 418, 451)],
        *[(failure(Reason.HTTP_4XX, status), RefreshResult.FAILED) for status in (401, 407, 408, 425, 429)],
        *[(failure(Reason.HTTP_5XX, status), RefreshResult.FAILED) for status in (500, 501, 503, 511)],
        (failure(Reason.OPTED_OUT, 200), RefreshResult.GONE),
        (failure(Reason.HASH_MISMATCH, 200), RefreshResult.GONE),
        (failure(Reason.PROTOCOL, 304), RefreshResult.FAILED),
    ],
)
def test_what_an_answer_means(row, finding):
    """Changed only with a usable picture; gone only when the host said so; whatever else leaves it open."""
    assert judge_answer("old", row) is finding


@pytest.mark.parametrize("reason", sorted(set(Reason) - {Reason.HTTP_4XX, Reason.OPTED_OUT, Reason.HASH_MISMATCH}))
def test_every_other_failure_leaves_it_open(reason):
    """A name that is not found may be our own name service; a robots.txt says nothing about the picture."""
    assert judge_answer("old", failure(reason)) is RefreshResult.FAILED


@pytest.mark.parametrize("known_hash", [hashlib.sha256(b"body").hexdigest(), "pixels"])
def test_a_placeholder_is_no_usable_picture(known_hash):
    """By its bytes or by its pixels; any other body is what it is."""
    facts = {"image_reason": None, "image_detail": None, "pixel_hash": "pixels"}
    assert mark_placeholders(lambda body: facts, {known_hash}, b"body")["image_reason"] == "placeholder"
    assert mark_placeholders(lambda body: facts, {"other"}, b"body") == facts


def test_a_changed_picture_keeps_the_old_ones_name():
    """The new row, and what the old bytes were."""
    row = replace_row(known(), answer())
    assert (row["sha256"], row["previous_sha256"], row["refreshed"], row["checked_at"]) == ("new", "old", "changed", NOW)
    assert row["bytes"] == b"new"


def test_a_304_updates_only_what_it_says():
    """RFC 9111 §3.2: a new date is taken, the tag it did not repeat stays; no fetch time, no status, no bytes are touched."""
    row = answer(status=304, sha256=None, bytes=None, last_modified="Fri, 10 Oct 2025 07:30:20 GMT")
    assert list_changes(known(), row, RefreshResult.UNCHANGED) == {
        "refreshed": "unchanged",
        "checked_at": NOW,
        "detail": None,
        "etag": '"v1"',
        "last_modified": "Fri, 10 Oct 2025 07:30:20 GMT",
    }


def test_the_same_bytes_bring_their_own_headers():
    """Those of this answer, even where they are none now; and it was the URL itself that served them."""
    changes = list_changes(known(), answer(sha256="old", etag='W/"v2"', final_url="http://h.test/b"), RefreshResult.UNCHANGED)
    assert (changes["etag"], changes["last_modified"], changes["final_url"]) == ('W/"v2"', None, "http://h.test/b")
    assert changes["fallback"] is None
    assert "bytes" not in changes
    assert "fetched_at" not in changes


def test_what_is_gone_or_failed_says_why_and_changes_nothing_else():
    """Not its reason and outcome: the picture is there."""
    for row, finding, why in (
        (failure(Reason.HTTP_4XX, 404, "HTTP 404"), RefreshResult.GONE, "HTTP 404"),
        (failure(Reason.DNS, None, None), RefreshResult.FAILED, "dns"),
        (answer(image_reason="not_image", image_detail="HTML"), RefreshResult.GONE, "HTML"),
    ):
        told = {"refreshed": finding.value, "checked_at": NOW, "detail": f"when asked again: {why}"}
        assert list_changes(known(), row, finding) == told
