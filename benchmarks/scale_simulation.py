"""How long a list of a given size takes on so many machines, and which limit binds: a simulation of hosts, limits and failures.

    python benchmarks/scale_simulation.py                        # the scenarios of docs/scale.md
    python benchmarks/scale_simulation.py --urls 4207 --hosts 1 --machines 1 --cores 2
    python benchmarks/scale_simulation.py --check                # small lists, fetched from loopback: forecast beside fact

Hosts have URLs by Zipf's law, a latency each (log-normal, drawn from the seed), and are healthy or dead. Time goes in steps. In each, every
host with work left is asked at one common rate (hosts take turns), or at its own limit where that is lower: ``per_host`` requests in
flight, each as long as its latency and its body take, or ``per_host_rate``. The common rate is the highest that stays within what all
machines have: slots (``concurrency``), cores, bandwidth, the name service. What holds it down is what binds in that step; when even an
unlimited rate would use none of them up, the hosts themselves bind. A dead host costs its first ``breaker_failures`` URLs in every
process ``dead_s`` each (of five, four have no name any more and one lets 30 s pass), then nothing. What the simulation leaves out:
bursts, adaptive pace, the overlap of shards, object stores' limits.

CPU per URL is what ``fetch_vs_img2dataset.py`` measures (its https figure is the default here); the rest are assumptions, named in the
options, to be replaced by those of your list.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import math
import random
import time
from dataclasses import dataclass, fields, replace
from ipaddress import ip_network

import numpy as np

from logoingest.fetch import FetchSettings, fetch_urls

#: Hosts beyond this rank are taken together with their neighbours.
EXACT_RANKS = 2_000
BUCKETS = 6_000


@dataclass(frozen=True)
class Scenario:
    """A list, a cluster, and the limits of ``[fetch]``, which hold over all machines together."""

    name: str = "your list"
    urls: float = 100e6
    hosts: int = 1_000_000
    zipf: float = 1.0
    body_kb: float = 120.0
    latency_s: float = 0.25
    latency_spread: float = 0.8
    dead_hosts: float = 0.12
    missing: float = 0.12
    timeouts: float = 0.01
    machines: int = 20
    cores: int = 8
    gbit: float = 2.0
    cpu_ms: float = 5.0
    cpu_miss_ms: float = 0.8
    concurrency: int = 4096
    per_host: int = 64
    per_host_rate: float = 0.0
    host_mbit: float = 20.0
    timeout_s: float = 45.0
    dead_s: float = 6.0
    breaker_failures: int = 8
    dns_per_s: float = 500.0
    dns_s: float = 0.05
    seed: int = 1

    @property
    def processes(self) -> int:
        """Tasks at once: one a core, and no more than can each have a share of the limits."""
        return min(self.machines * self.cores, self.per_host, self.concurrency)


@dataclass(frozen=True)
class Hosts:
    """Hosts of a kind in one row: how many, and per host the URLs that cost time, slot seconds a URL and its highest rate."""

    count: np.ndarray
    urls: np.ndarray
    slot_s: np.ndarray
    top_rate: np.ndarray
    body_share: np.ndarray
    skipped: np.ndarray


@dataclass(frozen=True)
class Forecast:
    """What comes out."""

    hours: float
    hours_to_99: float
    urls_per_s: float
    binds: dict[str, float]
    terabytes: float
    slowest_host_hours: float


def main() -> int:
    """Print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for field in fields(Scenario):
        if field.name != "name":
            parser.add_argument(
                f"--{field.name.replace('_', '-')}", type=type(field.default), default=None, help=f"default: {field.default}"
            )
    parser.add_argument("--check", action="store_true", help="fetch small lists from loopback and compare")
    options = parser.parse_args()
    if options.check:
        return check()
    given = {name: value for name, value in vars(options).items() if value is not None and name != "check"}
    scenarios = [replace(Scenario(), **given)] if given else list(SCENARIOS)
    started = time.monotonic()
    print("| scenario | hours | 99 % after | URLs/s | binds (share of the time) | largest host alone, h | pictures, TB |")
    print("|---|---|---|---|---|---|---|")
    for scenario in scenarios:
        print(describe(scenario, simulate(scenario)))
    print(f"\nseed {scenarios[0].seed}, {time.monotonic() - started:.1f} s")
    return 0


