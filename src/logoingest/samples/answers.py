"""From annotations to answers: what one person said about one picture, counted once.

- The same bytes at several URLs are one picture; what was said at any of them was said about it.
- A worker's latest submission about a picture is the answer. Within one submission (equal ``submitted_at``; none counts as the
  earliest) boxes add up: one annotation a box, the answer names every class of hers. What is said without a box is one annotation,
  which may name several classes; two of them that differ at the same moment cancel each other: the answer says nothing.
- An annotation without a worker is a person of its own, except that the boxes one source file draws on one picture without
  saying who drew them are one person's.
- An answer *names* classes (accepted), or says there is *no label* (ignored), or is *unread* (review, unknown, dropped).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from logoingest.consensus.votes import Indices, count_distinct
from logoingest.errors import LogoingestError
from logoingest.schemas import Decision

Bools = npt.NDArray[np.bool_]

#: What of an annotation is looked at, or goes into its rejection.
_COLUMNS = (
    "annotation_id", "url", "raw_label", "worker_id", "work_time_s", "submitted_at", "bbox", "attributes", "source_file",
    "source_row",
)  # fmt: skip

#: A picture whose right class nobody told.
NO_GOLD = -1


class AnswerKind(IntEnum):
    """What an answer does."""

    NAMED = 0
    NO_LABEL = 1
    UNREAD = 2


@dataclass(frozen=True, slots=True)
class Annotations:
    """The annotations, sorted by annotation_id, with what was decided about each; -1 is none."""

    table: pa.Table
    """Their columns, and label_attributes: what the label says besides its class."""
    images: pa.Table
    """The images, sorted by image_id."""
    class_ids: list[str]
    """Every class named, sorted; a class's number is its place."""
    worker_names: list[str]
    accepted: Bools
    kind: Indices
    picture: Indices
    """Row of ``images``."""
    worker: Indices
    """Place in ``worker_names``."""
    named_row: Indices
    """Row by row, the classes each accepted annotation names: the row …"""
    named_class: Indices
    """… and the class."""


@dataclass(frozen=True, slots=True)
class Answers:
    """One entry a person and picture; ordered by picture, then person."""

    picture: Indices
    worker: Indices
    """-1 where nobody says who."""
    kind: Indices
    named_answer: Indices
    """Answer by answer, the classes it names, ascending and distinct: the answer …"""
    named_class: Indices
    """… and the class."""
    counted: Bools
    """For each annotation, whether it belongs to its person's latest submission."""
    person: Indices
    """For each annotation, its person's number."""
    is_torn: Bools
    """Whether an answer says nothing because its rows say different things at one moment."""


def number_annotations(annotations: pa.Table, decisions: pa.Table, images: pa.Table) -> Annotations:
    """Bring the three tables together, each in the order of its ids.

    Raises:
        LogoingestError: an annotation has no decision.
    """
    order = pc.sort_indices(annotations.column("annotation_id"))
    table = annotations.select(list(_COLUMNS)).take(order)
    images = images.take(pc.sort_indices(images.column("image_id")))
    decisions = decisions.take(_find_decisions(annotations.column("annotation_id"), decisions.column("annotation_id"), order))
    said = decisions.column("attributes") if "attributes" in decisions.column_names else pa.nulls(len(table), pa.string())
    table = table.append_column("label_attributes", said)
    accepted = _numbers(pc.equal(decisions.column("decision"), Decision.ACCEPTED)).astype(bool)
    ignored = _numbers(pc.equal(decisions.column("decision"), Decision.IGNORED)).astype(bool)
    named_row, named_class, class_ids = _read_classes(decisions.column("class_ids"), accepted)
    names_one = np.zeros(len(table), bool)
    names_one[named_row] = True
    worker_names = _flat(pc.unique(table.column("worker_id")).drop_null()).sort()
    return Annotations(
        table=table,
        images=images,
        class_ids=class_ids,
        worker_names=worker_names.to_pylist(),
        accepted=accepted,
        kind=np.where(names_one, AnswerKind.NAMED, np.where(ignored, AnswerKind.NO_LABEL, AnswerKind.UNREAD)).astype(np.intp),
        picture=_find_pictures(table.column("url"), images),
        worker=_look_up(table.column("worker_id"), worker_names),
        named_row=named_row,
        named_class=named_class,
    )


def _find_decisions(annotations: pa.ChunkedArray, decisions: pa.ChunkedArray, order: pa.Array) -> pa.Array:
    """The decision's row of each annotation in this order; both tables have the same rows nearly always."""
    if annotations.equals(decisions):
        return order
    found = pc.index_in(annotations.take(order), value_set=_flat(decisions))
    if found.null_count:
        missing = annotations.take(order).filter(pc.is_null(found))[0].as_py()
        raise LogoingestError(f"samples: annotation {missing} has no decision", "run the stage before again: normalise")
    return found


