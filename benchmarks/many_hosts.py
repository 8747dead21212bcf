"""200,000 tiny pictures on 2,000 hosts: does memory stay flat, and is any host ever asked for more at once than it should be?

    python benchmarks/many_hosts.py [--urls 200000] [--hosts 2000]
    python benchmarks/many_hosts.py --urls 20000 --hosts 400 --hot-share 0 --per-host-rate 5

One server process on this machine stands for all hosts, each an address of its own in 127.0.0.0/8, and keeps a log: when each request
came, for which host, and when its answer went out. ``logoingest run --until fetch`` fetches the list with two processes. A share of the URLs
(``--hot-share``) lies on 1 % of the hosts, and every answer takes ``--delay-ms``, so that there is something to hold back.

Laws, each of which ends the run with exit code 1 when broken:

- every URL has its row, and every row its picture
- by the server's log no host had more than ``--per-host`` requests at once, of both processes together, robots.txt included
- with ``--per-host-rate``: in no stretch of t seconds did a host get more than rate · t + burst requests; when a request comes is not quite
  when it was sent, so t may be 100 ms longer than the log says
- memory grows by less than ``--most-growth`` MB per 100,000 URLs: the slope of a line through the samples, without the first quarter, in
  which caches fill, and the last twentieth
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import io
import json
import mmap
import random
import resource
import signal
import struct
import subprocess
import sys
import tempfile
import time
from array import array
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from PIL import Image

from process_tree import Memory, MemoryWatch

COMMAND = [sys.executable, "-m", "logoingest", "run"]
CONFIG = """
[dataset]
name = "hosts"
workspace = "work"
[[sources]]
path = "urls.txt"
format = "urls"
[labels]
class_map = "map.toml"
[fetch]
allowed_networks = ["127.0.0.0/8"]
contact = "https://localhost/"
processes = 2
concurrency = {concurrency}
per_host = {per_host}
per_host_rate = {per_host_rate}
per_host_burst = {per_host_burst}
"""
#: The times of two requests in the log may be so much closer than the moments they were sent at.
TOLERANCE_S = 0.1


# -- the hosts ---------------------------------------------------------------------------------------------------------


class Log:
    """When requests began and ended, by host. Kept in memory, written once; only the count is shown while the server runs."""

    def __init__(self, counter: Path) -> None:
        self.times = array("d")
        self.hosts = array("I")
        self.steps = array("b")
        self.ids: dict[bytes, int] = {}
        with counter.open("r+b") as file:
            self._shown = mmap.mmap(file.fileno(), 8)
        self._answered = 0

    def begin(self, host: bytes) -> int:
        number = self.ids.setdefault(host, len(self.ids))
        self._add(number, 1)
        return number

    def end(self, number: int) -> None:
        self._add(number, -1)
        self._answered += 1
        self._shown[:8] = struct.pack("<q", self._answered)

    def _add(self, number: int, step: int) -> None:
        self.times.append(time.monotonic())
        self.hosts.append(number)
        self.steps.append(step)

    def write(self, path: Path) -> None:
        np.savez(path, times=np.array(self.times), hosts=np.array(self.hosts), steps=np.array(self.steps))


class Site(asyncio.Protocol):
    """One connection: requests come one after the other, since no client pipelines."""

    def __init__(self, log: Log, bodies: list[bytes], delay_s: float) -> None:
        self._log = log
        self._bodies = bodies
        self._delay_s = delay_s
        self._head = b""
        self._open: set[int] = set()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._head += data
        if not self._head.endswith(b"\r\n\r\n"):
            return
        head, self._head = self._head, b""
        host = head.lower().partition(b"\r\nhost:")[2].partition(b"\r\n")[0].strip()
        path = head.split(b" ", 2)[1]
        number = self._log.begin(host)
        self._open.add(number)
        asyncio.get_running_loop().call_later(self._delay_s, self._answer, path, number, b"connection: close" in head.lower())

    def connection_lost(self, _: Exception | None) -> None:
        for number in self._open:
            self._log.end(number)
        self._open.clear()

    def _answer(self, path: bytes, number: int, is_last: bool) -> None:
        if number not in self._open:
            return
        self._open.discard(number)
        body = b"" if path == b"/robots.txt" else self._bodies[int(path[1:]) % len(self._bodies)]
        status = b"200 OK" if body else b"404 Not Found"
        self._log.end(number)  # before the client can know
        self._transport.write(b"HTTP/1.1 %s\r\nContent-Type: image/png\r\nContent-Length: %d\r\n\r\n%s" % (status, len(body), body))
        if is_last:
            self._transport.close()


async def run_server(folder: Path, delay_s: float) -> None:
    """What the server's process runs; prints its port, writes its log when it is told to end."""
    log = Log(folder / "answered")
    bodies = [draw_picture(number) for number in range(64)]
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Site(log, bodies, delay_s), "0.0.0.0", 0, backlog=4096)
    print(server.sockets[0].getsockname()[1], flush=True)
    ended = asyncio.Event()
    loop.add_signal_handler(signal.SIGTERM, ended.set)
    await ended.wait()
    log.write(folder / "log.npz")


