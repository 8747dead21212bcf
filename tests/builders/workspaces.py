"""A workspace whose tables are made as columns, of any size, without a site: what the report reads and nothing else."""

from __future__ import annotations

import io
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pyarrow as pa
from PIL import Image

from logoingest.config import Config
from logoingest.schemas import (
    AgreementRow,
    AnnotationRow,
    DownloadRow,
    ImageRow,
    LabelRow,
    RejectedRow,
    SampleRow,
    SplitRow,
    WorkerRow,
)
from logoingest.workspace import Workspace, shard_name

_SHARD_ROWS = 1000


def draw_noise(seed: int, side: int = 96) -> bytes:
    """A JPEG that compresses badly."""
    pixels = np.random.default_rng(seed).integers(0, 256, (side, side, 3), np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "JPEG", quality=80)
    return buffer.getvalue()


def fill_table(row: type, size: int, /, **columns) -> pa.Table:
    """A table of a row model from some columns; the others are null, or empty where they may not be."""
    arrays = []
    for name_field in row.arrow_schema():
        if name_field.name in columns:
            value = columns[name_field.name]
            arrays.append(value if isinstance(value, pa.Array) else pa.array(value, name_field.type))
        elif name_field.nullable:
            arrays.append(pa.nulls(size, name_field.type))
        else:
            empty = [] if pa.types.is_list(name_field.type) else "" if pa.types.is_string(name_field.type) else 0
            arrays.append(pa.array([empty] * size, name_field.type))
    return pa.Table.from_arrays(arrays, schema=row.arrow_schema())


def make_lists(values: list[list[str]]) -> pa.Array:
    return pa.array(values, pa.list_(pa.string()))


@dataclass
class Made:
    """``pictures`` pictures, image_id = its number in hex; change the columns before ``write``."""

    folder: Path
    pictures: int
    classes: list[str]
    shares: dict[str, float] = field(default_factory=lambda: {"train": 0.7, "validation": 0.15, "test": 0.15})
    with_bytes: int = 50
    host: str = "http://photos.example"
    report: dict = field(default_factory=dict)
    settings: dict = field(default_factory=dict)

    def __post_init__(self) -> None:
        chance = np.random.default_rng(0)
        count = self.pictures
        self.ids = [f"{number:064x}" for number in range(count)]
        self.groups = list(self.ids)
        self.class_of = [self.classes[number % len(self.classes)] for number in range(count)]
        self.split_of = chance.choice(list(self.shares), count, p=list(self.shares.values())).tolist()
        self.urls = [[f"{self.host}/{number}.jpg"] for number in range(count)]
        self.figures = {
            "brightness": chance.uniform(0.3, 0.8, count),
            "contrast": chance.uniform(0.1, 0.3, count),
            "sharpness": chance.lognormal(6, 0.6, count) + 40,
            "entropy": chance.uniform(4, 8, count),
            "border_share": chance.uniform(0, 0.5, count),
            "saturation": chance.uniform(0.1, 0.9, count),
        }
        self.flags: list[list[str]] = [[] for _ in range(count)]
        self.hashes = [number.to_bytes(64, "big") for number in range(count)]
        self.labels = [{"raw_label": name, "class_ids": [name], "decision": "accepted", "rule": "name"} for name in self.classes]
        self.rejected: list[dict] = []
        self.failed: list[dict] = []
        self.workspace = Workspace(self.folder / "work")

    @property
    def config(self) -> Config:
        return Config.model_validate(
            {
                "dataset": {"name": "made", "workspace": "work"},
                "sources": [{"path": "answers.csv"}],
                "labels": {"class_map": "map.toml"},
                "splits": {"shares": self.shares},
                "report": self.report,
                "base_dir": self.folder,
                **self.settings,
            }
        )

    def write(self) -> Made:
        """Write every table that a report needs."""
        count, write = self.pictures, self.workspace.write_table
        samples = {"image_id": self.ids, "group_id": self.groups, "class_ids": make_lists([[name] for name in self.class_of])}
        listed = [*(url for urls in self.urls for url in urls), *(row["url"] for row in self.failed)]
        ids = [f"{number:064x}" for number in range(len(listed))]
        write("annotations", fill_table(AnnotationRow, len(listed), annotation_id=ids, url=listed))
        write("annotations_rejected", RejectedRow.empty_table())
        write("labels", fill_table(LabelRow, len(self.labels), **_columns(self.labels), count=list(range(len(self.labels)))))
        write("workers", fill_table(WorkerRow, 2, worker_id=["w1", "w2"], annotations=[5, 4], suspect=[None, "two seconds"]))
        write("agreement", AgreementRow.empty_table())
        write(
            "images",
            fill_table(
                ImageRow, count, image_id=self.ids, group_id=self.groups, flags=make_lists(self.flags), urls=make_lists(self.urls),
                width=[200] * count, height=[100] * count, pixel_hash=self.ids, hash=self.hashes,
            ),
        )  # fmt: skip
        confidence = 0.5 + 0.5 * np.arange(count) / max(count, 1)
        write("samples", fill_table(SampleRow, count, **samples, class_id=self.class_of, confidence=confidence, votes=[3] * count))
        write("splits", fill_table(SplitRow, count, **samples, split=self.split_of, origin=["hash"] * count))
        self._write_shards()
        return self

    def _write_shards(self) -> None:
        for index, start in enumerate(range(0, self.pictures, _SHARD_ROWS)):
            numbers = range(start, min(start + _SHARD_ROWS, self.pictures))
            size = len(numbers)
            bodies = [draw_noise(number) if number < self.with_bytes else None for number in numbers]
            table = fill_table(
                DownloadRow, size, url=[self.urls[number][0] for number in numbers], outcome=["ok"] * size, attempts=[1] * size,
                sha256=[self.ids[number] for number in numbers], byte_count=[9] * size, width=[200] * size, height=[100] * size,
                frames=[1] * size, bytes=bodies, **{name: values[start : start + size] for name, values in self.figures.items()},
            )  # fmt: skip
            self.workspace.write_shard(shard_name(index), table)
        if self.failed:
            failed = [{"outcome": "failed", "attempts": 1, **row} for row in self.failed]
            self.workspace.write_shard(shard_name(99_999), DownloadRow.table(failed))

    @property
    def rejected_table(self) -> pa.Table:
        return fill_table(RejectedRow, len(self.rejected), **_columns(self.rejected))


def _columns(rows: list[dict]) -> dict:
    return {name: [row.get(name) for row in rows] for name in {name for row in rows for name in row}}
