"""The laws of the data files: their schema, every row of them, and what holds between them."""

from __future__ import annotations

import hashlib
import os
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from logoingest.release.features import LIGHT_COLUMNS, NO_LABEL, list_features, read_feature_names, release_schema
from logoingest.release.file_laws import list_data_files
from logoingest.release.manifest import MANIFEST_NAME, REJECTED_NAME, ReleaseManifest, StoredForm
from logoingest.release.parquet import DATA_FOLDER
from logoingest.release.pictures import open_picture
from logoingest.release.violations import Violation

#: The Hub's and our own limit: readers take a row group in whole.
MAX_READ_GROUP_BYTES = 300_000_000


class _Place(NamedTuple):
    """A data file by its name, and its split."""

    name: str
    split: str


class _Facts(NamedTuple):
    """What a row says of its picture."""

    image_id: str
    stored_sha256: str | None
    width: int
    height: int


@dataclass
class _Census:
    """What is known of all data files together."""

    keys: list[pa.Table] = field(default_factory=list)
    images: Counter[tuple[int, str]] = field(default_factory=Counter)
    rows: Counter[str] = field(default_factory=Counter)
    voters: list[pa.Array] = field(default_factory=list)
    complete: bool = True


def check_data(folder: Path, manifest: ReleaseManifest, deep: bool) -> Iterator[Violation]:
    """Every data file by itself, then all of them together."""
    census = _Census()
    for split, names in list_data_files(manifest).items():
        for name in names:
            if not (folder / name).is_file():
                census.complete = False
                continue
            try:
                yield from _check_file(pq.ParquetFile(folder / name), _Place(name, split), manifest, deep, census)
            except Exception as error:  # noqa: BLE001  # whatever a damaged file makes a reader raise is the finding
                census.complete = False
                yield Violation("readable", name, f"cannot be read: {_first_line(error)}")
    yield from _check_together(census, manifest)
    if census.complete:
        yield from _check_voters(pa.chunked_array(census.voters, pa.string()), folder, manifest)


def _check_file(file: pq.ParquetFile, place: _Place, manifest: ReleaseManifest, deep: bool, census: _Census) -> Iterator[Violation]:
    name, split = place
    class_ids = manifest.class_ids
    found = file.schema_arrow
    if not found.equals(release_schema(class_ids)):
        census.complete = False
        yield Violation("schema", name, "has other columns or types than a release has")
        return
    features = read_feature_names(found.metadata)
    if features != list_features(class_ids):
        names = features.get("label", {}).get("names") if features and isinstance(features.get("label"), dict) else None
        law = "class_names" if names != class_ids else "features"
        yield Violation(law, name, "the huggingface metadata names other classes or columns than the manifest")
    if file.metadata.num_rows != manifest.files[name].rows:
        yield Violation("rows", name, f"has {file.metadata.num_rows:,} rows, the manifest says {manifest.files[name].rows}")
    for index in range(file.metadata.num_row_groups):
        group = file.metadata.row_group(index)
        if group.total_byte_size > MAX_READ_GROUP_BYTES and group.num_rows > 1:
            yield Violation("row_groups", name, f"row group {index} has {group.total_byte_size:,} bytes")
    table = file.read(columns=[*LIGHT_COLUMNS, "image.path"]).combine_chunks()  # parents of list items are counted by chunk
    yield from _check_rows(table, name, class_ids)
    _count(census, table, split)
    if deep:
        yield from _check_pictures(file, name, StoredForm.read(manifest.lineage))


def _count(census: _Census, table: pa.Table, split: str) -> None:
    keys = table.select(["image_id", "group_id"])
    census.keys.append(keys.append_column("split", pa.array([split] * table.num_rows, pa.string())))
    for entry in pc.value_counts(table.column("label")).to_pylist():
        census.images[entry["values"], split] += entry["counts"]
    census.rows[split] += table.num_rows
    census.voters.append(pc.list_flatten(table.column("annotation_ids")).combine_chunks())


