"""The laws of the data files: their footers, their schema, every row of them, and what holds between them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from logoingest.errors import quote_first_line
from logoingest.release.form.card import SplitSize
from logoingest.release.form.features import LIGHT_COLUMNS, PICTURE_LEAF, SEVERAL, list_features, read_feature_names, release_schema
from logoingest.release.form.manifest import DATA_FOLDER, MANIFEST_NAME, REJECTED_NAME, ReleaseManifest
from logoingest.release.laws.folder import list_data_files
from logoingest.release.laws.pictures import PictureChecks
from logoingest.release.laws.rows import check_rows
from logoingest.release.laws.statistics import check_statistics
from logoingest.release.laws.violations import Law, Violation
from logoingest.version import __version__
from logoingest.workers import Workers

#: The Hub's and our own limit: readers take a row group in whole.
MAX_READ_GROUP_BYTES = 300_000_000

#: What the columns beside the picture may unpack to, a row; long lists of URLs and annotations are far below.
MAX_LIGHT_ROW_BYTES = 4 << 20

#: And all rows of a file.
MAX_LIGHT_BYTES = 4 << 30

#: A footer describes row groups and names the classes.
MAX_FOOTER_BYTES = 64 << 20

#: A row holds the hash of a picture and the picture: a file of more rows than this allows is none of ours.
LEAST_ROW_BYTES = 32


class _Place(NamedTuple):
    """A data file by its name, and its split."""

    name: str
    split: str


@dataclass
class Census:
    """What is known of all data files together."""

    keys: list[pa.Table] = field(default_factory=list)
    images: Counter[tuple[int, str]] = field(default_factory=Counter)
    rows: Counter[str] = field(default_factory=Counter)
    voters: list[pa.Array] = field(default_factory=list)
    sizes: dict[str, SplitSize] = field(default_factory=dict)
    complete: bool = True


def check_data(folder: Path, manifest: ReleaseManifest, deep: bool, census: Census) -> Iterator[Violation]:
    """Every data file by itself, then all of them together; ``census`` is filled on the way."""
    with Workers(sum(manifest.splits.values()) if deep else 0) as workers:
        pictures = PictureChecks(folder, manifest, workers)
        yield from _check_each(folder, manifest, pictures if deep else None, census)
    yield from _check_together(census, manifest)
    if deep:
        yield from pictures.check_repeats()
    if census.complete:
        yield from _check_voters(pa.chunked_array(census.voters, pa.string()), folder, manifest)


def _check_each(folder: Path, manifest: ReleaseManifest, pictures: PictureChecks | None, census: Census) -> Iterator[Violation]:
    for split, names in list_data_files(manifest).items():
        for name in names:
            path = folder / name
            if not path.is_file():
                census.complete = False
                continue
            try:
                with pq.ParquetFile(path) as file:
                    yield from _check_file(file, path, _Place(name, split), manifest, census)
                    if pictures is not None and census.complete:
                        yield from pictures.check_file(file, name, split)
            except Exception as error:  # noqa: BLE001  # whatever a damaged file makes a reader raise is the finding
                census.complete = False
                yield Violation(Law.READABLE, name, f"cannot be read: {quote_first_line(error)}")


def _check_file(file: pq.ParquetFile, path: Path, place: _Place, manifest: ReleaseManifest, census: Census) -> Iterator[Violation]:
    name, split = place
    faults = [*_check_footer(file.metadata, path.stat().st_size, name), *_check_schema(file.schema_arrow, name, manifest)]
    yield from faults
    if file.metadata.num_rows != manifest.files[name].rows:
        yield Violation(Law.ROWS, name, f"has {file.metadata.num_rows:,} rows, the manifest says {manifest.files[name].rows}")
    if any(fault.law in {Law.SCHEMA, Law.OVERSIZED, Law.ROW_GROUPS} for fault in faults):
        census.complete = False
        return
    columns = [*LIGHT_COLUMNS, *manifest.kept_columns, "image.path"]
    table = file.read(columns=columns).combine_chunks()  # parents of list items are counted by chunk
    yield from check_rows(table, name, manifest.class_ids, manifest.kept_columns)
    yield from check_statistics(file.metadata, table, name)
    _count(census, table, split)
    _measure(census, file.metadata, path, split)


def _check_footer(footer: pq.FileMetaData, size: int, name: str) -> Iterator[Violation]:
    """Nothing is read whose footer says that it would not fit."""
    if footer.serialized_size > MAX_FOOTER_BYTES:
        yield Violation(Law.OVERSIZED, name, f"has a footer of {footer.serialized_size:,} bytes")
        return
    if footer.num_rows * LEAST_ROW_BYTES > size:
        yield Violation(Law.OVERSIZED, name, f"says it holds {footer.num_rows:,} rows, in {size:,} bytes")
    light = 0
    for index in range(footer.num_row_groups):
        group = footer.row_group(index)
        if group.total_byte_size > MAX_READ_GROUP_BYTES and group.num_rows > 1:
            yield Violation(Law.ROW_GROUPS, name, f"row group {index} has {group.total_byte_size:,} bytes")
        columns = [group.column(number) for number in range(group.num_columns)]
        light += sum(column.total_uncompressed_size for column in columns if column.path_in_schema != PICTURE_LEAF)
    if light > min(MAX_LIGHT_BYTES, (footer.num_rows + 1) * MAX_LIGHT_ROW_BYTES):
        yield Violation(Law.OVERSIZED, name, f"unpacks to {light:,} bytes beside the pictures")


def _check_schema(schema: pa.Schema, name: str, manifest: ReleaseManifest) -> Iterator[Violation]:
    expected = release_schema(manifest.class_ids, manifest.kept_columns)
    if not schema.equals(expected):
        yield Violation(Law.SCHEMA, name, "has other columns or types than a release has")
        return
    features = read_feature_names(schema.metadata)
    if features != list_features(manifest.class_ids, manifest.kept_columns):
        names = features.get("label", {}).get("names") if features and isinstance(features.get("label"), dict) else None
        law = Law.CLASS_NAMES if names != manifest.class_ids else Law.FEATURES
        yield Violation(law, name, "the huggingface metadata names other classes or columns than the manifest")
    elif manifest.logoingest == __version__ and schema.metadata != expected.metadata:
        yield Violation(Law.FEATURES, name, "the metadata is not written as logoingest writes it")
    further = sorted(key.decode(errors="replace") for key in (schema.metadata or {}).keys() - {b"huggingface"})
    further += [field.name for field in schema if (field.metadata or {}).keys() - {b"PARQUET:field_id"}]
    if further:
        yield Violation(Law.FEATURES, name, f"carries further metadata: {', '.join(further)[:200]}")


def _count(census: Census, table: pa.Table, split: str) -> None:
    keys = table.select(["image_id", "group_id", "stored_sha256"])
    census.keys.append(keys.append_column("split", pa.array([split] * table.num_rows, pa.string())))
    for entry in pc.value_counts(table.column("label")).to_pylist():
        census.images[entry["values"], split] += entry["counts"]
    census.rows[split] += table.num_rows
    census.voters.append(pc.list_flatten(table.column("annotation_ids")).combine_chunks())


def _measure(census: Census, footer: pq.FileMetaData, path: Path, split: str) -> None:
    before = census.sizes.get(split, SplitSize(0, 0, 0))
    unpacked = sum(footer.row_group(index).total_byte_size for index in range(footer.num_row_groups))
    census.sizes[split] = SplitSize(before.rows + footer.num_rows, before.bytes + unpacked, before.file_bytes + path.stat().st_size)


def _check_together(census: Census, manifest: ReleaseManifest) -> Iterator[Violation]:
    if census.keys:
        keys = pa.concat_tables(census.keys)
        yield from _check_repeats(keys)
        yield from _check_groups(keys)
    if not census.complete:
        return  # what is missing or unreadable was said; figures would only repeat it
    for split, rows in manifest.splits.items():
        if census.rows[split] != rows:
            what = f"{split} has {census.rows[split]:,} pictures, the manifest says {rows:,}"
            yield Violation(Law.ROWS, MANIFEST_NAME, what)
    stated = [(index, entry.id, entry.images) for index, entry in enumerate(manifest.classes)]
    for label, class_id, images in [*stated, (SEVERAL, "several classes", manifest.multi_class_images)]:
        found = {split: census.images[label, split] for split in manifest.splits}
        if found != dict.fromkeys(manifest.splits, 0) | images:
            what = f"class {class_id[:60]}: pictures {found}, the manifest says {images}"
            yield Violation(Law.CLASS_COUNTS, MANIFEST_NAME, what)


def _check_repeats(keys: pa.Table) -> Iterator[Violation]:
    for column, what in (
        ("image_id", "pictures are there more than once"),
        ("stored_sha256", "stored pictures are there under several ids"),
    ):
        known = keys.filter(pc.is_valid(keys.column(column)))
        counted = known.group_by(column).aggregate([([], "count_all")])
        repeated = counted.filter(pc.greater(counted.column("count_all"), 1)).column(column).to_pylist()
        if repeated and column == "image_id":
            yield Violation(Law.PICTURES_ONCE, DATA_FOLDER, f"{len(repeated):,} {what}, for example {min(repeated)}")
        elif repeated:
            same = known.filter(pc.is_in(known.column(column), value_set=pa.array(repeated))).group_by(column)
            groups = same.aggregate([("group_id", "count_distinct")])
            apart = groups.filter(pc.greater(groups.column("group_id_count_distinct"), 1)).column(column).to_pylist()
            if apart:
                yield Violation(
                    Law.PIXELS_ONCE, DATA_FOLDER, f"{len(apart):,} {what} and in several groups, for example {min(apart)}"
                )


def _check_groups(keys: pa.Table) -> Iterator[Violation]:
    groups = keys.group_by("group_id").aggregate([("split", "count_distinct")])
    crossing = groups.filter(pc.greater(groups.column("split_count_distinct"), 1)).column("group_id").drop_null().to_pylist()
    if crossing:
        what = f"{len(crossing):,} near-duplicate groups lie in several splits, for example {min(crossing)}"
        yield Violation(Law.GROUPS_UNDIVIDED, DATA_FOLDER, what)
    named = pc.index_in(keys.column("group_id"), value_set=keys.column("image_id").combine_chunks())
    own = keys.column("group_id").take(named)
    strange = pc.sum(pc.not_equal(own, keys.column("group_id"))).as_py() or 0
    if strange:
        what = f"{strange:,} pictures are in the group of a picture that is itself in another"
        yield Violation(Law.GROUP_IDS, DATA_FOLDER, what)


def _check_voters(voters: pa.ChunkedArray, folder: Path, manifest: ReleaseManifest) -> Iterator[Violation]:
    """The law of conservation over the written files: a source row voted for one picture or is among the rejected, never both."""
    if len(voters) != manifest.counts.get("voted"):
        what = f"{len(voters):,} source rows voted for pictures, the manifest counts {manifest.counts.get('voted')}"
        yield Violation(Law.CONSERVATION, DATA_FOLDER, what)
    if len(pc.unique(voters)) != len(voters):
        yield Violation(Law.CONSERVATION, DATA_FOLDER, "a source row voted for several pictures")
    try:
        rejected = pq.ParquetFile(folder / REJECTED_NAME).read(columns=["annotation_id"]).column("annotation_id")
        both = pc.sum(pc.is_in(rejected, value_set=voters)).as_py()
    except (OSError, KeyError, ValueError, pa.ArrowException):
        return  # said by check_rejected
    if both:
        yield Violation(Law.CONSERVATION, REJECTED_NAME, f"{both:,} source rows voted and were rejected")
