"""Released rows → the data files of a release: row groups a trainer can take in, files of a bounded size, equal rows equal bytes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from logoingest.release.form.features import PICTURE_LEAF, REPEATING_LEAVES, SMALL_LEAVES, release_schema
from logoingest.release.form.manifest import DATA_FOLDER
from logoingest.release.writing.spool import Spool

#: No row group has more bytes of pictures than this, unless one picture alone does: readers take a group in whole.
MAX_GROUP_BYTES = 134_217_728


class RowRange(NamedTuple):
    """Rows ``start`` to ``stop`` (exclusive) of the table of released rows."""

    start: int
    stop: int


class DataFile(NamedTuple):
    """A data file to write: its name inside the release and the row groups it holds."""

    name: str
    groups: Sequence[RowRange]


def plan_files(
    split_rows: Mapping[str, int],
    lengths: npt.NDArray[np.int64],
    rows_per_group: int,
    max_file_bytes: int,
    min_files: int = 1,
) -> list[DataFile]:
    """Cut the rows into row groups and files. A split without rows has no file: ``datasets`` refuses an empty one.

    Args:
        split_rows: rows of each split, in the order in which the splits' rows come.
        lengths: the picture's bytes of each row.
        rows_per_group: rows of a group, fewer where ``MAX_GROUP_BYTES`` is reached.
        max_file_bytes: bytes of pictures at which a split goes on in a further file; a file holds one group at least.
        min_files: files of a split at least, of equally many pictures, as far as there are pictures.
    """
    files: list[DataFile] = []
    start = 0
    for split, count in split_rows.items():
        shares = min(min_files, count)
        parts = []
        for share in range(shares):
            first, stop = (start + count * number // shares for number in (share, share + 1))
            parts += _cut_files(RowRange(first, stop), lengths, rows_per_group, max_file_bytes)
        start += count
        files += [DataFile(name_file(split, number, len(parts)), groups) for number, groups in enumerate(parts)]
    return files


def _cut_files(
    rows: RowRange, lengths: npt.NDArray[np.int64], rows_per_group: int, max_file_bytes: int
) -> list[Sequence[RowRange]]:
    """The row groups of one file after the other."""
    groups = _cut(rows.start, rows.stop, lengths, rows_per_group, MAX_GROUP_BYTES)
    sizes = np.array([lengths[group.start : group.stop].sum() for group in groups], np.int64)
    return [groups[part.start : part.stop] for part in _cut(0, len(groups), sizes, len(groups), max_file_bytes)]


def name_file(split: str, number: int, count: int) -> str:
    """``data/train-00000-of-00002.parquet``: the names by which ``datasets`` tells the splits."""
    return f"{DATA_FOLDER}/{split}-{number:05d}-of-{count:05d}.parquet"


def write_file(
    path: Path, file: DataFile, rows: pa.Table, spool: Spool, class_ids: Sequence[str], *, kept: Sequence[str] = ()
) -> pq.FileMetaData:
    """Write one data file, a row group at a time; returns its footer.

    Pictures are neither compressed nor given statistics; their pages are cut by content, so that a release that shares pictures
    with an earlier one shares most of its pages with it.
    """
    schema = release_schema(class_ids, kept)
    kept_leaves = [f"{name}.list.element" for name in kept]
    with pq.ParquetWriter(
        path,
        schema,
        compression={PICTURE_LEAF: "none", **dict.fromkeys((*SMALL_LEAVES, *kept_leaves), "zstd")},
        use_dictionary=[*REPEATING_LEAVES, *kept_leaves],
        write_statistics=list(SMALL_LEAVES),
        use_content_defined_chunking=True,
        write_page_index=True,
    ) as writer:
        for group in file.groups:
            writer.write_table(_fill_group(rows, group, spool, schema), row_group_size=group.stop - group.start)
    return pq.read_metadata(path)


def _fill_group(rows: pa.Table, group: RowRange, spool: Spool, schema: pa.Schema) -> pa.Table:
    part = rows.slice(group.start, group.stop - group.start)
    pictures = pa.array([spool.read(index) for index in range(group.start, group.stop)], pa.binary())
    image = pa.StructArray.from_arrays([pictures, part.column("path").combine_chunks()], names=["bytes", "path"])
    columns = [image if name == "image" else part.column(name) for name in schema.names]
    return pa.Table.from_arrays(columns, schema=schema)


def _cut(start: int, stop: int, sizes: npt.NDArray[np.int64], max_items: int, max_bytes: int) -> list[RowRange]:
    """Cut start…stop into ranges of at most ``max_items``, and ``max_bytes`` unless one item alone is larger."""
    ranges = []
    first, held = start, 0
    for index in range(start, stop):
        size = int(sizes[index])
        if index > first and (index - first >= max_items or held + size > max_bytes):
            ranges.append(RowRange(first, index))
            first, held = index, 0
        held += size
    ranges.append(RowRange(first, stop))
    return ranges
