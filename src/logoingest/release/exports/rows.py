"""The rows of a release, one at a time, checked for what an export must rely on."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq

from logoingest.errors import GateError, Problem
from logoingest.release.form.released_boxes import is_released_box
from logoingest.release.reading.loader import Release

_COLUMNS = ("image_id", "label", "class_ids", "width", "height", "url", "group_id", "confidence", "boxes")
_IMAGE_ID = re.compile(r"[0-9a-f]{64}")
_EXTENSION = re.compile(r"[a-z0-9]{1,8}")
_SPLIT = re.compile(r"[A-Za-z0-9_]{1,64}")


class ExportBox(NamedTuple):
    """A box: label, its place in pixels of the upright picture, and what else is said of it."""

    label: int
    x: float
    y: float
    width: float
    height: float
    truncated: bool | None
    attributes: str | None


class ExportRow(NamedTuple):
    """A released picture. ``labels`` are all its classes, by number; ``label`` is -1 when they are several."""

    split: str
    image_id: str
    file_name: str
    label: int
    labels: tuple[int, ...]
    width: int
    height: int
    url: str
    group_id: str
    confidence: float
    boxes: tuple[ExportBox, ...]
    data: bytes
    kept: Mapping[str, list[str]] = MappingProxyType({})
    """The source's own columns, those that say anything."""

    def list_unboxed(self) -> list[int]:
        """The classes that the picture shows and no box is of."""
        boxed = {box.label for box in self.boxes}
        return [label for label in self.labels if label not in boxed]


def list_splits(release: Release) -> list[str]:
    """The splits that have rows.

    Raises:
        GateError: a split's name is no plain word.
    """
    names = [split for split, rows in release.splits.items() if rows]
    for name in names:
        if not _SPLIT.fullmatch(name):
            raise GateError(Problem(f"split {name[:60]!r}", "is no plain word", "check the release with: logoingest verify"))
    return names


def read_export_rows(release: Release, split: str, pictures: bool = True) -> Iterator[ExportRow]:
    """The rows of a split, in order; one row group is in memory at a time. Without ``pictures`` their bytes are empty.

    Raises:
        GateError: a data file is gone or damaged, or a row breaks a law that file names and labels rest on.
    """
    numbers = {class_id: index for index, class_id in enumerate(release.class_ids)}
    columns = [*_COLUMNS, *release.kept_columns, "image" if pictures else "image.path"]
    for path in release.files(split):
        for group in _read_groups(path, columns):
            for row in group.to_pylist():
                kept = {name: row[name] for name in release.kept_columns if row[name]}
                yield _check_row(path, split, row, numbers)._replace(kept=kept)


def _read_groups(path: Path, columns: Sequence[str]) -> Iterator[pa.Table]:
    try:
        with pq.ParquetFile(path) as file:
            for number in range(file.num_row_groups):
                yield file.read_row_group(number, columns=list(columns))
    except (OSError, pa.ArrowException) as error:
        raise _explain(path, f"cannot be read ({error})") from error


def _check_row(path: Path, split: str, row: Mapping[str, Any], numbers: Mapping[str, int]) -> ExportRow:
    try:
        image_id, picture = row["image_id"], row["image"]
        stem, _, extension = picture["path"].partition(".")
        labels = tuple(sorted(numbers[class_id] for class_id in row["class_ids"]))
        boxes = tuple(map(_read_box, row["boxes"] or ()))
        sound = (
            _IMAGE_ID.fullmatch(image_id)
            and stem == image_id
            and _EXTENSION.fullmatch(extension)
            and row["label"] == (labels[0] if len(labels) == 1 else -1)
            and min(row["width"], row["height"]) > 0
            and all(is_released_box(box, labels, row["width"], row["height"]) for box in row["boxes"] or ())
        )
        data = picture.get("bytes") or b""
    except (KeyError, TypeError, ValueError, AttributeError):
        sound = False
    if not sound:
        raise _explain(path, f"row {str(row.get('image_id'))[:80]!r} breaks a law of releases")
    return ExportRow(
        split,
        image_id,
        f"{image_id}.{extension}",
        row["label"],
        labels,
        row["width"],
        row["height"],
        row["url"] or "",
        row["group_id"] or "",
        row["confidence"],
        boxes,
        data,
    )


def _read_box(box: Mapping[str, Any]) -> ExportBox:
    x, y, width, height = (float(value) for value in box["bbox"])
    return ExportBox(box["label"], x, y, width, height, box["truncated"], box["attributes"])


def _explain(path: Path, what: str) -> GateError:
    return GateError(Problem(str(path), what, "check the release with: logoingest verify"))
