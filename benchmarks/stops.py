"""One fetch, stopped at several moments by SIGINT and SIGTERM: what is kept of what progress had said, and what is asked for again.

    python benchmarks/stops.py                                             # 20,000 URLs, 10, 45 and 90 s, 0, 2 and 5 % faults
    python benchmarks/stops.py --urls 3000 --moments 3,8 --faults 0,.05    # a short one
    git worktree add /tmp/before COMMIT && python benchmarks/stops.py --before /tmp/before --moments ""    # wall times alone

A site on loopback, one host, answers each URL after some milliseconds; a share of the URLs answers 500 when it is asked for the first
time. Every stop has a workspace of its own: the command is started, the finished shards are counted second by second, the signal is
sent, and the rows that are there are compared with the last progress line. Then the same command runs to its end, against a site that
answers at once, and the site's log is searched for URLs whose rows had been kept. With ``--before`` undisturbed runs alternate with
those of another commit.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import re
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pyarrow.parquet as pq

CONFIG = """
[dataset]
name = "stops"
workspace = "work"
max_failed_share = 1.0
[[sources]]
path = "urls.csv"
url_column = "url"
label_column = "label"
[labels]
class_map = "map.toml"
[fetch]
allowed_networks = ["127.0.0.0/8"]
contact = "https://localhost/"
shard_size = {shard_size}
"""
#: The command line, with a progress line every fifth of a second in place of every ten.
COMMAND = (
    "import sys, logoingest.cli.console as shown; shown.LOG_EVERY_S = 0.2; from logoingest.cli.main import main; sys.exit(main())"
)
PROGRESS = re.compile(r"fetch +([\d,]+) of ")


@dataclass
class Site:
    """One host; ``asked`` counts requests by path."""

    faults: float
    delay_s: float
    asked: Counter[str] = field(default_factory=Counter)
    faulted: set[str] = field(default_factory=set)
    port: int = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                path = (await reader.readuntil(b"\r\n\r\n")).split(b" ", 2)[1].decode()
                writer.write(await self._answer(path))
                await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError):
            writer.close()

    async def _answer(self, path: str) -> bytes:
        if path == "/robots.txt":
            return b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"
        self.asked[path] += 1
        await asyncio.sleep(self.delay_s)
        if path not in self.faulted and random.Random(path).random() < self.faults:
            self.faulted.add(path)
            return b"HTTP/1.1 500 Fault\r\nContent-Length: 0\r\n\r\n"
        body = b"\xff\xd8\xff" + random.Random(path).randbytes(2_000)
        return b"HTTP/1.1 200 OK\r\nContent-Type: image/jpeg\r\nContent-Length: %d\r\n\r\n" % len(body) + body

    def start(self) -> None:
        """Listen, in a thread."""
        ready = threading.Event()

        async def listen() -> None:
            server = await asyncio.start_server(self.serve, "127.0.0.1", 0, backlog=500)
            self.port = server.sockets[0].getsockname()[1]
            ready.set()
            await server.serve_forever()

        threading.Thread(target=lambda: asyncio.run(listen()), daemon=True).start()
        ready.wait()


def write_dataset(folder: Path, site: Site, urls: int, shard_size: int) -> Path:
    """A dataset of so many URLs of the site; the config's path."""
    folder.mkdir(parents=True)
    rows = [f"http://127.0.0.1:{site.port}/{number}.jpg,acme" for number in range(urls)]
    (folder / "urls.csv").write_text("\n".join(["url,label", *rows, ""]))
    (folder / "map.toml").write_text('[classes.acme]\nname = "Acme"\n')
    (folder / "dataset.toml").write_text(CONFIG.format(shard_size=shard_size))
    return folder / "dataset.toml"


def start(config: Path, program: Sequence[str] = ("-c", COMMAND), tree: Path | None = None) -> subprocess.Popen[str]:
    environment = os.environ if tree is None else {**os.environ, "PYTHONPATH": str(tree / "src")}
    command = [sys.executable, *program, "run", str(config), "--until", "fetch"]
    return subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True, env=environment)


@dataclass
class Listener:
    """What a run says on stderr, read as it comes."""

    process: subprocess.Popen[str]
    lines: list[str] = field(default_factory=list)
    said: int = 0

    def __post_init__(self) -> None:
        self.thread = threading.Thread(target=self._read, daemon=True)
        self.thread.start()

    def _read(self) -> None:
        assert self.process.stderr is not None
        for line in self.process.stderr:
            self.lines.append(line)
            if found := PROGRESS.search(line):
                self.said = int(found[1].replace(",", ""))