def draw_picture(number: int) -> bytes:
    file = io.BytesIO()
    noise = np.random.default_rng(number).integers(0, 256, (4, 4, 3), dtype=np.uint8)
    Image.fromarray(noise).resize((16, 16)).save(file, "PNG")
    return file.getvalue()


@contextlib.contextmanager
def serve(folder: Path, delay_ms: float) -> Iterator[int]:
    """The port of a server that answers on every loopback address."""
    (folder / "answered").write_bytes(bytes(8))
    command = [sys.executable, __file__, "--serve", str(folder), "--delay-ms", str(delay_ms)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        try:
            yield int(server.stdout.readline())
        finally:
            server.terminate()


# -- the run -----------------------------------------------------------------------------------------------------------


def write_dataset(folder: Path, port: int, options: argparse.Namespace) -> None:
    """The list, in random order, and its config."""
    rng = random.Random(0)
    hot = max(1, options.hosts // 100)
    numbers = [number % (hot if number < options.urls * options.hot_share else options.hosts) for number in range(options.urls)]
    urls = [f"http://127.{1 + host // 250}.0.{1 + host % 250}:{port}/{number}" for number, host in enumerate(numbers)]
    rng.shuffle(urls)
    (folder / "urls.txt").write_text("".join(f"{url}\n" for url in urls))
    (folder / "map.toml").write_text('[classes.any]\nname = "any"\n')
    (folder / "dataset.toml").write_text(CONFIG.format_map(vars(options)))


def fetch_list(folder: Path) -> tuple[dict[str, int], float, float, MemoryWatch]:
    """The stage's counts, CPU and wall seconds of the whole command, and its memory beside the answers given so far."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    start = time.perf_counter()
    command = [*COMMAND, str(folder / "dataset.toml"), "--until", "fetch", "--quiet", "--json"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    counter = folder / "answered"
    with MemoryWatch(process.pid, lambda: float(struct.unpack("<q", counter.read_bytes())[0])) as memory:
        text, _ = process.communicate()
        wall = time.perf_counter() - start
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    if process.returncode:
        sys.exit(f"the run ended with exit code {process.returncode}")
    return next(stage["counts"] for stage in json.loads(text) if stage["stage"] == "fetch"), cpu, wall, memory


def find_slope(samples: list[tuple[float, Memory]], measure: str) -> float:
    """MB per 100,000 answers, by least squares."""
    last = samples[-1][0]
    points = [(count, getattr(memory, measure)) for count, memory in samples if 0.25 * last <= count <= 0.95 * last]
    if len(points) < 3:
        return float("nan")
    counts, sizes = np.array(points).T
    return float(np.polyfit(counts, sizes, 1)[0] * 100_000)


def count_together(log: dict[str, np.ndarray]) -> np.ndarray:
    """The greatest number of requests at once of each host."""
    order = np.lexsort((np.arange(len(log["times"])), log["hosts"]))  # by host, within it as logged
    hosts, running = log["hosts"][order], np.cumsum(log["steps"][order].astype(np.int64))
    starts = np.flatnonzero(np.r_[True, hosts[1:] != hosts[:-1]])  # every request ends, so each host begins at 0
    return np.maximum.reduceat(running, starts)


def count_excess(log: dict[str, np.ndarray], rate: float) -> float:
    """The most requests any host got in any stretch of t seconds beyond rate · (t + ``TOLERANCE_S``): to be ≤ the burst."""
    worst = 0.0
    begun = log["steps"] > 0
    times, hosts = log["times"][begun], log["hosts"][begun]
    for host in np.unique(hosts):
        at = times[hosts == host]
        number = np.arange(len(at))
        credit = number - rate * at  # of i: how many came before it beyond what the rate allows
        worst = max(worst, float(np.max(credit + 1 - np.minimum.accumulate(credit))))
    return worst - rate * TOLERANCE_S


def main() -> int:
    """Print what was measured and whether each law holds."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--urls", type=int, default=200_000)
    parser.add_argument("--hosts", type=int, default=2_000)
    parser.add_argument("--hot-share", type=float, default=0.25)
    parser.add_argument("--delay-ms", type=float, default=20.0)
    parser.add_argument("--concurrency", type=int, default=128)
    parser.add_argument("--per-host", type=int, default=4)
    parser.add_argument("--per-host-rate", type=float, default=0.0, help="requests per second and host; 0: no limit")
    parser.add_argument("--per-host-burst", type=int, default=4)
    parser.add_argument("--most-growth", type=float, default=5.0, help="MB per 100,000 URLs")
    parser.add_argument("--serve", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    if options.serve is not None:
        asyncio.run(run_server(options.serve, options.delay_ms / 1000))
        return 0
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))  # ours gets what users have
    with tempfile.TemporaryDirectory(prefix="many-hosts-") as name:
        folder = Path(name)
        with serve(folder, options.delay_ms) as port:
            write_dataset(folder, port, options)
            counts, cpu, wall, memory = fetch_list(folder)
        log = dict(np.load(folder / "log.npz"))
    return judge(options, log, counts, cpu=cpu, wall=wall, memory=memory)


