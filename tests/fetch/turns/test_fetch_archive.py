"""Dead links that an archive still has: what it is asked, and what of its answers is believed."""

from __future__ import annotations

import asyncio
import datetime as dt
import hashlib
import json
import time
from dataclasses import replace

import pytest

from builders.archive import HTML, Copy, answer, at_home, look, tell, where_is
from logoingest.fetch import Fetcher, fetch_urls


@pytest.fixture
def ask(site, archive, fetch_all):
    """Fetches ``/status/404`` of shop.test with the archive as fallback."""

    def run(**changes):
        asked = {"fallbacks": ("archive",), **where_is(archive), **changes}
        return fetch_all(f"http://shop.test:{site.port}/status/404", **asked)[0]

    return run


@pytest.mark.parametrize(("path", "first"), [("/status/404", "http_4xx"), ("/picture", "hash_mismatch")])
def test_an_archived_copy_must_have_the_expected_hash_too(site, archive, settings, path, first):
    """Other bytes at the URL send to the archive as a dead link does; its copy is taken only if it has the hash."""
    url = f"http://shop.test:{site.port}{path}"
    archive.keep(url, Copy("20160102030405", b"the right bytes"))
    wanted = replace(settings, archive_delay_s=0.0, fallbacks=("archive",), **where_is(archive))

    async def run(expected: bytes) -> dict:
        rows: list = [None]
        async with Fetcher(wanted, None, lookup=at_home) as fetcher:
            hashes = [f"sha256:{hashlib.sha256(expected).hexdigest()}"]
            await fetcher.fetch_into([url], rows.__setitem__, expected={url: hashes})
        return rows[0]

    healed, lost = asyncio.run(run(b"the right bytes")), asyncio.run(run(b"others"))
    assert (healed["fallback"], healed["first_reason"], healed["bytes"]) == ("archive", first, b"the right bytes")
    assert (lost["outcome"], lost["reason"]) == ("failed", first)
    assert "archive: the source expects sha256" in lost["detail"]


def test_an_archived_picture_comes_as_it_was_archived(archive, ask, dead_url, picture):
    """Looked up first, then its original bytes; the final URL says from when they are."""
    archive.keep(dead_url, Copy("20160102030405", picture))
    row = ask(archive_date="2016")
    assert tell(row) == ("ok", "archive", "http_4xx", "HTTP 404")
    assert (row["bytes"], row["http_status"], row["attempts"]) == (picture, 200, 3)
    assert row["final_url"] == f"http://archive.test:{archive.port}/web/20160102030405id_/{dead_url}"
    assert archive.asked == [(dead_url.removeprefix("http://"), "2016")]
    assert archive.fetched == [f"/web/20160102030405id_/{dead_url}"]


def test_the_newest_copy_is_asked_for_by_todays_date(archive, ask):
    """Without ``archive_date``; and if there is none, the row says so."""
    before = dt.datetime.now(dt.UTC).strftime("%Y%m%d")
    row = ask()
    assert archive.asked[0][1] in {before, dt.datetime.now(dt.UTC).strftime("%Y%m%d")}
    assert (row["reason"], row["detail"]) == ("http_4xx", "HTTP 404; fallbacks: archive: it has no copy")
    assert archive.fetched == []


def test_a_copy_that_has_moved_in_time_is_followed(archive, ask, dead_url, picture):
    """The archive redirects to the nearest capture it can give."""
    archive.keep(dead_url, Copy("20160102030405", picture))
    told = {
        "closest": {
            "available": True,
            "status": "200",
            "timestamp": "20150101000000",
            "url": f"http://x/web/20150101000000/{dead_url}",
        }
    }
    body = json.dumps({"archived_snapshots": told}).encode()
    archive.lookups_instead[dead_url.removeprefix("http://")] = [answer("200 OK", body)]
    row = ask()
    assert (row["fallback"], row["bytes"]) == ("archive", picture)
    assert "/web/20160102030405id_/" in row["final_url"]


def _say(**closest: object) -> bytes:
    return answer(
        "200 OK", json.dumps({"archived_snapshots": {"closest": {"available": True, "status": "200", **closest}}}).encode()
    )


