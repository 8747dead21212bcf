"""Politeness: limits, pauses, who waits for whom, and what is said about us."""

from __future__ import annotations

import asyncio
import socket
import threading
import time
from collections import Counter
from dataclasses import replace

import pytest

from logoingest.fetch import FetchSettings, fetch_urls, plan_shards
from logoingest.fetch.http import resolver
from logoingest.fetch.http.resolver import MAX_LOOKUPS, Resolver
from logoingest.fetch.rules.policy import judge_opt_out
from logoingest.schemas import Reason


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
    """With a single slot, the URL that has to wait (its host wants to be left alone) lets those of other hosts pass."""
    others = [f"http://other.test:{site.port}/picture?{index}" for index in range(10)]
    rows = fetch(f"{site.url}/retry-after/1/x", *others, concurrency=1, lookup=lambda host, port: ["127.0.0.1"])
    assert {row["outcome"] for row in rows} == {"ok"}
    assert any(row["fetched_at"] < rows[0]["fetched_at"] for row in rows[1:])


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


# -- pace --------------------------------------------------------------------------------------------------------------


def test_no_host_sees_more_requests_a_second_than_allowed(site, fetch):
    """By the server's own log: two at once, then ten a second, for each of three hosts at the same time."""
    arrivals: dict[str, list[float]] = {}
    read = site._read

    async def note(reader):
        request = await read(reader)
        arrivals.setdefault(request.headers["host"], []).append(time.monotonic())
        return request

    site._read = note
    urls = [f"http://h{index % 3}.test:{site.port}/picture?{index}" for index in range(60)]
    rows = fetch(*urls, per_host_rate=10, per_host_burst=2, lookup=lambda host, port: ["127.0.0.1"])
    assert {row["outcome"] for row in rows} == {"ok"}
    assert len(arrivals) == 3
    for times in arrivals.values():
        assert len(times) == 20
        assert times[-1] - times[0] >= 1.3  # 1.8 s by the client's clock, less what the first one may have been late


def test_a_host_that_says_429_is_left_alone_by_all_its_urls(site, fetch):
    """Its Retry-After holds for the host: the next request comes no sooner, whichever URL's it is; other hosts go on."""
    log: list[tuple[float, str, str]] = []

    def answer(request, rest):
        host = request.headers["host"].partition(".")[0]
        log.append((time.monotonic(), host, request.path))
        if host == "busy" and not any(entry[1] == "busy" for entry in log[:-1]):
            return b"HTTP/1.1 429 Slow\r\nRetry-After: 1\r\nContent-Length: 0\r\n\r\n"
        return site.on_picture(request, rest)

    site.on_shop = answer
    busy = [f"http://busy.test:{site.port}/shop/{index}" for index in range(10)]
    other = [f"http://other.test:{site.port}/shop/{index}" for index in range(10)]
    rows = fetch(*busy, *other, per_host=1, concurrency=2, lookup=lambda host, port: ["127.0.0.1"])
    assert {row["outcome"] for row in rows} == {"ok"}
    times = [entry[0] for entry in log if entry[1] == "busy"]
    assert len(times) == 11
    assert times[1] - times[0] >= 0.99


def test_a_host_that_asks_for_a_long_pause_gets_it(site, fetch):
    """The first URL fails for what it was told, the others at once and unasked."""
    rows = fetch(*(f"{site.url}/retry-after/3600/{index}" for index in range(50)), per_host=2)
    assert Counter(row["reason"] for row in rows) == {"http_4xx": 2, "host_down": 48}
    assert len(site.hits) == 2
    assert {row["detail"] for row in rows if row["reason"] == "host_down"} == {
        "not asked: the host wants to be left alone for longer than fetch.max_backoff_s"
    }


def test_a_host_that_takes_two_at_a_time_gets_all_done(site, fetch):
    """Sixteen slots are sixteen too many for it: it says 429 to the third; the pace adapts, and every picture arrives."""
    refused = 0

    def answer(request, rest):
        nonlocal refused
        if site.active[request.headers["host"]] > 2:
            refused += 1
            return b"HTTP/1.1 429 Slow\r\nContent-Length: 0\r\n\r\n"
        return site.on_slow(request, "0.02")

    site.on_narrow = answer
    rows = fetch(*(f"{site.url}/narrow/{index}" for index in range(120)), per_host=16, max_attempts=20)
    assert {row["outcome"] for row in rows} == {"ok"}
    assert refused < 120  # asked with sixteen slots all the time, it refuses several times as many


# -- opting out --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("headers", "detail"),
    [
        (["noai"], "X-Robots-Tag: noai"),
        (["nofollow, NoImageAI"], "X-Robots-Tag: noimageai"),
        (["noarchive", "noindex"], "X-Robots-Tag: noindex"),
        (["none"], "X-Robots-Tag: none"),
        (["logoingest: noai"], "X-Robots-Tag: noai"),
        (["otherbot: nofollow, logoingest: noimageindex"], "X-Robots-Tag: noimageindex"),
        (["unavailable_after: 25 Jun 2010 15:00:00 PST, noai"], "X-Robots-Tag: noai"),
        (["otherbot: noai, noindex"], None),
        (["nofollow, max-image-preview: none", "otherbot: none"], None),
        (["noaim, index"], None),
        ([""], None),
    ],
)
def test_opt_out_headers_are_read_as_they_are_meant(headers, detail):
    """Ours and everybody's directives count, another robot's do not."""
    verdict = judge_opt_out(headers, None, FetchSettings())
    assert (verdict and verdict.detail) == detail
    assert verdict is None or verdict.reason is Reason.OPTED_OUT
    assert judge_opt_out(headers, None, FetchSettings(opt_out_headers=())) is None


