"""Tiny releases in the release's own Parquet form, and the pictures in them."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Callable, Mapping, Sequence
from io import BytesIO
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from PIL import Image, ImageColor, ImageDraw

from builders.places import DATA
from builders.releases import collect
from logoingest.config import Config
from logoingest.release.form.manifest import compute_fingerprint, render_manifest

Rows = Sequence[tuple[bytes, int]]
ReleaseMaker = Callable[..., Path]

COLOURS = ["#d02020", "#2050d0", "#20a040", "#e0b000"]
SHAPES = ["circle", "square", "triangle", "bars"]


def encode(image: Image.Image, quality: int = 90, file_format: str = "JPEG") -> bytes:
    file = BytesIO()
    image.save(file, file_format, quality=quality)
    return file.getvalue()


def draw_logo(label: int, seed: int, side: int = 72) -> Image.Image:
    """A shape in its class's colour, anywhere, on a ground of its own."""
    rng = np.random.default_rng([label, seed])
    ground = Image.fromarray(rng.integers(90, 256, (4, 4, 3), dtype=np.uint8)).resize((side, side), Image.Resampling.BICUBIC)
    draw = ImageDraw.Draw(ground)
    size = int(rng.integers(side // 2, side * 3 // 4))
    x, y = (int(rng.integers(0, side - size)) for _ in range(2))
    box, colour = (x, y, x + size, y + size), COLOURS[label % len(COLOURS)]
    shape = SHAPES[label % len(SHAPES)]
    if shape == "circle":
        draw.ellipse(box, fill=colour)
    elif shape == "square":
        draw.rectangle(box, fill=colour)
    elif shape == "triangle":
        draw.polygon([(x, y + size), (x + size, y + size), (x + size // 2, y)], fill=colour)
    else:
        for step in range(0, size, 12):
            draw.rectangle((x + step, y, x + step + 5, y + size), fill=colour)
    return ground


def draw_colour(label: int, seed: int, side: int = 72) -> Image.Image:
    """Little but its class's colour, unevenly: what any network tells apart after a few steps."""
    grain = np.random.default_rng([label, seed]).integers(-25, 26, (8, 8, 3))
    base = np.array(ImageColor.getrgb(COLOURS[label % len(COLOURS)]))
    return Image.fromarray(np.clip(base + grain, 0, 255).astype(np.uint8)).resize((side, side))


def draw_photo(seed: int, width: int = 300, height: int = 220) -> Image.Image:
    """Something with structure at all scales, as photos have."""
    rng = np.random.default_rng(seed)
    total = np.zeros((height, width, 3))
    for cells in (3, 6, 12, 24, 48):
        layer = Image.fromarray(rng.integers(0, 256, (cells, cells, 3), dtype=np.uint8)).resize(
            (width, height), Image.Resampling.BICUBIC
        )
        total += np.asarray(layer, dtype=float) / cells**0.7
    total = (total - total.min()) / (total.max() - total.min()) * 255
    return Image.fromarray(total.astype(np.uint8))


def write_release(
    folder: Path, splits: Mapping[str, Rows], names: Sequence[str], groups: bool = False, row_group: int = 7, files: int = 1
) -> Path:
    """Write a release: data files and manifest; ``groups`` puts every picture into a group of its own."""
    (folder / "data").mkdir(parents=True)
    for split, rows in splits.items():
        ids = [hashlib.sha256(data).hexdigest() for data, _ in rows]
        kind = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
        table = pa.table(
            {
                "image": pa.array(
                    [{"bytes": data, "path": f"{name}.jpg"} for (data, _), name in zip(rows, ids, strict=True)], kind
                ),
                "label": pa.array([label for _, label in rows], pa.int64()),
                "image_id": pa.array(ids, pa.string()),
                "group_id": pa.array(ids if groups else [None] * len(rows), pa.string()),
            }
        )
        size = -(-len(rows) // files) or 1
        for number in range(files):
            path = folder / "data" / f"{split}-{number:05}-of-{files:05}.parquet"
            pq.write_table(table.slice(number * size, size), path, row_group_size=row_group)
    write_manifest(folder, {split: len(rows) for split, rows in splits.items()}, names)
    return folder


def write_manifest(folder: Path, splits: Mapping[str, int], names: Sequence[str]) -> None:
    """The manifest of the data files that lie there."""
    files = {
        f"data/{path.name}": {"sha256": hashlib.sha256(path.read_bytes()).hexdigest(), "bytes": path.stat().st_size}
        for path in sorted((folder / "data").iterdir())
    }
    manifest = {
        "format": 1, "name": "drawn", "description": "", "licence": "", "source_url": "", "logoingest": "0",
        "classes": [{"id": name, "name": name, "images": {}} for name in names], "splits": dict(splits),
        "multi_class_images": {}, "counts": {}, "rejected": {}, "lineage": {}, "files": files,
    }  # fmt: skip
    manifest["fingerprint"] = compute_fingerprint(manifest)
    (folder / "manifest.json").write_bytes(render_manifest(manifest))


def draw_splits(train: int = 14, validation: int = 3, test: int = 8, classes: int = 4) -> dict[str, list[tuple[bytes, int]]]:
    """So many pictures of every class in each split, classes in turn."""
    numbers = iter(range(10_000))
    counts = {"train": train, "validation": validation, "test": test}
    return {
        name: [(encode(draw_logo(label, next(numbers))), label) for _ in range(count) for label in range(classes)]
        for name, count in counts.items()
    }


#: What a toy sweep varies.
SPACE: dict[str, Any] = {"lr": {"low": 1e-4, "high": 1.0, "log": True}, "batch_size": [8, 16]}


def make_sweep_config(folder: Path, *, train: dict[str, Any] | None = None, **sweep: Any) -> Config:
    """A config whose workspace has a release, with the toy recipe beside it; ``sweep`` is the section."""
    shutil.copy(DATA / "sweeps/toy_recipes.py", folder / "toy_recipes.py")
    if not (folder / "work/release").exists():
        (folder / "work").mkdir(parents=True)
        write_release(folder / "work/release", draw_splits(train=8, validation=10, test=12), "abcd", groups=True)
    section = {"trials": 6, "parallel": 1, "finalists": 2, "repeats": 2, "space": SPACE} | sweep
    settings = {"recipe": "toy_recipes:ToyRecipe", "epochs": 4, "lr": 0.3} | (train or {})
    data = {
        "dataset": {"name": "toy", "workspace": "work"},
        "sources": [{"path": "answers.csv"}],
        "labels": {"class_map": "classes.toml"},
        "train": settings,
        "sweep": section,
    }
    return Config.model_validate({**data, "base_dir": folder})


#: The classes, by label; their names are strangers' text.
BOXED_CLASSES = [("alpha", "Alpha"), ("beta", "Beta <b>&"), ("gamma", "Gamma")]


class DrawnPhoto(NamedTuple):
    """A JPEG, and where its logo is: [x, y, width, height]."""

    data: bytes
    bbox: tuple[float, float, float, float]


def draw_boxed(label: int, seed: int, size: tuple[int, int] = (80, 60)) -> DrawnPhoto:
    """A rectangle in its class's colour somewhere on a pale ground; a label below 0 draws none."""
    rng = np.random.default_rng([label + 1, seed])
    ground = Image.fromarray(rng.integers(170, 256, (4, 4, 3), dtype=np.uint8)).resize(size, Image.Resampling.BICUBIC)
    width, height = (int(rng.integers(side // 3, side * 2 // 3)) for side in size)
    x, y = int(rng.integers(0, size[0] - width)), int(rng.integers(0, size[1] - height))
    if label >= 0:
        ImageDraw.Draw(ground).rectangle((x, y, x + width - 1, y + height - 1), fill=COLOURS[label % len(COLOURS)])
    file = BytesIO()
    ground.save(file, "JPEG", quality=92)
    return DrawnPhoto(file.getvalue(), (float(x), float(y), float(width), float(height)))


def write_boxed(folder: Path, per_class: dict[str, int] | None = None, *, unboxed: int = 2, **further: Any) -> Path:
    """A release with so many pictures of every class in each split; ``unboxed`` of train have a class and no box."""
    counts = per_class or {"train": 6, "validation": 2, "test": 3}
    pictures, class_ids, splits, boxes = [], [], [], []
    number = 0
    for split, count in counts.items():
        for _ in range(count):
            for label, (class_id, _name) in enumerate(BOXED_CLASSES):
                photo = draw_boxed(label, number, ((80, 60), (60, 80), (96, 64))[number % 3])
                pictures.append(photo.data)
                class_ids.append([class_id])
                splits.append(split)
                boxes.append([{"class_id": class_id, "bbox": list(photo.bbox)}])
                number += 1
    for place in range(unboxed):
        boxes[place] = []
    made = collect(pictures, class_ids, splits, boxes)
    made.classes = list(BOXED_CLASSES)
    made.write(folder, **further)
    return folder


def draw_strangers(count: int) -> dict[str, bytes]:
    """Pictures of no class by image_id."""
    return {f"{number:064x}": draw_boxed(-1, number).data for number in range(count)}
