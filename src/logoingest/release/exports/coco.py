"""COCO JSON (https://cocodataset.org/#format-data).

    <split>/<image_id>.<ext>
    annotations/instances_<split>.json   pictures with boxes, and their boxes
    annotations/labels_<split>.json      every picture, an annotation without box for each of its classes

COCO knows boxes, we mostly know what a picture shows: no box is made up. The second file is Datumaro's form of image-level labels.
Pictures without boxes are not in the first: a detector would learn them as empty. ``category_id`` is label + 1 (0 is background to
many tools), ids of pictures and annotations count from 1 over the whole export. Pixels are those of the upright picture.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from logoingest.release.exports.folder import ExportFolder, write_array
from logoingest.release.exports.rows import ExportBox, ExportRow, list_splits
from logoingest.release.reading.loader import Release


def write_coco(release: Release, folder: ExportFolder) -> None:
    """Fill ``folder`` with the pictures and annotation files of every split."""
    folder.make_folder("annotations")
    passed, numbers = 0, {"instances": 1, "labels": 1}
    for split in list_splits(release):
        boxed = 0
        for row in folder.read_rows(release, split):
            folder.add_picture(row, split)
            boxed += bool(row.boxes)
        for kind in ("instances", "labels") if boxed else ("labels",):
            numbers[kind] = _write_annotations(release, folder, _Part(split, kind, passed), numbers[kind])
        passed += folder.pictures[split]


class _Part(NamedTuple):
    """An annotation file: its split, its kind, and the pictures of the splits before."""

    split: str
    kind: str
    passed: int


def _write_annotations(release: Release, folder: ExportFolder, part: _Part, number: int) -> int:
    """Write one annotation file, in two passes over the light columns; returns the next annotation's number."""
    with (folder.path / f"annotations/{part.kind}_{part.split}.json").open("w", encoding="utf-8", newline="\n") as stream:
        info = {"description": release.name, "version": release.fingerprint, "url": release.manifest["source_url"]}
        stream.write('{\n"info": ' + json.dumps(info))
        stream.write(',\n"licenses": ' + json.dumps([{"id": 1, "name": release.manifest["licence"], "url": ""}]))
        stream.write(',\n"categories": ')
        write_array(stream, _list_categories(release))
        stream.write(',\n"images": ')
        write_array(stream, (_describe_image(key, row) for key, row in _number_rows(release, folder, part)))
        stream.write(',\n"annotations": ')
        counter = _Numbering(number)
        write_array(stream, counter.number(_list_annotations(_number_rows(release, folder, part), part.kind)))
        stream.write("\n}\n")
    return counter.next


class _Numbering:
    """Gives annotations their numbers as they pass."""

    def __init__(self, start: int) -> None:
        self.next = start

    def number(self, annotations: Iterable[dict[str, Any]]) -> Iterator[dict[str, Any]]:
        for annotation in annotations:
            yield {"id": self.next, **annotation}
            self.next += 1


def _number_rows(release: Release, folder: ExportFolder, part: _Part) -> Iterator[tuple[int, ExportRow]]:
    for key, row in enumerate(folder.read_rows(release, part.split, pictures=False), part.passed + 1):
        if part.kind == "labels" or row.boxes:
            yield key, row


def _list_categories(release: Release) -> list[dict[str, Any]]:
    return [
        {"id": label + 1, "name": class_id, "supercategory": "", "display_name": name}
        for label, (class_id, name) in enumerate(zip(release.class_ids, release.display_names, strict=True))
    ]


def _describe_image(key: int, row: ExportRow) -> dict[str, Any]:
    described = {
        "id": key,
        "file_name": row.file_name,
        "width": row.width,
        "height": row.height,
        "license": 1,
        "coco_url": row.url,
        "group_id": row.group_id,
        "confidence": row.confidence,
    }
    return {**described, "attributes": dict(row.kept)} if row.kept else described


def _list_annotations(rows: Iterable[tuple[int, ExportRow]], kind: str) -> Iterator[dict[str, Any]]:
    for key, row in rows:
        if kind == "instances":
            yield from ({"image_id": key, **_describe_box(box)} for box in row.boxes)
        else:
            yield from ({"image_id": key, "category_id": label + 1} for label in row.labels)


def _describe_box(box: ExportBox) -> dict[str, Any]:
    described = {
        "category_id": box.label + 1,
        "bbox": [box.x, box.y, box.width, box.height],
        "area": box.width * box.height,
        "iscrowd": 0,
    }
    return described if box.attributes is None else {**described, "attributes": json.loads(box.attributes)}
