"""The laws of every row of a data file, beside its picture."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from logoingest.release.form.features import SEVERAL
from logoingest.release.form.released_boxes import is_released_box
from logoingest.release.laws.violations import Law, Violation, report_rows
from logoingest.strangers.escaping import escape_text
from logoingest.strangers.userinfo import USERINFO_RE2

_SHA256 = "^[0-9a-f]{64}$"
_ANNOTATION_ID = "^[0-9a-f]{32}$"

#: What was fetched (``//host`` means https) or read from a file; anything else (``javascript:``, ``data:``) is no place of a picture.
_URL = r"^(?i:https?:|file:)?[/\\]{2}[^\x00-\x1f\x7f-\x9f\x{2028}\x{2029}]+$"

#: What fetching takes.
MAX_URL_CHARS = 8192

#: Columns that may be null.
_NULLABLE = ("stored_sha256",)


def check_rows(table: pa.Table, name: str, class_ids: Sequence[str], kept: Sequence[str] = ()) -> Iterator[Violation]:
    """Every law of a row that needs nothing but the row.

    Args:
        table: the light columns and the picture's path, in one chunk.
        name: of the data file.
        class_ids: the class of each label index.
        kept: the source's own columns.
    """
    nulls = [column for column in table.column_names if table.column(column).null_count and column not in _NULLABLE]
    nulls += [column for column in _list_names(table) if pc.list_flatten(table.column(column)).null_count]
    if nulls:
        yield Violation(Law.NO_NULLS, name, f"values are missing in {', '.join(dict.fromkeys(nulls))}")
    yield from _check_labels(table, name, class_ids)
    yield from _check_ids(table, name)
    yield from _check_urls(table, name)
    yield from _check_ranges(table, name)
    for column in kept:
        what = f"{escape_text(column)} holds a text twice, or not in order"
        yield from report_rows(Law.KEPT_COLUMNS, name, table.column("image_id"), _ascends(table.column(column)), what)


def _list_names(table: pa.Table) -> list[str]:
    return [field.name for field in table.schema if pa.types.is_list(field.type)]


def _check_labels(table: pa.Table, name: str, class_ids: Sequence[str]) -> Iterator[Violation]:
    labels, ids = table.column("label"), table.column("image_id")
    in_range = pc.and_(pc.greater_equal(labels, SEVERAL), pc.less(labels, len(class_ids)))
    yield from report_rows(Law.LABELS_IN_RANGE, name, ids, in_range, f"labels are not in -1 … {len(class_ids) - 1}")
    match = pc.and_(_match_labels(table, pa.array(class_ids, pa.string())), _ascends(table.column("class_ids")))
    yield from report_rows(Law.LABELS_MATCH_CLASSES, name, ids, match, "labels are not the class that class_ids says")
    boxes = pa.array(_check_boxes(table, class_ids))
    what = "boxes have no area, do not lie in their picture, or are of a class that the picture does not show"
    yield from report_rows(Law.BOXES, name, ids, boxes, what)


def _check_ids(table: pa.Table, name: str) -> Iterator[Violation]:
    ids, groups = table.column("image_id"), table.column("group_id")
    yield from report_rows(Law.IMAGE_IDS, name, ids, pc.match_substring_regex(ids, _SHA256), "image_ids are no sha256")
    digests = pc.fill_null(pc.match_substring_regex(table.column("stored_sha256"), _SHA256), fill_value=True)
    yield from report_rows(Law.IMAGE_IDS, name, ids, digests, "stored_sha256 is no sha256")
    paths = pc.struct_field(table.column("image"), "path")
    stems = pc.equal(pc.utf8_slice_codeunits(paths, 0, 64), ids)
    named = pc.and_(stems, pc.match_substring_regex(paths, r"^[0-9a-f]{64}\.[a-z0-9]{1,8}$"))
    yield from report_rows(Law.IMAGE_PATHS, name, ids, named, "paths are not <image_id>.<format>")
    grouped = pc.and_(pc.match_substring_regex(groups, _SHA256), pc.less_equal(groups, ids))
    yield from report_rows(Law.GROUP_IDS, name, ids, grouped, "group_ids are not the least image_id of a group")
    voters = table.column("annotation_ids")
    shaped = _all_match(voters, _ANNOTATION_ID)
    sound = pc.and_(pc.and_(shaped, _ascends(voters)), pc.greater(pc.list_value_length(voters), 0))
    yield from report_rows(Law.ANNOTATION_IDS, name, ids, sound, "annotation_ids are none, not in order, or no ids")
    if table.num_rows > 1 and not pc.all(pc.less(ids.slice(0, table.num_rows - 1), ids.slice(1))).as_py():
        yield Violation(Law.ORDER, name, "rows are not in the order of image_id")


def _check_urls(table: pa.Table, name: str) -> Iterator[Violation]:
    ids, urls = table.column("image_id"), table.column("urls")
    first = pc.equal(_first_of(urls), table.column("url"))
    yield from report_rows(Law.URLS, name, ids, first, "a url is not the first of its urls")
    yield from report_rows(Law.URLS, name, ids, _ascends(urls), "urls are not in order, or one stands twice")
    known = pc.and_(_all_match(urls, _URL), _hold_in_all(urls, pc.less_equal(pc.utf8_length(pc.list_flatten(urls)), MAX_URL_CHARS)))
    yield from report_rows(Law.URLS, name, ids, known, "urls are none of http, https or file, too long, or hold control characters")
    secret = pc.invert(_any_match(urls, USERINFO_RE2))
    yield from report_rows(Law.URLS, name, ids, secret, "urls name a user or password")


def _check_ranges(table: pa.Table, name: str) -> Iterator[Violation]:
    column = table.column
    ids = column("image_id")
    sound = pc.and_(
        pc.and_(pc.greater_equal(column("confidence"), 0.0), pc.less_equal(column("confidence"), 1.0)),
        pc.and_(pc.greater_equal(column("votes"), 0), pc.greater(pc.min_element_wise(column("width"), column("height")), 0)),
    )
    yield from report_rows(Law.RANGES, name, ids, sound, "confidence, votes, width or height are out of range")
    voters = pc.list_value_length(column("annotation_ids"))
    yield from report_rows(
        Law.VOTES, name, ids, pc.less_equal(column("votes"), voters), "pictures have more votes than source rows that voted"
    )


def _match_labels(table: pa.Table, classes: pa.Array) -> pa.ChunkedArray:
    """Whether label and class_ids agree, per row: one class and its index, or several and -1; all of them known."""
    lengths = pc.list_value_length(table.column("class_ids"))
    single = pc.equal(lengths, 1)
    flat = pc.list_flatten(table.column("class_ids"))
    parents = pc.list_parent_indices(table.column("class_ids"))
    index = pc.fill_null(pc.cast(pc.index_in(flat, value_set=classes), pa.int64()), -2)
    lowest = pa.table({"row": parents, "index": index}).group_by("row").aggregate([("index", "min")])
    found = pc.index_in(
        pa.array(range(table.num_rows), pa.int64()), value_set=pc.cast(lowest.column("row"), pa.int64()).combine_chunks()
    )
    least = pc.fill_null(lowest.column("index_min").combine_chunks().take(found), -2)
    labels = table.column("label").combine_chunks()
    several = pc.and_(pc.and_(pc.equal(labels, SEVERAL), pc.greater(lengths, 1)), pc.greater_equal(least, 0))
    return pc.if_else(single, pc.and_(pc.equal(labels, least), pc.greater_equal(least, 0)), several)


def _check_boxes(table: pa.Table, class_ids: Sequence[str]) -> npt.NDArray[np.bool_]:
    """Whether all boxes of a row are boxes of a release (``released_boxes``)."""
    numbers = {class_id: number for number, class_id in enumerate(class_ids)}
    sound = np.ones(table.num_rows, bool)
    boxed = pc.indices_nonzero(pc.greater(pc.list_value_length(table.column("boxes")), 0))
    columns = (table.column(name).take(boxed).to_pylist() for name in ("boxes", "class_ids", "width", "height"))
    sound[boxed.to_numpy()] = [
        _are_released(boxes, {numbers.get(class_id, SEVERAL) for class_id in shown or ()}, width or 0, height or 0)
        for boxes, shown, width, height in zip(*columns, strict=True)
    ]
    return sound


def _are_released(boxes: Sequence[Any], labels: set[int], width: int, height: int) -> bool:
    return all(is_released_box(box, labels - {SEVERAL}, width, height) for box in boxes)


def _first_of(lists: pa.ChunkedArray) -> pa.ChunkedArray:
    """The first item of each list; null for an empty one."""
    some = pc.greater(pc.list_value_length(lists), 0)
    firsts = pc.list_element(lists.filter(pc.fill_null(some, fill_value=False)), 0)
    places = pc.if_else(some, pc.subtract(pc.cumulative_sum(pc.cast(pc.fill_null(some, fill_value=False), pa.int64())), 1), None)
    return firsts.take(places)


def _all_match(lists: pa.ChunkedArray, pattern: str) -> pa.Array:
    """Whether every item of a row's list matches; null items do not."""
    return _hold_in_all(lists, pc.fill_null(pc.match_substring_regex(pc.list_flatten(lists), pattern), fill_value=False))