_BASE = Scenario("100 M URLs, 1 M hosts, 20 machines of 8 cores and 2 Gbit/s, `per_host = 64`")
SCENARIOS = (
    _BASE,
    replace(_BASE, name="the same, `per_host = 8`", per_host=8),
    replace(_BASE, name="the same, `per_host = 8`, no host above 10 a second", per_host=8, per_host_rate=10.0),
    replace(_BASE, name="5 machines of 8 cores", machines=5),
    replace(_BASE, name="`per_host = 160`: a task on every core", per_host=160),
    replace(_BASE, name="20 machines, `concurrency = 64`", concurrency=64),
    replace(_BASE, name="20 machines of 0.5 Gbit/s", gbit=0.5),
    replace(_BASE, name="2 machines of 4 cores", machines=2, cores=4),
    replace(_BASE, name="one resolver, 50 names a second in all", dns_per_s=50.0 / 20),
    replace(_BASE, name="all on one host, `per_host = 64`", hosts=1, zipf=0.0, dead_hosts=0.0),
    replace(_BASE, name="1 M URLs, 50,000 hosts, one laptop (2 cores, 0.1 Gbit/s, defaults)", urls=1e6, hosts=50_000, machines=1, cores=2,
            gbit=0.1, concurrency=64, per_host=8),
)  # fmt: skip


def make_hosts(scenario: Scenario) -> Hosts:
    """The hosts of a list, largest first; those far down come together in rows of equal size."""
    edges = np.unique(
        np.concatenate([np.arange(min(scenario.hosts, EXACT_RANKS) + 1), np.geomspace(1, scenario.hosts, BUCKETS).astype(int)])
    )
    first, last = edges[:-1], edges[1:]
    count = (last - first).astype(float)
    weight = ((first + last + 1) / 2) ** -scenario.zipf
    urls = weight * scenario.urls / float((weight * count).sum())
    rng = np.random.default_rng(scenario.seed)
    median = scenario.latency_s * math.exp(-(scenario.latency_spread**2) / 2)
    latency = median * np.exp(scenario.latency_spread * rng.standard_normal(len(count)))
    dead = np.zeros(len(count)) if scenario.hosts == 1 else (rng.random(len(count)) < scenario.dead_hosts).astype(float)
    asked = np.where(dead > 0, np.minimum(urls, max(1, scenario.breaker_failures) * scenario.processes), urls)
    fetched = 1 - scenario.missing - scenario.timeouts
    body_s = scenario.body_kb * 8e3 / (scenario.host_mbit * 1e6)
    healthy_s = latency + fetched * body_s + scenario.timeouts * scenario.timeout_s
    slot_s = np.where(dead > 0, scenario.dead_s, healthy_s)
    top_rate = min(scenario.per_host, scenario.concurrency) / slot_s
    if scenario.per_host_rate:
        top_rate = np.minimum(top_rate, scenario.per_host_rate)
    return Hosts(count, asked, slot_s, top_rate, np.where(dead > 0, 0.0, fetched), urls - asked)


def simulate(scenario: Scenario) -> Forecast:
    """Step through the job until nothing is left; a step is as long as it takes the quickest fiftieth of the hosts to end."""
    hosts = make_hosts(scenario)
    cpu_s = (hosts.body_share * scenario.cpu_ms + (1 - hosts.body_share) * scenario.cpu_miss_ms) / 1e3
    # each process looks a host's name up once: the larger the host, the fewer look-ups a URL
    lookups = np.minimum(1.0, scenario.processes / np.maximum(hosts.urls, 1.0))
    needs = {
        "slots": (hosts.slot_s + lookups * scenario.dns_s, scenario.concurrency),
        "cores": (cpu_s, scenario.processes * 0.9),
        "bandwidth": (hosts.body_share * scenario.body_kb * 8e3 * 1.05, scenario.machines * scenario.gbit * 1e9 * 0.9),
        "names": (lookups, scenario.machines * scenario.dns_per_s),
    }
    left = hosts.urls.copy()
    total = float((hosts.urls * hosts.count).sum())
    now, at_99, rest = 0.0, 0.0, total
    binds: dict[str, float] = {}
    while True:
        active = left > 1e-9
        if not active.any():
            break
        rate, limit = choose_rates(hosts, active, needs)
        ends = left[active] / rate[active]
        step = float(np.quantile(ends, 0.02, method="higher"))
        left[active] = np.maximum(0.0, left[active] - rate[active] * step)
        left[active & (left < 1e-6 * hosts.urls)] = 0.0
        now += step
        binds[limit] = binds.get(limit, 0.0) + step
        before, rest = rest, float((left * hosts.count).sum())
        if before > 0.01 * total >= rest:
            at_99 = now - step * (0.01 * total - rest) / (before - rest)
    done = float((hosts.urls * hosts.count * hosts.body_share).sum())
    alone = float((hosts.urls / hosts.top_rate).max())
    shares = {name: seconds / now for name, seconds in sorted(binds.items(), key=lambda item: -item[1])}
    return Forecast(now / 3600, at_99 / 3600, scenario.urls / now, shares, done * scenario.body_kb * 1e3 / 1e12, alone / 3600)


