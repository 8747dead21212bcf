"""COCO's object detection format: one JSON object with lists of images, annotations and categories.

Format: https://cocodataset.org/#format-data (1 and 4). Read twice, item by item: images and categories are kept in memory, in short,
since annotations may stand before them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from logoingest.config import SourceConfig
from logoingest.errors import SourceError
from logoingest.schemas import Reason
from logoingest.sources.cells.answers import AnswerError, describe_scalar, read_box, rename_reserved
from logoingest.sources.cells.columns import complete_url, find_missing, has_scheme, name_picture
from logoingest.sources.files.json_items import iterate_members
from logoingest.sources.files.opening import SourceFile, open_lines
from logoingest.sources.records.tabulating import Record, join_records, refuse_record, write_attributes

_URL_KEYS = ("coco_url", "url", "flickr_url")
_NAME_KEY = "file_name"


class _Picture(NamedTuple):
    """An image of the list: its number (from 1) and its URLs, the first the one to fetch."""

    number: int
    urls: tuple[str, ...]


def is_coco(members: Mapping[str, Any]) -> bool:
    """Whether the beginning of a JSON object looks like COCO's: images with a file name or annotations about an image id."""
    image, annotation = members.get("images"), members.get("annotations")
    known = isinstance(image, dict) and bool({_NAME_KEY, *_URL_KEYS} & image.keys())
    return known or (isinstance(annotation, dict) and "image_id" in annotation)


def read_coco(file: SourceFile, source: SourceConfig) -> Iterator[Record]:
    """The records of a data set; ``source_row`` is the number of the image.

    - url: ``coco_url``, ``url`` or ``flickr_url``, the others as alternatives; without any, ``url_prefix`` and ``file_name``.
      ``url_column`` names another key of the image.
    - answer: the name of the annotation's category; the annotations without a box of one picture and person are one answer.
    - bbox: as COCO has it, [x, y, width, height] in pixels; none where there is none.
    - source_id: the annotation's id. worker: ``creator``, which COCO Annotator writes; ``worker_column`` names another key.
    - attributes: iscrowd, score, and what stands under ``attributes`` (CVAT, Datumaro), where given.

    An image that no annotation is about is one annotation with an empty label. An annotation about an image or of a category that is
    not listed is a rejected row, as is one of segments alone (panoptic) or a caption.

    Raises:
        SourceError: it is no COCO data set, lists no images, or breaks off.
    """
    pictures, categories, tagged = _read_lists(file, source)
    asked: set[int] = set()
    tags: dict[tuple[int, str | None], list[Record]] = {}
    number = 0
    with open_lines(file) as lines:
        for member in iterate_members(lines):
            if member.name == "annotations":
                number += 1
                record, about = _read_annotation(member.value, number, pictures, categories, source)
                asked.add(about)
                if record.reason is None and record.bbox is None and tagged[str(member.value["image_id"])] > 1:
                    tags.setdefault((about, record.worker_id), []).append(record)
                else:
                    yield record
    yield from map(join_records, tags.values())
    for picture in pictures.values():
        if picture.number not in asked:
            yield _name_picture(picture)


def _read_lists(file: SourceFile, source: SourceConfig) -> tuple[dict[str, _Picture], dict[str, str], Counter[str]]:
    """The images and the names of categories, by id, and how many annotations without a box are about an image."""
    tagged: Counter[str] = Counter()
    pictures: dict[str, _Picture] = {}
    categories: dict[str, str] = {}
    first: Mapping[str, Any] | None = None
    with open_lines(file) as lines:
        for name, inner, value in iterate_members(lines):
            if inner is not None or not isinstance(value, dict):
                continue
            if name == "annotations":
                tagged[str(value.get("image_id"))] += value.get("bbox") in (None, [])
            elif not isinstance(value.get("id"), str):
                continue
            elif name == "images":
                first = first or value
                pictures.setdefault(value["id"], _Picture(len(pictures) + 1, _find_urls(value, source)))
            elif name == "categories" and isinstance(value.get("name"), str):
                categories[value["id"]] = value["name"]
    if first is None:
        hint = "COCO is one object with images, annotations and categories; a results file has no URLs: name the data set's own"
        raise file.fault("lists no COCO images", hint)
    if problems := find_missing(file.name, {"url_column": source.url_column}, tuple(first)):
        raise SourceError(problems)
    return pictures, categories, tagged


def _find_urls(image: Mapping[str, Any], source: SourceConfig) -> tuple[str, ...]:
    keys = (source.url_column,) if source.url_column else _URL_KEYS
    texts = [text.strip() for key in keys if isinstance(text := image.get(key), str)]
    name = image.get(_NAME_KEY)
    urls = [text if has_scheme(text) else complete_url(text, source.url_prefix) for text in texts if text]
    if isinstance(name, str) and name.strip() and (not urls or source.local_root is not None):
        urls.insert(0, name_picture(name.strip(), source))
    return tuple(dict.fromkeys(urls))


def _name_picture(picture: _Picture) -> Record:
    url, *others = picture.urls or (None,)
    return Record(picture.number, url, alternative_urls=[other for other in others if other] or None)


def _read_annotation(
    value: Any, number: int, pictures: Mapping[str, _Picture], categories: Mapping[str, str], source: SourceConfig
) -> tuple[Record, int]:
    """The record, and the number of the picture it is about (0: none)."""
    if not isinstance(value, dict):
        return refuse_record(number, f"annotation {number} is no object"), 0
    picture = pictures.get(str(value.get("image_id")))
    if picture is None:
        return refuse_record(
            number, f"annotation {number} is about image {str(value.get('image_id'))[:40]}, which is not listed"
        ), 0
    whole = _name_picture(picture)._replace(source_id=value.get("id") if isinstance(value.get("id"), str) else None)
    why = _find_fault(value, categories)
    if why is None:
        try:
            return _complete(whole, value, categories, source), picture.number
        except AnswerError as error:
            why = str(error)
    label = categories.get(str(value.get("category_id")), "")
    return whole._replace(raw_label=label, reason=Reason.INVALID_ROW, detail=why), picture.number


def _find_fault(value: Mapping[str, Any], categories: Mapping[str, str]) -> str | None:
    if "segments_info" in value:
        return "segments of a panoptic annotation are not read"
    if "category_id" not in value:
        return "a caption is no answer" if "caption" in value else "the annotation names no category"
    if str(value["category_id"]) not in categories:
        return f"category {str(value['category_id'])[:40]} is not listed"
    return None


def _complete(whole: Record, value: Mapping[str, Any], categories: Mapping[str, str], source: SourceConfig) -> Record:
    further = value.get("attributes")
    attributes = rename_reserved(further) if isinstance(further, dict) else {}
    if value.get("iscrowd") in ("1", True):
        attributes["iscrowd"] = True
    if isinstance(value.get("score"), str):
        attributes["score"] = value["score"]
    box = value.get("bbox")
    return whole._replace(
        raw_label=categories[str(value["category_id"])],
        bbox=read_box(box) if box not in (None, []) else None,
        worker_id=describe_scalar(value.get(source.worker_column or "creator")) or None,
        attributes=write_attributes(attributes),
    )
