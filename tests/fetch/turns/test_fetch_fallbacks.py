"""Dead links over real sockets: what is asked instead, in which order, under which guards, and what the row says of it."""

from __future__ import annotations

import asyncio
import datetime as dt
import hashlib
import json
import pickle
import socket
import time
from dataclasses import replace

import pytest

from builders.archive import Archive, Copy, answer
from logoingest.fetch import Fetcher, ShardCounts, ShardJob, fetch_urls, run_shard
from logoingest.fetch.executors.ray_shards import fetch_on_worker
from logoingest.schemas import Reason
from logoingest.workspace import Workspace, shard_name

HTML = b"<!doctype html><title>parked</title>"


def at_home(host: str, port: int) -> list[str]:
    """Every name is at home on loopback."""
    return ["127.0.0.1"]


@pytest.fixture
def archive(server_loop) -> Archive:
    made = Archive()
    made.port = server_loop.serve(made.serve)
    return made


@pytest.fixture
def dead_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        yield held.getsockname()[1]  # bound, never listening: connections are refused


@pytest.fixture
def fetch_all(settings):
    """Fetches URLs with fallbacks; returns the rows as dictionaries."""

    def run(*urls: str, alternatives=None, inspect=None, lookup=at_home, **changes):
        wanted = replace(settings, archive_delay_s=0.0, **changes)
        return asyncio.run(fetch_urls(urls, wanted, inspect, lookup=lookup, alternatives=alternatives)).to_pylist()

    return run


def look(body: bytes) -> dict[str, object]:
    """An inspection that knows HTML when it sees it."""
    return {"image_reason": "not_image", "image_detail": "HTML"} if body.startswith(b"<!doctype") else {"format": "JPEG"}


def tell(row: dict) -> tuple:
    return row["outcome"], row["fallback"], row["first_reason"], row["fallback_detail"]


# -- https -----------------------------------------------------------------------------------------------------------


def test_a_url_that_is_there_over_https_only_is_fetched_there(start_tls_site, authority, fetch_all, picture):
    """The row has the picture, says where it came from, and why the URL itself was of no use."""
    site = start_tls_site(authority.ca.issue_cert("shop.test"))
    url = f"http://shop.test:{site.port}/picture"
    (row,) = fetch_all(url, fallbacks=("https",), ca_file=authority.file, max_attempts=2)
    assert (row["url"], row["final_url"], row["bytes"]) == (url, url.replace("http:", "https:"), picture)
    assert row["outcome"] == "ok"
    assert row["fallback"] == "https"
    assert row["first_reason"] in {"connect", "protocol"}
    assert row["http_status"] == 200
    assert row["attempts"] in {2, 3}, "those of the URL itself count as well"
    assert (row["etag"], row["last_modified"]) == (None, None), "they say nothing about the URL of the row"


def test_an_address_that_redirects_have_been_to_is_not_asked_again(start_tls_site, authority, site, fetch_all):
    """http redirects to https, where it is gone: there is nothing more to try."""
    secure = start_tls_site(authority.ca.issue_cert("127.0.0.1"))
    target = f"https://127.0.0.1:{secure.port}/status/404"
    (row,) = fetch_all(
        f"{site.url}/redirect/{target}",
        fallbacks=("alternative",),
        alternatives={f"{site.url}/redirect/{target}": [target]},
        ca_file=authority.file,
    )
    assert (row["reason"], row["detail"], row["attempts"]) == ("http_4xx", "HTTP 404", 1)
    assert secure.hits["/status/404"] == 1


# -- alternatives ----------------------------------------------------------------------------------------------------


def test_alternatives_are_tried_in_order_until_one_serves(site, fetch_all, picture):
    """Those before it are told, those after it are not asked, and credentials stay out of the row."""
    url = f"{site.url}/status/410"
    others = [
        url,
        "http://10.0.0.8/x",
        f"http://us%20er:p%40ss@shop.test:{site.port}/status/404",
        f"{site.url}/picture",
        f"{site.url}/echo",
    ]
    (row,) = fetch_all(url, fallbacks=("alternative",), alternatives={url: others})
    assert tell(row) == (
        "ok",
        "alternative",
        "http_4xx",
        "HTTP 410; alternative 2: a private address, which fetch.allowed_networks does not allow; alternative 3: HTTP 404",
    )
    assert (row["bytes"], row["final_url"], row["attempts"]) == (picture, f"{site.url}/picture", 3)
    assert (site.hits["/status/410"], site.hits["/echo"]) == (1, 0)
    assert not [value for value in row.values() if isinstance(value, str) and ("p%40ss" in value or "p@ss" in value)]