def _check_rows(table: pa.Table, name: str, class_ids: Sequence[str]) -> Iterator[Violation]:
    nulls = [column for column in table.column_names if table.column(column).null_count and column != "stored_sha256"]
    if nulls:
        yield Violation("no_nulls", name, f"values are missing in {', '.join(nulls)}")
    classes = pa.array(class_ids, pa.string())
    column = table.column
    labels, ids = column("label"), column("image_id")
    in_range = pc.and_(pc.greater_equal(labels, NO_LABEL), pc.less(labels, len(class_ids)))
    yield from _report("labels_in_range", name, ids, in_range, f"labels are not in -1 … {len(class_ids) - 1}")
    yield from _report(
        "labels_match_classes", name, ids, _match_labels(table, classes), "labels are not the class that class_ids says"
    )
    yield from _report("boxes", name, ids, _check_boxes(column("boxes"), len(class_ids)), "boxes have no sound label or place")
    shaped = pc.match_substring_regex(ids, "^[0-9a-f]{64}$")
    yield from _report("image_ids", name, ids, shaped, "image_ids are no sha256")
    digests = pc.fill_null(pc.match_substring_regex(column("stored_sha256"), "^[0-9a-f]{64}$"), fill_value=True)
    yield from _report("image_ids", name, ids, digests, "stored_sha256 is no sha256")
    paths = pc.struct_field(column("image"), "path")
    stems = pc.equal(pc.utf8_slice_codeunits(paths, 0, 64), ids)
    named = pc.and_(stems, pc.match_substring_regex(paths, r"^[0-9a-f]{64}\.[a-z0-9]{1,8}$"))
    yield from _report("image_paths", name, ids, named, "paths are not <image_id>.<format>")
    some = pc.greater(pc.list_value_length(column("urls")), 0)
    first = pc.equal(pc.list_element(column("urls").filter(pc.fill_null(some, fill_value=False)), 0), column("url").filter(some))
    if not pc.all(some).as_py() or not pc.all(first).as_py():
        yield Violation("urls", name, "a url is not the first of its urls")
    sound = pc.and_(
        pc.and_(pc.greater_equal(column("confidence"), 0.0), pc.less_equal(column("confidence"), 1.0)),
        pc.and_(pc.greater_equal(column("votes"), 0), pc.greater(pc.min_element_wise(column("width"), column("height")), 0)),
    )
    yield from _report("ranges", name, ids, sound, "confidence, votes, width or height are out of range")
    if table.num_rows > 1 and not pc.all(pc.less(ids.slice(0, table.num_rows - 1), ids.slice(1))).as_py():
        yield Violation("order", name, "rows are not in the order of image_id")


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
    several = pc.and_(pc.and_(pc.equal(labels, NO_LABEL), pc.greater(lengths, 1)), pc.greater_equal(least, 0))
    return pc.if_else(single, pc.and_(pc.equal(labels, least), pc.greater_equal(least, 0)), several)


def _check_boxes(boxes: pa.ChunkedArray, classes: int) -> pa.Array:
    """Whether all boxes of a row have a label in range and a finite place with a size, per row."""
    rows = len(boxes)
    parents = pc.cast(pc.list_parent_indices(boxes), pa.int64())
    flat = pc.list_flatten(boxes)
    labels, places = pc.struct_field(flat, "label"), pc.struct_field(flat, "bbox")
    parts = [pc.list_element(places, index) for index in range(4)]
    sound = pc.and_(pc.greater_equal(labels, 0), pc.less(labels, classes))
    for part in parts:
        sound = pc.and_(sound, pc.is_finite(part))
    bad = parents.filter(pc.invert(pc.fill_null(sound, fill_value=False)))
    return pc.invert(pc.is_in(pa.array(range(rows), pa.int64()), value_set=pc.unique(bad)))


def _check_pictures(file: pq.ParquetFile, name: str, form: StoredForm) -> Iterator[Violation]:
    """Every picture is the one its hash was made of, decodes whole, and has the stated size and form."""
    workers = os.cpu_count() or 1
    with ThreadPoolExecutor(workers) as pool:
        start = 0
        for index in range(file.metadata.num_row_groups):
            table = file.read_row_group(index, columns=["image.bytes", *_Facts._fields])
            pictures = table.column("image").combine_chunks().field("bytes")
            facts = zip(*(table.column(column).to_pylist() for column in _Facts._fields), strict=True)
            for row, violation in enumerate(pool.map(partial(_check_picture, form), pictures, map(_Facts._make, facts))):
                if violation is not None:
                    law, what = violation
                    yield Violation(law, f"{name} row {start + row}", what)
            start += table.num_rows