@pytest.mark.parametrize(
    ("reply", "detail"),
    [
        (answer("200 OK", HTML), "its look-up gave no answer of the kind its API describes"),
        (
            answer("200 OK", b'{"archived_snapshots": {' + b" " * 190_000),
            "its look-up gave no answer of the kind its API describes",
        ),
        (answer("200 OK", b" " * 3_000_000), "its look-up gave no answer of the kind its API describes"),
        (answer("200 OK"), "its look-up gave no answer of the kind its API describes"),
        (answer("404 Not Found", HTML), "HTTP 404"),
        (answer("403 Forbidden", HTML), "HTTP 403"),
        (_say(timestamp="20160102030405", url="http://10.0.0.1/latest/meta-data"), "its copy is of another URL"),
        (
            _say(timestamp="20160102030405", url="http://evil.test/web/20160102030405/http://other.test/x"),
            "its copy is of another URL",
        ),
        (
            _say(timestamp="20160102030405", status="404", url="http://x/web/20160102030405/x"),
            "its copy is one of an error (status 404)",
        ),
        (
            answer("302 Found", b"", "Location: http://10.0.0.1/wayback/available"),
            "redirect to a private address, which fetch.allowed_networks does not allow",
        ),
        (answer("302 Found", b"", "Location: http://evil.test/wayback/available"), "it led to another host"),
    ],
)
def test_a_look_up_that_goes_wrong_is_told_and_leads_nowhere(archive, ask, dead_url, reply, detail):
    """Whatever it says, nothing is fetched but from the archive's own address."""
    archive.lookups_instead[dead_url.removeprefix("http://")] = [reply]
    asked = []

    def lookup(host, port):
        asked.append(host)
        return ["127.0.0.1"]

    row = ask(lookup=lookup)
    assert (row["reason"], row["detail"]) == ("http_4xx", f"HTTP 404; fallbacks: archive: {detail}")
    assert archive.fetched == []
    assert set(asked) == {"shop.test", "archive.test"}


def test_a_look_ups_own_host_is_never_followed(archive, ask, dead_url, picture):
    """It names a copy on another host; the copy is fetched where config says."""
    archive.keep(dead_url, Copy("20160102030405", picture))
    told = _say(timestamp="20160102030405", url=f"http://10.0.0.1/web/20160102030405/{dead_url}")
    archive.lookups_instead[dead_url.removeprefix("http://")] = [told]
    row = ask()
    assert (row["fallback"], row["bytes"]) == ("archive", picture)


@pytest.mark.parametrize(
    ("reply", "detail"),
    [
        (answer("302 Found", b"", "Location: http://evil.test/x.jpg"), "it led to another host"),
        (answer("302 Found", b"", "Location: http://127.0.0.1.nip.test/x.jpg"), "it led to another host"),
        (
            answer("302 Found", b"", "Location: http://192.168.1.1/x.jpg"),
            "redirect to a private address, which fetch.allowed_networks does not allow",
        ),
        (answer("404 Not Found", HTML), "HTTP 404"),
        (answer("200 OK", b"picture", "x-archive-orig-x-robots-tag: noai"), "X-Robots-Tag: noai"),
        (answer("200 OK", b"picture", "X-Archive-Orig-TDM-Reservation: 1"), "TDM-Reservation: 1"),
        (answer("200 OK", HTML), "HTML"),
        (answer("200 OK", bytes(300_000)), "more than fetch.max_bytes = 200000 bytes"),
    ],
)
def test_a_copy_that_cannot_be_used_is_told(archive, ask, dead_url, reply, detail):
    """It leads to the live web, is not there, was opted out when it was archived, is a page, or is too large."""
    archive.keep(dead_url, Copy("20160102030405", b"x"))
    archive.copies_instead[dead_url.removeprefix("http://")] = reply
    row = ask(inspect=look)
    assert (row["reason"], row["detail"]) == ("http_4xx", f"HTTP 404; fallbacks: archive: {detail}")