def test_if_nothing_serves_it_the_row_keeps_its_own_reason(site, fetch_all, dead_port):
    """Its own status, detail and final URL; what else was tried stands behind it, bounded."""
    url = f"{site.url}/redirect//status/404"
    others = [f"http://127.0.0.1:{dead_port}/x", f"{site.url}/status/500", *(f"{site.url}/status/{400 + n}" for n in range(5, 30))]
    (row,) = fetch_all(url, fallbacks=("alternative",), alternatives={url: others}, max_attempts=1)
    assert (row["outcome"], row["reason"], row["http_status"]) == ("failed", "http_4xx", 404)
    assert row["final_url"] == f"{site.url}/status/404"
    assert (row["fallback"], row["first_reason"], row["fallback_detail"]) == (None, None, None)
    told = "HTTP 404; fallbacks: alternative 1: connection refused; alternative 2: HTTP 500; alternative 3: HTTP 405; "
    assert row["detail"].startswith(told)
    assert row["detail"].count("alternative") == 8
    assert row["attempts"] == 9
    assert len(row["detail"]) < 800


def test_each_address_has_its_own_attempts_and_deadline(site, fetch_all, picture):
    """A URL that drips to its deadline leaves a whole one to its alternative, which is tried again like any."""
    url, other = f"{site.url}/drip", f"{site.url}/fails-then-ok/500/1/x"
    (row,) = fetch_all(url, fallbacks=("alternative",), alternatives={url: [other]}, max_attempts=2, total_timeout_s=1.5)
    assert (row["fallback"], row["first_reason"], row["bytes"]) == ("alternative", "timeout_total", picture)
    assert (site.hits["/drip"], site.hits["/fails-then-ok/500/1/x"], row["attempts"]) == (2, 2, 4)


def test_a_parked_page_falls_back_and_is_kept_without_its_bytes(site, fetch_all, picture):
    """What is no picture is no better than a 404; if nothing else serves one, the row still says what it was."""
    url, lost = f"{site.url}/html/a", f"{site.url}/html/b"
    others = {url: [f"{site.url}/html/c", f"{site.url}/picture"], lost: [f"{site.url}/html/d"]}
    found, gone = fetch_all(url, lost, fallbacks=("alternative",), alternatives=others, inspect=look)
    assert tell(found) == ("ok", "alternative", "not_image", "HTML; alternative 1: HTML")
    assert (found["bytes"], found["image_reason"]) == (picture, None)
    assert (gone["outcome"], gone["image_reason"], gone["final_url"]) == ("ok", "not_image", lost)
    assert gone["image_detail"] == "HTML; fallbacks: alternative 1: HTML"
    assert (gone["bytes"], gone["byte_count"], gone["etag"]) == (None, len(b"<!doctype html><title>gone</title>"), None)


def test_a_host_that_is_down_loses_none_of_its_urls(site, fetch_all, dead_port, picture):
    """Those asked and those not asked any more, from the waiting room: each goes on to its own alternative."""
    urls = [f"http://127.0.0.1:{dead_port}/{number}" for number in range(40)]
    others = {url: [f"{site.url}/picture?{number}"] for number, url in enumerate(urls)}
    rows = fetch_all(*urls, fallbacks=("alternative",), alternatives=others, breaker_failures=3, max_attempts=2)
    assert [row["url"] for row in rows] == urls
    assert {(row["outcome"], row["fallback"], row["bytes"]) for row in rows} == {("ok", "alternative", picture)}
    assert {row["first_reason"] for row in rows} == {"connect", "host_down"}


