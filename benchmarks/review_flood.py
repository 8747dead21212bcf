"""Whether somebody who is in can work on while strangers flood the review pages: garbage requests, idle connections, slow bodies. Loopback.

    python benchmarks/review_flood.py --per-second 10000 --seconds 15

Prints what was offered and answered, how long a person's pages took meanwhile, and the server's memory. No peer.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import multiprocessing
import random
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

import httpx
import numpy as np

from review_page import build_workspace

_AT_ONCE = 50
_GARBAGE = (
    b"GET /../../etc/passwd HTTP/1.1\r\nhost: {host}\r\n\r\n",
    b"GET /view/%2e%2e%2f%2e%2e/160 HTTP/1.1\r\nhost: {host}\r\n\r\n",
    b"GET /queue HTTP/1.1\r\nhost: evil.example\r\n\r\n",
    b"POST /queue/decide HTTP/1.1\r\nhost: {host}\r\norigin: http://evil.example\r\ncontent-length: 2\r\n\r\n{}",
    b"PUT /map.toml HTTP/1.1\r\nhost: {host}\r\n\r\n",
    b"GET /enter?token=" + b"A" * 43 + b" HTTP/1.1\r\nhost: {host}\r\n\r\n",
    b"\x16\x03\x01\x00\xff\x01\r\n\r\n",
)


async def _send_garbage(port: int, per_second: int, seconds: float, counts: Counter[str]) -> None:
    host = f"127.0.0.1:{port}".encode()
    requests = [one.replace(b"{host}", host) for one in _GARBAGE]
    ends = time.monotonic() + seconds
    while time.monotonic() < ends:
        with contextlib.suppress(OSError):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            listening = asyncio.create_task(_count_answers(reader, counts))
            while time.monotonic() < ends and not writer.is_closing() and not listening.done():
                writer.write(b"".join(random.choices(requests, k=_AT_ONCE)))
                counts["offered"] += _AT_ONCE
                await writer.drain()
                await asyncio.sleep(_AT_ONCE / per_second)
            listening.cancel()
            writer.close()


async def _count_answers(reader: asyncio.StreamReader, counts: Counter[str]) -> None:
    while data := await _read_some(reader):
        for status in (b"200", b"303", b"400", b"401", b"403", b"405", b"421", b"429", b"503"):
            counts[status.decode()] += data.count(b"HTTP/1.1 " + status)


async def _read_some(reader: asyncio.StreamReader) -> bytes:
    with contextlib.suppress(OSError):
        return await reader.read(1 << 16)
    return b""


def _flood(port: int, per_second: int, seconds: float, told: multiprocessing.Queue[Counter[str]]) -> None:
    counts: Counter[str] = Counter()

    async def run() -> None:
        await asyncio.gather(*(_send_garbage(port, per_second // 16, seconds, counts) for _ in range(16)))

    asyncio.run(run())
    told.put(counts)


async def _hold(port: int, begun: bytes, number: int, seconds: float) -> None:
    """So many connections that begin a request and never end it; a closed one is opened again."""
    ends = time.monotonic() + seconds

    async def hold_one() -> None:
        while time.monotonic() < ends:
            with contextlib.suppress(OSError):
                reader, writer = await asyncio.open_connection("127.0.0.1", port)
                writer.write(begun)
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(reader.read(1000), max(0.1, ends - time.monotonic()))
                writer.close()
            await asyncio.sleep(0.2)

    await asyncio.gather(*(hold_one() for _ in range(number)))


def _run_holds(port: int, begun: bytes, number: int, seconds: float) -> None:
    asyncio.run(_hold(port, begun, number, seconds))


def _work(client: httpx.Client, base: str, seconds: float) -> tuple[list[float], Counter[int]]:
    """Ask for pages as a person does, twice a second."""
    times, statuses, ends = [], Counter[int](), time.monotonic() + seconds
    while time.monotonic() < ends:
        for path in ("/queue/lines", "/gallery"):
            began = time.monotonic()
            statuses[client.get(base + path).status_code] += 1
            times.append(1000 * (time.monotonic() - began))
            time.sleep(0.25)
    return times, statuses


def _read_memory(pid: int) -> int:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return int(next(line.split()[1] for line in lines if line.startswith("VmRSS"))) // 1024


def main() -> None:
    """Serve a small workspace, flood it, and work meanwhile."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--per-second", type=int, default=10_000)
    parser.add_argument("--seconds", type=float, default=15)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        config = build_workspace(Path(folder), 2_000, 200)
        server = subprocess.Popen(
            [sys.executable, "-m", "logoingest", "web", str(config), "--json", "--quiet"], stdout=subprocess.PIPE, text=True
        )
        try:
            link = json.loads(server.stdout.readline())["link"]  # type: ignore[union-attr]
            base = link.partition("/enter")[0]
            with httpx.Client(timeout=60, follow_redirects=True) as client:
                while "Gathering" in client.get(link if not client.cookies else f"{base}/queue").text:
                    time.sleep(0.5)
                _attack(client, base, server.pid, options.per_second, options.seconds)
        finally:
            server.terminate()
            server.wait(20)


def _attack(client: httpx.Client, base: str, pid: int, per_second: int, seconds: float) -> None:
    port = int(base.rpartition(":")[2])
    slow = f"POST /enter HTTP/1.1\r\nhost: 127.0.0.1:{port}\r\norigin: {base}\r\ncontent-type: application/json\r\ncontent-length: 9000\r\n\r\n{{"
    told: multiprocessing.Queue[Counter[str]] = multiprocessing.Queue()
    attacks = {
        "nobody else": None,
        f"{per_second:,} garbage requests a second": (_flood, (port, per_second, seconds, told)),
        "400 connections that never ask": (_run_holds, (port, b"GET /queue HTTP/1.1\r\n", 400, seconds)),
        "400 bodies that never come": (_run_holds, (port, slow.encode(), 400, seconds)),
    }
    print(f"{'meanwhile':<36}{'pages':>6}{'p50 ms':>8}{'p95 ms':>8}{'memory MB':>11}   answers")
    for name, attack in attacks.items():
        process = None if attack is None else multiprocessing.Process(target=attack[0], args=attack[1])
        if process is not None:
            process.start()
        times, statuses = _work(client, base, seconds)
        memory = _read_memory(pid)
        said = dict(statuses)
        print(
            f"{name:<36}{len(times):>6}{np.percentile(times, 50):>8.0f}{np.percentile(times, 95):>8.0f}{memory:>11}   {said}",
            flush=True,
        )
        if process is not None:
            if attack is not None and attack[0] is _flood:
                counts = told.get()
                offered = counts.pop("offered")
                print(
                    f"  offered {offered / seconds:,.0f} a second, answered {sum(counts.values()) / seconds:,.0f}: {dict(counts.most_common())}"
                )
            process.join()


if __name__ == "__main__":
    main()
