"""Circuits of origins that are down, with a clock of the test's own; and against hosts that really do not answer."""

from __future__ import annotations

import asyncio
import contextlib
import random
import socket
from dataclasses import replace

import pytest

from logoingest.fetch import Fetcher, fetch_urls
from logoingest.fetch.rules import breaker
from logoingest.fetch.rules.breaker import DOWN, Breaker
from logoingest.fetch.rules.policy import FetchFault
from logoingest.schemas import Reason

HERE = ("http", "h.test", 80)
REFUSED = FetchFault(Reason.CONNECT, "connection refused", can_heal=True)


def test_failures_in_a_row_open_a_circuit_and_an_answer_starts_the_count_anew():
    """Three in a row, not three in all; other origins are not concerned."""
    circuits = Breaker(3, 60.0)
    for answered in (False, False, True, False, False):
        assert circuits.explain(HERE) is None
        if answered:
            assert not circuits.note_answer(HERE, 0.0)
        else:
            circuits.note_failure(HERE, REFUSED, 0.0)
    circuits.note_failure(HERE, REFUSED, 0.0)
    verdict = circuits.explain(HERE)
    assert verdict is not None
    assert verdict == FetchFault(
        Reason.HOST_DOWN,
        "not asked: 3 requests in a row failed (fetch.breaker_failures = 3), lastly with connect (connection refused)",
    )
    assert circuits.explain(("https", "h.test", 443)) is None


def test_one_probe_at_a_time_and_the_next_one_after_a_pause():
    """A probe that fails keeps the circuit open for the pause; one that is answered closes it."""
    circuits = Breaker(1, 60.0)
    circuits.note_failure(HERE, REFUSED, 5.0)
    assert circuits.begin_probe(HERE, 5.0)
    assert not circuits.begin_probe(HERE, 5.0)
    circuits.note_failure(HERE, REFUSED, 6.0)  # another request's, which was on its way
    assert circuits.is_probing(HERE)
    circuits.note_failure(HERE, REFUSED, 10.0, is_probe=True)
    assert not circuits.is_probing(HERE)
    assert not circuits.begin_probe(HERE, 69.9)
    assert circuits.begin_probe(HERE, 70.0)
    circuits.drop_probe(HERE)
    assert circuits.begin_probe(HERE, 70.0)
    assert circuits.note_answer(HERE, 71.0, is_probe=True)
    assert circuits.explain(HERE) is None
    assert not circuits._circuits


def test_a_host_that_wants_to_be_left_alone_is_until_then():
    """Answers that were on their way do not close such a circuit, and no probe is sent."""
    circuits = Breaker(8, 60.0)
    assert circuits.trip(HERE, REFUSED, 3600.0)
    assert not circuits.note_answer(HERE, 1.0)
    assert circuits.explain(HERE) == REFUSED
    assert not circuits.begin_probe(HERE, 3599.0)
    assert circuits.begin_probe(HERE, 3600.0)


def test_circuits_can_be_switched_off():
    """Zero means never."""
    circuits = Breaker(0, 60.0)
    for _ in range(100):
        circuits.note_failure(HERE, REFUSED, 0.0)
    assert circuits.explain(HERE) is None
    assert not circuits.trip(HERE, REFUSED, 0.0)


def test_what_is_known_of_origins_is_bounded(monkeypatch):
    """The one known longest goes first."""
    monkeypatch.setattr(breaker, "MAX_ORIGINS", 10)
    circuits = Breaker(1, 60.0)
    for index in range(50):
        circuits.note_failure(("http", f"h{index}.test", 80), REFUSED, 0.0)
    assert len(circuits._circuits) == 10
    assert circuits.explain(("http", "h49.test", 80)) is not None


def test_an_http_status_is_no_sign_of_absence():
    """Somebody said 404."""
    assert not DOWN & {Reason.HTTP_4XX, Reason.HTTP_5XX, Reason.EMPTY, Reason.ROBOTS, Reason.PROXY}


# -- against hosts that do not answer ----------------------------------------------------------------------------------


class Knocks:
    """A listener that hangs up on everybody and counts them, until it is told to answer.

    A request knocks twice at most: where a connection is closed without a word, the HTTP library tries another one at once.
    """

    def __init__(self, server_loop, answer: bytes) -> None:
        self.count = 0
        self.alive = False
        self._answer = answer
        self.port = server_loop.serve(self.serve)

    async def serve(self, reader, writer) -> None:
        self.count += 1
        if self.alive:
            await reader.readuntil(b"\r\n\r\n")
            writer.write(self._answer)
        writer.close()