def test_a_busy_archive_is_waited_for_as_it_asks(archive, ask, dead_url, picture):
    """503 with Retry-After: asked again, not sooner; the look-up is not repeated once it has been answered."""
    archive.keep(dead_url, Copy("20160102030405", picture))
    found = answer(
        "200 OK",
        json.dumps(
            {"archived_snapshots": {"closest": archive.describe(archive.copies[next(iter(archive.copies))], dead_url)}}
        ).encode(),
    )
    archive.lookups_instead[dead_url.removeprefix("http://")] = [answer("503 Busy", b"", "Retry-After: 1"), found]
    row = ask()
    assert (row["fallback"], row["bytes"]) == ("archive", picture)
    assert archive.times[1] - archive.times[0] >= 1.0
    assert (len(archive.asked), len(archive.fetched), row["attempts"]) == (2, 1, 4)


def test_an_archive_that_wants_to_be_left_alone_is(site, archive, fetch_all):
    """A Retry-After longer than config grants: asked once, and no more for the other URLs."""
    urls = [f"http://shop.test:{site.port}/status/404?{number}" for number in range(20)]
    for url in urls:
        archive.lookups_instead[url.removeprefix("http://")] = [answer("429 Slow", b"", "Retry-After: 3600")]
    rows = fetch_all(*urls, fallbacks=("archive",), per_host=1, **where_is(archive))
    assert {row["reason"] for row in rows} == {"http_4xx"}
    assert len(archive.asked) == 1
    details = sorted({row["detail"] for row in rows})
    assert details == [
        "HTTP 404; fallbacks: archive: HTTP 429; asked to wait longer than fetch.max_backoff_s",
        "HTTP 404; fallbacks: archive: not asked: the host wants to be left alone for longer than fetch.max_backoff_s",
    ]


def test_the_archive_is_asked_slowly(site, archive, settings, picture):
    """``archive_delay_s`` lies between any two requests to it, look-ups and copies alike."""
    urls = [f"http://shop.test:{site.port}/status/404?{number}" for number in range(3)]
    for url in urls:
        archive.keep(url, Copy("20160102030405", picture))
    wanted = replace(settings, fallbacks=("archive",), **{**archive.settings, "archive_delay_s": 0.3})
    began = time.monotonic()
    rows = asyncio.run(fetch_urls(urls, wanted, None, lookup=at_home)).to_pylist()
    assert [row["fallback"] for row in rows] == ["archive"] * 3
    assert len(archive.times) == 6
    assert time.monotonic() - began >= 5 * 0.3


def test_the_archives_robots_txt_is_obeyed(site, archive, ask, dead_url, picture):
    """It is a host like any other."""
    archive.keep(dead_url, Copy("20160102030405", picture))
    archive.robots = b"User-agent: *\nDisallow: /web/"
    row = ask(robots="obey")
    assert row["detail"] == "HTTP 404; fallbacks: archive: robots.txt line 2: Disallow: /web/ (User-agent: *)"
    assert archive.fetched == []


def test_a_dead_archive_costs_little(site, fetch_all, dead_port):
    """Its breaker opens; every URL keeps its own reason."""
    urls = [f"http://shop.test:{site.port}/status/404?{number}" for number in range(60)]
    where = {
        "archive_url": f"http://archive.test:{dead_port}/available",
        "archive_content_url": f"http://archive.test:{dead_port}/web",
    }
    rows = fetch_all(*urls, fallbacks=("archive",), breaker_failures=3, max_attempts=3, **where)
    assert [row["url"] for row in rows] == urls
    assert {row["reason"] for row in rows} == {"http_4xx"}
    assert sum(row["attempts"] - 1 for row in rows) < 40, "without the breaker it would be 180"


def test_what_is_private_is_not_told_to_the_archive(site, archive, fetch_all, dead_url):
    """Addresses of our own networks, and URLs with credentials."""
    secret = dead_url.replace("shop.test", "me:pw@shop.test")
    rows = fetch_all(f"{site.url}/status/404", secret, fallbacks=("archive",), **where_is(archive))
    assert [row["detail"] for row in rows] == [
        "HTTP 404; fallbacks: archive: not asked: the URL is one of a private network",
        "HTTP 404; fallbacks: archive: not asked: the URL holds credentials",
    ]
    assert archive.asked == []
