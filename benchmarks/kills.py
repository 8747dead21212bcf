"""One fetch, killed -9 again and again and resumed each time: what is in the end there, and what was asked for twice.

    python benchmarks/kills.py --kills 100

A site on loopback serves the pictures and keeps the log. Each run is killed after it has asked for a number of URLs, drawn at random
(0: while it starts), and some random milliseconds more, so that kills fall into starting, planning, fetching, writing and publishing.
The job is long enough for all kills; the last run is left alone. Then the shards are compared with an undisturbed run's, all columns but
``elapsed_ms`` and ``fetched_at``, and the log is searched for URLs that were asked for by a run that found their shard whole.
"""

from __future__ import annotations

import argparse
import json
import random
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from logoingest import load_config, run
from logoingest.schemas import DownloadRow, Stage
from logoingest.workspace import Workspace

STEADY = [name for name in DownloadRow.arrow_schema().names if name not in {"elapsed_ms", "fetched_at"}]
SHARD_SIZE = 10
CONFIG = """
[dataset]
name = "kills"
workspace = "work"
[[sources]]
path = "urls.csv"
url_column = "url"
label_column = "label"
[labels]
class_map = "map.toml"
[fetch]
allowed_networks = ["127.0.0.0/8"]
contact = "https://localhost/"
processes = {processes}
shard_size = {shard_size}
concurrency = 16
max_attempts = 1
"""


@dataclass
class Log:
    """What the site was asked for since the last ``clear``."""

    paths: list[str] = field(default_factory=list)
    changed: threading.Condition = field(default_factory=threading.Condition)

    def add(self, path: str) -> None:
        with self.changed:
            self.paths.append(path)
            self.changed.notify_all()

    def wait_for(self, count: int, process: subprocess.Popen[Any], deadline_s: float = 120) -> None:
        """Until so many URLs have been asked for, or the process has ended."""
        deadline = time.monotonic() + deadline_s
        with self.changed:
            while len(self.paths) < count and process.poll() is None and time.monotonic() < deadline:
                self.changed.wait(0.1)


class Server(ThreadingHTTPServer):
    """Not surprised by clients that are killed."""

    daemon_threads = True

    def handle_error(self, request: object, client_address: object) -> None:
        pass


def serve(log: Log) -> Server:
    """Pictures of a few kilobytes, noise that differs by path; every seventh path is a 404; 20 ms each."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            if self.path != "/robots.txt":
                log.add(self.path)
                time.sleep(0.02)
            found = self.path.startswith("/p/") and int(self.path[3:]) % 7 != 0
            body = b"\xff\xd8\xff" + random.Random(self.path).randbytes(6_000) if found else b"gone"
            self.send_response(200 if found else 404)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    server = Server(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server


def write_dataset(folder: Path, port: int, urls: int, processes: int) -> Path:
    """A dataset of so many URLs; the config's path."""
    rows = [f"http://127.0.0.1:{port}/p/{number},acme" for number in range(urls)]
    (folder / "urls.csv").write_text("\n".join(["url,label", *rows, ""]))
    (folder / "map.toml").write_text('[classes.acme]\nname = "Acme"\n')
    (folder / "dataset.toml").write_text(CONFIG.format(shard_size=SHARD_SIZE, processes=processes))
    return folder / "dataset.toml"


def read_shards(workspace: Workspace) -> dict[str, list[dict[str, Any]]]:
    return {name: workspace.read_shard(name, STEADY).to_pylist() for name in workspace.shard_names()}


def list_done(workspace: Workspace) -> set[str]:
    """The paths whose shard is there whole."""
    if not workspace.has_table("shards"):
        return set()
    sizes: Counter[str] = Counter(workspace.read_table("shards").column("shard").to_pylist())
    whole = (name for name in workspace.shard_names() if workspace.count_shard_rows(name) == sizes[name])
    return {
        "/p/" + url.rpartition("/")[2] for name in whole for url in workspace.read_shard(name, ["url"]).column("url").to_pylist()
    }


def kill_repeatedly(config: Path, log: Log, kills: int, per_run: int, chance: random.Random) -> dict[str, int]:
    """Run and kill, then run to the end; the counts."""
    workspace = Workspace(load_config(config, environ={}).workspace_url)
    command = [sys.executable, "-m", "logoingest", "run", str(config), "--until", "fetch", "--quiet"]
    facts = {"kills": 0, "runs": 0, "requests": 0, "asked_after_done": 0, "kills_before_the_first_request": 0}
    while True:
        done = list_done(workspace)
        log.paths.clear()
        with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) as process:
            facts["runs"] += 1
            if facts["kills"] < kills:
                wanted = chance.randrange(2 * per_run) if chance.random() > 0.1 else 0
                log.wait_for(wanted, process)
                time.sleep(chance.uniform(0, 0.05) if wanted else chance.uniform(0, 0.8))
                facts["kills"] += process.poll() is None
                facts["kills_before_the_first_request"] += process.poll() is None and not log.paths
                process.kill()
            _, message = process.communicate(timeout=300)
        asked = list(log.paths)
        facts["requests"] += len(asked)
        facts["asked_after_done"] += sum(path in done for path in asked)
        if process.returncode != -9:
            if process.returncode:
                raise SystemExit(f"a run that was left alone ended with {process.returncode}: {message.decode()}")
            return facts


def main() -> int:
    """Print the figures as JSON; 1 when something was lost or asked for twice."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--per-run", type=int, default=30, help="URLs a run asks for before it is killed, on average")
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    log = Log()
    server = serve(log)
    started = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="kills-") as name:
        urls = max(40, options.kills * options.per_run)
        config = write_dataset(Path(name), server.server_port, urls, options.processes)
        facts = kill_repeatedly(config, log, options.kills, options.per_run, random.Random(options.seed))
        calm = load_config(config, [f"dataset.workspace={name}/calm"], {})
        run(calm, until=Stage.FETCH)
        stormy = load_config(config, environ={})
        shards, same = read_shards(Workspace(stormy.workspace_url)), read_shards(Workspace(calm.workspace_url))
        left = [path.name for path in Path(stormy.workspace_url).rglob("*.tmp")]
    facts |= {"shards": len(shards), "rows": sum(map(len, shards.values())), "left_over_files": len(left)}
    facts |= {"tables_equal": shards == same, "seconds": round(time.monotonic() - started)}
    print(json.dumps(facts, indent=1))
    return 0 if facts["tables_equal"] and not facts["asked_after_done"] and facts["kills"] >= options.kills else 1


if __name__ == "__main__":
    sys.exit(main())