@pytest.fixture
def knocks(server_loop, picture) -> Knocks:
    answer = b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: %d\r\n\r\n%b" % (len(picture), picture)
    return Knocks(server_loop, answer)


def test_a_dead_host_is_left_alone_after_so_many_failures(site, knocks, fetch):
    """A thousand URLs cost it the failures that opened the circuit, what was on its way, and one probe; the others arrive."""
    dead = [f"http://dead.test:{knocks.port}/{index}" for index in range(1000)]
    good = [f"http://good.test:{site.port}/picture?{index}" for index in range(50)]
    rows = fetch(*dead, *good, breaker_failures=5, per_host=4, lookup=lambda host, port: ["127.0.0.1"])
    assert knocks.count <= 2 * (5 + 4 + 1)
    assert {row["outcome"] for row in rows[1000:]} == {"ok"}
    assert {row["reason"] for row in rows[:1000]} == {"host_down", "connect"}
    asked = [row for row in rows[:1000] if row["attempts"]]
    assert {row["reason"] for row in asked} == {"connect"}
    assert len(asked) <= knocks.count
    down = next(row for row in rows if row["reason"] == "host_down")
    assert down["detail"].startswith("not asked: 5 requests in a row failed (fetch.breaker_failures = 5), lastly with connect")
    last_good = max(row["fetched_at"] for row in rows[1000:])
    assert all(row["fetched_at"] >= last_good for row in rows[:1000] if row["reason"] == "host_down")


def test_a_host_that_comes_back_gets_all_its_requests(knocks, settings):
    """The probe at the end finds it there: every URL arrives, those that had failed included."""
    urls = [f"http://back.test:{knocks.port}/{index}" for index in range(60)]

    async def run():
        async with Fetcher(replace(settings, breaker_failures=3, per_host=2), None, lookup=lambda host, port: ["127.0.0.1"]) as own:
            give_up = own._hosts._give_up

            def come_back(origin):
                give_up(origin)
                knocks.alive = True

            own._hosts._give_up = come_back
            return await own.fetch(urls)

    rows = asyncio.run(run()).to_pylist()
    assert {row["outcome"] for row in rows} == {"ok"}


def test_lists_of_several_shards_share_what_is_known(knocks, settings):
    """A second list of the same dead host costs nothing while the pause lasts; both end."""

    async def run():
        engine = Fetcher(replace(settings, breaker_failures=3, per_host=2), None, lookup=lambda host, port: ["127.0.0.1"])
        async with engine as own:
            lists = [[f"http://dead.test:{knocks.port}/{part}/{index}" for index in range(50)] for part in range(4)]
            tables = await asyncio.gather(*(own.fetch(urls) for urls in lists[:3]))
            before = knocks.count
            tables.append(await own.fetch(lists[3]))
            return tables, before

    tables, before = asyncio.run(run())
    assert [len(table) for table in tables] == [50] * 4
    assert before <= 2 * (3 + 2 + 1)
    assert knocks.count == before
    assert set(tables[3].column("reason").to_pylist()) == {"host_down"}


def test_a_stopped_list_does_not_hold_up_another_that_waits_for_its_probe(site, settings):
    """Two lists wait for the same dead host; the one whose probe it is is cancelled; the other one ends by itself."""

    async def run():
        ask = asyncio.Event()

        engine = Fetcher(
            replace(settings, breaker_failures=1, per_host=1, read_timeout_s=0.2, max_attempts=1, total_timeout_s=30),
            None,
            lookup=lambda host, port: ["127.0.0.1"],
        )
        async with engine as own:
            begin = own._breaker.begin_probe

            def note(origin, now):
                granted = begin(origin, now)
                if granted:
                    ask.set()
                return granted

            own._breaker.begin_probe = note
            first = asyncio.create_task(own.fetch([f"http://mute.test:{site.port}/silent/{index}" for index in range(5, 9)]))
            await asyncio.wait_for(ask.wait(), 30)
            second = asyncio.create_task(own.fetch([f"http://mute.test:{site.port}/silent/{index}" for index in range(15, 19)]))
            await asyncio.sleep(0)
            first.cancel()
            await asyncio.gather(first, return_exceptions=True)
            return await asyncio.wait_for(second, 30)

    reasons = asyncio.run(run()).column("reason").to_pylist()
    assert len(reasons) == 4
    assert set(reasons) <= {"host_down", "timeout_read"}


