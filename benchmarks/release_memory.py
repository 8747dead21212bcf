"""Peak memory and disk while a release is written.

    python benchmarks/release_memory.py [--images 50000] [--bytes 120000] [--folder /where/there/is/room]

Makes a workspace as the earlier stages leave it (download shards of JPEGs of noise, each file different; the tables beside them),
then writes its release in a process of its own. Printed are that process's peak memory (resident, from the kernel), its time, and
the most that the workspace and the files it had open without a name took on disk. Needs about three times images x bytes on disk.
"""

from __future__ import annotations

import argparse
import hashlib
import io
import multiprocessing
import multiprocessing.connection
import os
import resource
import shutil
import tempfile
import threading
import time
from pathlib import Path

import numpy as np
from PIL import Image

from logoingest import load_config
from logoingest.pipeline import Run
from logoingest.pipeline.stages.release import make_release
from logoingest.schemas import AnnotationRow, DownloadRow, ImageRow, RejectedRow, SampleRow, SplitRow
from logoingest.workspace import Workspace, shard_name

CLASSES = [f"brand{number}" for number in range(100)]
SHARD_ROWS = 1_000
BODIES = 40
CONFIG = """
[dataset]
name = "memory"
workspace = "work"
[[sources]]
path = "answers.csv"
[labels]
class_map = "map.toml"
"""


def draw_bodies(size: int) -> list[bytes]:
    """JPEGs of noise of about so many bytes."""
    random = np.random.default_rng(0)
    side = int((size / 0.48) ** 0.5)  # noise at quality 60 takes about .48 bytes a pixel
    bodies = []
    for _ in range(BODIES):
        buffer = io.BytesIO()
        Image.fromarray(random.integers(0, 256, (side, side, 3), np.uint8)).save(buffer, "JPEG", quality=60)
        bodies.append(buffer.getvalue())
    return bodies


def make_file(bodies: list[bytes], number: int) -> bytes:
    """A JPEG that no other number gives: its number stands in a comment."""
    body, comment = bodies[number % len(bodies)], f"{number:012d}".encode()
    return body[:2] + b"\xff\xfe" + (len(comment) + 2).to_bytes(2, "big") + comment + body[2:]


def fill_workspace(folder: Path, count: int, size: int) -> int:
    """Write config, shards and tables; returns the pictures' bytes in all."""
    (folder / "dataset.toml").write_text(CONFIG, encoding="utf-8")
    (folder / "map.toml").write_text("".join(f"[classes.{name}]\n" for name in CLASSES), encoding="utf-8")
    (folder / "answers.csv").write_text("url,label\n", encoding="utf-8")
    workspace = Workspace(str(folder / "work"))
    bodies = draw_bodies(size)
    side = Image.open(io.BytesIO(bodies[0])).width
    annotations, images, samples, splits = [], [], [], []
    total = 0
    for start in range(0, count, SHARD_ROWS):
        shard, rows = shard_name(start // SHARD_ROWS), []
        for number in range(start, min(start + SHARD_ROWS, count)):
            data = make_file(bodies, number)
            total += len(data)
            image_id, url, class_id = (
                hashlib.sha256(data).hexdigest(),
                f"http://photos.test/{number:07d}.jpg",
                CLASSES[number % 100],
            )
            voter = f"{number:032x}"
            split = "test" if number % 20 < 3 else "validation" if number % 20 < 6 else "train"
            rows.append({"url": url, "outcome": "ok", "attempts": 1, "sha256": image_id, "byte_count": len(data), "bytes": data})
            annotations.append(
                {
                    "annotation_id": voter,
                    "url": url,
                    "raw_label": class_id,
                    "status": "submitted",
                    "source_file": "answers.csv",
                    "source_row": number + 1,
                }
            )
            images.append(
                {
                    "image_id": image_id,
                    "group_id": image_id,
                    "width": side,
                    "height": side,
                    "format": "JPEG",
                    "mode": "RGB",
                    "frames": 1,
                    "orientation": 1,
                    "byte_count": len(data),
                    "pixel_hash": image_id,
                    "hash": bytes(64),
                    "flags": [],
                    "urls": [url],
                    "shard": shard,
                    "shard_row": number - start,
                }
            )
            samples.append(
                {
                    "image_id": image_id,
                    "group_id": image_id,
                    "class_id": class_id,
                    "class_ids": [class_id],
                    "confidence": 0.9,
                    "votes": 1,
                    "agreement": 1.0,
                    "boxes": [],
                    "annotation_ids": [voter],
                }
            )
            splits.append({"image_id": image_id, "group_id": image_id, "class_ids": [class_id], "split": split, "origin": "hash"})
        workspace.write_shard(shard, DownloadRow.table(rows))
    for name, table in {
        "annotations": AnnotationRow.table(annotations),
        "images": ImageRow.table(images),
        "samples": SampleRow.table(samples),
        "splits": SplitRow.table(splits),
    }.items():
        workspace.write_table(name, table.sort_by(table.column_names[0]))
    for name in ("annotations", "labels", "images", "samples", "splits"):
        workspace.write_table(f"{name}_rejected", RejectedRow.empty_table())
    return total


def measure_disk(folder: Path) -> int:
    """Bytes of a folder's files and of this process's open files that have no name any more."""
    taken = sum(file.stat().st_blocks * 512 for file in folder.rglob("*") if file.is_file())
    for handle in Path("/proc/self/fd").iterdir():
        try:
            if os.readlink(handle).endswith(" (deleted)"):
                taken += os.stat(handle).st_blocks * 512
        except OSError:
            continue
    return taken


def write_and_measure(folder: Path, pipe: multiprocessing.connection.Connection) -> None:
    run = Run(load_config(folder / "dataset.toml", environ={}))
    before, done, most = measure_disk(folder), threading.Event(), [0]

    def watch() -> None:
        while not done.wait(0.5):
            try:
                most[0] = max(most[0], measure_disk(folder))
            except OSError:  # a file that went meanwhile
                continue

    watcher = threading.Thread(target=watch)
    watcher.start()
    started, used = time.perf_counter(), time.process_time()
    make_release(run)
    wall, cpu = time.perf_counter() - started, time.process_time() - used
    done.set()
    watcher.join()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    pipe.send((wall, cpu, peak, before / 1e9, max(most[0], measure_disk(folder)) / 1e9))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=int, default=50_000)
    parser.add_argument("--bytes", type=int, default=120_000)
    parser.add_argument("--folder", type=Path)
    options = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="release-memory-", dir=options.folder))
    try:
        total = fill_workspace(folder, options.images, options.bytes)
        ours, theirs = multiprocessing.get_context("spawn").Pipe()
        process = multiprocessing.get_context("spawn").Process(target=write_and_measure, args=(folder, theirs))
        process.start()
        theirs.close()
        wall, cpu, peak, before, most = ours.recv()
        process.join()
        print(
            f"{options.images:,} pictures of {total / options.images / 1e3:.0f} kB ({total / 1e9:.2f} GB): released in {wall:.0f} s, {cpu:.0f} s of CPU"
        )
        print(f"peak memory {peak:.2f} GB; on disk {before:.2f} GB before, {most:.2f} GB at the worst moment")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
