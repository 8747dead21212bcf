"""Pictures per second into training: our torch dataset beside ``datasets`` and torchvision's ImageFolder, on the same release.

    python benchmarks/loader.py flickrlogos27/images --count 1000 --rounds 3

A release is written of the pictures named (RGB ones), exported as ImageFolder by our own export, and read by each loader: shuffled,
two workers, the same transform on tensors (random crop to 128 pixels, flip, float). Each measurement is a process of its own; rounds
alternate. CPU seconds are those of the process and its workers, from the first batch asked for to the last worker's end: imports
and opening are not counted, starting workers is.
"""

from __future__ import annotations

import argparse
import hashlib
import io
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from PIL import Image

from logoingest.config import DatasetConfig, ReleaseConfig
from logoingest.release import open_release, write_release
from logoingest.release.exports import export_release
from logoingest.schemas import ImageRow, RejectedRow, SampleRow, SplitRow

CLASSES = 10
BATCH = 32


def main() -> None:
    """Build, measure each loader in turn, print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, help="a folder of pictures")
    parser.add_argument("--count", type=int, default=1000, help="pictures at most (default: 1000)")
    parser.add_argument("--rounds", type=int, default=3, help="measurements of each loader (default: 3)")
    parser.add_argument("--epochs", type=int, default=3, help="epochs a measurement (default: 3)")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--one", nargs=2, metavar=("LOADER", "FOLDER"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        print(json.dumps(measure(LOADERS[options.one[0]](Path(options.one[1])), options.epochs, options.workers)))
        return
    with tempfile.TemporaryDirectory() as root:
        count = build(options.folder, Path(root), options.count)
        found: dict[str, list[dict[str, float]]] = {name: [] for name in LOADERS}
        for _ in range(options.rounds):
            for name in LOADERS:
                command = [sys.executable, __file__, str(options.folder), "--one", name, root]
                command += ["--epochs", str(options.epochs), "--workers", str(options.workers)]
                environment = {**os.environ, "HF_HUB_OFFLINE": "1", "HF_HOME": f"{root}/cache"}
                output = subprocess.run(command, check=True, capture_output=True, text=True, env=environment).stdout
                found[name].append(json.loads(output.splitlines()[-1]))
    print(f"{count:,} pictures, {options.epochs} epochs, {options.workers} workers, median of {options.rounds} (worst)\n")
    print("| loader | pictures per CPU second | pictures per second | peak MB |\n|---|---|---|---|")
    for name, measured in found.items():
        cpu, wall = ([entry["pictures"] / entry[key] for entry in measured] for key in ("cpu_s", "wall_s"))
        peak = max(entry["peak_mb"] for entry in measured)
        print(
            f"| {name} | {statistics.median(cpu):.0f} ({min(cpu):.0f}) | {statistics.median(wall):.0f} ({min(wall):.0f}) | {peak:.0f} |"
        )


def build(folder: Path, root: Path, count: int) -> int:
    """Write ``root/release`` and ``root/folders`` of the first ``count`` RGB pictures of a folder."""
    pictures = []
    for path in sorted(folder.rglob("*")):
        if len(pictures) < count and path.suffix.lower() in {".jpg", ".jpeg", ".png"}:
            data = path.read_bytes()
            with Image.open(io.BytesIO(data)) as picture:
                if picture.mode == "RGB":
                    pictures.append((data, *picture.size, picture.format))
    unique = list({hashlib.sha256(entry[0]).hexdigest(): entry for entry in pictures}.items())
    samples, images, splits = [], [], []
    for number, (image_id, (data, width, height, kind)) in enumerate(unique):
        ids = {"image_id": image_id, "group_id": image_id}
        class_ids = [f"class-{number % CLASSES}"]
        samples.append({**ids, "class_id": class_ids[0], "class_ids": class_ids, "confidence": 1.0, "votes": 1, "agreement": 1.0,
                        "boxes": [], "annotation_ids": [image_id[:32]]})  # fmt: skip
        images.append({**ids, "width": width, "height": height, "format": kind, "mode": "RGB", "frames": 1, "orientation": 1,
                       "byte_count": len(data), "pixel_hash": image_id, "hash": b"\0" * 64, "flags": [], "urls": [f"http://a.test/{image_id}"],
                       "shard": "s", "shard_row": number})  # fmt: skip
        splits.append({**ids, "class_ids": class_ids, "split": "train", "origin": "hash"})
    (root / "release").mkdir()
    write_release(
        root / "release",
        SampleRow.table(samples),
        ImageRow.table(images),
        SplitRow.table(splits),
        RejectedRow.empty_table(),
        [(f"class-{number}", f"class {number}") for number in range(CLASSES)],
        lambda _shard, rows: [unique[row][1][0] for row in rows],
        dataset=DatasetConfig(name="loader", workspace="work"),
        settings=ReleaseConfig(),
        lineage={},
        counts={"annotations": len(unique), "voted": len(unique), "rejected": 0, "pending": 0},
    )
    export_release(open_release(root / "release"), "imagefolder", root / "folders")
    return len(unique)


def make_transform() -> Callable[[Any], Any]:
    """From a PIL picture or a tensor of bytes to a tensor of floats; the work is done on tensors in both cases."""
    import torch
    from torchvision.transforms import v2

    return v2.Compose(
        [v2.ToImage(), v2.RandomResizedCrop(128, antialias=True), v2.RandomHorizontalFlip(), v2.ToDtype(torch.float32, scale=True)]
    )


def open_ours(root: Path) -> Any:
    """Our dataset."""
    return open_release(root / "release").dataset("train", make_transform())


class Formatted:
    """``datasets`` with set_format("torch"), and the transform on its tensors."""

    def __init__(self, root: Path) -> None:
        self._rows = _load(root).with_format("torch")
        self._transform = make_transform()

    def __len__(self) -> int:
        return len(self._rows)

    def __getitem__(self, index: int) -> tuple[Any, Any]:
        row = self._rows[index]
        return self._transform(row["image"]), row["label"]


class Transformed:
    """``datasets`` with its pictures as PIL, and the transform on them."""

    def __init__(self, root: Path) -> None:
        transform = make_transform()
        self._rows = _load(root).with_transform(
            lambda rows: {"image": [transform(picture.convert("RGB")) for picture in rows["image"]], "label": rows["label"]}
        )

    def __len__(self) -> int:
        return len(self._rows)

    def __getitem__(self, index: int) -> tuple[Any, int]:
        row = self._rows[index]
        return row["image"], row["label"]


def open_folders(root: Path) -> Any:
    """torchvision's ImageFolder."""
    from torchvision.datasets import ImageFolder

    return ImageFolder(root / "folders/train", make_transform())


