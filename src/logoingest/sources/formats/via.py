"""VGG Image Annotator (VIA 1 and 2): its project, its JSON of annotations, and its CSV.

Format: https://gitlab.com/vgg/via/-/blob/master/via-2.x.y/CodeDoc.md. A project is one JSON object whose ``_via_img_metadata`` holds the
pictures; the exported annotations are these alone. The CSV has a row a region. VIA names no annotators.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from itertools import islice
from typing import Any, NamedTuple

from logoingest.choices import write_choices
from logoingest.config import SourceConfig
from logoingest.errors import SourceError
from logoingest.schemas import Reason
from logoingest.sources.cells.answers import AnswerError, parse_json, read_answers, read_box, rename_reserved
from logoingest.sources.cells.columns import find_missing, has_scheme, name_picture, pick_label
from logoingest.sources.files.json_items import iterate_members
from logoingest.sources.files.opening import SourceFile, open_lines
from logoingest.sources.records.tabulating import Record, refuse_record, write_attributes
from logoingest.sources.tables.reading import guess_layout, inspect_table, iterate_rows

_PICTURES = "_via_img_metadata"
_CSV_COLUMNS = ("filename", "file_attributes", "region_shape_attributes", "region_attributes")
_SAMPLE = 200


class _Region(NamedTuple):
    """What was drawn and what was said of it."""

    shape: Any
    attributes: Mapping[str, Any]


class _Picture(NamedTuple):
    """A picture of a project, or a row of the CSV; a fault is why it cannot be read."""

    number: int
    name: str = ""
    attributes: Mapping[str, Any] = {}
    regions: Sequence[_Region] = ()
    fault: str = ""


def is_via(members: Mapping[str, Any]) -> bool:
    """Whether a JSON object begins as a project, or as annotations do: a picture under its name and size."""
    first = next(iter(members.values()), None)
    return _PICTURES in members or (isinstance(first, dict) and {"filename", "regions"} <= first.keys())


def is_via_table(columns: Sequence[str]) -> bool:
    """Whether a table has the columns of VIA's CSV, the first perhaps behind a #."""
    return set(_CSV_COLUMNS) <= {name.removeprefix("#") for name in columns}


def read_via(file: SourceFile, source: SourceConfig) -> Iterator[Record]:
    """The records of a project, of annotations or of a CSV; ``source_row`` is the number of the picture, in a CSV of the row.

    - url: the picture's name when that is a URL; else its file attribute ``url_column`` (left out: the first that is a URL); else
      ``url_prefix`` and the name, percent-encoded.
    - answer: a region's attribute ``label_column``, left out the likeliest; ticked options are one answer. Where no region has
      attributes, the picture's own attribute.
    - bbox: rectangles. Circles, polygons and other shapes are rejected rows.
    - attributes: what else a region says. VIA numbers no answers: there is no source_id.

    A picture without regions is one annotation, with its own attribute's answer or an empty one.

    Raises:
        SourceError: it holds no pictures, is broken, or no attribute is plainly the answer.
    """
    sample = list(islice(_iterate_pictures(file, source), _SAMPLE))
    if not any(picture.name for picture in sample):
        raise file.fault(f"holds no VIA pictures{f' (the first: {sample[0].fault})' if sample else ''}")
    label = _choose_label(file, sample, source)
    for picture in _iterate_pictures(file, source):
        if picture.fault:
            yield refuse_record(picture.number, picture.fault)
        else:
            yield from _read_picture(picture, label, source)


def _iterate_pictures(file: SourceFile, source: SourceConfig) -> Iterator[_Picture]:
    if guess_layout(file) == "jsonl":
        with open_lines(file) as lines:
            yield from _iterate_project(iterate_members(lines, opened=(_PICTURES,)))
    else:
        yield from _iterate_table(file, source)


def _iterate_project(members: Iterator[Any]) -> Iterator[_Picture]:
    number = 0
    for name, inner, value in members:
        if name.startswith("_via_") and (name != _PICTURES or inner is None):
            continue
        number += 1
        if not isinstance(value, dict) or not isinstance(value.get("filename"), str):
            yield _Picture(number, fault=f"{(inner or name)[:60]!r} is no picture: it has no filename")
            continue
        drawn = value.get("regions")
        items = drawn.values() if isinstance(drawn, dict) else (drawn if isinstance(drawn, list) else [])
        regions = [_make_region(item) for item in items]
        yield _Picture(number, value["filename"], _read_object(value.get("file_attributes")), regions)


