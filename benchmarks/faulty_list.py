"""A list of which three in ten URLs are faulty, in every way a web can fail: does each end as planned, and how much time is lost?

    python benchmarks/faulty_list.py                      # 10,000 URLs, limits as shipped; about four minutes, most of them waiting
    python benchmarks/faulty_list.py --total-timeout-s 20
    python benchmarks/faulty_list.py --urls 300 --max-attempts 2 --total-timeout-s 3 --read-timeout-s 2 --any-wall

The plan is drawn from the seed: so many URLs of each kind, over one host name for every fifty. A process of its own serves them on
loopback; names come from a stand-in for the name service. Shards are planned, fetched, inspected and written as the pipeline does,
robots.txt included. What each URL ended in and how often it was asked for must be exactly what the plan says, or this ends with 1.

The time no client can do without is the longest of the paths the settings permit (a slow drip takes ``max_attempts`` times
``total_timeout_s``; waits between attempts are counted as none, since they are drawn from zero upwards), or all such waits together over
``concurrency`` slots, or the time the same fetch takes for a list of as many good pictures on the same hosts, whichever is longest. Asked
is to stay within 1.5 times that, on a machine with nothing else to do.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import random
import re
import socket
import subprocess
import sys
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from ipaddress import ip_network
from pathlib import Path
from typing import Any, TypeAlias

import pyarrow.compute as pc

from faulty_site import MAX_BYTES
from logoingest.fetch import Fetcher, FetchSettings, plan_shards, run_shard
from logoingest.fetch.shards.shard import open_writing
from logoingest.images.looking.inspection import inspect_image
from logoingest.workspace import Workspace

URLS_PER_HOST = 50
MOST_OF_BOUND = 1.5


@dataclass(frozen=True)
class Kind:
    """A way to behave. A URL of it ends with ``reason`` ("ok": a whole picture) after so many ``attempts``."""

    name: str
    per_mille: int
    reason: str
    attempts: int = 1
    """0: never asked for; -1: as often as allowed."""
    host: str = "h"
    """The first letters of its hosts' names; "h" are the ordinary ones, which have URLs of many kinds."""
    per_host: int = 1
    """URLs on each of its own hosts."""


KINDS = (
    Kind("good", 0, "ok"),  # whatever the others leave
    Kind("moved", 10, "ok"),
    Kind("gzipped", 5, "ok"),
    Kind("500-heals", 15, "ok", 2),
    Kind("503-heals", 15, "ok", 2),
    Kind("reset-heals", 5, "ok", 2),
    Kind("404", 75, "http_4xx"),
    Kind("410", 15, "http_4xx"),
    Kind("403", 15, "http_4xx"),
    Kind("500", 5, "http_5xx", -1),
    Kind("html", 20, "not_image"),
    Kind("half", 10, "truncated"),
    Kind("cut", 8, "truncated", -1),
    Kind("reset", 7, "truncated", -1),
    Kind("drip", 5, "timeout_total", -1),
    Kind("stall", 5, "timeout_read", -1),
    Kind("hang-up", 5, "connect", -1),
    Kind("circle", 10, "redirect_loop"),
    Kind("inside", 8, "private_address"),
    Kind("to-file", 5, "redirect_refused"),
    Kind("large", 5, "too_large"),
    Kind("bomb", 4, "too_large"),
    Kind("empty", 8, "empty"),
    Kind("junk", 5, "protocol"),
    Kind("forbidden", 10, "robots", 0),
    Kind("opted-out", 10, "opted_out"),
    Kind("tls", 5, "tls", 0, "tls", 5),
    Kind("dead", 8, "connect", 0, "dead", 20),
    Kind("gone", 5, "dns", 0, "gone", 3),
    Kind("lame", 2, "dns", 0, "lame", 3),
    Kind("sulk", 5, "host_down", 0, "sulk", 5),  # but for the one URL of each host that is told so
    Kind("private", 3, "private_address", 0, "private"),
    Kind("bad-url", 2, "bad_url", 0, "bad"),
)
#: Kinds after which a host may be taken to be down or overloaded: never two on one host, or they would decide over its other URLs.
STRAINING = ("drip", "stall", "hang-up")


# -- the plan ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Ports:
    """Where the site listens: plainly, with a certificate nobody knows, and not at all."""

    plain: int
    tls: int
    dead: int


#: What a URL ended in, and how often it was asked for.
End: TypeAlias = tuple[str, int]


