"""Politeness: limits, pauses, who waits for whom, and what is said about us."""

from __future__ import annotations

import asyncio
import time
from dataclasses import replace

from logoingest.fetch import fetch_urls


def test_no_host_sees_more_requests_at_once_than_allowed(site, fetch):
    """The server counts what is in flight for each Host: never above per_host, though there are three hosts' worth."""
    hosts = ("127.0.0.1", "127.0.0.2", "127.0.0.3")
    site_urls = [f"http://{host}:{site.port}/slow/0.03/{index}" for host in hosts for index in range(24)]
    # one listener on 127.0.0.1 only: names lead there
    names = [url.replace("127.0.0.1", "a.test").replace("127.0.0.2", "b.test").replace("127.0.0.3", "c.test") for url in site_urls]
    rows = fetch(*names, per_host=4, concurrency=32, lookup=lambda host, port: ["127.0.0.1"])
    assert {row["outcome"] for row in rows} == {"ok"}
    assert set(site.peak.values()) == {4}


def test_no_more_requests_are_in_flight_than_concurrency(site, fetch):
    """The overall limit holds over all hosts."""
    urls = [f"http://h{index}.test:{site.port}/slow/0.02/{index}" for index in range(60)]
    most = 0

    async def watch(settings):
        nonlocal most
        task = asyncio.create_task(fetch_urls(urls, settings, None, lookup=lambda host, port: ["127.0.0.1"]))
        while not task.done():
            most = max(most, sum(site.active.values()))
            await asyncio.sleep(0.002)

    from ipaddress import ip_network

    from logoingest.fetch import FetchSettings

    asyncio.run(watch(FetchSettings(concurrency=5, allowed_networks=(ip_network("127.0.0.0/8"),))))
    assert 3 <= most <= 5


def test_a_redirect_counts_at_the_host_it_leads_to(site, fetch):
    """Fifty URLs of as many hosts that all redirect to one are still at most per_host there."""
    urls = [f"http://h{i}.test:{site.port}/redirect/http://cdn.test:{site.port}/slow/0.03/{i}" for i in range(40)]
    rows = fetch(*urls, per_host=3, concurrency=40, lookup=lambda host, port: ["127.0.0.1"])
    assert {row["outcome"] for row in rows} == {"ok"}
    assert site.peak[f"cdn.test:{site.port}"] == 3


def test_slow_urls_do_not_hold_healthy_ones_back(site, fetch):
    """While a slow host takes its time, the others' URLs go through."""
    slow = [f"http://slow.test:{site.port}/slow/0.8/{index}" for index in range(4)]
    fast = [f"http://fast.test:{site.port}/picture?{index}" for index in range(40)]
    rows = fetch(*slow, *fast, per_host=2, concurrency=4, lookup=lambda host, port: ["127.0.0.1"])
    last_fast = max(row["fetched_at"] for row in rows[4:])
    assert all(row["fetched_at"] > last_fast for row in rows[2:4])


def test_waiting_for_a_retry_takes_up_no_slot(site, fetch):
    """With a single slot, the URL that has to wait lets the others pass."""
    rows = fetch(f"{site.url}/retry-after/1/x", *(f"{site.url}/picture?{index}" for index in range(10)), concurrency=1)
    assert {row["outcome"] for row in rows} == {"ok"}
    assert all(row["fetched_at"] < rows[0]["fetched_at"] for row in rows[1:])


def test_retry_after_in_seconds_is_honoured(site, fetch):
    """The second request comes no sooner than the server asked for."""
    (row,) = fetch(f"{site.url}/retry-after/1/x")
    first, second = site.times["/retry-after/1/x"]
    assert row["outcome"] == "ok"
    assert second - first >= 0.99


def test_retry_after_as_a_date_is_honoured(site, fetch):
    """Likewise for a date, which has whole seconds."""
    (row,) = fetch(f"{site.url}/retry-after-date/x")
    first, second = site.times["/retry-after-date/x"]
    assert row["outcome"] == "ok"
    assert second - first >= 0.45


def test_a_server_that_asks_for_too_long_a_pause_is_not_waited_for(site, fetch):
    """The URL fails at once, and says so."""
    began = time.monotonic()
    (row,) = fetch(f"{site.url}/retry-after/3600/x")
    assert (row["reason"], row["attempts"]) == ("http_4xx", 1)
    assert row["detail"] == "HTTP 429; asked to wait longer than fetch.max_backoff_s"
    assert time.monotonic() - began < 60


def test_the_user_agent_names_us_and_pictures_are_asked_for(site, fetch):
    """Hosts can see who asks and for what."""
    fetch(f"{site.url}/picture")
    (headers,) = site.seen["/picture"]
    assert headers["user-agent"] == "logoingest/test"
    assert "image/" in headers["accept"]
    assert headers["accept-encoding"] == "identity"
    assert "cookie" not in headers
    assert "referer" not in headers


def test_cookies_live_within_one_url_only(site, fetch):
    """A cookie wall opens for the URL that met it; the next URL starts without cookies."""
    rows = fetch(f"{site.url}/cookie-wall?1", f"{site.url}/cookie-wall?2", concurrency=1)
    assert {row["outcome"] for row in rows} == {"ok"}
    assert [["cookie" in headers for headers in site.seen[f"/cookie-wall?{index}"]] for index in (1, 2)] == [[False, True]] * 2


def test_connections_are_kept_and_a_closed_one_costs_nothing(site, fetch):
    """Fifty pictures need a handful of connections; one that is closed under us is made anew."""
    rows = fetch(*(f"{site.url}/picture?{index}" for index in range(50)), per_host=4)
    assert {row["attempts"] for row in rows} == {1}
    assert site.connections <= 8
    rows = fetch(*(f"{site.url}/closes-kept-connection/{index}" for index in range(30)), per_host=4)
    assert {row["outcome"] for row in rows} == {"ok"}


def test_a_stop_ends_the_work_at_once_and_leaves_whole_rows(site, settings):
    """What is done is kept, the rest is cancelled, and the table still has a row for every URL."""
    urls = [f"{site.url}/picture?{index}" for index in range(5)] + [f"{site.url}/silent/{index + 3}" for index in range(20)]

    async def run():
        stop = asyncio.Event()
        done = []

        def note(row):
            done.append(row)
            if len(done) == 5:
                stop.set()

        return await fetch_urls(urls, replace(settings, per_host=4), None, note, stop)

    rows = asyncio.run(run()).to_pylist()
    assert [row["url"] for row in rows] == urls
    assert [row["reason"] for row in rows] == [None] * 5 + ["cancelled"] * 20


def test_cancelling_the_caller_leaves_nothing_running(site, settings):
    """A cancelled task takes its requests with it."""

    async def run():
        task = asyncio.create_task(fetch_urls([f"{site.url}/silent/{index + 3}" for index in range(10)], settings, None))
        await asyncio.sleep(0.2)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await asyncio.sleep(0)
        return task.cancelled(), [other for other in asyncio.all_tasks() if other is not asyncio.current_task()]

    assert asyncio.run(run()) == (True, [])