def choose_rates(hosts: Hosts, active: np.ndarray, needs: dict[str, tuple[np.ndarray, float]]) -> tuple[np.ndarray, str]:
    """Each host's rate now, and what holds the rates down."""
    top = np.where(active, hosts.top_rate, 0.0)
    common, limit = float(top.max()), "the hosts' own limits"
    for name, (need, supply) in needs.items():
        weight = need * hosts.count
        if float((np.minimum(top, common) * weight).sum()) > supply:
            common, limit = find_common_rate(top, weight, supply, common), name
    return np.minimum(top, common), limit


def find_common_rate(top: np.ndarray, weight: np.ndarray, supply: float, ceiling: float) -> float:
    """The rate r with sum(min(top, r) * weight) = supply, by halving."""
    low, high = 0.0, ceiling
    for _ in range(50):
        middle = (low + high) / 2
        if float((np.minimum(top, middle) * weight).sum()) > supply:
            high = middle
        else:
            low = middle
    return low


def describe(scenario: Scenario, forecast: Forecast) -> str:
    """A row of the table."""
    binds = ", ".join(f"{name} {share:.0%}" for name, share in forecast.binds.items() if share >= 0.01)
    figures = f"{forecast.hours:,.1f} | {forecast.hours_to_99:,.1f} | {forecast.urls_per_s:,.0f}"
    return f"| {scenario.name} | {figures} | {binds} | {forecast.slowest_host_hours:,.1f} | {forecast.terabytes:.2f} |"


_SMALL = Scenario(
    "1,500 URLs, 40 hosts by Zipf, 0.2 s, `per_host = 4`", urls=1500, hosts=40, body_kb=2, latency_s=0.2, latency_spread=0, dead_hosts=0,
    missing=0, timeouts=0, machines=1, cores=1, gbit=10, concurrency=32, per_host=4, host_mbit=1000, dns_s=0,
)  # fmt: skip
CHECKS = (
    _SMALL,
    replace(_SMALL, name="the same, `concurrency = 8`", concurrency=8),
    replace(_SMALL, name="the same, `per_host = 16`", per_host=16),
    replace(_SMALL, name="the same, 10 a second and host", per_host_rate=10.0),
)


def check() -> int:
    """Forecast and fact of small jobs, in seconds; 1 when a forecast is off by more than a quarter."""
    worst = 0.0
    print("| job | forecast, s | fact, s | forecast: binds |")
    print("|---|---|---|---|")
    for scenario in CHECKS:
        forecast = simulate(scenario)
        predicted_s, measured_s = forecast.hours * 3600, asyncio.run(fetch_for_real(scenario))
        worst = max(worst, abs(predicted_s / measured_s - 1))
        print(
            f"| {scenario.name} | {predicted_s:.1f} | {measured_s:.1f} | {max(forecast.binds, key=lambda name: forecast.binds[name])} |"
        )
    print(f"\nworst error {worst:.0%}")
    return int(worst > 0.25)


async def fetch_for_real(scenario: Scenario) -> float:
    """Seconds for a list like the scenario's, from servers on loopback addresses that answer after its latency."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            while await reader.readuntil(b"\r\n\r\n"):
                await asyncio.sleep(scenario.latency_s)
                body = bytes(int(scenario.body_kb * 1000))
                writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
                await writer.drain()

    hosts = make_hosts(scenario)
    addresses = [f"127.0.1.{number + 1}" for number in range(scenario.hosts)]
    servers = [await asyncio.start_server(answer, address, 0) for address in addresses]
    urls = []
    for server, address, count in zip(servers, addresses, np.repeat(hosts.urls, hosts.count.astype(int)), strict=True):
        port = server.sockets[0].getsockname()[1]
        urls += [f"http://{address}:{port}/{number}" for number in range(round(count))]
    random.Random(scenario.seed).shuffle(urls)
    settings = FetchSettings(
        concurrency=scenario.concurrency,
        per_host=scenario.per_host,
        per_host_rate=scenario.per_host_rate,
        per_host_burst=1,
        robots="ignore",
        allowed_networks=(ip_network("127.0.0.0/8"),),
    )
    began = time.monotonic()
    await fetch_urls(urls, settings, None)
    taken = time.monotonic() - began
    for server in servers:
        server.close()
    return taken


if __name__ == "__main__":
    raise SystemExit(main())
