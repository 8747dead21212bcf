"""The whole route by size: seconds, CPU seconds and peak memory of each stage, and how they grow with the pictures.

    python benchmarks/whole_route.py [10000 100000]        sizes, in pictures; 1000000 on request (some 10 GB of disk)
    … --fetched 10000         up to this size pictures come from a server on loopback, by the real fetch
    … --folder DIR --keep     where the workspaces are made, and that they stay: the same command goes on where it was broken off
    … --stages samples,report only these are measured, though they were before; what they need must be there, in the --folder

Pictures are tiny (48 px JPEGs of coloured noise, 1.3 kB), each drawn from its number; every twentieth is the one before it again, darker
and saved at another quality. Each is shown to three of N / 100 workers, who name one of 1,000 classes: rightly (86 %), in capitals (5 %),
with a typo (2 %), another class (4 %), none (2 %) or something else (1 %). Three in a hundred URLs are dead.

Above ``--fetched`` nothing is asked of any server: the shards are made, as the fetch would write them, of the same pictures and by the
same inspection, two processes at a time. The ``fetch`` line then is what is left of that stage: planning, and finding all shards there.

Each stage is a process of its own, as ``logoingest STAGE dataset.toml`` is; CPU seconds and the peak are the kernel's (``wait4``; of a
fetch the largest process's). Slopes are kB of peak and milliseconds of CPU a picture, between two sizes.
"""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:  # what is heavy stays out of this process: a child's peak begins with its parent's
    import numpy as np

#: Command by command, in the order of the route.
STAGES = ("annotations", "normalise", "fetch", "images", "samples", "splits", "release", "report", "verify")
CLASSES, VOTES, SHARD_ROWS, COPY_EVERY, DEAD_EVERY, SIDE = 1_000, 3, 1_000, 20, 33, 48
#: A stage may end with these: done, or too few pictures or URLs (of so small a set); but no law may be broken.
_DONE = (0, 3, 4)
CONFIG = """
[dataset]
name = "whole-route"
workspace = "work"
max_failed_share = 1.0
[[sources]]
path = "answers.csv"
[labels]
class_map = "map.toml"
[fetch]
allowed_networks = ["127.0.0.0/8"]
contact = "https://localhost/"
processes = 2
per_host = 64
max_attempts = 1
"""


class Cost(NamedTuple):
    """What one stage took."""

    wall_s: float
    cpu_s: float
    peak_mb: float


# -- what is made ------------------------------------------------------------------------------------------------------


def is_dead(number: int) -> bool:
    return number % DEAD_EVERY == 7


def draw_pictures(numbers: Sequence[int]) -> list[bytes]:
    """The JPEGs of some numbers; every twentieth shows what the one before it shows."""
    import numpy as np
    import simplejpeg
    from PIL import Image

    copied = [number % COPY_EVERY == COPY_EVERY - 1 for number in numbers]
    shown = [number - is_copy for number, is_copy in zip(numbers, copied, strict=True)]
    noise = b"".join(hashlib.shake_128(b"%d" % number).digest(8 * 8 * 3) for number in shown)
    grids = np.frombuffer(noise, np.uint8).reshape(-1, 8, 8, 3).transpose(0, 3, 1, 2).astype(np.float32)
    axis = np.asarray(Image.fromarray(np.eye(8, dtype=np.float32)).resize((8, SIDE), Image.Resampling.BICUBIC))
    pictures = (axis @ grids @ axis.T).clip(0, 255) * np.where(copied, 0.85, 1.0)[:, None, None, None]
    pixels = np.ascontiguousarray(pictures.round().astype(np.uint8).transpose(0, 2, 3, 1))
    qualities = [75 if is_copy else 85 for is_copy in copied]
    return [simplejpeg.encode_jpeg(one, quality, "RGB", "420") for one, quality in zip(pixels, qualities, strict=True)]


def name_classes(random: np.random.Generator) -> list[str]:
    """1,000 made-up names of three or four syllables."""
    syllables = [first + vowel for first in "bdfgklmnprstvz" for vowel in ("a", "e", "i", "o", "u", "an", "or", "il")]
    names: dict[str, None] = {}
    while len(names) < CLASSES:
        names["".join(random.choice(syllables, int(random.integers(3, 5))))] = None
    return list(names)


