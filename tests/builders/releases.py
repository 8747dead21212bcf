"""A small release made of drawn pictures, and how to make variants of it."""

from __future__ import annotations

import hashlib
import io
import random
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from PIL import Image

from logoingest.config import DatasetConfig, ReleaseConfig
from logoingest.release import open_release, write_release
from logoingest.release.exports import ExportOptions, export_release
from logoingest.release.form.manifest import ReleaseManifest
from logoingest.schemas import ImageRow, RejectedRow, SampleRow, SplitRow

CLASSES = [("adidas", "Adidas"), ("unused", "Never seen"), ("coca-cola", "Coca-Cola | コカ・コーラ"), ("no", "no")]


@dataclass
class Ingredients:
    """What a release is made of; ``shards`` stands for the downloads."""

    samples: pa.Table
    images: pa.Table
    splits: pa.Table
    rejected: pa.Table
    shards: dict[str, list[bytes]]
    counts: dict[str, int]
    classes: list[tuple[str, str]] = field(default_factory=lambda: list(CLASSES))
    dataset: DatasetConfig = field(default_factory=lambda: DatasetConfig(name="logos", workspace="work", licence="cc-by-4.0"))
    settings: ReleaseConfig = field(default_factory=lambda: ReleaseConfig(rows_per_group=4, max_file_bytes=20_000))
    lineage: dict[str, Any] = field(default_factory=lambda: {"sources": [{"file": "results.csv", "sha256": "0" * 64}]})

    def shuffled(self, seed: int) -> Ingredients:
        """The same rows in another order and other chunks."""
        tables = {name: shuffle(getattr(self, name), seed) for name in ("samples", "images", "splits", "rejected")}
        return Ingredients(**{**self.__dict__, **tables})

    def write(self, folder: Path, **further: Any) -> ReleaseManifest:
        """Write the release into a new folder; ``further`` goes to ``write_release``."""
        folder.mkdir(parents=True)
        return write_release(
            folder,
            self.samples,
            self.images,
            self.splits,
            self.rejected,
            self.classes,
            lambda shard, rows: [self.shards[shard][row] for row in rows],
            dataset=self.dataset,
            settings=self.settings,
            lineage=self.lineage,
            counts=self.counts,
            **further,
        )


def shuffle(table: pa.Table, seed: int) -> pa.Table:
    """The rows in another order, cut into other chunks."""
    order = list(range(table.num_rows))
    random.Random(seed).shuffle(order)
    mixed = table.take(order)
    cut = table.num_rows // 3
    return pa.concat_tables([mixed.slice(0, cut), mixed.slice(cut)])


def draw_picture(number: int, kind: str = "JPEG", size: tuple[int, int] = (40, 30)) -> bytes:
    """A picture of noise; equal numbers give equal bytes."""
    pixels = np.random.default_rng(number).integers(0, 256, (size[1], size[0], 3), np.uint8)
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, kind)
    return stream.getvalue()