def draw_plan(urls: int, ports: Ports, settings: FetchSettings, seed: int) -> dict[str, End]:
    """URL → its end, in an order drawn from the seed."""
    chance = random.Random(seed)
    hosts = [f"h{number}" for number in range(max(3, urls // URLS_PER_HOST))]
    strained = iter(chance.sample(hosts, len(hosts)))
    planned: list[tuple[str, End]] = []
    for kind in KINDS[1:]:
        count = max(1, urls * kind.per_mille // 1000)
        turns = chance.sample(hosts, len(hosts))
        for index in range(count):
            host = next(strained) if kind.name in STRAINING else turns[index % len(hosts)]
            planned.append((compose_url(kind, index, host, ports), foresee_end(kind, index, settings)))
    left = range(urls - len(planned))
    planned += [(compose_url(KINDS[0], index, hosts[index % len(hosts)], ports), ("ok", 1)) for index in left]
    chance.shuffle(planned)
    return dict(planned)


def foresee_end(kind: Kind, index: int, settings: FetchSettings) -> End:
    """What the ``index``-th URL of a kind ends in."""
    if kind.name == "sulk" and index % kind.per_host == 0:
        return "http_5xx", 1
    return kind.reason, settings.max_attempts if kind.attempts < 0 else kind.attempts


def compose_url(kind: Kind, index: int, host: str, ports: Ports) -> str:
    """The ``index``-th URL of a kind."""
    name = f"{host if kind.host == 'h' else f'{kind.host}{index // kind.per_host}'}.test"
    match kind.host:
        case "tls":
            return f"https://{name}:{ports.tls}/good/{index}"
        case "dead":
            return f"http://{name}:{ports.dead}/good/{index}"
        case "private":
            return f"http://10.{index // 256}.{index % 256}.1/good/{index}"
        case "bad":
            return f"http://not a host {index}/"
        case _:
            return f"http://{name}:{ports.plain}/{kind.name}/{index}"


def look_up(host: str, _port: int) -> Sequence[str]:
    """The stand-in for the name service."""
    if host.startswith(("gone", "lame")):
        raise socket.gaierror(socket.EAI_NONAME if host.startswith("gone") else socket.EAI_AGAIN, host)
    return ["127.0.0.1"]


def list_good(urls: int, ports: Ports) -> list[str]:
    """As many good pictures on the same hosts."""
    hosts = max(3, urls // URLS_PER_HOST)
    return [compose_url(KINDS[0], index, f"h{index % hosts}", ports) for index in range(urls)]


def list_forced_waits(settings: FetchSettings) -> dict[str, float]:
    """Seconds that one URL of a kind takes at least, by what the settings permit and its server does."""
    return {
        "drip": settings.max_attempts * settings.total_timeout_s,
        "stall": settings.max_attempts * min(settings.read_timeout_s, settings.total_timeout_s),
        "503-heals": 1.0,
    }


def foresee_wall(urls: Sequence[str], waits: Mapping[str, float], good_s: float) -> float:
    """Seconds for a client that takes URLs in the shards' order at the pace of good ones, and then waits for the slow ones."""
    order = plan_shards(urls, None, len(urls)).column("url").to_pylist()
    return max(good_s * turn / len(order) + waits.get(find_kind(url), 0.0) for turn, url in enumerate(order, 1))


def find_kind(url: str) -> str:
    """The first part of its path, if it has one."""
    return re.sub(r"^[^/]*//[^/]*/([^/]*)/?.*$", r"\1", url)


# -- the fetch ---------------------------------------------------------------------------------------------------------


@contextlib.contextmanager
def open_site() -> Iterator[Ports]:
    """The site, in a process of its own."""
    command = [sys.executable, Path(__file__).with_name("faulty_site.py")]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            yield Ports(*json.loads(process.stdout.readline()))
        finally:
            process.stdin.close()
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()


@dataclass(frozen=True)
class Result:
    """URL → end, and what that took."""

    ends: dict[str, End]
    wall_s: float
    cpu_s: float


def fetch_list(urls: Sequence[str], settings: FetchSettings, shard_size: int) -> Result:
    """Plan, fetch, inspect and write; a shard is opened as soon as slots are free, as a lane does."""
    with tempfile.TemporaryDirectory(prefix="faulty-") as folder:
        began, cpu = time.monotonic(), time.process_time()
        asyncio.run(_fetch_shards(folder, urls, settings, shard_size))
        wall_s, cpu_s = time.monotonic() - began, time.process_time() - cpu
        workspace = Workspace(folder)
        columns = ["url", "reason", "image_reason", "attempts"]
        rows = [row for name in workspace.shard_names() for row in workspace.read_shard(name, columns).to_pylist()]
    ends = {row["url"]: (row["reason"] or row["image_reason"] or "ok", row["attempts"]) for row in rows}
    assert len(ends) == len(rows)
    return Result(ends, wall_s, cpu_s)


async def _fetch_shards(folder: str, urls: Sequence[str], settings: FetchSettings, shard_size: int) -> None:
    plan = plan_shards(urls, None, shard_size)
    async with Fetcher(settings, inspect_image, lookup=look_up) as fetcher:
        with open_writing(fetcher) as writing:
            shards: list[asyncio.Task[Any]] = []
            for name in pc.unique(plan.column("shard")).to_pylist():
                if shards:
                    await fetcher.wait_until_idle()
                own = plan.filter(pc.equal(plan.column("shard"), name)).column("url")
                work = run_shard(folder, name, own, settings, inspect_image, fetcher=fetcher, writing=writing)
                shards.append(asyncio.create_task(work))
                await asyncio.sleep(0)
            await asyncio.gather(*shards)


# -- plan and fact -----------------------------------------------------------------------------------------------------


def find_faults(plan: dict[str, End], ends: dict[str, End]) -> list[str]:
    """Where fact differs from plan, URL by URL; of a host that sulks, which URL is told so is nobody's to say."""
    planned, found = _gather(plan), _gather(ends)
    return [
        f"{place}: planned {_show(planned[place])}, found {_show(found[place])}"
        for place in planned | found
        if planned[place] != found[place]
    ]


def _gather(ends: dict[str, End]) -> defaultdict[str, Counter[End]]:
    gathered: defaultdict[str, Counter[End]] = defaultdict(Counter)
    for url, end in ends.items():
        gathered[url.rpartition("/")[0] if "//sulk" in url else url][end] += 1
    return gathered


def _show(ends: Counter[End]) -> str:
    return ", ".join(f"{count} x {reason} after {attempts}" for (reason, attempts), count in sorted(ends.items())) or "nothing"


def print_counts(plan: dict[str, End], ends: dict[str, End]) -> None:
    """Planned beside counted, by what URLs ended in."""
    planned, counted = (Counter(reason for reason, _ in some.values()) for some in (plan, ends))
    print(f"{'':18} {'planned':>8} {'counted':>8}")
    for reason in sorted(planned | counted, key=lambda reason: (reason != "ok", reason)):
        print(f"{reason:18} {planned[reason]:8,} {counted[reason]:8,}")
    attempts = [sum(end[1] for end in some.values()) for some in (plan, ends)]
    print(f"{'URLs':18} {len(plan):8,} {len(ends):8,}\n{'attempts':18} {attempts[0]:8,} {attempts[1]:8,}")


def main() -> int:
    """1 when an end is not as planned, or it took too long."""
    shipped = FetchSettings()
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--urls", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--shard-size", type=int, default=1_000)
    parser.add_argument("--max-attempts", type=int, default=shipped.max_attempts)
    parser.add_argument("--read-timeout-s", type=float, default=shipped.read_timeout_s)
    parser.add_argument("--total-timeout-s", type=float, default=shipped.total_timeout_s)
    parser.add_argument(
        "--any-wall", action="store_true", help="judge the ends only, and fetch no list of good pictures for comparison"
    )
    options = parser.parse_args()
    settings = replace(
        shipped,
        allowed_networks=(ip_network("127.0.0.0/8"),),
        user_agent="logoingest (+https://localhost/)",
        max_bytes=MAX_BYTES,
        max_attempts=options.max_attempts,
        read_timeout_s=options.read_timeout_s,
        total_timeout_s=options.total_timeout_s,
    )
    with open_site() as ports:
        good = {} if options.any_wall else dict.fromkeys(list_good(options.urls, ports), ("ok", 1))
        plan = draw_plan(options.urls, ports, settings, options.seed)
        calm = fetch_list(list(good), settings, options.shard_size) if good else Result({}, 0.0, 0.0)
        found = fetch_list(list(plan), settings, options.shard_size)
    print_counts(plan, found.ends)
    faults = find_faults(plan, found.ends) + find_faults(good, calm.ends)
    print(f"as planned: {'every URL' if not faults else f'all but {len(faults)}'}", *faults[:20], sep="\n  ")
    waits = list_forced_waits(settings)
    slow_s, slow_kind = max((seconds, kind) for kind, seconds in waits.items())
    slots_s = sum(waits.get(find_kind(url), 0.0) for url in plan) / settings.concurrency
    bound_s = max(slow_s, slots_s, calm.wall_s)
    ratio = found.wall_s / bound_s
    print(f"slowest permitted path: {slow_s:.1f} s ({slow_kind}); this list: {found.wall_s:.1f} s wall, {found.cpu_s:.1f} s CPU")
    if good:
        print(f"all forced waits over {settings.concurrency} slots: {slots_s:.1f} s")
        print(f"as many good pictures: {calm.wall_s:.1f} s wall, {calm.cpu_s:.1f} s CPU")
        print(f"{ratio:.2f} times the longest of these (asked: {MOST_OF_BOUND} at most)")
        by_turn_s = foresee_wall(list(plan), waits, calm.wall_s)
        print(
            f"{found.wall_s / by_turn_s:.2f} times {by_turn_s:.1f} s: who does not know in advance which URLs are slow meets the last one late"
        )
    return int(bool(faults) or (ratio > MOST_OF_BOUND and not options.any_wall))


if __name__ == "__main__":
    sys.exit(main())
