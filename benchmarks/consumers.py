"""Who reads a release: other libraries, each in an interpreter that has it, must see the pictures, labels and boxes that are there.

    python benchmarks/consumers.py work/logos/release --also venv-datasets-2.21/bin/python --also venv-more/bin/python

The release is exported (YOLO and ImageFolder as upright JPEG, WebDataset in three shards); then every reader is run, in a process of its own, by
every interpreter that has its module: this one and those named by ``--also``. A reader gives (image_id, label) of every picture that it
opened, or its boxes; they are compared with the manifest's. The table that is printed stands in docs/release.md. Exit code 1 where a reader
sees something else.
"""

# ruff: noqa: ARG001  # one signature for all readers

from __future__ import annotations

import argparse
import hashlib
import importlib.metadata
import importlib.util
import json
import multiprocessing
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

#: Split → (image_id, label) of every picture that was opened, sorted.
Seen = dict[str, list[list[Any]]]


class Place(NamedTuple):
    """The release, the folder of its exports, and what readers must see, by kind."""

    release: Path
    root: Path
    expected: dict[str, Any]


MISSING = 77
WORKERS = 3


def main() -> int:
    """Export, read with everybody, print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("release", type=Path)
    parser.add_argument(
        "--also", action="append", default=[], metavar="PYTHON", help="an interpreter with other libraries (repeatable)"
    )
    parser.add_argument("--only", action="append", default=[], metavar="READER")
    parser.add_argument("--one", nargs=3, metavar=("READER", "ROOT", "DONE"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        return read_one(options.one[0], options.release, Path(options.one[1]), options.one[2].split(","))
    with tempfile.TemporaryDirectory() as name:
        place = prepare(options.release, Path(name))
        print("| reader | version | what it opens | what it saw |\n|---|---|---|---|")
        wrong = 0
        for reader in options.only or READERS:
            done: list[str] = []
            for python in (sys.executable, *options.also):
                wrong += not run_reader(python, reader, place, done)
    return int(wrong > 0)


def prepare(release: Path, root: Path) -> Place:
    """Write the exports under ``root``."""
    from logoingest import export, open_release

    opened = open_release(release)
    export(opened, "imagefolder", root / "imagefolder", jpeg=True, upright=True)
    export(opened, "yolo", root / "yolo", jpeg=True, upright=True)
    export(opened, "webdataset", root / "webdataset", shards=WORKERS)
    rows = opened.to_arrow(columns=["split", "image_id", "label", "class_ids", "boxes"]).to_pylist()
    every = collect((row["split"], row["image_id"], row["label"]) for row in rows)
    single = collect((row["split"], row["image_id"], row["label"]) for row in rows if row["label"] >= 0)
    boxed = [row for row in rows if {opened.class_ids[box["label"]] for box in row["boxes"]} == set(row["class_ids"])]
    boxes = collect((row["split"], row["image_id"], list_boxes(row["boxes"])) for row in boxed)
    return Place(release, root, {"every": every, "single": single, "boxes": boxes})


def list_boxes(boxes: Any) -> list[int]:
    """The labels of boxes, one that repeats taken once, as ultralytics takes it."""
    return sorted(label for label, *_ in {(box["label"], *box["bbox"]) for box in boxes})


def run_reader(python: str, reader: str, place: Place, done: list[str]) -> bool:
    """Print a row of the table; False where something else was seen.

    A reader that the interpreter does not have, or has in a version that was ``done``, is passed over.
    """
    release, root, expected = place
    command = [python, __file__, str(release), "--one", reader, str(root), ",".join(done)]
    environment = {
        **os.environ,
        "HF_HUB_OFFLINE": "1",
        "HF_HOME": str(root / "cache"),
        "YOLO_CONFIG_DIR": str(root),
        "YOLO_OFFLINE": "1",
    }
    process = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    if process.returncode == MISSING:
        return True
    _, what, kind = READERS[reader]
    if process.returncode:
        print(f"| {reader} | ? | {what} | **failed**: {(process.stderr.strip().splitlines() or ['?'])[-1][:160]} |", flush=True)
        return False
    found = json.loads(process.stdout.splitlines()[-1])
    done.append(found["version"])
    right = {split: rows for split, rows in found["seen"].items() if rows} == {
        s: rows for s, rows in expected[kind].items() if rows
    }
    count = sum(map(len, found["seen"].values()))
    verdict = (
        f"all {count:,} pictures" + (" with their boxes" if kind == "boxes" else "") if right else f"**other things** ({count:,})"
    )
    print(f"| {reader} | {found['version']} | {what} | {verdict} |", flush=True)
    return right


def read_one(reader: str, release: Path, root: Path, done: list[str]) -> int:
    """In the process of a reader: print what it saw."""
    read, _, _ = READERS[reader]
    module = MODULES.get(reader, reader.partition(" ")[0])
    needed = [module, *(["logoingest"] if reader in OURS else [])]
    if any(importlib.util.find_spec(name) is None for name in needed):
        return MISSING
    version = importlib.metadata.version(module.replace("_", "-"))
    if version in done:
        return MISSING
    print(json.dumps({"seen": read(release, root), "version": version}))
    return 0


def collect(rows: Any) -> Seen:
    """Sorted by split."""
    seen: Seen = {}
    for split, image_id, label in rows:
        seen.setdefault(split, []).append([image_id, label])
    return {split: sorted(pairs) for split, pairs in seen.items()}


def list_files(release: Path) -> dict[str, list[str]]:
    """Split → its data files."""
    files: dict[str, list[str]] = {}
    for path in sorted((release / "data").glob("*.parquet")):
        files.setdefault(path.name.split("-")[0], []).append(str(path))
    return files


# -- datasets ----------------------------------------------------------------------------------------------------------


def take_rows(split: str, rows: Any) -> Iterator[tuple[str, str, int]]:
    """Rows whose pictures open as RGB."""
    for row in rows:
        row["image"].load()
        assert row["image"].mode == "RGB"
        assert row["image"].size == (row["width"], row["height"])
        yield split, row["image_id"], row["label"]


def read_datasets_folder(release: Path, root: Path) -> Seen:
    import datasets

    opened = datasets.load_dataset(str(release), cache_dir=str(root / "cache"))
    opened = opened.cast_column("image", datasets.Image(mode="RGB"))
    return collect(row for split, rows in opened.items() for row in take_rows(split, rows))


def read_datasets_files(release: Path, root: Path) -> Seen:
    import datasets

    found: list[tuple[str, str, int]] = []
    for split, files in list_files(release).items():
        rows = datasets.Dataset.from_parquet(files, cache_dir=str(root / "cache"), split=split)
        assert rows.features["label"].names
        found += take_rows(split, rows.cast_column("image", datasets.Image(mode="RGB")))
    return collect(found)


def read_datasets_stream(release: Path, root: Path) -> Seen:
    import datasets

    opened = datasets.load_dataset("parquet", data_files=list_files(release), streaming=True, cache_dir=str(root / "cache"))
    cast = {split: rows.cast_column("image", datasets.Image(mode="RGB")) for split, rows in opened.items()}
    return collect(row for split, rows in cast.items() for row in take_rows(split, rows))


# -- tables ------------------------------------------------------------------------------------------------------------


def take_bytes(split: str, rows: Any) -> Iterator[tuple[str, str, int]]:
    """Rows whose bytes are those of their hash."""
    for image_id, label, stored, data in rows:
        assert hashlib.sha256(data).hexdigest() == (stored if isinstance(stored, str) else image_id)
        yield split, image_id, label


def read_polars(release: Path, root: Path) -> Seen:
    import polars as pl

    columns = ["image_id", "label", "stored_sha256", pl.col("image").struct.field("bytes")]
    tables = {split: pl.scan_parquet(files).select(columns).collect() for split, files in list_files(release).items()}
    return collect(row for split, table in tables.items() for row in take_bytes(split, table.iter_rows()))


def read_duckdb(release: Path, root: Path) -> Seen:
    import duckdb

    query = "SELECT image_id, label, stored_sha256, image.bytes FROM read_parquet(?)"
    found: list[tuple[str, str, int]] = []
    for split, files in list_files(release).items():
        found += take_bytes(split, duckdb.execute(query, [files]).fetchall())
    return collect(found)


def read_pandas(release: Path, root: Path) -> Seen:
    import pandas as pd

    found: list[tuple[str, str, int]] = []
    for split, files in list_files(release).items():
        for file in files:
            frame = pd.read_parquet(file)
            data = [picture["bytes"] for picture in frame["image"]]
            found += take_bytes(split, zip(frame["image_id"], frame["label"].tolist(), frame["stored_sha256"], data, strict=True))
    return collect(found)


def read_croissant(release: Path, root: Path) -> Seen:
    import mlcroissant

    rows = list(mlcroissant.Dataset(jsonld=str(release / "croissant.json")).records("pictures"))
    for row in rows:
        row["pictures/image"].load()
        assert all(len(box["pictures/boxes/bbox"]) == 4 for box in row["pictures/boxes"])
    return collect((row["pictures/split"].decode(), row["pictures/image_id"].decode(), row["pictures/label"]) for row in rows)


# -- torch -------------------------------------------------------------------------------------------------------------


def to_digest(picture: Any) -> str:
    """What tells a decoded picture from every other."""
    return hashlib.sha256(repr(picture.size).encode() + picture.tobytes()).hexdigest()


def name_digests(release: Path) -> dict[str, dict[str, str]]:
    """Split → digest of the pixels → image_id."""
    from logoingest import open_release

    named = {}
    for split in open_release(release).splits:
        items = open_release(release).dataset(split, to_digest)
        named[split] = {digest: image_id for (digest, _), image_id in zip(items, items.image_ids, strict=True)}
    return named


def read_torch(release: Path, root: Path) -> Seen:
    """Map-style, three workers."""
    from torch.utils.data import DataLoader

    from logoingest import open_release

    named, opened = name_digests(release), open_release(release)
    found = []
    for split in opened.splits:
        loader = DataLoader(opened.dataset(split, to_digest), batch_size=4, shuffle=True, num_workers=WORKERS)
        found += [
            (split, named[split][digest], int(label))
            for digests, labels in loader
            for digest, label in zip(digests, labels, strict=True)
        ]
    return collect(found)


def read_stream(release: Path, root: Path) -> Seen:
    """The iterable dataset, three workers."""
    from torch.utils.data import DataLoader

    from logoingest import open_release

    named, opened = name_digests(release), open_release(release)
    found = []
    for split in opened.splits:
        loader = DataLoader(opened.iterable(split, to_digest), batch_size=None, num_workers=WORKERS)
        found += [(split, named[split][digest], label) for digest, label in loader]
    return collect(found)


def read_gloo(release: Path, root: Path) -> Seen:
    """Two ranks: a DistributedSampler over train, the stream over the other splits."""
    context = multiprocessing.get_context("spawn")
    queue = context.SimpleQueue()
    store = tempfile.mktemp(dir=root)
    ranks = [context.Process(target=run_rank, args=(release, store, rank, queue)) for rank in range(2)]
    for rank in ranks:
        rank.start()
    found = {tuple(row) for _ in ranks for row in queue.get()}  # the sampler repeats a picture where the number is odd
    for rank in ranks:
        rank.join()
    return collect(found)


def run_rank(release: Path, store: str, rank: int, queue: Any) -> None:
    import torch.distributed as dist
    from torch.utils.data import DataLoader
    from torch.utils.data.distributed import DistributedSampler

    from logoingest import open_release

    named, opened = name_digests(release), open_release(release)
    dist.init_process_group("gloo", init_method=f"file://{store}", rank=rank, world_size=2)
    found = []
    for split in opened.splits:
        data = opened.dataset(split, to_digest) if split == "train" else opened.iterable(split, to_digest)
        sampler = DistributedSampler(data) if split == "train" else None
        loader = DataLoader(data, batch_size=1, sampler=sampler)
        found += [(split, named[split][digest], int(label)) for (digest,), (label,) in loader]
        dist.barrier()
    queue.put(found)
    dist.destroy_process_group()


def read_lightning(release: Path, root: Path) -> Seen:
    """An epoch of training and one of validation, two workers."""
    import logging
    import warnings

    import numpy as np
    import pytorch_lightning as lightning
    import torch
    from torch.utils.data import DataLoader, Dataset

    from logoingest import open_release

    warnings.filterwarnings("ignore")
    logging.getLogger("pytorch_lightning").setLevel(logging.ERROR)
    opened = open_release(release)
    found: list[tuple[str, str, int]] = []

    class Numbered(Dataset[Any]):
        """Items with their number, to tell what was seen."""

        def __init__(self, split: str) -> None:
            self.items = opened.dataset(split, to_small)

        def __len__(self) -> int:
            return len(self.items)

        def __getitem__(self, index: int) -> tuple[Any, int, int]:
            picture, label = self.items[index]
            return torch.from_numpy(np.array(picture)).float().flatten() / 255, label, index

    data = {split: Numbered(split) for split in opened.splits}

    class Model(lightning.LightningModule):
        def __init__(self) -> None:
            super().__init__()
            self.head = torch.nn.Linear(8 * 8 * 3, len(opened.class_ids))

        def take(self, batch: Any, split: str) -> Any:
            pictures, labels, numbers = batch
            ids = data[split].items.image_ids
            found.extend((split, ids[number], int(label)) for number, label in zip(numbers.tolist(), labels, strict=True))
            return torch.nn.functional.cross_entropy(self.head(pictures), labels)

        def training_step(self, batch: Any, _number: int) -> Any:
            return self.take(batch, "train")

        def validation_step(self, batch: Any, _number: int, dataloader_idx: int = 0) -> None:
            self.take(batch, others[dataloader_idx])

        def configure_optimizers(self) -> Any:
            return torch.optim.SGD(self.parameters(), lr=0.01)

    others = [split for split in data if split != "train" and len(data[split])]
    quiet = {"logger": False, "enable_checkpointing": False, "enable_progress_bar": False, "enable_model_summary": False}
    trainer = lightning.Trainer(max_epochs=1, accelerator="cpu", num_sanity_val_steps=0, default_root_dir=root, **quiet)
    loaders = [DataLoader(data[split], batch_size=4, num_workers=2) for split in others]
    trainer.fit(Model(), DataLoader(data["train"], batch_size=4, shuffle=True, num_workers=2), loaders)
    return collect(found)


def to_small(picture: Any) -> Any:
    """Eight pixels across and down."""
    return picture.resize((8, 8))


# -- exports -----------------------------------------------------------------------------------------------------------


def read_timm(release: Path, root: Path) -> Seen:
    """timm's ImageDataset over the ImageFolder export, by its own class map."""
    from timm.data import ImageDataset

    found: list[tuple[str, str, int]] = []
    for folder in (path for path in (root / "imagefolder").iterdir() if path.is_dir()):
        dataset = ImageDataset(str(folder), class_map=str(root / "imagefolder/class_map.txt"))
        for index, path in enumerate(dataset.filenames(basename=True)):
            picture, label = dataset[index]
            assert picture.mode == "RGB"
            found.append((folder.name, path.split(".")[0], int(label)))
    return collect(found)