def judge(
    options: argparse.Namespace,
    log: dict[str, np.ndarray],
    counts: dict[str, int],
    *,
    cpu: float,
    wall: float,
    memory: MemoryWatch,
) -> int:
    """Print the figures and the laws that are broken; the exit code."""
    together = count_together(log)
    lasted = float(log["times"][-1] - log["times"][0])
    slopes = {measure: find_slope(memory.samples, measure) for measure in ("held", "resident")}
    print(f"{counts['urls']:,} URLs on {len(together):,} hosts: {counts['fetched']:,} fetched, {counts['failed']:,} failed")
    print(f"{options.urls / lasted:,.0f} URLs/s while fetching, {options.urls / wall:,.0f} over the whole command ({wall:.0f} s)")
    print(f"{cpu:.0f} CPU s, {cpu / options.urls * 1000:.2f} ms a URL; the server's own are not counted")
    print(f"peak memory of the process tree: {memory.peak.held:.0f} MB held, {memory.peak.resident:.0f} MB resident sizes added up")
    if np.isnan(slopes["held"]):
        print("growth of memory: the run was too short to tell")
    else:
        print(f"growth per 100,000 URLs: {slopes['held']:+.1f} MB held, {slopes['resident']:+.1f} MB resident")
    full = int((together == options.per_host).sum())
    print(
        f"most requests of one host at once, by the server's log: {together.max()} (limit {options.per_host}, reached by {full:,} hosts)"
    )
    broken = []
    if options.per_host_rate:
        excess = count_excess(log, options.per_host_rate)
        print(
            f"most requests beyond {options.per_host_rate:g}/s of one host in any stretch: {excess:.2f} (burst {options.per_host_burst})"
        )
        broken += ["a host got more than rate · t + burst"] * (excess > options.per_host_burst)
    broken += ["not every URL was fetched"] * (counts["urls"] != options.urls or counts["failed"] > 0)
    broken += ["a host had more requests at once than its limit"] * bool(together.max() > options.per_host)
    broken += ["memory grows"] * (slopes["held"] > options.most_growth)
    for law in broken:
        print(f"BROKEN: {law}")
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