def make_sources(folder: Path, count: int, site: str) -> None:
    """Config, class map and answers.csv."""
    import numpy as np

    random = np.random.default_rng(0)
    classes = name_classes(random)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "dataset.toml").write_text(CONFIG)
    (folder / "map.toml").write_text("".join(f"[classes.{name}]\n" for name in classes))
    shown = random.integers(0, CLASSES, count)
    copies = np.arange(COPY_EVERY - 1, count, COPY_EVERY)
    shown[copies] = shown[copies - 1]
    begun = folder / "answers.csv.part"
    with begun.open("w", encoding="utf-8") as file:
        file.write("url,label,worker_id\n")
        for start in range(0, count, 10_000):
            numbers = np.arange(start, min(start + 10_000, count)).repeat(VOTES)
            chance, others = random.random(len(numbers)).tolist(), random.integers(0, CLASSES, len(numbers)).tolist()
            workers = random.integers(0, max(count // 100, 20), len(numbers)).tolist()
            for number, luck, other, worker in zip(numbers.tolist(), chance, others, workers, strict=True):
                said = say(classes[shown[number]], classes[other], luck, other)
                file.write(f"{site}/{number:07d}.jpg,{said},w{worker}\n")
    begun.rename(folder / "answers.csv")


def say(name: str, other: str, luck: float, number: int) -> str:
    """What somebody types who sees ``name``."""
    if luck < 0.86:
        return name
    if luck < 0.91:
        return name.upper()
    if luck < 0.93:  # one letter left out
        place = number % len(name)
        return name[:place] + name[place + 1 :]
    if luck < 0.97:
        return other
    return "no logo" if luck < 0.99 else f"thing {number % 100}"


def make_shards(folder: Path) -> None:
    """Every shard of the plan as the fetch would write it, but those that are there."""
    import multiprocessing

    import pyarrow.compute as pc

    from logoingest import load_config
    from logoingest.fetch.shards.plan import plan_shards
    from logoingest.pipeline import Run

    workspace = Run(load_config(folder / "dataset.toml", environ={})).workspace
    planned = plan_shards(pc.unique(workspace.read_table("annotations", ["url"]).column("url")), None, SHARD_ROWS)
    there = set(workspace.shard_names())
    shards = [
        (workspace.url, shard, planned.column("url").slice(at, SHARD_ROWS).to_pylist())
        for at in range(0, len(planned), SHARD_ROWS)
        if (shard := planned.column("shard")[at].as_py()) not in there
    ]
    with multiprocessing.get_context("spawn").Pool(2) as pool:
        for _ in pool.imap_unordered(make_shard, shards):
            pass


def make_shard(work: tuple[str, str, list[str]]) -> None:
    from logoingest.schemas import DownloadRow
    from logoingest.workspace import Workspace

    workspace, shard, urls = work
    numbers = [int(url[-11:-4]) for url in urls]
    alive = [number for number in numbers if not is_dead(number)]
    drawn = dict(zip(alive, draw_pictures(alive), strict=True))
    rows = (make_download(url, drawn.get(number)) for url, number in zip(urls, numbers, strict=True))
    Workspace(workspace).write_shard(shard, DownloadRow.table(rows))


def make_download(url: str, data: bytes | None) -> Mapping[str, object]:
    """A row of ``downloads``."""
    from logoingest.images import inspect_image

    told = {"url": url, "attempts": 1, "elapsed_ms": 1.0, "fetched_at": datetime.now(UTC)}
    if data is None:
        return {**told, "outcome": "failed", "reason": "http_4xx", "detail": "HTTP 404", "http_status": 404}
    fetched = {"outcome": "ok", "final_url": url, "http_status": 200, "content_type": "image/jpeg", "byte_count": len(data)}
    return {**told, **fetched, **inspect_image(data), "sha256": hashlib.sha256(data).hexdigest(), "bytes": data}


# -- the site ----------------------------------------------------------------------------------------------------------


def serve() -> None:
    """Draw pictures on the fly until the parent goes; prints the port."""
    import asyncio

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            while head := await reader.readuntil(b"\r\n\r\n"):
                name = head.split(b" ", 2)[1].decode().lstrip("/").removesuffix(".jpg")
                found = name.isdigit() and not is_dead(int(name))
                body = draw_pictures([int(name)])[0] if found else b""
                status = "200 OK\r\nContent-Type: image/jpeg" if found else "404 Not Found"
                writer.write(f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body)
                await writer.drain()
        writer.close()

    async def run() -> None:
        server = await asyncio.start_server(answer, "127.0.0.1", 0)
        print(server.sockets[0].getsockname()[1], flush=True)
        await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)

    asyncio.run(run())


@contextlib.contextmanager
def open_site() -> Iterator[str]:
    """The base URL of a server in a process of its own."""
    process = subprocess.Popen([sys.executable, __file__, "--serve"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        yield f"http://127.0.0.1:{process.stdout.readline().strip()}"
    finally:
        process.communicate()


# -- measuring ---------------------------------------------------------------------------------------------------------


def measure_stage(stage: str, config: Path) -> Cost:
    """Run a stage's command to its end."""
    started = time.perf_counter()
    command = [sys.executable, "-m", "logoingest", stage, str(config)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    assert process.stderr is not None
    told = process.stderr.read()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode not in (_DONE if stage != "verify" else (0,)):
        raise SystemExit(f"{stage} ended with {process.returncode}:\n{told[-2_000:]}")
    return Cost(time.perf_counter() - started, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1e3)


def measure_route(folder: Path, count: int, stages: Sequence[str], *, fetches: bool) -> dict[str, Cost]:
    """All stages of one size, printed and kept in ``costs.json`` as they end; named ``stages``, or those that are not kept."""
    kept = folder / "costs.json"
    costs = {stage: Cost(**cost) for stage, cost in json.loads(kept.read_text()).items()} if kept.exists() else {}
    with open_site() if fetches else contextlib.nullcontext("http://photos.test") as site:
        if not (folder / "answers.csv").exists():
            run_part("--make-sources", folder, str(count), site)
        for stage in stages or [stage for stage in STAGES if stage not in costs]:
            if stage == "fetch" and not fetches and not (folder / "work/tables/shards.parquet").exists():
                run_part("--make-shards", folder)
            costs[stage] = measure_stage(stage, folder / "dataset.toml")
            kept.write_text(json.dumps({name: cost._asdict() for name, cost in costs.items()}))
            print_row(f"{count:,}", stage, *(f"{figure:.1f}" for figure in costs[stage]))
    return {stage: costs[stage] for stage in stages or STAGES}


def run_part(*arguments: object) -> None:
    subprocess.run([sys.executable, __file__, *map(str, arguments)], check=True)


def print_row(*cells: str) -> None:
    print(f"| {' | '.join(cells)} |", flush=True)


def print_slopes(found: Mapping[int, Mapping[str, Cost]]) -> None:
    """A table of stages: at each size CPU s and MB, and between the two largest kB and ms a picture."""
    sizes = sorted(found)
    print_row("stage", *(f"{size:,}: s, CPU s, MB" for size in sizes), "kB a picture", "ms a picture")
    print_row(*["---"] * (len(sizes) + 3))
    for stage in found[sizes[-1]]:
        costs = [found[size][stage] for size in sizes]
        cells = [f"{cost.wall_s:.1f}, {cost.cpu_s:.1f}, {cost.peak_mb:,.0f}" for cost in costs]
        slopes = ["", ""]
        if len(sizes) > 1:
            more = sizes[-1] - sizes[-2]
            slopes = [
                f"{1e3 * (costs[-1].peak_mb - costs[-2].peak_mb) / more:.2f}",
                f"{1e3 * (costs[-1].cpu_s - costs[-2].cpu_s) / more:.3f}",
            ]
        print_row(stage, *cells, *slopes)
    for size in sizes:
        after = [cost for stage, cost in found[size].items() if STAGES.index(stage) > STAGES.index("fetch")]
        if after:
            print(
                f"{size:,}: after fetch {sum(cost.wall_s for cost in after):,.0f} s, {sum(cost.cpu_s for cost in after):,.0f} CPU s"
            )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sizes", type=int, nargs="*", default=[10_000, 100_000])
    parser.add_argument("--fetched", type=int, default=10_000)
    parser.add_argument("--stages", type=lambda names: names.split(","), default=[])
    parser.add_argument("--folder", type=Path)
    parser.add_argument("--keep", action="store_true")
    options = parser.parse_args()
    folder = options.folder or Path(tempfile.mkdtemp(prefix="whole-route-"))
    found = {}
    try:
        for size in sorted(options.sizes):
            place = folder / str(size)
            found[size] = measure_route(place, size, options.stages, fetches=size <= options.fetched)
        print_slopes(found)
    finally:
        if not options.keep:
            for size in options.sizes:
                shutil.rmtree(folder / str(size), ignore_errors=True)


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["--serve"]:
            serve()
        case ["--make-sources", folder, count, site]:
            make_sources(Path(folder), int(count), site)
        case ["--make-shards", folder]:
            make_shards(Path(folder))
        case _:
            main()