def test_a_fallback_that_is_down_itself_ends_in_time(site, fetch_all, dead_port):
    """Everything of the batch waits in the waiting room for the dead alternative; each row keeps its own reason, and tells the other's."""
    urls = [f"{site.url}/status/500?{number}" for number in range(30)]
    others = {url: [f"http://127.0.0.1:{dead_port}/{number}"] for number, url in enumerate(urls)}
    rows = fetch_all(*urls, fallbacks=("alternative",), alternatives=others, breaker_failures=3, max_attempts=2)
    assert [row["url"] for row in rows] == urls
    assert {row["reason"] for row in rows} == {"http_5xx"}
    told = {row["detail"].partition("HTTP 500; fallbacks: alternative 1: ")[2].split(":")[0] for row in rows}
    assert told == {"connection refused", "not asked"}


# -- who said no -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("/status/401", "http_4xx"),
        ("/status/403", "http_4xx"),
        ("/status/451", "http_4xx"),
        ("/status/407", "http_4xx"),
        ("/too-large", "too_large"),
        ("/redirect/http://10.0.0.1/x", "private_address"),
    ],
)
def test_a_refusal_is_not_got_round(site, archive, fetch_all, path, reason):
    """Nobody else is asked, and the row is the one it would be without fallbacks."""
    url = f"http://shop.test:{site.port}{path}"
    archive.keep(url, Copy("20160102030405", b"old"))
    order = ("archive", "https", "alternative")
    (row,) = fetch_all(url, fallbacks=order, alternatives={url: [f"{site.url}/picture"]}, **_where(archive))
    (plain,) = fetch_all(url)
    assert row["reason"] == reason
    assert {**row, "elapsed_ms": 0, "fetched_at": 0} == {**plain, "elapsed_ms": 0, "fetched_at": 0}
    assert (archive.asked, site.hits["/picture"]) == ([], 0)


def test_robots_and_opting_out_are_not_got_round(server_loop, archive, fetch_all):
    """Neither by an alternative nor by the archive; an archived opt-out counts as well."""

    async def serve(reader, writer):
        path = (await reader.readuntil(b"\r\n\r\n")).split(b" ")[1]
        if path == b"/robots.txt":
            writer.write(answer("200 OK", b"User-agent: *\nDisallow: /private/"))
        else:
            writer.write(answer("200 OK", b"picture", "X-Robots-Tag: noai"))
        await writer.drain()
        writer.close()

    base = f"http://shop.test:{server_loop.serve(serve)}"
    urls = [f"{base}/private/a", f"{base}/open/b"]
    for url in urls:
        archive.keep(url, Copy("20160102030405", b"old"))
    others = {url: [f"http://other.test:{archive.port}/x"] for url in urls}
    rows = fetch_all(*urls, fallbacks=("alternative", "archive"), alternatives=others, robots="obey", **_where(archive))
    assert [row["reason"] for row in rows] == ["robots", "opted_out"]
    assert (archive.asked, archive.fetched) == ([], [])


def test_an_alternative_whose_host_forbids_it_is_passed_over(server_loop, site, fetch_all, picture):
    """robots.txt of an alternative counts for it; the next one may be asked."""

    async def forbid(reader, writer):
        path = (await reader.readuntil(b"\r\n\r\n")).split(b" ")[1]
        asked.append(path)
        writer.write(answer("200 OK", b"User-agent: *\nDisallow: /"))
        await writer.drain()
        writer.close()

    asked: list[bytes] = []
    url = f"{site.url}/status/404"
    others = [f"http://127.0.0.1:{server_loop.serve(forbid)}/x", f"{site.url}/picture"]
    (row,) = fetch_all(url, fallbacks=("alternative",), alternatives={url: others}, robots="obey")
    assert tell(row)[:3] == ("ok", "alternative", "http_4xx")
    assert row["fallback_detail"].startswith("HTTP 404; alternative 1: robots.txt line 2: Disallow: /")
    assert asked == [b"/robots.txt"]


def test_a_fallback_that_opts_out_ends_the_search(server_loop, site, fetch_all):
    """It says so of the picture: it is not to be had from somebody else then."""

    async def opt_out(reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answer("200 OK", b"picture", "X-Robots-Tag: noai"))
        await writer.drain()
        writer.close()

    url = f"{site.url}/status/404"
    others = [f"http://127.0.0.1:{server_loop.serve(opt_out)}/x", f"{site.url}/picture"]
    (row,) = fetch_all(url, fallbacks=("alternative",), alternatives={url: others})
    assert (row["reason"], row["detail"]) == ("http_4xx", "HTTP 404; fallbacks: alternative 1: X-Robots-Tag: noai")
    assert site.hits["/picture"] == 0