def _load(root: Path) -> Any:
    import datasets

    datasets.disable_progress_bars()
    return datasets.load_dataset(str(root / "release"), split="train").select_columns(["image", "label"])


LOADERS: dict[str, Callable[[Path], Any]] = {
    "**logoingest**": open_ours,
    "datasets, set_format torch": Formatted,
    "datasets, with_transform": Transformed,
    "ImageFolder": open_folders,
}


def measure(dataset: Any, epochs: int, workers: int) -> dict[str, float]:
    """Read ``epochs`` epochs; CPU and wall seconds, pictures, peak memory of the largest process."""
    import torch
    from torch.utils.data import DataLoader

    torch.manual_seed(0)
    torch.set_num_threads(1)
    before, started = count_cpu(), time.perf_counter()
    pictures = 0
    for _ in range(epochs):
        for batch, _labels in DataLoader(dataset, batch_size=BATCH, shuffle=True, num_workers=workers):
            pictures += len(batch)
    wall, cpu = time.perf_counter() - started, count_cpu() - before
    assert pictures == epochs * len(dataset)
    peak = max(resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)) / 1024
    return {"pictures": pictures, "cpu_s": cpu, "wall_s": wall, "peak_mb": peak}


def count_cpu() -> float:
    """CPU seconds of this process and of its children that have ended."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(entry.ru_utime + entry.ru_stime for entry in used)


if __name__ == "__main__":
    main()
