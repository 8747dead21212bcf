"""Fetch N generated photos from a server on loopback with logoingest and with img2dataset, in turn, and compare what it cost.

    python3 -m venv /tmp/img2dataset && /tmp/img2dataset/bin/pip install img2dataset==1.47.0
    python benchmarks/fetch_vs_img2dataset.py --img2dataset /tmp/img2dataset/bin/python [--images 6000] [--rounds 3]
    … --https          TLS, the connection closed after each answer
    … --latency-ms 80  each answer 80 ms later (served by Python instead of nginx)
    … --faults 0.05    one in twenty is a 404, a reset, or cut short (likewise)

Ours downloads, hashes (sha256), decodes whole, fingerprints and writes Parquet with the bytes. img2dataset runs in its leanest comparable
mode (``resize_mode=no``, ``skip_reencode``, Parquet, sha256) and in its usual one (``keep_ratio``, 256 px). CPU seconds are of the whole
process tree, without the server; peak memory is the greatest sum of resident sizes over the tree, sampled.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import io
import json
import os
import random
import resource
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import certifi
import numpy as np
import trustme
from PIL import Image

_PICTURES = 750
_NGINX = """
worker_processes 1; daemon off; pid {folder}/nginx.pid; error_log {folder}/error.log crit;
events {{ worker_connections 4096; }}
http {{
  access_log off; sendfile on; default_type image/jpeg; keepalive_requests 100000; client_body_temp_path {folder}/b;
  proxy_temp_path {folder}/p; fastcgi_temp_path {folder}/f; uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s;
  server {{ listen 127.0.0.1:{port}{tls}; {certificate} keepalive_timeout {keepalive}; root {pictures}; }}
}}
"""
_PEER = """
from img2dataset import download
if __name__ == "__main__":
    download(url_list={urls!r}, input_format="txt", output_folder={output!r}, output_format="parquet", processes_count=2,
             thread_count=64, number_sample_per_shard=1000, compute_hash="sha256", enable_wandb=False, retries=1, timeout=30, {mode})
"""
_MODES = {
    "img2dataset, leanest": 'resize_mode="no", skip_reencode=True',
    "img2dataset, usual": 'resize_mode="keep_ratio", image_size=256',
}


class Cost(NamedTuple):
    """What one run took."""

    cpu_s: float
    wall_s: float
    peak_mb: float
    images: int


def make_pictures(folder: Path, count: int) -> None:
    """``count`` distinct files: 500 x 375 to 1600 x 1200, 30 to 300 kB, 18 of 20 JPEG, the others PNG and WebP."""
    rng = random.Random(0)
    bodies = [_draw_picture(rng, index) for index in range(min(count, _PICTURES))]
    for index in range(count):
        body = bodies[index % len(bodies)]
        if body[:2] == b"\xff\xd8":  # a comment tells the copies apart
            comment = f"copy {index}".encode()
            body = body[:2] + b"\xff\xfe" + (len(comment) + 2).to_bytes(2, "big") + comment + body[2:]
        (folder / f"{index:06d}.jpg").write_bytes(body)


def _draw_picture(rng: random.Random, index: int) -> bytes:
    width = rng.randint(500, 1600)
    height = width * 3 // 4
    noise = np.random.default_rng(index)
    ground = Image.fromarray(noise.integers(0, 256, (24, 32, 3), dtype=np.uint8)).resize((width, height), Image.Resampling.BICUBIC)
    grain = Image.fromarray(noise.integers(0, 256, (height // 2, width // 2, 3), dtype=np.uint8)).resize((width, height))
    picture = Image.blend(ground, grain, rng.uniform(0.03, 0.12))
    kind = ("PNG", "WEBP")[index % 2] if index % 20 < 2 else "JPEG"
    if kind != "JPEG":
        picture = picture.resize((width // 3, height // 3))
    file = io.BytesIO()
    picture.save(file, kind, quality=rng.randint(60, 88))
    return file.getvalue()


# -- servers -----------------------------------------------------------------------------------------------------------


@contextlib.contextmanager
def serve_nginx(pictures: Path, folder: Path, *, https: bool) -> Iterator[tuple[str, dict[str, str]]]:
    """The base URL, and the environment in which its certificate is trusted."""
    port = _find_port()
    environ = {}
    certificate = ""
    if https:
        authority = trustme.CA()
        # beside the usual authorities: a client that reads them anew for each connection pays for that, as it does on the web
        (folder / "ca.pem").write_bytes(Path(certifi.where()).read_bytes() + authority.cert_pem.bytes())
        issued = authority.issue_cert("127.0.0.1")
        issued.private_key_and_cert_chain_pem.write_to_path(folder / "server.pem")
        certificate = f"ssl_certificate {folder}/server.pem; ssl_certificate_key {folder}/server.pem;"
        environ = {"SSL_CERT_FILE": str(folder / "ca.pem")}
    text = _NGINX.format(
        folder=folder,
        port=port,
        tls=" ssl" if https else "",
        certificate=certificate,
        keepalive=0 if https else 60,
        pictures=pictures,
    )
    (folder / "nginx.conf").write_text(text)
    server = subprocess.Popen(["nginx", "-c", str(folder / "nginx.conf"), "-e", str(folder / "error.log")])
    time.sleep(1)
    try:
        yield f"{'https' if https else 'http'}://127.0.0.1:{port}", environ
    finally:
        server.terminate()
        server.wait()


def _find_port() -> int:
    import socket

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextlib.contextmanager
def serve_slowly(pictures: Path, latency_s: float, faults: float) -> Iterator[str]:
    """A server in a process of its own that waits before each answer and spoils a share of them."""
    command = [sys.executable, __file__, "--serve", str(pictures), "--latency-ms", str(latency_s * 1000), "--faults", str(faults)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        try:
            yield f"http://127.0.0.1:{server.stdout.readline().strip()}"
        finally:
            server.terminate()


async def run_server(pictures: Path, latency_s: float, faults: float) -> None:
    """What the process of ``serve_slowly`` runs; prints its port."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, asyncio.IncompleteReadError, ValueError):
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                name = head.split(b" ", 2)[1].decode().strip("/").partition("?")[0]
                await asyncio.sleep(latency_s)
                if not await _send(writer, pictures / name, faults):
                    break
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0, backlog=4096)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