def _any_match(lists: pa.ChunkedArray, pattern: str) -> pa.Array:
    found = pc.fill_null(pc.match_substring_regex(pc.list_flatten(lists), pattern), fill_value=False)
    return pc.invert(_hold_in_all(lists, pc.invert(found)))


def _ascends(lists: pa.ChunkedArray) -> pa.Array:
    """Whether a row's list is in strictly ascending order: sorted, nothing twice."""
    flat, parents = pc.list_flatten(lists).combine_chunks(), pc.list_parent_indices(lists).combine_chunks()
    if len(flat) < 2:
        return pa.array([True] * len(lists))
    same = pc.equal(parents[:-1], parents[1:])
    fine = pc.or_kleene(pc.invert(same), pc.less(flat[:-1], flat[1:]))
    return _hold_in_all(lists, pa.concat_arrays([pa.array([True]), pc.fill_null(fine, fill_value=False)]))


def _hold_in_all(lists: pa.ChunkedArray, holds: pa.Array | pa.ChunkedArray) -> pa.Array:
    parents = pc.list_parent_indices(lists)
    bad = pc.unique(pc.cast(parents.filter(pc.invert(holds)), pa.int64()))
    return pc.invert(pc.is_in(pa.array(range(len(lists)), pa.int64()), value_set=bad))