def read_timm_hfds(release: Path, root: Path) -> Seen:
    """timm's reader of datasets over the release itself, where -1 is left out by its caller."""
    from timm.data import create_dataset

    found: list[tuple[str, str, int]] = []
    for split in list_files(release):
        dataset = create_dataset(f"hfds/{release.absolute()}", root=str(root / "cache"), split=split)
        rows = dataset.reader.dataset
        for index, image_id in enumerate(rows["image_id"]):
            picture, label = dataset[index]
            assert picture.mode == "RGB"
            found.append((split, image_id, int(label)))
    return collect(found)


def read_torchvision(release: Path, root: Path) -> Seen:
    from torchvision.datasets import ImageFolder

    found: list[tuple[str, str, int]] = []
    for folder in (path for path in (root / "imagefolder").iterdir() if path.is_dir()):
        dataset = ImageFolder(str(folder), allow_empty=True)
        for index, (path, label) in enumerate(dataset.samples):
            assert dataset[index][0].mode == "RGB"
            found.append((folder.name, Path(path).stem, label))
    return collect(found)


def read_web_dataset(release: Path, root: Path) -> Seen:
    """Three workers, a shard each."""
    import webdataset
    from torch.utils.data import DataLoader

    found: list[tuple[str, str, int]] = []
    for split in list_files(release):
        shards = sorted(map(str, (root / "webdataset").glob(f"{split}-*.tar")))
        samples = webdataset.WebDataset(shards, shardshuffle=False, empty_check=False).decode()
        loader = DataLoader(samples, batch_size=None, num_workers=min(WORKERS, len(shards)))
        found += [(split, sample["__key__"], int(sample["cls"])) for sample in loader]
    return collect(found)