def _make_region(item: Any) -> _Region:
    found = _read_object(item)
    return _Region(found.get("shape_attributes"), _read_object(found.get("region_attributes")))


def _read_object(value: Any) -> Mapping[str, Any]:
    if isinstance(value, str):
        with suppress(AnswerError):
            value = parse_json(value)
    return value if isinstance(value, dict) else {}


def _iterate_table(file: SourceFile, source: SourceConfig) -> Iterator[_Picture]:
    table = inspect_table(file, source.delimiter)
    names = {name.removeprefix("#"): name for name in table.columns}
    if problems := find_missing(file.name, {name: name for name in _CSV_COLUMNS}, tuple(names)):
        raise SourceError(problems)
    wanted = [names[name] for name in _CSV_COLUMNS]
    for number, values, fault in iterate_rows(file, table, wanted):
        if fault:
            yield _Picture(number, fault=fault)
            continue
        name, attributes, shape, said = values
        region = _Region(_read_object(shape), _read_object(said))
        regions = [region] if region.shape or region.attributes else []
        yield _Picture(number, str(name or ""), _read_object(attributes), regions)


def _choose_label(file: SourceFile, sample: Sequence[_Picture], source: SourceConfig) -> str | None:
    """The attribute that is the answer; None when there is no attribute at all."""
    inner = _gather([region.attributes for picture in sample for region in picture.regions])
    outer = _gather([picture.attributes for picture in sample])
    if source.label_column:
        if problems := find_missing(file.name, {"label_column": source.label_column}, (*inner, *outer)):
            raise SourceError(problems)
        return source.label_column
    possible = inner or {name: values for name, values in outer.items() if not any(map(_is_url, values))}
    if (picked := pick_label(possible)) is None and possible:
        raise file.fault("has several attributes and none is plainly the label", f"label_column = … of {', '.join(possible)[:300]}")
    return picked


def _gather(objects: Sequence[Mapping[str, Any]]) -> dict[str, list[Any]]:
    found: dict[str, list[Any]] = {}
    for item in objects:
        for name, value in item.items():
            found.setdefault(name, []).append(value)
    return found


def _is_url(value: Any) -> bool:
    return isinstance(value, str) and has_scheme(value)


def _find_url(picture: _Picture, source: SourceConfig) -> str:
    if has_scheme(picture.name):
        return picture.name
    keys = [source.url_column] if source.url_column else list(picture.attributes)
    found = next((picture.attributes[key] for key in keys if _is_url(picture.attributes.get(key))), None)
    return found or name_picture(picture.name, source)


def _read_picture(picture: _Picture, label: str | None, source: SourceConfig) -> Iterator[Record]:
    whole = Record(picture.number, _find_url(picture, source) if picture.name else None)
    if not picture.regions:
        yield _read_said(whole, None, picture.attributes, label)
    for region in picture.regions:
        try:
            box = _read_rectangle(region.shape)
        except AnswerError as error:
            refused = refuse_record(picture.number, str(error))
            said = region.attributes.get(label or "")
            yield refused._replace(url=whole.url, raw_label=said if isinstance(said, str) else None)
            continue
        yield _read_said(whole, box, region.attributes or picture.attributes, label)


def _read_said(whole: Record, box: list[float] | None, attributes: Mapping[str, Any], label: str | None) -> Record:
    """What was said about a region, or about the whole picture."""
    try:
        said = write_choices(answer.label for answer in read_answers(attributes.get(label or "")))
    except AnswerError as error:
        return whole._replace(reason=Reason.INVALID_ROW, detail=str(error))
    further = {key: value for key, value in attributes.items() if key != label and value not in ("", {})}
    return whole._replace(raw_label=said, bbox=box, attributes=write_attributes(rename_reserved(further)))


def _read_rectangle(shape: Any) -> list[float]:
    if not isinstance(shape, dict) or not shape:
        raise AnswerError("a region has no shape")
    kind = str(shape.get("name"))
    if kind != "rect":
        raise AnswerError(f"a region of the kind {kind[:40]} is not read")
    return read_box({side: shape.get(side) for side in ("x", "y", "width", "height")})