def test_names_of_fallbacks_are_checked_when_they_are_connected_to(site, fetch_all):
    """An alternative whose name leads into a private network is refused like any URL."""
    url = f"{site.url}/status/404"
    names = {"evil.test": ["10.9.9.9"]}
    (row,) = fetch_all(
        url,
        fallbacks=("alternative",),
        alternatives={url: ["http://evil.test/x"]},
        lookup=lambda host, port: names.get(host, ["127.0.0.1"]),
    )
    assert (
        row["detail"]
        == "HTTP 404; fallbacks: alternative 1: the name leads to a private address, which fetch.allowed_networks does not allow"
    )


# -- the archive -----------------------------------------------------------------------------------------------------


def _where(archive: Archive) -> dict[str, object]:
    return {name: value for name, value in archive.settings.items() if name != "archive_delay_s"}


@pytest.fixture
def ask(site, archive, fetch_all):
    """Fetches ``/status/404`` of shop.test with the archive as fallback."""

    def run(**changes):
        return fetch_all(f"http://shop.test:{site.port}/status/404", **{"fallbacks": ("archive",), **_where(archive), **changes})[0]

    return run


@pytest.fixture
def dead_url(site) -> str:
    return f"http://shop.test:{site.port}/status/404"


@pytest.mark.parametrize(("path", "first"), [("/status/404", "http_4xx"), ("/picture", "hash_mismatch")])
def test_an_archived_copy_must_have_the_expected_hash_too(site, archive, settings, path, first):
    """Other bytes at the URL send to the archive as a dead link does; its copy is taken only if it has the hash."""
    url = f"http://shop.test:{site.port}{path}"
    archive.keep(url, Copy("20160102030405", b"the right bytes"))
    wanted = replace(settings, archive_delay_s=0.0, fallbacks=("archive",), **_where(archive))

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
    rows = fetch_all(*urls, fallbacks=("archive",), per_host=1, **_where(archive))
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
    rows = fetch_all(f"{site.url}/status/404", secret, fallbacks=("archive",), **_where(archive))
    assert [row["detail"] for row in rows] == [
        "HTTP 404; fallbacks: archive: not asked: the URL is one of a private network",
        "HTTP 404; fallbacks: archive: not asked: the URL holds credentials",
    ]
    assert archive.asked == []


# -- all together ----------------------------------------------------------------------------------------------------


def test_fallbacks_follow_each_other_in_the_order_given(site, archive, fetch_all, dead_url, picture):
    """The first that serves a picture is the one."""
    archive.keep(dead_url, Copy("20160102030405", b"old"))
    others = {dead_url: [f"{site.url}/picture"]}
    for order, expected, body in (
        (("alternative", "archive"), "alternative", picture),
        (("archive", "alternative"), "archive", b"old"),
    ):
        (row,) = fetch_all(dead_url, fallbacks=order, alternatives=others, **_where(archive))
        assert (row["fallback"], row["bytes"]) == (expected, body)
    (row,) = fetch_all(dead_url, fallbacks=(), alternatives=others, **_where(archive))
    assert (row["reason"], row["detail"], row["attempts"], row["fallback"]) == ("http_4xx", "HTTP 404", 1, None)


def test_what_is_no_url_is_served_by_its_alternative(site, fetch_all, picture):
    """The row keeps the URL as the source has it."""
    (row,) = fetch_all(
        "shop/x.jpg", fallbacks=("https", "alternative", "archive"), alternatives={"shop/x.jpg": [f"{site.url}/picture"]}
    )
    assert (row["url"], row["fallback"], row["first_reason"], row["bytes"]) == ("shop/x.jpg", "alternative", "bad_url", picture)