def list_rows(work: Path, pattern: str) -> list[str]:
    """The paths of the URLs that have rows."""
    found: list[str] = []
    for file in (work / "downloads").glob(pattern):
        found += ["/" + url.rpartition("/")[2] for url in pq.read_table(file, columns=["url"]).column(0).to_pylist()]
    return found


def stop_once(folder: Path, site: Site, options: argparse.Namespace, moment: float, sent: signal.Signals) -> dict[str, object]:
    """One stopped run and the one that goes on; the figures."""
    config = write_dataset(folder, site, options.urls, options.shard_size)
    site.asked.clear()
    site.faulted.clear()
    site.delay_s = options.delay_ms / 1000
    process = start(config)
    listener, began, shards = Listener(process), time.monotonic(), []
    while time.monotonic() - began < moment and process.poll() is None:
        time.sleep(1.0)
        shards.append(len(list((folder / "work/downloads").glob("shard-*.parquet"))))
    said, stopped = listener.said, time.monotonic()
    process.send_signal(sent)
    code = process.wait(120)
    took = time.monotonic() - stopped
    listener.thread.join(10)
    whole, begun = list_rows(folder / "work", "shard-*.parquet"), list_rows(folder / "work", "shard-*.begun")
    kept = {*whole, *begun}
    site.asked.clear()
    site.delay_s = 0.0
    process = start(config)
    later = Listener(process)
    if process.wait(1200):
        raise SystemExit("the run that was left alone failed:\n" + "".join(later.lines))
    again = sum(site.asked[path] for path in kept)
    return {
        "said": said,
        "kept": len(kept),
        "share_kept": round(len(kept) / said, 3) if said else None,
        "in_whole_shards": len(whole),
        "twice": len(whole) + len(begun) - len(kept),
        "code": code,
        "stop_took_s": round(took, 1),
        "asked_again": again,
        "rows_in_the_end": len(set(list_rows(folder / "work", "shard-*.parquet"))),
        "shards_by_second": " ".join(map(str, shards)),
        "message": listener.lines[-1].strip() if listener.lines else "",
    }


def time_whole(folder: Path, site: Site, options: argparse.Namespace, tree: Path | None) -> float:
    """Wall seconds of an undisturbed run."""
    config = write_dataset(folder, site, options.urls, options.shard_size)
    site.faulted.clear()
    site.delay_s = options.delay_ms / 1000
    began = time.monotonic()
    process = start(config, ("-m", "logoingest"), tree)
    Listener(process)
    if process.wait(1200):
        raise SystemExit("an undisturbed run failed")
    return round(time.monotonic() - began, 1)


def read_numbers(text: str) -> list[float]:
    return [float(part) for part in text.split(",") if part]


def main() -> int:
    """Print a line a stop; 1 when less than .98 of what had been said was kept, or something was asked for again."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--urls", type=int, default=20_000)
    parser.add_argument("--shard-size", type=int, default=1000)
    parser.add_argument("--delay-ms", type=float, default=40.0, help="of an answer; eight are under way at once")
    parser.add_argument("--moments", type=read_numbers, default=[10.0, 45.0, 90.0], help="seconds, with commas between")
    parser.add_argument("--faults", type=read_numbers, default=[0.0, 0.02, 0.05], help="shares, with commas between")
    parser.add_argument("--before", type=Path, help="a checkout of another commit to time whole runs against")
    parser.add_argument("--rounds", type=int, default=2, help="whole runs of each, with --before")
    options = parser.parse_args()
    failed = False
    with tempfile.TemporaryDirectory(prefix="stops-") as name:
        for faults in options.faults:
            site = Site(faults, 0.0)
            site.start()
            for moment in options.moments:
                for sent in (signal.SIGINT, signal.SIGTERM):
                    figures = stop_once(Path(name) / f"{faults}-{moment}-{sent.name}", site, options, moment, sent)
                    print(json.dumps({"faults": faults, "moment_s": moment, "signal": sent.name, **figures}), flush=True)
                    said, kept = figures["said"], figures["kept"]
                    assert isinstance(said, int)
                    assert isinstance(kept, int)
                    failed |= kept < 0.98 * said or figures["asked_again"] != 0 or figures["rows_in_the_end"] != options.urls
            if options.before is not None:
                walls: dict[str, list[float]] = {"before": [], "now": []}
                for number in range(options.rounds):
                    for which, tree in (("before", options.before), ("now", None)):
                        walls[which].append(time_whole(Path(name) / f"{faults}-{which}-{number}", site, options, tree))
                print(json.dumps({"faults": faults, "whole_run_s": walls}), flush=True)
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