async def _send(writer: asyncio.StreamWriter, file: Path, faults: float) -> bool:
    spoiled = random.Random(file.name).random()
    body = await asyncio.to_thread(file.read_bytes) if file.name else b""
    if not body or spoiled < faults / 3:
        writer.write(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n")
        return True
    if spoiled < faults * 2 / 3:
        writer.transport.abort()
        return False
    cut = body[: len(body) // 2] if spoiled < faults else body
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: image/jpeg\r\nContent-Length: %d\r\n\r\n" % len(body) + cut)
    await writer.drain()
    return len(cut) == len(body)


# -- contestants -------------------------------------------------------------------------------------------------------


def run_ours(urls: Path, output: Path, environ: dict[str, str]) -> Cost:
    """``logoingest run --until fetch`` over the list."""
    output.mkdir()
    (output / "map.toml").write_text('[classes.any]\nname = "any"\n')
    (output / "dataset.toml").write_text(
        f'[dataset]\nname = "benchmark"\nworkspace = "work"\n[[sources]]\npath = "{urls}"\nformat = "urls"\n[labels]\nclass_map = "map.toml"\n'
        '[fetch]\nallowed_networks = ["127.0.0.0/8"]\nprocesses = 2\nconcurrency = 64\nper_host = 64\n'
    )
    command = [sys.executable, "-m", "logoingest", "run", str(output / "dataset.toml"), "--until", "fetch", "--quiet", "--json"]
    cost, text = measure(command, environ)
    counts = next(stage["counts"] for stage in json.loads(text) if stage["stage"] == "fetch")
    return cost._replace(images=counts["fetched"])


def run_peer(python: str, urls: Path, output: Path, environ: dict[str, str], mode: str) -> Cost:
    """img2dataset in one of its modes."""
    output.mkdir()
    script = output / "download.py"
    script.write_text(_PEER.format(urls=str(urls), output=str(output / "out"), mode=mode))
    cost, _ = measure([python, str(script)], {**environ, "NO_ALBUMENTATIONS_UPDATE": "1"})
    stats = [json.loads(file.read_text()) for file in (output / "out").glob("*_stats.json")]
    return cost._replace(images=sum(one["successes"] for one in stats))


def measure(command: list[str], environ: dict[str, str]) -> tuple[Cost, str]:
    """Run a command to its end; its cost (without the images) and what it printed."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    start = time.perf_counter()
    process = subprocess.Popen(command, env={**os.environ, **environ}, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    peak = [0.0]
    watch = threading.Thread(target=_watch_memory, args=(process.pid, peak))
    watch.start()
    text, _ = process.communicate()
    wall = time.perf_counter() - start
    watch.join()
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return Cost(cpu, wall, peak[0], 0), text


def _watch_memory(pid: int, peak: list[float]) -> None:
    while size := _sum_resident(pid):
        peak[0] = max(peak[0], size / 1e6)
        time.sleep(0.05)


def _sum_resident(root: int) -> int:
    """Bytes resident in a process and all below it; 0 once it is gone."""
    parents: dict[int, int] = {}
    sizes: dict[int, int] = {}
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            with contextlib.suppress(OSError, IndexError):
                fields = Path(f"/proc/{entry}/stat").read_text().rpartition(")")[2].split()
                if fields[0] != "Z":
                    parents[int(entry)], sizes[int(entry)] = int(fields[1]), int(fields[21]) * 4096
    tree = {root} & sizes.keys()
    while more := {pid for pid, parent in parents.items() if parent in tree} - tree:
        tree |= more
    return sum(sizes[pid] for pid in tree)


def main() -> None:
    """Print a row for each contestant, and our ratios."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--img2dataset", metavar="PYTHON", help="the Python of an environment with img2dataset 1.47.0")
    parser.add_argument("--images", type=int, default=6000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--https", action="store_true")
    parser.add_argument("--latency-ms", type=float, default=0.0)
    parser.add_argument("--faults", type=float, default=0.0)
    parser.add_argument("--serve", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.serve is not None:
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
        asyncio.run(run_server(options.serve, options.latency_ms / 1000, options.faults))
        return
    with tempfile.TemporaryDirectory(prefix="fetch-benchmark-") as name:
        folder = Path(name)
        pictures = folder / "pictures"
        pictures.mkdir()
        folder.chmod(0o755)
        make_pictures(pictures, options.images)
        size = sum(file.stat().st_size for file in pictures.iterdir())
        print(f"{options.images:,} pictures, {size / 1e6:,.0f} MB, mean {size / options.images / 1e3:.0f} kB")
        slow = options.latency_ms or options.faults
        serve: Callable[[], contextlib.AbstractContextManager[str | tuple[str, dict[str, str]]]] = (
            (lambda: serve_slowly(pictures, options.latency_ms / 1000, options.faults))
            if slow
            else (lambda: serve_nginx(pictures, folder, https=options.https))
        )
        with serve() as served:
            base, environ = (served, {}) if isinstance(served, str) else served
            urls = folder / "urls.txt"
            urls.write_text("".join(f"{base}/{index:06d}.jpg\n" for index in range(options.images)))
            show(race(options, urls, folder, environ))


def race(options: argparse.Namespace, urls: Path, folder: Path, environ: dict[str, str]) -> dict[str, list[Cost]]:
    """The contestants in turn, round by round."""
    costs: dict[str, list[Cost]] = {}
    for number in range(options.rounds):
        output = folder / f"ours-{number}"
        costs.setdefault("logoingest", []).append(run_ours(urls, output, environ))
        shutil.rmtree(output)
        for name, mode in _MODES.items() if options.img2dataset else ():
            output = folder / f"peer-{number}"
            costs.setdefault(name, []).append(run_peer(options.img2dataset, urls, output, environ, mode))
            shutil.rmtree(output)
    return costs


def show(costs: dict[str, list[Cost]]) -> None:
    """Medians over the rounds."""
    print("| | images | CPU s | wall s | images per CPU s | peak MB |\n|---|---|---|---|---|---|")
    medians = {name: Cost(*(statistics.median(values) for values in zip(*runs, strict=True))) for name, runs in costs.items()}
    for name, cost in medians.items():
        print(
            f"| {name} | {cost.images:,.0f} | {cost.cpu_s:.1f} | {cost.wall_s:.1f} | {cost.images / cost.cpu_s:.0f} | {cost.peak_mb:.0f} |"
        )
    ours = medians.pop("logoingest")
    for name, cost in medians.items():
        per_cpu = (ours.images / ours.cpu_s) / (cost.images / cost.cpu_s)
        print(f"against {name}: {per_cpu:.2f} x per CPU second, {cost.wall_s / ours.wall_s:.2f} x wall")


if __name__ == "__main__":
    main()
