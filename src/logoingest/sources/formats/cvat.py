"""CVAT's "CVAT for images 1.1": one XML file of pictures, each with boxes and tags.

Format: https://docs.cvat.ai/docs/manual/advanced/xml_format/ ("Annotation"). Read with bounded memory, a picture at a time.
"""

from __future__ import annotations

import xml.etree.ElementTree as ET  # only the tree; what parses is guarded
from collections.abc import Iterator
from typing import Any

from logoingest.config import SourceConfig
from logoingest.errors import Problem, SourceError
from logoingest.schemas import Reason
from logoingest.sources.cells.answers import Answer, AnswerError, rename_reserved
from logoingest.sources.cells.boxes import join_corners
from logoingest.sources.cells.columns import find_missing, name_picture
from logoingest.sources.cells.times import parse_seconds
from logoingest.sources.cells.workers import name_worker
from logoingest.sources.files.markup import MarkupError, iterate_elements, read_text
from logoingest.sources.files.opening import SourceFile, open_binary
from logoingest.sources.records.tabulating import Record, join_records, refuse_record, write_attributes

ROOT = "annotations"
_SHAPES = frozenset({"polygon", "polyline", "points", "cuboid", "ellipse", "mask", "skeleton"})
_ANSWERS = frozenset({"box", "tag"})
_VIDEO_HINT = 'export the task as "CVAT for images 1.1", which splits tracks into pictures'


def read_cvat(file: SourceFile, source: SourceConfig) -> Iterator[Record]:
    """The records of an export; ``source_row`` is the number of the ``<image>``.

    - url: the image's ``name`` when that is a URL, else ``url_prefix`` and the name, percent-encoded.
    - answer: the label of a ``<box>`` or ``<tag>`` (all tags of a picture are one answer); with ``label_column`` the value of its attribute of that name.
    - bbox: between xtl, ytl, xbr, ybr; a rotation, occluded, source (manual, auto …) and CVAT's own attributes are kept.
    - worker: the user name of the job's or task's assignee.
    - source_id: ``<task id>-<image id>-<index>``, the place in the image from 0; none where the task has no id.

    An image without anything is one annotation with an empty label. Polygons and other shapes are rejected rows, as are tracks.

    Raises:
        SourceError: it is not CVAT's XML, is one of tracks (video) alone, or breaks off before anything could be read.
    """
    number = tracks = 0
    whole = Record(0, None)
    with open_binary(file) as stream:
        elements = _guard(file, iterate_elements(stream))
        _check_root(file, next(elements))
        for element in elements:
            if element.tag == "meta":
                _check_attribute(file, element, source.label_column)
                whole = whole._replace(worker_id=_find_assignee(element), source_id=_find_task(element))
            elif element.tag == "track":
                tracks += 1
                why = f"a track of a video is not read; {_VIDEO_HINT}"
                yield refuse_record(tracks, why)._replace(raw_label=element.get("label"))
            elif element.tag == "image":
                number += 1
                yield from _read_image(element, whole._replace(source_row=number), source)
    if not number:
        what = "is CVAT's export of a video: it holds tracks, no pictures" if tracks else "holds no pictures"
        raise file.fault(what, _VIDEO_HINT)


def _guard(file: SourceFile, elements: Iterator[ET.Element]) -> Iterator[ET.Element]:
    """The elements; a broken file is a fault of the whole file, as a cut one would lose pictures silently."""
    try:
        yield from elements
    except MarkupError as error:
        raise SourceError(Problem(file.name, str(error), "was the file cut short? export it again")) from None


def _check_root(file: SourceFile, root: ET.Element) -> None:
    if root.tag != ROOT:
        raise file.fault(f"begins with <{root.tag[:40]}>, not with CVAT's <{ROOT}>")


def _find_assignee(meta: ET.Element) -> str | None:
    paths = (f"{kind}/assignee{below}" for kind in ("job", "task", "project") for below in ("/username", ""))
    names = (read_text(meta, path) for path in paths)
    return name_worker(next((name for name in names if name), None))


def _check_attribute(file: SourceFile, meta: ET.Element, wanted: str | None) -> None:
    names = [read_text(found, "name") for found in meta.iterfind(".//labels/label/attributes/attribute")]
    if names and (problems := find_missing(file.name, {"label_column": wanted}, names)):
        raise SourceError(problems)


def _find_task(meta: ET.Element) -> str | None:
    return read_text(meta, "job/id") or read_text(meta, "task/id") or None


def _read_image(element: ET.Element, whole: Record, source: SourceConfig) -> Iterator[Record]:
    name = element.get("name") or ""
    identifier = f"{whole.source_id}-{element.get('id') or whole.source_row - 1}" if whole.source_id else None
    whole = whole._replace(url=name_picture(name, source), source_id=None)
    shapes = [shape for shape in element if shape.tag in _ANSWERS | _SHAPES]
    if not shapes:
        yield whole._replace(source_id=identifier)
    tags: list[Record] = []
    for index, shape in enumerate(shapes):
        record = whole._replace(source_id=identifier and f"{identifier}-{index}", raw_label=shape.get("label") or "")
        if shape.tag in _SHAPES:
            yield record._replace(reason=Reason.INVALID_ROW, detail=f"a shape of the kind {shape.tag} is not read")
            continue
        try:
            answer = _read_shape(shape, source.label_column)
        except AnswerError as error:
            yield record._replace(reason=Reason.INVALID_ROW, detail=f"{shape.tag} {index}: {error}")
            continue
        record = record._replace(raw_label=answer.label, bbox=answer.bbox, attributes=write_attributes(answer.attributes))
        if answer.bbox is None:
            tags.append(record)
        else:
            yield record
    if tags:
        yield join_records(tags)


def _read_shape(shape: ET.Element, label_attribute: str | None) -> Answer:
    given = {item.get("name") or "": item.text or "" for item in shape.findall("attribute")}
    label = shape.get("label") or "" if label_attribute is None else given.pop(label_attribute, "")
    attributes: dict[str, Any] = rename_reserved({name: value for name, value in given.items() if name})
    if turn := parse_seconds((shape.get("rotation") or "").strip() or None):
        attributes["rotation"] = turn
    if shape.get("occluded") == "1":
        attributes["occluded"] = True
    if (made := shape.get("source") or "manual") != "manual":
        attributes["source"] = made
    box = join_corners([shape.get(corner) for corner in ("xtl", "ytl", "xbr", "ybr")]) if shape.tag == "box" else None
    return Answer(label, box, attributes or None)