def test_every_url_has_one_row_whatever_becomes_of_its_detours(site, archive, settings, dead_port):
    """Hundreds of dead links of every kind with every fallback, most of them dead as well, over few slots."""
    paths = ["/status/404", "/status/503", "/hang-up", "/reset", "/html", "/empty", "/circle/a", "/junk", "/picture", "/status/403"]
    urls = [f"http://shop.test:{site.port}{path}?{number}" for number in range(8) for path in paths]
    urls += [f"http://127.0.0.1:{dead_port}/{number}" for number in range(20)]
    others = {}
    for number, url in enumerate(urls):
        others[url] = [f"http://127.0.0.1:{dead_port}/a{number}", f"{site.url}/status/410?{number}"]
        if number % 3 == 0:
            others[url].append(f"{site.url}/picture?{number}")
        if number % 3 == 1:
            archive.keep(url, Copy("20160102030405", b"old"))
    counted: list[str] = []

    few = replace(settings, concurrency=8, per_host=4, max_attempts=2, breaker_failures=4, breaker_pause_s=0.2)

    async def run():
        wanted = replace(few, fallbacks=("alternative", "archive"), **archive.settings)
        async with Fetcher(wanted, look, lookup=at_home) as fetcher:
            return await fetcher.fetch(urls, lambda row: counted.append(row["url"]), None, others)

    rows = asyncio.run(run()).to_pylist()
    assert [row["url"] for row in rows] == urls
    assert sorted(counted) == sorted(urls)
    for number, row in enumerate(rows):
        if "/picture?" in row["url"]:
            assert (row["outcome"], row["fallback"]) == ("ok", None)
        elif "/status/403" in row["url"]:
            assert (row["reason"], row["detail"]) == ("http_4xx", "HTTP 403")
        elif number % 3 == 0:
            assert (row["outcome"], row["fallback"]) == ("ok", "alternative"), row
        elif number % 3 == 1 and number < 80:
            assert (row["outcome"], row["fallback"], row["bytes"]) == ("ok", "archive", b"old"), row
        else:
            assert row["fallback"] is None
            assert (row["reason"] or row["image_reason"]) in set(Reason)
            assert "; fallbacks: " in (row["detail"] or row["image_detail"])


def test_stopping_in_the_middle_of_a_detour_leaves_a_cancelled_row(site, settings, dead_url):
    """It is not done, and nothing says it is."""

    async def run():
        stop = asyncio.Event()
        other = f"{site.url}/silent/30"
        wanted = replace(settings, fallbacks=("alternative",), read_timeout_s=60.0, total_timeout_s=60.0)
        task = asyncio.create_task(
            fetch_urls([dead_url], wanted, None, None, stop, lookup=at_home, alternatives={dead_url: [other]})
        )
        while not site.hits["/silent/30"]:  # noqa: ASYNC110  the site is in another thread
            await asyncio.sleep(0.01)
        stop.set()
        return await task

    (row,) = asyncio.run(asyncio.wait_for(run(), 30)).to_pylist()
    assert (row["outcome"], row["reason"], row["fallback"]) == ("failed", "cancelled", None)


def test_a_shard_is_healed_by_turning_fallbacks_on(site, settings, tmp_path, dead_url, picture):
    """Only the URLs that failed are asked again; the row then says what it took."""
    urls = [dead_url, f"{site.url}/picture"]
    others = {dead_url: [f"{site.url}/picture?other"]}
    asyncio.run(run_shard(str(tmp_path), shard_name(0), urls, settings, None))
    wanted = replace(settings, fallbacks=("alternative",))
    counts = asyncio.run(run_shard(str(tmp_path), shard_name(0), urls, wanted, None, only=[dead_url], alternatives=others))
    assert (counts.ok, counts.failed, counts.fetched) == (2, 0, 1)
    rows = Workspace(str(tmp_path)).read_shard(shard_name(0)).to_pylist()
    assert [(row["url"], row["fallback"], row["bytes"]) for row in rows] == [
        (dead_url, "alternative", picture),
        (urls[1], None, picture),
    ]


def test_a_task_on_another_machine_is_given_the_alternatives(site, settings, tmp_path, picture):
    """What a Ray task does, done here: the job carries them."""
    url = f"{site.url}/status/404"
    job = ShardJob(str(tmp_path), shard_name(0), [url], alternatives={url: (f"{site.url}/picture",)})
    counts = fetch_on_worker(pickle.loads(pickle.dumps(job)), replace(settings, fallbacks=("alternative",)), None)
    assert isinstance(counts, ShardCounts)
    assert counts.ok == 1
    assert Workspace(str(tmp_path)).read_shard(shard_name(0), ["bytes"]).column("bytes").to_pylist() == [picture]