def test_many_dead_hosts_end_one_by_one(settings):
    """Three hundred names nobody knows, each looked up once, among them a host that has answered before."""
    calls: list[str] = []

    def look_up(host, port):
        calls.append(host)
        raise socket.gaierror(socket.EAI_NONAME, "unknown")

    urls = [f"http://gone{index % 300}.test/{index}" for index in range(3000)]
    rows = asyncio.run(fetch_urls(urls, replace(settings, breaker_failures=3), None, lookup=look_up)).to_pylist()
    assert sorted(calls) == sorted({f"gone{index}.test" for index in range(300)})
    assert {row["reason"] for row in rows} == {"dns", "host_down"}


class Moods:
    """A site of hosts by name that each misbehave in their own way, by chance, sometimes coming back to their senses."""

    def __init__(self, server_loop, picture: bytes, seed: int) -> None:
        self.chance = random.Random(seed)
        self.picture = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(picture), picture)
        self.port = server_loop.serve(self.serve)

    async def serve(self, reader, writer) -> None:
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode()
                host = head.lower().partition("host: ")[2].partition(".")[0]
                answer = self.choose_answer(host, head.split(" ")[1])
                if answer is None:
                    break
                writer.write(answer)
                await writer.drain()
                if "connection: close" in head.lower():
                    break
        writer.close()

    def choose_answer(self, host: str, path: str) -> bytes | None:
        status = b"HTTP/1.1 %d X\r\nContent-Length: 0\r\n%b\r\n"
        luck = self.chance.random()
        if path == "/robots.txt" and luck < 0.3:
            return b"HTTP/1.1 200 OK\r\nContent-Length: 26\r\n\r\nUser-agent: *\nDisallow: /1"
        match host.rstrip("0123456789"):
            case "dying" if luck < 0.6:
                return None
            case "busy" if luck < 0.5:
                return status % (429, b"Retry-After: 0\r\n" if luck < 0.2 else b"")
            case "sulking" if luck < 0.1:
                return status % (503, b"Retry-After: 9999\r\n")
            case "leading" if path != "/robots.txt":
                place = self.chance.choice(["dying1", "busy1", "gone1", "sulking1"])
                return status % (302, b"Location: http://%b.test:%d%b\r\n" % (place.encode(), self.port, path.encode()))
        return status % (404, b"") if path == "/robots.txt" else self.picture


@pytest.mark.parametrize("seed", range(6))
def test_whatever_hosts_do_every_list_ends(server_loop, settings, picture, seed):
    """Several lists at once over hosts of all moods, one of them stopped midway: every URL has its row; nothing is left behind."""
    site = Moods(server_loop, picture, seed)
    chance = random.Random(seed)

    def look_up(host, port):
        if host.startswith("gone"):
            raise socket.gaierror(chance.choice([socket.EAI_AGAIN, socket.EAI_NONAME]), "unknown")
        return ["127.0.0.1"]

    hosts = [f"{mood}{index}" for mood in ("good", "dying", "busy", "sulking", "leading", "gone") for index in range(3)]
    lists = [[f"http://{chance.choice(hosts)}.test:{site.port}/{index}/{part}" for index in range(80)] for part in range(4)]
    rules = {"robots": chance.choice(["obey", "ignore"]), "breaker_failures": chance.choice([1, 2, 8]), "breaker_pause_s": 0.01}

    async def run():
        engine = Fetcher(replace(settings, concurrency=12, per_host=3, backoff_s=0.01, **rules), None, lookup=look_up)
        async with engine as own:
            stop = asyncio.Event()
            asyncio.get_running_loop().call_later(0.1, stop.set)
            stopped = asyncio.create_task(own.fetch(lists[0], None, stop))
            tables = await asyncio.wait_for(asyncio.gather(stopped, *(own.fetch(urls) for urls in lists[1:])), 60)
            return tables, own

    tables, own = asyncio.run(run())
    assert [table.column("url").to_pylist() for table in tables] == lists
    for table in tables[1:]:
        assert "cancelled" not in table.column("reason").to_pylist()
        good = [row for row in table.to_pylist() if "//good" in row["url"]]
        assert {row["reason"] for row in good} <= {None, "robots"}
    assert not own._tasks
    assert not own._robots._asking
    assert not own._schedule._hosts
    assert not any(circuit.probing for circuit in own._breaker._circuits.values())