def gather_answers(annotations: Annotations) -> Answers:
    """One answer a person and picture; annotations whose picture is not there are left out."""
    person = _tell_persons_apart(annotations)
    here = np.flatnonzero(annotations.picture >= 0)
    time = _numbers(annotations.table.column("submitted_at").cast(pa.int64()), missing=np.iinfo(np.int64).min)
    rows = here[np.lexsort((time[here], person[here], annotations.picture[here]))]
    picture, who = annotations.picture[rows], person[rows]
    is_first = np.ones(len(rows), bool)
    is_first[1:] = (picture[1:] != picture[:-1]) | (who[1:] != who[:-1])
    first, group = np.flatnonzero(is_first), np.cumsum(is_first) - 1
    if len(rows) == 0:
        nothing = np.zeros(0, np.intp)
        return Answers(
            nothing, nothing, nothing, nothing, nothing, np.zeros(len(annotations.table), bool), person, np.zeros(0, bool)
        )
    latest = np.maximum.reduceat(time[rows], first)[group] == time[rows]
    counted = np.zeros(len(annotations.table), bool)
    counted[rows[latest]] = True
    signature = sign_sayings(annotations)[rows]
    signed = latest & (signature >= 0)
    lowest = np.minimum.reduceat(np.where(signed, signature, np.iinfo(np.int64).max), first)
    highest = np.maximum.reduceat(np.where(signed, signature, -1), first)
    kind = np.minimum.reduceat(np.where(latest, annotations.kind[rows], AnswerKind.UNREAD), first)
    is_torn = highest > lowest
    kind = np.where(is_torn, AnswerKind.UNREAD, kind).astype(np.intp)
    answer_of = np.full(len(annotations.table), -1)
    answer_of[rows[latest]] = group[latest]
    naming = answer_of[annotations.named_row]
    keep = (naming >= 0) & (kind[naming] == AnswerKind.NAMED)
    size = max(len(annotations.class_ids), 1)
    pairs, _ = count_distinct(naming[keep] * size + annotations.named_class[keep])
    return Answers(picture[first], annotations.worker[rows[first]], kind, pairs // size, pairs % size, counted, person, is_torn)


def place_gold(annotations: Annotations, gold: Mapping[str, str | None]) -> Indices:
    """Each picture's right class; ``NO_GOLD`` where it is unknown, or where the picture's URLs are given different ones.

    Numbers are those of ``annotations.class_ids``; the next is "no label", the one after it any class that nobody named.
    """
    found = np.full(len(annotations.images), NO_GOLD, np.intp)
    numbers: dict[str | None, int] = {name: number for number, name in enumerate(annotations.class_ids)}
    numbers[None] = len(annotations.class_ids)
    for picture, urls in enumerate(annotations.images.column("urls").to_pylist() if gold else ()):
        classes = {gold[url] for url in urls if url in gold}
        if len(classes) == 1:
            found[picture] = numbers.get(classes.pop(), len(annotations.class_ids) + 1)
    return found


def _tell_persons_apart(annotations: Annotations) -> Indices:
    table, workers = annotations.table, len(annotations.worker_names)
    boxed = _numbers(pc.is_valid(table.column("bbox"))).astype(bool)
    files = _flat(pc.unique(table.column("source_file"))).sort()
    nobody = np.where(boxed, _look_up(table.column("source_file"), files), len(files) + np.arange(len(table)))
    return np.where(annotations.worker >= 0, annotations.worker, workers + nobody).astype(np.intp)


def sign_sayings(annotations: Annotations) -> Indices:
    """What an annotation without a box says, as a number: equal for equal sayings; -1 with a box, or when it says nothing.

    0 is "no label", the number of a class and one more is that class, numbers beyond are several classes at once.
    """
    classes = np.bincount(annotations.named_row, minlength=len(annotations.table))
    signature = np.full(len(annotations.table), -1, np.int64)
    signature[annotations.kind == AnswerKind.NO_LABEL] = 0
    one = classes[annotations.named_row] == 1
    signature[annotations.named_row[one]] = annotations.named_class[one] + 1
    sets: dict[tuple[int, ...], int] = {}
    several = np.flatnonzero(classes > 1)
    start = np.searchsorted(annotations.named_row, several)
    for row, begin in zip(several.tolist(), start.tolist(), strict=True):
        members = tuple(sorted(annotations.named_class[begin : begin + classes[row]].tolist()))
        signature[row] = len(annotations.class_ids) + 1 + sets.setdefault(members, len(sets))
    signature[_numbers(pc.is_valid(annotations.table.column("bbox"))).astype(bool)] = -1
    return signature


def _read_classes(class_ids: pa.ChunkedArray, accepted: Bools) -> tuple[Indices, Indices, list[str]]:
    """(row, class number) of every class an accepted annotation names, by row, and the classes' names."""
    lists = pc.if_else(pa.array(accepted), _flat(class_ids), pa.scalar(None, class_ids.type))
    flat = pc.list_flatten(lists)
    names = pc.unique(flat).sort()
    row = _numbers(pc.list_parent_indices(lists)).astype(np.intp)
    code = _look_up(flat, names)
    pairs, _ = count_distinct(row * max(len(names), 1) + code)
    return pairs // max(len(names), 1), pairs % max(len(names), 1), names.to_pylist()


def _find_pictures(urls: pa.ChunkedArray, images: pa.Table) -> Indices:
    lists = _flat(images.column("urls"))
    at = _look_up(urls, pc.list_flatten(lists))
    owner = _numbers(pc.list_parent_indices(lists)).astype(np.intp)
    return np.where(at >= 0, owner[at] if len(owner) else -1, -1).astype(np.intp)


def _look_up(values: pa.ChunkedArray | pa.Array, among: pa.Array) -> Indices:
    """The place of each value, -1 where it is not there or null."""
    if len(among) == 0:
        return np.full(len(values), -1, np.intp)
    return _numbers(pc.index_in(values, value_set=among, skip_nulls=True), missing=-1).astype(np.intp)


def _flat(column: pa.ChunkedArray | pa.Array) -> pa.Array:
    return column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column


def _numbers(column: pa.ChunkedArray | pa.Array, missing: int = 0) -> npt.NDArray[np.int64]:
    """Integers or booleans as numpy."""
    filled = _flat(column).cast(pa.int64()).fill_null(missing)
    return np.asarray(filled.to_numpy(zero_copy_only=False), np.int64)