def collect(
    pictures: list[bytes], class_ids: list[list[str]], splits: list[str], boxes: list[list[dict[str, Any]]] | None = None
) -> Ingredients:
    """The tables of a release of these pictures, three rejected source rows beside them."""
    shards: dict[str, list[bytes]] = {"shard-00000.parquet": [], "shard-00001.parquet": []}
    samples, images, split_rows = [], [], []
    for number, (data, classes, split) in enumerate(zip(pictures, class_ids, splits, strict=True)):
        image_id = hashlib.sha256(data).hexdigest()
        shard = f"shard-0000{number % 2}.parquet"
        shards[shard].append(data)
        with Image.open(io.BytesIO(data)) as picture:
            width, height, kind, mode = *picture.size, picture.format, picture.mode
            if picture.getexif().get(274, 1) >= 5:
                width, height = height, width
        samples.append({
            "image_id": image_id, "group_id": image_id, "class_id": classes[0] if len(classes) == 1 else None, "class_ids": classes,
            "confidence": 0.75 + number % 5 * 0.05, "votes": 2, "agreement": 1.0, "boxes": boxes[number] if boxes else [],
            "annotation_ids": [f"{number:031x}a", f"{number:031x}b"],
        })  # fmt: skip
        images.append({
            "image_id": image_id, "group_id": image_id, "width": width, "height": height, "format": kind, "mode": mode, "frames": 1,
            "orientation": 1, "byte_count": len(data), "pixel_hash": image_id, "hash": b"\0" * 64, "flags": [],
            "urls": [f"http://a.test/{number}.jpg", f"http://b.test/{number}.jpg"], "shard": shard, "shard_row": len(shards[shard]) - 1,
        })  # fmt: skip
        split_rows.append({"image_id": image_id, "group_id": image_id, "class_ids": classes, "split": split, "origin": "hash"})
    rejected = [
        {"annotation_id": f"{number:032x}", "url": f"http://gone.test/{number}", "raw_label": "=1+1", "stage": "fetch", "reason": "http_4xx",
         "detail": "404", "source_file": "results.csv", "source_row": number + 1}
        for number in range(3)
    ]  # fmt: skip
    voted = 2 * len(pictures)
    return Ingredients(
        SampleRow.table(samples),
        ImageRow.table(images),
        SplitRow.table(split_rows),
        RejectedRow.table(rejected),
        shards,
        {"annotations": voted + 3, "voted": voted, "rejected": 3, "pending": 0},
    )


def make_ingredients() -> Ingredients:
    """24 pictures, three classes, one picture of two classes, boxes on some, in three splits."""
    pictures = [draw_picture(number, "PNG" if number % 6 == 5 else "JPEG") for number in range(24)]
    used = ["adidas", "coca-cola", "no"]
    class_ids = [["adidas", "no"] if number == 7 else [used[number % 3]] for number in range(24)]
    splits = ["test" if number % 6 == 4 else "validation" if number % 6 == 5 else "train" for number in range(24)]
    boxes = [[{"class_id": ids[0], "bbox": [1.0, 2.0, 10.5, 12.0]}] * (number % 3) for number, ids in enumerate(class_ids)]
    return collect(pictures, class_ids, splits, boxes)


# -- releases that are hard to export: hostile names, pictures turned by their EXIF alone --------------------------------

HOSTILE = [
    "../../etc",
    "<b>&amp;",
    "a/b",
    "CON",
    "x" * 300,
    "new\nline",
    "アディダス",
    " spaced ",
    "..",
    "\x1b[31mred",
    "c,d;\"e'",
    "a_b",
]


#: EXIF orientation → whether the stored picture is as wide as the upright one is high.
TURNED = {1: False, 3: False, 6: True, 8: True}


def draw_quarters(size=(64, 48)) -> Image.Image:
    """A picture whose four corners are of four colours."""
    picture = Image.new("RGB", size, "white")
    for place, colour in zip(((0, 0), (1, 0), (0, 1), (1, 1)), ("red", "lime", "blue", "black"), strict=True):
        corner = (place[0] * (size[0] - 16), place[1] * (size[1] - 16))
        picture.paste(colour, (*corner, corner[0] + 16, corner[1] + 16))
    return picture


def store_turned(picture: Image.Image, orientation: int, form: str) -> bytes:
    """The picture as a camera stores it: turned back, with the orientation that brings it upright."""
    back = {1: None, 3: Image.Transpose.ROTATE_180, 6: Image.Transpose.ROTATE_90, 8: Image.Transpose.ROTATE_270}[orientation]
    exif = Image.Exif()
    exif[274] = orientation
    stream = io.BytesIO()
    (picture if back is None else picture.transpose(back)).save(
        stream, form, exif=exif, **({"quality": 95} if form == "JPEG" else {})
    )
    return stream.getvalue()


def export(folder: Path, form: str, out: Path, **options):
    release = open_release(folder)
    return release, export_release(release, form, out, options=ExportOptions(**options))


def list_rows(release, split: str) -> list[dict]:
    return release.to_arrow(split, ["image", "image_id", "label", "class_ids", "boxes", "width", "height"]).to_pylist()


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
