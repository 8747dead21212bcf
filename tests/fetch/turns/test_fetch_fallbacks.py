"""Dead links over real sockets: what is asked instead, in which order, under which guards, and what the row says of it."""

from __future__ import annotations

import asyncio
import pickle
from dataclasses import replace

import pytest

from builders.archive import Copy, answer, at_home, look, tell, where_is
from logoingest.fetch import Fetcher, ShardCounts, ShardJob, fetch_urls, run_shard
from logoingest.fetch.executors.ray_shards import fetch_on_worker
from logoingest.schemas import Reason
from logoingest.workspace import Workspace, shard_name

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
    (row,) = fetch_all(url, fallbacks=order, alternatives={url: [f"{site.url}/picture"]}, **where_is(archive))
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
    rows = fetch_all(*urls, fallbacks=("alternative", "archive"), alternatives=others, robots="obey", **where_is(archive))
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


# -- all together ----------------------------------------------------------------------------------------------------


def test_fallbacks_follow_each_other_in_the_order_given(site, archive, fetch_all, dead_url, picture):
    """The first that serves a picture is the one."""
    archive.keep(dead_url, Copy("20160102030405", b"old"))
    others = {dead_url: [f"{site.url}/picture"]}
    for order, expected, body in (
        (("alternative", "archive"), "alternative", picture),
        (("archive", "alternative"), "archive", b"old"),
    ):
        (row,) = fetch_all(dead_url, fallbacks=order, alternatives=others, **where_is(archive))
        assert (row["fallback"], row["bytes"]) == (expected, body)
    (row,) = fetch_all(dead_url, fallbacks=(), alternatives=others, **where_is(archive))
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
