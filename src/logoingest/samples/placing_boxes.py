"""Boxes brought into their pictures before anybody's answers are counted; an answer whose box lies elsewhere is refused."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from logoingest.boxes import FittedBox, fit_box
from logoingest.refusals import Refusal, reject_annotations
from logoingest.samples.boxes import join_attributes
from logoingest.schemas import SHARES, Decision, Reason, Stage

_CLIPPED = '{"clipped": true}'


class PlacedBoxes(NamedTuple):
    """Annotations whose boxes lie in their pictures, and the ``RejectedRow`` table of those that do not (``bad_box``)."""

    annotations: pa.Table
    rejected: pa.Table


def place_boxes(annotations: pa.Table, decisions: pa.Table, images: pa.Table) -> PlacedBoxes:
    """Fit the box of every accepted annotation to its picture (``boxes.fit_box``); one in shares of its picture becomes pixels first.

    A box of which more than a pixel was cut has ``"clipped": true`` among its attributes. Annotations that are not accepted, or whose
    URL no image has, are left as they are.

    Args:
        annotations: ``AnnotationRow``.
        decisions: a row an annotation: annotation_id, decision.
        images: ``ImageRow``: urls, width, height.
    """
    boxed = _find_boxed(annotations, decisions)
    rows, boxes, texts = boxed.column("row").to_pylist(), boxed.column("bbox").to_pylist(), boxed.column("attributes").to_pylist()
    refusals: dict[str, Refusal] = {}
    changed: dict[int, tuple[list[float], str | None]] = {}
    sizes = _find_sizes(boxed.column("url"), images)
    ids = boxed.column("annotation_id").to_pylist()
    for row, annotation_id, drawn, told, size in zip(rows, ids, boxes, texts, sizes, strict=True):
        box, text = (drawn, told) if drawn or size is None else _measure_shares(told, *size)
        if size is None or box is None:
            continue
        fitted = fit_box(box, *size)
        if not isinstance(fitted, FittedBox):
            refusals[annotation_id] = Refusal(Reason.BAD_BOX, f"a box {fitted}")
        elif list(fitted.box) != drawn:
            changed[row] = list(fitted.box), join_attributes(text, _CLIPPED) if fitted.clipped else text
    rejected = reject_annotations(annotations, refusals, Stage.SAMPLES)
    placed = _replace(annotations, changed)
    if refusals:
        kept = pc.invert(pc.is_in(placed.column("annotation_id"), value_set=pa.array(list(refusals), pa.string())))
        placed = placed.filter(kept)
    return PlacedBoxes(placed, rejected)


def _find_boxed(annotations: pa.Table, decisions: pa.Table) -> pa.Table:
    """The accepted annotations that have a box, in pixels or in shares, with their row."""
    in_shares = pc.fill_null(pc.match_substring(annotations.column("attributes"), f'"{SHARES}": ['), False)
    rows = pc.indices_nonzero(pc.or_(pc.is_valid(annotations.column("bbox")), in_shares))
    boxed = (
        annotations.select(["annotation_id", "url", "bbox", "attributes"]).take(rows).append_column("row", rows.cast(pa.int64()))
    )
    decided = decisions.filter(
        pc.is_in(decisions.column("annotation_id"), value_set=boxed.column("annotation_id").combine_chunks())
    )
    accepted = decided.filter(pc.equal(decided.column("decision"), Decision.ACCEPTED)).column("annotation_id").combine_chunks()
    return boxed.filter(pc.is_in(boxed.column("annotation_id"), value_set=accepted))


def _measure_shares(text: str, width: float, height: float) -> tuple[list[float] | None, str | None]:
    """A box in shares as pixels, and the attributes without it; no box where it only looked like one."""
    attributes = json.loads(text)
    shares, sides = attributes.pop(SHARES, None), (width, height, width, height)
    if not isinstance(shares, list) or len(shares) != len(sides):
        return None, text
    left = json.dumps(attributes, ensure_ascii=False, sort_keys=True) if attributes else None
    return [share * side for share, side in zip(shares, sides, strict=True)], left


def _find_sizes(urls: pa.ChunkedArray, images: pa.Table) -> Iterator[tuple[int, int] | None]:
    """Width and height of the picture at each URL; None where there is no picture."""
    if not len(urls):
        return
    lists = images.column("urls").combine_chunks()
    places = pc.index_in(urls, value_set=pc.list_flatten(lists)).to_pylist()
    owners = pc.list_parent_indices(lists).to_pylist()
    sizes = list(zip(images.column("width").to_pylist(), images.column("height").to_pylist(), strict=True))
    yield from (None if place is None else sizes[owners[place]] for place in places)


def _replace(annotations: pa.Table, changed: dict[int, tuple[list[float], str | None]]) -> pa.Table:
    if not changed:
        return annotations
    order = np.arange(annotations.num_rows)
    order[list(changed)] = annotations.num_rows + np.arange(len(changed))
    for name, values in zip(("bbox", "attributes"), zip(*changed.values(), strict=True), strict=True):
        place, field = annotations.schema.get_field_index(name), annotations.schema.field(name)
        column = pa.chunked_array([*annotations.column(name).chunks, pa.array(values, field.type)], field.type)
        annotations = annotations.set_column(place, field, column.take(pa.array(order)))
    return annotations
