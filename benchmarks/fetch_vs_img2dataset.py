"""Fetch N generated photos from a server on loopback with logoingest and with img2dataset, in turn, and compare what it cost.

    python3 -m venv /tmp/img2dataset && /tmp/img2dataset/bin/pip install img2dataset==1.47.0
    python benchmarks/fetch_vs_img2dataset.py --img2dataset /tmp/img2dataset/bin/python [--images 6000] [--rounds 3]
    … --https          TLS, the connection closed after each answer
    … --latency-ms 80  each answer 80 ms later (served by Python instead of nginx)
    … --faults 0.05    one in twenty is a 404, a reset, or cut short (likewise)
    … --profile        beside that, where our own CPU time goes: each part measured alone, on the same pictures

Ours downloads, hashes (sha256), decodes whole, fingerprints and writes Parquet with the bytes. img2dataset runs in its leanest comparable
mode (``resize_mode=no``, ``skip_reencode``, Parquet, sha256) and in its usual one (``keep_ratio``, 256 px). CPU seconds are of the whole
process tree, without the server. Peak memory, sampled, is given in both measures of ``process_tree``, for both sides: what the tree
holds, each page once, and the sum of resident sizes, in which a library counts once per process.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import hashlib
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
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

import certifi
import numpy as np
import trustme
from PIL import Image

from process_tree import MemoryWatch

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
    held_mb: float
    resident_mb: float
    images: int


def make_pictures(folder: Path, count: int) -> None:
    """``count`` distinct files: 500 x 375 to 1600 x 1200, 30 to 300 kB, 18 of 20 JPEG, the others PNG and WebP."""
    if all((folder / name_picture(index)).exists() for index in range(count)):
        return
    rng = random.Random(0)
    bodies = [_draw_picture(rng, index) for index in range(min(count, _PICTURES))]
    for index in range(count):
        body = bodies[index % len(bodies)]
        if body[:2] == b"\xff\xd8":  # a comment tells the copies apart
            comment = f"copy {index}".encode()
            body = body[:2] + b"\xff\xfe" + (len(comment) + 2).to_bytes(2, "big") + comment + body[2:]
        (folder / name_picture(index)).write_bytes(body)


def name_picture(index: int) -> str:
    return f"{index:06d}.jpg"


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
    body = b"" if file.name == "robots.txt" else await asyncio.to_thread(file.read_bytes)
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
        f'[dataset]\nname = "benchmark"\nworkspace = "work"\nmax_failed_share = 1.0\n[[sources]]\npath = "{urls}"\nformat = "urls"\n[labels]\nclass_map = "map.toml"\n'
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
    with tempfile.TemporaryFile("w+") as errors:
        process = subprocess.Popen(command, env={**os.environ, **environ}, stdout=subprocess.PIPE, stderr=errors, text=True)
        with MemoryWatch(process.pid) as memory:
            text, _ = process.communicate()
            wall = time.perf_counter() - start
        if process.returncode:
            errors.seek(0)
            sys.exit(f"{command[0]} ended with exit code {process.returncode}:\n{errors.read()[-2000:]}")
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return Cost(cpu, wall, memory.peak.held, memory.peak.resident, 0), text


# -- where our time goes -----------------------------------------------------------------------------------------------


def show_profile(urls: Path, pictures: Path, folder: Path, command: Cost) -> None:
    """CPU milliseconds an image of each part, measured alone in this process, beside one lane's whole work and the whole command's."""
    from logoingest.images.looking.inspection import inspect_image
    from logoingest.pictures.decoding import decode_picture
    from logoingest.pictures.sniffing import sniff_format

    listed = urls.read_text().split()
    bodies = [(pictures / url.rpartition("/")[2]).read_bytes() for url in listed[:_PICTURES]]
    parts = {
        "GET: aiohttp, nothing else": spend(lambda: asyncio.run(get_all(listed)), len(listed)),
        "sha256": spend(lambda: [hashlib.sha256(body).digest() for body in bodies], len(bodies)),
        "decode, strict and scaled; hash of the pixels": spend(
            lambda: [decode_picture(body, sniff_format(body).format or "", 100_000_000) for body in bodies], len(bodies)
        ),
    }
    whole = spend(lambda: [inspect_image(body) for body in bodies], len(bodies))
    parts["fingerprint, signature, quality figures"] = whole - parts["decode, strict and scaled; hash of the pixels"]
    parts["Parquet: rows to row groups, file hashed and synced"] = spend(
        lambda: write_rows(listed, bodies, folder / "rows"), len(listed)
    )
    lane = spend(lambda: asyncio.run(run_lane(listed, folder / "lane")), len(listed))
    rest = lane - sum(parts.values())
    total = command.cpu_s / command.images * 1000
    print("| part | CPU ms an image |\n|---|---|")
    for name, spent in parts.items():
        print(f"| {name} | {spent:.2f} |")
    print(f"| the rest of a lane: robots.txt, schedule, policy, checks, rows, event loop | {rest:.2f} |")
    print(f"| **one lane, without its start** | **{lane:.2f}** |")
    print(
        f"| interpreters and imports of three processes, annotations, labels, plan; two lanes in each other's way | {total - lane:.2f} |"
    )
    print(f"| **the whole command** | **{total:.2f}** |")


def spend(work: Callable[[], object], count: int) -> float:
    """CPU milliseconds of this process for each of ``count``: the better of two times, since others use the machine, too."""
    times = []
    for _ in range(2):
        start = time.process_time()
        work()
        times.append(time.process_time() - start)
    return min(times) * 1000 / count


async def get_all(urls: list[str]) -> None:
    """Every body, 32 in flight, each thrown away."""
    import aiohttp

    waiting = iter(urls)

    async def work(session: aiohttp.ClientSession) -> None:
        for url in waiting:
            async with session.get(url) as response:
                assert await response.read()

    connector, jar = aiohttp.TCPConnector(limit=0), aiohttp.DummyCookieJar()
    async with aiohttp.ClientSession(connector=connector, cookie_jar=jar, auto_decompress=False) as session:
        await asyncio.gather(*(work(session) for _ in range(32)))


def write_rows(urls: list[str], bodies: list[bytes], folder: Path) -> None:
    """Rows as a lane makes them, with bodies of this list, written in order."""
    from concurrent.futures import ThreadPoolExecutor

    from logoingest.fetch.shards.shard_writer import ByteBudget, ShardWriter
    from logoingest.images.looking.inspection import inspect_image
    from logoingest.workspace import Workspace

    facts = {"outcome": "ok", "attempts": 1, "elapsed_ms": 1, "fetched_at": datetime.now(UTC), "http_status": 200}
    facts |= inspect_image(bodies[0]) | {"sha256": hashlib.sha256(bodies[0]).hexdigest()}
    with ThreadPoolExecutor(1) as executor:
        for start in range(0, len(urls), 1000):
            some = urls[start : start + 1000]
            shard = f"shard-{start:05d}.parquet"
            writer = ShardWriter(Workspace(str(folder)), shard, some, executor=executor, budget=ByteBudget(12_000_000))
            for place, url in enumerate(some):
                body = bodies[(start + place) % len(bodies)]
                writer.put(place, facts | {"url": url, "final_url": url, "bytes": body, "byte_count": len(body)})
                if place % 20 == 0:  # keep pace with the disk, as a lane does
                    executor.submit(int).result()
            writer.finish().result()


async def run_lane(urls: list[str], folder: Path) -> None:
    """What one fetch process does from its first shard to its last."""
    from ipaddress import ip_network

    from logoingest.fetch import FetchSettings, ShardJob
    from logoingest.fetch.executors.lane import serve_lane
    from logoingest.images import inspect_image

    jobs = [ShardJob(str(folder), f"shard-{start:05d}.parquet", urls[start : start + 1000]) for start in range(0, len(urls), 1000)]
    settings = FetchSettings(concurrency=32, per_host=32, allowed_networks=(ip_network("127.0.0.0/8"),))

    async def next_job() -> ShardJob | None:
        return jobs.pop(0) if jobs else None

    await serve_lane(next_job, lambda _: None, settings, inspect_image, asyncio.Event(), threads=1)


def main() -> None:
    """Print a row for each contestant, and our ratios."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--img2dataset", metavar="PYTHON", help="the Python of an environment with img2dataset 1.47.0")
    parser.add_argument("--images", type=int, default=6000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", choices=["ours", "peer"], help="run one side alone")
    parser.add_argument("--pictures", type=Path, help="a folder to keep the pictures in from one run to the next")
    parser.add_argument("--https", action="store_true")
    parser.add_argument("--profile", action="store_true", help="not with --https")
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
        folder.chmod(0o755)
        pictures = options.pictures or folder / "pictures"
        pictures.mkdir(parents=True, exist_ok=True)
        make_pictures(pictures, options.images)
        size = sum((pictures / name_picture(index)).stat().st_size for index in range(options.images))
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
            urls.write_text("".join(f"{base}/{name_picture(index)}\n" for index in range(options.images)))
            costs = race(options, urls, folder, environ)
            show(costs)
            if options.profile and not options.https:
                show_profile(urls, pictures, folder, costs["logoingest"][-1])


def race(options: argparse.Namespace, urls: Path, folder: Path, environ: dict[str, str]) -> dict[str, list[Cost]]:
    """The contestants in turn, round by round."""
    costs: dict[str, list[Cost]] = {}
    for number in range(options.rounds):
        if options.only != "peer":
            output = folder / f"ours-{number}"
            costs.setdefault("logoingest", []).append(run_ours(urls, output, environ))
            shutil.rmtree(output)
        for name, mode in _MODES.items() if options.img2dataset and options.only != "ours" else ():
            output = folder / f"peer-{number}"
            costs.setdefault(name, []).append(run_peer(options.img2dataset, urls, output, environ, mode))
            shutil.rmtree(output)
    return costs


def show(costs: dict[str, list[Cost]]) -> None:
    """Medians over the rounds."""
    print("| | images | CPU s | wall s | images per CPU s | peak MB held | resident |\n|---|---|---|---|---|---|---|")
    medians = {name: Cost(*(statistics.median(values) for values in zip(*runs, strict=True))) for name, runs in costs.items()}
    for name, cost in medians.items():
        print(
            f"| {name} | {cost.images:,.0f} | {cost.cpu_s:.1f} | {cost.wall_s:.1f} | {cost.images / cost.cpu_s:.0f} "
            f"| {cost.held_mb:.0f} | {cost.resident_mb:.0f} |"
        )
    ours = medians.pop("logoingest", None)
    if ours is None:
        return
    for name, cost in medians.items():
        per_cpu = (ours.images / ours.cpu_s) / (cost.images / cost.cpu_s)
        print(f"against {name}: {per_cpu:.2f} x per CPU second, {cost.wall_s / ours.wall_s:.2f} x wall")


if __name__ == "__main__":
    main()