def test_reserved_rights_of_text_and_data_mining_are_respected():
    """TDM-Reservation: 1, and nothing else."""
    found = [judge_opt_out([], value, FetchSettings()) for value in ("1", " 1 ", "0", "", None)]
    assert [verdict is not None for verdict in found] == [True, True, False, False, False]
    assert judge_opt_out([], "1", FetchSettings(opt_out_headers=("noai",))) is None


def test_the_body_of_a_picture_that_opts_out_is_not_read(site, fetch):
    """The row comes though the body never does."""

    def answer(request, rest):
        async def send_head(send, writer):
            await send(b"HTTP/1.1 200 OK\r\nX-Robots-Tag: googlebot: all\r\nX-Robots-Tag: noai\r\nContent-Length: 1000\r\n\r\n")
            await asyncio.sleep(30)

        async def give():
            return send_head

        return give()

    site.on_art = answer
    (row,) = fetch(f"{site.url}/art/1")
    assert (row["reason"], row["detail"], row["http_status"]) == ("opted_out", "X-Robots-Tag: noai", 200)
    assert row["bytes"] is None
    (row,) = fetch(f"{site.url}/art/1", opt_out_headers=(), read_timeout_s=0.2, max_attempts=1)
    assert row["reason"] == "timeout_read"


def test_whom_to_turn_to_is_a_mail_address_or_a_page():
    """Anything else in a User-Agent is no contact."""
    assert FetchSettings(user_agent="logoingest/1 (+me@example.org)").names_contact
    assert FetchSettings(user_agent="bot/1 (+https://example.org)").names_contact
    assert not FetchSettings(user_agent="logoingest/1").names_contact


# -- names -------------------------------------------------------------------------------------------------------------


def resolve_all(hosts, lookup, settings, times=1):
    async def run():
        names = Resolver(lookup, settings, guarded=True)
        results = []
        for _ in range(times):
            results += await asyncio.gather(*(names.resolve(host, 80) for host in hosts), return_exceptions=True)
        return names, results

    return asyncio.run(run())


def test_a_name_is_looked_up_once_whether_it_is_there_or_not(settings):
    """However many wait for it, and for a while afterwards."""
    calls: Counter[str] = Counter()

    def look_up(host, port):
        calls[host] += 1
        if host == "gone.test":
            raise socket.gaierror(socket.EAI_NONAME, "unknown")
        return ["127.0.0.1"]

    _, results = resolve_all(["here.test", "gone.test"] * 20, look_up, settings, times=2)
    assert calls == {"here.test": 1, "gone.test": 1}
    assert [isinstance(result, Exception) for result in results] == [False, True] * 40


def test_a_name_service_in_trouble_is_asked_again(settings, monkeypatch):
    """A failure of the moment is not kept."""
    monkeypatch.setattr(resolver, "TROUBLE_TTL_S", 0.0)
    calls = []

    def look_up(host, port):
        calls.append(host)
        if len(calls) == 1:
            raise socket.gaierror(socket.EAI_AGAIN, "try again")
        return ["127.0.0.1"]

    _, results = resolve_all(["h.test"], look_up, settings, times=2)
    assert [isinstance(result, Exception) for result in results] == [True, False]


def test_look_ups_under_way_and_names_kept_are_bounded(settings, monkeypatch):
    """A list of many hosts floods neither the name service nor the memory."""
    monkeypatch.setattr(resolver, "MAX_NAMES", 50)
    lock = threading.Lock()
    active = most = 0

    def look_up(host, port):
        nonlocal active, most
        with lock:
            active += 1
            most = max(most, active)
        time.sleep(0.002)
        with lock:
            active -= 1
        return ["127.0.0.1"]

    names, results = resolve_all([f"h{index}.test" for index in range(300)], look_up, settings)
    assert not any(isinstance(result, Exception) for result in results)
    assert 1 < most <= MAX_LOOKUPS
    assert len(names._known) == 50
    assert not names._pending


def test_who_gives_up_waiting_takes_nobody_along(settings):
    """A look-up goes on for the others when the one who asked first is cancelled."""
    go = threading.Event()

    def look_up(host, port):
        go.wait(30)
        return ["127.0.0.1"]

    async def run():
        names = Resolver(look_up, settings, guarded=True)
        first = asyncio.create_task(names.resolve("h.test", 80))
        second = asyncio.create_task(names.resolve("h.test", 80))
        await asyncio.sleep(0)
        first.cancel()
        await asyncio.gather(first, return_exceptions=True)
        go.set()
        return await asyncio.wait_for(second, 30)

    assert asyncio.run(run())[0]["host"] == "127.0.0.1"


# -- the plan ----------------------------------------------------------------------------------------------------------


def test_a_large_host_is_spread_over_all_shards():
    """Ten thousand URLs of one host among two thousand of others: no shard has much more of it than its share, none is without others."""
    large = [f"https://large.test/{index}.jpg" for index in range(10_000)]
    small = [f"https://small{index % 200}.test/{index}.jpg" for index in range(2_000)]
    plan = plan_shards([*large, *small], None, 1000)
    shares: Counter[str] = Counter()
    for url, shard in zip(plan.column("url").to_pylist(), plan.column("shard").to_pylist(), strict=True):
        shares[shard] += url.startswith("https://large.test/")
    assert len(shares) == 12
    assert max(shares.values()) <= 880  # 833 each on average
    assert min(shares.values()) >= 790