def _check_picture(form: StoredForm, picture: pa.BinaryScalar, facts: _Facts) -> tuple[str, str] | None:
    image_id, stored_sha256, width, height = facts
    data = picture.as_py()
    if data is None:
        return "no_nulls", "has no picture"
    if hashlib.sha256(data).hexdigest() != (stored_sha256 or image_id):
        return "image_bytes", f"the bytes are not those of picture {image_id}"
    if stored_sha256 is not None and not form.is_rgb:
        return "stored_form", f"picture {image_id} is not as fetched, the manifest says that all are"
    try:
        shown = open_picture(data)
        size = shown.size
    except ValueError as error:
        return "pictures_decode", f"picture {image_id} does not decode: {_first_line(error)}"
    if size != (width, height):
        return "picture_size", f"picture {image_id} is {size[0]} × {size[1]}, not {width} × {height}"
    if form.is_rgb and (shown.mode != "RGB" or (form.max_side_px and max(size) > form.max_side_px)):
        return "stored_form", f"picture {image_id} is {shown.mode} of {size[0]} × {size[1]}, not {form.describe()}"
    return None


def _check_together(census: _Census, manifest: ReleaseManifest) -> Iterator[Violation]:
    if census.keys:
        keys = pa.concat_tables(census.keys)
        yield from _check_repeats(keys)
        groups = keys.group_by("group_id").aggregate([("split", "count_distinct")])
        crossing = groups.filter(pc.greater(groups.column("split_count_distinct"), 1)).column("group_id").to_pylist()
        if crossing:
            what = f"{len(crossing):,} near-duplicate groups lie in several splits, for example {min(crossing)}"
            yield Violation("groups_undivided", DATA_FOLDER, what)
    if not census.complete:
        return  # what is missing or unreadable was said; figures would only repeat it
    for split, rows in manifest.splits.items():
        if census.rows[split] != rows:
            what = f"{split} has {census.rows[split]:,} pictures, the manifest says {rows:,}"
            yield Violation("rows", MANIFEST_NAME, what)
    stated = [(index, entry.id, entry.images) for index, entry in enumerate(manifest.classes)]
    for label, class_id, images in [*stated, (NO_LABEL, "several classes", manifest.multi_class_images)]:
        found = {split: census.images[label, split] for split in manifest.splits}
        if found != dict.fromkeys(manifest.splits, 0) | images:
            yield Violation("class_counts", MANIFEST_NAME, f"class {class_id}: pictures {found}, the manifest says {images}")


def _check_voters(voters: pa.ChunkedArray, folder: Path, manifest: ReleaseManifest) -> Iterator[Violation]:
    """The law of conservation over the written files: a source row voted for one picture or is among the rejected, never both."""
    if len(voters) != manifest.counts.get("voted"):
        what = f"{len(voters):,} source rows voted for pictures, the manifest counts {manifest.counts.get('voted')}"
        yield Violation("conservation", DATA_FOLDER, what)
    if len(pc.unique(voters)) != len(voters):
        yield Violation("conservation", DATA_FOLDER, "a source row voted for several pictures")
    try:
        rejected = pq.ParquetFile(folder / REJECTED_NAME).read(columns=["annotation_id"]).column("annotation_id")
        both = pc.sum(pc.is_in(rejected, value_set=voters)).as_py()
    except (OSError, KeyError, ValueError, pa.ArrowException):
        return  # said by check_rejected
    if both:
        yield Violation("conservation", REJECTED_NAME, f"{both:,} source rows voted and were rejected")


def _check_repeats(keys: pa.Table) -> Iterator[Violation]:
    counted = keys.group_by("image_id").aggregate([([], "count_all")])
    repeated = counted.filter(pc.greater(counted.column("count_all"), 1)).column("image_id").to_pylist()
    if repeated:
        what = f"{len(repeated):,} pictures are there more than once, for example {min(repeated)}"
        yield Violation("pictures_once", DATA_FOLDER, what)


def _report(law: str, name: str, ids: pa.ChunkedArray, holds: Any, what: str) -> Iterator[Violation]:
    """One violation for all rows in which ``holds`` is not true, with the first of them."""
    broken = pc.invert(pc.fill_null(holds, fill_value=False))
    count = pc.sum(broken).as_py() or 0
    if count:
        row = pc.index(broken, value=True).as_py()
        yield Violation(law, f"{name} row {row}", f"{what} ({count:,} rows, first picture {ids[row].as_py()})")


def _first_line(error: BaseException) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0][:200]