def read_ultralytics(release: Path, root: Path) -> Seen:
    """ultralytics' reader of YOLO: every picture, and the classes of its boxes, all of them inside the picture."""
    from ultralytics.data.dataset import YOLODataset
    from ultralytics.data.utils import check_det_dataset

    described = check_det_dataset(str(root / "yolo/data.yaml"), autodownload=False)
    names = {"train": "train", "val": "validation"}
    found: list[Any] = []
    for split in (split for split in described if split in {"train", "val", "test"} and described[split]):
        dataset = YOLODataset(img_path=described[split], data=described, task="detect", augment=False)
        for index, label in enumerate(dataset.labels):
            dataset.load_image(index)
            assert label["bboxes"].min() >= 0
            assert label["bboxes"].max() <= 1
            found.append(
                (names.get(split, split), Path(label["im_file"]).stem, sorted(int(value) for value in label["cls"].flatten()))
            )
    return collect(found)


Reader = tuple[Callable[[Path, Path], Seen], str, str]

#: Name → how it reads, what it opens, and which of the manifest's pictures it must see.
READERS: dict[str, Reader] = {
    "datasets": (read_datasets_folder, "the folder, pictures cast to RGB", "every"),
    "datasets files": (read_datasets_files, "single Parquet files", "every"),
    "datasets stream": (read_datasets_stream, "single Parquet files, streamed", "every"),
    "polars": (read_polars, "Parquet files", "every"),
    "duckdb": (read_duckdb, "Parquet files", "every"),
    "pandas": (read_pandas, "Parquet files", "every"),
    "mlcroissant": (read_croissant, "croissant.json, boxes too", "every"),
    "torch": (read_torch, f"`release.dataset`, {WORKERS} workers", "single"),
    "torch stream": (read_stream, f"`release.iterable`, {WORKERS} workers", "single"),
    "torch ranks": (read_gloo, "two gloo ranks: DistributedSampler, and `release.iterable`", "single"),
    "Lightning": (read_lightning, "`release.dataset`: an epoch of training, one of validation", "single"),
    "timm": (read_timm, "ImageFolder export with `--jpeg --upright`, class_map.txt", "single"),
    "timm hfds": (read_timm_hfds, "the folder (`hfds/…`)", "every"),
    "torchvision": (read_torchvision, "ImageFolder export with `--jpeg --upright`", "single"),
    "webdataset": (read_web_dataset, f"WebDataset export with `--shards {WORKERS}`, {WORKERS} workers", "every"),
    "ultralytics": (read_ultralytics, "YOLO export with `--jpeg --upright`", "boxes"),
}
OURS = {"torch", "torch stream", "torch ranks", "Lightning"}
MODULES = {"Lightning": "pytorch_lightning"}


if __name__ == "__main__":
    sys.exit(main())
